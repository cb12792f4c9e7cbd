//! `GET /events`: what happened, in order, for whoever asks after the last event that he knows.

use std::time::Duration;

use serde_json::{Value, json};

use twoface::domain::key::{KeyTerms, Scope};

use crate::harness::{Server, refusal};

#[test]
fn every_change_of_an_attempt_a_job_and_a_user_is_told_with_ids_alone() {
    let server = Server::start();
    let attempt = server.successful_attempt();
    server.keep_secret("7654321");
    let fields = [("attempt", attempt.as_str()), ("documentId", "001-7654321-9"), ("documentType", "CEDULA")];
    let user = server.post("/users", &fields).result()["id"].as_str().unwrap().to_owned();
    assert_eq!(server.delete(&format!("/users/{user}")).status, 200);
    let reviewed = server.close(&server.session(), "REVIEW").result().as_str().unwrap().to_owned();
    server.post(&format!("/attempts/review/{reviewed}"), &[("status", "CANCELLED")]);
    server.session();
    server.clock.advance(Duration::from_secs(31 * 60));
    assert_eq!(server.expire_sessions(), 1);

    let page = server.get("/events").result();
    let events = page["events"].as_array().unwrap();
    let told: Vec<(&str, &Value)> =
        events.iter().map(|event| (event["type"].as_str().unwrap(), &event["data"])).collect();
    let kinds: Vec<&str> = told.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        kinds,
        [
            "attempt.created",
            "job.finished",
            "attempt.closed",
            "user.created",
            "user.erased",
            "attempt.created",
            "attempt.closed",
            "attempt.reviewed",
            "attempt.created",
            "attempt.expired",
        ]
    );
    assert_eq!(told[0].1, &json!({ "attempt": attempt, "type": "SIGNUP" }));
    let job = &told[1].1["job"];
    assert_eq!(told[1].1, &json!({ "attempt": attempt, "job": job, "workflow": "compare_faces", "status": 2 }));
    assert_eq!(told[2].1, &json!({ "attempt": attempt, "status": "SUCCESS" }));
    assert_eq!(told[3].1, &json!({ "attempt": attempt, "user": user }));
    assert_eq!(told[4].1, told[3].1);
    assert_eq!(told[7].1, &json!({ "attempt": reviewed, "status": "CANCELLED" }));
    assert_eq!(told[9].1["status"], json!("EXPIRED"));
    assert_eq!(events[0]["timestamp"], json!("2022-05-09T03:32:11.748Z"));
    assert_eq!(events[0].as_object().unwrap().len(), 4, "{}", events[0]);
}

#[test]
fn a_reader_pages_after_the_last_event_that_it_knows() {
    let server = Server::start();
    assert_eq!(server.get("/events").result(), json!({ "events": [], "next": null, "more": false }));
    for _ in 0..3 {
        server.session();
    }
    let first = server.get("/events?limit=2").result();
    assert_eq!((first["events"].as_array().unwrap().len(), &first["more"]), (2, &json!(true)));
    let after = |next: &Value| server.get(&format!("/events?after={}", next.as_str().unwrap())).result();
    let second = after(&first["next"]);
    assert_eq!((second["events"].as_array().unwrap().len(), &second["more"]), (1, &json!(false)));
    assert!(second["next"].as_str() > first["next"].as_str());
    assert_eq!(after(&second["next"]), json!({ "events": [], "next": second["next"], "more": false }));
    server.session();
    assert_eq!(after(&second["next"])["events"].as_array().unwrap().len(), 1);
    for bad in ["?after=x", "?limit=0", "?limit=101"] {
        assert_eq!(refusal(&server.get(&format!("/events{bad}"))), (400, "bad_field".into()), "{bad}");
    }
}

#[test]
fn events_are_read_by_the_account_s_keys_with_the_scope_and_go_after_their_days() {
    let server = Server::start_with("[events]\nkeep_days = 10");
    server.session();
    let (_, narrow) = server.make_key(KeyTerms { scopes: vec![Scope::Attempts], ..KeyTerms::default() });
    assert_eq!(refusal(&server.get_as(&narrow, "/events")), (403, "scope_missing".into()));
    let (_, fitting) = server.make_key(KeyTerms { scopes: vec![Scope::Events], ..KeyTerms::default() });
    assert_eq!(server.get_as(&fitting, "/events").result()["events"].as_array().unwrap().len(), 1);
    assert_eq!(server.get_as(&server.stranger_key(), "/events").result()["events"], json!([]));
    server.clock.advance(Duration::from_secs(9 * 86_400));
    server.session();
    assert_eq!(server.sweep_events(), 0);
    server.clock.advance(Duration::from_secs(86_400));
    assert_eq!(server.sweep_events(), 1);
    assert_eq!(server.get("/events").result()["events"].as_array().unwrap().len(), 1);
}
