//! Things to show: none, some, and some with very long names.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use twoface::admin::limits::{LimitsReply, LimitsSeen};
use twoface::admin::reply::{
    AccountSeen, AttemptDetail, AttemptSeen, CertificateSeen, JobSeen, JobsSeen, KeySeen, LogLine, OperationSeen,
    PercentilesSeen, Picture, Reply, RequestsSeen, SessionSeen, SetBy, SettingSeen, StageSeen, StatusSeen, UserSeen,
    Warning,
};
use twoface::admin::webhooks::{WebhookSeen, WebhooksReply};
use twoface::console::pane::Pane;
use twoface::domain::account::Retention;
use twoface::domain::attempt::{AttemptKind, AttemptStatus, Opened, Review, Reviewer};
use twoface::domain::event::EventKind;
use twoface::domain::id::Id;
use twoface::domain::job::{InputFile, WorkflowRun};
use twoface::domain::key::{AnswerMode, Scope};
use twoface::domain::time::Timestamp;
use twoface::domain::user::DocumentType;
use twoface::domain::webhook::{Disabled, DisabledBecause};

/// 2026-11-26T02:41:10Z.
pub const NOW: Timestamp = Timestamp::from_millis(1_795_660_870_000);

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Much {
    Nothing,
    Some,
    /// With names as long as they may be.
    Long,
}

pub fn ago(seconds: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() - seconds * 1_000)
}

pub fn id(number: u8) -> Id {
    let mut bytes = [0xa5; 12];
    bytes[..4].copy_from_slice(&1_795_660_000_u32.to_be_bytes());
    bytes[11] = number;
    Id::from_bytes(bytes)
}

fn name(much: Much, short: &str) -> String {
    match much {
        Much::Long => format!("{short} de la Institución Financiera de Ahorros y Préstamos 漢字 ").repeat(2),
        _ => short.to_owned(),
    }
}

/// What the server answers to the question for a pane's list.
pub fn list(pane: Pane, much: Much) -> Reply {
    let some = much != Much::Nothing;
    match pane {
        Pane::Keys => Reply::Keys(if some { keys(much) } else { Vec::new() }),
        Pane::Accounts => Reply::Accounts(if some { accounts(much) } else { Vec::new() }),
        Pane::Sessions => {
            let sessions = if some { sessions(much) } else { Vec::new() };
            Reply::Sessions { open: sessions.len() as u64 * 1_000, sessions, next: some.then(|| id(1)) }
        }
        Pane::Attempts => Reply::Attempts { attempts: if some { attempts(much) } else { Vec::new() }, next: None },
        Pane::Review => {
            let mut attempts = if some { attempts(much) } else { Vec::new() };
            attempts.retain(|attempt| attempt.status == AttemptStatus::Review);
            Reply::Attempts { attempts, next: None }
        }
        Pane::Jobs => Reply::Jobs { jobs: if some { jobs(much) } else { Vec::new() }, next: None },
        Pane::Users => Reply::Users { users: if some { users(much) } else { Vec::new() }, next: None },
        Pane::Audit => Reply::AuditLines(if some { audit(much) } else { Vec::new() }),
        Pane::Limits => {
            Reply::Limits(LimitsReply { accounts: if some { limits(much) } else { Vec::new() }, delayed: 0 })
        }
        Pane::Webhooks => Reply::Webhooks(WebhooksReply::Webhooks(if some { webhooks(much) } else { Vec::new() })),
        Pane::Workflows => Reply::Workflows(if some { workflows(much) } else { Vec::new() }),
        _ => Reply::Settings(if some { settings(much) } else { Vec::new() }),
    }
}

fn keys(much: Much) -> Vec<KeySeen> {
    let key = |number: u8, short: &str| KeySeen {
        id: id(number),
        account: name(much, "my-bank"),
        name: name(much, short),
        created_at: ago(86_400 * i64::from(number)),
        revoked_at: None,
        scopes: Vec::new(),
        expires_at: None,
        addresses: Vec::new(),
        certificates: Vec::new(),
        answer: AnswerMode::Job,
        old_secret_until: None,
        last_used_at: Some(ago(90)),
        live: true,
    };
    vec![
        key(3, "web"),
        KeySeen {
            scopes: vec![Scope::Sessions, Scope::Jobs],
            addresses: vec!["10.1.0.0/16".parse().unwrap()],
            expires_at: Some(NOW.after(Duration::from_secs(86_400 * 9))),
            last_used_at: None,
            ..key(2, "branch office")
        },
        KeySeen { revoked_at: Some(ago(60)), live: false, ..key(1, "old") },
        KeySeen { expires_at: Some(ago(60)), live: false, ..key(4, "trial") },
    ]
}

