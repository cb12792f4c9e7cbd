//! Attempts: what a session left behind, listed, read and settled.

use std::time::Duration;

use super::audit::noted;
use super::events::tell;
use super::once::{Once, came_to};
use super::{Service, failed, no_entity, unreadable};
use crate::domain::attempt::{Attempt, AttemptKind, AttemptStatus, Review, Reviewer, Settlement};
use crate::domain::audit::{Act, Entry};
use crate::domain::event::Happened;
use crate::domain::id::Id;
use crate::domain::job::Job;
use crate::domain::refusal::{Refusal, Stop};
use crate::domain::replay::Effect;
use crate::domain::time::Timestamp;
use crate::domain::user::DocumentNumber;
use crate::store::Commit;
use crate::store::tables::{Table, decode, key};

/// Rows that one page looks at: a filter that seldom fits must not read a whole account in one request.
const ROWS_SEEN_MAX: usize = 5_000;
/// Rows read from the store at a time.
const ROWS_READ: usize = 200;

/// An attempt with its stages.
pub struct AttemptSeen {
    pub attempt: Attempt,
    /// At the time of reading: a session that has run out is EXPIRED at once.
    pub status: AttemptStatus,
    /// Oldest first.
    pub stages: Vec<Job>,
}

/// Which attempts to list; what is `None` does not matter.
#[derive(Clone, Debug, Default)]
pub struct AttemptFilter {
    pub status: Option<AttemptStatus>,
    pub kind: Option<AttemptKind>,
    /// Created at or after.
    pub from: Option<Timestamp>,
    /// Created at or before.
    pub to: Option<Timestamp>,
    /// In which this number was claimed, read, or registered.
    pub document: Option<DocumentNumber>,
}

/// Some attempts, newest first, each with its status at the time of reading.
pub struct AttemptPage {
    pub attempts: Vec<(Attempt, AttemptStatus)>,
    /// Where the next page goes on. A page may hold fewer than asked for, or none, and still have a next one.
    pub next: Option<Id>,
}

impl AttemptFilter {
    fn fits(&self, attempt: &Attempt, status: AttemptStatus) -> bool {
        self.status.is_none_or(|wanted| wanted == status)
            && self.kind.is_none_or(|wanted| wanted == attempt.kind)
            && self.from.is_none_or(|from| attempt.created_at >= from)
            && self.to.is_none_or(|to| attempt.created_at <= to)
    }
}

impl Service {
    /// A page of attempts, newest first, older than the attempt `cursor`.
    pub fn attempts(
        &self,
        account: Id,
        filter: &AttemptFilter,
        cursor: Option<Id>,
        limit: usize,
    ) -> Result<AttemptPage, Stop> {
        if let Some(number) = &filter.document {
            return self.attempts_with(account, number, filter, cursor, limit);
        }
        let now = self.clock.now();
        let mut page = AttemptPage { attempts: Vec::new(), next: cursor };
        for _ in 0..ROWS_SEEN_MAX / ROWS_READ {
            let before = page.next.map(|id| key(&[account, id]));
            let rows = self
                .store
                .scan_back(Table::Attempts, &key(&[account]), before.as_deref(), ROWS_READ)
                .map_err(failed)?;
            for (_, value) in &rows {
                let attempt: Attempt = decode(value).map_err(|bad| unreadable(Table::Attempts, bad))?;
                // Ids grow with the time of creation to the second; a clock that was set back may reverse a few.
                if filter.from.is_some_and(|from| attempt.id.created_at().after(Duration::from_secs(1)) < from) {
                    return Ok(AttemptPage { next: None, ..page });
                }
                page.next = Some(attempt.id);
                let status = attempt.status_at(now);
                if filter.fits(&attempt, status) {
                    page.attempts.push((attempt, status));
                    if page.attempts.len() == limit {
                        return Ok(page);
                    }
                }
            }
            if rows.len() < ROWS_READ {
                return Ok(AttemptPage { next: None, ..page });
            }
        }
        Ok(page)
    }

    /// As [`Service::attempts`], of one document number: there are so few that each can be looked at.
    fn attempts_with(
        &self,
        account: Id,
        number: &DocumentNumber,
        filter: &AttemptFilter,
        cursor: Option<Id>,
        limit: usize,
    ) -> Result<AttemptPage, Stop> {
        let now = self.clock.now();
        let mut ids = self.attempts_of_document(account, number)?;
        match self.user_by_document(account, number) {
            Ok(user) => ids.push(user.attempt),
            Err(Stop::Refused(Refusal::NoEntity { .. })) => {}
            Err(stop) => return Err(stop),
        }
        ids.sort_unstable();
        ids.dedup();
        let mut page = AttemptPage { attempts: Vec::new(), next: None };
        for id in ids.into_iter().rev().filter(|id| cursor.is_none_or(|cursor| *id < cursor)) {
            let Some(attempt) = self.record::<Attempt>(Table::Attempts, &key(&[account, id]))? else { continue };
            let status = attempt.status_at(now);
            if filter.fits(&attempt, status) {
                page.attempts.push((attempt, status));
                if page.attempts.len() == limit {
                    page.next = Some(id);
                    break;
                }
            }
        }
        Ok(page)
    }

    /// Settles an attempt that was closed as REVIEW. Refused when it is in another status.
    pub fn review(
        &self,
        account: Id,
        id: Id,
        settlement: Settlement,
        note: Option<String>,
        by: Reviewer,
        once: Option<&Once>,
    ) -> Result<Id, Stop> {
        let new = self.change_attempt(account, id, |attempt| {
            if attempt.status != AttemptStatus::Review {
                return Err(Refusal::AttemptNotInReview.into());
            }
            let at = self.clock.now();
            let status = settlement.status();
            attempt.end(status, at);
            attempt.review = Some(Review { by: by.clone(), at, note: note.clone() });
            let reviewed = tell(account, at, Happened::AttemptReviewed { attempt: id, status })?;
            let entry = Entry::new(at, by.actor(), Act::AttemptReviewed).of(account, id).word(status.name());
            let mut commit = Commit { ops: vec![reviewed, noted(&entry)?], ..Commit::default() };
            came_to(once, &mut commit, account, at, || Effect::AttemptReviewed { attempt: id })?;
            let jobs = self.jobs_of(account, id)?;
            Ok((self.register_candidate(attempt, &jobs, &mut commit)?, commit))
        })?;
        new.map(|new| self.enrolled(new));
        Ok(id)
    }

    pub fn attempt(&self, account: Id, id: Id) -> Result<AttemptSeen, Stop> {
        let attempt: Attempt = self.record(Table::Attempts, &key(&[account, id]))?.ok_or_else(|| no_entity(id))?;
        let status = attempt.status_at(self.clock.now());
        Ok(AttemptSeen { status, stages: self.jobs_of(account, id)?, attempt })
    }

    /// The bytes of a file that came with one of the attempt's jobs. `name` is as the attempt's stages refer to it.
    pub fn attempt_file(&self, account: Id, id: Id, name: &str) -> Result<Vec<u8>, Stop> {
        let jobs = self.jobs_of(account, id)?;
        let file = jobs.iter().flat_map(|job| &job.files).find(|file| file.stored_as == name);
        self.file(file.filter(|file| file.removed_at.is_none()).ok_or_else(|| no_entity(name))?)
    }
}
