//! The one thread that writes: it checks the preconditions of waiting commits one after the other, makes the whole batch
//! durable with one sync, applies it to the index, and only then answers.
//!
//! Nothing is answered that is not on the disk. After a failed sync nobody knows what is there, so the store stops.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use super::commit::{Expect, Prepared, discard, full_key};
use super::core::Shared;
use super::error::{CommitError, StoreError};
use super::journal::{AppendError, Changes, Journal};
use super::row::{self, Body};
use super::scribe::Order;
use super::state::State;
use super::tables::Table;

/// Commits per batch: at 64 writers a batch never filled this in measurements; it bounds what one sync can hold up.
const BATCH_COMMITS_MAX: usize = 512;

/// A checkpoint is due when the journal has grown by this: replaying it takes about a second.
const CHECKPOINT_BYTES: u64 = 64 << 20;

type Answer = Sender<Result<(), CommitError>>;

pub(super) enum Request {
    Commit(Prepared, Answer),
    /// Begin a new segment; the answer is the state that all older ones lead to.
    Roll(Sender<Result<State, StoreError>>),
    State(Sender<State>),
    Close,
}

pub(super) struct Committer {
    pub(super) shared: Arc<Shared>,
    pub(super) state: State,
    pub(super) journal: Journal,
    /// Told when the journal has grown so much that a checkpoint is due.
    pub(super) orders: Sender<Order>,
}

impl Drop for Committer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared.stop();
        }
    }
}

