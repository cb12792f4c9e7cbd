//! `/jobs/start/:workflowName`: sign-up and validation, whom they register, and what sends an attempt to review.

use serde_json::{Value, json};
use twoface::admin::reply::{Reply as Answer, Warning};
use twoface::admin::request::Request;
use twoface::client::{Body, Reply};
use twoface::domain::audit::Actor;
use twoface::domain::evidence::Embedder;
use twoface::domain::user::DocumentNumber;
use twoface::service::blocklist::Blocking;

use crate::harness::{Server, message, refusal};

const MANY_TRIES: &str = "[sessions]\ntries = 100";
const NUMBER: &str = "402-0057193-9";

fn card(number: &str) -> String {
    format!("document cedula front number={number} portrait")
}

/// Starts a workflow and waits.
fn start(server: &Server, token: &str, name: &str, files: &[(&str, &str)], fields: &[(&str, &str)]) -> Reply {
    let files: Vec<(&str, &str, &[u8])> =
        files.iter().map(|(field, text)| (*field, "photo.jpg", text.as_bytes())).collect();
    let headers = [("X-Tagshelf-Session", token), ("Prefer", "wait=30")];
    let body = Body::multipart(&files, fields);
    server.client.call("POST", &format!("/v1/2face/jobs/start/{name}"), &headers, Some(body)).unwrap()
}

