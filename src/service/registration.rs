//! How an attempt ends, and whom that registers.
//!
//! A workflow that registers does so only when its job has succeeded *and* its attempt is SUCCESS, whichever comes later; what a
//! person must look at first turns SUCCESS into REVIEW. Both sides of that meeting write the attempt's record, so neither can miss
//! the other.

use super::audit::noted;
use super::events::tell;
use super::users::NewUser;
use super::{Committed, Service, failed, person, put, unreadable};
use crate::domain::account::Account;
use crate::domain::attempt::{Attempt, AttemptStatus, Registration};
use crate::domain::audit::{Act, Actor, Entry};
use crate::domain::event::Happened;
use crate::domain::job::{Candidate, Job, Operation};
use crate::domain::refusal::Stop;
use crate::domain::time::Timestamp;
use crate::store::tables::{Table, decode, document_key, key};
use crate::store::{Commit, Expect, Op};

/// Of a SUCCESS that no comparison stands behind, where the account wants such looked at.
const UNPROVEN: &str = "unproven";

impl Service {
    /// Ends the attempt as its client closed it. SUCCESS becomes REVIEW where a job or the account asks for a person.
    pub(super) fn close(
        &self,
        attempt: &mut Attempt,
        status: AttemptStatus,
        now: Timestamp,
        commit: &mut Commit,
    ) -> Result<Option<NewUser>, Stop> {
        let jobs = self.jobs_of(attempt.account, attempt.id)?;
        let reasons = self.reasons_for_review(attempt, &jobs)?;
        let doubtful = status == AttemptStatus::Success && !reasons.is_empty();
        let status = if doubtful { AttemptStatus::Review } else { status };
        attempt.end(status, now);
        commit.ops.push(tell(attempt.account, now, Happened::AttemptClosed { attempt: attempt.id, status })?);
        let entry = Entry::new(now, Actor::Session(attempt.id), Act::AttemptClosed).of(attempt.account, attempt.id);
        commit.ops.push(noted(&entry.word(status.name()))?);
        if doubtful {
            attempt.review_reasons = reasons;
            return Ok(None);
        }
        self.register_candidate(attempt, &jobs, commit)
    }

    /// Registers whom the last succeeded workflow named, if the attempt is SUCCESS and nobody was registered from it.
    pub(super) fn register_candidate(
        &self,
        attempt: &mut Attempt,
        jobs: &[Job],
        commit: &mut Commit,
    ) -> Result<Option<NewUser>, Stop> {
        let Some(candidate) =
            jobs.iter().rev().filter(|job| job.has_succeeded()).find_map(|job| job.candidate.as_ref())
        else {
            return Ok(None);
        };
        let face = self.selfie_of(attempt.account, attempt.id)?;
        self.register_as(attempt, candidate, face, commit)
    }

    fn register_as(
        &self,
        attempt: &mut Attempt,
        candidate: &Candidate,
        face: Option<Vec<u8>>,
        commit: &mut Commit,
    ) -> Result<Option<NewUser>, Stop> {
        let row = key(&[attempt.account, attempt.id]);
        let registered = self.store.get(Table::UsersByAttempt, &row).map_err(failed)?.is_some();
        if attempt.status != AttemptStatus::Success || registered {
            return Ok(None);
        }
        let number = document_key(attempt.account, &self.document_index(attempt.account, &candidate.document_id))
            .map_err(|bad| unreadable(Table::UsersByDocument, bad))?;
        if self.store.get(Table::UsersByDocument, &number).map_err(failed)?.is_some() {
            attempt.registration = Some(Registration::DocumentTaken);
            return Ok(None);
        }
        let new = self.new_user(&Actor::System, (attempt.account, attempt.id), candidate.clone(), face, commit)?;
        attempt.registration = Some(Registration::User(new.user.id));
        Ok(Some(new))
    }

    /// Makes a finished job's commit. One that registers, or that a person must look at, meets its attempt here.
    pub(super) fn commit_finished(&self, job: &Job, commit: Commit) -> Result<Committed, Stop> {
        if job.candidate.is_none() && job.review.is_empty() {
            return self.commit(commit);
        }
        let row = key(&[job.account, job.attempt]);
        loop {
            let Some(before) = self.store.get(Table::Attempts, &row).map_err(failed)? else {
                return Ok(Committed::Conflict);
            };
            let mut attempt: Attempt = decode(&before).map_err(|bad| unreadable(Table::Attempts, bad))?;
            let mut all = commit.clone();
            let new = self.meet(&mut attempt, job, &mut all)?;
            all.expects.push(Expect::Equal(Table::Attempts, row.clone(), before));
            all.ops.push(put(Table::Attempts, row.clone(), &attempt, person(job.account, job.attempt))?);
            if self.commit(all)? == Committed::Done {
                new.map(|new| self.enrolled(new));
                return Ok(Committed::Done);
            }
            // Somebody was faster at the attempt, or the job's own record is gone: then there is nothing left to write.
            let queued =
                self.record::<Job>(Table::Jobs, &super::jobs::job_key(job))?.is_some_and(|job| job.is_queued());
            if !queued {
                return Ok(Committed::Conflict);
            }
        }
    }

    /// A job that has just succeeded, and its attempt as it stands.
    fn meet(&self, attempt: &mut Attempt, job: &Job, commit: &mut Commit) -> Result<Option<NewUser>, Stop> {
        let now = self.clock.now();
        match attempt.status {
            AttemptStatus::Success if !job.review.is_empty() => {
                let status = AttemptStatus::Review;
                attempt.end(status, now);
                attempt.review_reasons.extend(job.review.iter().cloned());
                commit.ops.push(tell(attempt.account, now, Happened::AttemptClosed { attempt: attempt.id, status })?);
                let entry =
                    Entry::new(now, Actor::Session(attempt.id), Act::AttemptClosed).of(attempt.account, attempt.id);
                commit.ops.push(noted(&entry.word(status.name()))?);
                Ok(None)
            }
            AttemptStatus::Success => match &job.candidate {
                Some(candidate) => self.register_as(attempt, candidate, face_in(commit), commit),
                None => Ok(None),
            },
            AttemptStatus::Review => {
                attempt.review_reasons.extend(job.review.iter().cloned());
                attempt.updated_at = now;
                Ok(None)
            }
            // Written again, so that a closing at the same time sees this job.
            _ => {
                attempt.updated_at = now;
                Ok(None)
            }
        }
    }

    fn reasons_for_review(&self, attempt: &Attempt, jobs: &[Job]) -> Result<Vec<String>, Stop> {
        let succeeded = || jobs.iter().filter(|job| job.has_succeeded());
        let mut reasons: Vec<String> = succeeded().flat_map(|job| job.review.iter().cloned()).collect();
        let account: Option<Account> = self.record(Table::Accounts, &key(&[attempt.account]))?;
        let proven = succeeded().any(|job| match &job.workflow {
            Some(run) => run.definition.compares(),
            None => job.operation == Operation::CompareFaces,
        });
        if !proven && account.is_some_and(|account| account.review_unproven) {
            reasons.push(UNPROVEN.to_owned());
        }
        reasons.dedup();
        Ok(reasons)
    }
}

/// The selfie that a finished job's own commit is about to store.
fn face_in(commit: &Commit) -> Option<Vec<u8>> {
    commit.ops.iter().find_map(|op| match op {
        Op::Put { table: Table::JobFaces, value, .. } => Some(value.clone()),
        _ => None,
    })
}
