//! The jobs that wait in memory. A place is reserved before anything is written, so that filling it cannot fail.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::domain::evidence::Examiner;
use crate::domain::id::Id;
use crate::domain::job::{Job, Outcome};
use crate::domain::time::Timestamp;

/// A job on its way to a worker.
pub struct QueuedJob {
    pub job: Job,
    /// The files' bytes by field; `None` after a restart, when the worker reads them from the store.
    pub files: Option<Vec<(String, Vec<u8>)>>,
    /// Share of the memory for uploads, given back when the job is done.
    pub memory: Option<OwnedSemaphorePermit>,
    /// Where the submitter waits for the outcome, if he still does.
    pub ticket: Option<oneshot::Sender<Outcome>>,
}

pub type Ask = Box<dyn FnOnce(&dyn Examiner) + Send>;

/// Something asked of the examiner that is no job: nothing of it is stored, and a restart forgets it.
pub struct Question {
    pub id: Id,
    pub ask: Ask,
}

/// What a worker takes.
pub enum Waiting {
    Job(Box<QueuedJob>),
    Question(Question),
}

impl Waiting {
    fn id(&self) -> Id {
        match self {
            Waiting::Job(queued) => queued.job.id,
            Waiting::Question(question) => question.id,
        }
    }
}

pub struct Queue {
    max: usize,
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Waiting>,
    reserved: usize,
    running: HashMap<Id, Timestamp>,
    stopped: bool,
}

/// A reserved place; dropped unfilled, it is free again.
pub struct Place<'a> {
    queue: &'a Queue,
}

impl Queue {
    pub fn new(max: usize) -> Self {
        Self { max, inner: Mutex::default(), changed: Condvar::new() }
    }

    /// `None` when the queue is full.
    pub fn reserve(&self) -> Option<Place<'_>> {
        let mut inner = self.lock();
        if inner.stopped || inner.waiting.len() + inner.reserved >= self.max {
            return None;
        }
        inner.reserved += 1;
        Some(Place { queue: self })
    }

    /// Puts back a job that was accepted before, whatever the queue's length.
    pub fn push(&self, job: QueuedJob) {
        self.put(Waiting::Job(Box::new(job)));
    }

    fn put(&self, waiting: Waiting) {
        self.lock().waiting.push_back(waiting);
        self.changed.notify_one();
    }

    /// The next job or question, marked as running; waits for one. `None` once the queue has been stopped.
    pub fn pop(&self, now: impl Fn() -> Timestamp) -> Option<Waiting> {
        let mut inner = self.lock();
        loop {
            if inner.stopped {
                return None;
            }
            if let Some(next) = inner.waiting.pop_front() {
                inner.running.insert(next.id(), now());
                return Some(next);
            }
            inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// When a job that is being processed was started.
    pub fn running_since(&self, id: Id) -> Option<Timestamp> {
        self.lock().running.get(&id).copied()
    }

    pub fn done(&self, id: Id) {
        self.lock().running.remove(&id);
        self.changed.notify_all();
    }

    /// Jobs that wait or run.
    pub fn len(&self) -> usize {
        let inner = self.lock();
        inner.waiting.len() + inner.reserved + inner.running.len()
    }

    /// Jobs that wait, and jobs that run.
    pub fn counts(&self) -> (usize, usize) {
        let inner = self.lock();
        (inner.waiting.len() + inner.reserved, inner.running.len())
    }

    /// Waits `time`; at once `false` if the queue is stopped.
    pub fn pause(&self, time: Duration) -> bool {
        let inner = self.lock();
        self.changed.wait_timeout_while(inner, time, |inner| !inner.stopped).is_ok_and(|(inner, _)| !inner.stopped)
    }

    /// Lets running jobs finish; what waits stays queued on disk.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Waits until nothing runs; `false` if that took longer than `limit`.
    pub fn wait_idle(&self, limit: Duration) -> bool {
        let inner = self.lock();
        self.changed
            .wait_timeout_while(inner, limit, |inner| !inner.running.is_empty())
            .is_ok_and(|(inner, _)| inner.running.is_empty())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    pub fn fill(self, job: QueuedJob) {
        self.queue.push(job);
    }

    pub fn fill_with_question(self, question: Question) {
        self.queue.put(Waiting::Question(question));
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.lock().reserved -= 1;
    }
}
