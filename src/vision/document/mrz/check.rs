//! Check digits: ICAO Doc 9303-3, section 4.9.
//!
//! They guard against misreading, not against forgery, and never cover names, nationality and sex.

use serde::{Deserialize, Serialize};

use super::format::{FILLER, SYMBOLS};

/// One check digit: what stands there, and what belongs there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    pub found: char,
    pub expected: char,
    pub passes: bool,
}

/// Every check digit of the zone, one by one; none where the format has no such digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checks {
    pub document_number: Check,
    pub birth_date: Check,
    pub expiry_date: Check,
    /// A passport's personal number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional_data: Option<Check>,
    /// Absent from visas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub composite: Option<Check>,
}

impl Checks {
    pub fn all_pass(&self) -> bool {
        let given = [Some(self.document_number), Some(self.birth_date), Some(self.expiry_date)];
        given.into_iter().chain([self.optional_data, self.composite]).flatten().all(|check| check.passes)
    }
}

impl Check {
    /// Of a field whose digit must be there.
    pub fn of(text: &str, found: char) -> Check {
        let expected = digit(text);
        Check { found, expected, passes: found == expected }
    }

    /// Of a field that may be empty: then a filler stands for zero (Doc 9303-4, 4.2.2.2; used alike where a whole date is
    /// unknown).
    pub fn or_empty(text: &str, found: char) -> Check {
        let check = Check::of(text, found);
        let empty = found == FILLER && text.chars().all(|symbol| symbol == FILLER);
        Check { passes: check.passes || empty, ..check }
    }
}

/// The check digit of a text: weights 7, 3, 1, modulo 10.
///
/// Symbols outside the alphabet count as zero; the parser lets none through.
pub fn digit(text: &str) -> char {
    let weights = [7, 3, 1].into_iter().cycle();
    let sum: u32 = text.chars().zip(weights).map(|(symbol, weight)| weight * value(symbol)).sum();
    char::from_digit(sum % 10, 10).unwrap_or('0')
}

/// 0 to 9 as they are, A to Z as 10 to 35, the filler as 0.
fn value(symbol: char) -> u32 {
    match symbol.to_digit(36) {
        Some(value) if SYMBOLS.contains(symbol) => value,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_examples() {
        // Doc 9303-3, section 4.9, and its appendix A.
        assert_eq!(digit("520727"), '3');
        assert_eq!(digit("AB2134<<<"), '5');
        assert_eq!(digit("HA672242<658022549601086<<<<<<<<<<<<<<0"), '8', "composite of a TD3");
        assert_eq!(digit("HA672242<658022549601086<<<<<<<"), '8', "composite of a TD2");
        assert_eq!(digit("D231458907<<<<<<<<<<<<<<<34071279507122<<<<<<<<<<<"), '2', "composite of a TD1");
    }

    #[test]
    fn a_filler_stands_for_zero_in_an_empty_field_only() {
        assert!(Check::or_empty("<<<<", '<').passes);
        assert!(Check::or_empty("<<<<", '0').passes);
        assert!(!Check::or_empty("<<<1", '<').passes);
        assert!(!Check::of("<<<<", '<').passes);
    }
}
