//! Doing something once though it is asked for again and again: idempotency keys.
//!
//! A request with a key is alone while it is served: its place in [`InFlight`] is held until its effect is durable, and another
//! request with the same key is refused meanwhile. What it came to is a row of the same commit as the effect; only then is
//! there anything to replay. A request that was refused or failed left neither an effect nor a row, so the same key may try
//! again, and a refusal is never replayed: what stood in the way may be gone.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::sessions::NO_ACCOUNT;
use super::{Committed, Service, failed, put, unreadable};
use crate::crypto;
use crate::domain::hex;
use crate::domain::id::Id;
use crate::domain::refusal::{Refusal, Stop};
use crate::domain::replay::{Effect, IdempotencyKey, Replay};
use crate::domain::time::Timestamp;
use crate::store::tables::{Owner, Table, decode};
use crate::store::{Commit, Expect, Op};

/// How long the first answer is given again (contract).
const REPLAYED_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// Rows removed with one commit.
const BATCH: usize = 500;

/// Whose keys they are: two clients that choose the same key do not meet.
#[derive(Clone, Copy, Debug)]
pub enum Asker<'a> {
    Account(Id),
    /// By its token, which is known even when the session has ended.
    Session(&'a str),
}

/// Where a request with an idempotency key is written down.
type Row = [u8; 32];

/// The turn of one request; nobody else has it until this is dropped.
pub struct Once {
    row: Row,
    said: String,
    _place: Place,
}

/// What is to be done about a request with a key.
pub enum Turn {
    First(Once),
    /// It has been done: this is what it came to.
    Again(Effect),
}

/// Requests with a key that are being served.
#[derive(Clone, Default)]
pub(super) struct InFlight(Arc<Mutex<HashSet<Row>>>);

struct Place {
    among: InFlight,
    row: Row,
}

impl InFlight {
    fn take(&self, row: Row) -> Option<Place> {
        let free = self.lock().insert(row);
        free.then(|| Place { among: self.clone(), row })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.among.lock().remove(&self.row);
    }
}

impl Once {
    /// Adds to `commit` that it came to `effect`.
    pub(super) fn came_to(&self, commit: &mut Commit, account: Id, at: Timestamp, effect: Effect) -> Result<(), Stop> {
        let replay = Replay { row: hex::encode(&self.row), account, at, said: self.said.clone(), effect };
        commit.ops.push(put(Table::Replays, self.row.to_vec(), &replay, Owner::Account(account))?);
        Ok(())
    }
}

/// The same, where there may be no key.
pub(super) fn came_to(
    once: Option<&Once>,
    commit: &mut Commit,
    account: Id,
    at: Timestamp,
    effect: impl FnOnce() -> Effect,
) -> Result<(), Stop> {
    once.map_or(Ok(()), |once| once.came_to(commit, account, at, effect()))
}

/// A digest of what a request says: its fields by name, in whatever order they came, each with its kind and its bytes.
pub fn digest<'a>(fields: impl Iterator<Item = (&'a str, u8, std::borrow::Cow<'a, [u8]>)>) -> [u8; 32] {
    let mut parts: Vec<_> = fields
        .map(|(name, kind, bytes)| [&crypto::sha256(name.as_bytes())[..], &[kind], &crypto::sha256(&bytes)].concat())
        .collect();
    parts.sort_unstable();
    crypto::sha256(&parts.concat())
}

impl Service {
    /// Whether `address` was asked for before under this key. `said`: a digest of what the request says. Refused while the first
    /// request is being served, and when it said something else.
    pub fn turn(&self, asker: Asker<'_>, address: &str, key: &IdempotencyKey, said: &[u8; 32]) -> Result<Turn, Stop> {
        let row = self.replay_row(asker, address, key);
        let place = self.in_flight.take(row).ok_or(Refusal::RequestInFlight)?;
        let said = hex::encode(&self.store.blind(NO_ACCOUNT, "request", &hex::encode(said)));
        match self.replay(&row)? {
            Some(replay) if replay.said == said => Ok(Turn::Again(replay.effect)),
            Some(_) => Err(Refusal::OtherRequest.into()),
            None => Ok(Turn::First(Once { row, said, _place: place })),
        }
    }

    /// The account of a request that was served under this key, if it was.
    pub fn served_before(&self, asker: Asker<'_>, address: &str, key: &IdempotencyKey) -> Result<Option<Id>, Stop> {
        let replay = self.replay(&self.replay_row(asker, address, key))?;
        Ok(replay.map(|replay| replay.account))
    }

    /// Forgets what is no longer replayed. Returns how many.
    pub fn sweep_replays(&self) -> Result<usize, Stop> {
        let now = self.clock.now();
        let mut removed = 0;
        loop {
            let rows = self.store.scan(Table::ReplaysByTime, &[], None, BATCH).map_err(failed)?;
            let (mut expects, mut ops) = (Vec::new(), Vec::new());
            for (row, _) in &rows {
                let Some((millis, key)) = row.split_at_checked(8) else { continue };
                let millis = millis.try_into().map(u64::from_be_bytes).unwrap_or(0);
                let at = Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX));
                if now.since(at) < REPLAYED_FOR {
                    break;
                }
                // Whoever uses the key again at this moment has put a new row in its place, and that one stays.
                expects.push(Expect::Present(Table::ReplaysByTime, row.clone()));
                ops.push(Op::Delete { table: Table::Replays, key: key.to_vec() });
            }
            let due = ops.len();
            if due == 0 {
                return Ok(removed);
            }
            if self.commit(Commit { expects, ops })? == Committed::Done {
                removed += due;
            }
        }
    }

    fn replay(&self, row: &Row) -> Result<Option<Replay>, Stop> {
        let Some(value) = self.store.get(Table::Replays, row).map_err(failed)? else { return Ok(None) };
        let replay: Replay = decode(&value).map_err(|bad| unreadable(Table::Replays, bad))?;
        Ok(Some(replay).filter(|replay| self.clock.now().since(replay.at) < REPLAYED_FOR))
    }

    fn replay_row(&self, asker: Asker<'_>, address: &str, key: &IdempotencyKey) -> Row {
        // None of the parts holds a line break.
        let text = match asker {
            Asker::Account(account) => format!("account {account}\n{address}\n{}", key.as_str()),
            Asker::Session(token) => format!("session {}\n{address}\n{}", self.token_hash(token), key.as_str()),
        };
        self.store.blind(NO_ACCOUNT, "idempotency key", &text)
    }
}
