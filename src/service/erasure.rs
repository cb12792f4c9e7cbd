//! Erasure: everything about a person, gone. The person's key is destroyed, the rows and files are removed, and the journal and
//! the checkpoints that still held sealed copies are rewritten before a verb here returns.
//!
//! That a user is to be erased is written down first, in the commit that tells of it: a crash then leaves a decision, which the
//! next start carries out, and never an erasure that nobody was told of.
//!
//! A receipt (ids and the time, nothing else) stays in the signed erasure list, which a restore of an older backup must apply.

use super::audit::noted;
use super::events::tell;
use super::{Committed, Service, failed, no_entity, unreadable};
use crate::domain::attempt::Attempt;
use crate::domain::audit::{Act, Actor, Entry};
use crate::domain::event::Happened;
use crate::domain::id::Id;
use crate::domain::refusal::{Refusal, Stop};
use crate::domain::user::{DocumentNumber, User};
use crate::store::tables::{Owner, Table, document_key, ids, key};
use crate::store::{Commit, Expect, Op};

/// What an erasure reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Users and attempts.
    pub subjects: u64,
    pub rows: u64,
    pub files: u64,
}

impl Service {
    /// Erases a user, the enrolled face, and the attempt that the user was registered from with its jobs and files.
    pub fn erase_user(&self, by: &Actor, account: Id, id: Id) -> Result<Erased, Stop> {
        let user = self.user(account, id)?;
        self.decide(by, &user)?;
        let erased = self.forget(&[(account, user.attempt), (account, id)])?;
        self.done(account, id)?;
        Ok(erased)
    }

    /// Erases an attempt whose person never became a user.
    pub fn erase_attempt(&self, by: &Actor, account: Id, id: Id) -> Result<Erased, Stop> {
        let row = key(&[account, id]);
        let _: Attempt = self.record(Table::Attempts, &row)?.ok_or_else(|| no_entity(id))?;
        if self.store.get(Table::UsersByAttempt, &row).map_err(failed)?.is_some() {
            return Err(Refusal::AttemptHasUser.into());
        }
        // Noted before it is done: a crash leaves an entry of what was asked for, never an erasure without one.
        self.note_about(by, Act::AttemptErased, account, id)?;
        let erased = self.forget(&[(account, id)])?;
        self.with_late_user(by, &row, erased)
    }

    /// A registration may have been committed between the decision to erase an attempt and its end: then the user goes too.
    fn with_late_user(&self, by: &Actor, attempt: &[u8], erased: Erased) -> Result<Erased, Stop> {
        let bad = |bad| unreadable(Table::UsersByAttempt, bad);
        let Some(found) = self.store.get(Table::UsersByAttempt, attempt).map_err(failed)? else { return Ok(erased) };
        let ([account, _], [user]) = (ids(attempt).map_err(bad)?, ids(&found).map_err(bad)?);
        let user = self.erase_user(by, account, user)?;
        Ok(Erased {
            subjects: erased.subjects + user.subjects,
            rows: erased.rows + user.rows,
            files: erased.files + user.files,
        })
    }

    /// Erases whatever is known of a document number in every account: the user registered under it, and every attempt that
    /// claimed it or showed a document with it. A user registered under another number from such an attempt stays.
    pub fn erase_document(&self, by: &Actor, number: &DocumentNumber) -> Result<Erased, Stop> {
        let (mut people, mut users) = (Vec::new(), Vec::new());
        for account in self.accounts()? {
            let index = self.document_index(account.id, number);
            let row = document_key(account.id, &index).map_err(|bad| unreadable(Table::UsersByDocument, bad))?;
            if let Some(found) = self.store.get(Table::UsersByDocument, &row).map_err(failed)? {
                let [id] = ids(&found).map_err(|bad| unreadable(Table::UsersByDocument, bad))?;
                let user = self.user(account.id, id)?;
                people.extend([(account.id, user.attempt), (account.id, id)]);
                users.push(user);
            }
            people.extend(self.attempts_of_document(account.id, number)?.into_iter().map(|id| (account.id, id)));
        }
        people.sort_unstable();
        people.dedup();
        if people.is_empty() {
            return Err(no_entity(number.as_str()));
        }
        self.note(by, Act::PersonErased, Some(format!("{} records", people.len())))?;
        users.iter().try_for_each(|user| self.decide(by, user))?;
        let erased = self.forget(&people)?;
        users.iter().try_for_each(|user| self.done(user.account, user.id))?;
        Ok(erased)
    }

