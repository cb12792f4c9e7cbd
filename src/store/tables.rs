//! The tables, and which index rows follow from a record.
//!
//! Index rows are derived, never written by callers: the store computes them from the old and the new record inside the same
//! commit, and `fsck` derives them again and compares.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::attempt::{Attempt, AttemptStatus};
use crate::domain::block::Blocked;
use crate::domain::hex;
use crate::domain::id::Id;
use crate::domain::job::Job;
use crate::domain::key::ApiKeyRecord;
use crate::domain::replay::Replay;
use crate::domain::time::Timestamp;
use crate::domain::user::User;
use crate::domain::webhook::{Delivery, DeliveryState};

/// A table of the store. The text is its name on disk and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// account → account record
    Accounts,
    /// account, key → API key record
    Keys,
    /// index: keyed hash of the secret → account, key
    KeysByHash,
    /// account, attempt → attempt record, with its session while that is open
    Attempts,
    /// index: keyed hash of the session token → account, attempt; only while the attempt is PENDING
    SessionsByToken,
    /// index: account, attempt → nothing; only while the attempt is in REVIEW
    AttemptsInReview,
    /// account, attempt, job → job record
    Jobs,
    /// index: account, job → attempt
    JobsById,
    /// index: job → account, attempt; only while the job is queued
    JobsQueued,
    /// index: account, blind index of a document number claimed or read, attempt, job → nothing
    JobsByDocument,
    /// account, attempt, job → embedding of the selfie or of the document's portrait
    JobFaces,
    /// account, attempt, job → fingerprint of the clip
    ClipPrints,
    /// account, user → user record
    Users,
    /// index: account, blind index of the document number → user
    UsersByDocument,
    /// index: account, attempt → user registered from it
    UsersByAttempt,
    /// account, user → enrolled face: embedding, and the attempt and job of its photo
    UserFaces,
    /// account, user → the attempt that it was registered from; there from the decision to erase the user until nothing is left
    Erasing,
    /// account, event → what happened; appended
    Events,
    /// account, entry → entry of the block-list
    Blocked,
    /// account, entry → blocked face, as that of a user
    BlockedFaces,
    /// index: account, blind index of a blocked number, entry → nothing
    BlockedByDocument,
    /// entry → who did what; appended, and removed when it is in the audit log's file
    Audit,
    /// account, webhook → webhook record
    Webhooks,
    /// account, webhook → the last event that was laid out for it
    WebhookCursors,
    /// account, webhook, event → delivery record
    Deliveries,
    /// index: account, webhook, when it is due (milliseconds), event → nothing; only while the delivery waits
    DeliveriesDue,
    /// keyed hash of who asked what under which idempotency key → what it came to
    Replays,
    /// index: when that was (milliseconds), the same hash → nothing
    ReplaysByTime,
}

impl Table {
    pub const ALL: [Table; 28] = [
        Table::Accounts,
        Table::Keys,
        Table::KeysByHash,
        Table::Attempts,
        Table::SessionsByToken,
        Table::AttemptsInReview,
        Table::Jobs,
        Table::JobsById,
        Table::JobsQueued,
        Table::JobsByDocument,
        Table::JobFaces,
        Table::ClipPrints,
        Table::Users,
        Table::UsersByDocument,
        Table::UsersByAttempt,
        Table::UserFaces,
        Table::Erasing,
        Table::Events,
        Table::Blocked,
        Table::BlockedFaces,
        Table::BlockedByDocument,
        Table::Audit,
        Table::Webhooks,
        Table::WebhookCursors,
        Table::Deliveries,
        Table::DeliveriesDue,
        Table::Replays,
        Table::ReplaysByTime,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Table::Accounts => "accounts",
            Table::Keys => "keys",
            Table::KeysByHash => "keys_by_hash",
            Table::Attempts => "attempts",
            Table::SessionsByToken => "sessions_by_token",
            Table::AttemptsInReview => "attempts_in_review",
            Table::Jobs => "jobs",
            Table::JobsById => "jobs_by_id",
            Table::JobsQueued => "jobs_queued",
            Table::JobsByDocument => "jobs_by_document",
            Table::JobFaces => "job_faces",
            Table::ClipPrints => "clip_prints",
            Table::Users => "users",
            Table::UsersByDocument => "users_by_document",
            Table::UsersByAttempt => "users_by_attempt",
            Table::UserFaces => "user_faces",
            Table::Erasing => "erasing",
            Table::Events => "events",
            Table::Blocked => "blocked",
            Table::BlockedFaces => "blocked_faces",
            Table::BlockedByDocument => "blocked_by_document",
            Table::Audit => "audit",
            Table::Webhooks => "webhooks",
            Table::WebhookCursors => "webhook_cursors",
            Table::Deliveries => "deliveries",
            Table::DeliveriesDue => "deliveries_due",
            Table::Replays => "replays",
            Table::ReplaysByTime => "replays_by_time",
        }
    }

    /// Rows of these are only ever appended; the last part of their keys is an id given by the store.
    pub fn is_appended(self) -> bool {
        matches!(self, Table::Events | Table::Audit)
    }

    /// A full disk takes rows of these: they are small, and what they announce makes room.
    pub(super) fn makes_room(self) -> bool {
        matches!(self, Table::Erasing | Table::Events | Table::Audit)
    }

    /// Index tables hold derived rows only.
    pub fn is_index(self) -> bool {
        matches!(
            self,
            Table::KeysByHash
                | Table::SessionsByToken
                | Table::AttemptsInReview
                | Table::JobsById
                | Table::JobsQueued
                | Table::JobsByDocument
                | Table::UsersByDocument
                | Table::UsersByAttempt
                | Table::BlockedByDocument
                | Table::DeliveriesDue
                | Table::ReplaysByTime
        )
    }
}

