//! Replies for people: tables with a heading, one thing a line, results on standard output and remarks on standard error.

use crate::admin::reply::{
    AccountSeen, AttemptDetail, AttemptSeen, JobSeen, KeySeen, Reply, SessionSeen, SetBy, SettingSeen, StageSeen,
    StatusSeen, UserSeen, Warning,
};
use crate::admin::webhooks::WebhooksReply;
use crate::domain::block::Blocked;
use crate::domain::id::Id;
use crate::domain::job::WorkflowRun;
use crate::domain::time::Timestamp;
use crate::service::audit::chain::Whole;

/// An audit log that was found whole.
pub(super) fn audit(whole: &Whole) {
    println!("The audit log is whole: {} entries, {} checkpoints.", whole.entries, whole.checkpoints);
    if let Some(until) = whole.until {
        println!("It goes to {until}, line {}.", whole.head.lines);
        println!("Signed by {}.", whole.key);
    }
}

pub(super) fn reply(reply: &Reply) {
    match reply {
        Reply::Status(seen) => status(seen),
        Reply::Key { key, secret } => {
            eprintln!("Key {} of account {}. Keep the secret now; it is not shown again:", key.id, key.account);
            println!("{secret}");
        }
        Reply::Keys(keys) => self::keys(keys),
        Reply::Revoked(key) => println!("Key {} is revoked. Sessions opened with it go on until they end.", key.id),
        Reply::Accounts(accounts) => self::accounts(accounts),
        Reply::Blocklist(entries) => blocklist(entries),
        Reply::Workflows(all) => all.iter().for_each(workflow),
        Reply::WorkflowsFile { differing } if differing.is_empty() => println!("The file of workflows is in force."),
        Reply::WorkflowsFile { differing } => println!("A restart brings these into force: {}.", differing.join(", ")),
        Reply::Sessions { sessions, open, next } => {
            self::sessions(sessions);
            eprintln!("{open} open in all.");
            more(*next);
        }
        Reply::Session(session) => sessions(std::slice::from_ref(session)),
        Reply::SessionRevoked(id) => println!("The session {id} is ended; its attempt is CANCELLED."),
        Reply::Attempts { attempts, next } => {
            self::attempts(attempts);
            more(*next);
        }
        Reply::Attempt(detail) => attempt(detail),
        Reply::Settled { attempt, status } => println!("The attempt {attempt} is settled: {}.", status.name()),
        Reply::Jobs { jobs, next } => {
            self::jobs(jobs);
            more(*next);
        }
        Reply::Job(stage) => self::stage(stage),
        Reply::Users { users, next } => {
            self::users(users);
            more(*next);
        }
        Reply::User(user) => {
            users(std::slice::from_ref(user));
            println!("{}", pretty(&user.metadata));
        }
        Reply::Picture(picture) => println!("{} × {} pixels; --json has them.", picture.width, picture.height),
        Reply::Settings(settings) => self::settings(settings),
        Reply::AuditLines(lines) => lines.iter().for_each(|line| println!("{line}")),
        Reply::AuditWhole(whole) => audit(whole),
        Reply::PublicKeys { audit, evidence } => {
            println!("audit log  {audit}");
            println!("evidence   {evidence}");
            eprintln!("Note them elsewhere: they tell this server's signatures from anybody else's.");
        }
        Reply::EvidenceExported(done) => {
            println!(
                "Exported: {} jobs, {} files, {} bytes of photos and clips in clear.",
                done.jobs, done.files, done.bytes
            );
        }
        Reply::Log(lines) => lines.iter().for_each(|line| println!("{}", line.text)),
        Reply::Erased { subjects, rows, files } => {
            println!(
                "Erased: {subjects} records of people with {rows} rows and {files} files. Backups made before know them"
            );
            println!("still; `twoface erasures` prints the list that a restore of one needs.");
        }
        Reply::Webhooks(reply) => {
            if let WebhooksReply::Secret { webhook, .. } = reply {
                eprintln!("Receiver {} is {}. Keep its secret now; it is not shown again:", webhook.id, webhook.url);
            }
            println!("{reply}");
        }
        Reply::Limits(reply) => println!("{reply}"),
        Reply::Erasures(list) => print!("{list}"),
        Reply::Swept { photos, clips, attempts, preview } => {
            let verb = if *preview { "Would remove" } else { "Removed" };
            println!("{verb}: {photos} photos, {clips} clips, {attempts} attempts.");
        }
        Reply::Exported { records } => println!("{records} records were written, in clear."),
        Reply::BackedUp { rows, files, files_copied, bytes_copied } => {
            println!("Backed up: {rows} rows, {files} files ({files_copied} new), {bytes_copied} bytes copied.");
        }
        Reply::Refused(why) => eprintln!("{why}"),
    }
}

/// Columns as wide as they need to be; the last is not padded.
fn table<const N: usize>(heading: [&str; N], rows: impl IntoIterator<Item = [String; N]>) {
    let rows: Vec<[String; N]> = rows.into_iter().collect();
    let all = || std::iter::once(heading.map(str::to_owned)).chain(rows.iter().cloned());
    let mut widths = [0; N];
    for row in all() {
        widths.iter_mut().zip(&row).for_each(|(width, cell)| *width = (*width).max(cell.chars().count()));
    }
    for row in all() {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        println!("{}", cells.join("  ").trim_end());
    }
}

