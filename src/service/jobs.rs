//! Jobs: stored before they are acknowledged, run by a worker, finished in one commit.
//!
//! On disk a job is queued or finished. Whether it runs is known only to the queue in memory.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::audit::noted;
use super::events::tell;
use super::once::{Once, came_to};
use super::operations::Concluded;
use super::past::Past;
use super::queue::QueuedJob;
use super::{Committed, Service, SessionHolder, failed, no_entity, person, put, unreadable};
use crate::domain::attempt::Attempt;
use crate::domain::audit::{Act, Actor, Entry};
use crate::domain::challenge::Challenge;
use crate::domain::event::Happened;
use crate::domain::hex;
use crate::domain::id::Id;
use crate::domain::job::{InputFile, Job, JobState, Operation, Outcome, WorkflowRun};
use crate::domain::refusal::{Failure, Refusal, Stop};
use crate::domain::replay::Effect;
use crate::domain::time::Timestamp;
use crate::domain::user::DocumentNumber;
use crate::domain::workflow::Fault;
use crate::store::tables::{BadRecord, Table, decode, encode, ids, key};
use crate::store::{Commit, Expect, FileRef, Op, StoreError};

/// What a client asks for.
pub struct Submission {
    pub operation: Operation,
    /// Of [`Operation::Workflow`].
    pub workflow: Option<Arc<WorkflowRun>>,
    /// Fields that the workflow cannot be run with: the job will be Invalid.
    pub faults: Vec<Fault>,
    pub parameters: Map<String, Value>,
    /// Bytes by field.
    pub files: Vec<(String, Vec<u8>)>,
    /// Document numbers that the request claims.
    pub numbers: Vec<DocumentNumber>,
    /// The share of the upload memory that the bytes hold.
    pub memory: Option<OwnedSemaphorePermit>,
}

impl Submission {
    /// What its tries count as.
    pub fn name(&self) -> &str {
        self.workflow.as_ref().map_or(self.operation.name(), |run| &run.name)
    }
}

/// A job that is durably stored.
pub struct Submitted {
    pub id: Id,
    /// Receives the outcome when the job ends; closed without one if that could not be stored.
    pub ticket: oneshot::Receiver<Outcome>,
    pub tries: Tries,
}

/// How many tries a session has for an operation, and how many are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    pub limit: u32,
    pub left: u32,
}

/// A job as a client may read it.
pub struct JobSeen {
    pub job: Job,
    /// When a worker took it, while one has it.
    pub running_since: Option<Timestamp>,
}

impl Service {
    /// Stores a job and queues it. Durable when it returns; refused without a trace when there is no place, no try or no room.
    pub fn submit(
        &self,
        holder: SessionHolder,
        submission: Submission,
        once: Option<&Once>,
    ) -> Result<Submitted, Stop> {
        let place = self.queue.reserve().ok_or(Refusal::Busy)?;
        self.tries_left(holder, submission.name())?;
        let Submission { operation, workflow, faults, mut parameters, files, numbers, memory } = submission;
        let challenge = self.challenge_for(holder, operation, &mut parameters)?;

        let owner = person(holder.account, holder.attempt);
        let mut stored = Vec::with_capacity(files.len());
        for (field, bytes) in &files {
            let file = self.store.put_file(owner, bytes).map_err(full_or_failed)?;
            stored.push(input_file(field, &file));
        }
        let now = self.clock.now();
        let job = Job {
            id: self.ids.next(now),
            account: holder.account,
            attempt: holder.attempt,
            operation,
            created_at: now,
            parameters,
            files: stored,
            document_indexes: self.document_indexes(holder.account, &numbers),
            recoveries: 0,
            workflow: workflow.map(|run| Box::new(WorkflowRun::clone(&run))),
            faults,
            candidate: None,
            review: Vec::new(),
            state: JobState::Queued,
        };
        let tries = self.change_attempt(holder.account, holder.attempt, |attempt| {
            let tries = self.check_tries(attempt, job.name())?;
            attempt.count_try(job.name());
            if challenge.is_some() && attempt.challenge.take() != challenge {
                // Another request of this session was faster.
                return Err(Refusal::ChallengeGone.into());
            }
            attempt.updated_at = now;
            let row = job_key(&job);
            let mut commit = Commit {
                expects: vec![Expect::Absent(Table::Jobs, row.clone())],
                ops: vec![put(Table::Jobs, row, &job, owner)?],
            };
            came_to(once, &mut commit, holder.account, now, || Effect::JobStored { job: job.id })?;
            Ok((Tries { left: tries.left.saturating_sub(1), ..tries }, commit))
        });
        let tries = tries.inspect_err(|_| self.drop_files(&job.files))?;

        let (sender, ticket) = oneshot::channel();
        let id = job.id;
        place.fill(QueuedJob { job, files: Some(files), memory, ticket: Some(sender) });
        Ok(Submitted { id, ticket, tries })
    }

