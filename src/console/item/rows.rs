//! Which columns each list has, and how its rows fill them.

use std::time::Duration;

use Width::{Cells, Share};

use super::{Audited, Cell, Column, LimitRow, Width};
use crate::admin::reply::{AccountSeen, AttemptSeen, JobSeen, KeySeen, SessionSeen, SetBy, SettingSeen, UserSeen};
use crate::admin::webhooks::WebhookSeen;
use crate::console::format;
use crate::console::state::Scene;
use crate::console::theme::Tone;
use crate::console::words::Text;
use crate::domain::attempt::AttemptStatus;
use crate::domain::job::WorkflowRun;

const fn column(heading: Text, width: Width, from: u16) -> Column {
    Column { heading, width, from }
}

pub const KEYS: &[Column] = &[
    column(Text::Name, Share(3), 0),
    column(Text::Account, Share(2), 0),
    column(Text::State, Cells(10), 0),
    column(Text::LastUse, Cells(11), 0),
    column(Text::Expires, Cells(9), 0),
    column(Text::Scopes, Share(2), 70),
    column(Text::Addresses, Share(2), 110),
    column(Text::Created, Cells(19), 130),
    column(Text::Identifier, Cells(24), 150),
];

pub(super) fn key_cells(key: &KeySeen, scene: &Scene) -> Vec<Cell> {
    let (state, tone) = match key {
        _ if key.live => (Text::Live, Tone::Good),
        _ if key.revoked_at.is_some() => (Text::Revoked, Tone::Bad),
        _ => (Text::Expired, Tone::Warn),
    };
    let sign = match tone {
        Tone::Good => "●",
        Tone::Bad => "✕",
        _ => "▲",
    };
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.name()).collect();
    let addresses: Vec<String> = key.addresses.iter().map(ToString::to_string).collect();
    let used = key.last_used_at.map(|at| scene.now.since(at));
    let ends = key.expires_at;
    vec![
        Cell::new(&key.name),
        Cell::new(&key.account),
        Cell::new(format!("{sign} {}", scene.say(state))).tone(tone),
        match used {
            Some(time) => Cell::new(scene.fill(Text::Ago, &[&format::span(time)])).by(-seconds(time)),
            None => Cell::new(scene.say(Text::Never)).tone(Tone::Dim).by(i64::MIN),
        },
        match ends {
            Some(end) if end <= scene.now => Cell::new("–").tone(Tone::Dim).by(end.as_secs()),
            Some(end) => Cell::new(format::span(end.since(scene.now))).by(end.as_secs()),
            None => Cell::new(scene.say(Text::Never)).tone(Tone::Dim).by(i64::MAX),
        },
        if scopes.is_empty() { Cell::new(scene.say(Text::All)) } else { Cell::new(scopes.join(" ")) },
        if addresses.is_empty() { Cell::new(scene.say(Text::Anywhere)) } else { Cell::new(addresses.join(" ")) },
        Cell::new(format::moment(key.created_at)),
        Cell::new(key.id.to_string()).tone(Tone::Dim),
    ]
}

pub const ACCOUNTS: &[Column] = &[
    column(Text::Name, Share(3), 0),
    column(Text::KeepsPhotos, Cells(12), 0),
    column(Text::KeepsClips, Cells(12), 0),
    column(Text::KeepsAttempts, Cells(12), 0),
    column(Text::Unproven, Cells(11), 90),
    column(Text::Created, Cells(19), 0),
    column(Text::Identifier, Cells(24), 110),
];

pub(super) fn account_cells(account: &AccountSeen, scene: &Scene) -> Vec<Cell> {
    let days = |days: Option<u32>| match days {
        Some(days) => Cell::new(format!("{days} d")).by(i64::from(days)),
        None => Cell::new(scene.say(Text::Kept)).tone(Tone::Dim).by(i64::MAX),
    };
    let kept = account.retention;
    vec![
        Cell::new(&account.name),
        days(kept.photos_days),
        days(kept.clips_days),
        days(kept.attempts_days),
        match account.review_unproven {
            true => Cell::new(scene.say(Text::ToReview)).tone(Tone::Accent),
            false => Cell::new(scene.say(Text::Accepted)).tone(Tone::Dim),
        },
        Cell::new(format::moment(account.created_at)),
        Cell::new(account.id.to_string()).tone(Tone::Dim),
    ]
}

