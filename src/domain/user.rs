//! A registered person, known to the account by a document number.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::id::Id;
use super::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DocumentType {
    Cedula,
    Passport,
}

impl DocumentType {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "CEDULA" => Some(Self::Cedula),
            "PASSPORT" => Some(Self::Passport),
            _ => None,
        }
    }
}

/// The number of an identity document as the client wrote it: 1 to 64 characters with at least one letter or digit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocumentNumber(String);

impl DocumentNumber {
    /// What a text must be to be one.
    pub const MUST: &str = "be 1 to 64 characters with a letter or digit";

    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (1..=64).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        (fits && text.chars().any(char::is_alphanumeric)).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two spellings of one number share: `001-1234567-8` and `00112345678` are the same person.
    pub fn canonical(&self) -> String {
        self.0.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub id: Id,
    pub account: Id,
    pub document_id: DocumentNumber,
    /// Blind index of the canonical number, hexadecimal: what look-ups go through.
    pub document_index: String,
    pub document_type: DocumentType,
    /// The client's own object, returned as it came.
    pub metadata: Map<String, Value>,
    /// The attempt that it was registered from.
    pub attempt: Id,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub version: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_number_agree_and_nonsense_is_refused() {
        let dashed = DocumentNumber::parse(" 001-1234567-8 ").unwrap();
        let plain = DocumentNumber::parse("00112345678").unwrap();
        assert_eq!(dashed.as_str(), "001-1234567-8");
        assert_eq!(dashed.canonical(), plain.canonical());
        assert_eq!(DocumentNumber::parse("sc123").unwrap().canonical(), "SC123");
        for bad in ["", "   ", "---", "a\nb", &"1".repeat(65)] {
            assert_eq!(DocumentNumber::parse(bad), None, "{bad:?}");
        }
    }
}
