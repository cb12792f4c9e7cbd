//! The threads that run jobs, one job each. A job that panics is finished as Invalid; the thread goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::Service;
use super::operations::{self, Concluded, Work};
use super::past::Past;
use super::people::AccountPeople;
use super::queue::{Question, QueuedJob, Waiting};
use crate::clock::Stopwatch;
use crate::domain::evidence::Examiner;
use crate::domain::job::{Job, Outcome};
use crate::domain::refusal::{Refusal, Stop};
use crate::domain::time::Timestamp;

/// A job found unfinished by this many restarts is given up: it may be what ends the process.
const RECOVERIES_MAX: u32 = 3;

/// How long a worker waits before it tries to store an outcome again on a full disk.
const FULL_DISK_PAUSE: Duration = Duration::from_secs(1);

impl Service {
    /// Starts `count` workers.
    pub fn start_workers(
        self: &Arc<Self>,
        examiner: &Arc<dyn Examiner>,
        count: usize,
    ) -> std::io::Result<Vec<JoinHandle<()>>> {
        // Workers of one service all examine with one examiner.
        let _ = self.embedder.set(examiner.embedder());
        (0..count)
            .map(|number| {
                let service = Arc::clone(self);
                let examiner = Arc::clone(examiner);
                std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || service.work(&*examiner))
            })
            .collect()
    }

    /// Takes no further job, and waits for the running ones. `false` if one was still running at `limit`.
    pub fn stop_workers(&self, limit: Duration) -> bool {
        self.queue.stop();
        self.queue.wait_idle(limit)
    }

    /// Jobs that wait or run.
    pub fn jobs_unfinished(&self) -> usize {
        self.queue.len()
    }

    /// Jobs that wait, and jobs that run.
    pub fn jobs_waiting_and_running(&self) -> (usize, usize) {
        self.queue.counts()
    }

    fn work(&self, examiner: &dyn Examiner) {
        while let Some(waiting) = self.queue.pop(|| self.clock.now()) {
            let id = match waiting {
                Waiting::Job(queued) => {
                    let id = queued.job.id;
                    self.run(examiner, *queued);
                    id
                }
                Waiting::Question(Question { id, ask }) => {
                    if catch_unwind(AssertUnwindSafe(|| ask(examiner))).is_err() {
                        tracing::error!("an examination that is no job panicked");
                    }
                    id
                }
            };
            self.queue.done(id);
        }
    }

    /// Asks the examiner something that is no job, in its turn. The answer's channel closes unused if that fails.
    pub fn ask_examiner<T: Send + 'static>(
        &self,
        memory: Option<OwnedSemaphorePermit>,
        question: impl FnOnce(&dyn Examiner) -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Stop> {
        let place = self.queue.reserve().ok_or(Refusal::Busy)?;
        let (sender, receiver) = oneshot::channel();
        let ask = move |examiner: &dyn Examiner| {
            // Nobody may be waiting any more.
            if !sender.is_closed() {
                let _ = sender.send(question(examiner));
            }
            drop(memory);
        };
        place.fill_with_question(Question { id: self.new_id(), ask: Box::new(ask) });
        Ok(receiver)
    }

    fn run(&self, examiner: &dyn Examiner, queued: QueuedJob) {
        let QueuedJob { job, files, memory, ticket } = queued;
        let started_at = self.clock.now();
        let watch = Stopwatch::start();
        let mut past = Past::default();
        let concluded = if job.recoveries >= RECOVERIES_MAX {
            gave_up()
        } else {
            let examined = catch_unwind(AssertUnwindSafe(|| {
                let files = match files {
                    Some(files) => files,
                    None => self.stored_files(&job)?,
                };
                let past = self.past_of(&job)?;
                let people = AccountPeople { service: self, account: job.account };
                let work = Work::of(&job, &files, &past, &people);
                let concluded = operations::run(examiner, &self.config, &work);
                Ok::<_, Stop>((concluded, past))
            }));
            match examined {
                Ok(Ok((concluded, seen))) => {
                    past = seen;
                    concluded
                }
                Ok(Err(stop)) => {
                    tracing::error!(job = %job.id, "the files of a job cannot be read: {stop}");
                    unreadable_files()
                }
                Err(_) => {
                    tracing::error!(job = %job.id, operation = job.name(), "an examination panicked");
                    panicked()
                }
            }
        };
        drop(memory);
        let ran = watch.elapsed();
        if self.finish_patiently(&job, started_at, &concluded, &past) {
            tracing::info!(job = %job.id, operation = job.name(), status = concluded.outcome.verdict.number(), "job finished");
            let waited = started_at.since(job.created_at);
            let verdict = concluded.outcome.verdict;
            self.statistics.count_job(self.clock.now(), job.name(), verdict, waited, ran);
            if let Some(ticket) = ticket {
                // Nobody may be waiting any more.
                let _ = ticket.send(concluded.outcome);
            }
        }
    }

    /// Stores the outcome; on a full disk tries again until there is room or the server stops. `false`: the job stays queued.
    fn finish_patiently(&self, job: &Job, started_at: Timestamp, concluded: &Concluded, past: &Past) -> bool {
        loop {
            match self.finish(job, started_at, concluded, past) {
                Ok(()) => return true,
                Err(Stop::Refused(Refusal::StorageFull)) => {
                    tracing::warn!(job = %job.id, "the disk is full; the outcome waits");
                    if !self.queue.pause(FULL_DISK_PAUSE) {
                        return false;
                    }
                }
                Err(stop) => {
                    tracing::error!(job = %job.id, "an outcome cannot be stored; the job stays queued: {stop}");
                    return false;
                }
            }
        }
    }

    /// What came with a job that has not run yet.
    fn stored_files(&self, job: &Job) -> Result<Vec<(String, Vec<u8>)>, Stop> {
        job.files.iter().map(|file| Ok((file.field.clone(), self.file(file)?))).collect()
    }
}

fn panicked() -> Concluded {
    ours("The photo could not be examined because of a defect of this server. Try another photo.", "examination_failed")
}

fn gave_up() -> Concluded {
    ours("The examination was interrupted several times and was given up. Try another photo.", "interrupted")
}

fn unreadable_files() -> Concluded {
    ours("The stored photo could not be read back. Send it again in a new job.", "stored_file_unreadable")
}

fn ours(msg: &str, error: &str) -> Concluded {
    Outcome::invalid(msg, error, json!({})).into()
}