    /// The challenge that a clip answers, spent with the job's commit; its steps are what the job is to look for.
    fn challenge_for(
        &self,
        holder: SessionHolder,
        operation: Operation,
        parameters: &mut Map<String, Value>,
    ) -> Result<Option<Challenge>, Stop> {
        if operation != Operation::CheckChallenge {
            return Ok(None);
        }
        let nonce = parameters.get("nonce").and_then(Value::as_str).ok_or(Refusal::ChallengeGone)?;
        let challenge = self.challenge_named(holder, nonce)?;
        parameters.insert("steps".to_owned(), serde_json::json!(challenge.steps));
        Ok(Some(challenge))
    }

    /// The tries of one operation or workflow in this session; refused when none is left.
    pub fn tries_left(&self, holder: SessionHolder, name: &str) -> Result<Tries, Stop> {
        let row = key(&[holder.account, holder.attempt]);
        let attempt: Attempt = self.record(Table::Attempts, &row)?.ok_or(Refusal::InvalidToken)?;
        self.check_tries(&attempt, name)
    }

    fn check_tries(&self, attempt: &Attempt, name: &str) -> Result<Tries, Stop> {
        if !attempt.is_open(self.clock.now()) {
            return Err(Refusal::InvalidToken.into());
        }
        let limit = self.tries_limit(attempt.account, name);
        match limit.saturating_sub(attempt.tries_of(name)) {
            0 => {
                self.note_no_tries(attempt.account);
                Err(Refusal::NoTriesLeft { limit }.into())
            }
            left => Ok(Tries { limit, left }),
        }
    }

    /// A job of `account`.
    pub fn job(&self, account: Id, id: Id) -> Result<JobSeen, Stop> {
        // Asked first: a job that ends in between is then seen finished rather than queued.
        let running_since = self.queue.running_since(id);
        let index = self.store.get(Table::JobsById, &key(&[account, id])).map_err(failed)?;
        let index = index.ok_or_else(|| no_entity(id))?;
        let [attempt] = ids(&index).map_err(|bad| unreadable(Table::JobsById, bad))?;
        let job: Job = self.record(Table::Jobs, &key(&[account, attempt, id]))?.ok_or_else(|| no_entity(id))?;
        Ok(JobSeen { running_since: running_since.filter(|_| job.is_queued()), job })
    }

    /// When a worker took this job, while one has it.
    pub fn job_running_since(&self, job: &Job) -> Option<Timestamp> {
        self.queue.running_since(job.id).filter(|_| job.is_queued())
    }

