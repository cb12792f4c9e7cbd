//! The HTTP contract, line by line, by somebody who has read the contract and not the program. Each assertion names its line.
//!
//! That every answer fits `assets/openapi.json` is checked beneath, by the client itself.

use std::time::Duration;

use serde_json::{Value, json};
use twoface::admin::Request;
use twoface::admin::request::Accounts;
use twoface::admin::webhooks::Webhooks;
use twoface::client::{Body, Reply};
use twoface::domain::key::{AnswerMode, KeyTerms};

use crate::harness::{Server, message, refusal};
use crate::receiver::{Does, Receiver};

const WAIT: &[(&str, &str)] = &[("Prefer", "wait=30")];
const MANY_TRIES: &str = "[sessions]\ntries = 100";

/// `holds!(line, left, right)`: a line of the contract, what was seen, and what it says.
macro_rules! holds {
    ($line:expr, $seen:expr, $said:expr) => {
        assert_eq!($seen, $said, "contract: {}", $line)
    };
}

mod operations;
mod records;

/// A job's number and its output, read as the client reads it.
fn outcome(server: &Server, reply: &Reply) -> (Value, Value) {
    let job = server.get(&format!("/jobs/{}", reply.header("x-job-id").unwrap())).result();
    (job["status"].clone(), job["output"].clone())
}

fn post_files(server: &Server, token: &str, path: &str, files: &[(&str, &str)], fields: &[(&str, &str)]) -> Reply {
    let headers = [("X-Tagshelf-Session", token), ("Prefer", "wait=30")];
    let files: Vec<(&str, &str, &[u8])> =
        files.iter().map(|(field, text)| (*field, "photo.jpg", text.as_bytes())).collect();
    let body = Body::multipart(&files, fields);
    server.client.call("POST", &format!("/v1/2face{path}"), &headers, Some(body)).unwrap()
}

