//! 100,000 attempts and 10,000 open sessions: what a pane costs does not grow with them.
//!
//! `CONSOLE_ROWS=100000 cargo test --release --test console large -- --nocapture` is the whole of it; usually a twentieth.

use std::sync::Arc;
use std::time::Duration;

use twoface::admin::request::{Attempts, Part, Request, Review, Sessions};
use twoface::admin::{Actor, Desk, Reply, handle};
use twoface::clock::{Clock, Stopwatch};
use twoface::config::Config;
use twoface::console::Language;
use twoface::console::pane::Pane;
use twoface::console::update::{Action, Purpose};
use twoface::domain::attempt::{Attempt, AttemptKind, AttemptStatus, Session};
use twoface::domain::id::{Id, IdMaker};
use twoface::domain::key::AnswerMode;
use twoface::server;
use twoface::service::Service;
use twoface::store::tables::{Owner, Table, encode, key};
use twoface::store::{Commit, Op, Store};

use crate::made_up::NOW;
use crate::screen::Screen;

const BATCH: usize = 500;
const MOST: usize = 100_000;

fn attempts(account: Id, count: usize, open: usize) -> Vec<Attempt> {
    let ids = IdMaker::new([7; 8]);
    (0..count)
        .map(|number| {
            // However many there are, the last is as young: a session older than the configuration lets one be is not looked for.
            let at = NOW.after(Duration::from_millis((MOST - count + number) as u64 * 20));
            let token_hash = format!("{number:064x}");
            let session = Session {
                token_hash,
                expires_at: at.after(Duration::from_secs(36_000)),
                answer: AnswerMode::Job,
                key: None,
            };
            let mut attempt = Attempt::open(ids.next(at), account, AttemptKind::Signup, at, session);
            if number < count - open {
                let review = number.is_multiple_of(10);
                attempt.end(if review { AttemptStatus::Review } else { AttemptStatus::Success }, at);
            }
            attempt
        })
        .collect()
}

fn fill(store: &Store, attempts: &[Attempt]) {
    for batch in attempts.chunks(BATCH) {
        let ops = batch.iter().map(|attempt| Op::Put {
            table: Table::Attempts,
            key: key(&[attempt.account, attempt.id]),
            value: encode(attempt).unwrap(),
            owner: Owner::Account(attempt.account),
        });
        store.commit(Commit { expects: Vec::new(), ops: ops.collect() }).unwrap();
    }
}

fn desk(folder: &std::path::Path, count: usize) -> Arc<Desk> {
    let mut config = Config::parse("", std::iter::empty()).unwrap();
    config.data.dir = folder.join(format!("store-{count}"));
    let store = server::open_store(&config, NOW).unwrap();
    let clock = Clock::manual(NOW.after(Duration::from_secs(2_400)));
    let workflows = server::workflows(&config).unwrap();
    let service = Service::new(store.clone(), config, clock, workflows);
    let account = service.account_named("bank").unwrap().id;
    fill(&store, &attempts(account, count, count / 10));
    server::desk(&Arc::new(service), None)
}

/// The best of several: the machine may be busy.
fn milliseconds(desk: &Desk, request: &Request) -> f64 {
    let time = |_| {
        let watch = Stopwatch::start();
        let reply = handle(desk, &Actor("ana".to_owned()), request.clone());
        assert!(!matches!(reply, Reply::Refused(_)), "{reply:?}");
        // As it goes over the socket.
        serde_json::to_vec(&reply).unwrap();
        watch.elapsed_ms()
    };
    (0..5).map(time).fold(f64::INFINITY, f64::min)
}

#[test]
fn a_page_of_a_hundred_thousand_costs_no_more_than_one_of_few() {
    let most: usize = std::env::var("CONSOLE_ROWS").map_or(5_000, |rows| rows.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let few = desk(folder.path(), 1_000);
    let many = desk(folder.path(), most);
    let part = |cursor| Part { account: None, limit: 100, cursor };
    let list =
        |cursor| Attempts::List { status: None, kind: None, from: None, to: None, document: None, part: part(cursor) };
    let Reply::Attempts { attempts, .. } = handle(&many, &Actor("ana".to_owned()), Request::Attempts(list(None)))
    else {
        panic!()
    };
    assert_eq!(attempts.len(), 100);
    let middle = attempts.last().map(|attempt| attempt.id);
    let requests = [
        ("attempts, first page", Request::Attempts(list(None))),
        ("attempts, next page", Request::Attempts(list(middle))),
        ("review, first page", Request::Review(Review::List(part(None)))),
        ("sessions, first page", Request::Sessions(Sessions::List(part(None)))),
        ("overview", Request::Status),
    ];
    for (name, request) in requests {
        let (small, large) = (milliseconds(&few, &request), milliseconds(&many, &request));
        println!("{name}: {small:.1} ms of 1,000, {large:.1} ms of {most}");
        assert!(large < 100.0, "{name}: {large:.1} ms");
    }
    for pane in [Pane::Attempts, Pane::Review, Pane::Sessions] {
        let drawn = milliseconds_until_drawn(&many, pane);
        println!("{pane:?} until drawn: {drawn:.1} ms of {most}");
        assert!(drawn < 100.0, "{pane:?}: {drawn:.1} ms");
    }
}

/// From opening a pane until it is on a wide screen, the best of several.
fn milliseconds_until_drawn(desk: &Desk, pane: Pane) -> f64 {
    let time = |_| {
        let watch = Stopwatch::start();
        let mut screen = Screen::new((160, 50), Language::English);
        screen.state.pane = pane;
        let mut open = screen.tick();
        while let Some(action) = open.pop() {
            if let Action::Ask(purpose @ (Purpose::List { .. } | Purpose::More { .. }), request) = action {
                open.extend(screen.answer(purpose, handle(desk, &Actor("ana".to_owned()), request)));
            }
        }
        assert!(screen.text().contains("bank") && screen.state.list().len() >= 100, "{}", screen.text());
        watch.elapsed_ms()
    };
    (0..5).map(time).fold(f64::INFINITY, f64::min)
}

#[test]
fn every_attempt_is_met_once_by_going_from_page_to_page() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk(folder.path(), 1_000);
    // A second account, whose attempts lie among the first one's.
    let other = desk.service.account_named("other").unwrap().id;
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let part = Part { account: None, limit: 70, cursor };
        let list = Attempts::List {
            status: Some(AttemptStatus::Success),
            kind: None,
            from: None,
            to: None,
            document: None,
            part,
        };
        let Reply::Attempts { attempts, next } = handle(&desk, &Actor("ana".to_owned()), Request::Attempts(list))
        else {
            panic!()
        };
        seen.extend(attempts.iter().map(|attempt| attempt.id));
        cursor = next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 810, "nine tenths are closed, a tenth of those in review");
    assert!(seen.is_sorted_by(|a, b| a > b) && other != seen[0]);
}
