//! The block-list as an administrator asks for it.

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use super::Reply;
use crate::domain::account::Account;
use crate::domain::audit::Actor;
use crate::domain::block::Blocked;
use crate::domain::id::Id;
use crate::domain::refusal::Stop;
use crate::domain::user::DocumentNumber;
use crate::service::Service;
use crate::service::blocklist::Blocking;

#[derive(Clone, Debug, PartialEq, Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blocklist {
    /// Block a number, a user, or the face of an attempt
    Add {
        /// Name of the account
        #[arg(long)]
        account: String,
        #[command(flatten)]
        whom: BlockWhom,
        /// Why, for whoever reads the list later
        #[arg(long)]
        reason: String,
    },
    /// Show an account's entries
    List {
        #[arg(long)]
        account: String,
    },
    /// Take an entry away
    Remove {
        #[arg(long)]
        account: String,
        /// The entry's id, as `blocklist list` shows it
        id: Id,
    },
}

/// Exactly one of them.
#[derive(Clone, Debug, PartialEq, Args, Serialize, Deserialize)]
#[group(required = true, multiple = false)]
pub struct BlockWhom {
    /// A document number in any spelling
    #[arg(long, value_name = "NUMBER")]
    document: Option<String>,
    /// A user: the number and the enrolled face
    #[arg(long, value_name = "ID")]
    user: Option<Id>,
    /// An attempt: the selfie of its last succeeded comparison
    #[arg(long, value_name = "ID")]
    attempt: Option<Id>,
}

/// Carries out one request.
pub fn handle(service: &Service, by: &Actor, request: Blocklist) -> Result<Reply, Stop> {
    let (Blocklist::Add { account, .. } | Blocklist::List { account } | Blocklist::Remove { account, .. }) = &request;
    let Some(Account { id: account, .. }) = service.accounts()?.into_iter().find(|known| known.name == *account) else {
        return Ok(Reply::Refused(format!("there is no account {account:?}; `twoface accounts list` shows them")));
    };
    Ok(Reply::Blocklist(match request {
        Blocklist::List { .. } => service.blocklist(account)?,
        Blocklist::Remove { id, .. } => vec![service.unblock(by, account, id)?],
        Blocklist::Add { whom, reason, .. } => match add(service, by, account, whom, reason.trim())? {
            Ok(entry) => vec![entry],
            Err(why) => return Ok(Reply::Refused(why.to_owned())),
        },
    }))
}

fn add(
    service: &Service,
    by: &Actor,
    account: Id,
    whom: BlockWhom,
    reason: &str,
) -> Result<Result<Blocked, &'static str>, Stop> {
    if reason.is_empty() || reason.chars().count() > 500 || reason.chars().any(char::is_control) {
        return Ok(Err("the reason is 1 to 500 characters"));
    }
    let blocking = match whom {
        BlockWhom { document: Some(text), .. } => match DocumentNumber::parse(&text) {
            Some(number) => Blocking::Number(number),
            None => return Ok(Err("a document number is 1 to 64 characters with a letter or digit")),
        },
        BlockWhom { user: Some(user), .. } => Blocking::User(user),
        BlockWhom { attempt: Some(attempt), .. } => Blocking::Attempt(attempt),
        BlockWhom { .. } => return Ok(Err("name a document number, a user or an attempt")),
    };
    service.block(by, account, blocking, reason).map(Ok)
}