pub const SESSIONS: &[Column] = &[
    column(Text::Identifier, Cells(24), 0),
    column(Text::Account, Share(2), 0),
    column(Text::Kind, Cells(10), 0),
    column(Text::Left, Cells(8), 0),
    column(Text::Tries, Share(3), 0),
    column(Text::OpenedBy, Share(1), 100),
    column(Text::Created, Cells(19), 120),
];

pub(super) fn session_cells(session: &SessionSeen, scene: &Scene) -> Vec<Cell> {
    let left = session.expires_at.since(scene.now);
    let tone = match left.as_secs() {
        0..60 => Tone::Bad,
        60..300 => Tone::Warn,
        _ => Tone::Plain,
    };
    let used = session.tries.iter().map(|(operation, used)| {
        format!("{operation} {}/{}", session.tries_max.saturating_sub(*used), session.tries_max)
    });
    let spent = session.tries.values().any(|used| *used >= session.tries_max);
    vec![
        Cell::new(session.id.to_string()),
        Cell::new(&session.account),
        Cell::new(session.kind.name()),
        Cell::new(format::clock(left)).tone(tone).by(seconds(left)),
        Cell::new(used.collect::<Vec<_>>().join(" ")).tone(if spent { Tone::Warn } else { Tone::Plain }),
        Cell::new(session.key.as_deref().unwrap_or_default()),
        Cell::new(format::moment(session.created_at)),
    ]
}

pub const ATTEMPTS: &[Column] = &[
    column(Text::Identifier, Cells(24), 0),
    column(Text::Account, Share(2), 0),
    column(Text::Kind, Cells(10), 0),
    column(Text::Status, Cells(12), 0),
    column(Text::Age, Cells(7), 0),
    column(Text::JobCount, Cells(5), 0),
    column(Text::OpenedBy, Share(1), 100),
    column(Text::SettledBy, Share(1), 100),
    column(Text::Created, Cells(19), 130),
];

pub(super) fn attempt_cells(attempt: &AttemptSeen, scene: &Scene) -> Vec<Cell> {
    let (sign, tone) = status_look(attempt.status);
    let age = scene.now.since(attempt.created_at);
    let settled = attempt.review.as_ref().map_or_else(String::new, |review| match review.by.administrator() {
        Some(name) => name.to_owned(),
        None => review.by.key().map_or_else(String::new, |key| key.to_string()),
    });
    vec![
        Cell::new(attempt.id.to_string()),
        Cell::new(&attempt.account),
        Cell::new(attempt.kind.name()),
        Cell::new(format!("{sign} {}", attempt.status.name())).tone(tone),
        Cell::new(format::span(age)).by(seconds(age)),
        Cell::new(attempt.jobs.to_string()).by(i64::from(attempt.jobs)),
        Cell::new(attempt.opened.as_ref().map_or("", |opened| opened.administrator.as_str())),
        Cell::new(settled),
        Cell::new(format::moment(attempt.created_at)),
    ]
}

pub fn status_look(status: AttemptStatus) -> (&'static str, Tone) {
    match status {
        AttemptStatus::Pending => ("○", Tone::Accent),
        AttemptStatus::Success => ("●", Tone::Good),
        AttemptStatus::Failed => ("✕", Tone::Bad),
        AttemptStatus::Review => ("▲", Tone::Warn),
        AttemptStatus::Cancelled | AttemptStatus::Expired => ("–", Tone::Dim),
    }
}

pub const JOBS: &[Column] = &[
    column(Text::Identifier, Cells(24), 0),
    column(Text::Operation, Share(2), 0),
    column(Text::Status, Cells(12), 0),
    column(Text::Waited, Cells(7), 95),
    column(Text::Ran, Cells(7), 0),
    column(Text::Age, Cells(7), 0),
    column(Text::Account, Share(2), 95),
    column(Text::Attempt, Cells(24), 130),
];