const FIELDS: [(&str, &str); 3] =
    [("documentType", "CEDULA"), ("documentSide", "FRONT"), ("metadata", r#"{"name": "Zoraida"}"#)];

fn sign_up(server: &Server, token: &str, number: &str, face: &str) -> Reply {
    start(server, token, "signup", &[("document", &card(number)), ("face", face)], &FIELDS)
}

fn job(server: &Server, reply: &Reply) -> Value {
    server.get(&format!("/jobs/{}", reply.header("x-job-id").unwrap())).result()
}

/// An Invalid job's status and slug.
fn invalid(reply: &Reply) -> (u16, String) {
    (reply.status, reply.result()["error"].as_str().unwrap_or_default().to_owned())
}

fn close(server: &Server, token: &str) -> Value {
    let attempt = server.close(token, "SUCCESS").result();
    server.get(&format!("/attempts/{}", attempt.as_str().unwrap())).result()
}

fn is_user(server: &Server, number: &str) -> bool {
    server.get(&format!("/users/document/{number}")).status == 200
}

#[test]
fn a_sign_up_reads_compares_and_registers_once_the_attempt_is_a_success() {
    let server = Server::start();
    server.keep_secret("Zoraida");
    server.keep_secret("0057193");
    let token = server.session();
    let reply = sign_up(&server, &token, NUMBER, "cosine 0.8 person 1");
    assert_eq!(reply.json(), json!({ "code": 200, "result": true }));
    assert_eq!((reply.header("x-attempt-limit"), reply.header("x-attempt-retries")), (Some("3"), Some("2")));
    let job = job(&server, &reply);
    assert_eq!((&job["status"], &job["workflow"]), (&json!(2), &json!("signup")));
    assert_eq!(job["details"]["workflow"]["version"], json!(1));
    assert_eq!(job["details"]["documentId"], json!(NUMBER));
    let names: Vec<&str> =
        job["details"]["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["validate_document_type", "read_number", "compare_faces", "search_people"]);
    assert!(!is_user(&server, NUMBER), "the session is still open");

    let attempt = close(&server, &token);
    assert_eq!(attempt["status"], json!("SUCCESS"));
    let user = server.get(&format!("/users/document/{NUMBER}")).result();
    assert_eq!(attempt["registration"], json!({ "user": user["id"] }));
    assert_eq!((&user["metadata"], &user["attempt"]), (&json!({ "name": "Zoraida" }), &attempt["id"]));
    let stage = &attempt["stages"][0];
    assert_eq!((&stage["name"], &stage["result"]["status"]), (&json!("signup"), &json!("COMPLETED")));
    assert_eq!(stage["input"]["documentSide"], json!("FRONT"));
    assert!(stage["input"]["face"]["sha256"].is_string() && stage["input"]["portrait"]["file"].is_string(), "{stage}");
    let again = json!({ "attempt": attempt["id"], "documentId": "X1", "documentType": "CEDULA" });
    assert_eq!(refusal(&server.post_json("/users", &again)), (409, "attempt_taken".into()));
}

#[test]
fn a_job_that_ends_after_the_closing_registers_too_and_a_failed_or_reviewed_attempt_does_not() {
    let server = Server::start();
    let token = server.session();
    let files = [("document", card(NUMBER)), ("face", "wait cosine 0.8".to_owned())];
    let files: Vec<(&str, &str, &[u8])> =
        files.iter().map(|(field, text)| (*field, "photo.jpg", text.as_bytes())).collect();
    let headers = [("X-Tagshelf-Session", token.as_str())];
    let body = Body::multipart(&files, &FIELDS);
    let queued = server.client.call("POST", "/v1/2face/jobs/start/signup", &headers, Some(body)).unwrap();
    let id = queued.result().as_str().unwrap().to_owned();
    let attempt = close(&server, &token);
    assert_eq!((&attempt["status"], &attempt["registration"]), (&json!("SUCCESS"), &Value::Null));
    server.gate.open();
    let done = (0..400).any(|_| {
        let done = server.get(&format!("/jobs/{id}")).result()["status"] == json!(2);
        if !done {
            twoface::clock::pause(std::time::Duration::from_millis(10));
        }
        done
    });
    assert!(done && is_user(&server, NUMBER));

    for status in ["FAILED", "REVIEW"] {
        let token = server.session();
        assert_eq!(sign_up(&server, &token, "001-0000000-9", "cosine 0.8 person 5").status, 200);
        let attempt = server.close(&token, status).result();
        assert!(!is_user(&server, "001-0000000-9"), "{status}");
        if status == "REVIEW" {
            let settled = [("status", "SUCCESS"), ("note", "seen in the branch")];
            assert_eq!(server.post(&format!("/attempts/review/{}", attempt.as_str().unwrap()), &settled).status, 200);
            assert!(is_user(&server, "001-0000000-9"), "a person settled it");
        }
    }
}

#[test]
fn the_first_step_that_does_not_pass_ends_the_job_with_its_status() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    let ended = |document: &str, face: &str| {
        let reply = start(&server, &token, "signup", &[("document", document), ("face", face)], &FIELDS);
        let job = job(&server, &reply);
        let ran = job["details"]["steps"].as_array().unwrap().iter().filter(|step| !step["status"].is_null()).count();
        (reply, job["status"].as_u64().unwrap(), ran)
    };
    let (reply, status, ran) = ended("document passport front number=AB1234567", "cosine 0.8");
    assert_eq!((reply.json(), status, ran), (json!({ "code": 200, "result": false }), 3, 1), "another document");
    let (reply, status, ran) = ended("document cedula front number=402-0057193-9@0.5", "cosine 0.8");
    assert_eq!((invalid(&reply), status, ran), ((422, "number_doubtful".into()), 4, 2));
    let (reply, status, ran) = ended(&card(NUMBER), "cosine 0.1");
    assert_eq!((reply.json(), status, ran), (json!({ "code": 200, "result": false }), 3, 3), "another face");
    let (reply, status, ran) = ended(&card(NUMBER), "no face");
    assert_eq!((invalid(&reply), status, ran), ((422, "no_face".into()), 4, 3));
    assert!(message(&reply).contains("`face`"));
    let (reply, status, _) = ended("damaged", "cosine 0.8");
    assert_eq!((invalid(&reply), status), ((422, "damaged_file".into()), 4));
    assert!(message(&reply).contains("`document`"), "{}", message(&reply));
    close(&server, &token);
    assert!(!is_user(&server, NUMBER), "nothing succeeded, nobody is registered");
}

#[test]
fn missing_and_bad_fields_make_an_invalid_job_that_names_each() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    let named = |files: &[(&str, &str)], fields: &[(&str, &str)]| {
        let reply = start(&server, &token, "signup", files, fields);
        assert_eq!(invalid(&reply), (422, "bad_fields".into()));
        let job = job(&server, &reply);
        assert_eq!((&job["status"], &job["output"]), (&json!(4), &reply.json()));
        let fields = reply.result()["fields"].as_array().unwrap().clone();
        fields.iter().map(|fault| fault["field"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(named(&[], &[("other", "field")]), ["document", "documentSide", "documentType", "face", "metadata"]);
    let photos = [("document", "document cedula front"), ("face", "x")];
    let with = |changed: (&'static str, &'static str)| {
        FIELDS.iter().map(|field| if field.0 == changed.0 { changed } else { *field }).collect::<Vec<_>>()
    };
    assert_eq!(named(&photos, &with(("metadata", "{not json"))), ["metadata"]);
    assert_eq!(named(&photos, &with(("documentSide", "LEFT"))), ["documentSide"]);
    assert_eq!(named(&photos, &[&FIELDS[..], &[("threshold", "101")]].concat()), ["threshold"]);
    assert_eq!(named(&[("document", "document cedula front"), ("face", "")], &FIELDS), ["face"]);

    let unknown = start(&server, &token, "nosuch", &[], &[]);
    assert_eq!(refusal(&unknown), (404, "no_workflow".into()));
    assert_eq!(message(&unknown), "No workflow found by name: nosuch");
}

#[test]
fn a_workflow_s_tries_are_its_own() {
    let server = Server::start_with("[sessions]\ntries = 1");
    let token = server.session();
    assert_eq!(start(&server, &token, "signup", &[], &[("other", "field")]).status, 422);
    let spent = start(&server, &token, "signup", &[], &[("other", "field")]);
    assert_eq!(refusal(&spent), (429, "no_tries_left".into()));
    assert_eq!(spent.header("x-attempt-retries"), Some("0"));
    assert_eq!(server.compare(&token, "cosine 0.8").status, 200);
    assert_eq!(start(&server, &token, "validation", &[], &[("other", "field")]).status, 422);
}

#[test]
fn a_client_may_ask_for_more_likeness_but_never_for_less() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    let asked = |face: &str, threshold: &str| {
        let files = [("document", card(NUMBER)), ("face", face.to_owned())];
        let files: Vec<(&str, &str)> = files.iter().map(|(field, text)| (*field, text.as_str())).collect();
        let reply = start(&server, &token, "signup", &files, &[&FIELDS[..], &[("threshold", threshold)]].concat());
        let job = job(&server, &reply);
        (job["status"].clone(), job["details"]["steps"][2]["details"]["threshold"].clone())
    };
    let (status, threshold) = asked("cosine 0.1", "0");
    assert_eq!((status, &threshold["requested"]), (json!(3), &json!(0.0)), "zero does not let a stranger in");
    let least = threshold["score"].as_f64().unwrap();
    assert!(least > 60.0, "{threshold}");
    let (status, threshold) = asked("cosine 0.8", "99.9");
    assert_eq!((status, threshold["score"].as_f64().unwrap().round()), (json!(3), 100.0));
    assert_eq!(asked("cosine 0.8", &least.to_string()).0, json!(2));
}

#[test]
fn a_registered_person_is_validated_with_a_fresh_selfie() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    assert_eq!(sign_up(&server, &token, NUMBER, "cosine 0.8 person 1").status, 200);
    let user = close(&server, &token)["registration"]["user"].clone();
    let token = server.session();
    let validate = |face: &str, number: &str| {
        let reply = start(&server, &token, "validation", &[("face", face)], &[("documentId", number)]);
        (reply.clone(), job(&server, &reply))
    };
    let (reply, seen) = validate("person 1", "40200571939");
    assert_eq!((reply.json(), &seen["status"]), (json!({ "code": 200, "result": true }), &json!(2)));
    assert_eq!(seen["details"]["steps"][0]["output"]["result"].as_f64().unwrap().round(), 100.0);
    assert_eq!(seen["details"]["steps"][0]["details"]["people"]["enrolled"], user);
    let (reply, seen) = validate("person 2", NUMBER);
    assert_eq!((reply.json(), &seen["status"]), (json!({ "code": 200, "result": false }), &json!(3)));
    let (reply, _) = validate("person 1", "001-0000000-9");
    assert_eq!(invalid(&reply), (422, "not_enrolled".into()));
    let stranger = server.stranger_key();
    let headers = [("Authorization", stranger.as_str())];
    let body = Body::form(&[("type", "VALIDATION")]);
    let other = server.client.call("POST", "/v1/2face/session", &headers, Some(body)).unwrap().result();
    let other = other.as_str().unwrap();
    let reply = start(&server, other, "validation", &[("face", "person 1")], &[("documentId", NUMBER)]);
    assert_eq!(invalid(&reply), (422, "not_enrolled".into()), "another account's people are not there");
}

#[test]
fn the_same_face_under_another_number_goes_to_review_and_its_matches_are_not_for_the_applicant() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    sign_up(&server, &token, NUMBER, "cosine 0.8 person 1");
    let first = close(&server, &token)["registration"]["user"].clone();

    let token = server.session();
    let reply = sign_up(&server, &token, "001-0000000-9", "cosine 0.8 person 1");
    assert_eq!(reply.json(), json!({ "code": 200, "result": true }));
    let seen = job(&server, &reply);
    assert_eq!(seen["details"]["review"], json!(["search_people:duplicate_identity"]));
    assert_eq!(seen["details"]["steps"][3]["details"]["people"][0]["user"], first);
    let headers = [("X-Tagshelf-Session", token.as_str())];
    let path = format!("/v1/2face/jobs/{}", reply.header("x-job-id").unwrap());
    let by_session = server.client.call("GET", &path, &headers, None).unwrap();
    assert_eq!(by_session.status, 200);
    let told = by_session.result().to_string();
    assert!(
        !told.contains(first.as_str().unwrap()) && !told.contains("duplicate") && !told.contains("searched"),
        "{told}"
    );

    let attempt = close(&server, &token);
    assert_eq!(attempt["status"], json!("REVIEW"));
    assert_eq!(attempt["reviewReasons"], json!(["search_people:duplicate_identity"]));
    assert!(!is_user(&server, "001-0000000-9"));
    let review = format!("/attempts/review/{}", attempt["id"].as_str().unwrap());
    assert_eq!(server.post(&review, &[("status", "SUCCESS")]).status, 200);
    assert!(is_user(&server, "001-0000000-9"), "twins exist");

    let token = server.session();
    sign_up(&server, &token, NUMBER, "cosine 0.8 person 3");
    let attempt = close(&server, &token);
    assert_eq!(attempt["registration"], json!({ "error": "document_taken" }));
    server.delete(&format!("/users/{}", first.as_str().unwrap()));
    let token = server.session();
    let reply = sign_up(&server, &token, "402-1111111-1@0.99", "cosine 0.8 person 3");
    assert_eq!(job(&server, &reply)["details"]["review"], json!([]), "an unregistered face is nobody's double");
}

#[test]
fn a_face_of_another_network_is_compared_with_nothing_and_that_is_said() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    sign_up(&server, &token, NUMBER, "cosine 0.8 other network person 1");
    assert_eq!(close(&server, &token)["status"], json!("SUCCESS"), "nobody else is enrolled");

    let token = server.session();
    let reply = start(&server, &token, "validation", &[("face", "person 1")], &[("documentId", NUMBER)]);
    assert_eq!(invalid(&reply), (422, "other_model".into()));

    let body = Body::multipart(&[("face", "photo.jpg", b"person 1".as_slice())], &[("threshold", "0")]);
    let found = server.client.call("POST", "/v1/2face/users/search", &[("Authorization", &server.key)], Some(body));
    let found = found.unwrap().result();
    assert_eq!((&found["searched"], &found["notSearched"], &found["people"]), (&json!(0), &json!(1), &json!([])));

    // The same numbers, and yet no double: a person has to look, since nothing was searched.
    let token = server.session();
    let reply = sign_up(&server, &token, "001-0000000-9", "cosine 0.8 person 1");
    let details = &job(&server, &reply)["details"]["steps"][3]["details"];
    assert_eq!((&details["searched"], &details["notSearched"]), (&json!(0), &json!(1)));
    let attempt = close(&server, &token);
    assert_eq!(attempt["status"], json!("REVIEW"));
    assert_eq!(attempt["reviewReasons"], json!(["search_people:people_incomplete"]));
    assert!(!is_user(&server, "001-0000000-9"));
}

