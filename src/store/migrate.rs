//! Forward-only changes of stored records, made when the store is opened: in bounded batches, after a checkpoint, going on where
//! a crash interrupted them.
//!
//! The schema is the number of migrations that the data has been through. Data that has been through more than this program
//! knows is refused.

use super::Store;
use super::commit::{Commit, Op};
use super::core::Core;
use super::error::{OpenError, StoreError};
use super::row;
use super::tables::{BadRecord, Table};

const SCHEMA_KEY: &[u8] = b"\0schema";
/// How far the migration that is under way has come: its table's last key.
const PROGRESS_KEY: &[u8] = b"\0migrating";

/// Rewrites every record of one table. `tables::index_rows` must still read what it is given, and what it gives.
#[derive(Clone, Copy)]
pub(super) struct Migration {
    pub(super) table: Table,
    pub(super) convert: fn(&[u8]) -> Result<Vec<u8>, BadRecord>,
}

/// All that there ever were, oldest first; only ever added to.
pub(super) const MIGRATIONS: &[Migration] = &[
    // Written again as they are: the index of attempts in review follows from it.
    Migration { table: Table::Attempts, convert: |record| Ok(record.to_vec()) },
];

impl Store {
    /// Returns how many records were rewritten.
    pub(super) fn migrate(&self, migrations: &[Migration]) -> Result<u64, OpenError> {
        let core = &self.core;
        let schema = core.shared.kv.get(SCHEMA_KEY).map_err(StoreError::from)?;
        let done = match schema {
            Some(bytes) => bytes.try_into().map(u32::from_be_bytes).map_err(|_| damaged())?,
            None => 0,
        };
        let total = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
        if done > total {
            return Err(OpenError::Newer { file: core.shared.dir.clone(), version: done });
        }
        let waiting = migrations.iter().zip(1..).skip(usize::try_from(done).unwrap_or(usize::MAX));
        let mut rewritten = 0;
        for (migration, number) in waiting {
            if core.shared.kv.get(PROGRESS_KEY).map_err(StoreError::from)?.is_none() {
                self.checkpoint()?;
            }
            rewritten += core.migrate(migration)?;
            let schema = (SCHEMA_KEY.to_vec(), Some(u32::to_be_bytes(number).to_vec()));
            core.commit_raw(Commit::default(), vec![schema, (PROGRESS_KEY.to_vec(), None)])
                .map_err(StoreError::from)?;
        }
        Ok(rewritten)
    }
}

impl Core {
    fn migrate(&self, migration: &Migration) -> Result<u64, StoreError> {
        let table = migration.table;
        let mut after = self.shared.kv.get(PROGRESS_KEY)?;
        let mut rewritten = 0;
        loop {
            let (mut ops, mut last) = (Vec::new(), None);
            for (key, stored) in self.stored(table, after.as_deref(), &[])? {
                let value = self.shared.unspill(row::open(&self.shared.keys, table, &key, &stored)?)?;
                last = Some(key.clone());
                // A forgotten person's row stays as unreadable as it is.
                let (Some(value), Some(owner)) = (value, row::owner(&stored)) else { continue };
                let value = (migration.convert)(&value).map_err(|_| damaged())?;
                ops.push(Op::Put { table, key, value, owner });
            }
            let Some(last) = last else { return Ok(rewritten) };
            rewritten += ops.len() as u64;
            let progress = (PROGRESS_KEY.to_vec(), Some(last.clone()));
            self.commit_raw(Commit { ops, ..Commit::default() }, vec![progress])?;
            after = Some(last);
        }
    }
}

fn damaged() -> StoreError {
    StoreError::Damaged("a record that is to be migrated cannot be read".into())
}
