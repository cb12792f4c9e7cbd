//! The HTTP contract, line by line, by somebody who has read the contract and not the program. Each assertion names its line.
//!
//! That every answer fits `assets/openapi.json` is checked beneath, by the client itself.

use std::time::Duration;

use serde_json::{Value, json};
use twoface::client::{Body, Reply};

use crate::harness::{Server, message, refusal};

const WAIT: &[(&str, &str)] = &[("Prefer", "wait=30")];
const MANY_TRIES: &str = "[sessions]\ntries = 100";

/// `holds!(line, left, right)`: a line of the contract, what was seen, and what it says.
macro_rules! holds {
    ($line:expr, $seen:expr, $said:expr) => {
        assert_eq!($seen, $said, "contract: {}", $line)
    };
}

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
fn the_table_of_outcomes() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    let cedula = [("documentType", "CEDULA"), ("documentId", "402-0057193-9")];
    let card = "document cedula front number=402-0057193-9";
    let detect = |file| post_files(&server, &token, "/faces/detect", &[("file", file)], &[]);
    let compare =
        |document, face| post_files(&server, &token, "/faces/compare", &[("document", document), ("face", face)], &[]);
    let smile = |clip| post_files(&server, &token, "/faces/check-smile", &[("clip", clip)], &[]);
    let blink = |clip| post_files(&server, &token, "/faces/check-blink", &[("clip", clip)], &[]);
    let kind = |file| post_files(&server, &token, "/documents/validate-document-type", &[("file", file)], &cedula);
    let identity = |file| post_files(&server, &token, "/documents/validate-identity", &[("file", file)], &cedula);
    let answered = |result: Value| Some(json!({ "code": 200, "result": result }));
    let table = [
        ("detect, 2: ≥ 1 face: the number", detect("faces 3"), 2, answered(json!(3))),
        ("detect, 3: no face: 0", detect("faces 0"), 3, answered(json!(0))),
        ("detect, 4: the file cannot be decoded", detect("damaged"), 4, None),
        ("compare, 2: at the threshold", compare("portrait", "cosine 0.4"), 2, answered(json!(65.0))),
        ("compare, 2: above the threshold", compare("portrait", "cosine 0.5"), 2, answered(json!(80.0))),
        (
            "compare, 3: below it, the score is still the result",
            compare("portrait", "cosine 0.3"),
            3,
            answered(json!(50.0)),
        ),
        ("compare, 4: a side without a usable face", compare("portrait", "no face"), 4, None),
        ("compare, 4: undecodable", compare("damaged", "cosine 0.9"), 4, None),
        ("check-smile, 2: true", smile("smile@2"), 2, answered(json!(true))),
        ("check-smile, 3: false", smile("calm"), 3, answered(json!(false))),
        ("check-smile, 4: undecodable clip", smile("damaged"), 4, None),
        ("check-smile, 4: no face", smile("no-face"), 4, None),
        ("check-smile, 4: inconclusive", smile("dark"), 4, None),
        ("check-blink, 2: true", blink("blink@1"), 2, answered(json!(true))),
        ("check-blink, 3: false", blink("calm"), 3, answered(json!(false))),
        ("check-blink, 4: too few frames", blink("slow"), 4, None),
        ("validate-document-type, 2: true", kind(card), 2, answered(json!(true))),
        ("validate-document-type, 3: false", kind("document passport front"), 3, answered(json!(false))),
        ("validate-document-type, 4: unreadable photo", kind("document neither blurred"), 4, None),
        ("validate-identity, 2: true", identity(card), 2, answered(json!(true))),
        (
            "validate-identity, 3: false",
            identity("document cedula front number=001-0000000-9"),
            3,
            answered(json!(false)),
        ),
        ("validate-identity, 4: the number cannot be read", identity("document cedula front"), 4, None),
    ];
    let count = table.len();
    for (line, reply, number, output) in &table {
        let (status, stored) = outcome(&server, reply);
        holds!(line, status, json!(number));
        holds!(format!("{line}; under Prefer: wait the output"), reply.json(), stored);
        match output {
            Some(output) => holds!(line, (reply.status, &stored), (200, output)),
            None => {
                holds!(format!("{line}; 422"), (reply.status, &stored["code"]), (422, &json!(422)));
                let told = stored["result"]["msg"].is_string() && stored["result"]["error"].is_string();
                holds!(format!("{line}; msg and error"), told, true);
            }
        }
    }
    let attempt = server.close(&token, "FAILED").result().as_str().unwrap().to_owned();
    let stages = server.get(&format!("/attempts/{attempt}")).result()["stages"].as_array().unwrap().clone();
    holds!("each job of the session is one stage", stages.len(), count);
    for ((line, _, number, _), stage) in table.iter().zip(&stages) {
        let status = if *number == 2 { "COMPLETED" } else { "FAILED" };
        holds!(format!("{line}; the stage is {status}"), stage["result"]["status"], json!(status));
    }
}