/// Whose data a row or file is: decides under which key it is sealed and with what it is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    System,
    Account(Id),
    /// `subject` is the attempt or the user that the data is about.
    Person {
        account: Id,
        subject: Id,
    },
}

/// A row of an index table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexRow {
    pub table: Table,
    pub key: Vec<u8>,
    pub value: Vec<u8>,
}

/// A record that cannot be read: another version, or not a record at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadRecord;

/// The version of every record written by this program; the first byte of the value.
const RECORD_VERSION: u8 = 1;

/// A record as it is stored: the version byte, then JSON.
pub fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, BadRecord> {
    let mut value = vec![RECORD_VERSION];
    serde_json::to_writer(&mut value, record).map_err(|_| BadRecord)?;
    Ok(value)
}

/// The inverse of [`encode`].
pub fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T, BadRecord> {
    match value.split_first() {
        Some((&RECORD_VERSION, json)) => serde_json::from_slice(json).map_err(|_| BadRecord),
        _ => Err(BadRecord),
    }
}

/// Ids side by side: the key of a row that belongs to the first, then to the second, and so on.
pub fn key(ids: &[Id]) -> Vec<u8> {
    ids.iter().flat_map(|id| id.as_bytes().iter().copied()).collect()
}

/// The inverse of [`key`] for `N` ids.
pub fn ids<const N: usize>(key: &[u8]) -> Result<[Id; N], BadRecord> {
    if key.len() != N * 12 {
        return Err(BadRecord);
    }
    let mut ids = [Id::from_bytes([0; 12]); N];
    for (id, bytes) in ids.iter_mut().zip(key.chunks_exact(12)) {
        *id = Id::from_bytes(bytes.try_into().map_err(|_| BadRecord)?);
    }
    Ok(ids)
}

/// The key of an index row that is found by a hash in hexadecimal.
pub fn hash_key(hash: &str) -> Result<Vec<u8>, BadRecord> {
    hex::decode::<32>(hash).map(|bytes| bytes.to_vec()).ok_or(BadRecord)
}

/// The index rows that follow from one record.
pub fn index_rows(table: Table, value: &[u8]) -> Result<Vec<IndexRow>, BadRecord> {
    let row = |table, key, value| IndexRow { table, key, value };
    Ok(match table {
        Table::Keys => {
            let record: ApiKeyRecord = decode(value)?;
            let hashes = std::iter::once(&record.secret_hash).chain(record.old_secret.as_ref().map(|old| &old.hash));
            hashes
                .map(|hash| Ok(row(Table::KeysByHash, hash_key(hash)?, key(&[record.account, record.id]))))
                .collect::<Result<_, BadRecord>>()?
        }
        Table::Attempts => {
            let attempt: Attempt = decode(value)?;
            let itself = key(&[attempt.account, attempt.id]);
            let mut rows = Vec::new();
            if attempt.status == AttemptStatus::Review {
                rows.push(row(Table::AttemptsInReview, itself.clone(), Vec::new()));
            }
            if let Some(session) = &attempt.session {
                rows.push(row(Table::SessionsByToken, hash_key(&session.token_hash)?, itself));
            }
            rows
        }
        Table::Jobs => {
            let job: Job = decode(value)?;
            let mut rows = vec![row(Table::JobsById, key(&[job.account, job.id]), key(&[job.attempt]))];
            if job.is_queued() {
                rows.push(row(Table::JobsQueued, key(&[job.id]), key(&[job.account, job.attempt])));
            }
            let mut numbers = job.document_indexes.clone();
            numbers.sort_unstable();
            numbers.dedup();
            for number in numbers {
                let of_number = document_key(job.account, &number)?;
                rows.push(row(Table::JobsByDocument, [of_number, key(&[job.attempt, job.id])].concat(), Vec::new()));
            }
            rows
        }
        Table::Users => {
            let user: User = decode(value)?;
            vec![
                row(Table::UsersByDocument, document_key(user.account, &user.document_index)?, key(&[user.id])),
                row(Table::UsersByAttempt, key(&[user.account, user.attempt]), key(&[user.id])),
            ]
        }
        Table::Blocked => {
            let entry: Blocked = decode(value)?;
            match &entry.document_index {
                Some(index) => {
                    let number = document_key(entry.account, index)?;
                    vec![row(Table::BlockedByDocument, [number, key(&[entry.id])].concat(), Vec::new())]
                }
                None => Vec::new(),
            }
        }
        Table::Deliveries => {
            let delivery: Delivery = decode(value)?;
            match delivery.state {
                DeliveryState::Waiting { next_at } => {
                    vec![row(Table::DeliveriesDue, due_key(&delivery, next_at), Vec::new())]
                }
                _ => Vec::new(),
            }
        }
        Table::Replays => {
            let replay: Replay = decode(value)?;
            let millis = u64::try_from(replay.at.as_millis()).unwrap_or(0);
            let by_time = [millis.to_be_bytes().to_vec(), hash_key(&replay.row)?].concat();
            vec![row(Table::ReplaysByTime, by_time, Vec::new())]
        }
        _ => Vec::new(),
    })
}

