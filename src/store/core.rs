//! What all parts of the open store share, and the way to the committer.

use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::append::{self, Numbers};
use super::commit::{self, Commit, Prepared};
use super::committer::Request;
use super::disk::Disk;
use super::erasures::Erasures;
use super::error::{CommitError, StoreError};
use super::files::Files;
use super::keys::Keys;
use super::kv::Kv;
use super::row::Body;
use super::scribe::Order;
use super::state::State;
use super::tables::{BadRecord, IndexRow, Table};

/// The index rows that follow from a record; tests bring their own.
pub(super) type Derive = fn(Table, &[u8]) -> Result<Vec<IndexRow>, BadRecord>;

/// What readers and the threads share.
pub(super) struct Shared {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) dir: PathBuf,
    pub(super) keys: Keys,
    pub(super) kv: Kv,
    pub(super) files: Files,
    pub(super) erasures: Erasures,
    pub(super) derive: Derive,
    pub(super) numbers: Numbers,
    pub(super) reserve_bytes: u64,
    pub(super) stopped: AtomicBool,
    pub(super) on_stop: Option<fn()>,
    /// Held by whoever rewrites or cuts what others may be reading: checkpoint, backup, forgetting.
    pub(super) maintenance: Mutex<()>,
    /// Held until the store is closed, so that no second process opens the folder.
    pub(super) _lock: File,
}

impl Shared {
    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Nothing more is committed. Whoever opened the store may want the process to end here, before anybody is answered.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        if let Some(on_stop) = self.on_stop {
            on_stop();
        }
    }

    /// Whether there is room for more. A part of the disk is kept back, so that the index never meets its end.
    pub(super) fn room(&self) -> Result<(), StoreError> {
        if self.disk.free_bytes(&self.dir)? < self.reserve_bytes { Err(StoreError::Full) } else { Ok(()) }
    }

    pub(super) fn unspill(&self, body: Option<Body>) -> Result<Option<Vec<u8>>, StoreError> {
        match body {
            None => Ok(None),
            Some(Body::Inline(value)) => Ok(Some(value)),
            Some(Body::Spilled(file)) => self.files.get(&self.keys, &file).map(Some),
        }
    }
}

#[derive(Clone)]
pub(super) struct Core {
    pub(super) shared: Arc<Shared>,
    pub(super) requests: Sender<Request>,
    pub(super) orders: Sender<Order>,
}

impl Core {
    pub(super) fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        self.commit_raw(commit, Vec::new())
    }

    /// The same, with rows of the store's own, which belong to no table and are not sealed.
    pub(super) fn commit_raw(&self, commit: Commit, own: Vec<(Vec<u8>, Option<Vec<u8>>)>) -> Result<(), CommitError> {
        if self.shared.is_stopped() {
            return Err(CommitError::Store(StoreError::Stopped));
        }
        let commit = commit::prepare(&self.shared, commit, own)?;
        if commit.appended.is_empty() {
            return self.ask(|answer| Request::Commit(commit, answer)).map_err(CommitError::Store)?;
        }
        self.commit_in_order(commit)
    }

    /// Numbers the appended rows, and joins the committer's line before anybody else can number theirs.
    fn commit_in_order(&self, mut commit: Prepared) -> Result<(), CommitError> {
        let (answer, answered) = mpsc::channel();
        let numbers = self.shared.numbers.lock();
        if let Err(error) = append::number(&self.shared, &numbers, &mut commit) {
            commit::discard(&self.shared, &commit.spilled);
            return Err(error);
        }
        let sent = self.requests.send(Request::Commit(commit, answer));
        drop(numbers);
        sent.map_err(|_| CommitError::Store(StoreError::Stopped))?;
        answered.recv().map_err(|_| CommitError::Store(StoreError::Stopped))?
    }

    /// Closes the journal's segment; the state that all closed ones lead to.
    pub(super) fn roll(&self) -> Result<State, StoreError> {
        self.ask(Request::Roll)?
    }

    pub(super) fn state(&self) -> Result<State, StoreError> {
        self.ask(Request::State)
    }

    pub(super) fn maintenance(&self) -> MutexGuard<'_, ()> {
        self.shared.maintenance.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a checkpoint written, and keeps this many with the journal that they need. The caller holds [`Core::maintenance`].
    pub(super) fn checkpoint(&self, keep: usize) -> Result<(), StoreError> {
        let (answer, answered) = mpsc::channel();
        self.orders.send(Order::Now(keep, answer)).map_err(|_| StoreError::Stopped)?;
        answered.recv().map_err(|_| StoreError::Stopped)?
    }

    fn ask<T>(&self, request: impl FnOnce(Sender<T>) -> Request) -> Result<T, StoreError> {
        let (answer, answered) = mpsc::channel();
        self.requests.send(request(answer)).map_err(|_| StoreError::Stopped)?;
        answered.recv().map_err(|_| StoreError::Stopped)
    }
}
