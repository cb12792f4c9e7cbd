//! How an attempt ends, and whom that registers.
//!
//! A workflow that registers does so only when its job has succeeded *and* its attempt is SUCCESS, whichever comes later; what a
//! person must look at first turns SUCCESS into REVIEW. Both sides of that meeting write the attempt's record, so neither can miss
//! the other.

use std::sync::{MutexGuard, PoisonError};

use super::audit::noted;
use super::events::tell;
use super::operations::people::People as _;
use super::people::AccountPeople;
use super::users::NewUser;
use super::{Committed, Service, failed, person, put, unreadable};
use crate::domain::account::Account;
use crate::domain::attempt::{Attempt, AttemptStatus, Registration};
use crate::domain::audit::{Act, Actor, Entry};
use crate::domain::event::Happened;
use crate::domain::evidence::{Embedding, FaceKept, Selfie};
use crate::domain::id::Id;
use crate::domain::job::{Candidate, Job, Operation};
use crate::domain::refusal::Stop;
use crate::domain::time::Timestamp;
use crate::domain::workflow::Action;
use crate::store::tables::{Table, decode, document_key, key};
use crate::store::{Commit, Expect, Op};

/// Of a SUCCESS that no comparison stands behind, where the account wants such looked at.
const UNPROVEN: &str = "unproven";

/// A candidate that has a face: whom a succeeded job names, and the selfie of that very job's comparison.
struct Standing<'a> {
    candidate: &'a Candidate,
    face: Option<FaceKept>,
}

impl Service {
    /// Ends the attempt as its client closed it. SUCCESS becomes REVIEW where a job, the account, or what is known of other
    /// people by now asks for a person.
    pub(super) fn close(
        &self,
        attempt: &mut Attempt,
        status: AttemptStatus,
        now: Timestamp,
        commit: &mut Commit,
    ) -> Result<Option<NewUser>, Stop> {
        let jobs = self.jobs_of(attempt.account, attempt.id)?;
        let standing = self.standing(&jobs)?;
        if status != AttemptStatus::Success {
            self.end(attempt, status, now, commit)?;
            return Ok(None);
        }
        let mut reasons = self.reasons_for_review(attempt, &jobs)?;
        if reasons.is_empty() {
            reasons = self.doubts(attempt.account, standing.as_ref())?;
        }
        if !reasons.is_empty() {
            self.end(attempt, AttemptStatus::Review, now, commit)?;
            attempt.review_reasons = reasons;
            return Ok(None);
        }
        self.end(attempt, status, now, commit)?;
        self.register_standing(attempt, standing, commit)
    }

    fn end(
        &self,
        attempt: &mut Attempt,
        status: AttemptStatus,
        now: Timestamp,
        commit: &mut Commit,
    ) -> Result<(), Stop> {
        attempt.end(status, now);
        commit.ops.push(tell(attempt.account, now, Happened::AttemptClosed { attempt: attempt.id, status })?);
        let entry = Entry::new(now, Actor::Session(attempt.id), Act::AttemptClosed).of(attempt.account, attempt.id);
        commit.ops.push(noted(&entry.word(status.name()))?);
        Ok(())
    }

    /// Registers whom the last succeeded workflow named, once a person has settled the attempt as SUCCESS.
    pub(super) fn register_candidate(
        &self,
        attempt: &mut Attempt,
        jobs: &[Job],
        commit: &mut Commit,
    ) -> Result<Option<NewUser>, Stop> {
        let standing = self.standing(jobs)?;
        self.register_standing(attempt, standing, commit)
    }

    /// Whom the last succeeded workflow names. Not the attempt's latest selfie: another job's was never held against this document.
    fn standing<'a>(&self, jobs: &'a [Job]) -> Result<Option<Standing<'a>>, Stop> {
        for job in jobs.iter().rev().filter(|job| job.has_succeeded()) {
            if let Some(candidate) = &job.candidate {
                return Ok(Some(Standing { candidate, face: self.face_of(job)? }));
            }
        }
        Ok(None)
    }

    fn register_standing(
        &self,
        attempt: &mut Attempt,
        standing: Option<Standing>,
        commit: &mut Commit,
    ) -> Result<Option<NewUser>, Stop> {
        let Some(Standing { candidate, face }) = standing else { return Ok(None) };
        if attempt.status != AttemptStatus::Success || self.is_registered(attempt)? {
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

    fn is_registered(&self, attempt: &Attempt) -> Result<bool, Stop> {
        let row = key(&[attempt.account, attempt.id]);
        Ok(self.store.get(Table::UsersByAttempt, &row).map_err(failed)?.is_some())
    }

    /// Asks again what the job's own search asked: since then somebody else may have been enrolled, or blocked.
    fn doubts(&self, account: Id, standing: Option<&Standing>) -> Result<Vec<String>, Stop> {
        let Some(Standing { candidate, face }) = standing else { return Ok(Vec::new()) };
        let Some(search) = &candidate.search else { return Ok(Vec::new()) };
        let people = AccountPeople { service: self, account };
        let number = &candidate.document_id;
        let mut found = Vec::new();
        if people.is_number_blocked(number)? {
            found.push("blocked_number");
        }
        if let Some(FaceKept { embedding: face, .. }) = face {
            if people.is_face_blocked(face, search.cosine)? {
                found.push("blocked_face");
            }
            if !people.alike(face, search.cosine, 1, std::slice::from_ref(number))?.is_empty() {
                found.push("duplicate_identity");
            }
            if !people.is_complete(face.by) {
                found.push("people_incomplete");
            }
        }
        found.retain(|finding| search.findings.iter().any(|wanted| wanted == finding));
        Ok(found.iter().map(|finding| format!("{}:{finding}", Action::SearchPeople.name())).collect())
    }

    /// Held from the search to the registration of whoever a workflow registers, so that of two sign-ups of one person that end
    /// at the same moment the second sees the first.
    pub(super) fn one_registration(&self, jobs: &[Job]) -> Option<MutexGuard<'_, ()>> {
        let registers = |job: &Job| job.workflow.as_ref().is_some_and(|run| run.definition.register.is_some());
        jobs.iter().any(registers).then(|| self.registering.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a finished job's commit. One that registers, or that a person must look at, meets its attempt here.
    pub(super) fn commit_finished(&self, job: &Job, commit: Commit) -> Result<Committed, Stop> {
        if job.candidate.is_none() && job.review.is_empty() {
            return self.commit(commit);
        }
        let row = key(&[job.account, job.attempt]);
        let _one = self.one_registration(std::slice::from_ref(job));
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
            AttemptStatus::Success => {
                let standing =
                    job.candidate.as_ref().map(|candidate| Standing { candidate, face: face_in(commit, job) });
                let reasons = match job.review.is_empty() {
                    true => self.doubts(attempt.account, standing.as_ref())?,
                    false => job.review.clone(),
                };
                // Who is registered already was so from another job; that stands, and is not for this one to undo.
                if reasons.is_empty() || self.is_registered(attempt)? {
                    return self.register_standing(attempt, standing, commit);
                }
                self.end(attempt, AttemptStatus::Review, now, commit)?;
                attempt.review = None;
                attempt.opened = None;
                attempt.review_reasons = reasons;
                Ok(None)
            }
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
fn face_in(commit: &Commit, job: &Job) -> Option<FaceKept> {
    commit.ops.iter().find_map(|op| match op {
        Op::Put { table: Table::JobFaces, value, .. } => Some(FaceKept {
            embedding: Embedding::from_bytes(value),
            selfie: Some(Selfie { attempt: job.attempt, job: job.id }),
        }),
        _ => None,
    })
}
