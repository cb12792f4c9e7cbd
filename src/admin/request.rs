//! What an administrator may ask. [`Request`] is the command line's grammar, the wire format of the Unix socket and the console's
//! actions at once.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use super::audit::Audit;
use super::blocklist::Blocklist;
use super::limits::Limits;
use super::webhooks::Webhooks;
use crate::domain::address::Network;
use crate::domain::attempt::{AttemptKind, AttemptStatus};
use crate::domain::id::Id;
use crate::domain::key::{AnswerMode, ClientCertificate, Scope};
use crate::domain::time::Timestamp;
pub use crate::service::everywhere::JobStatus;

#[derive(Clone, Debug, PartialEq, Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// How the server is: warnings, certificate, load, latencies, memory, disk, last backup
    Status,
    /// Create, list, rotate and revoke API keys
    #[command(subcommand)]
    Keys(Keys),
    /// Create and list accounts
    #[command(subcommand)]
    Accounts(Accounts),
    /// The numbers and faces that no sign-up is to pass with
    #[command(subcommand)]
    Blocklist(Blocklist),
    /// Made by `twoface workflows show`
    #[command(skip)]
    Workflows,
    /// Made by the console: whether the configured file of workflows is good, and what a restart would change
    #[command(skip)]
    WorkflowsFile,
    /// The open sessions: list, show, revoke
    #[command(subcommand)]
    Sessions(Sessions),
    /// The records of sessions: list, show
    #[command(subcommand)]
    Attempts(Attempts),
    /// The attempts that wait for a reviewer: list, open, approve, reject, cancel
    #[command(subcommand)]
    Review(Review),
    /// Jobs: list, show
    #[command(subcommand)]
    Jobs(Jobs),
    /// Registered people: list, find, show, erase
    #[command(subcommand)]
    Users(Users),
    /// The settings in effect, and where each came from
    Settings,
    /// The last lines of the server's log
    Logs(Logs),
    /// Erase everything about a person, in every account
    Erase(Whom),
    /// Print the signed list of everyone who was erased: keep it apart from the backups, a restore needs it
    Erasures,
    /// What has outlived its account's days of retention
    #[command(subcommand)]
    Retention(Retention),
    /// How many requests and tries an account has
    #[command(subcommand)]
    Limits(Limits),
    /// Send what happens to receivers over HTTPS
    #[command(subcommand)]
    Webhooks(Webhooks),
    /// Write every record in clear, one JSON object a line
    Export {
        /// File to make, readable by its owner only
        file: PathBuf,
    },
    /// Made by `twoface backup`, whose grammar is the command line's
    #[command(skip)]
    Backup { folder: PathBuf },
    /// Part of `twoface audit`, whose grammar is the command line's
    #[command(skip)]
    Audit(Audit),
    /// A photo of an attempt as pixels, for the console
    #[command(skip)]
    Picture {
        attempt: Id,
        /// As the attempt's stages name it.
        file: String,
        /// Neither side is longer.
        side: u32,
    },
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| format!("a scope is one of {}", Scope::ALL.map(Scope::name).join(", ")))
}

fn answer(text: &str) -> Result<AnswerMode, String> {
    AnswerMode::parse(text).ok_or_else(|| "the mode is job or wait".to_owned())
}

fn attempt_status(text: &str) -> Result<AttemptStatus, String> {
    AttemptStatus::parse(&text.to_uppercase())
        .ok_or_else(|| format!("a status is one of {}", AttemptStatus::ALL.map(AttemptStatus::name).join(", ")))
}

fn attempt_kind(text: &str) -> Result<AttemptKind, String> {
    AttemptKind::parse(&text.to_uppercase()).ok_or_else(|| "the type is SIGNUP or VALIDATION".to_owned())
}

fn job_status(text: &str) -> Result<JobStatus, String> {
    JobStatus::parse(text)
        .ok_or_else(|| format!("a status is one of {}", JobStatus::ALL.map(JobStatus::name).join(", ")))
}