fn accounts(much: Much) -> Vec<AccountSeen> {
    let kept = Retention { photos_days: Some(30), clips_days: None, attempts_days: Some(365) };
    let account = |number: u8, short: &str, retention| AccountSeen {
        id: id(number),
        name: name(much, short),
        created_at: ago(86_400 * 40),
        retention,
        review_unproven: false,
    };
    vec![account(2, "my-bank", kept), account(1, "default", Retention::default())]
}

pub fn sessions(much: Much) -> Vec<SessionSeen> {
    let session = |number: u8, left: u64, tries: &[(&str, u32)]| SessionSeen {
        id: id(number),
        account: name(much, "my-bank"),
        kind: if number.is_multiple_of(2) { AttemptKind::Signup } else { AttemptKind::Validation },
        created_at: ago(300),
        expires_at: NOW.after(Duration::from_secs(left)),
        key: Some(name(much, "core")),
        tries_max: 3,
        tries: tries.iter().map(|(name, used)| ((*name).to_owned(), *used)).collect::<BTreeMap<_, _>>(),
    };
    vec![
        session(9, 1_500, &[]),
        session(8, 299, &[("compare_faces", 1)]),
        session(7, 12, &[("compare_faces", 3), ("validate_identity", 2)]),
    ]
}

pub fn attempt(number: u8, status: AttemptStatus, much: Much) -> AttemptSeen {
    AttemptSeen {
        id: id(number),
        account: name(much, "my-bank"),
        kind: AttemptKind::Signup,
        status,
        created_at: ago(60 * i64::from(20 - number)),
        updated_at: ago(30),
        jobs: 2,
        opened: None,
        review: None,
    }
}

fn attempts(much: Much) -> Vec<AttemptSeen> {
    let by = Reviewer::Administrator { administrator: name(much, "luis") };
    let settled = Review { by, at: ago(10), note: Some("clear".to_owned()) };
    let opened = Opened { administrator: name(much, "ana"), at: ago(40) };
    vec![
        attempt(9, AttemptStatus::Pending, much),
        AttemptSeen { opened: Some(opened.clone()), ..attempt(8, AttemptStatus::Review, much) },
        AttemptSeen { opened: Some(opened), review: Some(settled), ..attempt(7, AttemptStatus::Success, much) },
        attempt(6, AttemptStatus::Failed, much),
        attempt(5, AttemptStatus::Review, much),
        attempt(4, AttemptStatus::Cancelled, much),
        attempt(3, AttemptStatus::Expired, much),
    ]
}

pub fn job(number: u8, operation: &str, status: &str) -> JobSeen {
    let ended = !matches!(status, "queued" | "running");
    JobSeen {
        id: id(number),
        account: "my-bank".to_owned(),
        attempt: id(8),
        operation: operation.to_owned(),
        status: status.to_owned(),
        created_at: ago(50),
        started_at: (status != "queued").then(|| ago(49)),
        finished_at: ended.then(|| ago(48)),
        recoveries: 0,
    }
}

fn jobs(much: Much) -> Vec<JobSeen> {
    let mut jobs = vec![
        job(15, "compare_faces", "queued"),
        job(14, "validate_identity", "running"),
        job(13, "compare_faces", "succeeded"),
        job(12, "check_blink", "failed"),
        job(11, "detect_faces", "invalid"),
    ];
    for job in &mut jobs {
        job.account = name(much, "my-bank");
    }
    jobs
}

pub fn user(number: u8, much: Much) -> UserSeen {
    let metadata = json!({ "fullName": name(much, "Ana Pérez"), "plan": 3 });
    UserSeen {
        id: id(number),
        account: name(much, "my-bank"),
        document_id: if much == Much::Long { "001-1234567-8".repeat(4) } else { "001-1234567-8".to_owned() },
        document_type: DocumentType::Cedula,
        attempt: id(8),
        created_at: ago(3_600),
        metadata: metadata.as_object().unwrap().clone(),
    }
}

fn users(much: Much) -> Vec<UserSeen> {
    vec![user(31, much), UserSeen { document_type: DocumentType::Passport, ..user(30, much) }]
}

