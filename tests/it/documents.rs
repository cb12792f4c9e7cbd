//! `/documents/…`: every line of the contract, with scripted photos.

use serde_json::{Value, json};
use twoface::client::{Body, Reply};
use twoface::domain::user::DocumentNumber;

use crate::harness::{Server, message, refusal};
use crate::script::PORTRAIT;

const MANY_TRIES: &str = "[sessions]\ntries = 100";
const NUMBER: &str = "402-0057193-9";
const CARD: &str = "document cedula front number=402-0057193-9 portrait";

/// Posts `file` with the other fields and waits.
fn post(server: &Server, token: &str, path: &str, file: Option<&str>, fields: &[(&str, &str)]) -> Reply {
    let files: Vec<(&str, &str, &[u8])> = file.map(|text| ("file", "photo.jpg", text.as_bytes())).into_iter().collect();
    let headers = [("X-Tagshelf-Session", token), ("Prefer", "wait=30")];
    let body = Body::multipart(&files, fields);
    server.client.call("POST", &format!("/v1/2face/documents/{path}"), &headers, Some(body)).unwrap()
}

fn job(server: &Server, reply: &Reply) -> Value {
    server.get(&format!("/jobs/{}", reply.header("x-job-id").unwrap())).result()
}

fn kind(server: &Server, token: &str, file: &str, class: &str, side: Option<&str>) -> Reply {
    let mut fields = vec![("documentType", class)];
    fields.extend(side.map(|side| ("side", side)));
    post(server, token, "validate-document-type", Some(file), &fields)
}

fn identity(server: &Server, token: &str, file: &str, class: &str, number: &str) -> Reply {
    post(server, token, "validate-identity", Some(file), &[("documentType", class), ("documentId", number)])
}

#[test]
fn a_document_is_what_the_client_says_from_the_side_that_it_says() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    let cases = [
        (CARD, "CEDULA", None, true),
        (CARD, "CEDULA", Some("FRONT"), true),
        (CARD, "CEDULA", Some("BACK"), false),
        (CARD, "PASSPORT", None, false),
        ("document cedula back", "CEDULA", Some("BACK"), true),
        ("document cedula back", "CEDULA", None, false),
        ("document passport front", "PASSPORT", Some("FRONT"), true),
        ("document passport front", "PASSPORT", Some("BACK"), false),
        ("document neither", "CEDULA", None, false),
        ("document neither", "PASSPORT", None, false),
    ];
    for (file, class, side, expected) in cases {
        let reply = kind(&server, &token, file, class, side);
        assert_eq!(reply.json(), json!({ "code": 200, "result": expected }), "{file} {class} {side:?}");
        assert_eq!(reply.header("preference-applied"), Some("wait"));
        let job = job(&server, &reply);
        assert_eq!(job["status"], json!(if expected { 2 } else { 3 }));
        assert_eq!((&job["output"], &job["workflow"]), (&reply.json(), &json!("validate_document_type")));
        assert!(job["details"]["document"]["evidence"].is_array() && job["details"]["models"].is_array(), "{job}");
    }
}

