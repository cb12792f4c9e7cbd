//! The verbs: open, submit, run, settle, register, erase. Whoever may call them has been authenticated before.
//!
//! Nothing here knows HTTP, and nothing here knows how a photo is examined: the workers ask a `domain::evidence::Examiner`.
//! Every call blocks until its effect is durable; callers on an async runtime run it on a blocking thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

use crate::clock::Clock;
use crate::config::Config;
use crate::crypto;
use crate::domain::attempt::Attempt;
use crate::domain::evidence::Embedder;
use crate::domain::id::{Id, IdMaker};
use crate::domain::key::AnswerMode;
use crate::domain::refusal::{Failure, Refusal, Stop};
use crate::domain::time::Timestamp;
use crate::store::tables::{BadRecord, Owner, Table, decode, encode, key};
use crate::store::{Commit, CommitError, Expect, Op, Store, StoreError};

pub mod attempts;
pub mod audit;
pub mod backups;
pub mod blocklist;
pub mod challenges;
pub mod deliveries;
pub mod erasure;
pub mod events;
pub mod everywhere;
pub mod evidence;
pub mod gallery;
pub mod guard;
pub mod jobs;
pub mod keys;
pub mod legacy;
pub mod limits;
pub mod once;
pub mod operations;
pub mod past;
pub mod people;
mod queue;
mod registration;
pub mod remaking;
pub mod retention;
mod rounds;
pub mod sessions;
pub mod statistics;
pub mod users;
pub mod webhooks;
pub mod worker;
pub mod workflows;

use gallery::Gallery;
use guard::Guard;
use keys::{KeyUses, Scopes};
use limits::{Limits, Quota};
use once::InFlight;
use queue::Queue;
use rounds::Rounds;
use statistics::Statistics;
use workflows::Workflows;

/// Who holds an API key that is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHolder {
    pub account: Id,
    pub key: Id,
    pub scopes: Scopes,
    /// How the sessions that it opens answer.
    pub answer: AnswerMode,
}

/// Who holds the token of a session that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionHolder {
    pub account: Id,
    pub attempt: Id,
    pub answer: AnswerMode,
    /// The key that opened the session.
    pub key: Option<Id>,
}

/// The one thing that handlers receive.
pub struct Service {
    store: Store,
    config: Config,
    clock: Clock,
    ids: IdMaker,
    limits: Limits,
    queue: Queue,
    rounds: Rounds,
    in_flight: InFlight,
    guard: Guard,
    key_uses: KeyUses,
    workflows: Workflows,
    gallery: Gallery,
    blocked: Gallery,
    /// Whose embeddings are searched; known once there are workers.
    embedder: OnceLock<Embedder>,
    /// Held while somebody is registered by a workflow.
    registering: Mutex<()>,
    audit: Mutex<Option<audit::file::Log>>,
    statistics: Statistics,
    ready: AtomicBool,
}

impl Service {
    pub fn new(store: Store, config: Config, clock: Clock, workflows: Workflows) -> Self {
        Self {
            limits: Limits::new(config.limits.requests_per_minute),
            queue: Queue::new(config.jobs.queue_max),
            rounds: Rounds::default(),
            in_flight: InFlight::default(),
            guard: Guard::default(),
            ids: IdMaker::new(crypto::random()),
            key_uses: KeyUses::default(),
            workflows,
            gallery: Gallery::default(),
            blocked: Gallery::default(),
            embedder: OnceLock::new(),
            registering: Mutex::default(),
            audit: Mutex::new(None),
            statistics: Statistics::default(),
            ready: AtomicBool::new(false),
            store,
            config,
            clock,
        }
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether the models have run once, so that the first client does not wait for them.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// What was done since the start.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Counts one request of `account`, made with `key` or a session that it opened, against their quotas.
    pub fn count_request(&self, account: Id, key: Option<Id>) -> (Quota, Result<(), Refusal>) {
        let now = self.clock.now();
        let (quota, answer) = self.limits.count(account, key, now);
        if answer.is_err() {
            self.statistics.count_limited(now, account);
        }
        (quota, answer)
    }

    /// After a failed write nothing more is stored.
    pub fn is_store_stopped(&self) -> bool {
        self.store.is_stopped()
    }

    /// Who guesses at credentials.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn new_id(&self) -> Id {
        self.ids.next(self.clock.now())
    }

    /// Commits, and tells a lost race from a failure: the caller reads again and decides anew.
    fn commit(&self, commit: Commit) -> Result<Committed, Stop> {
        let tells = commit.ops.iter().any(|op| matches!(op, Op::Append { table: Table::Events, .. }));
        match self.store.commit(commit) {
            Ok(()) => {
                if tells {
                    self.rounds.poke();
                }
                Ok(Committed::Done)
            }
            // Erased in between: whoever reads again finds nothing left.
            Err(CommitError::Conflict | CommitError::Store(StoreError::Forgotten)) => Ok(Committed::Conflict),
            Err(CommitError::Full) => Err(Refusal::StorageFull.into()),
            Err(error) => Err(Failure(format!("commit: {error}")).into()),
        }
    }

    fn record<T: serde::de::DeserializeOwned>(&self, table: Table, key: &[u8]) -> Result<Option<T>, Stop> {
        match self.store.get(table, key).map_err(failed)? {
            Some(value) => Ok(Some(decode(&value).map_err(|bad| unreadable(table, bad))?)),
            None => Ok(None),
        }
    }

    /// Reads an attempt, lets `change` alter it, and commits it with the further operations that `change` asks for,
    /// again if somebody else was faster.
    fn change_attempt<T>(
        &self,
        account: Id,
        id: Id,
        mut change: impl FnMut(&mut Attempt) -> Result<(T, Commit), Stop>,
    ) -> Result<T, Stop> {
        let row = key(&[account, id]);
        loop {
            let before = self.store.get(Table::Attempts, &row).map_err(failed)?;
            let before = before.ok_or_else(|| no_entity(id))?;
            let mut attempt: Attempt = decode(&before).map_err(|bad| unreadable(Table::Attempts, bad))?;
            let (result, mut commit) = change(&mut attempt)?;
            commit.expects.push(Expect::Equal(Table::Attempts, row.clone(), before));
            commit.ops.push(put(Table::Attempts, row.clone(), &attempt, person(account, id))?);
            if self.commit(commit)? == Committed::Done {
                return Ok(result);
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
enum Committed {
    Done,
    Conflict,
}

/// Everything about one person is sealed, and one day forgotten, under the attempt or user that it belongs to.
fn person(account: Id, subject: Id) -> Owner {
    Owner::Person { account, subject }
}

fn put<T: serde::Serialize>(table: Table, key: Vec<u8>, record: &T, owner: Owner) -> Result<Op, Stop> {
    let value = encode(record).map_err(|bad| unreadable(table, bad))?;
    Ok(Op::Put { table, key, value, owner })
}

fn failed(error: StoreError) -> Stop {
    Failure(format!("store: {error}")).into()
}

fn unreadable(table: Table, BadRecord: BadRecord) -> Stop {
    Failure(format!("a record of {} cannot be read or written", table.name())).into()
}

fn no_entity(id: impl ToString) -> Stop {
    Refusal::NoEntity { id: id.to_string() }.into()
}