fn audit(much: Much) -> Vec<String> {
    let entry = |number: u8, actor: &str, act: &str, word: Option<&str>| {
        let entry = json!({
            "line": number, "id": id(number), "at": ago(100 - i64::from(number)), "actor": actor, "act": act,
            "account": id(1), "subject": id(8), "word": word, "before": "00",
        });
        entry.to_string()
    };
    vec![
        entry(1, "system", "server.started", Some("0.1.0")),
        json!({ "line": 2, "checkpoint": ago(90), "key": "ab", "before": "00", "signature": "cd" }).to_string(),
        entry(3, &name(much, "admin:ana"), "key.revoked", None),
        entry(4, &format!("key:{}", id(3)), "attempt.reviewed", Some("SUCCESS")),
    ]
}

pub fn limits(much: Much) -> Vec<LimitsSeen> {
    let account = |short: &str, used: u32| LimitsSeen {
        account: name(much, short),
        requests_per_minute: 2_500,
        requests_own: None,
        used,
        tries: BTreeMap::new(),
        keys: BTreeMap::new(),
        key_names: BTreeMap::new(),
        keys_used: BTreeMap::new(),
        refused_each_minute: Vec::new(),
        requests_refused: 0,
        tries_refused: 0,
    };
    let key = id(3);
    vec![
        LimitsSeen {
            requests_per_minute: 100,
            requests_own: Some(100),
            tries: BTreeMap::from([("compare_faces".to_owned(), 5)]),
            keys: BTreeMap::from([(key, 40)]),
            key_names: BTreeMap::from([(key, name(much, "web"))]),
            keys_used: BTreeMap::from([(key, 34)]),
            refused_each_minute: (0..60).map(|minute| minute % 9).collect(),
            requests_refused: 236,
            tries_refused: 7,
            ..account("my-bank", 100)
        },
        account("default", 1_234),
    ]
}

fn webhooks(much: Much) -> Vec<WebhookSeen> {
    let webhook = |number: u8, url: &str| WebhookSeen {
        id: id(number),
        account: name(much, "my-bank"),
        url: if much == Much::Long { format!("{url}/{}", "path/".repeat(40)) } else { url.to_owned() },
        events: Vec::new(),
        created_at: ago(86_400),
        disabled: None,
        old_secret_until: None,
    };
    let gone = Disabled { at: ago(60), because: DisabledBecause::Gone };
    let events = vec![EventKind::JobFinished, EventKind::AttemptClosed];
    vec![
        webhook(21, "https://bank.example/hooks"),
        WebhookSeen { disabled: Some(gone), events, ..webhook(20, "https://old.example/hooks") },
    ]
}

fn workflows(much: Much) -> Vec<WorkflowRun> {
    let definition = json!({
        "version": 3,
        "about": "Reads a document and matches the selfie.",
        "fields": { "document": { "kind": "photo" }, "threshold": { "kind": "score", "required": false } },
        "steps": [],
    });
    let definition = serde_json::from_value(definition).unwrap();
    vec![WorkflowRun { name: name(much, "signup"), fingerprint: "ab".repeat(32), definition }]
}

fn settings(much: Much) -> Vec<SettingSeen> {
    let setting = |name: &str, value: &str, from| SettingSeen { name: name.into(), value: value.into(), from };
    vec![
        setting("limits.requests_per_minute", "2500", SetBy::Default),
        setting("server.listen", &format!("\"{}\"", name(much, "0.0.0.0:8443")), SetBy::File),
        setting("sessions.tries", "5", SetBy::Variable("TWOFACE_SESSIONS_TRIES".to_owned())),
    ]
}

pub fn log(much: Much) -> Reply {
    let lines = [
        "2026-11-26T02:41:01.123Z  INFO twoface::server: ready",
        "2026-11-26T02:41:02.001Z  WARN twoface::service: the disk is full; the outcome waits job=6b07",
        "2026-11-26T02:41:03.500Z ERROR twoface::api::gate: store: damaged request=abc",
    ];
    let lines = lines.iter().zip(1..).map(|(text, number)| LogLine { number, text: name(much, text) });
    Reply::Log(if much == Much::Nothing { Vec::new() } else { lines.collect() })
}

