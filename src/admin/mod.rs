//! What an administrator may ask. [`Request`] is the command line's grammar and the wire format of the Unix socket at once;
//! [`handle`] carries it out, in the running server or, when none runs, on the store itself.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use crate::domain::account::{Account, Retention as Days};
use crate::domain::address::Network;
use crate::domain::audit::Actor;
use crate::domain::block::Blocked;
use crate::domain::id::Id;
use crate::domain::job::WorkflowRun;
use crate::domain::key::{AnswerMode, ApiKeyRecord, ClientCertificate, KeyTerms, Scope};
use crate::domain::refusal::Stop;
use crate::domain::time::Timestamp;
use crate::domain::user::DocumentNumber;
use crate::service::Service;
use crate::service::retention::{Mode, Swept};

pub mod blocklist;
pub mod link;
pub mod socket;

use blocklist::Blocklist;

#[derive(Clone, Debug, PartialEq, Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
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
    /// Erase everything about a person, in every account
    Erase(Whom),
    /// Print the signed list of everyone who was erased: keep it apart from the backups, a restore needs it
    Erasures,
    /// What has outlived its account's days of retention
    #[command(subcommand)]
    Retention(Retention),
    /// Write every record in clear, one JSON object a line
    Export {
        /// File to make, readable by its owner only
        file: PathBuf,
    },
    /// Made by `twoface backup`, whose grammar is the command line's
    #[command(skip)]
    Backup { folder: PathBuf },
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| format!("a scope is one of {}", Scope::ALL.map(Scope::name).join(", ")))
}

fn answer(text: &str) -> Result<AnswerMode, String> {
    AnswerMode::parse(text).ok_or_else(|| "the mode is job or wait".to_owned())
}

/// Exactly one of them.
#[derive(Clone, Debug, PartialEq, Args, Serialize, Deserialize)]
#[group(required = true, multiple = false)]
pub struct Whom {
    /// A document number in any spelling
    #[arg(long, value_name = "NUMBER")]
    document: Option<String>,
    /// A user's id
    #[arg(long, value_name = "ID")]
    user: Option<Id>,
    /// The id of an attempt whose person never became a user
    #[arg(long, value_name = "ID")]
    attempt: Option<Id>,
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Blocklist(Vec<Blocked>),
    Workflows(Vec<WorkflowRun>),
    Key {
        key: KeySeen,
        secret: String,
    },
    Keys(Vec<KeySeen>),
    Revoked(KeySeen),
    Accounts(Vec<AccountSeen>),
    Erased {
        subjects: u64,
        rows: u64,
        files: u64,
    },
    Erasures(String),
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
    /// It was not done; a sentence says why.
    Refused(String),
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
    pub retention: Days,
    pub review_unproven: bool,
}

/// Carries out one request.
pub fn handle(service: &Service, request: Request) -> Reply {
    let done = match request {
        Request::Keys(Keys::Create { account, name, scopes, expires, from, certificate, answer }) => {
            let end = |days| service.now().after(Duration::from_secs(u64::from(days) * 86_400));
            let expires_at = expires.map(end);
            let terms = KeyTerms { scopes, expires_at, addresses: from, certificates: certificate, answer };
            create_key(service, &account, &name, terms)
        }
        Request::Keys(Keys::Rotate { id, overlap }) => rotate_key(service, id, overlap),
        Request::Keys(Keys::List) => list_keys(service).map(Reply::Keys),
        Request::Keys(Keys::Revoke { id }) => revoke_key(service, id),
        Request::Accounts(Accounts::Create { name }) => create_account(service, &name),
        Request::Accounts(Accounts::List) => list_accounts(service),
        Request::Accounts(Accounts::Set { account, review_unproven }) => {
            set_review_unproven(service, &account, review_unproven)
        }
        Request::Blocklist(request) => blocklist::handle(service, &by(), request),
        Request::Workflows => Ok(Reply::Workflows(service.workflows().all().cloned().collect())),
        Request::Erase(whom) => erase(service, &whom),
        Request::Erasures => service.erasures().map(Reply::Erasures),
        Request::Retention(Retention::Set { account, photos, clips, attempts }) => {
            let days = Days { photos_days: photos, clips_days: clips, attempts_days: attempts };
            set_retention(service, &account, days)
        }
        Request::Retention(Retention::Preview) => {
            service.sweep_retention(&by(), Mode::Preview).map(|swept| told(swept, true))
        }
        Request::Retention(Retention::Apply) => {
            service.sweep_retention(&by(), Mode::Remove).map(|swept| told(swept, false))
        }
        Request::Export { file } => service.export(&by(), &file).map(|records| Reply::Exported { records }),
        Request::Backup { folder } => service.backup(&by(), &folder).map(|done| Reply::BackedUp {
            rows: done.rows,
            files: done.files,
            files_copied: done.files_copied,
            bytes_copied: done.bytes_copied,
        }),
    };
    done.unwrap_or_else(|stop| Reply::Refused(stop.to_string()))
}