fn time(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "a time is written like 2026-05-09T03:32:11Z".to_owned())
}

/// Which part of a list.
#[derive(Clone, Debug, Default, PartialEq, Args, Serialize, Deserialize)]
pub struct Part {
    /// Name of an account; all if not given
    #[arg(long, value_name = "NAME")]
    #[serde(default)]
    pub account: Option<String>,
    /// Lines at most
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: u32,
    /// Go on after this id, which the last page named
    #[arg(long, value_name = "ID")]
    #[serde(default)]
    pub cursor: Option<Id>,
}

/// Exactly one of them.
#[derive(Clone, Debug, Default, PartialEq, Args, Serialize, Deserialize)]
#[group(required = true, multiple = false)]
pub struct Whom {
    /// A document number in any spelling
    #[arg(long, value_name = "NUMBER")]
    pub document: Option<String>,
    /// A user's id
    #[arg(long, value_name = "ID")]
    pub user: Option<Id>,
    /// The id of an attempt whose person never became a user
    #[arg(long, value_name = "ID")]
    pub attempt: Option<Id>,
}

#[derive(Clone, Debug, PartialEq, Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sessions {
    /// Show the open sessions, newest first
    List(#[command(flatten)] Part),
    /// Show one with its tries
    Show {
        /// The id of its attempt, as `sessions list` shows it
        id: Id,
    },
    /// End one now; its attempt becomes CANCELLED
    Revoke {
        /// The id of its attempt, as `sessions list` shows it
        id: Id,
    },
}

#[derive(Clone, Debug, PartialEq, Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempts {
    /// Show attempts, newest first
    List {
        /// Only those in this status
        #[arg(long, value_parser = attempt_status)]
        #[serde(default)]
        status: Option<AttemptStatus>,
        /// Only SIGNUP or only VALIDATION
        #[arg(long = "type", value_name = "TYPE", value_parser = attempt_kind)]
        #[serde(default)]
        kind: Option<AttemptKind>,
        /// Only those created at this time or later
        #[arg(long, value_name = "TIME", value_parser = time)]
        #[serde(default)]
        from: Option<Timestamp>,
        /// Only those created at this time or before
        #[arg(long, value_name = "TIME", value_parser = time)]
        #[serde(default)]
        to: Option<Timestamp>,
        /// Only those in which this document number was claimed or shown, in any spelling
        #[arg(long, value_name = "NUMBER")]
        #[serde(default)]
        document: Option<String>,
        #[command(flatten)]
        part: Part,
    },
    /// Show one with its stages and everything that was measured
    Show { id: Id },
    /// Write one with its files as a signed archive: evidence that can be checked and replayed anywhere
    Export {
        id: Id,
        /// File to make, by the server and readable by its user only: a folder that the service may write to
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
    },
}

#[derive(Clone, Debug, PartialEq, Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Review {
    /// Show what waits for a reviewer, newest first
    List(#[command(flatten)] Part),
    /// Show one, and note who looked at it first
    Open { id: Id },
    /// Settle it as SUCCESS
    Approve {
        id: Id,
        #[command(flatten)]
        #[serde(default)]
        note: Note,
    },
    /// Settle it as FAILED
    Reject {
        id: Id,
        #[command(flatten)]
        #[serde(default)]
        note: Note,
    },
    /// Settle it as CANCELLED
    Cancel {
        id: Id,
        #[command(flatten)]
        #[serde(default)]
        note: Note,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Args, Serialize, Deserialize)]
