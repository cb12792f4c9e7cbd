//! The printed zone of a passport's data page: labels in two languages, each value under its own (ICAO Doc 9303, part 4).
//!
//! Layouts differ from state to state, so only labels tell what a value is. The machine-readable zone says most of it again.

use super::read::{Line, Written};
use super::{dates, fields, labels, number};
use crate::domain::document::{Field, FieldName};
use FieldName::*;

const LABELS: &[labels::Label] = &[
    ("NODEPASAPORTE", Number),
    ("PASAPORTENO", Number),
    ("PASSPORTNO", Number),
    ("APELLIDOS", Surnames),
    ("SURNAME", Surnames),
    ("NOMBRES", GivenNames),
    ("GIVENNAMES", GivenNames),
    ("NACIONALIDAD", Nationality),
    ("NATIONALITY", Nationality),
    ("FECHADENACIMIENTO", BirthDate),
    ("DATEOFBIRTH", BirthDate),
    ("LUGARDENACIMIENTO", BirthPlace),
    ("PLACEOFBIRTH", BirthPlace),
    ("SEXOSEX", Sex),
    ("FECHADEEXPEDICION", IssueDate),
    ("DATEOFISSUE", IssueDate),
    ("FECHADEVENCIMIENTO", ExpiryDate),
    ("DATEOFEXPIRY", ExpiryDate),
    ("CODIGODELPAIS", IssuingState),
    ("COUNTRYCODE", IssuingState),
    ("PERSONALNO", PersonalNumber),
    ("AUTORIDAD", Authority),
    ("AUTHORITY", Authority),
];

/// What the printed text says.
pub fn read(lines: &[Line]) -> Vec<Field> {
    let mut found: Vec<Field> = Vec::new();
    for (name, value) in labels::under(lines, LABELS) {
        let Some(first) = value.first() else { continue };
        let field = match name {
            // Every value of a passport fits on one line.
            PersonalNumber => number::find(first, PersonalNumber).or_else(|| text(name, &first.written)),
            _ => text(name, &first.written),
        };
        // Two labels of one value, read as two lines, lead to the same value.
        found.extend(field.filter(|field| found.iter().all(|other| other.name != field.name)));
    }
    found
}

fn text(name: FieldName, written: &Written) -> Option<Field> {
    match name {
        BirthDate | ExpiryDate | IssueDate => {
            let date = dates::find(written)?;
            Some(fields::understood(name, date.iso(), date.confidence))
        }
        Sex => {
            let glyph = written.glyphs.iter().find(|glyph| matches!(glyph.char, 'F' | 'M' | 'X'))?;
            Some(fields::understood(name, glyph.char.to_string(), glyph.confidence))
        }
        Number => {
            let glyphs = written.glyphs.iter().filter(|glyph| glyph.char.is_ascii_alphanumeric()).copied().collect();
            let field = fields::printed(name, &Written::of(glyphs));
            let has_digits = field.value.chars().filter(char::is_ascii_digit).count() >= 4;
            (has_digits && (6..=12).contains(&field.value.len())).then_some(field)
        }
        _ => {
            let field = fields::printed(name, written);
            (field.value.chars().filter(|c| c.is_alphanumeric()).count() >= 2).then_some(field)
        }
    }
}