/// Until the faces that can be are embedded anew, and the audit log tells of it.
fn wait_for_remaking(server: &Server, left: usize, told: &str) {
    let told = format!("\"word\":\"{told}\"");
    for _ in 0..400 {
        let lines = server.service().search_audit("\"faces.remade\"", 1).unwrap().lines;
        if server.service().faces_not_searched() == left && lines.iter().any(|line| line.contains(&told)) {
            return;
        }
        twoface::clock::pause(std::time::Duration::from_millis(25));
    }
    panic!("{} faces are still not searched", server.service().faces_not_searched());
}

#[test]
fn after_an_upgrade_faces_are_embedded_anew_from_their_photos() {
    let mut server = Server::start_with(MANY_TRIES);
    let token = server.session();
    sign_up(&server, &token, NUMBER, "cosine 0.8 person 1");
    assert_eq!(close(&server, &token)["status"], json!("SUCCESS"));
    let token = server.session();
    assert_eq!(server.compare(&token, "cosine 0.8 person 2").status, 200);
    let attempt = close(&server, &token)["id"].as_str().unwrap().parse().unwrap();
    server.service().block(&Actor::System, server.account(), Blocking::Attempt(attempt), "a forger").unwrap();

    // Twice: what was embedded anew still knows its photo.
    for (upgrade, network) in [8, 7].into_iter().enumerate() {
        server.upgrade(Embedder::of(&[network; 32]));
        wait_for_remaking(&server, 0, "2 of 2");
        assert_eq!(server.service().search_audit("\"faces.remade\"", 9).unwrap().lines.len(), upgrade + 1);
        let body = Body::multipart(&[("face", "photo.jpg", b"person 1".as_slice())], &[]);
        let found = server.client.call("POST", "/v1/2face/users/search", &[("Authorization", &server.key)], Some(body));
        let found = found.unwrap().result();
        assert_eq!((&found["searched"], &found["notSearched"]), (&json!(1), &json!(0)));
        assert_eq!(found["people"][0]["user"]["documentId"], json!(NUMBER));
    }
    for (person, finding) in [(1, "duplicate_identity"), (2, "blocked_face")] {
        let token = server.session();
        let reply = sign_up(&server, &token, "001-0000000-9", &format!("cosine 0.8 person {person}"));
        assert_eq!(job(&server, &reply)["details"]["steps"][3]["findings"], json!([finding]));
    }
}

