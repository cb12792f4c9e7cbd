//! One thing with everything in it, as lines of text.

use serde_json::{Map, Value};

use super::evidence::{self, Evidence};
use super::format;
use super::item::{job_look, job_status, status_look};
use super::state::{Privacy, Scene};
use super::theme::Tone;
use super::words::Text;
use crate::admin::reply::{AttemptDetail, AttemptSeen, Reply, SessionSeen, StageSeen, UserSeen};
use crate::admin::webhooks::{DeliverySeen, WebhooksReply};
use crate::domain::job::WorkflowRun;
use crate::domain::webhook::{Answered, DeliveryState};

type Lines = Vec<(Tone, String)>;

/// Parts of what was measured that name a person or show a number of one.
const PERSONAL: [&str; 8] =
    ["fields", "mrz", "barcodes", "read", "documentId", "metadata", "documentNumber", "subject"];
/// What was asked for that is not of a person.
const IMPERSONAL: [&str; 5] = ["documentType", "side", "documentSide", "threshold", "steps"];

/// A title and the lines under it.
pub fn of(reply: &Reply, scene: &Scene) -> (String, Lines) {
    match reply {
        Reply::Attempt(detail) => (detail.attempt.id.to_string(), attempt(detail, scene)),
        Reply::Job(one) => (one.job.id.to_string(), stage(one, scene)),
        Reply::Session(one) => (one.id.to_string(), session(one, scene)),
        Reply::User(one) => (one.id.to_string(), user(one, scene)),
        Reply::Webhooks(WebhooksReply::Deliveries(all)) => {
            let lines = all.iter().map(|one| delivery(one, scene));
            (scene.say(Text::Deliveries).to_owned(), lines.collect())
        }
        Reply::Users { users, .. } => {
            let lines = users.iter().flat_map(|one| user(one, scene).into_iter().chain([(Tone::Plain, String::new())]));
            (scene.say(Text::FindUser).to_owned(), lines.collect())
        }
        _ => Default::default(),
    }
}

fn pair(name: &str, value: &str) -> (Tone, String) {
    (Tone::Plain, format!("{name}: {value}"))
}

pub fn head(attempt: &AttemptSeen, scene: &Scene) -> Lines {
    let (sign, tone) = status_look(attempt.status);
    let kind = attempt.kind.name();
    let mut lines = vec![
        (tone, format!("{sign} {}  {kind}  {}", attempt.status.name(), attempt.account)),
        pair(scene.say(Text::Created), &format::moment(attempt.created_at)),
    ];
    if let Some(opened) = &attempt.opened {
        let ago = format::span(scene.now.since(opened.at));
        lines.push((Tone::Accent, scene.fill(Text::OpenedAt, &[&opened.administrator, &ago])));
    }
    if let Some(review) = &attempt.review {
        let by = match review.by.administrator() {
            Some(name) => name.to_owned(),
            None => review.by.key().map_or_else(String::new, |key| key.to_string()),
        };
        lines.push((Tone::Accent, scene.fill(Text::SettledAs, &[&by, review.note.as_deref().unwrap_or("–")])));
    }
    lines
}

fn attempt(detail: &AttemptDetail, scene: &Scene) -> Lines {
    let mut lines = head(&detail.attempt, scene);
    lines.extend(evidence(&evidence::of(&detail.stages), scene));
    for one in &detail.stages {
        lines.push(Default::default());
        lines.extend(stage(one, scene));
    }
    lines
}

