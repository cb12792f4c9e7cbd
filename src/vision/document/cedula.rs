//! The Dominican identity card: models of 2014 and 2026, front and back.
//!
//! The layout of 2026 is measured on the issuer's published specimen. Of the model of 2014 the order of the lines and the
//! labels are known, the geometry is not: its front is read by labels alone, but for the names, which have none.

use super::layout::{Anchor, Fit, Slot, slot};
use super::read::{Line, TextBox, Written, order};
use super::{dates, fields, labels, number, phrases};
use crate::domain::document::{Field, FieldName, Side};
use FieldName::*;

/// Which card, from which side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Card {
    Front2026,
    Back2026,
    Front2014,
    Back2014,
}

impl Card {
    pub fn model(self) -> &'static str {
        match self {
            Card::Front2026 | Card::Back2026 => "2026",
            Card::Front2014 | Card::Back2014 => "2014",
        }
    }
}

const FRONT_LABELS: &[labels::Label] = &[
    ("NUMERODECEDULA", Number),
    ("NOMBRE", GivenNames),
    ("APELLIDO", Surnames),
    ("NACIONALIDAD", Nationality),
    ("FECHADENACIMIENTO", BirthDate),
    ("LUGARDENACIMIENTO", BirthPlace),
    ("OCUPACIONUOFICIO", Occupation),
    ("OCUPACION", Occupation),
    ("ESTADOCIVIL", CivilStatus),
    ("SEXO", Sex),
    ("SANGRE", BloodType),
    ("FECHADEEXPIRACION", ExpiryDate),
    ("VIGENCIAHASTA", ExpiryDate),
];

const BACK_LABELS: &[labels::Label] = &[
    ("CEDULAANTERIOR", PreviousNumber),
    ("CEDULAANT", PreviousNumber),
    ("COLEGIOELECTORAL", PollingStation),
    ("UBICACIONDELCOLEGIO", PollingPlace),
    ("DIRECCIONDERESIDENCIA", Address),
    ("SECTOR", Sector),
    ("MUNICIPIO", Municipality),
    ("CODIGOPOSTAL", PostalCode),
    ("REGISTRODENACIMIENTO", BirthRecord),
];

const FRONT_2026: &[Slot] = &[
    slot(Number, [0.37, 0.235, 0.66, 0.29]),
    slot(GivenNames, [0.37, 0.368, 0.69, 0.45]),
    slot(Surnames, [0.37, 0.507, 0.69, 0.59]),
    slot(Nationality, [0.37, 0.642, 0.68, 0.68]),
    slot(BirthDate, [0.37, 0.738, 0.68, 0.78]),
    slot(BirthPlace, [0.37, 0.832, 0.70, 0.87]),
    slot(Occupation, [0.37, 0.927, 0.72, 0.97]),
    slot(CivilStatus, [0.71, 0.642, 0.86, 0.68]),
    slot(BloodType, [0.89, 0.642, 0.97, 0.69]),
    slot(Sex, [0.71, 0.735, 0.74, 0.775]),
    slot(ExpiryDate, [0.06, 0.925, 0.35, 0.96]),
];

const FRONT_2026_ANCHORS: &[Anchor] = &[
    ("NUMERODECEDULA", [0.37, 0.165, 0.52, 0.20]),
    ("NOMBRE", [0.37, 0.325, 0.44, 0.355]),
    ("APELLIDO", [0.37, 0.46, 0.44, 0.49]),
    ("NACIONALIDAD", [0.37, 0.598, 0.48, 0.63]),
    ("DOMINICANA", [0.37, 0.642, 0.54, 0.68]),
    ("FECHADENACIMIENTO", [0.37, 0.692, 0.535, 0.73]),
    ("LUGARDENACIMIENTO", [0.37, 0.787, 0.535, 0.825]),
    ("OCUPACIONUOFICIO", [0.37, 0.882, 0.53, 0.92]),
    ("ESTADOCIVIL", [0.71, 0.598, 0.81, 0.63]),
    ("VIGENCIAHASTA", [0.06, 0.928, 0.32, 0.96]),
    ("JUNTACENTRALELECTORAL", [0.385, 0.065, 0.66, 0.11]),
];

