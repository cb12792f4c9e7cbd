//! `/session` and `/session/close`: opening, closing, expiry, and every bad credential.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Server, message, refusal};

#[test]
fn a_session_is_opened_with_every_encoding_and_closed_into_an_attempt() {
    let server = Server::start();
    for kind in ["SIGNUP", "VALIDATION"] {
        assert_eq!(server.post("/session", &[("type", kind)]).status, 200);
        let reply = server.post_json("/session", &json!({ "type": kind }));
        assert_eq!(reply.json()["code"], json!(200));
        let token = reply.result().as_str().unwrap().to_owned();
        let closed = server.close(&token, "REVIEW");
        let attempt = closed.result().as_str().unwrap().to_owned();
        assert_eq!((attempt.len(), closed.status), (24, 200));
        let seen = server.get(&format!("/attempts/{attempt}")).result();
        assert_eq!((seen["status"].clone(), seen["type"].clone()), (json!("REVIEW"), json!(kind)));
        assert_eq!(
            refusal(&server.close(&token, "REVIEW")),
            (403, "invalid_token".into()),
            "a closed token is worthless"
        );
    }
}

#[test]
fn other_values_are_refused_in_the_original_s_words() {
    let server = Server::start();
    for fields in [&[("type", "OTHER")][..], &[("type", "signup")], &[]] {
        let reply = server.post("/session", fields);
        assert_eq!(reply.status, 400);
        assert_eq!(message(&reply), "`type` must be one of the following: SIGNUP,VALIDATION");
    }
    let token = server.session();
    let reply = server.close(&token, "PENDING");
    assert_eq!(reply.status, 400);
    assert_eq!(message(&reply), "`status` must be one of the following: SUCCESS,FAILED,REVIEW");
    assert_eq!(server.close(&token, "FAILED").status, 200, "the refused closing changed nothing");
}

#[test]
fn a_session_ends_when_its_time_is_up() {
    let server = Server::start();
    let token = server.session();
    server.clock.advance(Duration::from_secs(30 * 60 - 1));
    assert_eq!(server.upload(&token, "/faces/detect", &[("file", "faces 1")], &[]).status, 200);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(refusal(&server.close(&token, "SUCCESS")), (403, "invalid_token".into()));
    let refused = server.upload(&token, "/faces/detect", &[("file", "faces 1")], &[]);
    assert_eq!(refusal(&refused), (403, "invalid_token".into()));
    assert_eq!(server.expire_sessions(), 1);
    assert_eq!(server.expire_sessions(), 0);
}

#[test]
fn every_bad_credential_gets_the_same_answer() {
    let server = Server::start();
    let mut answers = Vec::new();
    let closed = server.session();
    server.close(&closed, "FAILED");
    for key in ["", "nonsense", "2fk_00", &"2fk_".repeat(200), "Bearer", "Basic dXNlcg==", &closed] {
        answers.push(server.get_as(key, "/users"));
    }
    for token in ["", "nonsense", &closed, &server.key, &"f".repeat(64)] {
        answers.push(server.upload(token, "/faces/detect", &[("file", "faces 1")], &[]));
    }
    answers.push(server.client.call("GET", "/v1/2face/users", &[], None).unwrap());
    server.revoke("test");
    answers.push(server.get("/users"));
    for answer in answers {
        assert_eq!(refusal(&answer), (403, "invalid_token".into()));
        assert_eq!(message(&answer), "Invalid token.");
    }
}

#[test]
fn a_key_works_bare_and_as_a_bearer_token() {
    let server = Server::start();
    assert_eq!(server.get_as(&server.key, "/users").status, 200);
    assert_eq!(server.get_as(&format!("Bearer {}", server.key), "/users").status, 200);
}