fn due_key(delivery: &Delivery, next_at: Timestamp) -> Vec<u8> {
    let millis = u64::try_from(next_at.as_millis()).unwrap_or(0);
    [key(&[delivery.account, delivery.webhook]), millis.to_be_bytes().to_vec(), key(&[delivery.event])].concat()
}

/// When a row of `deliveries_due` is due, and its event.
pub fn due_of(row: &[u8]) -> Result<(Timestamp, Id), BadRecord> {
    let (millis, event) = row.get(24..).and_then(|rest| rest.split_at_checked(8)).ok_or(BadRecord)?;
    let millis = u64::from_be_bytes(millis.try_into().map_err(|_| BadRecord)?);
    let [event] = ids(event)?;
    Ok((Timestamp::from_millis(i64::try_from(millis).map_err(|_| BadRecord)?), event))
}

/// The key of `users_by_document`, and how those of `jobs_by_document` begin.
pub fn document_key(account: Id, document_index: &str) -> Result<Vec<u8>, BadRecord> {
    let mut bytes = key(&[account]);
    bytes.extend(hash_key(document_index)?);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Records as version 1 writes them, from an export.
    const VERSION_1: &str = include_str!("../../tests/golden/records/v1.jsonl");

    /// Reads a record of version 1 and writes it again.
    fn again<T: Serialize + DeserializeOwned>(record: &Value) -> Value {
        let stored = [&[1][..], record.to_string().as_bytes()].concat();
        let read: T = decode(&stored).unwrap();
        let written = encode(&read).unwrap();
        assert_eq!(written[0], 1, "a new version needs golden records and a migration of its own");
        serde_json::from_slice(&written[1..]).unwrap()
    }

    #[test]
    fn records_of_version_1_are_read_and_written_as_they_were() {
        let mut index_rows_seen = 0;
        for line in VERSION_1.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let record = &line["record"];
            let table = Table::ALL.into_iter().find(|table| table.name() == line["table"]).unwrap();
            let written = match table {
                Table::Accounts => again::<crate::domain::account::Account>(record),
                Table::Keys => again::<ApiKeyRecord>(record),
                Table::Attempts => again::<Attempt>(record),
                Table::Jobs => again::<Job>(record),
                Table::Users => again::<User>(record),
                Table::Replays => again::<Replay>(record),
                Table::Webhooks => again::<crate::domain::webhook::Webhook>(record),
                Table::Deliveries => again::<Delivery>(record),
                Table::Events => again::<crate::domain::event::EventRecord>(record),
                Table::Audit => again::<crate::domain::audit::Entry>(record),
                other => panic!("{} holds no records", other.name()),
            };
            assert_eq!(&written, record);
            let stored = [&[1][..], record.to_string().as_bytes()].concat();
            index_rows_seen += index_rows(table, &stored).unwrap().len();
        }
        // One of the key, one of the open session, three of the two jobs (one is queued), two of the user, one of the two
        // deliveries, five of the replays.
        assert_eq!(index_rows_seen, 13);
    }

    #[test]
    fn a_job_is_found_by_each_number_that_it_claims_or_reads() {
        let queued = VERSION_1.lines().find(|line| line.contains("\"queued\"")).unwrap();
        let line: Value = serde_json::from_str(queued).unwrap();
        let mut job: Job = serde_json::from_value(line["record"].clone()).unwrap();
        job.document_indexes = vec!["22".repeat(32), "11".repeat(32), "22".repeat(32)];
        let rows = index_rows(Table::Jobs, &encode(&job).unwrap()).unwrap();
        let found: Vec<_> = rows.iter().filter(|row| row.table == Table::JobsByDocument).collect();
        let expected = |byte: u8| [key(&[job.account]), vec![byte; 32], key(&[job.attempt, job.id])].concat();
        assert_eq!(found.iter().map(|row| row.key.clone()).collect::<Vec<_>>(), [expected(0x11), expected(0x22)]);
    }

    #[test]
    fn a_record_of_another_version_is_not_guessed_at() {
        assert_eq!(decode::<Value>(b"\x02{}"), Err(BadRecord));
        assert_eq!(decode::<Value>(b""), Err(BadRecord));
    }
}