pub(super) fn job_cells(job: &JobSeen, scene: &Scene) -> Vec<Cell> {
    let (sign, tone) = job_look(&job.status);
    let waited = job.started_at.unwrap_or(scene.now).since(job.created_at);
    let ran = job.started_at.map(|start| job.finished_at.unwrap_or(scene.now).since(start));
    let age = scene.now.since(job.created_at);
    vec![
        Cell::new(job.id.to_string()),
        Cell::new(&job.operation),
        Cell::new(format!("{sign} {}", scene.say(job_status(&job.status)))).tone(tone),
        Cell::new(format::latency(waited.as_secs_f64())).by(millis(waited)),
        match ran {
            Some(ran) => Cell::new(format::latency(ran.as_secs_f64())).by(millis(ran)),
            None => Cell::new("–").tone(Tone::Dim).by(-1),
        },
        Cell::new(format::span(age)).by(seconds(age)),
        Cell::new(&job.account),
        Cell::new(job.attempt.to_string()).tone(Tone::Dim),
    ]
}

pub fn job_status(name: &str) -> Text {
    match name {
        "queued" => Text::Queued,
        "running" => Text::Running,
        "succeeded" => Text::Succeeded,
        "failed" => Text::Failed,
        _ => Text::Invalid,
    }
}

pub fn job_look(name: &str) -> (&'static str, Tone) {
    match name {
        "queued" => ("○", Tone::Dim),
        "running" => ("◐", Tone::Accent),
        "succeeded" => ("●", Tone::Good),
        "failed" => ("✕", Tone::Bad),
        _ => ("▲", Tone::Warn),
    }
}

pub const USERS: &[Column] = &[
    column(Text::Identifier, Cells(24), 0),
    column(Text::Account, Share(2), 0),
    column(Text::Document, Cells(9), 0),
    column(Text::Number, Share(2), 0),
    column(Text::Created, Cells(19), 0),
    column(Text::Attempt, Cells(24), 120),
];

pub(super) fn user_cells(user: &UserSeen, scene: &Scene) -> Vec<Cell> {
    vec![
        Cell::new(user.id.to_string()),
        Cell::new(&user.account),
        Cell::new(format!("{:?}", user.document_type).to_uppercase()),
        Cell::new(scene.person(&user.document_id)),
        Cell::new(format::moment(user.created_at)),
        Cell::new(user.attempt.to_string()).tone(Tone::Dim),
    ]
}

pub const WORKFLOWS: &[Column] = &[
    column(Text::Name, Share(2), 0),
    column(Text::Version, Cells(8), 0),
    column(Text::State, Cells(13), 0),
    column(Text::Needs, Share(4), 0),
    column(Text::Steps, Share(3), 0),
];

pub(super) fn workflow_cells(run: &WorkflowRun, scene: &Scene) -> Vec<Cell> {
    let definition = &run.definition;
    let (sign, state, tone) = match definition.enabled {
        true => ("●", Text::Live, Tone::Good),
        false => ("–", Text::Disabled, Tone::Dim),
    };
    let fields = definition.fields.iter();
    let fields = fields.map(|(name, rule)| if rule.required { name.clone() } else { format!("[{name}]") });
    let steps: Vec<&str> = definition.steps.iter().map(|step| step.run.name()).collect();
    vec![
        Cell::new(&run.name),
        Cell::new(definition.version.to_string()).by(i64::from(definition.version)),
        Cell::new(format!("{sign} {}", scene.say(state))).tone(tone),
        Cell::new(fields.collect::<Vec<_>>().join(" ")),
        Cell::new(steps.join(" ")),
    ]
}

pub const LIMITS: &[Column] = &[
    column(Text::Account, Share(2), 0),
    column(Text::ThisMinute, Cells(11), 0),
    column(Text::Quota, Cells(18), 0),
    column(Text::Refused429, Cells(7), 0),
    column(Text::TriesRefused, Cells(10), 0),
    column(Text::OwnTries, Share(2), 90),
    column(Text::LastHour, Cells(60), 140),
];

/// Cells of a quota's bar.
const BAR: u64 = 10;

