//! Events: told in the same commit as what they tell of, read in the order in which they took effect, kept for some days.

use std::time::Duration;

use super::{Service, failed, unreadable};
use crate::domain::event::{Event, EventRecord, Happened};
use crate::domain::id::Id;
use crate::domain::refusal::Stop;
use crate::domain::time::Timestamp;
use crate::store::tables::{BadRecord, Owner, Table, decode, encode, ids, key};
use crate::store::{Commit, Op};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Events removed with one commit.
const BATCH: usize = 500;

impl Service {
    /// Up to `limit` events of an account, oldest first, those after the event `after`. Whoever goes on after the last one that
    /// he has seen misses none: none is ever put before one that could be read.
    pub fn events(&self, account: Id, after: Option<Id>, limit: usize) -> Result<Vec<Event>, Stop> {
        let after = after.map(|id| key(&[account, id]));
        let page = self.store.scan(Table::Events, &key(&[account]), after.as_deref(), limit).map_err(failed)?;
        page.iter().map(|(row, value)| event(row, value).map_err(|bad| unreadable(Table::Events, bad))).collect()
    }

    /// One event, while it is kept.
    pub(super) fn event(&self, account: Id, id: Id) -> Result<Option<Event>, Stop> {
        let record = self.record(Table::Events, &key(&[account, id]))?;
        Ok(record.map(|record| Event { id, record }))
    }

    /// The latest event of an account.
    pub(super) fn last_event(&self, account: Id) -> Result<Option<Id>, Stop> {
        let rows = self.store.scan_back(Table::Events, &key(&[account]), None, 1).map_err(failed)?;
        let last = rows.first().map(|(row, _)| ids(row).map_err(|bad| unreadable(Table::Events, bad))).transpose()?;
        Ok(last.map(|[_, id]| id))
    }

    /// Removes events that are older than the configured days. Returns how many.
    pub fn sweep_events(&self) -> Result<usize, Stop> {
        let now = self.clock.now();
        let kept = DAY * self.config.events.keep_days;
        let mut removed = 0;
        for account in self.accounts()? {
            loop {
                let page = self.events(account.id, None, BATCH)?;
                let old = page.iter().take_while(|event| now.since(event.record.at) >= kept);
                let ops: Vec<Op> =
                    old.map(|event| Op::Delete { table: Table::Events, key: key(&[account.id, event.id]) }).collect();
                if ops.is_empty() {
                    break;
                }
                removed += ops.len();
                let _ = self.commit(Commit { ops, ..Commit::default() })?;
            }
        }
        Ok(removed)
    }
}

/// The part of a commit that tells of it.
pub(super) fn tell(account: Id, at: Timestamp, what: Happened) -> Result<Op, Stop> {
    let value = encode(&EventRecord { at, what }).map_err(|bad| unreadable(Table::Events, bad))?;
    Ok(Op::Append { table: Table::Events, prefix: key(&[account]), at, value, owner: Owner::Account(account) })
}

fn event(row: &[u8], value: &[u8]) -> Result<Event, BadRecord> {
    let [_, id] = ids(row)?;
    Ok(Event { id, record: decode(value)? })
}