impl Committer {
    pub(super) fn run(mut self, requests: Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let mut batch = Vec::new();
            let mut next = Some(first);
            while let Some(request) = next.take() {
                match request {
                    Request::Commit(commit, answer) => {
                        batch.push((commit, answer));
                        next = (batch.len() < BATCH_COMMITS_MAX).then(|| requests.try_recv().ok()).flatten();
                    }
                    Request::Close => {
                        self.batch(batch);
                        return self.close();
                    }
                    Request::Roll(answer) => {
                        self.batch(std::mem::take(&mut batch));
                        // Nobody waits any more if a send fails.
                        let _ = answer.send(self.roll());
                    }
                    Request::State(answer) => {
                        self.batch(std::mem::take(&mut batch));
                        let _ = answer.send(self.state.clone());
                    }
                }
            }
            self.batch(batch);
        }
    }

    fn batch(&mut self, batch: Vec<(Prepared, Answer)>) {
        if batch.is_empty() {
            return;
        }
        if self.shared.is_stopped() {
            for (_, answer) in batch {
                let _ = answer.send(Err(CommitError::Store(StoreError::Stopped)));
            }
            return;
        }
        let room = self.shared.room();
        let mut overlay = Changes::new();
        let mut made = Vec::with_capacity(batch.len());
        let mut dropped_files = Vec::new();
        for (commit, answer) in batch {
            // What only deletes makes room.
            let room = if commit.makes_room() { Ok(()) } else { room.clone().map_err(CommitError::from) };
            match room.and_then(|()| self.check(&commit, &overlay)) {
                Ok((changes, dropped)) => {
                    overlay.extend(changes);
                    dropped_files.extend(dropped);
                    made.push((commit, answer));
                }
                Err(e) => {
                    discard(&self.shared, &commit.spilled);
                    let _ = answer.send(Err(e));
                }
            }
        }
        let result = self.write(&overlay);
        match &result {
            // The sweeper removes what this leaves.
            Ok(()) => dropped_files.iter().for_each(|name| drop(self.shared.files.delete(name))),
            Err(StoreError::Full) => made.iter().for_each(|(commit, _)| discard(&self.shared, &commit.spilled)),
            // Whether the batch is on the disk is not known, so its files stay.
            Err(_) => {}
        }
        for (_, answer) in made {
            let _ = answer.send(result.clone().map_err(CommitError::from));
        }
        if self.journal.grown > CHECKPOINT_BYTES {
            self.journal.grown = 0;
            let _ = self.orders.send(Order::Due);
        }
    }

    /// What this commit changes and which files it drops, if it may be made after those before it in the batch.
    fn check(&self, commit: &Prepared, overlay: &Changes) -> Result<(Changes, Vec<String>), CommitError> {
        for expect in &commit.expects {
            let holds = match expect {
                Expect::Absent(table, key) => self.value(*table, key, &Changes::new(), overlay)?.is_none(),
                Expect::Present(table, key) => self.value(*table, key, &Changes::new(), overlay)?.is_some(),
                Expect::Equal(table, key, wanted) => {
                    self.value(*table, key, &Changes::new(), overlay)?.as_ref() == Some(wanted)
                }
            };
            if !holds {
                return Err(CommitError::Conflict);
            }
        }
        let (mut changes, mut dropped) = (Changes::new(), Vec::new());
        for change in &commit.changes {
            let full = full_key(change.table, &change.key);
            if let Some(old) = self.stored(&full, &changes, overlay)? {
                let body = row::open(&self.shared.keys, change.table, &change.key, &old)?;
                if let Some(Body::Spilled(file)) = &body {
                    dropped.push(file.name.clone());
                }
                if let Some(value) = self.shared.unspill(body)? {
                    let bad = |_| StoreError::Damaged(format!("a record of {}", change.table.name()));
                    for row in (self.shared.derive)(change.table, &value).map_err(bad)? {
                        changes.insert(full_key(row.table, &row.key), None);
                    }
                }
            }
            for (key, stored) in &change.index {
                changes.insert(key.clone(), Some(stored.clone()));
            }
            changes.insert(full, change.stored.clone());
        }
        changes.extend(commit.own.iter().cloned());
        Ok((changes, dropped))
    }

    /// The row as this commit, then the batch, then the index has it.
    fn stored(&self, full: &[u8], changes: &Changes, overlay: &Changes) -> Result<Option<Vec<u8>>, StoreError> {
        match changes.get(full).or_else(|| overlay.get(full)) {
            Some(stored) => Ok(stored.clone()),
            None => Ok(self.shared.kv.get(full)?),
        }
    }

    fn value(
        &self,
        table: Table,
        key: &[u8],
        changes: &Changes,
        overlay: &Changes,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        match self.stored(&full_key(table, key), changes, overlay)? {
            Some(stored) => self.shared.unspill(row::open(&self.shared.keys, table, key, &stored)?),
            None => Ok(None),
        }
    }

    /// Journal first, then the index; a failure between them leaves a state that only opening again can tell.
    fn write(&mut self, overlay: &Changes) -> Result<(), StoreError> {
        if overlay.is_empty() {
            return Ok(());
        }
        self.shared.keys.sync_people().inspect_err(|_| self.shared.stop())?;
        let lsn = self.journal.append(overlay).map_err(|e| self.refuse(e))?;
        self.state = self.state.apply(&self.shared.kv, overlay, lsn).inspect_err(|_| self.shared.stop())?;
        Ok(())
    }

    /// Closes the journal's segment and says what lies before the next.
    fn roll(&mut self) -> Result<State, StoreError> {
        if self.shared.is_stopped() {
            return Err(StoreError::Stopped);
        }
        self.journal.roll().map_err(|e| self.refuse(e))?;
        self.journal.grown = 0;
        Ok(self.state.clone())
    }

    /// An empty record ends every run, so that the last acknowledged one is never the last of all: damage to it cannot pass for
    /// the torn end of a write.
    fn close(&mut self) {
        if self.shared.is_stopped() || !self.journal.is_begun() {
            return;
        }
        let closed = self.journal.append(&Changes::new()).map_err(|e| self.refuse(e));
        let closed = closed.and_then(|lsn| Ok(self.state.apply(&self.shared.kv, &Changes::new(), lsn)?));
        // Nothing is lost without it; the next opening replays a little more.
        let synced = closed.and_then(|_| Ok(self.shared.kv.sync()?));
        if let Err(e) = synced.and_then(|()| Ok(self.journal.witness()?)) {
            tracing::warn!(error = %e, "the store was not closed cleanly");
        }
    }

    fn refuse(&self, e: AppendError) -> StoreError {
        match e {
            AppendError::Full => StoreError::Full,
            AppendError::Failed(e) => {
                tracing::error!(error = %e, "the journal cannot be written; the store stops");
                self.shared.stop();
                StoreError::Stopped
            }
        }
    }
}
