//! The account's requests a minute.

use std::time::Duration;

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
