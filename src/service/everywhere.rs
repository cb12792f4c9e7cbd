//! What an administrator sees: pages across all accounts, newest first, and records found by their id alone.
//!
//! Ids grow with the time of creation, so pages of several accounts are merged by them. A page costs what it shows and one
//! read an account, however much there is.

use super::attempts::AttemptFilter;
use super::audit::noted;
use super::events::tell;
use super::jobs::JobSeen;
use super::{Service, failed, no_entity, unreadable};
use crate::domain::attempt::{Attempt, AttemptStatus, Opened, Reviewer, Settlement};
use crate::domain::audit::{Act, Actor, Entry};
use crate::domain::event::Happened;
use crate::domain::id::Id;
use crate::domain::job::{Job, JobState, Verdict};
use crate::domain::refusal::{Refusal, Stop};
use crate::domain::time::Timestamp;
use crate::domain::user::User;
use crate::store::Commit;
use crate::store::tables::{Table, decode, ids, key};

/// Rows that one page looks at, likewise to attempts: a filter that seldom fits must not read everything at once.
const ROWS_SEEN_MAX: usize = 5_000;
const ROWS_READ: usize = 200;

/// Some rows, newest first.
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Where the next page goes on: what is older than this. A page may be short and still have a next one.
    pub next: Option<Id>,
}

/// How far a job has come, as lists are filtered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobStatus {
    Queued,
    Running,
    Ended(Verdict),
}

/// What became of a settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    Done,
    /// With four eyes: nobody has opened it yet.
    NotOpened,
    /// With four eyes: it is he who opened it.
    OpenedBy(String),
}

impl Service {
    /// A page of attempts of one account, or of all.
    pub fn attempts_anywhere(
        &self,
        account: Option<Id>,
        filter: &AttemptFilter,
        cursor: Option<Id>,
        limit: usize,
    ) -> Result<Page<(Attempt, AttemptStatus)>, Stop> {
        self.merged(
            account,
            limit,
            |(attempt, _): &(Attempt, AttemptStatus)| attempt.id,
            |account| {
                let page = self.attempts(account, filter, cursor, limit)?;
                Ok(Page { rows: page.attempts, next: page.next })
            },
        )
    }

    /// A page of the attempts that wait for a reviewer.
    pub fn attempts_in_review(
        &self,
        account: Option<Id>,
        cursor: Option<Id>,
        limit: usize,
    ) -> Result<Page<Attempt>, Stop> {
        self.merged(
            account,
            limit,
            |attempt: &Attempt| attempt.id,
            |account| {
                let before = cursor.map(|id| key(&[account, id]));
                let found = self
                    .store
                    .scan_back(Table::AttemptsInReview, &key(&[account]), before.as_deref(), limit)
                    .map_err(failed)?;
                let next = self.last_of(Table::AttemptsInReview, &found, limit)?;
                // Between the two reads a reviewer may have settled one.
                let rows = found.iter().map(|(row, _)| self.record(Table::Attempts, row));
                Ok(Page { rows: rows.filter_map(Result::transpose).collect::<Result<_, Stop>>()?, next })
            },
        )
    }

    /// How many wait for a reviewer.
    pub fn reviews_waiting(&self) -> Result<u64, Stop> {
        self.store.count(Table::AttemptsInReview).map_err(failed)
    }

    /// How many sessions are open; those that ran out count until they are swept up, half a minute later.
    pub fn sessions_open(&self) -> Result<u64, Stop> {
        self.store.count(Table::SessionsByToken).map_err(failed)
    }

    /// A page of the open sessions. None is older than a session may become by the configuration: one that was opened under a
    /// longer time than the present one is among the attempts only.
    pub fn sessions_anywhere(
        &self,
        account: Option<Id>,
        cursor: Option<Id>,
        limit: usize,
    ) -> Result<Page<Attempt>, Stop> {
        let oldest = (self.config.sessions.minutes * 60_000).try_into().unwrap_or(i64::MAX);
        let from = Timestamp::from_millis(self.clock.now().as_millis().saturating_sub(oldest));
        let filter =
            AttemptFilter { status: Some(AttemptStatus::Pending), from: Some(from), ..AttemptFilter::default() };
        let page = self.attempts_anywhere(account, &filter, cursor, limit)?;
        Ok(Page { rows: page.rows.into_iter().map(|(attempt, _)| attempt).collect(), next: page.next })
    }

