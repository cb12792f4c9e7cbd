//! API keys. The secret itself exists only in the answer that shows it once; stored is its keyed hash.

use serde::{Deserialize, Serialize};

use super::id::Id;
use super::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyRecord {
    pub id: Id,
    pub account: Id,
    /// What the administrator calls it.
    pub name: String,
    /// Keyed hash of the secret, hexadecimal.
    pub secret_hash: String,
    pub created_at: Timestamp,
    #[serde(default)]
    pub revoked_at: Option<Timestamp>,
}

impl ApiKeyRecord {
    pub fn is_live(&self) -> bool {
        self.revoked_at.is_none()
    }
}
