//! Where the zone of a Dominican cédula says the cédula's number.
//!
//! From 2026 on the zone's document number is the card's serial: ten characters, so the last one and its check digit stand
//! at the beginning of the optional data, and the cédula's number of eleven digits after them. What was issued before may
//! give the cédula's number as the document's number, which is longer than nine and overflows in the same way.

use serde::{Deserialize, Serialize};

use super::Mrz;
use super::format::{Field, Format};

/// A cédula's number as the zone says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CedulaNumber {
    /// Eleven digits.
    pub number: String,
    /// Which field says it.
    pub stands_in: Field,
    /// Whether the last digit is the one that the others ask for. Hundreds of valid old numbers fail this.
    pub luhn_passes: bool,
}

/// Digits of a cédula's number.
const DIGITS: usize = 11;

/// The cédula's number, if this is the zone of a Dominican card and says one.
pub fn cedula_number(mrz: &Mrz) -> Option<CedulaNumber> {
    if mrz.format != Format::Td1 || mrz.issuing_state.code != "DOM" {
        return None;
    }
    let places = [
        (&mrz.optional_data, Field::OptionalData),
        (&mrz.document_number, Field::DocumentNumber),
        (&mrz.optional_data_2, Field::OptionalData2),
    ];
    let (number, stands_in) = places.into_iter().find(|(text, _)| is_number(text))?;
    Some(CedulaNumber { number: number.clone(), stands_in, luhn_passes: luhn_passes(number) })
}

fn is_number(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// Luhn's digit (ISO/IEC 7812-1, annex B) over a number whose last digit is the check digit. False for what is no number.
pub fn luhn_passes(number: &str) -> bool {
    let digits: Option<Vec<u32>> = number.chars().map(|digit| digit.to_digit(10)).collect();
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let weigh = |(place, digit): (usize, u32)| if place % 2 == 1 { doubled(digit) } else { digit };
    digits.is_some_and(|digits| {
        let sum: u32 = digits.into_iter().rev().enumerate().map(weigh).sum();
        !number.is_empty() && sum.is_multiple_of(10)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn luhn_as_published_numbers_show_it() {
        for number in ["40200571939", "00100000009", "00113918205"] {
            assert!(luhn_passes(number), "{number}");
        }
        for number in ["00113918204", "", "4020057193O", "40200571938"] {
            assert!(!luhn_passes(number), "{number}");
        }
    }
}