#[test]
fn answering_at_once() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    let files = [("document", "portrait"), ("face", "cosine 0.5")];
    let reply = server.upload(&token, "/faces/compare", &files, WAIT);
    holds!("Prefer: wait → the operation's own answer", reply.json(), json!({ "code": 200, "result": 80.0 }));
    holds!("with Preference-Applied: wait", reply.header("preference-applied"), Some("wait"));
    holds!("and X-Job-Id", reply.header("x-job-id").is_some(), true);
    let files = [("file", "wait faces 1")];
    let reply = server.upload(&token, "/faces/detect", &files, &[("Prefer", "wait=0")]);
    holds!("if time runs out, the job id as usual, still 200", (reply.status, is_id(&reply.result())), (200, true));
    holds!("and no preference was applied", reply.header("preference-applied"), None);
    server.gate.open();
}

#[test]
fn what_is_refused_before_there_is_a_job() {
    let server = Server::start();
    let token = server.session();
    let missing = (400, "A file is required for this operation.".to_owned());
    for path in ["detect", "compare", "check-smile", "check-blink"] {
        let reply = post_files(&server, &token, &format!("/faces/{path}"), &[("other", "x")], &[]);
        holds!(format!("/faces/{path}: a missing file → 400"), (reply.status, message(&reply)), missing.clone());
    }
    for path in ["validate-document-type", "validate-identity"] {
        let path = format!("/documents/{path}");
        let good = [("documentType", "CEDULA"), ("documentId", "402-0057193-9")];
        let reply = post_files(&server, &token, &path, &[], &good);
        holds!(format!("{path}: a missing file → 400"), (reply.status, message(&reply)), missing.clone());
        let reply = post_files(&server, &token, &path, &[("file", "x")], &[("documentType", "LICENCE")]);
        let said = (400, "'documentType' must be one of the following: CEDULA, PASSPORT".to_owned());
        holds!(format!("{path}: another documentType → 400"), (reply.status, message(&reply)), said);
    }
    let attempt = server.close(&token, "FAILED").result().as_str().unwrap().to_owned();
    let stages = server.get(&format!("/attempts/{attempt}")).result()["stages"].clone();
    holds!("a 4xx at once makes no job", stages, json!([]));
}

#[test]
fn details_of_every_operation() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    let details =
        |reply: &Reply| server.get(&format!("/jobs/{}", reply.header("x-job-id").unwrap())).result()["details"].clone();
    let detect = details(&post_files(&server, &token, "/faces/detect", &[("file", "faces 2")], &[]));
    for field in ["box", "landmarks", "confidence"] {
        holds!(format!("detect: for each face `{field}`"), detect["file"]["faces"][1][field].is_null(), false);
    }
    let compare = details(&server.compare(&token, "cosine 0.5"));
    holds!("compare: the raw cosine similarity", compare["cosine"], json!(0.5));
    holds!("compare: the match decision at the configured threshold", compare["match"], json!(true));
    holds!("compare: with its false-match rate", compare["threshold"]["falseMatchRate"], json!(1e-4));
    let clip = details(&post_files(&server, &token, "/faces/check-blink", &[("clip", "blink@1 smile@3")], &[]));
    holds!("clips: frames with a face", clip["clip"]["frames"]["withFace"], json!(100));
    holds!("clips: blink count", clip["blinkCount"], json!(1));
    holds!("clips: smile span", clip["clip"]["smile"]["spans"][0]["start"], json!(3.0));
    holds!("clips: a same-person check across frames", clip["samePerson"]["throughout"], json!(true));
    let fields = [("documentType", "CEDULA"), ("documentId", "402-0057193-9")];
    let card = "document cedula front number=402-0057193-9 glare";
    let document = details(&post_files(&server, &token, "/documents/validate-identity", &[("file", card)], &fields));
    holds!("documents: class", document["document"]["class"], json!("CEDULA"));
    holds!("documents: side", document["document"]["side"], json!("FRONT"));
    holds!(
        "documents: every field read, with where it came from",
        document["fields"]["number"]["source"],
        json!("VIZ")
    );
    holds!("documents: capture warnings", document["warnings"][0]["warning"], json!("glare"));
    for field in ["mrz", "crossChecks", "file"] {
        holds!(format!("documents: `{field}`"), document.get(field).is_some(), true);
    }
}

