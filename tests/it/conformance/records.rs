//! What is left of sessions: attempts, users, and what workflows register.

use std::time::Duration;

use serde_json::json;
use twoface::client::{Body, Reply};

use super::{MANY_TRIES, WAIT, is_id, is_time, outcome, post_files};
use crate::harness::{Server, message};

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