pub fn status(much: Much) -> StatusSeen {
    let busy = much != Much::Nothing;
    let wave: Vec<u32> = (0..60).map(|second| if busy { (second * 7) % 23 } else { 0 }).collect();
    let latency = Some(PercentilesSeen { p50: 0.061, p95: 0.42, p99: 2.3 });
    let operation = |name: &str, latency| OperationSeen {
        name: name.to_owned(),
        succeeded: 12_345,
        failed: 67,
        invalid: 8,
        latency,
    };
    let warnings = vec![
        Warning::CertificateEnds { days: 12 },
        Warning::DiskNearlyFull { free_bytes: 700 << 20 },
        Warning::NoBackup,
        Warning::KeyEnds { key: name(much, "branch office (my-bank)"), days: 9 },
    ];
    StatusSeen {
        warnings: if busy { warnings } else { Vec::new() },
        version: "0.1.0".to_owned(),
        now: NOW,
        started_at: ago(3 * 86_400),
        ready: true,
        address: Some("0.0.0.0:8443".to_owned()),
        certificate: Some(CertificateSeen {
            fingerprint: "ab:cd".to_owned(),
            self_signed: true,
            ends_at: None,
            days_left: Some(if busy { 12 } else { 3_600 }),
        }),
        administrator: name(much, "ana"),
        four_eyes: true,
        requests: RequestsSeen {
            total: if busy { 1_234_567 } else { 0 },
            refused: 89,
            failed: 1,
            limited: 4,
            each_second: wave.clone(),
            per_second: 11.4,
        },
        jobs: JobsSeen {
            waiting: 3,
            running: 2,
            queue_max: 256,
            workers: 2,
            each_second: wave.iter().map(|count| count / 3).collect(),
            per_second: 3.9,
            waited: latency,
        },
        operations: match busy {
            true => vec![operation("check_blink", None), operation("compare_faces", latency)],
            false => Vec::new(),
        },
        memory_bytes: Some(131 << 20),
        disk_free_bytes: Some(700 << 20),
        disk_bytes: Some(40 << 30),
        store_writable: true,
        sessions_open: 17,
        reviews_waiting: if busy { 2 } else { 0 },
        accounts: 2,
        keys_live: 2,
        faces_not_searched: 0,
        last_backup_at: (!busy).then(|| ago(7_200)),
    }
}

fn file(field: &str) -> InputFile {
    InputFile {
        field: field.to_owned(),
        stored_as: format!("{field}-stored"),
        sha256: "00".repeat(32),
        bytes: 280_000,
        removed_at: None,
    }
}

/// An attempt in review with a comparison and a document that was read.
pub fn case(much: Much) -> AttemptDetail {
    let compared = json!({
        "match": true, "cosine": 0.51, "falseMatchRate": 8.1e-6,
        "threshold": { "falseMatchRate": 1e-4, "cosine": 0.406, "score": 65.0 },
        "face": { "faces": [{ "liveness": { "verdict": "unknown", "score": 0.6 } }] },
    });
    let read = json!({
        "fields": {
            "number": { "value": "001-1234567-8", "confidence": 0.99, "source": "VIZ" },
            "surname": { "value": name(much, "PEREZ"), "confidence": 0.83, "source": "MRZ" },
        },
        "crossChecks": [{ "field": "birthDate", "between": ["MRZ", "VIZ"], "agree": false }],
        "warnings": [{ "warning": "blurred", "message": name(much, "The photo is blurred.") }],
    });
    let stage = |number, operation: &str, output: Value, details, files| StageSeen {
        job: job(number, operation, "succeeded"),
        parameters: json!({ "documentId": "001-1234567-8", "documentType": "CEDULA" }).as_object().unwrap().clone(),
        files,
        output,
        details,
    };
    let compare = stage(13, "compare_faces", json!({ "result": 82.7 }), compared, vec![file("document"), file("face")]);
    let identity =
        stage(14, "validate_identity", json!({ "result": true }), read, vec![file("file"), file("portrait")]);
    let opened = Some(Opened { administrator: name(much, "ana"), at: ago(40) });
    AttemptDetail {
        attempt: AttemptSeen { opened, ..attempt(8, AttemptStatus::Review, much) },
        stages: vec![StageSeen { parameters: Map::new(), ..compare }, identity],
    }
}

/// A photo with something to see in it: dark above, light below.
pub fn picture() -> Picture {
    let rows = (0..64).flat_map(|y| (0..48).map(move |_| y * 4));
    Picture { width: 48, height: 64, rgb: rows.map(|value| format!("{value:02x}").repeat(3)).collect() }
}
