//! Forgetting a person: the intent is written down, then rows, files and key go, then the journal and the checkpoints that still
//! hold sealed copies.
//!
//! A crash at any moment leaves the intent, and the next opening finishes the work before anybody is served.

use std::ops::Bound;

use super::commit::{Commit, Op, full_key};
use super::core::Core;
use super::erasures::{self, Erasure, person};
use super::error::StoreError;
use super::kv::Direction;
use super::people::Person;
use super::tables::{Owner, Table};
use super::{Row, Store, bounds};
use crate::domain::id::Id;
use crate::domain::time::Timestamp;

/// Rows in one commit.
const PAGE: usize = 200;

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    pub people: u64,
    pub rows: u64,
    pub files: u64,
}

impl Store {
    /// Forgets these people (account and subject): afterwards neither index, files, journal nor checkpoints yield their data.
    /// Rows are found by their key, which begins with account and subject; a row of theirs under another key reads as absent.
    pub fn forget(&self, people: &[(Id, Id)], now: Timestamp) -> Result<Forgotten, StoreError> {
        let _maintenance = self.core.maintenance();
        let entry = |(account, subject): &(Id, Id)| Erasure { account: *account, subject: *subject, at: now };
        self.core.forget_new(&people.iter().map(entry).collect::<Vec<_>>())
    }

    /// The list of all who were forgotten, signed; keep it apart from the backups.
    pub fn export_erasures(&self) -> Result<String, StoreError> {
        erasures::export(&self.core.shared.erasures.all(), &self.core.shared.keys)
    }

    /// Forgets everyone on a signed list who is not forgotten here yet.
    pub fn apply_erasures(&self, list: &str) -> Result<Forgotten, StoreError> {
        let _maintenance = self.core.maintenance();
        self.core.forget_new(&erasures::import(list, &self.core.shared.keys)?)
    }
}

impl Core {
    /// Writes the intent down and does the work, for those who are not forgotten yet.
    fn forget_new(&self, entries: &[Erasure]) -> Result<Forgotten, StoreError> {
        let known =
            |e: &Erasure| self.shared.keys.is_forgotten(Owner::Person { account: e.account, subject: e.subject });
        let entries: Vec<Erasure> = entries.iter().filter(|entry| !known(entry)).copied().collect();
        if entries.is_empty() {
            return Ok(Forgotten::default());
        }
        if self.shared.is_stopped() {
            return Err(StoreError::Stopped);
        }
        self.shared.erasures.add(&entries).inspect_err(|e| match e {
            StoreError::Full => {}
            _ => self.shared.stop(),
        })?;
        self.shared.keys.forget(&entries.iter().map(person).collect::<Vec<_>>());
        Ok(Forgotten { people: entries.len() as u64, ..self.finish_forgetting()? })
    }

    /// The work itself, for everyone who is on the list and still has a key: without a key there is nothing to forget.
    pub(super) fn finish_forgetting(&self) -> Result<Forgotten, StoreError> {
        let people = self.shared.keys.half_forgotten();
        let mut forgotten = Forgotten { people: people.len() as u64, ..Forgotten::default() };
        if people.is_empty() {
            return Ok(forgotten);
        }
        // Nothing new is sealed for them any more, but what there is can still be read, to find its index rows.
        for person in &people {
            for table in Table::ALL.into_iter().filter(|table| !table.is_index()) {
                forgotten.rows += self.delete_rows(table, *person)?;
            }
            let owner = Owner::Person { account: person.account, subject: person.subject };
            forgotten.files += self.shared.files.delete_all(owner)?;
        }
        self.shared.keys.destroy(&people).inspect_err(|_| self.shared.stop())?;
        self.checkpoint(1)?;
        Ok(forgotten)
    }

    fn delete_rows(&self, table: Table, person: Person) -> Result<u64, StoreError> {
        let prefix = [&person.account.as_bytes()[..], &person.subject.as_bytes()[..]].concat();
        let mut deleted = 0;
        loop {
            let rows = self.stored(table, None, &prefix)?;
            if rows.is_empty() {
                return Ok(deleted);
            }
            deleted += rows.len() as u64;
            let ops = rows.into_iter().map(|(key, _)| Op::Delete { table, key }).collect();
            self.commit(Commit { ops, ..Commit::default() })?;
        }
    }

    /// A page of rows as they are stored, whether or not they can be opened.
    pub(super) fn stored(&self, table: Table, after: Option<&[u8]>, prefix: &[u8]) -> Result<Vec<Row>, StoreError> {
        let (low, high) = bounds(table, prefix);
        let low = after.map_or(Bound::Included(low), |after| Bound::Excluded(full_key(table, after)));
        let pairs = self.shared.kv.range((low, Bound::Excluded(high)), Direction::Forward, PAGE)?;
        let key = |full: &[u8]| full.get(table.name().len() + 1..).unwrap_or_default().to_vec();
        Ok(pairs.into_iter().map(|(full, stored)| (key(&full), stored)).collect())
    }
}
