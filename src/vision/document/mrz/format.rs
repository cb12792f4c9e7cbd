//! Where each field stands: the five layouts of ICAO Doc 9303, parts 4 to 7, as tables.
//!
//! The spans of a format cover each of its positions exactly once.

use serde::{Deserialize, Serialize};

/// Which document carries the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Format {
    /// A card: three lines of 30 (part 5).
    #[serde(rename = "TD1")]
    Td1,
    /// A larger card: two lines of 36 (part 6).
    #[serde(rename = "TD2")]
    Td2,
    /// A passport: two lines of 44 (part 4).
    #[serde(rename = "TD3")]
    Td3,
    /// A full-page visa: two lines of 44 (part 7). Like the smaller one, it has no composite check digit.
    #[serde(rename = "MRV-A")]
    MrvA,
    /// A smaller visa: two lines of 36 (part 7).
    #[serde(rename = "MRV-B")]
    MrvB,
}

/// What stands at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Field {
    DocumentCode,
    IssuingState,
    Names,
    DocumentNumber,
    DocumentNumberCheck,
    Nationality,
    BirthDate,
    BirthDateCheck,
    Sex,
    ExpiryDate,
    ExpiryDateCheck,
    /// The personal number of a passport; with cards and visas, the issuer's free space.
    OptionalData,
    /// Passports only.
    OptionalDataCheck,
    /// The free space on a TD1's second line.
    OptionalData2,
    CompositeCheck,
}

/// Which symbols may stand at a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// `A` to `Z` and the filler.
    Letters,
    /// `0` to `9` and the filler.
    Digits,
    /// `M`, `F` and the filler.
    Sex,
    Any,
}

/// A field's place: `length` symbols from `start` on `line`, all counted from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub field: Field,
    pub line: usize,
    pub start: usize,
    pub length: usize,
}

const fn at(field: Field, line: usize, start: usize, length: usize) -> Span {
    Span { field, line, start, length }
}

/// What all formats of two lines have in common: all but the end of the second line.
fn two_lines(length: usize) -> [Span; 11] {
    use Field::*;
    [
        at(DocumentCode, 0, 0, 2),
        at(IssuingState, 0, 2, 3),
        at(Names, 0, 5, length - 5),
        at(DocumentNumber, 1, 0, 9),
        at(DocumentNumberCheck, 1, 9, 1),
        at(Nationality, 1, 10, 3),
        at(BirthDate, 1, 13, 6),
        at(BirthDateCheck, 1, 19, 1),
        at(Sex, 1, 20, 1),
        at(ExpiryDate, 1, 21, 6),
        at(ExpiryDateCheck, 1, 27, 1),
    ]
}

/// The filler: nothing stands here, or names and numbers are parted here.
pub const FILLER: char = '<';

/// Symbols of a machine-readable zone, in the order of their values in check digits; the filler counts as zero.
pub const SYMBOLS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<";

impl Format {
    pub const ALL: [Format; 5] = [Format::Td1, Format::Td2, Format::Td3, Format::MrvA, Format::MrvB];

    pub fn line_count(self) -> usize {
        if self == Format::Td1 { 3 } else { 2 }
    }

    pub fn line_length(self) -> usize {
        match self {
            Format::Td1 => 30,
            Format::Td2 | Format::MrvB => 36,
            Format::Td3 | Format::MrvA => 44,
        }
    }

    pub fn has_composite(self) -> bool {
        self.span(Field::CompositeCheck).is_some()
    }

    /// Which symbols may stand at each place of a line.
    pub fn alphabets(self, line: usize) -> Vec<Alphabet> {
        let mut alphabets = vec![Alphabet::Any; self.line_length()];
        for span in self.spans().filter(|span| span.line == line) {
            let places = alphabets.iter_mut().skip(span.start).take(span.length);
            places.for_each(|alphabet| *alphabet = span.field.alphabet());
        }
        alphabets
    }

    /// Every field of this format.
    pub fn spans(self) -> impl Iterator<Item = Span> {
        use Field::*;
        let (head, rest): ([Span; 11], &'static [Span]) = match self {
            Format::Td1 => (
                [
                    at(DocumentCode, 0, 0, 2),
                    at(IssuingState, 0, 2, 3),
                    at(DocumentNumber, 0, 5, 9),
                    at(DocumentNumberCheck, 0, 14, 1),
                    at(OptionalData, 0, 15, 15),
                    at(BirthDate, 1, 0, 6),
                    at(BirthDateCheck, 1, 6, 1),
                    at(Sex, 1, 7, 1),
                    at(ExpiryDate, 1, 8, 6),
                    at(ExpiryDateCheck, 1, 14, 1),
                    at(Nationality, 1, 15, 3),
                ],
                &const { [at(OptionalData2, 1, 18, 11), at(CompositeCheck, 1, 29, 1), at(Names, 2, 0, 30)] },
            ),
            Format::Td2 => (two_lines(36), &const { [at(OptionalData, 1, 28, 7), at(CompositeCheck, 1, 35, 1)] }),
            Format::Td3 => (
                two_lines(44),
                &const { [at(OptionalData, 1, 28, 14), at(OptionalDataCheck, 1, 42, 1), at(CompositeCheck, 1, 43, 1)] },
            ),
            Format::MrvA => (two_lines(44), &const { [at(OptionalData, 1, 28, 16)] }),
            Format::MrvB => (two_lines(36), &const { [at(OptionalData, 1, 28, 8)] }),
        };
        head.into_iter().chain(rest.iter().copied())
    }

    /// Where a field stands, if this format has it.
    pub fn span(self, field: Field) -> Option<Span> {
        self.spans().find(|span| span.field == field)
    }

    /// What the composite digit covers, in its order: number, dates and optional data with their check digits, but not
    /// nationality, sex and names.
    pub fn composite_fields(self) -> &'static [Field] {
        use Field::*;
        match self {
            Format::Td1 => &[
                DocumentNumber,
                DocumentNumberCheck,
                OptionalData,
                BirthDate,
                BirthDateCheck,
                ExpiryDate,
                ExpiryDateCheck,
                OptionalData2,
            ],
            Format::Td2 | Format::Td3 => &[
                DocumentNumber,
                DocumentNumberCheck,
                BirthDate,
                BirthDateCheck,
                ExpiryDate,
                ExpiryDateCheck,
                OptionalData,
                OptionalDataCheck,
            ],
            Format::MrvA | Format::MrvB => &[],
        }
    }
}

impl Field {
    /// What may stand in this field.
    pub fn alphabet(self) -> Alphabet {
        use Field::*;
        match self {
            DocumentCode | IssuingState | Names | Nationality => Alphabet::Letters,
            BirthDate | ExpiryDate => Alphabet::Digits,
            DocumentNumberCheck | BirthDateCheck | ExpiryDateCheck | OptionalDataCheck | CompositeCheck => {
                Alphabet::Digits
            }
            Sex => Alphabet::Sex,
            DocumentNumber | OptionalData | OptionalData2 => Alphabet::Any,
        }
    }
}

impl Alphabet {
    pub fn has(self, symbol: char) -> bool {
        match self {
            Alphabet::Letters => symbol.is_ascii_uppercase() || symbol == FILLER,
            Alphabet::Digits => symbol.is_ascii_digit() || symbol == FILLER,
            Alphabet::Sex => matches!(symbol, 'M' | 'F' | FILLER),
            Alphabet::Any => SYMBOLS.contains(symbol),
        }
    }
}
