//! The audit log's entries: who did what to which record, and when. Ids and actors only; nothing about a person.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::Id;
use super::time::Timestamp;

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Actor {
    /// The server by itself: a verdict, an expiry, a sweep.
    System,
    /// The holder of an API key.
    Key(Id),
    /// The holder of a session's token; the id is its attempt's.
    Session(Id),
    /// Somebody on this machine, by the system's name of the user.
    Administrator(String),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::System => f.write_str("system"),
            Actor::Key(id) => write!(f, "key:{id}"),
            Actor::Session(id) => write!(f, "session:{id}"),
            Actor::Administrator(name) => write!(f, "admin:{name}"),
        }
    }
}

impl std::str::FromStr for Actor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is nobody who acts");
        match text.split_once(':') {
            None if text == "system" => Ok(Actor::System),
            Some(("key", id)) => id.parse().map(Actor::Key).map_err(|_| wrong()),
            Some(("session", id)) => id.parse().map(Actor::Session).map_err(|_| wrong()),
            Some(("admin", name)) => Ok(Actor::Administrator(name.to_owned())),
            _ => Err(wrong()),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Act {
    #[serde(rename = "server.started")]
    ServerStarted,
    #[serde(rename = "server.stopped")]
    ServerStopped,
    /// The effective settings are others than at the last start; the word is their SHA-256.
    #[serde(rename = "configuration.changed")]
    ConfigurationChanged,
    /// The word is the new certificate's fingerprint.
    #[serde(rename = "certificate.changed")]
    CertificateChanged,
    #[serde(rename = "account.created")]
    AccountCreated,
    #[serde(rename = "account.retention")]
    RetentionSet,
    #[serde(rename = "account.changed")]
    AccountChanged,
    #[serde(rename = "key.created")]
    KeyCreated,
    #[serde(rename = "key.rotated")]
    KeyRotated,
    /// Its own quota.
    #[serde(rename = "key.changed")]
    KeyChanged,
    #[serde(rename = "key.revoked")]
    KeyRevoked,
    /// The word is the status.
    #[serde(rename = "attempt.closed")]
    AttemptClosed,
    /// The word is the status.
    #[serde(rename = "attempt.reviewed")]
    AttemptReviewed,
    /// An administrator looked at a person's record.
    #[serde(rename = "attempt.opened")]
    AttemptOpened,
    #[serde(rename = "attempt.exported")]
    AttemptExported,
    #[serde(rename = "attempt.erased")]
    AttemptErased,
    #[serde(rename = "session.revoked")]
    SessionRevoked,
    /// A verdict: the subject is the job, the word its operation and status.
    #[serde(rename = "job.finished")]
    JobFinished,
    #[serde(rename = "user.registered")]
    UserRegistered,
    /// In the place of the face that the user may have had.
    #[serde(rename = "face.enrolled")]
    FaceEnrolled,
    #[serde(rename = "user.erased")]
    UserErased,
    /// The word counts what was erased.
    #[serde(rename = "person.erased")]
    PersonErased,
    /// The word counts what was removed.
    #[serde(rename = "retention.applied")]
    RetentionApplied,
    /// All records in clear.
    #[serde(rename = "store.exported")]
    StoreExported,
    #[serde(rename = "store.backed_up")]
    StoreBackedUp,
    #[serde(rename = "store.rebuilt")]
    StoreRebuilt,
    #[serde(rename = "blocklist.added")]
    Blocked,
    #[serde(rename = "blocklist.removed")]
    Unblocked,
    #[serde(rename = "webhook.changed")]
    WebhookChanged,
    /// Other weights than at the last start are in force; the word is their bundle's id and version, or `embedded`.
    #[serde(rename = "models.activated")]
    ModelsActivated,
    /// Enrolled and blocked faces that another network had made; the word counts them.
    #[serde(rename = "faces.remade")]
    FacesRemade,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub at: Timestamp,
    pub actor: Actor,
    pub act: Act,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Id>,
    /// The key, attempt, job or user that it was done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Id>,
    /// A status, a fingerprint or a count; see each act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
}

impl Entry {
    pub fn new(at: Timestamp, actor: Actor, act: Act) -> Self {
        Self { at, actor, act, account: None, subject: None, word: None }
    }

    #[must_use]
    pub fn of(self, account: Id, subject: Id) -> Self {
        Self { account: Some(account), subject: Some(subject), ..self }
    }

    #[must_use]
    pub fn word(self, word: impl Into<String>) -> Self {
        Self { word: Some(word.into()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_read_as_it_is_written() {
        let id = Id::from_bytes([7; 12]);
        let root = Actor::Administrator("root".into());
        for actor in [Actor::System, Actor::Key(id), Actor::Session(id), root] {
            assert_eq!(actor.to_string().parse::<Actor>().unwrap(), actor);
        }
        assert!("somebody".parse::<Actor>().is_err() && "key:xyz".parse::<Actor>().is_err());
    }

    #[test]
    fn an_entry_says_only_what_there_is_to_say() {
        let entry = Entry::new(Timestamp::from_millis(1_652_067_131_748), Actor::System, Act::ServerStarted);
        assert_eq!(
            serde_json::to_string(&entry).unwrap(),
            r#"{"at":"2022-05-09T03:32:11.748Z","actor":"system","act":"server.started"}"#
        );
        assert_eq!(serde_json::from_str::<Entry>(&serde_json::to_string(&entry).unwrap()).unwrap(), entry);
    }
}
