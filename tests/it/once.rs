//! `Idempotency-Key`: the same request again has no second effect and gets the first answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use twoface::client::{Body, Reply};

use crate::harness::{Server, refusal};

fn post(server: &Server, path: &str, credential: (&str, &str), key: &str, body: Body) -> Reply {
    let headers = [credential, ("Idempotency-Key", key)];
    server.client.call("POST", &format!("/v1/2face{path}"), &headers, Some(body)).unwrap()
}

fn is_replay(reply: &Reply) -> bool {
    reply.header("idempotency-replayed") == Some("true")
}

fn created(server: &Server, kind: &str) -> usize {
    let events = server.get("/events").result()["events"].as_array().unwrap().clone();
    events.iter().filter(|event| event["type"] == json!(kind)).count()
}

#[test]
fn each_post_has_one_effect_and_gives_its_first_answer_again() {
    let server = Server::start();
    let key = ("Authorization", server.key.as_str());
    let open = |name: &str| post(&server, "/session", key, name, Body::form(&[("type", "SIGNUP")]));
    let (first, second) = (open("open 1"), open("open 1"));
    assert_eq!((first.status, is_replay(&first)), (200, false));
    assert_eq!((second.status, is_replay(&second), second.result()), (200, true, first.result()));
    assert_ne!(open("open 2").result(), first.result());
    assert_eq!(created(&server, "attempt.created"), 2);
    let token = first.result().as_str().unwrap().to_owned();
    server.keep_secret(&token);

    let session = ("X-Tagshelf-Session", token.as_str());
    let photos = |face: &[u8]| Body::multipart(&[("document", "a.jpg", b"portrait"), ("face", "b.jpg", face)], &[]);
    let compare = |face: &[u8], wait: &str| {
        let headers = [session, ("Idempotency-Key", "compare"), ("Prefer", wait)];
        server.client.call("POST", "/v1/2face/faces/compare", &headers, Some(photos(face))).unwrap()
    };
    let first = compare(b"cosine 0.8", "wait=30");
    let again = compare(b"cosine 0.8", "wait=30");
    assert_eq!((again.status, is_replay(&again), again.json()), (200, true, first.json()), "another boundary");
    assert_eq!(again.header("x-job-id"), first.header("x-job-id"));
    assert_eq!(again.header("x-attempt-retries"), Some("2"), "a replay is no try");
    let unheld = post(&server, "/faces/compare", session, "compare", photos(b"cosine 0.8"));
    assert_eq!(unheld.result().as_str(), first.header("x-job-id"));
    assert_eq!(refusal(&compare(b"cosine 0.7", "wait=30")), (422, "idempotency_mismatch".into()));

    let close =
        |key: &str, status: &str| post(&server, "/session/close", session, key, Body::form(&[("status", status)]));
    let first = close("close", "SUCCESS");
    let again = close("close", "SUCCESS");
    assert_eq!(
        (again.status, is_replay(&again), again.result()),
        (200, true, first.result()),
        "though the token has ended"
    );
    assert_eq!(refusal(&close("close", "FAILED")), (422, "idempotency_mismatch".into()));
    assert_eq!(refusal(&close("another", "SUCCESS")), (403, "invalid_token".into()));
    assert_eq!(
        refusal(&compare(b"cosine 0.8", "wait=30")),
        (403, "invalid_token".into()),
        "its jobs are read with a key"
    );

    let attempt = first.result();
    let body =
        json!({ "attempt": attempt, "documentId": "A1", "documentType": "CEDULA", "metadata": { "a": 1, "b": [2] } });
    let other_order =
        json!({ "metadata": { "a": 1, "b": [2] }, "documentType": "CEDULA", "documentId": "A1", "attempt": attempt });
    let first = post(&server, "/users", key, "user", Body::json(&body));
    let again = post(&server, "/users", key, "user", Body::json(&other_order));
    assert_eq!((again.status, is_replay(&again), again.result()), (200, true, first.result()));
    let user = first.result()["id"].as_str().unwrap().to_owned();
    assert_eq!(server.delete(&format!("/users/{user}")).status, 200);
    let gone = post(&server, "/users", key, "user", Body::json(&body));
    assert_eq!(refusal(&gone), (404, "not_found".into()), "nothing of an erased person is told again");

    let review = server.close(&server.session(), "REVIEW").result().as_str().unwrap().to_owned();
    let settle =
        || post(&server, &format!("/attempts/review/{review}"), key, "review", Body::form(&[("status", "FAILED")]));
    assert_eq!((settle().result(), is_replay(&settle())), (json!(review), true));
    assert_eq!(created(&server, "attempt.reviewed"), 1);
}