fn more(next: Option<Id>) {
    if let Some(id) = next {
        eprintln!("There is more: --cursor {id}");
    }
}

fn or_dash(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| time.to_string())
}

fn keys(keys: &[KeySeen]) {
    table(
        ["id", "account", "created", "last used", "state", "scopes", "name"],
        keys.iter().map(|key| {
            let state = match key {
                _ if key.live => "live",
                _ if key.revoked_at.is_some() => "revoked",
                _ => "expired",
            };
            let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.name()).collect();
            let scopes = if scopes.is_empty() { "all".to_owned() } else { scopes.join(",") };
            let (created, used) = (key.created_at.to_string(), or_dash(key.last_used_at));
            [key.id.to_string(), key.account.clone(), created, used, state.to_owned(), scopes, key.name.clone()]
        }),
    );
}

fn accounts(accounts: &[AccountSeen]) {
    let days = |days: Option<u32>| days.map_or("kept".to_owned(), |days| format!("{days} d"));
    table(
        ["id", "created", "photos", "clips", "attempts", "name"],
        accounts.iter().map(|account| {
            let kept = account.retention;
            [
                account.id.to_string(),
                account.created_at.to_string(),
                days(kept.photos_days),
                days(kept.clips_days),
                days(kept.attempts_days),
                account.name.clone(),
            ]
        }),
    );
}

fn blocklist(entries: &[Blocked]) {
    let has = |it: bool| if it { "yes" } else { "-" }.to_owned();
    table(
        ["id", "created", "number", "face", "reason"],
        entries.iter().map(|entry| {
            let (number, face) = (has(entry.document_index.is_some()), has(entry.has_face));
            [entry.id.to_string(), entry.created_at.to_string(), number, face, entry.reason.clone()]
        }),
    );
}

fn workflow(run: &WorkflowRun) {
    let state = if run.definition.enabled { "" } else { " (disabled)" };
    println!("{} version {}{state}  {}", run.name, run.definition.version, run.fingerprint);
    println!("  {}", run.definition.about);
    let fields = run.definition.fields.iter();
    let fields = fields.map(|(name, rule)| if rule.required { name.clone() } else { format!("[{name}]") });
    println!("  fields: {}", fields.collect::<Vec<_>>().join(", "));
    let steps: Vec<&str> = run.definition.steps.iter().map(|step| step.run.name()).collect();
    println!("  steps: {}", steps.join(", "));
}

fn sessions(sessions: &[SessionSeen]) {
    table(
        ["id", "account", "type", "created", "ends", "opened by", "tries"],
        sessions.iter().map(|session| {
            let tries = session.tries.iter().map(|(what, count)| format!("{what} {count}"));
            let tries = tries.collect::<Vec<_>>().join(", ");
            let (created, ends) = (session.created_at.to_string(), session.expires_at.to_string());
            let (kind, key) = (session.kind.name().to_owned(), session.key.clone().unwrap_or_default());
            [session.id.to_string(), session.account.clone(), kind, created, ends, key, tries]
        }),
    );
}

fn attempts(attempts: &[AttemptSeen]) {
    table(
        ["id", "account", "type", "status", "created", "jobs", "settled by"],
        attempts.iter().map(|attempt| {
            [
                attempt.id.to_string(),
                attempt.account.clone(),
                attempt.kind.name().to_owned(),
                attempt.status.name().to_owned(),
                attempt.created_at.to_string(),
                attempt.jobs.to_string(),
                settled_by(attempt),
            ]
        }),
    );
}

fn settled_by(attempt: &AttemptSeen) -> String {
    let Some(review) = &attempt.review else { return "-".to_owned() };
    match review.by.administrator() {
        Some(name) => name.to_owned(),
        None => review.by.key().map_or_else(String::new, |key| format!("key {key}")),
    }
}

fn attempt(detail: &AttemptDetail) {
    attempts(std::slice::from_ref(&detail.attempt));
    if let Some(opened) = &detail.attempt.opened {
        println!("Opened by {} at {}.", opened.administrator, opened.at);
    }
    if let Some(note) = detail.attempt.review.as_ref().and_then(|review| review.note.as_ref()) {
        println!("Note: {note}");
    }
    for stage in &detail.stages {
        println!();
        self::stage(stage);
    }
}

fn jobs(jobs: &[JobSeen]) {
    table(
        ["id", "account", "operation", "status", "created", "finished", "attempt"],
        jobs.iter().map(|job| {
            [
                job.id.to_string(),
                job.account.clone(),
                job.operation.clone(),
                job.status.clone(),
                job.created_at.to_string(),
                or_dash(job.finished_at),
                job.attempt.to_string(),
            ]
        }),
    );
}

