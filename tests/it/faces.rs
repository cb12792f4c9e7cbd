//! `/faces/detect` and `/faces/compare`: outcomes as the contract's table has them, and the tries of a session.

use serde_json::json;

use crate::harness::{Server, message, refusal};

const WAIT: &[(&str, &str)] = &[("Prefer", "wait=30")];

#[test]
fn detect_answers_with_the_number_of_faces() {
    let server = Server::start_with("[sessions]\ntries = 10");
    let token = server.session();
    for (photo, count) in [("faces 0", 0), ("faces 1", 1), ("faces 7", 7)] {
        let reply = server.upload(&token, "/faces/detect", &[("file", photo)], WAIT);
        assert_eq!(reply.json(), json!({ "code": 200, "result": count }));
        assert_eq!(reply.header("preference-applied"), Some("wait"));
        let job = server.get(&format!("/jobs/{}", reply.header("x-job-id").unwrap())).result();
        assert_eq!(job["status"], json!(if count > 0 { 2 } else { 3 }));
        assert_eq!(job["details"]["file"]["faceCount"], json!(count));
    }
}

#[test]
fn compare_succeeds_from_the_threshold_on_and_tells_the_score_either_way() {
    let server = Server::start_with("[sessions]\ntries = 10");
    let token = server.session();
    for (cosine, score, status) in [(0.399, 64.85, 3), (0.4, 65.0, 2), (0.5, 80.0, 2), (-0.2, 30.769_230_769_230_77, 3)]
    {
        let reply = server.compare(&token, &format!("cosine {cosine}"));
        let result = reply.result().as_f64().unwrap();
        assert!((result - score).abs() < 1e-9, "{cosine}: {result}");
        let job = server.get(&format!("/jobs/{}", reply.header("x-job-id").unwrap())).result();
        assert_eq!(job["status"], json!(status), "{job}");
        assert_eq!(job["output"], reply.json());
        assert_eq!(job["details"]["match"], json!(status == 2));
        assert_eq!(job["details"]["cosine"], json!(cosine));
        assert_eq!(job["details"]["threshold"]["falseMatchRate"], json!(1e-4));
        assert_eq!(job["workflow"], json!("compare_faces"));
    }
}

#[test]
fn two_photos_at_detect_s_address_are_a_compare() {
    let server = Server::start();
    let token = server.session();
    let files = [("document", "portrait"), ("face", "cosine 0.5")];
    let reply = server.upload(&token, "/faces/detect", &files, WAIT);
    assert_eq!(reply.json(), json!({ "code": 200, "result": 80.0 }));
    let again = server.compare(&token, "cosine 0.5");
    assert_eq!(again.header("x-attempt-retries"), Some("1"), "both counted as compare");
}

#[test]
fn a_photo_that_cannot_be_examined_is_an_invalid_job_with_advice() {
    let server = Server::start_with("[sessions]\ntries = 10");
    let token = server.session();
    let cases = [
        ("/faces/compare", vec![("document", "portrait"), ("face", "")], "empty_file", "face"),
        ("/faces/compare", vec![("document", "damaged"), ("face", "cosine 1")], "damaged_file", "document"),
        ("/faces/compare", vec![("document", "portrait"), ("face", "no face")], "no_face", "face"),
        ("/faces/detect", vec![("file", "damaged")], "damaged_file", "file"),
        ("/faces/detect", vec![("file", "panic")], "examination_failed", ""),
    ];
    for (path, files, error, field) in cases {
        let reply = server.upload(&token, path, &files, WAIT);
        assert_eq!(reply.status, 422, "{}", reply.json());
        assert_eq!(reply.json()["code"], json!(422));
        assert_eq!(reply.result()["error"], json!(error));
        assert!(message(&reply).contains(field));
        let job = server.get(&format!("/jobs/{}", reply.header("x-job-id").unwrap())).result();
        assert_eq!((job["status"].clone(), job["output"].clone()), (json!(4), reply.json()));
    }
    let reply = server.upload(&token, "/faces/detect", &[("file", "faces 1")], WAIT);
    assert_eq!(reply.status, 200, "a panic harms no later job");
}

#[test]
fn a_missing_file_is_refused_at_once_and_costs_no_try() {
    let server = Server::start();
    let token = server.session();
    for (path, files) in [
        ("/faces/detect", vec![("photo", "x")]),
        ("/faces/compare", vec![("face", "x")]),
        ("/faces/compare", vec![("document", "x")]),
        ("/faces/detect", vec![("face", "x")]),
    ] {
        let reply = server.upload(&token, path, &files, &[]);
        assert_eq!(refusal(&reply), (400, "file_required".into()), "{path} {files:?}");
        assert_eq!(message(&reply), "A file is required for this operation.");
        assert_eq!(reply.header("x-attempt-retries"), Some("3"));
    }
    let headers = [("X-Tagshelf-Session", token.as_str())];
    let reply = server.client.call("POST", "/v1/2face/faces/detect", &headers, None).unwrap();
    assert_eq!(refusal(&reply), (400, "file_required".into()));
}

#[test]
fn a_session_has_three_tries_for_each_operation() {
    let server = Server::start();
    let token = server.session();
    for left in ["2", "1", "0"] {
        let reply = server.upload(&token, "/faces/detect", &[("file", "faces 1")], &[]);
        assert_eq!(reply.status, 200);
        assert_eq!((reply.header("x-attempt-limit"), reply.header("x-attempt-retries")), (Some("3"), Some(left)));
    }
    let reply = server.upload(&token, "/faces/detect", &[("file", "faces 1")], &[]);
    assert_eq!(refusal(&reply), (429, "no_tries_left".into()));
    assert_eq!((reply.header("x-attempt-limit"), reply.header("x-attempt-retries")), (Some("3"), Some("0")));
    assert_eq!(server.compare(&token, "cosine 0.5").status, 200, "another operation has its own tries");
    let other = server.session();
    assert_eq!(server.upload(&other, "/faces/detect", &[("file", "faces 1")], &[]).status, 200);
}