#[test]
fn attempts() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    server.compare(&token, "cosine 0.9");
    let fields = [("documentType", "CEDULA"), ("documentId", "402-0057193-9")];
    post_files(&server, &token, "/documents/validate-identity", &[("file", "document cedula front")], &fields);
    let id = server.close(&token, "REVIEW").result().as_str().unwrap().to_owned();
    let attempt = server.get(&format!("/attempts/{id}")).result();
    holds!("`_id` and `id`", (&attempt["_id"], &attempt["id"]), (&json!(id), &json!(id)));
    holds!("`type`", attempt["type"], json!("SIGNUP"));
    holds!("`faces` (list)", attempt["faces"].as_array().unwrap().len(), 1);
    holds!("`status`", attempt["status"], json!("REVIEW"));
    holds!("`createdAt`, `updatedAt`", is_time(&attempt["createdAt"]) && is_time(&attempt["updatedAt"]), true);
    let stage = &attempt["stages"][0];
    holds!("a stage is named after its operation", stage["name"], json!("compare_faces"));
    holds!("`result` is status and output", stage["result"].as_object().unwrap().len(), 2);
    let face = &stage["input"]["face"];
    let address = face["file"].as_str().unwrap();
    holds!("input: a reference", address.starts_with(&format!("/v1/2face/attempts/{id}/files/")), true);
    holds!("input: its SHA-256", face["sha256"].as_str().unwrap().len(), 64);
    holds!("input: the parameters", attempt["stages"][1]["input"]["documentId"], json!("402-0057193-9"));
    let file = server.get(address.strip_prefix("/v1/2face").unwrap());
    holds!("the reference leads to the bytes", (file.status, file.body.as_slice()), (200, b"cosine 0.9".as_slice()));

    for status in ["", "REVIEW", "PENDING"] {
        let reply = server.post(&format!("/attempts/review/{id}"), &[("status", status)]);
        holds!("review: CANCELLED, FAILED or SUCCESS", reply.status, 400);
    }
    let reply = server.post(&format!("/attempts/review/{id}"), &[("status", "SUCCESS"), ("note", "seen")]);
    holds!("review: 200 → the attempt id", (reply.status, reply.result()), (200, json!(id)));
    let reply = server.post(&format!("/attempts/review/{id}"), &[("status", "FAILED")]);
    holds!("review: an attempt not in review → 409", reply.status, 409);

    let open = server.session();
    let listed = |query: &str| server.get(&format!("/attempts{query}")).result()["attempts"].as_array().unwrap().len();
    holds!("attempt status: PENDING while the session is open", listed("?status=PENDING"), 1);
    server.clock.advance(Duration::from_secs(30 * 60));
    holds!("attempt status: EXPIRED when it ran out unclosed", listed("?status=EXPIRED"), 1);
    holds!("GET /attempts: by status", listed("?status=SUCCESS"), 1);
    holds!("GET /attempts: by type", listed("?type=VALIDATION"), 0);
    holds!("GET /attempts: from", listed("?from=2030-01-01T00:00:00.000Z"), 0);
    holds!("GET /attempts: to", listed("?to=2030-01-01T00:00:00.000Z"), 2);
    holds!("GET /attempts: by documentId, in any spelling", listed("?documentId=40200571939"), 1);
    holds!("GET /attempts: by another documentId", listed("?documentId=001-0000000-9"), 0);
    holds!("GET /attempts: both together", listed("?documentId=402-0057193-9&status=FAILED"), 0);
    let page = server.get("/attempts?limit=1").result();
    let rest = listed(&format!("?limit=1&cursor={}", page["next"].as_str().unwrap()));
    holds!("GET /attempts: cursor paging", (page["attempts"].as_array().unwrap().len(), rest), (1, 1));
    for bad in ["?limit=101", "?limit=0", "?documentId=", "?documentId=--"] {
        holds!("GET /attempts: limit ≤ 100, a number", server.get(&format!("/attempts{bad}")).status, 400);
    }
    drop(open);
}