    /// A page of jobs of one account, or of all.
    pub fn jobs_anywhere(
        &self,
        account: Option<Id>,
        status: Option<JobStatus>,
        cursor: Option<Id>,
        limit: usize,
    ) -> Result<Page<JobSeen>, Stop> {
        self.merged(
            account,
            limit,
            |seen: &JobSeen| seen.job.id,
            |account| {
                let mut page = Page { rows: Vec::new(), next: cursor };
                for _ in 0..ROWS_SEEN_MAX / ROWS_READ {
                    let before = page.next.map(|id| key(&[account, id]));
                    let found = self.store.scan_back(
                        Table::JobsById,
                        &key(&[account]),
                        before.as_deref(),
                        ROWS_READ.min(limit.max(1)),
                    );
                    let found = found.map_err(failed)?;
                    for (row, attempt) in &found {
                        let [_, id] = ids(row).map_err(|bad| unreadable(Table::JobsById, bad))?;
                        let [attempt] = ids(attempt).map_err(|bad| unreadable(Table::JobsById, bad))?;
                        page.next = Some(id);
                        let running_since = self.queue.running_since(id);
                        let job: Option<Job> = self.record(Table::Jobs, &key(&[account, attempt, id]))?;
                        let Some(job) = job else { continue };
                        let seen = JobSeen { running_since: running_since.filter(|_| job.is_queued()), job };
                        if status.is_none_or(|status| status == seen.status()) {
                            page.rows.push(seen);
                        }
                        if page.rows.len() == limit {
                            return Ok(page);
                        }
                    }
                    if found.len() < ROWS_READ.min(limit.max(1)) {
                        return Ok(Page { next: None, ..page });
                    }
                }
                Ok(page)
            },
        )
    }

    /// A page of users of one account, or of all.
    pub fn users_anywhere(&self, account: Option<Id>, cursor: Option<Id>, limit: usize) -> Result<Page<User>, Stop> {
        self.merged(
            account,
            limit,
            |user: &User| user.id,
            |account| {
                let before = cursor.map(|id| key(&[account, id]));
                let found = self.store.scan_back(Table::Users, &key(&[account]), before.as_deref(), limit);
                let found = found.map_err(failed)?;
                let next = self.last_of(Table::Users, &found, limit)?;
                let rows = found.iter().map(|(_, value)| decode(value).map_err(|bad| unreadable(Table::Users, bad)));
                Ok(Page { rows: rows.collect::<Result<_, Stop>>()?, next })
            },
        )
    }

    /// Whose attempt it is.
    pub fn account_of_attempt(&self, id: Id) -> Result<Id, Stop> {
        self.account_with(Table::Attempts, id)
    }

    pub fn account_of_job(&self, id: Id) -> Result<Id, Stop> {
        self.account_with(Table::JobsById, id)
    }

    pub fn account_of_user(&self, id: Id) -> Result<Id, Stop> {
        self.account_with(Table::Users, id)
    }

    /// Ends a session before its time: its token works no more, and its attempt is CANCELLED.
    pub fn revoke_session(&self, by: &Actor, account: Id, id: Id) -> Result<(), Stop> {
        self.change_attempt(account, id, |attempt| {
            let now = self.clock.now();
            if !attempt.is_open(now) {
                return Err(no_entity(id));
            }
            let status = AttemptStatus::Cancelled;
            attempt.end(status, now);
            let closed = tell(account, now, Happened::AttemptClosed { attempt: id, status })?;
            let entry = Entry::new(now, by.clone(), Act::SessionRevoked).of(account, id);
            Ok(((), Commit { ops: vec![closed, noted(&entry)?], ..Commit::default() }))
        })
    }

