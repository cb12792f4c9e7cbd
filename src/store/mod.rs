//! The only durable thing.
//!
//! Everything above this layer sees [`Store::get`], [`Store::scan`], [`Store::commit`] and the sealed files; nothing above it
//! knows what lies beneath. A commit that has returned is on the disk.
//!
//! ```text
//! lock            held by the process that has the store open
//! keys            root and account keys, wrapped under the master key; rewritten whole
//! people.keys     one slot per person, wrapped under the account's key; overwritten in place
//! journal/        the truth: one sealed frame per batch of commits, numbered without a gap
//! reached         a record that the journal has held: one that ends earlier was cut
//! checkpoint/     all rows at one moment; the journal before the older of two is removed
//! index/          sled: all rows, sealed; rebuilt from the two above on any doubt
//! index.aside/    the last index that was not believed
//! files/          sealed photos and large values, under names that tell nothing
//! erasures        who was forgotten: ids and times
//! ```

mod append;
mod backup;
mod checkpoint;
mod commit;
mod committer;
mod core;
mod disk;
mod erasures;
mod error;
mod export;
mod files;
mod forget;
mod frame;
mod fsck;
mod journal;
mod keys;
mod kv;
mod master;
mod migrate;
mod open;
mod people;
mod recover;
mod row;
mod scribe;
mod state;
mod sweep;
pub mod tables;
#[cfg(test)]
mod tests;

use std::ops::Bound;
use std::sync::Arc;

pub use backup::{BackupReport, restore, verify_backup};
pub use commit::{Commit, Expect, Op};
pub use erasures::Erasure;
pub use error::{CommitError, OpenError, StoreError};
pub use export::ExportError;
pub use files::FileRef;
pub use forget::Forgotten;
pub use fsck::{FsckReport, fsck};
pub use master::{MasterKey, Passphrase};
pub use open::{OpenOptions, OpenReport};
use tables::{Owner, Table};

use self::core::Core;
use crate::crypto::SigningKey;
use crate::domain::id::Id;
use kv::Direction;

/// A row: its key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// A handle on the open store; clones share it. Closed when the last one is dropped.
#[derive(Clone)]
pub struct Store {
    // Dropped first: the threads must have ended before the folder is unlocked.
    _threads: Arc<open::Threads>,
    core: Core,
}

impl Store {
    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let stored = || self.core.shared.kv.get(&commit::full_key(table, key));
        let mut last = stored()?;
        loop {
            let Some(row) = &last else { return Ok(None) };
            match self.core.shared.unspill(row::open(&self.core.shared.keys, table, key, row)?) {
                // A large row's file goes when the row is replaced: only if the row is still the same is that a loss.
                Err(lost) => {
                    let again = stored()?;
                    if again == last {
                        return Err(lost);
                    }
                    last = again;
                }
                value => return value,
            }
        }
    }

    /// How many rows a table has. Known, not counted: it costs the same for any number.
    pub fn count(&self, table: Table) -> Result<u64, StoreError> {
        let state = self.core.shared.kv.get(state::STATE_KEY)?.and_then(|bytes| state::State::decode(&bytes));
        let summary = state.and_then(|state| state.tables.get(table.name().as_bytes()).copied());
        Ok(summary.map_or(0, |summary| summary.rows))
    }

    /// Up to `limit` rows in the order of their keys, those strictly after `after`.
    pub fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let (low, high) = bounds(table, prefix);
        let after = after.map(|after| commit::full_key(table, after)).filter(|after| *after >= low);
        let low = after.map_or(Bound::Included(low), Bound::Excluded);
        self.rows(table, (low, Bound::Excluded(high)), Direction::Forward, limit)
    }

    /// The same from the end, newest first: those strictly before `before`.
    pub fn scan_back(
        &self,
        table: Table,
        prefix: &[u8],
        before: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let (low, high) = bounds(table, prefix);
        let high = before.map(|before| commit::full_key(table, before)).map_or(high.clone(), |before| before.min(high));
        self.rows(table, (Bound::Included(low), Bound::Excluded(high)), Direction::Backward, limit)
    }

    /// Makes the commit, or nothing of it. Durable when it returns.
    pub fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        self.core.commit(commit)
    }

    /// Rows appended from here on are numbered beyond `id`, which something outside the store has seen.
    pub fn number_beyond(&self, id: Id) {
        self.core.shared.numbers.lock().raise(id);
    }

    /// After a failed write or sync nothing more is committed; the process should end and be started again.
    pub fn is_stopped(&self) -> bool {
        self.core.shared.is_stopped()
    }

    /// Wraps all keys under a new master key; the data is not touched. The old key opens the store no more.
    pub fn rotate_master_key(&self, new: &MasterKey) -> Result<(), OpenError> {
        self.core.shared.keys.rotate(new)
    }

    /// A keyed hash by which a number or a name can be looked up without being stored.
    pub fn blind(&self, account: Id, purpose: &str, text: &str) -> [u8; 32] {
        self.core.shared.keys.blind(account, purpose, text)
    }

    /// A key that belongs to this store and signs for one purpose alone. It outlives a change of the master key.
    pub fn signing_key(&self, purpose: &str) -> Option<SigningKey> {
        SigningKey::from_seed(&self.core.shared.keys.root(purpose))
    }

    /// Durable when it returns; until a commit refers to it, a restart may sweep it away.
    pub fn put_file(&self, owner: Owner, bytes: &[u8]) -> Result<FileRef, StoreError> {
        self.core.shared.room()?;
        self.core.shared.files.put(&self.core.shared.keys, owner, bytes)
    }

    /// Checked against its reference.
    pub fn get_file(&self, file: &FileRef) -> Result<Vec<u8>, StoreError> {
        self.core.shared.files.get(&self.core.shared.keys, file)
    }

    pub fn delete_file(&self, file: &FileRef) -> Result<(), StoreError> {
        self.core.shared.files.delete(&file.name)
    }

    fn rows(
        &self,
        table: Table,
        bounds: (Bound<Vec<u8>>, Bound<Vec<u8>>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let pairs = self.core.shared.kv.range(bounds, direction, limit)?;
        let mut rows = Vec::with_capacity(pairs.len());
        for (full, stored) in pairs {
            let key = full.get(table.name().len() + 1..).unwrap_or_default().to_vec();
            let value = match self.core.shared.unspill(row::open(&self.core.shared.keys, table, &key, &stored)?) {
                // Replaced since the range was read.
                Err(_) => self.get(table, &key)?,
                Ok(value) => value,
            };
            rows.extend(value.map(|value| (key, value)));
        }
        Ok(rows)
    }
}

/// The first full key with this prefix, and the first after all of them.
fn bounds(table: Table, prefix: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let low = commit::full_key(table, prefix);
    let mut high = low.clone();
    // A table's name holds no 0xff, so there always is a key after the prefix.
    while high.pop_if(|last| *last == u8::MAX).is_some() {}
    if let Some(last) = high.last_mut() {
        *last += 1;
    }
    (low, high)
}