/// Whoever can reach the socket is root or the service's own user.
fn by() -> Actor {
    Actor::Administrator("root".to_owned())
}

fn told(Swept { photos, clips, attempts }: Swept, preview: bool) -> Reply {
    Reply::Swept { photos, clips, attempts, preview }
}

fn erase(service: &Service, whom: &Whom) -> Result<Reply, Stop> {
    let erased = if let Some(text) = &whom.document {
        let Some(number) = DocumentNumber::parse(text) else {
            return Ok(Reply::Refused("a document number is 1 to 64 characters with a letter or digit".to_owned()));
        };
        service.erase_document(&by(), &number)?
    } else if let Some(id) = whom.user {
        service.erase_somewhere(&by(), id, Service::erase_user)?
    } else if let Some(id) = whom.attempt {
        service.erase_somewhere(&by(), id, Service::erase_attempt)?
    } else {
        return Ok(Reply::Refused("name a document number, a user or an attempt".to_owned()));
    };
    Ok(Reply::Erased { subjects: erased.subjects, rows: erased.rows, files: erased.files })
}

fn set_retention(service: &Service, account: &str, days: Days) -> Result<Reply, Stop> {
    match service.accounts()?.into_iter().find(|known| known.name == account) {
        Some(known) => Ok(Reply::Accounts(vec![account_seen(service.set_retention(&by(), known.id, days)?)])),
        None => Ok(Reply::Refused(format!("there is no account {account:?}; `twoface accounts list` shows them"))),
    }
}

fn set_review_unproven(service: &Service, account: &str, review_unproven: bool) -> Result<Reply, Stop> {
    match service.accounts()?.into_iter().find(|known| known.name == account) {
        Some(known) => {
            Ok(Reply::Accounts(vec![account_seen(service.set_review_unproven(&by(), known.id, review_unproven)?)]))
        }
        None => Ok(Reply::Refused(format!("there is no account {account:?}; `twoface accounts list` shows them"))),
    }
}

fn create_key(service: &Service, account: &str, name: &str, terms: KeyTerms) -> Result<Reply, Stop> {
    let accounts = service.accounts()?;
    let Some(account) = accounts.into_iter().find(|known| known.name == account) else {
        return Ok(Reply::Refused(format!(
            "there is no account {account:?}; make it with `twoface accounts create {account}`"
        )));
    };
    let (record, secret) = service.create_key(&by(), account.id, name, terms)?;
    Ok(Reply::Key { key: seen(service, &record, &account.name), secret })
}

fn rotate_key(service: &Service, id: Id, overlap_hours: u32) -> Result<Reply, Stop> {
    let (record, secret) = service.rotate_key(&by(), id, Duration::from_secs(u64::from(overlap_hours) * 3_600))?;
    Ok(Reply::Key { key: seen(service, &record, &account_name(service, &record)?), secret })
}

fn account_name(service: &Service, record: &ApiKeyRecord) -> Result<String, Stop> {
    let account = service.accounts()?.into_iter().find(|account| account.id == record.account);
    Ok(account.map_or_else(String::new, |account| account.name))
}

fn list_keys(service: &Service) -> Result<Vec<KeySeen>, Stop> {
    let mut keys = Vec::new();
    for account in service.accounts()? {
        keys.extend(service.keys(account.id)?.iter().map(|record| seen(service, record, &account.name)));
    }
    Ok(keys)
}

fn revoke_key(service: &Service, id: Id) -> Result<Reply, Stop> {
    let record = service.revoke_key(&by(), id)?;
    Ok(Reply::Revoked(seen(service, &record, &account_name(service, &record)?)))
}

fn create_account(service: &Service, name: &str) -> Result<Reply, Stop> {
    if name.trim().is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
        return Ok(Reply::Refused("an account's name is 1 to 100 characters".to_owned()));
    }
    let account = service.make_account(&by(), name.trim())?;
    Ok(Reply::Accounts(vec![account_seen(account)]))
}

fn list_accounts(service: &Service) -> Result<Reply, Stop> {
    Ok(Reply::Accounts(service.accounts()?.into_iter().map(account_seen).collect()))
}

fn account_seen(account: Account) -> AccountSeen {
    let Account { id, name, created_at, retention, review_unproven } = account;
    AccountSeen { id, name, created_at, retention, review_unproven }
}

fn seen(service: &Service, record: &ApiKeyRecord, account: &str) -> KeySeen {
    let now = service.now();
    KeySeen {
        id: record.id,
        account: account.to_owned(),
        name: record.name.clone(),
        created_at: record.created_at,
        revoked_at: record.revoked_at,
        scopes: record.terms.scopes.clone(),
        expires_at: record.terms.expires_at,
        addresses: record.terms.addresses.clone(),
        certificates: record.terms.certificates.clone(),
        answer: record.terms.answer,
        old_secret_until: record.old_secret.as_ref().map(|old| old.until).filter(|until| *until > now),
        last_used_at: record.last_used_at,
        live: record.is_live(now),
    }
}