#[test]
fn what_is_wrong_with_the_fields_is_said_before_there_is_a_job() {
    let server = Server::start();
    let token = server.session();
    let wrong_type = (400, "bad_document_type".to_owned());
    for path in ["validate-document-type", "validate-identity"] {
        for class in ["", "LICENCE", "cedula", "FRONT"] {
            let reply = post(&server, &token, path, Some(CARD), &[("documentType", class), ("documentId", NUMBER)]);
            assert_eq!(refusal(&reply), wrong_type, "{class}");
            assert_eq!(message(&reply), "'documentType' must be one of the following: CEDULA, PASSPORT");
        }
        assert_eq!(refusal(&post(&server, &token, path, Some(CARD), &[("documentId", NUMBER)])), wrong_type);
        let reply = post(&server, &token, path, None, &[("documentType", "CEDULA"), ("documentId", NUMBER)]);
        assert_eq!(refusal(&reply), (400, "file_required".into()));
        assert_eq!(message(&reply), "A file is required for this operation.");
    }
    let reply = kind(&server, &token, CARD, "CEDULA", Some("LEFT"));
    assert_eq!(refusal(&reply), (400, "bad_field".into()));
    assert!(message(&reply).contains("`side`"), "{}", message(&reply));
    for number in ["", "   ", "---"] {
        let reply = identity(&server, &token, CARD, "CEDULA", number);
        assert_eq!(refusal(&reply), (400, "bad_field".into()), "{number:?}");
        assert!(message(&reply).contains("`documentId`"));
    }
    let reply = post(&server, "no session", "validate-identity", Some(CARD), &[("documentType", "CEDULA")]);
    assert_eq!(refusal(&reply), (403, "invalid_token".into()));
    // None of these was a try.
    let reply = kind(&server, &token, CARD, "CEDULA", None);
    assert_eq!((reply.header("x-attempt-limit"), reply.header("x-attempt-retries")), (Some("3"), Some("2")));
}

#[test]
fn tries_count_for_each_operation_by_itself() {
    let server = Server::start();
    let token = server.session();
    for left in ["2", "1", "0"] {
        let reply = identity(&server, &token, CARD, "CEDULA", NUMBER);
        assert_eq!(reply.header("x-attempt-retries"), Some(left));
    }
    assert_eq!(refusal(&identity(&server, &token, CARD, "CEDULA", NUMBER)), (429, "no_tries_left".into()));
    assert_eq!(kind(&server, &token, CARD, "CEDULA", None).header("x-attempt-retries"), Some("2"));
}

#[test]
fn a_number_is_the_same_only_if_it_was_read_surely_and_exactly() {
    let server = Server::start_with(MANY_TRIES);
    server.keep_secret("0057193");
    let token = server.session();
    let passport = "document passport front zone=RD4589123@0.99";
    let cases = [
        (CARD, "CEDULA", NUMBER, true),
        (CARD, "CEDULA", "40200571939", true),
        (CARD, "CEDULA", "402 0057193 9", true),
        (CARD, "CEDULA", "402-0057193-8", false),
        (CARD, "CEDULA", "402-0057913-9", false),
        (CARD, "CEDULA", "0057193", false),
        (CARD, "PASSPORT", NUMBER, false),
        (passport, "PASSPORT", "RD4589123", true),
        (passport, "PASSPORT", "rd 4589123", true),
        (passport, "PASSPORT", "RD4589124", false),
        (passport, "CEDULA", "RD4589123", false),
        // The number of an earlier card is not the person's number.
        ("document cedula back previous=402-0057193-9 zone=001-0000000-9", "CEDULA", NUMBER, false),
        // Two sources that surely say two things confirm neither.
        ("document cedula back number=402-0057193-9 zone=001-0000000-9", "CEDULA", NUMBER, false),
    ];
    for (file, class, number, expected) in cases {
        let reply = identity(&server, &token, file, class, number);
        assert_eq!(reply.json(), json!({ "code": 200, "result": expected }), "{file}: {class} {number}");
        let job = job(&server, &reply);
        assert_eq!(
            (&job["status"], &job["workflow"]),
            (&json!(if expected { 2 } else { 3 }), &json!("validate_identity"))
        );
    }
}

#[test]
fn a_number_that_cannot_be_read_is_invalid_and_says_what_to_do() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    let doubtful = "document cedula front number=402-0057193-9@0.6 glare";
    let cases = [
        (doubtful, "number_doubtful", "Character 5"),
        (doubtful, "number_doubtful", "avoid glare"),
        ("document cedula front blurred", "number_unreadable", "hold the camera still"),
        ("document cedula front", "number_unreadable", "come closer"),
        ("document neither", "no_document", "hold the document straight"),
        ("damaged", "damaged_file", "`file`"),
    ];
    for (file, error, advice) in cases {
        let reply = identity(&server, &token, file, "CEDULA", NUMBER);
        assert_eq!((reply.status, reply.result()["error"].clone()), (422, json!(error)), "{file}");
        assert!(message(&reply).contains(advice), "{}", message(&reply));
        assert_eq!(job(&server, &reply)["status"], json!(4));
    }
    // The doubtful number is neither accepted nor called another's, whichever is asked for.
    let reply = identity(&server, &token, doubtful, "CEDULA", "402-0857193-9");
    let details = job(&server, &reply)["details"].clone();
    assert_eq!(details["number"]["read"]["doubtful"][0]["perhaps"], json!("8"));
    let reply = kind(&server, &token, "document neither blurred", "CEDULA", None);
    assert_eq!((reply.status, reply.result()["error"].clone()), (422, json!("unreadable_photo")));
}

