//! An account: one institution or one of its applications. Everything stored belongs to exactly one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::id::Id;
use super::time::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: Id,
    /// Unique, chosen by the administrator; how the command line names it.
    pub name: String,
    pub created_at: Timestamp,
    #[serde(default)]
    pub retention: Retention,
    /// A session that is closed as SUCCESS without a succeeded signup or compare goes to REVIEW.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub review_unproven: bool,
    #[serde(default, skip_serializing_if = "AccountLimits::is_default")]
    pub limits: AccountLimits,
}

/// What an account has of its own instead of the configuration's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountLimits {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
    /// Tries of a session by operation or workflow.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tries: BTreeMap<String, u32>,
}

impl AccountLimits {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// After how many days something is forgotten; `None` keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// The photos of an attempt; what was measured on them stays.
    #[serde(default)]
    pub photos_days: Option<u32>,
    /// The clips of an attempt, likewise.
    #[serde(default)]
    pub clips_days: Option<u32>,
    /// An attempt with everything in it. A user registered from it stays.
    #[serde(default)]
    pub attempts_days: Option<u32>,
}