#[test]
fn a_key_is_its_asker_s_and_its_address_s_alone_and_for_a_day() {
    let server = Server::start();
    let stranger = server.stranger_key();
    let body = || Body::form(&[("type", "SIGNUP")]);
    let mine = post(&server, "/session", ("Authorization", &server.key), "one", body());
    let theirs = post(&server, "/session", ("Authorization", &stranger), "one", body());
    assert!(!is_replay(&theirs) && mine.result() != theirs.result());
    let tokens = [server.session(), server.session()];
    let detect = |token: &str, path: &str| {
        let photo = Body::multipart(&[("file", "a.jpg", b"faces 1")], &[("documentType", "CEDULA")]);
        let reply = post(&server, path, ("X-Tagshelf-Session", token), "one", photo);
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.result()
    };
    let jobs: std::collections::BTreeSet<String> = [
        detect(&tokens[0], "/faces/detect"),
        detect(&tokens[1], "/faces/detect"),
        detect(&tokens[0], "/documents/validate-document-type"),
    ]
    .map(|id| id.to_string())
    .into();
    assert_eq!(jobs.len(), 3);
    assert_eq!(detect(&tokens[0], "/faces/detect"), detect(&tokens[0], "/faces/detect"));

    server.clock.advance(Duration::from_secs(24 * 3600 - 1));
    assert_eq!(post(&server, "/session", ("Authorization", &server.key), "one", body()).result(), mine.result());
    assert_eq!(server.sweep_replays(), 0);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(server.sweep_replays(), 5);
    let new = post(&server, "/session", ("Authorization", &server.key), "one", body());
    assert!(!is_replay(&new) && new.result() != mine.result());
}

#[test]
fn what_was_refused_is_asked_anew_and_a_key_that_is_none_is_refused() {
    let server = Server::start();
    let key = ("Authorization", server.key.as_str());
    let attempt = server.close(&server.session(), "REVIEW").result().as_str().unwrap().to_owned();
    let fields = [("attempt", attempt.as_str()), ("documentId", "B1"), ("documentType", "CEDULA")];
    let register = || post(&server, "/users", key, "register", Body::form(&fields));
    assert_eq!(refusal(&register()), (409, "attempt_not_successful".into()));
    server.post(&format!("/attempts/review/{attempt}"), &[("status", "SUCCESS")]);
    let registered = register();
    assert_eq!((registered.status, is_replay(&registered)), (200, false), "what stood in the way is gone");
    assert!(is_replay(&register()));
    for bad in ["", &"k".repeat(256), "tab\there"] {
        let reply = post(&server, "/session", key, bad, Body::form(&[("type", "SIGNUP")]));
        assert_eq!(refusal(&reply), (400, "bad_idempotency_key".into()), "{bad:?}");
    }
}

/// `ONCE_REQUESTS=10000 cargo test --test it of_many_at_the_same_time` for as many.
#[test]
fn of_many_at_the_same_time_with_one_key_one_has_an_effect() {
    let count: usize = std::env::var("ONCE_REQUESTS").map_or(400, |text| text.parse().unwrap());
    const CLIENTS: usize = 64;
    let server =
        Server::start_with("[limits]\nrequests_per_minute = 1000000\n[server]\nconnections_per_address_max = 1000\n");
    let token = server.session();
    let before = (created(&server, "attempt.created"), created(&server, "job.finished"));
    let (next, firsts, replays, conflicts) =
        (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let answers: Vec<(usize, Value)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CLIENTS)
            .map(|_| {
                scope.spawn(|| {
                    let mut seen = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::SeqCst);
                        if number >= count {
                            return seen;
                        }
                        // Half open a session, half store a job.
                        let reply = match number % 2 {
                            0 => post(
                                &server,
                                "/session",
                                ("Authorization", &server.key),
                                "same",
                                Body::form(&[("type", "SIGNUP")]),
                            ),
                            _ => {
                                let photo = Body::multipart(&[("file", "a.jpg", b"faces 1")], &[]);
                                post(&server, "/faces/detect", ("X-Tagshelf-Session", &token), "same", photo)
                            }
                        };
                        match reply.status {
                            200 => {
                                let counter = if is_replay(&reply) { &replays } else { &firsts };
                                counter.fetch_add(1, Ordering::SeqCst);
                                seen.push((number % 2, reply.result()));
                            }
                            _ => {
                                assert_eq!(refusal(&reply), (409, "request_in_flight".into()));
                                assert_eq!(reply.header("retry-after"), Some("1"));
                                conflicts.fetch_add(1, Ordering::SeqCst);
                            }
                        }
                    }
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(firsts.load(Ordering::SeqCst), 2, "one of each");
    assert!(answers.iter().all(|(kind, answer)| *answer == answers.iter().find(|(other, _)| other == kind).unwrap().1));
    let id = answers.iter().find(|(kind, _)| *kind == 1).unwrap().1.as_str().unwrap().to_owned();
    while server.get(&format!("/jobs/{id}")).result()["status"].as_u64() < Some(2) {
        twoface::clock::pause(Duration::from_millis(10));
    }
    let after = (created(&server, "attempt.created"), created(&server, "job.finished"));
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, 1));
    println!(
        "{count} requests from {CLIENTS} clients with one key for each of two addresses: {} effects, {} replays, {} in flight",
        firsts.load(Ordering::SeqCst),
        replays.load(Ordering::SeqCst),
        conflicts.load(Ordering::SeqCst)
    );
}
