//! The one thread that writes: it checks the preconditions of waiting commits one after the other, makes the whole batch
//! durable with one sync, applies it to the index, and only then answers.
//!
//! Nothing is answered that is not on the disk. After a failed sync nobody knows what is there, so the store stops.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender};

use super::Shared;
use super::commit::{Expect, Prepared, discard, full_key};
use super::error::{CommitError, StoreError};
use super::row::{self, Body};
use super::state::{STATE_KEY, State};
use super::tables::Table;

/// Commits per batch: at 64 writers a batch never filled this in measurements; it bounds what one sync can hold up.
const BATCH_COMMITS_MAX: usize = 512;

pub(super) struct Request {
    pub(super) commit: Prepared,
    pub(super) answer: Sender<Result<(), CommitError>>,
}

pub(super) struct Committer {
    pub(super) shared: Arc<Shared>,
    pub(super) state: State,
}

/// The rows that this batch changes, by full key; `None` is deleted.
type Overlay = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

impl Committer {
    pub(super) fn run(mut self, requests: Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let mut batch = vec![first];
            batch.extend(std::iter::from_fn(|| requests.try_recv().ok()).take(BATCH_COMMITS_MAX - 1));
            self.batch(batch);
        }
    }

    fn batch(&mut self, batch: Vec<Request>) {
        if self.shared.stopped.load(Ordering::SeqCst) {
            for request in batch {
                let _ = request.answer.send(Err(CommitError::Store(StoreError::Stopped)));
            }
            return;
        }
        let mut overlay = Overlay::new();
        let mut made = Vec::with_capacity(batch.len());
        let mut dropped_files = Vec::new();
        for request in batch {
            match self.check(&request.commit, &overlay, &mut dropped_files) {
                Ok(changes) => {
                    overlay.extend(changes);
                    made.push(request);
                }
                Err(e) => {
                    discard(&self.shared, &request.commit.spilled);
                    let _ = request.answer.send(Err(e));
                }
            }
        }
        let result = self.write(&overlay);
        if let Err(e) = &result {
            tracing::error!(error = %e, "a batch could not be written");
        } else {
            // The sweeper removes what this leaves.
            dropped_files.iter().for_each(|name| drop(self.shared.files.delete(name)));
        }
        for request in made {
            let _ = request.answer.send(result.clone().map_err(CommitError::from));
        }
    }

    /// What this commit changes, if it may be made after those before it in the batch.
    fn check(&self, commit: &Prepared, overlay: &Overlay, dropped: &mut Vec<String>) -> Result<Overlay, CommitError> {
        for expect in &commit.expects {
            let holds = match expect {
                Expect::Absent(table, key) => self.value(*table, key, &Overlay::new(), overlay)?.is_none(),
                Expect::Present(table, key) => self.value(*table, key, &Overlay::new(), overlay)?.is_some(),
                Expect::Equal(table, key, wanted) => {
                    self.value(*table, key, &Overlay::new(), overlay)?.as_ref() == Some(wanted)
                }
            };
            if !holds {
                return Err(CommitError::Conflict);
            }
        }
        let mut changes = Overlay::new();
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
        Ok(changes)
    }

    /// The row as this commit, then the batch, then the index has it.
    fn stored(&self, full: &[u8], changes: &Overlay, overlay: &Overlay) -> Result<Option<Vec<u8>>, StoreError> {
        match changes.get(full).or_else(|| overlay.get(full)) {
            Some(stored) => Ok(stored.clone()),
            None => Ok(self.shared.kv.get(full)?),
        }
    }

    fn value(
        &self,
        table: Table,
        key: &[u8],
        changes: &Overlay,
        overlay: &Overlay,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        match self.stored(&full_key(table, key), changes, overlay)? {
            Some(stored) => self.shared.unspill(row::open(&self.shared.keys, table, key, &stored)?),
            None => Ok(None),
        }
    }

    fn write(&mut self, overlay: &Overlay) -> Result<(), StoreError> {
        if overlay.is_empty() {
            return Ok(());
        }
        let mut state = self.state.clone();
        for (key, new) in overlay {
            if let Some(old) = self.shared.kv.get(key)? {
                state.take(key, &old);
            }
            if let Some(new) = new {
                state.add(key, new);
            }
        }
        state.lsn += 1;
        self.shared.keys.sync_people().inspect_err(|_| self.stop())?;
        let rows = overlay.iter().map(|(key, stored)| (key.clone(), stored.clone()));
        let marker = (STATE_KEY.to_vec(), Some(state.encode()));
        self.shared.kv.apply(rows.chain([marker])).inspect_err(|_| self.stop())?;
        self.shared.kv.sync().inspect_err(|_| self.stop())?;
        self.state = state;
        Ok(())
    }

    fn stop(&self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
    }
}