    /// Notes who first looked at an attempt in review. Later ones change nothing. Returns who it was.
    pub fn open_review(&self, account: Id, id: Id, administrator: &str) -> Result<Opened, Stop> {
        self.change_attempt(account, id, |attempt| {
            if attempt.status != AttemptStatus::Review {
                return Err(Refusal::AttemptNotInReview.into());
            }
            let now = self.clock.now();
            let new = || Opened { administrator: administrator.to_owned(), at: now };
            let opened = attempt.opened.get_or_insert_with(new).clone();
            let by = Actor::Administrator(administrator.to_owned());
            let entry = Entry::new(now, by, Act::AttemptOpened).of(account, id);
            Ok((opened, Commit { ops: vec![noted(&entry)?], ..Commit::default() }))
        })
    }

    /// Settles an attempt in review in the name of an administrator. Where four eyes are asked for, somebody else must have
    /// opened it before.
    pub fn settle(
        &self,
        account: Id,
        id: Id,
        settlement: Settlement,
        note: Option<&str>,
        administrator: &str,
    ) -> Result<Settled, Stop> {
        if self.config.admin.four_eyes {
            let attempt: Option<Attempt> = self.record(Table::Attempts, &key(&[account, id]))?;
            let attempt = attempt.ok_or_else(|| no_entity(id))?;
            // Once there, who opened it never changes: it may be read before the record is.
            match attempt.opened.filter(|_| attempt.status == AttemptStatus::Review) {
                None if attempt.status == AttemptStatus::Review => return Ok(Settled::NotOpened),
                Some(opened) if opened.administrator == administrator => {
                    return Ok(Settled::OpenedBy(opened.administrator));
                }
                _ => {}
            }
        }
        let by = Reviewer::Administrator { administrator: administrator.to_owned() };
        self.review(account, id, settlement, note.map(str::to_owned), by, None)?;
        Ok(Settled::Done)
    }

    fn account_with(&self, table: Table, id: Id) -> Result<Id, Stop> {
        for account in self.accounts()? {
            if self.store.get(table, &key(&[account.id, id])).map_err(failed)?.is_some() {
                return Ok(account.id);
            }
        }
        Err(no_entity(id))
    }

    /// The id of the last row of a full page: where the next one goes on.
    fn last_of(&self, table: Table, rows: &[(Vec<u8>, Vec<u8>)], limit: usize) -> Result<Option<Id>, Stop> {
        match rows.last() {
            Some((row, _)) if rows.len() >= limit => {
                let [_, id] = ids(row).map_err(|bad| unreadable(table, bad))?;
                Ok(Some(id))
            }
            _ => Ok(None),
        }
    }

    /// One page out of a page of each account.
    fn merged<T>(
        &self,
        account: Option<Id>,
        limit: usize,
        id: impl Fn(&T) -> Id,
        page_of: impl Fn(Id) -> Result<Page<T>, Stop>,
    ) -> Result<Page<T>, Stop> {
        if let Some(account) = account {
            return page_of(account);
        }
        let mut rows = Vec::new();
        // What is older than this may be missing from one of the pages.
        let mut complete_to: Option<Id> = None;
        for account in self.accounts()? {
            let page = page_of(account.id)?;
            complete_to = complete_to.max(page.next);
            rows.extend(page.rows);
        }
        rows.sort_by_key(|row| std::cmp::Reverse(id(row)));
        if let Some(end) = complete_to {
            rows.retain(|row| id(row) >= end);
        }
        if rows.len() > limit {
            rows.truncate(limit);
            complete_to = rows.last().map(&id);
        }
        Ok(Page { rows, next: complete_to })
    }
}

impl JobSeen {
    pub fn status(&self) -> JobStatus {
        match &self.job.state {
            JobState::Finished { outcome, .. } => JobStatus::Ended(outcome.verdict),
            JobState::Queued if self.running_since.is_some() => JobStatus::Running,
            JobState::Queued => JobStatus::Queued,
        }
    }
}

impl JobStatus {
    pub const ALL: [Self; 5] = [
        Self::Queued,
        Self::Running,
        Self::Ended(Verdict::Succeeded),
        Self::Ended(Verdict::Failed),
        Self::Ended(Verdict::Invalid),
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Ended(Verdict::Succeeded) => "succeeded",
            Self::Ended(Verdict::Failed) => "failed",
            Self::Ended(Verdict::Invalid) => "invalid",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == text)
    }
}
