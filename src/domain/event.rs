//! What happened in an account, for those who are to be told: ids and statuses, nothing about a person.
//!
//! In JSON an event is `type`, `timestamp` and `data`, as Standard Webhooks recommends, with its `id` beside them.

use serde::{Deserialize, Serialize};

use super::attempt::{AttemptKind, AttemptStatus};
use super::id::Id;
use super::time::Timestamp;

/// An event as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Grows from one event of an account to the next, in the order in which they took effect.
    pub id: Id,
    #[serde(flatten)]
    pub record: EventRecord,
}

/// An event as it is stored; its id is its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRecord {
    #[serde(rename = "timestamp")]
    pub at: Timestamp,
    #[serde(flatten)]
    pub what: Happened,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Happened {
    /// A session was opened.
    #[serde(rename = "attempt.created")]
    AttemptCreated {
        attempt: Id,
        #[serde(rename = "type")]
        kind: AttemptKind,
    },
    /// The client closed its session.
    #[serde(rename = "attempt.closed")]
    AttemptClosed { attempt: Id, status: AttemptStatus },
    /// Somebody settled an attempt that was closed as REVIEW.
    #[serde(rename = "attempt.reviewed")]
    AttemptReviewed { attempt: Id, status: AttemptStatus },
    /// A session ran out unclosed.
    #[serde(rename = "attempt.expired")]
    AttemptExpired { attempt: Id, status: AttemptStatus },
    /// `status` is the number that `GET /jobs/:id` answers with.
    #[serde(rename = "job.finished")]
    JobFinished { job: Id, attempt: Id, workflow: String, status: u8 },
    #[serde(rename = "user.created")]
    UserCreated { user: Id, attempt: Id },
    /// Everything about the user, and about the attempt that it was registered from, is gone or about to go.
    #[serde(rename = "user.erased")]
    UserErased { user: Id, attempt: Id },
    /// An administrator tries a webhook out; nobody else is sent this.
    #[serde(rename = "webhook.test")]
    WebhookTest { webhook: Id },
}

/// Which event; what a receiver may choose among.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EventKind {
    #[serde(rename = "attempt.created")]
    AttemptCreated,
    #[serde(rename = "attempt.closed")]
    AttemptClosed,
    #[serde(rename = "attempt.reviewed")]
    AttemptReviewed,
    #[serde(rename = "attempt.expired")]
    AttemptExpired,
    #[serde(rename = "job.finished")]
    JobFinished,
    #[serde(rename = "user.created")]
    UserCreated,
    #[serde(rename = "user.erased")]
    UserErased,
    #[serde(rename = "webhook.test")]
    WebhookTest,
}

impl Happened {
    pub fn kind(&self) -> EventKind {
        match self {
            Happened::AttemptCreated { .. } => EventKind::AttemptCreated,
            Happened::AttemptClosed { .. } => EventKind::AttemptClosed,
            Happened::AttemptReviewed { .. } => EventKind::AttemptReviewed,
            Happened::AttemptExpired { .. } => EventKind::AttemptExpired,
            Happened::JobFinished { .. } => EventKind::JobFinished,
            Happened::UserCreated { .. } => EventKind::UserCreated,
            Happened::UserErased { .. } => EventKind::UserErased,
            Happened::WebhookTest { .. } => EventKind::WebhookTest,
        }
    }
}

impl EventKind {
    pub const ALL: [EventKind; 8] = [
        EventKind::AttemptCreated,
        EventKind::AttemptClosed,
        EventKind::AttemptReviewed,
        EventKind::AttemptExpired,
        EventKind::JobFinished,
        EventKind::UserCreated,
        EventKind::UserErased,
        EventKind::WebhookTest,
    ];

    pub fn name(self) -> &'static str {
        match self {
            EventKind::AttemptCreated => "attempt.created",
            EventKind::AttemptClosed => "attempt.closed",
            EventKind::AttemptReviewed => "attempt.reviewed",
            EventKind::AttemptExpired => "attempt.expired",
            EventKind::JobFinished => "job.finished",
            EventKind::UserCreated => "user.created",
            EventKind::UserErased => "user.erased",
            EventKind::WebhookTest => "webhook.test",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_written_as_it_is_told_and_read_back() {
        let id = Id::from_bytes([1; 12]);
        let record = EventRecord {
            at: Timestamp::from_millis(1_652_067_131_748),
            what: Happened::AttemptCreated { attempt: id, kind: AttemptKind::Signup },
        };
        let text = serde_json::to_string(&Event { id, record: record.clone() }).unwrap();
        assert_eq!(
            text,
            r#"{"id":"010101010101010101010101","timestamp":"2022-05-09T03:32:11.748Z","type":"attempt.created","data":{"attempt":"010101010101010101010101","type":"SIGNUP"}}"#
        );
        assert_eq!(serde_json::from_str::<EventRecord>(&text).unwrap(), record);
        assert_eq!(record.what.kind().name(), "attempt.created");
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(EventKind::parse(kind.name()), Some(kind));
        }
    }
}
