//! How the server is: warnings, facts, load, latencies. Nobody is named here.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::widgets::Sparkline;

use super::{put, tone};
use crate::admin::reply::{OperationSeen, StatusSeen, Warning};
use crate::console::format::{bytes, clip, count, latency, span};
use crate::console::state::{Scene, State};
use crate::console::theme::Tone;
use crate::console::words::Text;

const WARNINGS_MAX: usize = 6;
const LABEL: u16 = 12;

pub(super) fn draw(state: &State, frame: &mut Frame, body: Rect) {
    let scene = &state.scene;
    let Some(seen) = &state.status else {
        return put(frame.buffer_mut(), 1, body.y + 1, body.width, scene.say(Text::Waiting), tone(scene, Tone::Dim));
    };
    let mut y = warnings(seen, scene, frame, body) + 1;
    y = facts(seen, scene, frame, Rect { y, ..body }) + 1;
    let room = (body.y + body.height).saturating_sub(y);
    let table = u16::try_from(seen.operations.len().max(1)).unwrap_or(u16::MAX).saturating_add(3);
    let high = room.saturating_sub(table + 1).clamp(1, 5);
    let half = body.width / 2;
    let (left, right) = (
        Rect { y, width: half.saturating_sub(2), height: high + 1, ..body },
        Rect { x: body.x + half, y, width: body.width - half, height: high + 1 },
    );
    let rate = |rate: f64| format!("{rate:.1}");
    spark(scene, frame, left, Text::RequestsPerSecond, &rate(seen.requests.per_second), &seen.requests.each_second);
    spark(scene, frame, right, Text::JobsPerSecond, &rate(seen.jobs.per_second), &seen.jobs.each_second);
    y += high + 1;
    let totals = [seen.requests.total, seen.requests.refused, seen.requests.failed, seen.requests.limited].map(count);
    let totals = scene.fill(Text::SinceStart, &totals.each_ref().map(String::as_str));
    put(frame.buffer_mut(), body.x, y, body.width, clip(&totals, usize::from(body.width)), tone(scene, Tone::Dim));
    latencies(
        &seen.operations,
        scene,
        frame,
        Rect { y: y + 2, height: (body.y + body.height).saturating_sub(y + 2), ..body },
    );
}

/// Returns the line after them.
fn warnings(seen: &StatusSeen, scene: &Scene, frame: &mut Frame, body: Rect) -> u16 {
    let buffer = frame.buffer_mut();
    if seen.warnings.is_empty() {
        put(buffer, body.x, body.y, body.width, format!("● {}", scene.say(Text::NoWarnings)), tone(scene, Tone::Good));
        return body.y + 1;
    }
    let mut y = body.y;
    for warning in seen.warnings.iter().take(WARNINGS_MAX) {
        let (look, text) = sentence(warning, scene);
        let sign = if look == Tone::Bad { "✕" } else { "▲" };
        let text = clip(&format!("{sign} {text}"), usize::from(body.width));
        put(buffer, body.x, y, body.width, text, tone(scene, look));
        y += 1;
    }
    y
}

fn sentence(warning: &Warning, scene: &Scene) -> (Tone, String) {
    let say = |text| scene.say(text).to_owned();
    match warning {
        Warning::StoreStopped => (Tone::Bad, say(Text::WarnStoreStopped)),
        Warning::NotReady => (Tone::Warn, say(Text::WarnNotReady)),
        Warning::CertificateEnded => (Tone::Bad, say(Text::WarnCertificateEnded)),
        Warning::CertificateEnds { days } => (Tone::Warn, scene.fill(Text::WarnCertificateEnds, &[&days.to_string()])),
        Warning::DiskNearlyFull { free_bytes } => (Tone::Bad, scene.fill(Text::WarnDisk, &[&bytes(*free_bytes)])),
        Warning::QueueNearlyFull { waiting, max } => {
            (Tone::Warn, scene.fill(Text::WarnQueue, &[&waiting.to_string(), &max.to_string()]))
        }
        Warning::FacesNotSearched { faces } => (Tone::Warn, scene.fill(Text::WarnFaces, &[&faces.to_string()])),
        Warning::NoBackup => (Tone::Warn, say(Text::WarnNoBackup)),
        Warning::BackupOld { days } => (Tone::Warn, scene.fill(Text::WarnBackupOld, &[&days.to_string()])),
        Warning::KeyEnds { key, days } => (Tone::Warn, scene.fill(Text::WarnKeyEnds, &[key, &days.to_string()])),
        Warning::Offline => (Tone::Warn, say(Text::WarnOffline)),
    }
}

