//! The machine-readable zone of travel documents: ICAO Doc 9303, parts 3 to 7.
//!
//! [`parse`] takes lines as they were read and says what stands in each field and which check digit holds. It never
//! corrects: a letter where a digit belongs is reported, not replaced. Only [`repair`] changes a symbol, under its own
//! narrow rule, and says so. Nothing here knows clocks or files, and only [`read`] knows pixels.

mod check;
mod ctc;
mod date;
mod dominican;
mod format;
mod latin;
mod names;
mod print;
pub mod read;
mod repair;
mod second;
mod state;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use check::{Check, Checks, digit};
pub(super) use ctc::Steps;
pub use date::{MrzDate, PartialDate};
pub use dominican::{CedulaNumber, cedula_number, luhn_passes};
pub use format::{Alphabet, FILLER, Field, Format, SYMBOLS, Span};
pub use names::{Names, transliterate};
pub use print::{CannotPrint, Contents, print};
pub use repair::{Glyph, Repair, repair};
pub use second::{Agreement, UNGUARDED, agreement};
pub use state::{State, StateKind};

/// A zone, field by field. A field's text has no fillers at its end; those within are as they stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mrz {
    pub format: Format,
    /// The lines that the fields were taken from.
    pub lines: Vec<String>,
    /// `P`, `PP`, `ID`, `V` …
    pub document_code: String,
    pub issuing_state: State,
    /// The whole number, also where it is longer than its field.
    pub document_number: String,
    pub nationality: State,
    pub birth_date: MrzDate,
    /// None where the symbol is neither of the three.
    pub sex: Option<Sex>,
    pub expiry_date: MrzDate,
    /// The passport's personal number, or the issuer's free space; without what belongs to a long document number.
    pub optional_data: String,
    /// A TD1's second free space.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub optional_data_2: String,
    pub names: Names,
    pub checks: Checks,
    /// Where a symbol stands that cannot stand there. Nothing was done about it.
    pub misplaced: Vec<Place>,
    /// Which symbols were changed after reading. A value that stands in a repaired field is a guess: it must not raise a
    /// suspicion of fraud.
    pub repaired: Vec<Repair>,
}

/// What the zone says of the holder's sex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Sex {
    Female,
    Male,
    /// A filler: not said.
    Unspecified,
}

/// A position, counted from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    pub field: Field,
    pub line: usize,
    pub column: usize,
}

/// Why lines are no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotMrz {
    /// No format has so many lines of such lengths.
    Shape,
    /// A symbol that no zone has.
    Symbol { line: usize, column: usize },
}

impl std::fmt::Display for NotMrz {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotMrz::Shape => f.write_str("these lines have the shape of no machine-readable zone"),
            NotMrz::Symbol { line, column } => {
                write!(f, "line {}, column {}: no machine-readable zone has this symbol", line + 1, column + 1)
            }
        }
    }
}

impl std::error::Error for NotMrz {}

/// What the lines say. `today` decides the centuries of the two dates, and nothing else.
pub fn parse(lines: &[&str], today: Date) -> Result<Mrz, NotMrz> {
    let zone = Zone::of(lines)?;
    let format = zone.format;
    let number = zone.document_number();
    let dates = (date::birth(&zone.text(Field::BirthDate), today), date::expiry(&zone.text(Field::ExpiryDate), today));
    Ok(Mrz {
        format,
        lines: zone.lines(),
        document_code: zone.value(Field::DocumentCode),
        issuing_state: State::of(&zone.text(Field::IssuingState)),
        nationality: State::of(&zone.text(Field::Nationality)),
        birth_date: dates.0,
        sex: match zone.text(Field::Sex).as_str() {
            "F" => Some(Sex::Female),
            "M" => Some(Sex::Male),
            "<" => Some(Sex::Unspecified),
            _ => None,
        },
        expiry_date: dates.1,
        optional_data_2: zone.value(Field::OptionalData2),
        names: Names::of(&zone.text(Field::Names)),
        checks: zone.checks(&number),
        misplaced: zone.misplaced(),
        repaired: Vec::new(),
        document_number: number.number,
        optional_data: number.optional_data,
    })
}

impl Mrz {
    /// Whether a symbol of this field, or of its check digit, was changed after reading.
    pub fn is_repaired(&self, field: Field) -> bool {
        self.repaired.iter().any(|repair| repair.field == field)
    }