fn stage(stage: &StageSeen) {
    println!("{}  {}  {}", stage.job.operation, stage.job.status, stage.job.id);
    for (name, value) in &stage.parameters {
        println!("  {name}: {value}");
    }
    for file in &stage.files {
        let gone = if file.removed_at.is_some() { ", removed" } else { "" };
        println!("  {}: {} bytes{gone}, {}", file.field, file.bytes, file.stored_as);
    }
    if !stage.output.is_null() {
        println!("  output: {}", stage.output);
        println!("  details: {}", pretty(&stage.details).replace('\n', "\n  "));
    }
}

fn users(users: &[UserSeen]) {
    table(
        ["id", "account", "type", "document", "registered", "attempt"],
        users.iter().map(|user| {
            let document = format!("{:?}", user.document_type).to_uppercase();
            let (registered, attempt) = (user.created_at.to_string(), user.attempt.to_string());
            [user.id.to_string(), user.account.clone(), document, user.document_id.clone(), registered, attempt]
        }),
    );
}

fn settings(settings: &[SettingSeen]) {
    table(
        ["setting", "value", "from"],
        settings.iter().map(|setting| {
            let from = match &setting.from {
                SetBy::Default => "default".to_owned(),
                SetBy::File => "file".to_owned(),
                SetBy::Variable(name) => name.clone(),
            };
            [setting.name.clone(), setting.value.clone(), from]
        }),
    );
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// A warning as a sentence that says what to do.
pub(super) fn warning(warning: &Warning) -> String {
    match warning {
        Warning::StoreStopped => "the disk failed and nothing is stored any more: start the server again".to_owned(),
        Warning::NotReady => "the models have not run yet; if this stays, look at the log".to_owned(),
        Warning::CertificateEnded => "the certificate has ended: install a new one now".to_owned(),
        Warning::CertificateEnds { days } => format!("the certificate ends in {days} days: renew it"),
        Warning::DiskNearlyFull { free_bytes } => format!("the disk has {} free: make room", bytes(*free_bytes)),
        Warning::QueueNearlyFull { waiting, max } => format!("{waiting} of {max} places in the queue are taken"),
        Warning::FacesNotSearched { faces } => format!(
            "{faces} faces are not searched, because another network made them: see \"Weights alone\" in `twoface help operations`"
        ),
        Warning::NoBackup => "there was never a backup: `twoface backup DIR`".to_owned(),
        Warning::BackupOld { days } => format!("the last backup is {days} days old: `twoface backup DIR`"),
        Warning::KeyEnds { key, days } => format!("the key {key} ends in {days} days: make its client a new one"),
        Warning::Offline => "no server runs; this is the store alone".to_owned(),
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..0x0010_0000 => format!("{} KiB", count >> 10),
        0x0010_0000..0x4000_0000 => format!("{} MiB", count >> 20),
        _ => format!("{:.1} GiB", count as f64 / f64::from(1 << 30)),
    }
}

fn status(seen: &StatusSeen) {
    for one in &seen.warnings {
        println!("WARNING  {}", warning(one));
    }
    println!("version      {}", seen.version);
    match &seen.address {
        Some(address) => println!("serving      https://{address}, {}", if seen.ready { "ready" } else { "not ready" }),
        None => println!("serving      no"),
    }
    println!("running for  {} s", seen.now.since(seen.started_at).as_secs());
    if let Some(certificate) = &seen.certificate {
        let end = certificate.days_left.map_or_else(String::new, |days| format!("{days} days left, "));
        let own = if certificate.self_signed { "self-signed, " } else { "" };
        println!("certificate  {end}{own}{}", certificate.fingerprint);
    }
    println!(
        "requests     {} ({:.1}/s), refused {}, failed {}, over quota {}",
        seen.requests.total,
        seen.requests.per_second,
        seen.requests.refused,
        seen.requests.failed,
        seen.requests.limited
    );
    println!(
        "jobs         {:.1}/s, {} waiting of {}, {} running on {} threads",
        seen.jobs.per_second, seen.jobs.waiting, seen.jobs.queue_max, seen.jobs.running, seen.jobs.workers
    );
    println!("sessions     {} open; {} attempts wait for review", seen.sessions_open, seen.reviews_waiting);
    println!("accounts     {} with {} live keys", seen.accounts, seen.keys_live);
    let size = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), bytes);
    println!("memory       {}", size(seen.memory_bytes));
    println!("disk         {} free of {}", size(seen.disk_free_bytes), size(seen.disk_bytes));
    println!("last backup  {}", or_dash(seen.last_backup_at));
    if !seen.operations.is_empty() {
        println!();
        let seconds = |seconds: f64| format!("{seconds:.3}");
        table(
            ["operation", "succeeded", "failed", "invalid", "p50 s", "p95 s", "p99 s"],
            seen.operations.iter().map(|one| {
                let [p50, p95, p99] = match one.latency {
                    Some(latency) => [latency.p50, latency.p95, latency.p99].map(seconds),
                    None => [(); 3].map(|()| "-".to_owned()),
                };
                let [succeeded, failed, invalid] = [one.succeeded, one.failed, one.invalid].map(|n| n.to_string());
                [one.name.clone(), succeeded, failed, invalid, p50, p95, p99]
            }),
        );
    }
}