#[test]
fn a_face_whose_photo_is_gone_is_left_as_it_is_and_told_of() {
    let mut server = Server::start_with(MANY_TRIES);
    for (number, person) in [(NUMBER, 1), ("001-0000000-9", 2)] {
        let token = server.session();
        sign_up(&server, &token, number, &format!("cosine 0.8 person {person}"));
        assert_eq!(close(&server, &token)["status"], json!("SUCCESS"));
        if person == 1 {
            server.keep_for(Some(10), None);
            server.clock.advance(std::time::Duration::from_secs(11 * 86_400));
            assert!(server.sweep().0 > 0);
        }
    }
    server.upgrade(Embedder::of(&[8; 32]));
    wait_for_remaking(&server, 1, "1 of 2");
    let Answer::Status(seen) = server.administer(Request::Status) else { panic!("not a status") };
    assert!(seen.warnings.contains(&Warning::FacesNotSearched { faces: 1 }), "{:?}", seen.warnings);
    let token = server.session();
    let reply = start(&server, &token, "validation", &[("face", "person 1")], &[("documentId", NUMBER)]);
    assert_eq!(invalid(&reply), (422, "other_model".into()));
}

#[test]
fn the_people_most_like_a_face_are_found_in_their_own_account_only() {
    let server = Server::start_with(MANY_TRIES);
    for (number, person) in [("402-0057193-9", 1), ("001-0000000-9", 2), ("001-1391820-5", 3)] {
        let token = server.session();
        sign_up(&server, &token, number, &format!("cosine 0.8 person {person}"));
        assert_eq!(close(&server, &token)["status"], json!("SUCCESS"));
    }
    let search_as = |key: &str, face: &str, fields: &[(&str, &str)]| {
        let body = Body::multipart(&[("face", "photo.jpg", face.as_bytes())], fields);
        server.client.call("POST", "/v1/2face/users/search", &[("Authorization", key)], Some(body)).unwrap()
    };
    let found = search_as(&server.key, "person 2", &[]).result();
    assert_eq!((&found["searched"], found["people"].as_array().unwrap().len()), (&json!(3), 1));
    let best = &found["people"][0];
    assert_eq!(best["user"]["documentId"], json!("001-0000000-9"));
    assert!(best["score"].as_f64().unwrap() > 99.9 && best["falseMatchRate"].as_f64().unwrap() < 1e-6, "{best}");
    let all = search_as(&server.key, "person 2", &[("threshold", "0"), ("limit", "2")]).result();
    assert_eq!(all["people"].as_array().unwrap().len(), 2);
    assert!(all["people"][0]["score"].as_f64() >= all["people"][1]["score"].as_f64());
    let stranger = search_as(&server.stranger_key(), "person 2", &[("threshold", "0")]).result();
    assert_eq!((&stranger["searched"], &stranger["people"]), (&json!(0), &json!([])));

    assert_eq!(refusal(&search_as(&server.key, "no face", &[])), (422, "no_face".into()));
    assert_eq!(refusal(&search_as(&server.key, "panic", &[])), (500, "internal".into()));
    assert_eq!(refusal(&search_as(&server.key, "person 2", &[("limit", "101")])), (400, "bad_field".into()));
    assert_eq!(refusal(&search_as(&server.key, "person 2", &[("threshold", "-1")])), (400, "bad_field".into()));
    assert_eq!(refusal(&server.post("/users/search", &[("face", "x")])), (400, "file_required".into()));
}

