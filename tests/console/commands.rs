//! What administrators ask for, carried out; and the command line's answers and exit codes.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use twoface::admin::reply::Warning;
use twoface::admin::request::{Accounts, Keys, Note, Request, Review, Sessions};
use twoface::admin::{Actor, Desk, Reply, handle};
use twoface::clock::Clock;
use twoface::config::Config;
use twoface::domain::attempt::{Attempt, AttemptKind, AttemptStatus, Reviewer, Session};
use twoface::domain::id::Id;
use twoface::domain::key::AnswerMode;
use twoface::server;
use twoface::service::Service;
use twoface::store::tables::{Owner, Table, encode, key};
use twoface::store::{Commit, Op};

use crate::made_up::{NOW, id};

/// A store with an attempt in review, and one whose session is open.
fn desk(folder: &Path, settings: &str) -> Arc<Desk> {
    let mut config = Config::parse(settings, std::iter::empty()).unwrap();
    config.data.dir = folder.join("store");
    let store = server::open_store(&config, NOW).unwrap();
    let workflows = server::workflows(&config).unwrap();
    let service = Service::new(store.clone(), config, Clock::manual(NOW), workflows);
    let account = service.account_named("bank").unwrap().id;
    for (number, review) in [(1, true), (2, false)] {
        let expires_at = NOW.after(Duration::from_secs(600));
        let session = Session { token_hash: format!("{number:064x}"), expires_at, answer: AnswerMode::Job, key: None };
        let mut attempt = Attempt::open(id(number), account, AttemptKind::Signup, NOW, session);
        if review {
            attempt.end(AttemptStatus::Review, NOW);
        }
        let owner = Owner::Person { account, subject: attempt.id };
        let value = encode(&attempt).unwrap();
        let op = Op::Put { table: Table::Attempts, key: key(&[account, attempt.id]), value, owner };
        store.commit(Commit { expects: Vec::new(), ops: vec![op] }).unwrap();
    }
    server::desk(&Arc::new(service), None)
}

fn asked(desk: &Desk, who: &str, request: Request) -> Reply {
    handle(desk, &Actor(who.to_owned()), request)
}

fn refusal(reply: Reply) -> String {
    let Reply::Refused(why) = reply else { panic!("{reply:?}") };
    why
}

fn approve(attempt: Id) -> Request {
    Request::Review(Review::Approve { id: attempt, note: Note { note: Some("clear".to_owned()) } })
}

#[test]
fn with_four_eyes_whoever_opened_an_attempt_cannot_settle_it() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(folder.path(), "[admin]\nfour_eyes = true");
    assert!(refusal(asked(&desk, "ana", approve(id(1)))).contains("one administrator opens it"));
    for who in ["ana", "luis"] {
        let Reply::Attempt(seen) = asked(&desk, who, Request::Review(Review::Open { id: id(1) })) else { panic!() };
        assert_eq!(seen.attempt.opened.unwrap().administrator, "ana", "whoever was first");
    }
    assert!(refusal(asked(&desk, "ana", approve(id(1)))).contains("ana opened it"));
    let settled = asked(&desk, "luis", approve(id(1)));
    assert_eq!(settled, Reply::Settled { attempt: id(1), status: AttemptStatus::Success });
    assert!(refusal(asked(&desk, "luis", approve(id(1)))).contains("not in review"));
    let attempt = desk.service.attempt(desk.service.account_of_attempt(id(1)).unwrap(), id(1)).unwrap().attempt;
    let review = attempt.review.unwrap();
    assert_eq!(review.by, Reviewer::Administrator { administrator: "luis".to_owned() });
    assert_eq!(review.note.as_deref(), Some("clear"));
}

#[test]
fn without_four_eyes_one_is_enough_and_the_queue_is_empty_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(folder.path(), "");
    let Reply::Status(seen) = asked(&desk, "ana", Request::Status) else { panic!() };
    assert_eq!((seen.reviews_waiting, seen.sessions_open, seen.accounts), (1, 1, 1));
    assert!(matches!(asked(&desk, "ana", approve(id(1))), Reply::Settled { .. }));
    let Reply::Status(seen) = asked(&desk, "ana", Request::Status) else { panic!() };
    assert_eq!(seen.reviews_waiting, 0);
}

