//! Users: people registered from a successful attempt, found by id or document number.

use serde_json::{Map, Value};

use super::audit::noted;
use super::events::tell;
use super::once::{Once, came_to};
use super::{Committed, Service, failed, no_entity, person, put, unreadable};
use crate::domain::attempt::{Attempt, AttemptStatus};
use crate::domain::audit::{Act, Actor, Entry};
use crate::domain::event::Happened;
use crate::domain::evidence::{Embedding, FaceKept, Selfie};
use crate::domain::hex;
use crate::domain::id::Id;
use crate::domain::job::{Candidate, Job, Operation};
use crate::domain::refusal::{Failure, Refusal, Stop};
use crate::domain::replay::Effect;
use crate::domain::user::{DocumentNumber, DocumentType, User};
use crate::store::tables::{Table, decode, document_key, ids, key};
use crate::store::{Commit, Expect, Op};

/// What a client registers.
pub struct Registration {
    pub attempt: Id,
    pub document_id: DocumentNumber,
    pub document_type: DocumentType,
    pub metadata: Map<String, Value>,
}

/// A user in a commit that is still to be made.
pub(super) struct NewUser {
    pub(super) user: User,
    face: Option<FaceKept>,
}

impl Service {
    /// Registers a user from an attempt that ended in SUCCESS, and enrols the selfie of its last succeeded compare, if any.
    pub fn register(
        &self,
        by: &Actor,
        account: Id,
        registration: Registration,
        once: Option<&Once>,
    ) -> Result<User, Stop> {
        let Registration { attempt, document_id, document_type, metadata } = registration;
        let candidate = Candidate { document_id, document_type, metadata, search: None };
        let attempt_row = key(&[account, attempt]);
        let taken = document_key(account, &self.document_index(account, &candidate.document_id))
            .map_err(|bad| unreadable(Table::UsersByDocument, bad))?;
        loop {
            let before = self.store.get(Table::Attempts, &attempt_row).map_err(failed)?;
            let before = before.ok_or_else(|| no_entity(attempt))?;
            let record: Attempt = decode(&before).map_err(|bad| unreadable(Table::Attempts, bad))?;
            if record.status != AttemptStatus::Success {
                return Err(Refusal::AttemptNotSuccessful.into());
            }
            if self.store.get(Table::UsersByDocument, &taken).map_err(failed)?.is_some() {
                return Err(Refusal::DocumentTaken.into());
            }
            if self.store.get(Table::UsersByAttempt, &attempt_row).map_err(failed)?.is_some() {
                return Err(Refusal::AttemptTaken.into());
            }
            // As it was read: a job that ends at the same time may have put it to REVIEW.
            let unchanged = Expect::Equal(Table::Attempts, attempt_row.clone(), before);
            let mut commit = Commit { expects: vec![unchanged], ops: Vec::new() };
            let face = self.selfie_of(account, attempt)?;
            let new = self.new_user(by, (account, attempt), candidate.clone(), face, &mut commit)?;
            let registered = || Effect::UserRegistered { user: new.user.id };
            came_to(once, &mut commit, account, new.user.created_at, registered)?;
            if self.commit(commit)? == Committed::Done {
                return Ok(self.enrolled(new));
            }
        }
    }

