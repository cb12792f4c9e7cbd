//! `GET /attempts/:id`: stages, files, statuses.

use std::time::Duration;

use serde_json::json;

use twoface::domain::time::Timestamp;

use crate::harness::{START, Server, message, refusal};

#[test]
fn an_attempt_has_a_stage_for_each_job_with_references_to_its_files() {
    let server = Server::start();
    let token = server.session();
    server.compare(&token, "cosine 0.9");
    server.compare(&token, "cosine 0.1");
    server.upload(&token, "/faces/detect", &[("file", "damaged")], &[("Prefer", "wait=30")]);
    let id = server.close(&token, "SUCCESS").result().as_str().unwrap().to_owned();
    let attempt = server.get(&format!("/attempts/{id}")).result();
    assert_eq!((&attempt["_id"], &attempt["id"]), (&json!(id), &json!(id)));
    assert_eq!(attempt["type"], json!("SIGNUP"));
    assert_eq!(attempt["status"], json!("SUCCESS"));
    assert_eq!(attempt["faces"].as_array().unwrap().len(), 2);
    let stages = attempt["stages"].as_array().unwrap();
    let seen: Vec<_> = stages.iter().map(|stage| (stage["name"].clone(), stage["result"]["status"].clone())).collect();
    assert_eq!(
        seen,
        [
            (json!("compare_faces"), json!("COMPLETED")),
            (json!("compare_faces"), json!("FAILED")),
            (json!("detect_faces"), json!("FAILED")),
        ]
    );
    assert_eq!(stages[2]["result"]["output"]["result"]["error"], json!("damaged_file"));

    let face = &stages[0]["input"]["face"];
    let path = face["file"].as_str().unwrap().strip_prefix("/v1/2face").unwrap();
    let bytes = server.get(path);
    assert_eq!((bytes.status, bytes.body.as_slice()), (200, b"cosine 0.9".as_slice()));
    assert_eq!(face["sha256"], json!(twoface::domain::hex::encode(&twoface::crypto::sha256(b"cosine 0.9"))));
    assert_eq!(refusal(&server.get_as(&server.stranger_key(), path)), (404, "not_found".into()));
    assert_eq!(refusal(&server.get(&format!("/attempts/{id}/files/none"))), (404, "not_found".into()));
}

#[test]
fn an_unclosed_attempt_is_pending_and_then_expired() {
    let server = Server::start();
    let token = server.session();
    let reply = server.upload(&token, "/faces/detect", &[("file", "faces 1")], &[("Prefer", "wait=30")]);
    // The job's stage leads to the attempt: its file's address names it.
    let id = reply.header("x-job-id").unwrap().to_owned();
    assert_eq!(server.get(&format!("/jobs/{id}")).status, 200);
    let open = server.session();
    server.clock.advance(Duration::from_secs(60));
    let closed = server.close(&open, "FAILED").result().as_str().unwrap().to_owned();
    assert_eq!(server.get(&format!("/attempts/{closed}")).result()["status"], json!("FAILED"));
    server.clock.advance(Duration::from_secs(31 * 60));
    assert_eq!(server.expire_sessions(), 1);
    assert_eq!(server.get(&format!("/attempts/{closed}")).result()["status"], json!("FAILED"), "a closed one stays");
}

#[test]
fn another_account_s_attempt_does_not_exist() {
    let server = Server::start();
    let id = server.successful_attempt();
    let stranger = server.stranger_key();
    assert_eq!(refusal(&server.get_as(&stranger, &format!("/attempts/{id}"))), (404, "not_found".into()));
}

#[test]
fn an_attempt_whose_person_never_became_a_user_is_erased_with_its_files() {
    let server = Server::start();
    let id = server.successful_attempt();
    let record = server.get(&format!("/attempts/{id}")).result();
    let file =
        record["stages"][0]["input"]["face"]["file"].as_str().unwrap().strip_prefix("/v1/2face").unwrap().to_owned();
    assert_eq!(server.get(&file).status, 200);
    assert_eq!(server.delete(&format!("/attempts/{id}")).result(), json!(id));
    for path in [format!("/attempts/{id}"), file] {
        assert_eq!(refusal(&server.get(&path)), (404, "not_found".into()));
    }
    assert_eq!(refusal(&server.delete(&format!("/attempts/{id}"))), (404, "not_found".into()));

    let taken = server.successful_attempt();
    let fields = [("attempt", taken.as_str()), ("documentId", "Z9"), ("documentType", "CEDULA")];
    assert_eq!(server.post("/users", &fields).status, 200);
    assert_eq!(refusal(&server.delete(&format!("/attempts/{taken}"))), (409, "attempt_has_user".into()));
}

#[test]
fn an_attempt_erased_while_its_job_runs_stays_erased() {
    let server = Server::start();
    let token = server.session();
    server.upload(&token, "/faces/detect", &[("file", "wait faces 1")], &[]);
    let id = server.close(&token, "FAILED").result().as_str().unwrap().to_owned();
    assert_eq!(server.delete(&format!("/attempts/{id}")).status, 200);
    server.gate.open();
    assert_eq!(refusal(&server.get(&format!("/attempts/{id}"))), (404, "not_found".into()));
}