fn is_id(value: &Value) -> bool {
    value.as_str().is_some_and(|id| id.len() == 24 && id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

fn is_time(value: &Value) -> bool {
    // 2022-05-09T03:32:11.748Z
    value.as_str().is_some_and(|time| {
        time.len() == 24
            && time.char_indices().all(|(at, c)| match at {
                4 | 7 => c == '-',
                10 => c == 'T',
                13 | 16 => c == ':',
                19 => c == '.',
                23 => c == 'Z',
                _ => c.is_ascii_digit(),
            })
    })
}

#[test]
fn conventions() {
    let server = Server::start();
    let ok = server.get("/users");
    holds!("envelope: `{\"code\", \"result\"}`", ok.json().as_object().unwrap().len(), 2);
    holds!("envelope: the status line carries the same number", ok.json()["code"], json!(ok.status));
    let no = server.get("/users/0");
    let result = no.json()["result"].clone();
    holds!("errors: `result` is `{\"msg\"}` with `error` and `requestId`", result.as_object().unwrap().len(), 3);
    holds!("errors: the envelope's code is the status", no.json()["code"], json!(404));
    holds!("API key: `Authorization: <key>`", server.get_as(&server.key, "/users").status, 200);
    holds!("API key: `Bearer` as well", server.get_as(&format!("Bearer {}", server.key), "/users").status, 200);
    let token = server.session();
    let job = server.upload(&token, "/faces/detect", &[("file", "faces 1")], &[]);
    holds!("session token: `X-Tagshelf-Session`", job.status, 200);
    for bad in ["", "x", "2fk_", &token] {
        let reply = server.get_as(bad, "/users");
        holds!("bad or missing credential: 403 `Invalid token.`", (reply.status, message(&reply)), forbidden());
        let reply = server.upload(bad, "/faces/detect", &[("file", "x")], &[]);
        if bad != token {
            holds!("bad or missing credential: 403 `Invalid token.`", (reply.status, message(&reply)), forbidden());
        }
    }
    for agent in ["", " "] {
        let headers = [("Authorization", server.key.as_str()), ("User-Agent", agent)];
        let reply = server.client.call("GET", "/v1/2face/users", &headers, None).unwrap();
        holds!("User-Agent: absent or blank → 403", reply.status, 403);
    }
    let json = server.post_json("/session", &json!({ "type": "SIGNUP" }));
    let form = server.post("/session", &[("type", "SIGNUP")]);
    let key = [("Authorization", server.key.as_str())];
    let multipart = Body::multipart(&[], &[("type", "SIGNUP")]);
    let multipart = server.client.call("POST", "/v1/2face/session", &key, Some(multipart)).unwrap();
    holds!("bodies: JSON and URL-encoded are both accepted", (json.status, form.status), (200, 200));
    holds!("bodies: multipart too", multipart.status, 200);
    holds!("ids: 24 lower-case hex characters", is_id(&job.result()), true);
    let later = server.upload(&token, "/faces/detect", &[("file", "faces 1")], &[]);
    holds!("ids: ordered by creation time", later.result().as_str() > job.result().as_str(), true);
    let seen = server.get(&format!("/jobs/{}", job.result().as_str().unwrap())).result();
    holds!("times: RFC 3339 UTC with milliseconds", is_time(&seen["createdAt"]), true);
    let headers = [("Authorization", server.key.as_str()), ("X-Request-Id", "a b~1")];
    let reply = server.client.call("GET", "/v1/2face/users", &headers, None).unwrap();
    holds!("request id: one sent by the client is kept", reply.header("x-request-id"), Some("a b~1"));
    holds!("request id: every answer carries one", ok.header("x-request-id").is_some(), true);
    let unknown = server.client.call("GET", "/v1/2face/nothing", &[], None).unwrap();
    holds!("envelope: every JSON answer, unknown addresses too", refusal(&unknown).0, 404);
    let other = server.client.call("DELETE", "/v1/2face/session", &[], None).unwrap();
    holds!("envelope: and other methods", refusal(&other).0, 405);
    holds!("405 tells which methods there are", other.header("allow"), Some("POST"));
}

fn forbidden() -> (u16, String) {
    (403, "Invalid token.".to_owned())
}

#[test]
fn limits() {
    let server = Server::start();
    let token = server.session();
    let most = "x".repeat(10 * 1024 * 1024);
    let fits = server.upload(&token, "/faces/detect", &[("file", &most)], &[]);
    holds!("files: 10 × 1024 × 1024 bytes plus framing", fits.status, 200);
    let over = server.upload(&token, "/faces/detect", &[("file", &format!("{most}x"))], &[]);
    holds!("files: above → 413", refusal(&over).0, 413);
    for (header, value) in [("ratelimit-limit", "2500"), ("ratelimit-reset", "60")] {
        holds!("overall limit: RateLimit-* in every answer", fits.header(header), Some(value));
    }
    holds!("overall limit: RateLimit-Remaining", fits.header("ratelimit-remaining"), Some("2498"));
    holds!("retry limit: x-attempt-limit, default 3", fits.header("x-attempt-limit"), Some("3"));
    holds!("retry limit: x-attempt-retries, what is left", fits.header("x-attempt-retries"), Some("2"));
    let compared = server.compare(&token, "cosine 0.9");
    holds!("retry limit: per endpoint", compared.header("x-attempt-retries"), Some("2"));
    let files = [("document", "portrait"), ("face", "cosine 0.9")];
    let slip = server.upload(&token, "/faces/detect", &files, WAIT);
    holds!("retry limit: a compare at detect's address counts as compare", slip.header("x-attempt-retries"), Some("1"));
    let refused = server.upload(&token, "/faces/compare", &[("face", "x")], &[]);
    holds!("retry limit: no 4xx is counted", refused.header("x-attempt-retries"), Some("1"));
    server.compare(&token, "cosine 0.9");
    let none = server.compare(&token, "cosine 0.9");
    holds!("retry limit: after the last one 429", none.status, 429);
    holds!("retry limit: until a new session is created", server.compare(&server.session(), "cosine 0.9").status, 200);

    let small = Server::start_with("[limits]\nrequests_per_minute = 3");
    let token = small.session();
    small.get("/users");
    small.upload(&token, "/faces/detect", &[("file", "faces 1")], &[]);
    let over = small.get("/users");
    holds!("overall limit: shared by keys and sessions; above → 429", over.status, 429);
    holds!("overall limit: with Retry-After", over.header("retry-after"), Some("60"));
}

#[test]
fn sessions() {
    let server = Server::start();
    let key = server.key.as_str();
    for kind in ["SIGNUP", "VALIDATION"] {
        let reply = server.post("/session", &[("type", kind)]);
        holds!("POST /session: 200 → the token", (reply.status, reply.result().is_string()), (200, true));
    }
    for kind in ["", "OTHER", "signup"] {
        let reply = server.post("/session", &[("type", kind)]);
        let said = "`type` must be one of the following: SIGNUP,VALIDATION".to_owned();
        holds!("POST /session: another value → 400", (reply.status, message(&reply)), (400, said));
    }
    let token = server.session();
    let reply = server.client.call("POST", "/v1/2face/session", &[("X-Tagshelf-Session", &token)], None).unwrap();
    holds!("POST /session: needs the API key", reply.status, 403);
    for status in ["", "PENDING", "CANCELLED", "success"] {
        let reply = server.close(&token, status);
        let said = "`status` must be one of the following: SUCCESS,FAILED,REVIEW".to_owned();
        holds!("POST /session/close: another value → 400", (reply.status, message(&reply)), (400, said));
    }
    let reply = server
        .client
        .call("POST", "/v1/2face/session/close", &[("Authorization", key)], Some(Body::form(&[])))
        .unwrap();
    holds!("POST /session/close: needs the token", reply.status, 403);
    for status in ["SUCCESS", "FAILED", "REVIEW"] {
        let token = server.session();
        let reply = server.close(&token, status);
        holds!("POST /session/close: 200 → the attempt id", (reply.status, is_id(&reply.result())), (200, true));
        let attempt = server.get(&format!("/attempts/{}", reply.result().as_str().unwrap())).result();
        holds!("the client decides the status by its own criteria", attempt["status"], json!(status));
        holds!("after closing, the token is no longer valid", server.close(&token, status).status, 403);
    }
    let token = server.session();
    let job = server.upload(&token, "/faces/detect", &[("file", "wait faces 2")], &[]);
    let attempt = server.close(&token, "SUCCESS");
    holds!("closing waits for nothing", attempt.status, 200);
    server.gate.open();
    let path = format!("/jobs/{}", job.result().as_str().unwrap());
    holds!("jobs still running finish and are recorded", ended(&server, &path)["status"], json!(2));

    let token = server.session();
    server.clock.advance(Duration::from_secs(30 * 60));
    holds!("a session expires after 30 minutes by default", server.close(&token, "SUCCESS").status, 403);
}

fn ended(server: &Server, path: &str) -> Value {
    loop {
        let job = server.get(path).result();
        if job["status"].as_u64() >= Some(2) {
            return job;
        }
        twoface::clock::pause(Duration::from_millis(10));
    }
}

#[test]
fn jobs() {
    let server = Server::start();
    let token = server.session();
    let reply = server.upload(&token, "/faces/detect", &[("file", "wait faces 1")], &[]);
    holds!("the POST answers 200 with the job id", (reply.status, is_id(&reply.result())), (200, true));
    let path = format!("/jobs/{}", reply.result().as_str().unwrap());
    let waiting = server.get(&path).result();
    holds!("0 Queued or 1 In Progress", waiting["status"].as_u64() <= Some(1), true);
    server.gate.open();
    let job = ended(&server, &path);
    holds!(
        "GET /jobs/:id: status and output",
        (&job["status"], &job["output"]),
        (&json!(2), &json!({ "code": 200, "result": 1 }))
    );
    for field in ["id", "workflow", "createdAt", "startedAt", "finishedAt", "details"] {
        holds!(format!("GET /jobs/:id: beside them `{field}`"), job[field].is_null(), false);
    }
    let unknown = server.get("/jobs/62788a0b0f1e2d3c4b5a6978");
    let said = "No entity found by ID: 62788a0b0f1e2d3c4b5a6978".to_owned();
    holds!("GET /jobs/:id: unknown → 404", (unknown.status, message(&unknown)), (404, said.clone()));
    let other = server.get_as(&server.stranger_key(), &path);
    holds!("GET /jobs/:id: another account's → 404", other.status, 404);
    let read = |token: &str| {
        server.client.call("GET", &format!("/v1/2face{path}"), &[("X-Tagshelf-Session", token)], None).unwrap().status
    };
    holds!("a session token may read the jobs of its own session", (read(&token), read(&server.session())), (200, 404));
}

#[test]
fn idempotency() {
    let server = Server::start();
    let asked = |key: &str, kind: &str| {
        let headers = [("Authorization", server.key.as_str()), ("Idempotency-Key", key)];
        server.client.call("POST", "/v1/2face/session", &headers, Some(Body::form(&[("type", kind)]))).unwrap()
    };
    let first = asked("order 7", "SIGNUP");
    holds!("idempotency: the first answer is no replay", first.header("idempotency-replayed"), None);
    server.clock.advance(Duration::from_secs(24 * 60 * 60 - 1));
    let again = asked("order 7", "SIGNUP");
    holds!("idempotency: same key + same body within 24 h gives the first answer", again.result(), first.result());
    holds!("idempotency: `Idempotency-Replayed: true`", again.header("idempotency-replayed"), Some("true"));
    holds!("idempotency: another body → 422", refusal(&asked("order 7", "VALIDATION")).0, 422);
    let token = server.session();
    let detect = || {
        let headers = [("X-Tagshelf-Session", token.as_str()), ("Idempotency-Key", "photo")];
        let photo = Body::multipart(&[("file", "photo.jpg", b"faces 1")], &[]);
        server.client.call("POST", "/v1/2face/faces/detect", &headers, Some(photo)).unwrap()
    };
    let (one, two) = (detect(), detect());
    holds!("idempotency: on any POST", one.result(), two.result());
    let left = [&one, &two].map(|reply| reply.header("x-attempt-retries"));
    holds!("retry limit: an idempotent replay is no try", left, [Some("2"), Some("2")]);
}

#[test]
fn the_settings_of_a_key_and_of_an_account() {
    let server = Server::start_with("[webhooks]\nallow = [\"http://127.0.0.2/32\"]\n");
    let (_, key) = server.make_key(KeyTerms { answer: AnswerMode::Wait, ..KeyTerms::default() });
    let session = server.client.call("POST", "/v1/2face/session", &[("Authorization", &key)], Some(signup())).unwrap();
    let reply = server.compare(session.result().as_str().unwrap(), "cosine 0.5");
    let own = json!({ "code": 200, "result": 80.0 });
    holds!("a key whose setting `answer` is `wait` gets it without the header", reply.json(), own);

    let receiver = Receiver::start("127.0.0.2", |_, _| Does::Answers(200));
    let create = Webhooks::Create { account: "test".into(), url: receiver.url(), events: Vec::new() };
    server.administer(Request::Webhooks(create));
    let set = Accounts::Set { account: "test".into(), review_unproven: true };
    server.administer(Request::Accounts(set));
    let id = server.close(&server.session(), "SUCCESS").result().as_str().unwrap().to_owned();
    let status = server.get(&format!("/attempts/{id}")).result()["status"].clone();
    holds!("an account setting: SUCCESS without proof goes to REVIEW", status, json!("REVIEW"));
    server.post(&format!("/attempts/review/{id}"), &[("status", "SUCCESS")]);
    let told = receiver.wait(3);
    let told: Vec<Value> = told.iter().map(|got| serde_json::from_str(&got.body).unwrap()).collect();
    let kinds: Vec<&str> = told.iter().filter_map(|event| event["type"].as_str()).collect();
    let changes = ["attempt.created", "attempt.closed", "attempt.reviewed"];
    holds!("every change of an attempt's status is sent to the account's webhooks", kinds, changes);
}

fn signup() -> Body {
    Body::form(&[("type", "SIGNUP")])
}