fn stage(stage: &StageSeen, scene: &Scene) -> Lines {
    let job = &stage.job;
    let (sign, tone) = job_look(&job.status);
    let ran = job.started_at.zip(job.finished_at).map(|(from, to)| format::latency(to.since(from).as_secs_f64()));
    let status = scene.say(job_status(&job.status));
    let mut lines = vec![(tone, format!("{sign} {}  {status}  {}", job.operation, ran.unwrap_or_default()))];
    lines.push(pair(scene.say(Text::Created), &format!("{}  {}", format::moment(job.created_at), job.id)));
    for (name, value) in &stage.parameters {
        let shown = match (value, IMPERSONAL.contains(&name.as_str())) {
            (Value::String(text), false) => scene.person(text),
            (value, false) if scene.privacy == Privacy::Masked => format::masked(&value.to_string()),
            (value, _) => value.to_string(),
        };
        lines.push(pair(&format!("{} {name}", scene.say(Text::Parameters)), &shown));
    }
    for file in &stage.files {
        let gone = if file.removed_at.is_some() { scene.say(Text::Removed) } else { "" };
        lines.push(pair(scene.say(Text::Files), &format!("{}  {}  {gone}", file.field, format::bytes(file.bytes))));
    }
    if !stage.output.is_null() {
        lines.push(pair(scene.say(Text::Output), &stage.output.to_string()));
        let details = if scene.privacy == Privacy::Masked { masked(&stage.details) } else { stage.details.clone() };
        let pretty = serde_json::to_string_pretty(&details).unwrap_or_default();
        lines.push(pair(scene.say(Text::Measured), ""));
        lines.extend(pretty.lines().map(|line| (Tone::Dim, line.to_owned())));
    }
    lines
}

fn session(session: &SessionSeen, scene: &Scene) -> Lines {
    let mut lines = vec![
        (Tone::Strong, format!("{}  {}", session.kind.name(), session.account)),
        pair(scene.say(Text::Created), &format::moment(session.created_at)),
        pair(scene.say(Text::Left), &format::clock(session.expires_at.since(scene.now))),
        pair(scene.say(Text::OpenedBy), session.key.as_deref().unwrap_or("–")),
    ];
    for (operation, used) in &session.tries {
        let left = session.tries_max.saturating_sub(*used);
        let tone = if left == 0 { Tone::Warn } else { Tone::Plain };
        lines.push((tone, format!("{operation}: {left}/{}", session.tries_max)));
    }
    lines
}

fn delivery(delivery: &DeliverySeen, scene: &Scene) -> (Tone, String) {
    let (tone, state) = match delivery.state {
        DeliveryState::Delivered { at } => {
            (Tone::Good, format!("● {} {}", scene.say(Text::Delivered), format::moment(at)))
        }
        DeliveryState::Waiting { next_at } => {
            (Tone::Warn, format!("○ {}", scene.fill(Text::WaitingFor, &[&format::moment(next_at)])))
        }
        DeliveryState::Dead { at } => (Tone::Bad, format!("✕ {} {}", scene.say(Text::GivenUp), format::moment(at))),
    };
    let answer = match delivery.tries.last().map(|one| one.came_of_it) {
        None => String::new(),
        Some(Answered::Status(status)) => status.to_string(),
        Some(Answered::NotAtAll(why)) => why.to_string(),
    };
    (tone, format!("{state}  {}  {}  {}  {answer}", delivery.kind.name(), delivery.event, delivery.tries.len()))
}

fn user(user: &UserSeen, scene: &Scene) -> Lines {
    let document = format!("{:?}", user.document_type).to_uppercase();
    let mut lines = vec![
        (Tone::Strong, format!("{document}  {}  {}", scene.person(&user.document_id), user.account)),
        pair(scene.say(Text::Identifier), &user.id.to_string()),
        pair(scene.say(Text::Created), &format::moment(user.created_at)),
        pair(scene.say(Text::Attempt), &user.attempt.to_string()),
    ];
    for (name, value) in &user.metadata {
        let shown = match value {
            Value::String(text) => scene.person(text),
            value => scene.person(&value.to_string()),
        };
        lines.push(pair(name, &shown));
    }
    lines
}

