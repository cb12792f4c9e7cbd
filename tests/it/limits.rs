//! Requests a minute of accounts and keys, tries of sessions, and guesses at credentials.

use std::time::Duration;

use twoface::admin::limits::{Limits, LimitsReply};
use twoface::admin::{Reply, Request};
use twoface::clock::Stopwatch;
use twoface::domain::key::KeyTerms;

use crate::harness::{Server, refusal};

#[test]
fn the_quota_is_shared_by_keys_and_sessions_and_told_in_every_answer() {
    let server = Server::start_with("[limits]\nrequests_per_minute = 5");
    let token = server.session();
    let reply = server.get("/users");
    assert_eq!(reply.header("ratelimit-limit"), Some("5"));
    assert_eq!(reply.header("ratelimit-remaining"), Some("3"));
    assert_eq!(reply.header("ratelimit-reset"), Some("60"));
    assert_eq!(server.upload(&token, "/faces/detect", &[("photo", "x")], &[]).header("ratelimit-remaining"), Some("2"));
    assert_eq!(server.get("/users/nobody").header("ratelimit-remaining"), Some("1"));
    server.get("/users");
    server.clock.advance(Duration::from_secs(20));
    let refused = server.get("/users");
    assert_eq!(refusal(&refused), (429, "rate_limited".into()));
    assert_eq!(refused.header("retry-after"), Some("40"));
    assert_eq!(refused.header("ratelimit-remaining"), Some("0"));
    assert_eq!(refusal(&server.upload(&token, "/faces/detect", &[("photo", "x")], &[])).0, 429, "sessions share it");
    assert_eq!(server.get_as(&server.stranger_key(), "/users").status, 200, "another account does not");
    server.clock.advance(Duration::from_secs(40));
    assert_eq!(server.get("/users").status, 200);
}

fn ask(server: &Server, request: Limits) -> LimitsReply {
    match server.administer(Request::Limits(request)) {
        Reply::Limits(reply) => reply,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_account_s_and_a_key_s_own_limits_count_from_the_next_request_on() {
    let server = Server::start();
    let (id, own) = server.make_key(KeyTerms::default());
    assert_eq!(server.get("/users").header("ratelimit-limit"), Some("2500"));
    let set = |requests, tries: &[(&str, u32)]| Limits::Set {
        account: "test".into(),
        requests,
        tries: tries.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect(),
    };
    ask(&server, set(Some(1000), &[("detect_faces", 5), ("signup", 1)]));
    ask(&server, Limits::Key { id, requests: Some(3) });
    assert_eq!(server.get("/users").header("ratelimit-limit"), Some("1000"));

    let open = |key: &str| {
        let body = twoface::client::Body::form(&[("type", "SIGNUP")]);
        server.client.call("POST", "/v1/2face/session", &[("Authorization", key)], Some(body)).unwrap()
    };
    let opened = open(&own);
    assert_eq!((opened.header("ratelimit-limit"), opened.header("ratelimit-remaining")), (Some("3"), Some("2")));
    let token = opened.result().as_str().unwrap().to_owned();
    let reply = server.upload(&token, "/faces/detect", &[("file", "faces 1")], &[]);
    assert_eq!((reply.header("x-attempt-limit"), reply.header("x-attempt-retries")), (Some("5"), Some("4")));
    assert_eq!(reply.header("ratelimit-remaining"), Some("1"), "the session's requests are its key's");
    assert_eq!(server.get_as(&own, "/users").status, 200);
    let refused = server.get_as(&own, "/users");
    assert_eq!((refusal(&refused), refused.header("ratelimit-limit")), ((429, "rate_limited".into()), Some("3")));
    assert_eq!(refusal(&server.upload(&token, "/faces/detect", &[("file", "faces 1")], &[])).0, 429);
    assert_eq!(server.get("/users").status, 200, "another key of the account goes on");
    ask(&server, Limits::Key { id, requests: None });
    assert_eq!(server.get_as(&own, "/users").header("ratelimit-limit"), Some("1000"));

    let shown = ask(&server, Limits::Show);
    let test = shown.accounts.iter().find(|one| one.account == "test").unwrap();
    assert_eq!((test.requests_per_minute, test.tries["signup"], test.requests_refused), (1000, 1, 2));
    assert!(matches!(server.administer(Request::Limits(set(None, &[("fly", 1)]))), Reply::Refused(_)));
    ask(&server, set(None, &[]));
    assert_eq!(server.get("/users").header("ratelimit-limit"), Some("2500"));
}

#[test]
fn tries_are_the_account_s_own_for_each_operation() {
    let server = Server::start();
    let tries = vec![("compare_faces".to_owned(), 1)];
    ask(&server, Limits::Set { account: "test".into(), requests: None, tries });
    let token = server.session();
    assert_eq!(server.compare(&token, "cosine 0.8").header("x-attempt-retries"), Some("0"));
    let refused = server.compare(&token, "cosine 0.8");
    assert_eq!(refusal(&refused), (429, "no_tries_left".into()));
    assert_eq!((refused.header("x-attempt-limit"), refused.header("x-attempt-retries")), (Some("1"), Some("0")));
    let detected = server.upload(&token, "/faces/detect", &[("file", "faces 1")], &[]);
    assert_eq!(detected.header("x-attempt-limit"), Some("3"), "the others have what the configuration says");
    let shown = ask(&server, Limits::Show);
    assert!(shown.accounts.iter().any(|one| one.account == "test" && one.tries_refused == 1));
}

#[test]
fn whoever_guesses_waits_and_a_good_credential_from_the_same_address_does_not() {
    let server = Server::start();
    let guess = || {
        let watch = Stopwatch::start();
        let reply = server.get_as("2fk_wrong", "/users");
        assert_eq!(refusal(&reply), (403, "invalid_token".into()));
        assert_eq!(reply.header("retry-after"), None, "nothing tells that it was held back");
        watch.elapsed()
    };
    for _ in 0..10 {
        guess();
    }
    assert!(guess() >= Duration::from_millis(100) && guess() >= Duration::from_millis(200));
    let delayed = ask(&server, Limits::Show).delayed;
    assert_eq!(delayed, 2);
    std::thread::scope(|scope| {
        // Several guesses are being held back while the good ones are served.
        let guessing: Vec<_> = (0..4).map(|_| scope.spawn(guess)).collect();
        let watch = Stopwatch::start();
        for _ in 0..5 {
            assert_eq!(server.get("/users").status, 200);
        }
        let served = watch.elapsed();
        let held = guessing.into_iter().map(|thread| thread.join().unwrap()).max().unwrap();
        assert!(served < held, "{served:?} {held:?}");
    });
    server.clock.advance(Duration::from_secs(15 * 60));
    let before = ask(&server, Limits::Show).delayed;
    guess();
    assert_eq!(ask(&server, Limits::Show).delayed, before, "forgotten after a while");
}
