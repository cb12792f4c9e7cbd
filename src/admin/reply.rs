//! What an administrator is told. Values, not sentences: the command line and the console put them into words.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::limits::LimitsReply;
use super::webhooks::WebhooksReply;
use crate::domain::account::Retention;
use crate::domain::address::Network;
use crate::domain::attempt::{AttemptKind, AttemptStatus, Opened, Review};
use crate::domain::block::Blocked;
use crate::domain::id::Id;
use crate::domain::job::{InputFile, WorkflowRun};
use crate::domain::key::{AnswerMode, ClientCertificate, Scope};
use crate::domain::time::Timestamp;
use crate::domain::user::DocumentType;
use crate::service::audit::chain::Whole;
use crate::service::evidence::Exported;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Status(Box<StatusSeen>),
    Key {
        key: KeySeen,
        secret: String,
    },
    Keys(Vec<KeySeen>),
    Revoked(KeySeen),
    Accounts(Vec<AccountSeen>),
    Blocklist(Vec<Blocked>),
    Workflows(Vec<WorkflowRun>),
    /// The file is good; these differ from what is in force.
    WorkflowsFile {
        differing: Vec<String>,
    },
    Sessions {
        sessions: Vec<SessionSeen>,
        /// In all accounts, not only those on this page.
        open: u64,
        next: Option<Id>,
    },
    Session(SessionSeen),
    SessionRevoked(Id),
    Attempts {
        attempts: Vec<AttemptSeen>,
        next: Option<Id>,
    },
    Attempt(Box<AttemptDetail>),
    /// An attempt in review is settled, with this status.
    Settled {
        attempt: Id,
        status: AttemptStatus,
    },
    Jobs {
        jobs: Vec<JobSeen>,
        next: Option<Id>,
    },
    Job(Box<StageSeen>),
    Users {
        users: Vec<UserSeen>,
        next: Option<Id>,
    },
    User(Box<UserSeen>),
    Picture(Picture),
    Settings(Vec<SettingSeen>),
    /// As they stand in the audit log, oldest first.
    AuditLines(Vec<String>),
    AuditWhole(Whole),
    PublicKeys {
        audit: String,
        evidence: String,
    },
    EvidenceExported(Exported),
    Log(Vec<LogLine>),
    Erased {
        subjects: u64,
        rows: u64,
        files: u64,
    },
    Erasures(String),
    Webhooks(WebhooksReply),
    Limits(LimitsReply),
    Swept {
        photos: u64,
        clips: u64,
        attempts: u64,
        preview: bool,
    },
    Exported {
        records: u64,
    },
    BackedUp {
        rows: u64,
        files: u64,
        files_copied: u64,
        bytes_copied: u64,
    },
    /// It was not done; a sentence says why, and what to do.
    Refused(String),
}

/// How the server is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusSeen {
    /// What an administrator should look at, the worst first.
    pub warnings: Vec<Warning>,
    pub version: String,
    pub now: Timestamp,
    pub started_at: Timestamp,
    /// The models have run.
    pub ready: bool,
    /// Where it listens; `None` when no server runs and the store was read directly.
    pub address: Option<String>,
    pub certificate: Option<CertificateSeen>,
    /// The one who asks, by the name that the system has for him.
    pub administrator: String,
    pub four_eyes: bool,
    pub requests: RequestsSeen,
    pub jobs: JobsSeen,
    pub operations: Vec<OperationSeen>,
    /// Resident, of the server's process.
    pub memory_bytes: Option<u64>,
    /// Of the disk with the data folder.
    pub disk_free_bytes: Option<u64>,
    pub disk_bytes: Option<u64>,
    /// The store takes writes.
    pub store_writable: bool,
    pub sessions_open: u64,
    pub reviews_waiting: u64,
    pub accounts: usize,
    pub keys_live: usize,
    /// Enrolled and blocked faces that no search goes through.
    #[serde(default)]
    pub faces_not_searched: usize,
    pub last_backup_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CertificateSeen {
    pub fingerprint: String,
    pub self_signed: bool,
    pub ends_at: Option<Timestamp>,
    pub days_left: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestsSeen {
    pub total: u64,
    /// Answered with a 4xx, and with a 5xx.
    pub refused: u64,
    pub failed: u64,
    /// Refused because a quota was used up.
    pub limited: u64,
    /// Each of the last 60 whole seconds, oldest first.
    pub each_second: Vec<u32>,
    /// On average over the last ten whole seconds.
    pub per_second: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobsSeen {
    pub waiting: usize,
    pub running: usize,
    pub queue_max: usize,
    pub workers: usize,
    /// Ended in each of the last 60 whole seconds, oldest first.
    pub each_second: Vec<u32>,
    pub per_second: f64,
    pub waited: Option<PercentilesSeen>,
}

/// One operation since the start; latencies of the last ten to twenty minutes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationSeen {
    pub name: String,
    pub succeeded: u64,
    pub failed: u64,
    pub invalid: u64,
    pub latency: Option<PercentilesSeen>,
}

/// In seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PercentilesSeen {
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
}

