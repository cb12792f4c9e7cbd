//! An attempt: the record of a session, successful or not. The session is its open phase and lives inside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::audit::Actor;
use super::challenge::Challenge;
use super::id::Id;
use super::key::AnswerMode;
use super::time::Timestamp;

/// What the session is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AttemptKind {
    Signup,
    Validation,
}

impl AttemptKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Signup => "SIGNUP",
            Self::Validation => "VALIDATION",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "SIGNUP" => Some(Self::Signup),
            "VALIDATION" => Some(Self::Validation),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AttemptStatus {
    /// The session is open.
    Pending,
    Success,
    Failed,
    Review,
    Cancelled,
    /// The session ran out unclosed.
    Expired,
}

/// How the client says its session ended, by its own criteria.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    Success,
    Failed,
    Review,
}

impl Closing {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "SUCCESS" => Some(Self::Success),
            "FAILED" => Some(Self::Failed),
            "REVIEW" => Some(Self::Review),
            _ => None,
        }
    }

    pub fn status(self) -> AttemptStatus {
        match self {
            Self::Success => AttemptStatus::Success,
            Self::Failed => AttemptStatus::Failed,
            Self::Review => AttemptStatus::Review,
        }
    }
}

impl AttemptStatus {
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Success, Self::Failed, Self::Review, Self::Cancelled, Self::Expired];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
            Self::Review => "REVIEW",
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        serde::Deserialize::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(text)).ok()
    }
}

/// How a reviewer settles an attempt that was closed as REVIEW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    Success,
    Failed,
    Cancelled,
}

impl Settlement {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "SUCCESS" => Some(Self::Success),
            "FAILED" => Some(Self::Failed),
            "CANCELLED" => Some(Self::Cancelled),
            _ => None,
        }
    }

    pub fn status(self) -> AttemptStatus {
        match self {
            Self::Success => AttemptStatus::Success,
            Self::Failed => AttemptStatus::Failed,
            Self::Cancelled => AttemptStatus::Cancelled,
        }
    }
}

/// Who settled an attempt in review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reviewer {
    /// The API key that was used.
    Key { key: Id },
    /// An administrator of this machine, by the name that the system has for him.
    Administrator { administrator: String },
}

impl Reviewer {
    /// As the audit log names him.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Key { key } => Actor::Key(*key),
            Self::Administrator { administrator } => Actor::Administrator(administrator.clone()),
        }
    }

    pub fn key(&self) -> Option<Id> {
        match self {
            Self::Key { key } => Some(*key),
            Self::Administrator { .. } => None,
        }
    }

    pub fn administrator(&self) -> Option<&str> {
        match self {
            Self::Key { .. } => None,
            Self::Administrator { administrator } => Some(administrator),
        }
    }
}

/// Which administrator first looked at an attempt in review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub administrator: String,
    pub at: Timestamp,
}

/// Who settled an attempt in review, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    #[serde(flatten)]
    pub by: Reviewer,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The credential of an open attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Keyed hash of the token, hexadecimal.
    pub token_hash: String,
    pub expires_at: Timestamp,
    /// As the key wants it that opened the session.
    #[serde(default, skip_serializing_if = "AnswerMode::is_default")]
    pub answer: AnswerMode,
    /// The key that opened it: its own quota counts the session's requests too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Id>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub id: Id,
    pub account: Id,
    pub kind: AttemptKind,
    pub status: AttemptStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Present exactly while the status is PENDING.
    #[serde(default)]
    pub session: Option<Session>,
    /// Jobs stored so far, by the name of their operation or workflow: the tries that count against the limit.
    #[serde(default)]
    pub tries: BTreeMap<String, u32>,
    /// Issued and not answered yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
    /// Present once an administrator has looked at it in review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<Opened>,
    /// Present once a reviewer has settled it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// Why it stands in REVIEW although the client closed it as SUCCESS: `signup:duplicate_identity`, `unproven`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub review_reasons: Vec<String>,
    /// What came of a succeeded workflow that registers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
}

/// Whether a workflow's person became a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    User(Id),
    /// Another user has the document number.
    DocumentTaken,
}

impl Attempt {
    pub fn open(id: Id, account: Id, kind: AttemptKind, now: Timestamp, session: Session) -> Self {
        Self {
            id,
            account,
            kind,
            status: AttemptStatus::Pending,
            created_at: now,
            updated_at: now,
            session: Some(session),
            tries: BTreeMap::new(),
            challenge: None,
            opened: None,
            review: None,
            review_reasons: Vec::new(),
            registration: None,
        }
    }

    /// Whether its session can still be used at `now`.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.session.as_ref().is_some_and(|session| now < session.expires_at)
    }

    /// The status at `now`: a session that has run out is EXPIRED even before the record says so.
    pub fn status_at(&self, now: Timestamp) -> AttemptStatus {
        match self.status {
            AttemptStatus::Pending if !self.is_open(now) => AttemptStatus::Expired,
            status => status,
        }
    }

    /// Ends the session with `status`. The token stops working with this record's commit.
    pub fn end(&mut self, status: AttemptStatus, now: Timestamp) {
        self.session = None;
        self.challenge = None;
        self.status = status;
        self.updated_at = now;
    }

    /// Tries so far of the operation or workflow `name`.
    pub fn tries_of(&self, name: &str) -> u32 {
        self.tries.get(name).copied().unwrap_or(0)
    }

    pub fn count_try(&mut self, name: &str) {
        *self.tries.entry(name.to_owned()).or_insert(0) += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_session_that_ran_out_is_expired_from_that_millisecond_on() {
        let start = Timestamp::from_millis(1_000_000);
        let id = Id::from_bytes([1; 12]);
        let session = Session {
            token_hash: String::new(),
            expires_at: start.after(Duration::from_secs(60)),
            answer: AnswerMode::Job,
            key: None,
        };
        let mut attempt = Attempt::open(id, id, AttemptKind::Signup, start, session);
        assert_eq!(attempt.status_at(start.after(Duration::from_millis(59_999))), AttemptStatus::Pending);
        assert_eq!(attempt.status_at(start.after(Duration::from_secs(60))), AttemptStatus::Expired);
        attempt.end(AttemptStatus::Success, start);
        assert_eq!(attempt.status_at(start.after(Duration::from_secs(90))), AttemptStatus::Success);
        assert!(!attempt.is_open(start));
    }

    #[test]
    fn a_review_by_a_key_is_read_as_it_always_was_and_one_by_an_administrator_is_told_from_it() {
        let old = r#"{"key":"010101010101010101010101","at":"2022-05-09T03:32:11.748Z","note":"clear"}"#;
        let review: Review = serde_json::from_str(old).unwrap();
        assert_eq!(review.by, Reviewer::Key { key: Id::from_bytes([1; 12]) });
        assert_eq!(serde_json::to_string(&review).unwrap(), old);
        let by = Reviewer::Administrator { administrator: "ana".to_owned() };
        let review = Review { by, ..review };
        assert_eq!(serde_json::from_str::<Review>(&serde_json::to_string(&review).unwrap()).unwrap(), review);
    }
}