    /// Carries out what was decided before a crash. Returns how many users that were.
    pub fn finish_erasures(&self) -> Result<usize, Stop> {
        let bad = |bad| unreadable(Table::Erasing, bad);
        let mut finished = 0;
        loop {
            let page = self.store.scan(Table::Erasing, &[], None, 256).map_err(failed)?;
            if page.is_empty() {
                return Ok(finished);
            }
            for (row, attempt) in &page {
                let ([account, user], [attempt]) = (ids(row).map_err(bad)?, ids(attempt).map_err(bad)?);
                self.forget(&[(account, attempt), (account, user)])?;
                self.done(account, user)?;
                finished += 1;
            }
        }
    }

    /// From here on the user will be erased, whatever happens.
    fn decide(&self, by: &Actor, user: &User) -> Result<(), Stop> {
        let row = key(&[user.account, user.id]);
        let told = Happened::UserErased { user: user.id, attempt: user.attempt };
        let decision = Op::Put {
            table: Table::Erasing,
            key: row.clone(),
            value: key(&[user.attempt]),
            owner: Owner::Account(user.account),
        };
        let now = self.clock.now();
        let entry = Entry::new(now, by.clone(), Act::UserErased).of(user.account, user.id);
        let commit = Commit {
            expects: vec![Expect::Present(Table::Users, row.clone()), Expect::Absent(Table::Erasing, row.clone())],
            ops: vec![decision, tell(user.account, now, told)?, noted(&entry)?],
        };
        match self.commit(commit)? {
            Committed::Done => Ok(()),
            // Somebody else decided it at the same time; to do it twice does no harm.
            Committed::Conflict if self.store.get(Table::Erasing, &row).map_err(failed)?.is_some() => Ok(()),
            Committed::Conflict => Err(no_entity(user.id)),
        }
    }

    fn done(&self, account: Id, user: Id) -> Result<(), Stop> {
        let ops = vec![Op::Delete { table: Table::Erasing, key: key(&[account, user]) }];
        let _ = self.commit(Commit { ops, ..Commit::default() })?;
        Ok(())
    }

    /// The attempts in which `number` was claimed or read from a document, oldest first.
    pub fn attempts_of_document(&self, account: Id, number: &DocumentNumber) -> Result<Vec<Id>, Stop> {
        let bad = |bad| unreadable(Table::JobsByDocument, bad);
        let prefix = document_key(account, &self.document_index(account, number)).map_err(bad)?;
        let mut attempts: Vec<Id> = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.store.scan(Table::JobsByDocument, &prefix, after.as_deref(), 256).map_err(failed)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (row, _) in &page {
                let [attempt, _] = ids(row.get(prefix.len()..).unwrap_or_default()).map_err(bad)?;
                attempts.push(attempt);
            }
        }
        attempts.dedup();
        Ok(attempts)
    }

    /// Erases `id` in whichever account it is.
    pub fn erase_somewhere(
        &self,
        by: &Actor,
        id: Id,
        erase: fn(&Self, &Actor, Id, Id) -> Result<Erased, Stop>,
    ) -> Result<Erased, Stop> {
        for account in self.accounts()? {
            match erase(self, by, account.id, id) {
                Err(Stop::Refused(Refusal::NoEntity { .. })) => {}
                done => return done,
            }
        }
        Err(no_entity(id))
    }

    /// The signed list of everyone who was erased: ids and times. Kept apart from the backups, a restore needs it.
    pub fn erasures(&self) -> Result<String, Stop> {
        self.store.export_erasures().map_err(failed)
    }

    pub(super) fn forget(&self, people: &[(Id, Id)]) -> Result<Erased, Stop> {
        // First: a search must not be led by faces that are about to go.
        for &(account, subject) in people {
            self.gallery.remove(account, subject);
            self.blocked.remove(account, subject);
        }
        let done = self.store.forget(people, self.clock.now()).map_err(failed)?;
        tracing::info!(subjects = done.people, rows = done.rows, files = done.files, "erased");
        Ok(Erased { subjects: done.people, rows: done.rows, files: done.files })
    }
}