#[test]
fn the_face_of_the_sign_up_is_enrolled_and_not_that_of_another_compare() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    sign_up(&server, &token, NUMBER, "cosine 0.8 person 1");
    assert_eq!(server.compare(&token, "cosine 0.8 person 2").status, 200);
    assert!(close(&server, &token)["registration"]["user"].is_string());
    let token = server.session();
    let validate =
        |face: &str| start(&server, &token, "validation", &[("face", face)], &[("documentId", NUMBER)]).result();
    assert_eq!((validate("person 1"), validate("person 2")), (json!(true), json!(false)));
}

#[test]
fn of_two_sign_ups_of_one_person_that_are_open_together_the_second_to_close_is_reviewed() {
    let server = Server::start_with(MANY_TRIES);
    let (one, two) = (server.session(), server.session());
    for (token, number) in [(&one, "402-0057193-9"), (&two, "001-0000000-9")] {
        let reply = sign_up(&server, token, number, "cosine 0.8 person 4");
        assert_eq!(job(&server, &reply)["details"]["review"], json!([]), "nobody is enrolled yet");
    }
    assert_eq!(close(&server, &one)["status"], json!("SUCCESS"));
    let second = close(&server, &two);
    assert_eq!((&second["status"], &second["registration"]), (&json!("REVIEW"), &Value::Null));
    assert_eq!(second["reviewReasons"], json!(["search_people:duplicate_identity"]));

    let token = server.session();
    sign_up(&server, &token, "001-1391820-5", "cosine 0.8 person 9");
    let number = DocumentNumber::parse("00113918205").unwrap();
    server.service().block(&Actor::System, server.account(), Blocking::Number(number), "stolen since").unwrap();
    assert_eq!(close(&server, &token)["reviewReasons"], json!(["search_people:blocked_number"]));
}

