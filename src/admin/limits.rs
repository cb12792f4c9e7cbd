//! `twoface limits …`: how many requests and tries an account has, and how often it was told to wait.

use std::collections::BTreeMap;
use std::fmt;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::Reply;
use crate::domain::account::AccountLimits;
use crate::domain::audit::Actor;
use crate::domain::id::Id;
use crate::domain::job::Operation;
use crate::domain::refusal::Stop;
use crate::service::Service;

#[derive(Clone, Debug, PartialEq, Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limits {
    /// Show every account's limits, and how often it was told to wait since the server was started
    Show,
    /// Set an account's limits, from the next request on; what is not given is as the configuration has it
    Set {
        /// Name of the account
        #[arg(long)]
        account: String,
        /// Requests a minute, shared by its keys and their sessions
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        #[serde(default)]
        requests: Option<u32>,
        /// Tries of a session, by operation or workflow, separated by commas: compare_faces=5,signup=1
        #[arg(long, value_name = "NAME=NUMBER", value_delimiter = ',', value_parser = tries)]
        #[serde(default)]
        tries: Vec<(String, u32)>,
    },
    /// Give a key a quota of its own beside its account's, or take it away
    Key {
        /// The key's id, as `keys list` shows it
        id: Id,
        /// Requests a minute of the key and the sessions that it opens; its own quota ends if not given
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        #[serde(default)]
        requests: Option<u32>,
    },
}

fn tries(text: &str) -> Result<(String, u32), String> {
    let parts = text.split_once('=').and_then(|(name, number)| Some((name.to_owned(), number.parse().ok()?)));
    parts.filter(|(_, number)| (1..=1_000).contains(number)).ok_or_else(|| "write NAME=NUMBER, 1 to 1000".to_owned())
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitsReply {
    pub accounts: Vec<LimitsSeen>,
    /// Refusals of bad credentials that were held back since the start.
    pub delayed: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitsSeen {
    pub account: String,
    pub requests_per_minute: u32,
    /// Where it has a quota of its own.
    #[serde(default)]
    pub requests_own: Option<u32>,
    /// Requests of the minute that is running.
    #[serde(default)]
    pub used: u32,
    /// Where they differ from the configuration.
    pub tries: BTreeMap<String, u32>,
    /// Requests a minute of keys that have a quota of their own.
    pub keys: BTreeMap<Id, u32>,
    /// What those keys are called, and how much they have used of the minute that is running.
    #[serde(default)]
    pub key_names: BTreeMap<Id, String>,
    #[serde(default)]
    pub keys_used: BTreeMap<Id, u32>,
    /// Requests refused in each minute of the last hour, oldest first.
    #[serde(default)]
    pub refused_each_minute: Vec<u32>,
    pub requests_refused: u64,
    pub tries_refused: u64,
}

pub(super) fn handle(service: &Service, by: &Actor, request: Limits) -> Result<Reply, Stop> {
    match request {
        Limits::Show => {}
        Limits::Set { account, requests, tries } => {
            if let Some((unknown, _)) = tries.iter().find(|(name, _)| !is_known(service, name)) {
                return Ok(Reply::Refused(format!("there is no operation or workflow {unknown:?}")));
            }
            let account = service.account_of_name(&account)?;
            let limits = AccountLimits { requests_per_minute: requests, tries: tries.into_iter().collect() };
            service.set_limits(by, account.id, limits)?;
        }
        Limits::Key { id, requests } => {
            service.set_key_limit(by, id, requests)?;
        }
    }
    show(service)
}

fn is_known(service: &Service, name: &str) -> bool {
    Operation::ALL.iter().any(|operation| operation.name() == name && *operation != Operation::Workflow)
        || service.workflows().all().any(|run| run.name == name)
}

fn show(service: &Service) -> Result<Reply, Stop> {
    let mut accounts = Vec::new();
    for account in service.accounts()? {
        let refused = service.refused(account.id);
        let keys = service.keys(account.id)?;
        let keys: Vec<_> = keys.into_iter().filter(|key| key.terms.requests_per_minute.is_some()).collect();
        accounts.push(LimitsSeen {
            requests_own: account.limits.requests_per_minute,
            used: service.requests_used(account.id),
            key_names: keys.iter().map(|key| (key.id, key.name.clone())).collect(),
            keys_used: keys.iter().map(|key| (key.id, service.requests_used(key.id))).collect(),
            refused_each_minute: service.statistics().limited(account.id).each_minute(service.now()),
            requests_per_minute: account
                .limits
                .requests_per_minute
                .unwrap_or(service.config().limits.requests_per_minute),
            tries: account.limits.tries,
            keys: keys.iter().filter_map(|key| Some((key.id, key.terms.requests_per_minute?))).collect(),
            requests_refused: refused.requests,
            tries_refused: refused.tries,
            account: account.name,
        });
    }
    Ok(Reply::Limits(LimitsReply { accounts, delayed: service.guard().delayed() }))
}

/// For people.
impl fmt::Display for LimitsReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:24}  {:>11}  {:>8}  {:>8}  tries and keys of their own",
            "account", "requests/min", "429", "no tries"
        )?;
        for one in &self.accounts {
            let tries = one.tries.iter().map(|(name, number)| format!("{name}={number}"));
            let keys = one.keys.iter().map(|(id, number)| format!("key {id}: {number}/min"));
            let own = tries.chain(keys).collect::<Vec<_>>().join(", ");
            let (requests, tries) = (one.requests_refused, one.tries_refused);
            write!(f, "\n{:24}  {:>11}  {requests:>8}  {tries:>8}  {own}", one.account, one.requests_per_minute)?;
        }
        write!(f, "\nRefusals of bad credentials that were held back: {}", self.delayed)
    }
}