#[test]
fn a_job_s_id_comes_at_once_without_the_preference() {
    let server = Server::start();
    let token = server.session();
    let files: [(&str, &str, &[u8]); 1] = [("file", "photo.jpg", CARD.as_bytes())];
    let body = Body::multipart(&files, &[("documentType", "CEDULA"), ("documentId", NUMBER)]);
    let headers = [("X-Tagshelf-Session", token.as_str())];
    let reply = server.client.call("POST", "/v1/2face/documents/validate-identity", &headers, Some(body)).unwrap();
    assert_eq!((reply.status, reply.result()), (200, json!(reply.header("x-job-id").unwrap())));
}

#[test]
fn the_portrait_is_a_file_of_the_job_and_goes_with_the_person() {
    let server = Server::start();
    let token = server.session();
    assert_eq!(identity(&server, &token, CARD, "CEDULA", NUMBER).status, 200);
    let id = server.close(&token, "FAILED").result().as_str().unwrap().to_owned();
    let stage = server.get(&format!("/attempts/{id}")).result()["stages"][0].clone();
    assert_eq!((&stage["name"], &stage["result"]["status"]), (&json!("validate_identity"), &json!("COMPLETED")));
    assert_eq!(stage["input"]["documentType"], json!("CEDULA"));
    let path = stage["input"]["portrait"]["file"].as_str().unwrap().strip_prefix("/v1/2face").unwrap().to_owned();
    assert_eq!(server.get(&path).body, PORTRAIT);
    assert_eq!(server.delete(&format!("/attempts/{id}")).status, 200);
    assert_eq!(server.get(&path).status, 404);
}

#[test]
fn retention_takes_the_portrait_with_the_photo() {
    let server = Server::start();
    let token = server.session();
    kind(&server, &token, CARD, "CEDULA", None);
    let id = server.close(&token, "FAILED").result().as_str().unwrap().to_owned();
    server.keep_for(Some(1), None);
    server.clock.advance(std::time::Duration::from_secs(2 * 24 * 60 * 60));
    assert_eq!(server.sweep(), (2, 0));
    let input = server.get(&format!("/attempts/{id}")).result()["stages"][0]["input"].clone();
    assert!(input["portrait"]["removedAt"].is_string() && input["file"]["removedAt"].is_string(), "{input}");
}

#[test]
fn erasing_a_number_reaches_those_who_were_refused() {
    let server = Server::start();
    let number = DocumentNumber::parse("40200571939").unwrap();
    let attempt_of = |file: &str, asked: &str| {
        let token = server.session();
        identity(&server, &token, file, "CEDULA", asked);
        server.close(&token, "FAILED").result().as_str().unwrap().to_owned()
    };
    let claimed = attempt_of("document neither", NUMBER);
    let read = attempt_of(CARD, "001-0000000-9");
    let earlier = attempt_of("document cedula back previous=402-0057193-9", "001-0000000-9");
    let other = attempt_of("document cedula front number=001-0000000-9", "001-0000000-9");
    let erased = server.erase_document(&number).unwrap();
    assert_eq!(erased.subjects, 3);
    for id in [claimed, read, earlier] {
        assert_eq!(server.get(&format!("/attempts/{id}")).status, 404);
    }
    assert_eq!(server.get(&format!("/attempts/{other}")).status, 200);
    assert!(server.erase_document(&number).is_err(), "nothing is left of it");
}