#[test]
fn a_blocked_number_or_face_does_not_pass() {
    let server = Server::start_with(MANY_TRIES);
    let (service, account) = (server.service(), server.account());
    let number = DocumentNumber::parse("00113918205").unwrap();
    let entry = service.block(&Actor::System, account, Blocking::Number(number), "reported stolen").unwrap();
    let token = server.session();
    let reply = sign_up(&server, &token, "001-1391820-5", "cosine 0.8 person 8");
    assert_eq!(reply.json(), json!({ "code": 200, "result": false }));
    assert_eq!(job(&server, &reply)["details"]["steps"][3]["failedOn"], json!(["blocked_number"]));
    service.unblock(&Actor::System, account, entry.id).unwrap();
    assert_eq!(sign_up(&server, &token, "001-1391820-5", "cosine 0.8 person 8").result(), json!(true));
    let attempt = close(&server, &token);
    let attempt = attempt["id"].as_str().unwrap().parse().unwrap();
    service.block(&Actor::System, account, Blocking::Attempt(attempt), "a forger").unwrap();
    assert_eq!(service.blocklist(account).unwrap().len(), 1);
    let token = server.session();
    let reply = sign_up(&server, &token, "402-0000000-0@0.99", "cosine 0.8 person 8");
    assert_eq!(reply.result(), json!(false));
    let failed_on = job(&server, &reply)["details"]["steps"][3]["failedOn"].clone();
    assert_eq!(failed_on, json!(["blocked_face"]));
}

