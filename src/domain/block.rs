//! An entry of an account's block-list: a document number, a face, or both, that no sign-up is to pass with.

use serde::{Deserialize, Serialize};

use super::id::Id;
use super::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    pub id: Id,
    pub account: Id,
    /// Blind index of the number, hexadecimal; the number itself is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_index: Option<String>,
    /// Whether a face is kept with it.
    pub has_face: bool,
    /// The administrator's own words, for the one who reads the list in two years.
    pub reason: String,
    pub created_at: Timestamp,
}
