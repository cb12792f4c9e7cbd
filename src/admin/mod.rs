//! What an administrator may ask. [`Request`] is the command line's grammar and the wire format of the Unix socket at once;
//! [`handle`] carries it out, in the running server or, when none runs, on the store itself.

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::domain::id::Id;
use crate::domain::refusal::Stop;
use crate::domain::time::Timestamp;
use crate::service::Service;

pub mod link;
pub mod socket;

#[derive(Clone, Debug, PartialEq, Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Create, list and revoke API keys
    #[command(subcommand)]
    Keys(Keys),
    /// Create and list accounts
    #[command(subcommand)]
    Accounts(Accounts),
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
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Key {
        key: KeySeen,
        secret: String,
    },
    Keys(Vec<KeySeen>),
    Revoked(KeySeen),
    Accounts(Vec<AccountSeen>),
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
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountSeen {
    pub id: Id,
    pub name: String,
    pub created_at: Timestamp,
}

/// Carries out one request.
pub fn handle(service: &Service, request: Request) -> Reply {
    let done = match request {
        Request::Keys(Keys::Create { account, name }) => create_key(service, &account, &name),
        Request::Keys(Keys::List) => list_keys(service).map(Reply::Keys),
        Request::Keys(Keys::Revoke { id }) => revoke_key(service, id),
        Request::Accounts(Accounts::Create { name }) => create_account(service, &name),
        Request::Accounts(Accounts::List) => list_accounts(service),
    };
    done.unwrap_or_else(|stop| Reply::Refused(stop.to_string()))
}

fn create_key(service: &Service, account: &str, name: &str) -> Result<Reply, Stop> {
    let accounts = service.accounts()?;
    let Some(account) = accounts.into_iter().find(|known| known.name == account) else {
        return Ok(Reply::Refused(format!(
            "there is no account {account:?}; make it with `twoface accounts create {account}`"
        )));
    };
    let (record, secret) = service.create_key(account.id, name)?;
    Ok(Reply::Key { key: seen(&record, &account.name), secret })
}

fn list_keys(service: &Service) -> Result<Vec<KeySeen>, Stop> {
    let mut keys = Vec::new();
    for account in service.accounts()? {
        keys.extend(service.keys(account.id)?.iter().map(|record| seen(record, &account.name)));
    }
    Ok(keys)
}

fn revoke_key(service: &Service, id: Id) -> Result<Reply, Stop> {
    let record = service.revoke_key(id)?;
    let account = service.accounts()?.into_iter().find(|account| account.id == record.account);
    Ok(Reply::Revoked(seen(&record, account.map_or_else(String::new, |account| account.name).as_str())))
}

fn create_account(service: &Service, name: &str) -> Result<Reply, Stop> {
    if name.trim().is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
        return Ok(Reply::Refused("an account's name is 1 to 100 characters".to_owned()));
    }
    let account = service.account_named(name.trim())?;
    Ok(Reply::Accounts(vec![AccountSeen { id: account.id, name: account.name, created_at: account.created_at }]))
}

fn list_accounts(service: &Service) -> Result<Reply, Stop> {
    let accounts = service.accounts()?.into_iter();
    Ok(Reply::Accounts(
        accounts
            .map(|account| AccountSeen { id: account.id, name: account.name, created_at: account.created_at })
            .collect(),
    ))
}

fn seen(record: &crate::domain::key::ApiKeyRecord, account: &str) -> KeySeen {
    KeySeen {
        id: record.id,
        account: account.to_owned(),
        name: record.name.clone(),
        created_at: record.created_at,
        revoked_at: record.revoked_at,
    }
}