    /// Adds to `commit` what registers `candidate` from that attempt, with the embedding of a selfie as it is stored.
    pub(super) fn new_user(
        &self,
        by: &Actor,
        (account, attempt): (Id, Id),
        candidate: Candidate,
        face: Option<FaceKept>,
        commit: &mut Commit,
    ) -> Result<NewUser, Stop> {
        let Candidate { document_id, document_type, metadata, .. } = candidate;
        let now = self.clock.now();
        let user = User {
            id: self.ids.next(now),
            account,
            document_index: self.document_index(account, &document_id),
            document_id,
            document_type,
            metadata,
            attempt,
            created_at: now,
            updated_at: now,
            version: 0,
        };
        let row = key(&[account, user.id]);
        let owner = person(account, user.id);
        let created = tell(account, now, Happened::UserCreated { user: user.id, attempt })?;
        let entry = Entry::new(now, by.clone(), Act::UserRegistered).of(account, user.id).word(attempt.to_string());
        commit.ops.extend([put(Table::Users, row.clone(), &user, owner)?, created, noted(&entry)?]);
        if let Some(face) = &face {
            commit.ops.push(Op::Put { table: Table::UserFaces, key: row.clone(), value: face.to_bytes(), owner });
        }
        let taken =
            document_key(account, &user.document_index).map_err(|bad| unreadable(Table::UsersByDocument, bad))?;
        commit.expects.extend([
            Expect::Absent(Table::Users, row),
            Expect::Absent(Table::UsersByDocument, taken),
            Expect::Absent(Table::UsersByAttempt, key(&[account, attempt])),
        ]);
        Ok(NewUser { user, face })
    }

    /// Lets a user whose commit was made be found by face.
    pub(super) fn enrolled(&self, new: NewUser) -> User {
        let User { account, id, .. } = new.user;
        if let Some(face) = &new.face {
            self.gallery.insert(account, id, &face.embedding);
            // Erased in between: whoever erases takes the face out before, and would have missed it.
            if matches!(self.enrolled_face(account, id), Ok(None)) {
                self.gallery.remove(account, id);
            }
        }
        new.user
    }

    pub fn user(&self, account: Id, id: Id) -> Result<User, Stop> {
        self.record(Table::Users, &key(&[account, id]))?.ok_or_else(|| no_entity(id))
    }

    pub fn user_by_document(&self, account: Id, number: &DocumentNumber) -> Result<User, Stop> {
        let row = document_key(account, &self.document_index(account, number))
            .map_err(|bad| unreadable(Table::UsersByDocument, bad))?;
        let found = self.store.get(Table::UsersByDocument, &row).map_err(failed)?;
        let found = found.ok_or_else(|| no_entity(number.as_str()))?;
        let [id] = ids(&found).map_err(|bad| unreadable(Table::UsersByDocument, bad))?;
        self.user(account, id)
    }

    /// A page of users, oldest first, after the user `cursor`.
    pub fn users(&self, account: Id, cursor: Option<Id>, limit: usize) -> Result<Vec<User>, Stop> {
        let after = cursor.map(|id| key(&[account, id]));
        let page = self.store.scan(Table::Users, &key(&[account]), after.as_deref(), limit).map_err(failed)?;
        page.iter().map(|(_, value)| decode(value).map_err(|bad| unreadable(Table::Users, bad))).collect()
    }

    pub(super) fn document_index(&self, account: Id, number: &DocumentNumber) -> String {
        hex::encode(&self.store.blind(account, "document number", &number.canonical()))
    }

    /// The selfie in the attempt's last succeeded compare, by itself or in a workflow.
    pub(super) fn selfie_of(&self, account: Id, attempt: Id) -> Result<Option<FaceKept>, Stop> {
        let compares = |job: &&Job| matches!(job.operation, Operation::CompareFaces | Operation::Workflow);
        for job in self.jobs_of(account, attempt)?.iter().rev().filter(|job| job.has_succeeded()).filter(compares) {
            match self.face_of(job)? {
                Some(face) => return Ok(Some(face)),
                // Not every workflow compares.
                None if job.operation == Operation::Workflow => {}
                None => return Err(Failure("a succeeded compare has no embedding".to_owned()).into()),
            }
        }
        Ok(None)
    }

    /// The selfie that a job embedded.
    pub(super) fn face_of(&self, job: &Job) -> Result<Option<FaceKept>, Stop> {
        let face = self.store.get(Table::JobFaces, &super::jobs::job_key(job)).map_err(failed)?;
        Ok(face.map(|bytes| FaceKept {
            embedding: Embedding::from_bytes(&bytes),
            selfie: Some(Selfie { attempt: job.attempt, job: job.id }),
        }))
    }
}