#[test]
fn an_account_may_want_every_unproven_success_looked_at() {
    let server = Server::start();
    let status = |token: &str| close(&server, token)["status"].clone();
    assert_eq!(status(&server.session()), json!("SUCCESS"), "the client decides, unless");
    server.service().set_review_unproven(&Actor::System, server.account(), true).unwrap();
    let token = server.session();
    let attempt = close(&server, &token);
    assert_eq!((&attempt["status"], &attempt["reviewReasons"]), (&json!("REVIEW"), &json!(["unproven"])));
    let token = server.session();
    server.compare(&token, "cosine 0.1");
    assert_eq!(status(&token), json!("REVIEW"), "a failed compare proves nothing");
    let token = server.session();
    server.compare(&token, "cosine 0.8");
    assert_eq!(status(&token), json!("SUCCESS"));
}

#[test]
fn the_administrator_s_workflow_composes_the_same_operations() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("workflows.toml");
    let text = r#"
        [card-only]
        version = 7
        about = "A card that is not blurred, and somebody on a photo."
        fields.photo = { kind = "photo" }
        fields.kind = { kind = "document_type" }
        steps = [
            { run = "validate_document_type", with = { file = "photo", documentType = "kind" }, fail_on = ["blurred"] },
            { run = "detect_faces", with = { file = "photo" } },
        ]
    "#;
    std::fs::write(&file, text).unwrap();
    let server = Server::start_with(&format!("{MANY_TRIES}\n[workflows]\nfile = {file:?}"));
    let token = server.session();
    let run = |photo: &str| {
        let reply = start(&server, &token, "card-only", &[("photo", photo)], &[("kind", "CEDULA")]);
        (reply.result(), job(&server, &reply))
    };
    let (result, seen) = run("document cedula front");
    assert_eq!((result, &seen["details"]["workflow"]["version"]), (json!(true), &json!(7)));
    let (result, seen) = run("document cedula front blurred");
    assert_eq!((result, &seen["details"]["steps"][0]["failedOn"]), (json!(false), &json!(["blurred"])));
    assert_eq!(seen["workflow"], json!("card-only"));
}