/// Two columns of them. Returns the line after.
fn facts(seen: &StatusSeen, scene: &Scene, frame: &mut Frame, area: Rect) -> u16 {
    let size = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), bytes);
    let ago = |at| scene.fill(Text::Ago, &[&span(scene.now.since(at))]);
    let queue = [seen.jobs.waiting, seen.jobs.queue_max, seen.jobs.running, seen.jobs.workers].map(|n| n.to_string());
    let certificate = seen.certificate.as_ref().map(|certificate| {
        let days = certificate.days_left.map(|days| scene.fill(Text::DaysLeft, &[&days.to_string()]));
        let own = certificate.self_signed.then(|| scene.say(Text::SelfSigned).to_owned());
        days.into_iter().chain(own).collect::<Vec<_>>().join(", ")
    });
    let store = if seen.store_writable { Text::TakesWrites } else { Text::Stopped };
    let facts = [
        (Text::Serving, seen.address.clone().unwrap_or_else(|| "–".to_owned())),
        (Text::RunningFor, span(seen.now.since(seen.started_at))),
        (Text::Certificate, certificate.unwrap_or_else(|| "–".to_owned())),
        (Text::Memory, size(seen.memory_bytes)),
        (Text::LastBackup, seen.last_backup_at.map_or_else(|| scene.say(Text::Never).to_owned(), ago)),
        (Text::Disk, scene.fill(Text::FreeOf, &[&size(seen.disk_free_bytes), &size(seen.disk_bytes)])),
        (
            Text::OpenSessions,
            scene.fill(Text::OpenAndReview, &[&seen.sessions_open.to_string(), &seen.reviews_waiting.to_string()]),
        ),
        (Text::Store, scene.say(store).to_owned()),
        (Text::Accounts, scene.fill(Text::AccountsAndKeys, &[&seen.accounts.to_string(), &seen.keys_live.to_string()])),
        (Text::You, seen.administrator.clone()),
        (Text::Queue, scene.fill(Text::QueueIs, &queue.each_ref().map(String::as_str))),
    ];
    let half = area.width / 2;
    let mut y = area.y;
    let mut x = area.x;
    for (at, (label, value)) in facts.iter().enumerate() {
        let last = at + 1 == facts.len();
        let room = if last { area.width } else { half }.saturating_sub(LABEL + 1);
        let label = clip(scene.say(*label), usize::from(LABEL - 1)).to_lowercase();
        put(frame.buffer_mut(), x, y, LABEL, label, tone(scene, Tone::Dim));
        put(frame.buffer_mut(), x + LABEL, y, room, clip(value, usize::from(room)), tone(scene, Tone::Plain));
        if x == area.x && !last {
            x = area.x + half;
        } else {
            x = area.x;
            y += 1;
        }
    }
    y
}

/// The newest at the right end.
fn spark(scene: &Scene, frame: &mut Frame, area: Rect, title: Text, rate: &str, seconds: &[u32]) {
    let text = clip(&scene.fill(title, &[rate]), usize::from(area.width));
    put(frame.buffer_mut(), area.x, area.y, area.width, text, tone(scene, Tone::Strong));
    let room = usize::from(area.width);
    let silent = std::iter::repeat_n(0, room.saturating_sub(seconds.len()));
    let data: Vec<u64> =
        silent.chain(seconds.iter().skip(seconds.len().saturating_sub(room)).map(|count| u64::from(*count))).collect();
    let area = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    frame.render_widget(Sparkline::default().data(&data).style(tone(scene, Tone::Accent)), area);
}

fn latencies(operations: &[OperationSeen], scene: &Scene, frame: &mut Frame, area: Rect) {
    let buffer = frame.buffer_mut();
    if area.height == 0 {
        return;
    }
    if operations.is_empty() {
        return put(buffer, area.x, area.y, area.width, scene.say(Text::NoJobsYet), tone(scene, Tone::Dim));
    }
    let cell = |text: &str| format!("{:>10}", clip(text, 9));
    let line = |name: &str, cells: [&str; 6]| format!("{:<20}{}", clip(name, 20), cells.map(cell).concat());
    let say = |text| scene.say(text);
    let names = [say(Text::Succeeded), say(Text::Failed), say(Text::Invalid), "p50", "p95", "p99"];
    put(buffer, area.x, area.y, area.width, line(say(Text::Operation), names), tone(scene, Tone::Strong));
    for (y, one) in (area.y + 1..area.y + area.height).zip(operations) {
        let counts = [one.succeeded, one.failed, one.invalid].map(count);
        let times = match one.latency {
            Some(times) => [times.p50, times.p95, times.p99].map(latency),
            None => [(); 3].map(|()| "–".to_owned()),
        };
        let [a, b, c] = counts.each_ref().map(String::as_str);
        let [d, e, f] = times.each_ref().map(String::as_str);
        put(buffer, area.x, y, area.width, line(&one.name, [a, b, c, d, e, f]), tone(scene, Tone::Plain));
    }
}
