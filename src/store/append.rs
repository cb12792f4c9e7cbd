//! Appended rows: numbered in the order in which their commits take effect, so that a reader who has seen one has seen all
//! before it.
//!
//! A number is an id. It is drawn when its commit joins the committer's line, under one lock for both: had it been drawn
//! earlier, a commit that was held up could put a row before one that was read already, and whoever pages by "after the last
//! one that I know" would never see it. A commit that is refused leaves a gap, which nobody waits for. Numbers go on beyond
//! the greatest one in the store when it is opened, whatever the clock says.

use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::commit::{self, Op, Prepared, full_key};
use super::core::Shared;
use super::error::{CommitError, StoreError};
use super::kv::{Direction, Kv};
use super::tables::{Owner, Table};
use crate::crypto;
use crate::domain::id::{Id, IdMaker};
use crate::domain::time::Timestamp;

/// Sealing is done under the lock, and a value that would go to a file of its own may not hold it up.
const VALUE_BYTES_MAX: usize = 2048;
const ID_BYTES: usize = 12;

/// A row without its number.
pub(super) struct Appended {
    pub(super) table: Table,
    pub(super) prefix: Vec<u8>,
    pub(super) at: Timestamp,
    pub(super) value: Vec<u8>,
    pub(super) owner: Owner,
}

/// Where the next number comes from; whoever holds the lock is next in the committer's line.
pub(super) struct Numbers(Mutex<IdMaker>);

impl Numbers {
    pub(super) fn beyond(kv: &Kv) -> Result<Numbers, StoreError> {
        let mut greatest = None;
        for table in Table::ALL.into_iter().filter(|table| table.is_appended()) {
            greatest = greatest.max(greatest_of(kv, table)?);
        }
        Ok(Numbers(Mutex::new(IdMaker::beyond(crypto::random(), greatest))))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, IdMaker> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seals the appended rows under their numbers.
pub(super) fn number(shared: &Shared, numbers: &IdMaker, commit: &mut Prepared) -> Result<(), CommitError> {
    for row in std::mem::take(&mut commit.appended) {
        if row.value.len() > VALUE_BYTES_MAX {
            return Err(CommitError::TooLarge);
        }
        let key = [&row.prefix[..], numbers.next(row.at).as_bytes()].concat();
        let op = Op::Put { table: row.table, key, value: row.value, owner: row.owner };
        let change = commit::change(shared, op, &mut commit.spilled)?;
        commit.changes.push(change);
    }
    Ok(())
}

/// The greatest number in a table: that of the last row under each prefix, found by leaping from one to the next.
fn greatest_of(kv: &Kv, table: Table) -> Result<Option<Id>, StoreError> {
    let end = super::bounds(table, &[]).1;
    let (mut low, mut greatest) = (Bound::Included(full_key(table, &[])), None);
    loop {
        let first = kv.range((low, Bound::Excluded(end.clone())), Direction::Forward, 1)?;
        let Some((first, _)) = first.first() else { return Ok(greatest) };
        let prefix = first.get(..first.len().saturating_sub(ID_BYTES)).unwrap_or_default().to_vec();
        let behind = [&prefix[..], &[u8::MAX; ID_BYTES]].concat();
        let bounds = (Bound::Included(prefix.clone()), Bound::Excluded([&behind[..], &[0]].concat()));
        if let Some((last, _)) = kv.range(bounds, Direction::Backward, 1)?.first() {
            let id = last.get(prefix.len()..).and_then(|id| id.try_into().ok()).map(Id::from_bytes);
            greatest = greatest.max(id);
        }
        low = Bound::Excluded(behind);
    }
}