#[test]
fn photos_and_attempts_expire_by_the_account_s_own_days() {
    let server = Server::start();
    let old = server.successful_attempt();
    let day = Duration::from_secs(24 * 60 * 60);
    server.keep_for(Some(10), Some(20));
    server.clock.advance(day * 9);
    let young = server.successful_attempt();
    assert_eq!(server.sweep(), (0, 0));
    server.clock.advance(day);
    assert_eq!(server.sweep(), (2, 0), "both photos of the old attempt");
    assert_eq!(server.sweep(), (0, 0));
    let record = server.get(&format!("/attempts/{old}")).result();
    let face = &record["stages"][0]["input"]["face"];
    assert!(face["sha256"].is_string() && face["removedAt"].is_string(), "{face}");
    let path = face["file"].as_str().unwrap().strip_prefix("/v1/2face").unwrap();
    assert_eq!(refusal(&server.get(path)), (404, "not_found".into()));
    server.clock.advance(day * 10);
    assert_eq!(server.sweep(), (2, 1));
    assert_eq!(refusal(&server.get(&format!("/attempts/{old}"))), (404, "not_found".into()));
    assert_eq!(server.get(&format!("/attempts/{young}")).status, 200);
}

#[test]
fn attempts_are_listed_newest_first_by_status_type_and_time() {
    let server = Server::start();
    let closed = |status: &str| {
        server.clock.advance(Duration::from_secs(10));
        server.close(&server.session(), status).result().as_str().unwrap().to_owned()
    };
    let (first, second, third) = (closed("SUCCESS"), closed("REVIEW"), closed("FAILED"));
    server.clock.advance(Duration::from_secs(10));
    server.session();
    let listed = |query: &str| -> Vec<String> {
        let result = server.get(&format!("/attempts{query}")).result();
        result["attempts"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = listed("");
    assert_eq!((all.len(), &all[1..]), (4, &[third.clone(), second.clone(), first.clone()][..]));
    assert_eq!(listed("?status=REVIEW"), std::slice::from_ref(&second));
    assert_eq!(listed("?status=PENDING"), [all[0].clone()]);
    assert_eq!(listed("?type=VALIDATION"), Vec::<String>::new());
    let at = |seconds: i64| Timestamp::from_millis(START.as_millis() + seconds * 1000).to_string();
    assert_eq!(listed(&format!("?from={}&to={}", at(15), at(25))), std::slice::from_ref(&second));
    assert_eq!(listed(&format!("?to={}", at(10))), std::slice::from_ref(&first));

    let page = server.get("/attempts?limit=3").result();
    assert_eq!(page["attempts"].as_array().unwrap().len(), 3);
    assert_eq!(listed(&format!("?cursor={}", page["next"].as_str().unwrap())), [first]);
    assert_eq!(server.get("/attempts").result()["next"], json!(null));

    server.clock.advance(Duration::from_secs(31 * 60));
    assert_eq!(listed("?status=EXPIRED"), [all[0].clone()], "it ran out though nothing was written yet");
    for bad in ["?status=NONE", "?type=x", "?from=yesterday", "?limit=0", "?limit=101", "?cursor=x"] {
        assert_eq!(refusal(&server.get(&format!("/attempts{bad}"))), (400, "bad_field".into()), "{bad}");
    }
    assert_eq!(server.get_as(&server.stranger_key(), "/attempts").result()["attempts"], json!([]));
}

#[test]
fn an_attempt_in_review_is_settled_once() {
    let server = Server::start();
    let id = server.close(&server.session(), "REVIEW").result().as_str().unwrap().to_owned();
    let review = |id: &str, status: &str, note: &str| {
        server.post(&format!("/attempts/review/{id}"), &[("status", status), ("note", note)])
    };
    let bad = review(&id, "REVIEW", "");
    assert_eq!(refusal(&bad), (400, "bad_status".into()));
    assert_eq!(message(&bad), "`status` must be one of the following: CANCELLED,FAILED,SUCCESS");
    assert_eq!(refusal(&review(&id, "SUCCESS", &"n".repeat(2_001))), (400, "bad_field".into()));
    let path = format!("/v1/2face/attempts/review/{id}");
    let stranger = server.stranger_key();
    let of_stranger = server.client.call(
        "POST",
        &path,
        &[("Authorization", &stranger)],
        Some(twoface::client::Body::form(&[("status", "SUCCESS")])),
    );
    assert_eq!(refusal(&of_stranger.unwrap()), (404, "not_found".into()));

    let settled = review(&id, "SUCCESS", "seen in the branch");
    assert_eq!((settled.status, settled.result()), (200, json!(id)));
    let attempt = server.get(&format!("/attempts/{id}")).result();
    assert_eq!((&attempt["status"], &attempt["review"]["note"]), (&json!("SUCCESS"), &json!("seen in the branch")));
    assert!(attempt["review"]["key"].is_string() && attempt["review"]["at"].is_string(), "{attempt}");
    assert_eq!(refusal(&review(&id, "FAILED", "")), (409, "attempt_not_in_review".into()));

    let cancelled = server.close(&server.session(), "REVIEW").result().as_str().unwrap().to_owned();
    assert_eq!(review(&cancelled, "CANCELLED", "").status, 200);
    assert_eq!(server.get(&format!("/attempts/{cancelled}")).result()["status"], json!("CANCELLED"));
    let open = server.close(&server.session(), "SUCCESS").result().as_str().unwrap().to_owned();
    assert_eq!(refusal(&review(&open, "FAILED", "")), (409, "attempt_not_in_review".into()));
}
