//! The block-list of an account: numbers and faces that no sign-up is to pass with.
//!
//! A workflow's `search_people` looks here; what comes of a hit is for the workflow's `fail_on` and `review_on`.

use super::audit::noted;
use super::{Committed, Service, failed, no_entity, person, put, unreadable};
use crate::domain::audit::{Act, Actor, Entry};
use crate::domain::block::Blocked;
use crate::domain::evidence::{Embedding, FaceKept};
use crate::domain::id::Id;
use crate::domain::refusal::Stop;
use crate::domain::score::Cosine;
use crate::domain::user::DocumentNumber;
use crate::store::tables::{Table, decode, document_key, ids, key};
use crate::store::{Commit, Expect, Op};

/// What is to be blocked. A user or an attempt gives the number and the face that are known of it.
#[derive(Clone, Debug)]
pub enum Blocking {
    Number(DocumentNumber),
    User(Id),
    /// The selfie of its last succeeded comparison.
    Attempt(Id),
}

impl Service {
    pub fn block(&self, by: &Actor, account: Id, whom: Blocking, reason: &str) -> Result<Blocked, Stop> {
        let (document_index, face) = match whom {
            Blocking::Number(number) => (Some(self.document_index(account, &number)), None),
            Blocking::User(user) => {
                (Some(self.user(account, user)?.document_index), self.face_kept(Table::UserFaces, account, user)?)
            }
            Blocking::Attempt(attempt) => {
                let face = self.selfie_of(account, attempt)?.ok_or_else(|| no_entity(attempt))?;
                (None, Some(face))
            }
        };
        let now = self.clock.now();
        let entry = Blocked {
            id: self.ids.next(now),
            account,
            document_index,
            has_face: face.is_some(),
            reason: reason.to_owned(),
            created_at: now,
        };
        let row = key(&[account, entry.id]);
        // Sealed under a key of its own: erasing the person elsewhere leaves the list, removing the entry leaves nothing.
        let owner = person(account, entry.id);
        let noting = Entry::new(now, by.clone(), Act::Blocked).of(account, entry.id);
        let mut ops = vec![put(Table::Blocked, row.clone(), &entry, owner)?, noted(&noting)?];
        if let Some(face) = &face {
            let value = face.to_bytes();
            ops.push(Op::Put { table: Table::BlockedFaces, key: row.clone(), value, owner });
        }
        let expects = vec![Expect::Present(Table::Accounts, key(&[account])), Expect::Absent(Table::Blocked, row)];
        match self.commit(Commit { expects, ops })? {
            Committed::Done => {}
            Committed::Conflict => return Err(no_entity(account)),
        }
        if let Some(face) = &face {
            self.blocked.insert(account, entry.id, &face.embedding);
        }
        Ok(entry)
    }

    /// The account's list, oldest first.
    pub fn blocklist(&self, account: Id) -> Result<Vec<Blocked>, Stop> {
        let (mut entries, mut after) = (Vec::new(), None::<Vec<u8>>);
        loop {
            let page = self.store.scan(Table::Blocked, &key(&[account]), after.as_deref(), 256).map_err(failed)?;
            let Some((last, _)) = page.last() else { return Ok(entries) };
            after = Some(last.clone());
            for (_, value) in &page {
                entries.push(decode(value).map_err(|bad| unreadable(Table::Blocked, bad))?);
            }
        }
    }

    pub fn unblock(&self, by: &Actor, account: Id, id: Id) -> Result<Blocked, Stop> {
        let entry: Blocked = self.record(Table::Blocked, &key(&[account, id]))?.ok_or_else(|| no_entity(id))?;
        self.note_about(by, Act::Unblocked, account, id)?;
        self.forget(&[(account, id)])?;
        Ok(entry)
    }

    pub(super) fn is_number_blocked(&self, account: Id, number: &DocumentNumber) -> Result<bool, Stop> {
        let row = document_key(account, &self.document_index(account, number))
            .map_err(|bad| unreadable(Table::BlockedByDocument, bad))?;
        Ok(!self.store.scan(Table::BlockedByDocument, &row, None, 1).map_err(failed)?.is_empty())
    }

    pub(super) fn is_face_blocked(&self, account: Id, face: &Embedding, at_least: Cosine) -> Result<bool, Stop> {
        let stored = |entry| Ok(self.face_kept(Table::BlockedFaces, account, entry)?.map(|face| face.embedding));
        Ok(!self.blocked.search(account, face, at_least, 1, stored)?.is_empty())
    }

    /// Fills the gallery of blocked faces from the store.
    pub(super) fn load_blocked(&self) -> Result<(), Stop> {
        let mut after = None::<Vec<u8>>;
        loop {
            let page = self.store.scan(Table::BlockedFaces, &[], after.as_deref(), 1024).map_err(failed)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            for (row, value) in &page {
                let [account, entry] = ids(row).map_err(|bad| unreadable(Table::BlockedFaces, bad))?;
                if !self.blocked.insert(account, entry, &FaceKept::from_bytes(value).embedding) {
                    tracing::warn!(%entry, "a blocked face cannot be read and is not searched");
                }
            }
        }
    }
}