#[test]
fn attempts_of_a_document_come_in_pages_and_with_the_one_that_registered_it() {
    let server = Server::start_with(MANY_TRIES);
    let fields = [("documentType", "CEDULA"), ("documentId", "402-0057193-9")];
    let claimed = |_| {
        let token = server.session();
        post_files(&server, &token, "/documents/validate-identity", &[("file", "document neither")], &fields);
        post_files(&server, &token, "/documents/validate-identity", &[("file", "document neither")], &fields);
        server.close(&token, "FAILED").result().as_str().unwrap().to_owned()
    };
    let mut ids: Vec<String> = (0..3).map(claimed).collect();
    let registered = server.successful_attempt();
    let body = [("attempt", registered.as_str()), ("documentId", "40200571939"), ("documentType", "CEDULA")];
    assert_eq!(server.post("/users", &body).status, 200);
    ids.push(registered);
    server.successful_attempt();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get(&format!("/attempts?documentId=402-0057193-9&limit=2{cursor}")).result();
        let attempts = page["attempts"].as_array().unwrap();
        assert!(attempts.len() <= 2);
        seen.extend(attempts.iter().map(|attempt| attempt["id"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    ids.reverse();
    assert_eq!(seen, ids, "newest first, each once");
}

#[test]
fn users() {
    let server = Server::start();
    let attempt = server.successful_attempt();
    let metadata = json!({ "name": "Ana", "tags": [1, null] });
    let body =
        json!({ "attempt": attempt, "documentId": "001-1234567-8", "documentType": "CEDULA", "metadata": metadata });
    let reply = server.post_json("/users", &body);
    holds!("POST /users: registers one from a closed attempt", reply.status, 200);
    let user = reply.result();
    holds!("user: `_id` and `id`", user["_id"], user["id"]);
    holds!("user: `documentId`", user["documentId"], json!("001-1234567-8"));
    holds!("user: `documentType`", user["documentType"], json!("CEDULA"));
    holds!("user: `metadata`, returned as it came", user["metadata"], metadata);
    holds!("user: `attempt`", user["attempt"], json!(attempt));
    holds!("user: `createdAt`, `updatedAt`", is_time(&user["createdAt"]) && is_time(&user["updatedAt"]), true);
    holds!("user: `__v` (number)", user["__v"].is_number(), true);
    holds!("user: an embedding is never returned", user.as_object().unwrap().len(), 9);
    let id = user["id"].as_str().unwrap();
    holds!("GET /users/:id", server.get(&format!("/users/{id}")).result(), user);
    holds!("GET /users/document/:documentId", server.get("/users/document/001-1234567-8").result(), user);
    holds!("GET /users: list", server.get("/users").result()["users"], json!([user]));
    for path in ["/users/62788a0b0f1e2d3c4b5a6978", "/users/document/62788a0b0f1e2d3c4b5a6978"] {
        let reply = server.get(path);
        let said = "No entity found by ID: 62788a0b0f1e2d3c4b5a6978".to_owned();
        holds!("users: not found → 404", (reply.status, message(&reply)), (404, said));
    }
    for status in ["FAILED", "REVIEW"] {
        let attempt = server.close(&server.session(), status).result();
        let body = json!({ "attempt": attempt, "documentId": "N1", "documentType": "CEDULA" });
        holds!("registration needs an attempt with status SUCCESS", server.post_json("/users", &body).status, 409);
    }
    let body = json!({ "attempt": server.successful_attempt(), "documentId": "00112345678", "documentType": "CEDULA" });
    holds!("a documentId that is taken → 409", server.post_json("/users", &body).status, 409);
    let without = server.close(&server.session(), "SUCCESS").result();
    let body = json!({ "attempt": without, "documentId": "N2", "documentType": "PASSPORT" });
    holds!("no succeeded compare → registered without a face", server.post_json("/users", &body).status, 200);
    holds!("DELETE /users/:id", server.delete(&format!("/users/{id}")).status, 200);
    for path in [format!("/users/{id}"), format!("/attempts/{attempt}")] {
        holds!("erase with everything stored about the person", server.get(&path).status, 404);
    }
    let failed = server.close(&server.session(), "FAILED").result().as_str().unwrap().to_owned();
    holds!(
        "DELETE /attempts/:id: of a person who never became a user",
        server.delete(&format!("/attempts/{failed}")).status,
        200
    );
}

const SIGNUP: [(&str, &str); 3] =
    [("documentType", "CEDULA"), ("documentSide", "FRONT"), ("metadata", r#"{"name":"Ana"}"#)];

fn sign_up(server: &Server, token: &str, number: &str, face: &str) -> Reply {
    let card = format!("document cedula front number={number} portrait");
    post_files(server, token, "/jobs/start/signup", &[("document", &card), ("face", face)], &SIGNUP)
}

#[test]
fn workflows() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    let unknown = post_files(&server, &token, "/jobs/start/sign-up", &[("face", "x")], &[]);
    let said = (404, "No workflow found by name: sign-up".to_owned());
    holds!("POST /jobs/start: unknown name → 404", (unknown.status, message(&unknown)), said);
    let body = Body::multipart(&[("face", "f.jpg", b"person 1")], &[("documentId", "x")]);
    let headers = [("X-Tagshelf-Session", token.as_str())];
    let started = server.client.call("POST", "/v1/2face/jobs/start/validation", &headers, Some(body)).unwrap();
    holds!("POST /jobs/start: 200 → the job id", (started.status, is_id(&started.result())), (200, true));

    let missing = post_files(&server, &token, "/jobs/start/signup", &[("face", "x")], &[("documentType", "LICENCE")]);
    let (status, output) = outcome(&server, &missing);
    holds!("a missing or bad required field → 4 (Invalid)", (status, missing.status), (json!(4), 422));
    for field in ["document", "documentSide", "documentType", "metadata"] {
        let names = output["result"]["fields"].as_array().unwrap().iter().any(|one| one["field"] == json!(field));
        holds!(format!("output names each field: {field}"), names, true);
    }
    let passed = sign_up(&server, &token, "402-0057193-9", "cosine 0.9 person 1");
    let (status, output) = outcome(&server, &passed);
    let yes = json!({ "code": 200, "result": true });
    holds!("workflow, 2: every step passed", (status, &output), (json!(2), &yes));
    holds!("workflow: under Prefer: wait its own answer", passed.json(), yes);
    let failed = sign_up(&server, &token, "402-0057193-9", "cosine 0.1 person 1");
    holds!("workflow, 3: a step failed", outcome(&server, &failed).0, json!(3));
    let unread = sign_up(&server, &token, "402-0057193-9@0.5", "cosine 0.9 person 1");
    holds!("workflow, 4: a step was Invalid", outcome(&server, &unread).0, json!(4));
    let again = server.upload(&token, "/faces/compare", &[("document", "portrait"), ("face", "cosine 0.9")], WAIT);
    holds!("a workflow counts as itself", again.header("x-attempt-retries"), Some("99"));
}

#[test]
fn registration_by_a_workflow() {
    let server = Server::start_with(MANY_TRIES);
    let number = "402-0057193-9";
    let known = || server.get(&format!("/users/document/{number}")).status == 200;
    let token = server.session();
    sign_up(&server, &token, number, "cosine 0.9 person 1");
    holds!("signup registers only when the attempt is SUCCESS as well", known(), false);
    server.close(&token, "FAILED");
    holds!("a FAILED attempt registers nobody", known(), false);
    let token = server.session();
    sign_up(&server, &token, number, "cosine 0.1 person 1");
    server.close(&token, "SUCCESS");
    holds!("closing the session alone approves nobody", known(), false);
    let token = server.session();
    sign_up(&server, &token, number, "cosine 0.9 person 1");
    server.close(&token, "SUCCESS");
    holds!("its job Succeeded and the attempt SUCCESS", known(), true);
    let user = server.get(&format!("/users/document/{number}")).result();
    holds!("with the metadata that came as a JSON string", user["metadata"], json!({ "name": "Ana" }));

    let token = server.session();
    let validate = |face: &str, threshold: &str| {
        let fields = [("documentId", number), ("threshold", threshold)];
        post_files(
            &server,
            &token,
            "/jobs/start/validation",
            &[("face", face)],
            &fields[..if threshold.is_empty() { 1 } else { 2 }],
        )
    };
    holds!("validation: a fresh selfie matches the enrolled face", validate("person 1", "").result(), json!(true));
    holds!("validation: another face", validate("person 2", "").result(), json!(false));
    holds!("validation: `threshold` is optional", validate("person 1", "90").result(), json!(true));
}