const BACK_2026: &[Slot] = &[
    slot(PreviousNumber, [0.02, 0.08, 0.19, 0.12]),
    slot(BirthRecord, [0.02, 0.373, 0.34, 0.41]),
    slot(PollingStation, [0.55, 0.0715, 0.88, 0.1075]),
    slot(PollingPlace, [0.55, 0.1545, 0.88, 0.2735]),
    slot(Address, [0.55, 0.3205, 0.88, 0.398]),
    slot(Sector, [0.55, 0.445, 0.88, 0.481]),
    slot(Municipality, [0.55, 0.528, 0.88, 0.564]),
];

const BACK_2026_ANCHORS: &[Anchor] = &[
    ("CEDULAANTERIOR", [0.02, 0.03, 0.15, 0.06]),
    ("REGISTRODENACIMIENTO", [0.02, 0.33, 0.21, 0.37]),
    ("COLEGIOELECTORAL", [0.55, 0.03, 0.70, 0.066]),
    ("UBICACIONDELCOLEGIO", [0.55, 0.113, 0.75, 0.149]),
    ("DIRECCIONDERESIDENCIA", [0.55, 0.279, 0.75, 0.315]),
    ("MUNICIPIO", [0.55, 0.4865, 0.65, 0.5225]),
];

/// Small values that text detection may miss: they are read where they must stand.
const FORCED: &[FieldName] = &[Number, Sex, BloodType];

/// Which model a side is of, by phrases that only one has, and where those do not tell by its layout.
pub fn card(lines: &[Line], side: Side, layout: Option<&str>) -> Card {
    let (old, new): (&[&str], &[&str]) = match side {
        Side::Front => (
            &["FECHADEEXPIRACION", "SANGRE", "REPUBLICADOMINICANA", "OCUPACION"],
            &["VIGENCIAHASTA", "NUMERODECEDULA", "OCUPACIONUOFICIO", "APELLIDO", "NOMBRE", "FIRMA"],
        ),
        Side::Back => (&["CODIGOPOSTAL", "PRESIDENTEJCE", "CEDULAANT"], &["CEDULAANTERIOR", "SECTOR"]),
    };
    let holds = |phrase: &&&str| lines.iter().any(|line| phrases::find(&line.written, phrase).is_some());
    let (old, new) = (old.iter().filter(holds).count(), new.iter().filter(holds).count());
    let is_old = old > new || (old == new && layout == Some(Card::Front2014.model()));
    match (side, is_old) {
        (Side::Front, true) => Card::Front2014,
        (Side::Front, false) => Card::Front2026,
        (Side::Back, true) => Card::Back2014,
        (Side::Back, false) => Card::Back2026,
    }
}

/// What the printed text says, and the places that must be read although no text was found there.
pub fn read(card: Card, lines: &[Line], size: (u32, u32)) -> (Vec<Field>, Vec<(FieldName, TextBox)>) {
    match card {
        Card::Front2026 => {
            let fit = Fit::find(lines, FRONT_2026_ANCHORS, size);
            let mut found = by_place(lines, FRONT_2026, FRONT_LABELS, &fit);
            found.extend(lines.iter().filter_map(|line| number::find(line, Number)));
            once(&mut found);
            let missing = FRONT_2026.iter().filter(|slot| FORCED.contains(&slot.name));
            let missing = missing.filter(|slot| found.iter().all(|field| field.name != slot.name));
            let missing = missing.map(|slot| (slot.name, fit.force(slot))).collect();
            (found, missing)
        }
        Card::Back2026 => {
            let fit = Fit::find(lines, BACK_2026_ANCHORS, size);
            (by_place(lines, BACK_2026, BACK_LABELS, &fit), Vec::new())
        }
        Card::Front2014 => {
            let mut found = front_2014(lines);
            once(&mut found);
            (found, Vec::new())
        }
        Card::Back2014 => (by_label(lines, BACK_LABELS), Vec::new()),
    }
}

/// Every value of a field once. Two numbers on one card are both told: then neither can be confirmed.
fn once(fields: &mut Vec<Field>) {
    let mut seen: Vec<(FieldName, String)> = Vec::new();
    fields.retain(|field| {
        let new = !seen.iter().any(|(name, value)| *name == field.name && (*name != Number || *value == field.value));
        seen.push((field.name, field.value.clone()));
        new
    });
}

