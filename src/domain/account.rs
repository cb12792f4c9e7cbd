//! An account: one institution or one of its applications. Everything stored belongs to exactly one.

use serde::{Deserialize, Serialize};

use super::id::Id;
use super::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: Id,
    /// Unique, chosen by the administrator; how the command line names it.
    pub name: String,
    pub created_at: Timestamp,
}