pub(super) fn limit_cells(row: &LimitRow, scene: &Scene) -> Vec<Cell> {
    let share = u64::from(row.used) * 100 / u64::from(row.limit.max(1));
    let tone = match share {
        100.. => Tone::Bad,
        80..100 => Tone::Warn,
        _ => Tone::Good,
    };
    let filled = usize::try_from((share * BAR).div_ceil(100).min(BAR)).unwrap_or(0);
    let bar = "█".repeat(filled) + &"░".repeat(BAR as usize - filled);
    let name = match &row.key {
        None => row.account.clone(),
        Some((_, name)) => format!("  {}", scene.fill(Text::OfKey, &[name])),
    };
    let own = row.tries.iter().map(|(name, tries)| format!("{name}={tries}"));
    let counted = |count: u64| match &row.key {
        None => Cell::new(count.to_string()).by(i64::try_from(count).unwrap_or(i64::MAX)),
        Some(_) => Cell::default(),
    };
    vec![
        Cell::new(name),
        Cell::new(bar).tone(tone).by(i64::try_from(share).unwrap_or(i64::MAX)),
        Cell::new(format!("{}/{}", format::count(u64::from(row.used)), format::count(u64::from(row.limit)))).tone(tone),
        counted(row.requests_refused),
        counted(row.tries_refused),
        Cell::new(own.collect::<Vec<_>>().join(" ")),
        Cell::new(format::line(&row.refused_each_minute)).tone(Tone::Warn),
    ]
}

pub const WEBHOOKS: &[Column] = &[
    column(Text::Address, Share(3), 0),
    column(Text::Account, Share(2), 0),
    column(Text::State, Cells(10), 0),
    column(Text::Events, Share(2), 0),
    column(Text::Created, Cells(19), 110),
    column(Text::Identifier, Cells(24), 140),
];

pub(super) fn webhook_cells(webhook: &WebhookSeen, scene: &Scene) -> Vec<Cell> {
    let (sign, state, tone) = match webhook.disabled {
        None => ("●", Text::Live, Tone::Good),
        Some(_) => ("✕", Text::Gone, Tone::Bad),
    };
    let events: Vec<&str> = webhook.events.iter().map(|kind| kind.name()).collect();
    vec![
        Cell::new(&webhook.url),
        Cell::new(&webhook.account),
        Cell::new(format!("{sign} {}", scene.say(state))).tone(tone),
        if events.is_empty() { Cell::new(scene.say(Text::All)) } else { Cell::new(events.join(" ")) },
        Cell::new(format::moment(webhook.created_at)),
        Cell::new(webhook.id.to_string()).tone(Tone::Dim),
    ]
}

pub const AUDIT: &[Column] = &[
    column(Text::When, Cells(19), 0),
    column(Text::Who, Share(2), 0),
    column(Text::What, Cells(21), 0),
    column(Text::Whom, Cells(24), 95),
    column(Text::Word, Share(2), 0),
];

pub(super) fn audit_cells(entry: &Audited) -> Vec<Cell> {
    let tone = match entry.act.as_str() {
        act if act.contains("erased") || act.contains("revoked") => Tone::Warn,
        act if act.contains("exported") || act == "configuration.changed" => Tone::Accent,
        _ => Tone::Plain,
    };
    vec![
        Cell::new(format::moment(entry.at)),
        Cell::new(&entry.actor),
        Cell::new(&entry.act).tone(tone),
        Cell::new(entry.subject.map_or_else(String::new, |id| id.to_string())).tone(Tone::Dim),
        Cell::new(entry.word.as_deref().unwrap_or_default()),
    ]
}

pub const SETTINGS: &[Column] = &[
    column(Text::Setting, Cells(32), 0),
    column(Text::Value, Share(2), 0),
    column(Text::From, Cells(36), 100),
    column(Text::From, Cells(12), 0),
];

pub(super) fn setting_cells(setting: &SettingSeen, scene: &Scene) -> Vec<Cell> {
    let (from, short, tone) = match &setting.from {
        SetBy::Default => (String::new(), scene.say(Text::Default), Tone::Dim),
        SetBy::File => (String::new(), scene.say(Text::File), Tone::Accent),
        SetBy::Variable(name) => (name.clone(), "env", Tone::Warn),
    };
    vec![
        Cell::new(&setting.name),
        Cell::new(&setting.value).tone(if setting.from == SetBy::Default { Tone::Dim } else { Tone::Plain }),
        Cell::new(from).tone(tone),
        Cell::new(short).tone(tone),
    ]
}

fn seconds(time: Duration) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