pub struct Note {
    /// Why, kept with the attempt
    #[arg(long, value_name = "TEXT")]
    #[serde(default)]
    pub note: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Jobs {
    /// Show jobs, newest first
    List {
        /// Only those that are queued, running, succeeded, failed or invalid
        #[arg(long, value_parser = job_status)]
        #[serde(default, with = "job_status_name")]
        status: Option<JobStatus>,
        #[command(flatten)]
        part: Part,
    },
    /// Show one with what was measured
    Show { id: Id },
}

#[derive(Clone, Debug, PartialEq, Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Users {
    /// Show registered people, newest first
    List(#[command(flatten)] Part),
    /// Find whoever is registered under a document number
    Find {
        /// A document number in any spelling
        #[arg(long, value_name = "NUMBER")]
        document: String,
    },
    /// Show one
    Show { id: Id },
    /// Erase one with everything stored about the person
    Erase { id: Id },
}

#[derive(Clone, Debug, Default, PartialEq, Args, Serialize, Deserialize)]
pub struct Logs {
    /// Lines at most
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub lines: u32,
    /// Only lines after the one of this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    #[serde(default)]
    pub after: u64,
    /// Go on with new lines as they come; a matter of who asks, never sent
    #[arg(long, short)]
    #[serde(skip)]
    pub follow: bool,
}

#[derive(Clone, Debug, PartialEq, Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retention {
    /// Set an account's days; what is not given is kept for ever
    Set {
        /// Name of the account
        #[arg(long)]
        account: String,
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        photos: Option<u32>,
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        clips: Option<u32>,
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        attempts: Option<u32>,
    },
    /// Count what a sweep would remove now
    Preview,
    /// Sweep now instead of at the next full hour
    Apply,
}

#[derive(Clone, Debug, PartialEq, Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keys {
    /// Make a key; its secret is shown this once
    Create {
        /// Name of the account, which must exist
        #[arg(long, default_value = "default")]
        account: String,
        /// What you call the key
        #[arg(long)]
        name: String,
        /// What it may be used for, separated by commas; all if not given
        #[arg(long, value_name = "SCOPES", value_delimiter = ',', value_parser = scope)]
        #[serde(default)]
        scopes: Vec<Scope>,
        /// Days until it stops working; never if not given
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
        #[serde(default)]
        expires: Option<u32>,
        /// Networks that it may be used from, like 10.1.0.0/16, separated by commas; any if not given
        #[arg(long, value_name = "NETWORKS", value_delimiter = ',')]
        #[serde(default)]
        from: Vec<Network>,
        /// Fingerprints (SHA-256) of the client certificates that it may be used with, separated by commas; any if not given
        #[arg(long, value_name = "FINGERPRINTS", value_delimiter = ',')]
        #[serde(default)]
        certificate: Vec<ClientCertificate>,
        /// How its sessions answer a POST that makes a job: "job" with the job's id, "wait" with the outcome
        #[arg(long, value_name = "MODE", default_value = "job", value_parser = answer)]
        #[serde(default)]
        answer: AnswerMode,
    },
    /// Give a key a new secret, shown this once; the old one works on for a while
    Rotate {
        /// The key's id, as `keys list` shows it
        id: Id,
        /// Hours that the old secret still works
        #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=8_760))]
        overlap: u32,
    },
    /// Show every key, without secrets
    List,
    /// Make a key worthless at once
    Revoke {
        /// The key's id, as `keys list` shows it
        id: Id,
    },
}

#[derive(Clone, Debug, PartialEq, Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Accounts {
    /// Make an account, or find it if it exists
    Create {
        /// A name for the institution or application
        name: String,
    },
    /// Show every account
    List,
    /// Change what holds for an account
    Set {
        /// Name of the account
        #[arg(long)]
        account: String,
        /// Whether a session that is closed as SUCCESS without a succeeded signup or compare goes to REVIEW
        #[arg(long, value_name = "BOOL", action = clap::ArgAction::Set)]
        review_unproven: bool,
    },
}

/// A job's status by its name, as the command line writes it.
mod job_status_name {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::JobStatus;

    #[allow(clippy::ref_option, reason = "serde hands it over so")]
    pub(super) fn serialize<S: Serializer>(status: &Option<JobStatus>, to: S) -> Result<S::Ok, S::Error> {
        status.map(JobStatus::name).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<JobStatus>, D::Error> {
        let Some(name) = Option::<String>::deserialize(from)? else { return Ok(None) };
        JobStatus::parse(&name).map(Some).ok_or_else(|| serde::de::Error::custom("not a job's status"))
    }
}
