//! Erasure: everything about a person, gone. The person's key is destroyed, the rows and files are removed, and the journal and
//! the checkpoints that still held sealed copies are rewritten before a verb here returns.
//!
//! A receipt (ids and the time, nothing else) stays in the signed erasure list, which a restore of an older backup must apply.

use super::{Service, failed, no_entity, unreadable};
use crate::domain::attempt::Attempt;
use crate::domain::id::Id;
use crate::domain::refusal::{Refusal, Stop};
use crate::domain::user::DocumentNumber;
use crate::store::tables::{Table, document_key, ids, key};

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
    pub fn erase_user(&self, account: Id, id: Id) -> Result<Erased, Stop> {
        let user = self.user(account, id)?;
        self.forget(&[(account, user.attempt), (account, id)])
    }

    /// Erases an attempt whose person never became a user.
    pub fn erase_attempt(&self, account: Id, id: Id) -> Result<Erased, Stop> {
        let row = key(&[account, id]);
        let _: Attempt = self.record(Table::Attempts, &row)?.ok_or_else(|| no_entity(id))?;
        if self.store.get(Table::UsersByAttempt, &row).map_err(failed)?.is_some() {
            return Err(Refusal::AttemptHasUser.into());
        }
        self.forget(&[(account, id)])
    }

    /// Erases whatever is known of a document number in every account: the user registered under it, and every attempt that
    /// claimed it or showed a document with it. A user registered under another number from such an attempt stays.
    pub fn erase_document(&self, number: &DocumentNumber) -> Result<Erased, Stop> {
        let mut people = Vec::new();
        for account in self.accounts()? {
            let index = self.document_index(account.id, number);
            let row = document_key(account.id, &index).map_err(|bad| unreadable(Table::UsersByDocument, bad))?;
            if let Some(found) = self.store.get(Table::UsersByDocument, &row).map_err(failed)? {
                let [id] = ids(&found).map_err(|bad| unreadable(Table::UsersByDocument, bad))?;
                let user = self.user(account.id, id)?;
                people.extend([(account.id, user.attempt), (account.id, id)]);
            }
            people.extend(self.attempts_of_document(account.id, number)?.into_iter().map(|id| (account.id, id)));
        }
        people.sort_unstable();
        people.dedup();
        if people.is_empty() {
            return Err(no_entity(number.as_str()));
        }
        self.forget(&people)
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
    pub fn erase_somewhere(&self, id: Id, erase: fn(&Self, Id, Id) -> Result<Erased, Stop>) -> Result<Erased, Stop> {
        for account in self.accounts()? {
            match erase(self, account.id, id) {
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
        let done = self.store.forget(people, self.clock.now()).map_err(failed)?;
        tracing::info!(subjects = done.people, rows = done.rows, files = done.files, "erased");
        Ok(Erased { subjects: done.people, rows: done.rows, files: done.files })
    }
}