/// What speaks for and against their being one person, and what was read.
pub fn evidence(seen: &Evidence, scene: &Scene) -> Lines {
    let mut lines = Vec::new();
    compared(seen, scene, &mut lines);
    let warned = !seen.warnings.is_empty() || !seen.disagreements.is_empty();
    lines.push((Tone::Strong, format!("{}:", scene.say(Text::Warnings))));
    if !warned {
        lines.push((Tone::Dim, format!("  {}", scene.say(Text::None))));
    }
    lines.extend(seen.warnings.iter().map(|warning| (Tone::Warn, format!("  ▲ {warning}"))));
    if !seen.disagreements.is_empty() {
        let names = seen.disagreements.join(", ");
        lines.push((Tone::Warn, format!("  ▲ {}", scene.fill(Text::Disagrees, &[&names]))));
    }
    if !seen.fields.is_empty() {
        lines.push((Tone::Strong, format!("{}:", scene.say(Text::Fields))));
    }
    for field in &seen.fields {
        let value = if scene.privacy == Privacy::Masked { format::masked(&field.value) } else { field.value.clone() };
        let sure = format!("{:.0} %", field.confidence * 100.0);
        let look = if field.confidence < 0.9 { Tone::Warn } else { Tone::Plain };
        lines.push((look, format!("  {:<16} {value}  {sure} {}", field.name, field.source)));
    }
    lines
}

fn compared(seen: &Evidence, scene: &Scene, lines: &mut Lines) {
    if let Some(score) = seen.score {
        let threshold = seen.threshold.map(|threshold| scene.fill(Text::Threshold, &[&format!("{threshold:.0}")]));
        let mut line = format!("{} {score:.1} ({})", scene.say(Text::Score), threshold.as_deref().unwrap_or("–"));
        if let Some(rate) = seen.false_match_rate.filter(|rate| *rate > 0.0) {
            let one_in = scene.fill(Text::OneIn, &[&format::count((1.0 / rate).round().min(1e15) as u64)]);
            line = format!("{line} · {} {one_in}", scene.say(Text::FalseMatchRate));
            if seen.extrapolated {
                line = format!("{line} ({})", scene.say(Text::Extrapolated));
            }
        }
        lines.push((Tone::Strong, line));
    }
    match seen.is_match {
        Some(true) => lines.push((Tone::Good, format!("● {}", scene.say(Text::SamePerson)))),
        Some(false) => lines.push((Tone::Bad, format!("✕ {}", scene.say(Text::OtherPerson)))),
        None => {}
    }
    if let Some(verdict) = &seen.liveness {
        let look = match verdict.as_str() {
            "real" => Tone::Good,
            "spoof" => Tone::Bad,
            _ => Tone::Warn,
        };
        lines.push((look, format!("{} {verdict}", scene.say(Text::Liveness))));
    }
}

/// A workflow as it was declared.
pub fn workflow(run: &WorkflowRun) -> (String, Lines) {
    let mut lines = vec![(Tone::Strong, run.definition.about.clone()), (Tone::Dim, run.fingerprint.clone())];
    let pretty = serde_json::to_string_pretty(&run.definition).unwrap_or_default();
    lines.extend(pretty.lines().map(|line| (Tone::Plain, line.to_owned())));
    (run.name.clone(), lines)
}

/// Without what is of a person.
fn masked(value: &Value) -> Value {
    match value {
        Value::Array(all) => all.iter().map(masked).collect(),
        Value::Object(all) => {
            let shown = all.iter().map(|(name, value)| {
                let value = match PERSONAL.contains(&name.as_str()) && !value.is_null() {
                    true => Value::String(format::masked("x")),
                    false => masked(value),
                };
                (name.clone(), value)
            });
            Value::Object(shown.collect::<Map<String, Value>>())
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn masking_leaves_what_was_measured_and_takes_what_was_read() {
        let seen = masked(
            &json!({ "steps": [{ "fields": { "number": { "value": "402" } }, "falseMatchRate": 1e-4 }], "mrz": null }),
        );
        assert_eq!(seen, json!({ "steps": [{ "fields": "••••••", "falseMatchRate": 1e-4 }], "mrz": null }));
    }
}
