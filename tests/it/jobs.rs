//! `GET /jobs/:id`, waiting, and a full queue.

use serde_json::json;

use crate::harness::{Server, message, refusal};

#[test]
fn a_job_is_seen_in_progress_and_then_succeeded() {
    let server = Server::start();
    let token = server.session();
    let reply = server.upload(&token, "/faces/detect", &[("file", "wait faces 2")], &[]);
    let id = reply.result().as_str().unwrap().to_owned();
    assert_eq!(reply.header("x-job-id"), Some(id.as_str()));
    assert_eq!(reply.header("preference-applied"), None);
    let before = server.get(&format!("/jobs/{id}")).result();
    assert!(before["status"] == json!(0) || before["status"] == json!(1), "{before}");
    assert_eq!(before["output"], json!({}));
    server.gate.open();
    let done = finished(&server, &id);
    assert_eq!(done["output"], json!({ "code": 200, "result": 2 }));
    assert_eq!(done["createdAt"], json!("2022-05-09T03:32:11.748Z"));
    assert!(done["startedAt"].is_string() && done["finishedAt"].is_string());
}

#[test]
fn a_wait_that_runs_out_answers_with_the_job_s_id() {
    let server = Server::start();
    let token = server.session();
    let reply = server.upload(&token, "/faces/detect", &[("file", "wait faces 2")], &[("Prefer", "wait=0")]);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.result().as_str(), reply.header("x-job-id"));
    server.gate.open();
    finished(&server, reply.header("x-job-id").unwrap());
}

#[test]
fn a_job_is_read_by_its_account_and_its_session_only() {
    let server = Server::start();
    let (token, other) = (server.session(), server.session());
    let reply = server.upload(&token, "/faces/detect", &[("file", "faces 1")], &[("Prefer", "wait=30")]);
    let id = reply.header("x-job-id").unwrap().to_owned();
    let path = format!("/v1/2face/jobs/{id}");
    let as_session = |token: &str| server.client.call("GET", &path, &[("X-Tagshelf-Session", token)], None).unwrap();
    assert_eq!(as_session(&token).status, 200);
    let expected = format!("No entity found by ID: {id}");
    for refused in [as_session(&other), server.get_as(&server.stranger_key(), &format!("/jobs/{id}"))] {
        assert_eq!(refusal(&refused), (404, "not_found".into()));
        assert_eq!(message(&refused), expected);
    }
    for unknown in ["000000000000000000000000", "nonsense"] {
        assert_eq!(message(&server.get(&format!("/jobs/{unknown}"))), format!("No entity found by ID: {unknown}"));
    }
}

#[test]
fn a_full_queue_refuses_and_writes_nothing() {
    let server = Server::start_with("[jobs]\nworkers = 1\nqueue_max = 1\n[sessions]\ntries = 50");
    let token = server.session();
    let mut accepted = Vec::new();
    let refused = loop {
        let reply = server.upload(&token, "/faces/detect", &[("file", "wait faces 1")], &[]);
        match reply.status {
            200 => accepted.push(reply),
            _ => break reply,
        }
        assert!(accepted.len() <= 2, "one runs, one waits");
    };
    assert_eq!(refusal(&refused), (503, "busy".into()));
    assert_eq!(refused.header("retry-after"), Some("1"));
    let left = accepted.last().unwrap().header("x-attempt-retries").unwrap().to_owned();
    assert_eq!(refused.header("x-attempt-retries"), Some(left.as_str()), "no try was counted");
    server.gate.open();
    for reply in &accepted {
        finished(&server, reply.header("x-job-id").unwrap());
    }
    let attempt = server.close(&token, "FAILED").result().as_str().unwrap().to_owned();
    let stages = server.get(&format!("/attempts/{attempt}")).result()["stages"].as_array().unwrap().len();
    assert_eq!(stages, accepted.len());
}

fn finished(server: &Server, id: &str) -> serde_json::Value {
    for _ in 0..3000 {
        let job = server.get(&format!("/jobs/{id}")).result();
        if job["status"].as_u64().is_some_and(|status| status >= 2) {
            return job;
        }
        twoface::clock::pause(std::time::Duration::from_millis(10));
    }
    panic!("job {id} did not end");
}