/// A forced reading as a field, if it makes sense there.
pub fn forced(name: FieldName, line: &Line) -> Option<Field> {
    value(name, &[line])
}

fn by_place(lines: &[Line], slots: &[Slot], labels: &[labels::Label], fit: &Fit) -> Vec<Field> {
    let is_value = |line: &&Line| !labels::is_label(&line.written, labels);
    let of_slot = |slot: &Slot| {
        let found: Vec<&Line> = fit.lines(lines, slot).into_iter().filter(is_value).collect();
        value(slot.name, &found)
    };
    slots.iter().filter_map(of_slot).collect()
}

fn by_label(lines: &[Line], labels: &[labels::Label]) -> Vec<Field> {
    labels::under(lines, labels).into_iter().filter_map(|(name, found)| value(name, &found)).collect()
}

/// Labels stand beside their values; the number stands alone above them, the names below.
fn front_2014(lines: &[Line]) -> Vec<Field> {
    let rows = order::rows(lines.iter().filter(|line| !line.place.is_upright()));
    let mut found: Vec<Field> = Vec::new();
    let mut last_label = None;
    for (index, row) in rows.iter().enumerate() {
        let text = fields::joined(row.iter().map(|line| &line.written));
        for (name, written) in labels::beside(&text, FRONT_LABELS) {
            found.extend(understood(name, &written));
            last_label = Some(index);
        }
    }
    found.extend(lines.iter().filter_map(|line| number::find(line, Number)));
    // Given names, then surnames, at the left below the last label.
    let left = rows.iter().flatten().filter(|line| phrases::find(&line.written, "LUGARDENACIMIENTO").is_some());
    let left = left.map(|line| (line.place.left(), line.place.height)).next();
    if let (Some(last), Some((left, height))) = (last_label, left) {
        let below = rows.iter().skip(last + 1).filter_map(|row| {
            let first = row.first().filter(|line| (line.place.left() - left).abs() < 3.0 * height)?;
            // What stands far to the right of a name is not part of it.
            let near = row.iter().scan(first.place.right(), |end, line| {
                let gap = line.place.left() - *end;
                *end = line.place.right();
                (gap < 2.0 * first.place.height).then_some(&line.written)
            });
            Some(fields::joined(near))
        });
        for (name, written) in [GivenNames, Surnames].into_iter().zip(below) {
            found.extend(understood(name, &written));
        }
    }
    found
}

/// Lines of one value as a field.
fn value(name: FieldName, lines: &[&Line]) -> Option<Field> {
    match name {
        Number | PreviousNumber => lines.iter().find_map(|line| number::find(line, name)),
        _ => understood(name, &fields::joined(lines.iter().map(|line| &line.written))),
    }
}

/// Text as a field; `None` if it is not what this field can hold.
fn understood(name: FieldName, written: &Written) -> Option<Field> {
    match name {
        Number | PreviousNumber => None,
        BirthDate | ExpiryDate => {
            let date = dates::find(written)?;
            Some(fields::understood(name, date.iso(), date.confidence))
        }
        Sex => {
            let glyph = written.glyphs.iter().find(|glyph| matches!(glyph.char, 'F' | 'M' | 'f' | 'm'))?;
            Some(fields::understood(name, glyph.char.to_ascii_uppercase().to_string(), glyph.confidence))
        }
        BloodType => blood_type(written),
        _ => {
            let field = fields::printed(name, written);
            (field.value.chars().filter(|c| c.is_alphanumeric()).count() >= 2).then_some(field)
        }
    }
}

/// Group and rhesus factor; a zero is an O.
fn blood_type(written: &Written) -> Option<Field> {
    let text: String = written.text.chars().filter(|c| *c != ' ').map(|c| if c == '0' { 'O' } else { c }).collect();
    let types = ["AB+", "AB-", "A+", "A-", "B+", "B-", "O+", "O-"];
    let found = types.into_iter().find(|kind| text.contains(kind))?;
    Some(fields::understood(BloodType, found.to_owned(), written.confidence()))
}
