//! From a caller's commit to one that only has to be checked and written.
//!
//! Sealing and deriving index rows is done in the caller's thread; the one committer thread does as little as it can.

use super::append::Appended;
use super::error::{CommitError, StoreError};
use super::row::{self, Body};
use super::tables::{Owner, Table};
use super::{core::Shared, files::FileRef};
use crate::domain::time::Timestamp;

/// Limits on one commit, so that one caller cannot hold up all others.
const OPS_MAX: usize = 1024;
const VALUE_BYTES_MAX: usize = 16 << 20;
/// sled keeps keys in inner nodes; longer ones make its pages large (measured: pages over 128 KiB are never synced).
const KEY_BYTES_MAX: usize = 128;
/// Sealed; larger values lie in a file for the same reason.
const ROW_BYTES_MAX: usize = 4096;

/// A change to one row.
#[derive(Clone, Debug)]
pub enum Op {
    Put {
        table: Table,
        key: Vec<u8>,
        value: Vec<u8>,
        owner: Owner,
    },
    Delete {
        table: Table,
        key: Vec<u8>,
    },
    /// A new row behind all others of its table that begin with `prefix`: see `append.rs`.
    Append {
        table: Table,
        prefix: Vec<u8>,
        at: Timestamp,
        value: Vec<u8>,
        owner: Owner,
    },
}

/// What must hold for the commit to be made. Rows of index tables may be named.
#[derive(Clone, Debug)]
pub enum Expect {
    Absent(Table, Vec<u8>),
    Present(Table, Vec<u8>),
    Equal(Table, Vec<u8>, Vec<u8>),
}

/// All of it or none. Of two changes to one row the later counts.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    pub expects: Vec<Expect>,
    pub ops: Vec<Op>,
}

/// A commit whose new rows are sealed.
pub(super) struct Prepared {
    pub(super) expects: Vec<Expect>,
    pub(super) changes: Vec<Change>,
    /// Not sealed yet: their keys are known only when the commit stands in the committer's line.
    pub(super) appended: Vec<Appended>,
    /// Rows of the store's own, by full key.
    pub(super) own: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// Files made for this commit; to be removed if it is not made.
    pub(super) spilled: Vec<FileRef>,
}

impl Prepared {
    /// Whether this may be written when the disk is as good as full: it deletes, or says that much is about to be deleted.
    pub(super) fn makes_room(&self) -> bool {
        self.changes.iter().all(|change| change.stored.is_none() || change.table.makes_room())
    }
}

/// The new state of one row and of the index rows that follow from it.
pub(super) struct Change {
    pub(super) table: Table,
    pub(super) key: Vec<u8>,
    pub(super) stored: Option<Vec<u8>>,
    /// Full key and stored bytes.
    pub(super) index: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The key of a row among all tables.
pub(super) fn full_key(table: Table, key: &[u8]) -> Vec<u8> {
    [table.name().as_bytes(), &[0], key].concat()
}

pub(super) fn prepare(
    shared: &Shared,
    commit: Commit,
    own: Vec<(Vec<u8>, Option<Vec<u8>>)>,
) -> Result<Prepared, CommitError> {
    if commit.ops.len() > OPS_MAX {
        return Err(CommitError::TooLarge);
    }
    let mut prepared = Prepared {
        own,
        expects: commit.expects,
        changes: Vec::with_capacity(commit.ops.len()),
        appended: Vec::new(),
        spilled: Vec::new(),
    };
    for op in commit.ops {
        let op = match op {
            Op::Append { table, prefix, at, value, owner } if table.is_appended() => {
                prepared.appended.push(Appended { table, prefix, at, value, owner });
                continue;
            }
            other => other,
        };
        match change(shared, op, &mut prepared.spilled) {
            Ok(change) => prepared.changes.push(change),
            Err(e) => {
                discard(shared, &prepared.spilled);
                return Err(e);
            }
        }
    }
    Ok(prepared)
}

/// Removes files of a commit that was not made. The sweeper removes what this leaves.
pub(super) fn discard(shared: &Shared, spilled: &[FileRef]) {
    for file in spilled {
        let _ = shared.files.delete(&file.name);
    }
}

pub(super) fn change(shared: &Shared, op: Op, spilled: &mut Vec<FileRef>) -> Result<Change, CommitError> {
    let (Op::Put { table, ref key, .. } | Op::Delete { table, ref key }) = op else {
        return Err(CommitError::Store(StoreError::Invalid("rows are appended only to tables made for it")));
    };
    if key.len() > KEY_BYTES_MAX {
        return Err(CommitError::TooLarge);
    }
    if table.is_index() {
        return Err(CommitError::Store(StoreError::Invalid("index rows are derived, not written")));
    }
    let (table, key, value, owner) = match op {
        Op::Delete { table, key } => return Ok(Change { table, key, stored: None, index: Vec::new() }),
        Op::Put { table, key, value, owner } => (table, key, value, owner),
        Op::Append { .. } => return Err(CommitError::Store(StoreError::Invalid("rows are appended elsewhere"))),
    };
    if value.len() > VALUE_BYTES_MAX {
        return Err(CommitError::TooLarge);
    }
    let mut index = Vec::new();
    let rows = (shared.derive)(table, &value).map_err(|_| StoreError::Invalid("a record that cannot be read back"))?;
    for row in rows {
        if row.key.len() > KEY_BYTES_MAX || row.value.len() > ROW_BYTES_MAX / 2 {
            return Err(CommitError::TooLarge);
        }
        let stored = row::seal(&shared.keys, row.table, &row.key, owner, &Body::Inline(row.value))?;
        index.push((full_key(row.table, &row.key), stored));
    }
    // Owner, nonce and tag add at most 54 bytes.
    let body = if value.len() + 54 > ROW_BYTES_MAX {
        shared.room()?;
        let file = shared.files.put(&shared.keys, owner, &value)?;
        spilled.push(file.clone());
        Body::Spilled(file)
    } else {
        Body::Inline(value)
    };
    let stored = row::seal(&shared.keys, table, &key, owner, &body)?;
    Ok(Change { table, key, stored: Some(stored), index })
}
