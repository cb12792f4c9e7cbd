//! The first-generation API as its C# client speaks to it: the same addresses, names, casing and statuses.

use serde_json::{Value, json};
use twoface::client::{Body, Reply};

use crate::harness::{Server, message, refusal};

const ON: &str = "[legacy]\nenabled = true\n";

/// The old client sends no User-Agent.
fn call(server: &Server, method: &str, path: &str, body: Option<Body>) -> Reply {
    let headers = [("Authorization", server.key.as_str()), ("User-Agent", "")];
    server.client.call(method, &format!("/api{path}"), &headers, body).unwrap()
}

fn add(server: &Server, number: &str) -> Reply {
    let body = json!({ "document_id": number, "document_type": "CEDULA", "metadata": { "name": "Zoraida" } });
    call(server, "POST", "/people", Some(Body::json(&body)))
}

fn photos(fields: &[(&str, &str)], texts: &[(&str, &str)]) -> Option<Body> {
    let files: Vec<(&str, &str, &[u8])> =
        fields.iter().map(|(field, photo)| (*field, "photo.jpg", photo.as_bytes())).collect();
    Some(Body::multipart(&files, texts))
}

fn by_ref(server: &Server, number: &str, face: &str) -> Reply {
    let reference = json!({ "document_id": number }).to_string();
    call(server, "POST", "/faces/compareByRef", photos(&[("face", face)], &[("ref", &reference)]))
}

/// Type, status and stages of every attempt, newest first.
fn record(server: &Server) -> Vec<(String, String, Vec<String>)> {
    let listed = server.get("/attempts").result()["attempts"].clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let read = |one: &Value| {
        let attempt = server.get(&format!("/attempts/{}", one["id"].as_str().unwrap())).result();
        let stages = attempt["stages"].as_array().unwrap().iter().map(|stage| text(&stage["name"])).collect();
        (text(&attempt["type"]), text(&attempt["status"]), stages)
    };
    listed.as_array().unwrap().iter().map(read).collect()
}

#[test]
fn it_is_off_unless_it_is_turned_on() {
    let server = Server::start();
    for path in ["/api/health", "/api/people", "/api/faces/compare"] {
        let reply = server.client.0.call("GET", path, &[("Authorization", &server.key)], None).unwrap();
        assert_eq!(refusal(&reply), (404, "no_route".into()), "{path}");
    }
    let served = |server: &Server| {
        let document = server.client.call("GET", "/openapi.json", &[], None).unwrap().json();
        document["paths"].as_object().unwrap().keys().filter(|path| path.starts_with("/api/")).count()
    };
    assert_eq!(served(&server), 0, "what is not served is not described");
    let on = Server::start_with(ON);
    assert_eq!(served(&on), 5);
    let health = on.client.call("GET", "/api/health", &[("User-Agent", "")], None).unwrap();
    assert_eq!(health.json(), json!({ "message": "ok", "version": env!("CARGO_PKG_VERSION") }));
}

#[test]
fn people_are_added_and_found() {
    let server = Server::start_with(ON);
    server.keep_secret("7654321");
    server.keep_secret("Zoraida");
    let added = add(&server, "001-7654321-9");
    assert_eq!((added.status, &added.json()["status"]), (200, &json!(200)));
    let person = added.result();
    let expected = json!({
        "id": person["id"],
        "document_id": "001-7654321-9",
        "document_type": "CEDULA",
        "face_embeddings": [],
        "metadata": { "name": "Zoraida" },
    });
    assert_eq!(person, expected);
    for (query, people) in
        [("?documentId=00176543219", json!([person])), ("", json!([person])), ("?documentId=1", json!([]))]
    {
        let found = call(&server, "GET", &format!("/people{query}"), None);
        assert_eq!(found.json(), json!({ "result": people, "status": 200 }), "{query}");
    }
    let user = server.get(&format!("/users/{}", person["id"].as_str().unwrap())).result();
    assert_eq!(user["documentId"], json!("001-7654321-9"), "it is a user as any other");
    let attempt = server.get(&format!("/attempts/{}", user["attempt"].as_str().unwrap())).result();
    assert_eq!((&attempt["status"], &attempt["stages"]), (&json!("SUCCESS"), &json!([])));

    assert_eq!(refusal(&add(&server, "00176543219")), (409, "document_taken".into()));
    assert_eq!(record(&server).len(), 1, "nothing was opened for it");
    assert_eq!(refusal(&add(&server, "--")), (400, "bad_field".into()));
    let licence = json!({ "document_id": "1", "document_type": "LICENCE" });
    assert_eq!(refusal(&call(&server, "POST", "/people", Some(Body::json(&licence)))).1, "bad_document_type");
    let nobody = server.client.call("GET", "/api/people", &[("User-Agent", "")], None).unwrap();
    assert_eq!((refusal(&nobody), message(&nobody)), ((403, "invalid_token".into()), "Invalid token.".into()));
}