#[test]
fn a_session_that_is_ended_is_cancelled_and_cannot_be_ended_twice() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(folder.path(), "");
    let revoke = || asked(&desk, "ana", Request::Sessions(Sessions::Revoke { id: id(2) }));
    assert_eq!(revoke(), Reply::SessionRevoked(id(2)));
    assert!(refusal(revoke()).contains("not open any more"));
    let account = desk.service.account_of_attempt(id(2)).unwrap();
    assert_eq!(desk.service.attempt(account, id(2)).unwrap().status, AttemptStatus::Cancelled);
    let Reply::Sessions { sessions, open, .. } =
        asked(&desk, "ana", Request::Sessions(Sessions::List(Default::default())))
    else {
        panic!()
    };
    assert!(sessions.is_empty() && open == 0);
}

#[test]
fn the_status_warns_of_what_needs_somebody() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(folder.path(), "");
    let warnings = || match asked(&desk, "ana", Request::Status) {
        Reply::Status(seen) => seen.warnings,
        other => panic!("{other:?}"),
    };
    assert!(warnings().contains(&Warning::NoBackup) && warnings().contains(&Warning::Offline));
    let done = asked(&desk, "ana", Request::Backup { folder: folder.path().join("backup") });
    assert!(matches!(done, Reply::BackedUp { .. }), "{done:?}");
    assert!(!warnings().contains(&Warning::NoBackup));
    let create = Request::Keys(Keys::Create {
        account: "bank".to_owned(),
        name: "trial".to_owned(),
        scopes: Vec::new(),
        expires: Some(5),
        from: Vec::new(),
        certificate: Vec::new(),
        answer: AnswerMode::Job,
    });
    assert!(matches!(asked(&desk, "ana", create), Reply::Key { .. }));
    assert!(warnings().iter().any(|warning| matches!(warning, Warning::KeyEnds { days: 5, .. })));
    let unnamed = Request::Accounts(Accounts::Create { name: "a\nb".to_owned() });
    assert!(refusal(asked(&desk, "ana", unnamed)).contains("1 to 100 characters"));
}

#[test]
fn the_command_line_exits_as_it_says_and_answers_in_json() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "[data]\ndir = \"store\"\n").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twoface"));
        let output = command.args(arguments).arg("--config").arg(&config).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_twoface"));
    let output = command.arg("status").env("TWOFACE_DATA_DIR", "/proc/nowhere").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && told.contains("twoface serve"), "nothing to work on: {told}");
    let (code, out, _) = run(&["accounts", "create", "bank", "--json"]);
    let made: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, made["accounts"][0]["name"].as_str()), (0, Some("bank")));
    for command in ["sessions", "attempts", "review", "jobs", "users", "keys", "webhooks"] {
        let (code, out, told) = run(&[command, "list", "--json"]);
        assert!(code == 0 && serde_json::from_str::<Value>(&out).is_ok(), "{command}: {code} {told}");
        assert_eq!(run(&[command, "list"]).0, 0);
    }
    let (code, out, told) = run(&["keys", "create", "--account", "bank", "--name", "web"]);
    assert!(code == 0 && out.starts_with("2fk_") && out.lines().count() == 1, "the secret alone: {out}");
    assert!(told.contains("not shown again"));
    let (code, _, told) = run(&["attempts", "show", "6b07a70a8d98273871cc5e00"]);
    assert!(code == 1 && told.contains("list"), "what to do next: {told}");
    assert_eq!(run(&["keys", "unheard-of"]).0, 2);
    let (code, _, told) = run(&["console"]);
    assert!(code == 1 && told.contains("needs a terminal"), "{told}");
    let pages = folder.path().join("man");
    assert_eq!(run(&["man", pages.to_str().unwrap()]).0, 0);
    assert!(std::fs::read_to_string(pages.join("twoface.1")).unwrap().contains("Exit codes"));
    assert!(run(&["completions", "bash"]).1.contains("_twoface"));
}
