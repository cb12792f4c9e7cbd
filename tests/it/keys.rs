//! API keys: what they may be used for, from where, how long, and how a secret is replaced.

use std::time::Duration;

use serde_json::json;
use twoface::client::{Body, Reply};
use twoface::domain::key::{AnswerMode, KeyTerms, Scope};

use crate::harness::{Server, refusal};

fn open_session(server: &Server, secret: &str) -> Reply {
    let headers = [("Authorization", secret)];
    server.client.call("POST", "/v1/2face/session", &headers, Some(Body::form(&[("type", "SIGNUP")]))).unwrap()
}

#[test]
fn a_key_is_refused_what_it_was_not_made_for() {
    let server = Server::start();
    let terms = |scopes: &[Scope]| KeyTerms { scopes: scopes.to_vec(), ..KeyTerms::default() };
    let (_, sessions) = server.make_key(terms(&[Scope::Sessions]));
    let (_, readers) = server.make_key(terms(&[Scope::Jobs, Scope::Attempts]));
    assert_eq!(open_session(&server, &sessions).status, 200);
    assert_eq!(refusal(&open_session(&server, &readers)), (403, "scope_missing".into()));
    assert_eq!(server.get_as(&readers, "/attempts").status, 200);
    for path in ["/users", "/attempts", "/jobs/62788a0b0f1e2d3c4b5a6978"] {
        assert_eq!(refusal(&server.get_as(&sessions, path)), (403, "scope_missing".into()), "{path}");
    }
    let headers = [("Authorization", readers.as_str())];
    let erase = server.client.call("DELETE", "/v1/2face/users/62788a0b0f1e2d3c4b5a6978", &headers, None).unwrap();
    assert_eq!(refusal(&erase), (403, "scope_missing".into()));
}

#[test]
fn a_key_ends_at_its_time_and_works_only_from_its_networks() {
    let server = Server::start();
    let end = server.clock.now().after(Duration::from_secs(60));
    let (_, short) = server.make_key(KeyTerms { expires_at: Some(end), ..KeyTerms::default() });
    let from = |network: &str| KeyTerms { addresses: vec![network.parse().unwrap()], ..KeyTerms::default() };
    let (_, here) = server.make_key(from("127.0.0.0/8"));
    let (_, elsewhere) = server.make_key(from("10.0.0.0/8"));
    assert_eq!(open_session(&server, &short).status, 200);
    assert_eq!(open_session(&server, &here).status, 200);
    assert_eq!(refusal(&open_session(&server, &elsewhere)), (403, "invalid_token".into()));
    server.clock.advance(Duration::from_secs(60));
    assert_eq!(refusal(&open_session(&server, &short)), (403, "invalid_token".into()));
}

#[test]
fn a_rotated_key_takes_both_secrets_until_the_overlap_is_over() {
    let server = Server::start();
    let (key, old) = server.make_key(KeyTerms::default());
    let new = server.rotate_key(key, Duration::from_secs(3600));
    assert_ne!(old, new);
    for secret in [&old, &new] {
        assert_eq!(open_session(&server, secret).status, 200);
    }
    server.clock.advance(Duration::from_secs(3600));
    assert_eq!(refusal(&open_session(&server, &old)), (403, "invalid_token".into()));
    assert_eq!(open_session(&server, &new).status, 200);
    // A second rotation leaves two secrets at most.
    let newest = server.rotate_key(key, Duration::from_secs(3600));
    let last = server.rotate_key(key, Duration::from_secs(3600));
    assert_eq!(refusal(&open_session(&server, &new)), (403, "invalid_token".into()));
    assert_eq!((open_session(&server, &newest).status, open_session(&server, &last).status), (200, 200));
}

#[test]
fn sessions_of_a_waiting_key_answer_with_the_outcome() {
    let server = Server::start();
    let (_, secret) = server.make_key(KeyTerms { answer: AnswerMode::Wait, ..KeyTerms::default() });
    let token = open_session(&server, &secret).result().as_str().unwrap().to_owned();
    let reply = server.upload(&token, "/faces/detect", &[("file", "faces 2")], &[]);
    assert_eq!(reply.json(), json!({"code": 200, "result": 2}));
    assert_eq!(reply.header("preference-applied"), Some("wait"));
    let plain = server.upload(&server.session(), "/faces/detect", &[("file", "faces 2")], &[]);
    assert!(plain.result().is_string(), "the job's id");
}

#[test]
fn when_a_key_was_last_used_is_written_down() {
    let server = Server::start();
    let (key, secret) = server.make_key(KeyTerms::default());
    assert_eq!(server.last_use(key), None);
    server.clock.advance(Duration::from_secs(5));
    open_session(&server, &secret);
    assert_eq!(server.last_use(key), Some(server.clock.now()));
}
