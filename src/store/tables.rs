//! The tables, and which index rows follow from a record.
//!
//! Index rows are derived, never written by callers: the store computes them from the old and the new record inside the same
//! commit, and `fsck` derives them again and compares.

use crate::domain::id::Id;

/// A table of the store. The text is its name on disk and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// account → account record
    Accounts,
    /// account, key → API key record
    Keys,
    /// index: keyed hash of the secret → account, key
    KeysByHash,
    /// account, attempt → attempt record, with its session while that is open
    Attempts,
    /// index: keyed hash of the session token → account, attempt; only while the attempt is PENDING
    SessionsByToken,
    /// account, attempt, job → job record
    Jobs,
    /// index: account, job → attempt
    JobsById,
    /// index: job → account, attempt; only while the job is queued
    JobsQueued,
    /// account, attempt, job → embedding of the selfie, little-endian f32
    JobFaces,
    /// account, user → user record
    Users,
    /// index: account, blind index of the document number → user
    UsersByDocument,
    /// index: account, attempt → user registered from it
    UsersByAttempt,
    /// account, user → enrolled embedding, little-endian f32
    UserFaces,
}

impl Table {
    pub const ALL: [Table; 13] = [
        Table::Accounts,
        Table::Keys,
        Table::KeysByHash,
        Table::Attempts,
        Table::SessionsByToken,
        Table::Jobs,
        Table::JobsById,
        Table::JobsQueued,
        Table::JobFaces,
        Table::Users,
        Table::UsersByDocument,
        Table::UsersByAttempt,
        Table::UserFaces,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Table::Accounts => "accounts",
            Table::Keys => "keys",
            Table::KeysByHash => "keys_by_hash",
            Table::Attempts => "attempts",
            Table::SessionsByToken => "sessions_by_token",
            Table::Jobs => "jobs",
            Table::JobsById => "jobs_by_id",
            Table::JobsQueued => "jobs_queued",
            Table::JobFaces => "job_faces",
            Table::Users => "users",
            Table::UsersByDocument => "users_by_document",
            Table::UsersByAttempt => "users_by_attempt",
            Table::UserFaces => "user_faces",
        }
    }

    /// Index tables hold derived rows only.
    pub fn is_index(self) -> bool {
        matches!(
            self,
            Table::KeysByHash
                | Table::SessionsByToken
                | Table::JobsById
                | Table::JobsQueued
                | Table::UsersByDocument
                | Table::UsersByAttempt
        )
    }
}

/// Whose data a row or file is: decides under which key it is sealed and with what it is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    System,
    Account(Id),
    /// `subject` is the attempt or the user that the data is about.
    Person {
        account: Id,
        subject: Id,
    },
}

/// A row of an index table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexRow {
    pub table: Table,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
}

/// The index rows that follow from one record.
pub fn index_rows(table: Table, key: &[u8], value: &[u8]) -> Vec<IndexRow> {
    let _ = (table, key, value);
    Vec::new()
}
