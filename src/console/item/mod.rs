//! What lists are made of: one row a thing, its cells as text with a tone and an order.

mod rows;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use rows::{
    ACCOUNTS, ATTEMPTS, AUDIT, JOBS, KEYS, LIMITS, SESSIONS, SETTINGS, USERS, WEBHOOKS, WORKFLOWS, job_look,
    job_status, status_look,
};

use super::state::Scene;
use super::theme::Tone;
use super::words::Text;
use crate::admin::limits::LimitsSeen;
use crate::admin::reply::{AccountSeen, AttemptSeen, JobSeen, KeySeen, SessionSeen, SettingSeen, UserSeen};
use crate::admin::webhooks::WebhookSeen;
use crate::domain::id::Id;
use crate::domain::job::WorkflowRun;
use crate::domain::time::Timestamp;

#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    Key(KeySeen),
    Account(AccountSeen),
    Session(SessionSeen),
    Attempt(AttemptSeen),
    Job(JobSeen),
    User(UserSeen),
    Workflow(Box<WorkflowRun>),
    Limit(LimitRow),
    Webhook(WebhookSeen),
    Audit(Audited),
    Setting(SettingSeen),
}

/// What an account, or a key that has a quota of its own, may do and does.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitRow {
    pub account: String,
    pub key: Option<(Id, String)>,
    pub limit: u32,
    /// The part of it that is the account's own and not the configuration's.
    pub own: Option<u32>,
    pub used: u32,
    pub tries: BTreeMap<String, u32>,
    pub requests_refused: u64,
    pub tries_refused: u64,
    /// Of the last hour, oldest first.
    pub refused_each_minute: Vec<u32>,
}

impl LimitRow {
    /// An account's row, and one for each of its keys that has a quota of its own.
    pub fn all_of(seen: LimitsSeen) -> Vec<Self> {
        let of_key = |(id, limit): (&Id, &u32)| Self {
            account: seen.account.clone(),
            key: Some((*id, seen.key_names.get(id).cloned().unwrap_or_default())),
            limit: *limit,
            own: Some(*limit),
            used: seen.keys_used.get(id).copied().unwrap_or(0),
            tries: BTreeMap::new(),
            requests_refused: 0,
            tries_refused: 0,
            refused_each_minute: Vec::new(),
        };
        let keys: Vec<Self> = seen.keys.iter().map(of_key).collect();
        let account = Self {
            key: None,
            limit: seen.requests_per_minute,
            own: seen.requests_own,
            used: seen.used,
            requests_refused: seen.requests_refused,
            tries_refused: seen.tries_refused,
            account: seen.account,
            tries: seen.tries,
            refused_each_minute: seen.refused_each_minute,
        };
        std::iter::once(account).chain(keys).collect()
    }
}

/// An entry of the audit log, as a line of it tells.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Audited {
    pub id: Id,
    pub at: Timestamp,
    pub actor: String,
    pub act: String,
    #[serde(default)]
    pub subject: Option<Id>,
    #[serde(default)]
    pub word: Option<String>,
}

/// One cell of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    pub text: String,
    pub tone: Tone,
    /// What a sorted column goes by where the text will not do.
    pub order: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub heading: Text,
    pub width: Width,
    /// The least width of the terminal at which the column is shown.
    pub from: u16,
}

#[derive(Clone, Copy, Debug)]
pub enum Width {
    Cells(u16),
    /// A share of what is left.
    Share(u16),
}

impl Cell {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    fn by(self, order: i64) -> Self {
        Self { order: Some(order), ..self }
    }
}

impl Item {
    /// What a row is known again by; settings have none.
    pub fn id(&self) -> Option<Id> {
        match self {
            Self::Key(key) => Some(key.id),
            Self::Account(account) => Some(account.id),
            Self::Session(session) => Some(session.id),
            Self::Attempt(attempt) => Some(attempt.id),
            Self::Job(job) => Some(job.id),
            Self::User(user) => Some(user.id),
            Self::Limit(row) => row.key.as_ref().map(|(id, _)| *id),
            Self::Webhook(webhook) => Some(webhook.id),
            Self::Audit(entry) => Some(entry.id),
            Self::Workflow(_) | Self::Setting(_) => None,
        }
    }

    /// As many as the pane's columns.
    pub fn cells(&self, scene: &Scene) -> Vec<Cell> {
        match self {
            Self::Key(key) => rows::key_cells(key, scene),
            Self::Account(account) => rows::account_cells(account, scene),
            Self::Session(session) => rows::session_cells(session, scene),
            Self::Attempt(attempt) => rows::attempt_cells(attempt, scene),
            Self::Job(job) => rows::job_cells(job, scene),
            Self::User(user) => rows::user_cells(user, scene),
            Self::Workflow(run) => rows::workflow_cells(run, scene),
            Self::Limit(row) => rows::limit_cells(row, scene),
            Self::Webhook(webhook) => rows::webhook_cells(webhook, scene),
            Self::Audit(entry) => rows::audit_cells(entry),
            Self::Setting(setting) => rows::setting_cells(setting, scene),
        }
    }
}
