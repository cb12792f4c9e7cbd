//! What the first-generation API asks for and today's does not: an examination with an API key alone, people who were never
//! examined, and a face enrolled by itself.
//!
//! Whatever examines somebody's document or compares somebody leaves an attempt behind, as it would today.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::audit::noted;
use super::jobs::{Submission, Submitted};
use super::users::Registration;
use super::{Committed, KeyHolder, Service, SessionHolder, failed, no_entity, person, put, unreadable};
use crate::config::LivenessRequired;
use crate::domain::attempt::{AttemptKind, Closing};
use crate::domain::audit::{Act, Actor, Entry};
use crate::domain::evidence::{Embedding, FaceKept};
use crate::domain::id::Id;
use crate::domain::job::{Outcome, Verdict, WorkflowRun};
use crate::domain::liveness::Reality;
use crate::domain::refusal::{Refusal, Stop};
use crate::domain::user::{DocumentNumber, DocumentType, User};
use crate::domain::workflow::{Action, FieldKind, FieldRule, Step, Workflow};
use crate::store::tables::{Table, decode, key};
use crate::store::{Commit, Expect, Op};

impl Service {
    /// Opens an attempt for one job and stores that. [`Service::conclude`] closes it by the outcome.
    pub fn examine(&self, by: KeyHolder, submission: Submission) -> Result<(SessionHolder, Submitted), Stop> {
        let (session, _) = self.open(by, AttemptKind::Validation, None)?;
        match self.submit(session, submission, None) {
            Ok(submitted) => Ok((session, submitted)),
            Err(stop) => {
                self.close_session(session, Closing::Failed, None)?;
                Err(stop)
            }
        }
    }

    pub fn conclude(&self, session: SessionHolder, outcome: &Outcome) -> Result<Id, Stop> {
        let succeeded = outcome.verdict == Verdict::Succeeded;
        self.close_session(session, if succeeded { Closing::Success } else { Closing::Failed }, None)
    }

    /// Registers somebody whom nobody examined. The attempt that every user comes from is closed without a job; an account that
    /// wants such attempts reviewed gets no user.
    pub fn register_unexamined(
        &self,
        by: KeyHolder,
        document_id: DocumentNumber,
        document_type: DocumentType,
        metadata: Map<String, Value>,
    ) -> Result<User, Stop> {
        if self.user_of_number(by.account, &document_id)?.is_some() {
            return Err(Refusal::DocumentTaken.into());
        }
        let (session, _) = self.open(by, AttemptKind::Signup, None)?;
        let attempt = self.close_session(session, Closing::Success, None)?;
        self.register(
            &Actor::Key(by.key),
            by.account,
            Registration { attempt, document_id, document_type, metadata },
            None,
        )
    }

    /// Has a face embedded that is to be enrolled, in its turn behind the jobs. Nothing of the photo is stored.
    pub fn examine_for_enrolment(
        &self,
        face: Vec<u8>,
        memory: Option<OwnedSemaphorePermit>,
    ) -> Result<oneshot::Receiver<Result<Embedding, Stop>>, Stop> {
        let only_live = self.config.liveness.required == LivenessRequired::Enforce;
        self.ask_examiner(memory, move |examiner| {
            let seen = examiner.embed_face(&face).map_err(|unusable| {
                let (error, sentence) = super::operations::say_unusable("face", &unusable);
                Refusal::UnusableFile { error, sentence }
            })?;
            let liveness = seen.photo.faces.first().and_then(|face| face.liveness);
            if only_live && liveness.is_none_or(|liveness| liveness.verdict != Reality::Real) {
                let sentence =
                    "The face in `face` does not look like a live person's. Take the photo again.".to_owned();
                return Err(Refusal::UnusableFile { error: "not_live", sentence }.into());
            }
            Ok(seen.embedding)
        })
    }

    /// Enrols a face, in the place of the one that the user may have had.
    pub fn enrol(&self, by: KeyHolder, id: Id, face: &Embedding) -> Result<User, Stop> {
        let row = key(&[by.account, id]);
        loop {
            let before = self.store.get(Table::Users, &row).map_err(failed)?.ok_or_else(|| no_entity(id))?;
            let mut user: User = decode(&before).map_err(|bad| unreadable(Table::Users, bad))?;
            let now = self.clock.now();
            user.updated_at = now;
            user.version += 1;
            let owner = person(by.account, id);
            let entry = Entry::new(now, Actor::Key(by.key), Act::FaceEnrolled).of(by.account, id);
            let value = FaceKept { embedding: face.clone(), selfie: None }.to_bytes();
            let commit = Commit {
                expects: vec![Expect::Equal(Table::Users, row.clone(), before)],
                ops: vec![
                    put(Table::Users, row.clone(), &user, owner)?,
                    Op::Put { table: Table::UserFaces, key: row.clone(), value, owner },
                    noted(&entry)?,
                ],
            };
            if self.commit(commit)? == Committed::Done {
                self.gallery.insert(by.account, id, face);
                return Ok(user);
            }
        }
    }
}

/// A selfie against the face enrolled under a number, as a job by itself: no administrator's file changes what it means.
pub fn compare_by_ref() -> Arc<WorkflowRun> {
    let field = |kind| FieldRule { kind, required: true };
    let same = |name: &str| (name.to_owned(), name.to_owned());
    let definition = Workflow {
        version: 1,
        about: "A selfie against the face enrolled under a document number.".to_owned(),
        enabled: true,
        fields: [
            ("face".to_owned(), field(FieldKind::Photo)),
            ("documentId".to_owned(), field(FieldKind::DocumentNumber)),
        ]
        .into(),
        steps: vec![Step {
            run: Action::CompareEnrolled,
            with: [same("face"), same("documentId")].into(),
            threshold_min: None,
            fail_on: Vec::new(),
            review_on: Vec::new(),
        }],
        register: None,
    };
    Arc::new(WorkflowRun {
        name: "compare_by_ref".to_owned(),
        fingerprint: super::workflows::fingerprint(&definition),
        definition,
    })
}