    /// The jobs of one attempt, oldest first.
    pub(super) fn jobs_of(&self, account: Id, attempt: Id) -> Result<Vec<Job>, Stop> {
        let prefix = key(&[account, attempt]);
        let mut jobs = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.store.scan(Table::Jobs, &prefix, after.as_deref(), 64).map_err(failed)?;
            let Some((last, _)) = page.last() else { return Ok(jobs) };
            after = Some(last.clone());
            for (_, value) in &page {
                jobs.push(decode(value).map_err(|bad| unreadable(Table::Jobs, bad))?);
            }
        }
    }

    /// Writes a job's outcome, with the embedding, the files, the numbers or the clip's fingerprint that came out of it.
    pub(super) fn finish(
        &self,
        job: &Job,
        started_at: Timestamp,
        concluded: &Concluded,
        past: &Past,
    ) -> Result<(), Stop> {
        let row = job_key(job);
        let owner = person(job.account, job.attempt);
        let before = encode(job).map_err(|bad| unreadable(Table::Jobs, bad))?;
        let mut made = Vec::with_capacity(concluded.files.len());
        for (field, bytes) in &concluded.files {
            match self.store.put_file(owner, bytes) {
                Ok(file) => made.push(input_file(field, &file)),
                Err(error) => {
                    self.drop_files(&made);
                    // The attempt was erased while its job ran: there is nothing left to record.
                    return if matches!(error, StoreError::Forgotten) { Ok(()) } else { Err(full_or_failed(error)) };
                }
            }
        }
        let mut after = job.clone();
        after.files.extend(made.iter().cloned());
        after.document_indexes.extend(self.document_indexes(job.account, &concluded.numbers));
        after.document_indexes.sort_unstable();
        after.document_indexes.dedup();
        let finished_at = self.clock.now();
        after.candidate = concluded.candidate.clone();
        after.review = concluded.review.clone();
        after.state = JobState::Finished { started_at, finished_at, outcome: concluded.outcome.clone() };
        let finished = Happened::JobFinished {
            job: job.id,
            attempt: job.attempt,
            workflow: job.name().to_owned(),
            status: concluded.outcome.verdict.number(),
        };
        let verdict = format!("{} {}", job.operation.name(), concluded.outcome.verdict.number());
        let entry = Entry::new(finished_at, Actor::System, Act::JobFinished).of(job.account, job.id).word(verdict);
        let mut ops = vec![
            put(Table::Jobs, row.clone(), &after, owner)?,
            tell(job.account, finished_at, finished)?,
            noted(&entry)?,
        ];
        if let Some(face) = &concluded.face {
            ops.push(Op::Put { table: Table::JobFaces, key: row.clone(), value: face.to_bytes(), owner });
        }
        if let Some(fingerprint) = &concluded.fingerprint {
            ops.extend(self.remember_clip(job, finished_at, fingerprint, past)?);
        }
        let commit = Commit { expects: vec![Expect::Equal(Table::Jobs, row, before)], ops };
        match self.commit_finished(&after, commit).inspect_err(|_| self.drop_files(&made))? {
            Committed::Done => Ok(()),
            // The attempt was erased while its job ran: there is nothing left to record.
            Committed::Conflict => {
                self.drop_files(&made);
                Ok(())
            }
        }
    }

    fn document_indexes(&self, account: Id, numbers: &[DocumentNumber]) -> Vec<String> {
        numbers.iter().map(|number| self.document_index(account, number)).collect()
    }

    /// Queues again what a restart found unfinished, and counts that it did. Returns how many.
    pub fn recover_jobs(&self) -> Result<usize, Stop> {
        let mut recovered = 0;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.store.scan(Table::JobsQueued, &[], after.as_deref(), 256).map_err(failed)?;
            let Some((last, _)) = page.last() else { return Ok(recovered) };
            after = Some(last.clone());
            for (id, attempt) in &page {
                let row = [attempt.as_slice(), id.as_slice()].concat();
                let Some(before) = self.store.get(Table::Jobs, &row).map_err(failed)? else { continue };
                let mut job: Job = decode(&before).map_err(|bad| unreadable(Table::Jobs, bad))?;
                job.recoveries += 1;
                let commit = Commit {
                    expects: vec![Expect::Equal(Table::Jobs, row.clone(), before)],
                    ops: vec![put(Table::Jobs, row, &job, person(job.account, job.attempt))?],
                };
                if self.commit(commit)? == Committed::Conflict {
                    return Err(Failure("a queued job changed before the workers were started".to_owned()).into());
                }
                self.queue.push(QueuedJob { job, files: None, memory: None, ticket: None });
                recovered += 1;
            }
        }
    }

    /// The bytes of one stored input.
    pub(super) fn file(&self, file: &InputFile) -> Result<Vec<u8>, Stop> {
        self.store.get_file(&file_ref(file)?).map_err(failed)
    }

    /// Removes files that no record names (any more). What fails here is found by the store's sweeper.
    pub(super) fn drop_files(&self, files: &[InputFile]) {
        for file in files {
            let dropped = file_ref(file).and_then(|file| self.store.delete_file(&file).map_err(failed));
            if dropped.is_err() {
                tracing::warn!("a file could not be removed and is left to the sweeper");
            }
        }
    }
}

pub(super) fn job_key(job: &Job) -> Vec<u8> {
    key(&[job.account, job.attempt, job.id])
}

fn input_file(field: &str, file: &FileRef) -> InputFile {
    InputFile {
        field: field.to_owned(),
        stored_as: file.name.clone(),
        sha256: hex::encode(&file.sha256),
        bytes: file.length,
        removed_at: None,
    }
}

pub(super) fn file_ref(file: &InputFile) -> Result<FileRef, Stop> {
    let sha256 = hex::decode(&file.sha256).ok_or_else(|| unreadable(Table::Jobs, BadRecord))?;
    Ok(FileRef { name: file.stored_as.clone(), sha256, length: file.bytes })
}

fn full_or_failed(error: StoreError) -> Stop {
    match error {
        StoreError::Full => Refusal::StorageFull.into(),
        // The session's attempt was erased since its token was looked at.
        StoreError::Forgotten => Refusal::InvalidToken.into(),
        error => failed(error),
    }
}