    /// Whether the document had expired on that day; none where the zone gives no whole date.
    pub fn expired_on(&self, day: Date) -> Option<bool> {
        Some(self.expiry_date.date?.whole()? < day)
    }
}

/// Lines whose shape is right and whose symbols are a zone's.
#[derive(Clone)]
struct Zone {
    format: Format,
    symbols: Vec<Vec<char>>,
}

/// A document's number, and what of the optional data is not part of it.
struct Number {
    number: String,
    check: Check,
    optional_data: String,
}

impl Zone {
    fn of(lines: &[&str]) -> Result<Zone, NotMrz> {
        let symbols: Vec<Vec<char>> = lines.iter().map(|line| line.chars().collect()).collect();
        let is_visa = symbols.first().and_then(|line| line.first()) == Some(&'V');
        let fits = |format: &Format| {
            let visa = matches!(format, Format::MrvA | Format::MrvB);
            let long = |line: &Vec<char>| line.len() == format.line_length();
            symbols.len() == format.line_count()
                && symbols.iter().all(long)
                && (visa == is_visa || *format == Format::Td1)
        };
        let format = Format::ALL.into_iter().find(fits).ok_or(NotMrz::Shape)?;
        for (line, row) in symbols.iter().enumerate() {
            if let Some(column) = row.iter().position(|symbol| !SYMBOLS.contains(*symbol)) {
                return Err(NotMrz::Symbol { line, column });
            }
        }
        Ok(Zone { format, symbols })
    }

    fn lines(&self) -> Vec<String> {
        self.symbols.iter().map(|row| row.iter().collect()).collect()
    }

    /// A field as it stands; empty if the format has no such field.
    fn text(&self, field: Field) -> String {
        let Some(span) = self.format.span(field) else { return String::new() };
        let row = self.symbols.get(span.line).map(Vec::as_slice).unwrap_or_default();
        row.iter().skip(span.start).take(span.length).collect()
    }

    /// A field without the fillers at its end.
    fn value(&self, field: Field) -> String {
        self.text(field).trim_end_matches(FILLER).to_owned()
    }

    fn symbol(&self, field: Field) -> char {
        self.text(field).chars().next().unwrap_or(FILLER)
    }

    /// The number, which on cards may go on in the optional data: then a filler stands for the check digit, and the rest of
    /// the number, its check digit and a filler come first there (Doc 9303-5, note j of 4.2.2; 9303-6 alike).
    fn document_number(&self) -> Number {
        let principal = self.text(Field::DocumentNumber);
        let found = self.symbol(Field::DocumentNumberCheck);
        let optional = self.value(Field::OptionalData);
        let (rest, after) = optional.split_once(FILLER).unwrap_or((&optional, ""));
        let has_cards_fields = matches!(self.format, Format::Td1 | Format::Td2);
        if has_cards_fields && found == FILLER && !principal.contains(FILLER) {
            let mut rest: Vec<char> = rest.chars().collect();
            if let (Some(digit @ '0'..='9'), false) = (rest.pop(), rest.is_empty()) {
                let number: String = principal.chars().chain(rest).collect();
                let check = Check::of(&number, digit);
                return Number { number, check, optional_data: after.trim_start_matches(FILLER).to_owned() };
            }
        }
        let check = Check::of(&principal, found);
        Number { number: principal.trim_end_matches(FILLER).to_owned(), check, optional_data: optional.clone() }
    }

    fn checks(&self, number: &Number) -> Checks {
        let covered: String = self.format.composite_fields().iter().map(|field| self.text(*field)).collect();
        let own = |field, check| Check::or_empty(&self.text(field), self.symbol(check));
        let has = |field| self.format.span(field).is_some();
        Checks {
            document_number: number.check,
            birth_date: own(Field::BirthDate, Field::BirthDateCheck),
            expiry_date: own(Field::ExpiryDate, Field::ExpiryDateCheck),
            optional_data: has(Field::OptionalDataCheck).then(|| own(Field::OptionalData, Field::OptionalDataCheck)),
            composite: has(Field::CompositeCheck).then(|| Check::of(&covered, self.symbol(Field::CompositeCheck))),
        }
    }

    fn misplaced(&self) -> Vec<Place> {
        let mut places = Vec::new();
        for span in self.format.spans() {
            for (offset, symbol) in self.text(span.field).chars().enumerate() {
                if !span.field.alphabet().has(symbol) {
                    places.push(Place { field: span.field, line: span.line, column: span.start + offset });
                }
            }
        }
        places
    }
}