#[test]
fn two_faces_are_compared_in_the_request() {
    let server = Server::start_with(ON);
    let compare =
        |texts: &[(&str, &str)], faces: &[(&str, &str)]| call(&server, "POST", "/faces/compare", photos(faces, texts));
    let alike = compare(&[], &[("faceA", "portrait"), ("faceB", "cosine 0.5")]);
    assert_eq!((alike.status, alike.json()), (200, json!({ "result": { "score": 80.0 }, "status": 200 })));
    let unlike = compare(&[("threshold", "50")], &[("faceA", "portrait"), ("faceB", "cosine 0.3")]);
    assert_eq!(unlike.result(), json!({ "score": 50.0 }));
    let strict = compare(&[("threshold", "90.5")], &[("faceA", "portrait"), ("faceB", "cosine 0.5")]);
    assert_eq!(strict.result(), json!({ "score": 80.0 }));
    let none = compare(&[], &[("faceA", "portrait"), ("faceB", "no face")]);
    assert_eq!((none.status, &none.result()["error"]), (422, &json!("no_face")));
    let closed = |status: &str| ("VALIDATION".to_owned(), status.to_owned(), vec!["compare_faces".to_owned()]);
    let expected = [closed("FAILED"), closed("FAILED"), closed("FAILED"), closed("SUCCESS")];
    assert_eq!(record(&server), expected, "each is an attempt with its job, closed by the outcome");

    let payload = "Invalid payload. It must contain 'faceA', 'faceB' and 'threshold'.";
    for (texts, faces) in [
        (vec![], vec![("faceA", "x")]),
        (vec![], vec![("faceB", "x")]),
        (vec![("threshold", "high")], vec![("faceA", "x"), ("faceB", "x")]),
        (vec![("threshold", "101")], vec![("faceA", "x"), ("faceB", "x")]),
    ] {
        let reply = compare(&texts, &faces);
        assert_eq!((reply.status, message(&reply).as_str()), (400, payload), "{texts:?} {faces:?}");
    }
    assert_eq!(record(&server).len(), 4, "a bad payload opens nothing");
}

#[test]
fn a_face_is_enrolled_and_compared_by_reference() {
    let server = Server::start_with(ON);
    let person = add(&server, "001-7654321-9").result();
    let faces = format!("/people/{}/faces", person["id"].as_str().unwrap());
    let reply = by_ref(&server, "001-7654321-9", "person 1");
    assert_eq!((reply.status, &reply.result()["error"]), (422, &json!("not_enrolled")));
    let enrolled = call(&server, "POST", &faces, photos(&[("face", "person 1")], &[]));
    assert_eq!((enrolled.status, enrolled.json()), (200, json!({ "result": { "msg": "The face was enrolled." } })));

    let same = by_ref(&server, "00176543219", "person 1");
    assert_eq!((same.status, &same.json()["status"]), (200, &json!(200)));
    let matches = same.result()["matches"].clone();
    assert!((matches[0]["avg_score"].as_f64().unwrap() - 100.0).abs() < 0.01, "{matches}");
    let expected = json!([{
        "avg_score": matches[0]["avg_score"],
        "id": person["id"],
        "document_id": "001-7654321-9",
        "document_type": "CEDULA",
        "metadata": { "name": "Zoraida" },
    }]);
    assert_eq!(matches, expected);
    let other = by_ref(&server, "001-7654321-9", "person 2");
    assert_eq!(other.json(), json!({ "result": { "matches": [] }, "status": 200 }));

    call(&server, "POST", &faces, photos(&[("face", "person 2")], &[]));
    assert_eq!(
        by_ref(&server, "001-7654321-9", "person 1").result()["matches"],
        json!([]),
        "the new face counts alone"
    );
    assert_eq!(by_ref(&server, "001-7654321-9", "person 2").result()["matches"].as_array().unwrap().len(), 1);
    let search = Body::multipart(&[("face", "f.jpg", b"person 2")], &[]);
    let found = server.client.call("POST", "/v1/2face/users/search", &[("Authorization", &server.key)], Some(search));
    assert_eq!(found.unwrap().result()["people"][0]["user"]["id"], person["id"], "a search finds it too");

    assert_eq!(record(&server)[0].2, ["compare_by_ref"]);
    let listed = server.get("/attempts?documentId=001-7654321-9").result()["attempts"].as_array().unwrap().len();
    assert_eq!(listed, 6, "every comparison, and the one that registered");
    assert_eq!(refusal(&by_ref(&server, "001-0000000-9", "person 1")), (404, "not_found".into()));
    assert_eq!(
        refusal(&call(&server, "POST", "/faces/compareByRef", photos(&[("face", "x")], &[]))),
        (400, "bad_field".into())
    );
    for (photo, expected) in [("no face", "no_face"), ("damaged", "damaged_file")] {
        assert_eq!(refusal(&call(&server, "POST", &faces, photos(&[("face", photo)], &[]))), (422, expected.into()));
    }
    assert_eq!(refusal(&call(&server, "POST", &faces, photos(&[("photo", "x")], &[]))), (400, "file_required".into()));
    let unknown = "/people/62788a0b0f1e2d3c4b5a6978/faces";
    assert_eq!(refusal(&call(&server, "POST", unknown, photos(&[("face", "person 1")], &[]))).0, 404);
}

#[test]
fn where_liveness_is_enforced_a_face_that_is_not_live_is_not_enrolled() {
    let server = Server::start_with(&format!("{ON}[liveness]\nrequired = \"enforce\""));
    let person = add(&server, "A1").result();
    let path = format!("/people/{}/faces", person["id"].as_str().unwrap());
    let reply = call(&server, "POST", &path, photos(&[("face", "person 1")], &[]));
    assert_eq!(refusal(&reply), (422, "not_live".into()), "the script's faces have no verdict");
}