/// What an administrator should look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "warning", rename_all = "snake_case")]
pub enum Warning {
    /// After a failed write nothing more is stored.
    StoreStopped,
    NotReady,
    /// Clients refuse it already.
    CertificateEnded,
    CertificateEnds {
        days: i64,
    },
    DiskNearlyFull {
        free_bytes: u64,
    },
    QueueNearlyFull {
        waiting: usize,
        max: usize,
    },
    /// Another network made them, and their photos are not kept or not done yet.
    FacesNotSearched {
        faces: usize,
    },
    NoBackup,
    BackupOld {
        days: i64,
    },
    /// A key that works now will not for long.
    KeyEnds {
        key: String,
        days: i64,
    },
    /// No server runs; what is shown is the store.
    Offline,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeySeen {
    pub id: Id,
    pub account: String,
    pub name: String,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    pub scopes: Vec<Scope>,
    pub expires_at: Option<Timestamp>,
    pub addresses: Vec<Network>,
    #[serde(default)]
    pub certificates: Vec<ClientCertificate>,
    pub answer: AnswerMode,
    /// Until when the secret before the last rotation works.
    pub old_secret_until: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
    /// Neither revoked nor expired when it was asked.
    pub live: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountSeen {
    pub id: Id,
    pub name: String,
    pub created_at: Timestamp,
    pub retention: Retention,
    pub review_unproven: bool,
}

/// An open session. It has the id of its attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionSeen {
    pub id: Id,
    pub account: String,
    pub kind: AttemptKind,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// What the key is called that opened it, if it still is there.
    #[serde(default)]
    pub key: Option<String>,
    /// How many tries each operation has.
    pub tries_max: u32,
    /// Those used, by operation or workflow.
    pub tries: BTreeMap<String, u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptSeen {
    pub id: Id,
    pub account: String,
    pub kind: AttemptKind,
    /// At the time of reading.
    pub status: AttemptStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Jobs stored, of all operations together.
    pub jobs: u32,
    /// Who first looked at it in review.
    pub opened: Option<Opened>,
    /// How it was settled.
    pub review: Option<Review>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptDetail {
    #[serde(flatten)]
    pub attempt: AttemptSeen,
    /// Oldest first.
    pub stages: Vec<StageSeen>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JobSeen {
    pub id: Id,
    pub account: String,
    pub attempt: Id,
    pub operation: String,
    /// `queued`, `running`, `succeeded`, `failed` or `invalid`.
    pub status: String,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// How often a restart found it unfinished.
    pub recoveries: u32,
}

/// A job with everything in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StageSeen {
    #[serde(flatten)]
    pub job: JobSeen,
    pub parameters: Map<String, Value>,
    pub files: Vec<InputFile>,
    /// The operation's own answer; null until it has ended.
    pub output: Value,
    /// Everything that was measured.
    pub details: Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserSeen {
    pub id: Id,
    pub account: String,
    pub document_id: String,
    pub document_type: DocumentType,
    pub attempt: Id,
    pub created_at: Timestamp,
    pub metadata: Map<String, Value>,
}

/// Pixels, row by row, each as red, green and blue.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// In hexadecimal.
    pub rgb: String,
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}×{})", self.width, self.height)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettingSeen {
    pub name: String,
    /// As TOML writes it.
    pub value: String,
    pub from: SetBy,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetBy {
    Default,
    File,
    /// An environment variable, by its name.
    Variable(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    pub number: u64,
    pub text: String,
}
