//! `/users…`: registration from a successful attempt, look-ups, pages, erasure.

use serde_json::{Value, json};

use crate::harness::{Server, message, refusal};

#[test]
fn a_user_is_registered_and_found_by_id_and_by_any_spelling_of_the_number() {
    let server = Server::start();
    let attempt = server.successful_attempt();
    let metadata = json!({ "name": "Zoraida Quisqueya", "tags": [1, null, { "x": 1.5 }] });
    let body =
        json!({ "attempt": attempt, "documentId": "001-7654321-9", "documentType": "CEDULA", "metadata": metadata });
    server.keep_secret("7654321");
    server.keep_secret("Quisqueya");
    let user = server.post_json("/users", &body);
    assert_eq!(user.status, 200, "{}", user.json());
    let user = user.result();
    assert_eq!(user["documentId"], json!("001-7654321-9"));
    assert_eq!(user["metadata"], metadata);
    assert_eq!(user["attempt"], json!(attempt));
    assert_eq!((&user["_id"], &user["__v"]), (&user["id"], &json!(0)));
    assert_eq!(user["createdAt"], json!("2022-05-09T03:32:11.748Z"));
    assert_eq!(user.as_object().unwrap().len(), 9, "nothing more than the contract's fields: {user}");
    let id = user["id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/users/{id}")).result(), user);
    for number in ["001-7654321-9", "00176543219", "001%207654321%209"] {
        assert_eq!(server.get(&format!("/users/document/{number}")).result(), user, "{number}");
    }
    for path in ["/users/document/00000000000", "/users/000000000000000000000000", "/users/x"] {
        let reply = server.get(path);
        assert_eq!(refusal(&reply), (404, "not_found".into()));
        let asked = path.rsplit('/').next().unwrap();
        assert_eq!(message(&reply), format!("No entity found by ID: {asked}"));
    }
    let stranger = server.stranger_key();
    assert_eq!(server.get_as(&stranger, &format!("/users/{id}")).status, 404);
    assert_eq!(server.get_as(&stranger, "/users/document/00176543219").status, 404);
}

#[test]
fn only_a_successful_attempt_registers_and_only_once() {
    let server = Server::start();
    let closed_as = |status: &str| {
        let token = server.session();
        server.close(&token, status).result().as_str().unwrap().to_owned()
    };
    let register = |attempt: &str, number: &str| server.post("/users", &fields(attempt, number));
    for status in ["FAILED", "REVIEW"] {
        let reply = register(&closed_as(status), "A1");
        assert_eq!(refusal(&reply), (409, "attempt_not_successful".into()));
    }
    let attempt = closed_as("SUCCESS");
    assert_eq!(register(&attempt, "A1").status, 200, "registered without a face");
    assert_eq!(refusal(&register(&attempt, "A2")), (409, "attempt_taken".into()));
    assert_eq!(refusal(&register(&closed_as("SUCCESS"), "a-1")), (409, "document_taken".into()));
    assert_eq!(refusal(&register("000000000000000000000000", "A3")), (404, "not_found".into()));
}

#[test]
fn bad_fields_are_named() {
    let server = Server::start();
    let attempt = server.successful_attempt();
    let good = json!({ "attempt": attempt, "documentId": "B1", "documentType": "PASSPORT", "metadata": {} });
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        server.post_json("/users", &body)
    };
    let reply = with("documentType", json!("LICENCE"));
    assert_eq!(reply.status, 400);
    assert_eq!(message(&reply), "'documentType' must be one of the following: CEDULA, PASSPORT");
    for (field, value) in [
        ("documentId", json!("")),
        ("documentId", json!("x".repeat(65))),
        ("metadata", json!([1])),
        ("attempt", json!(null)),
    ] {
        let reply = with(field, value);
        assert_eq!(refusal(&reply), (400, "bad_field".into()));
        assert!(message(&reply).starts_with(&format!("`{field}`")), "{}", message(&reply));
    }
    assert_eq!(with("metadata", json!("{\"a\":1}")).result()["metadata"], json!({ "a": 1 }));
}

#[test]
fn a_large_metadata_object_comes_back_as_it_was() {
    let server = Server::start();
    let metadata = json!({ "notes": "ñ".repeat(200_000) });
    let body = json!({ "attempt": server.successful_attempt(), "documentId": "C1", "documentType": "PASSPORT", "metadata": metadata });
    let user = server.post_json("/users", &body).result();
    let id = user["id"].as_str().unwrap();
    assert_eq!(server.get(&format!("/users/{id}")).result()["metadata"], metadata);

    let larger = server.post_json("/users", &json!({ "metadata": { "notes": "x".repeat(1 << 20) } }));
    assert_eq!(refusal(&larger), (413, "too_large".into()), "text is parsed as a whole, and takes many times its size");
    let many: serde_json::Map<String, Value> = (0..100).map(|n| (format!("f{n}"), json!(0))).collect();
    assert_eq!(refusal(&server.post_json("/users", &Value::Object(many))), (400, "unreadable_body".into()));
    let many: Vec<(&str, &str)> = vec![("a", ""); 100];
    assert_eq!(refusal(&server.post("/users", &many)), (400, "unreadable_body".into()));
}

#[test]
fn users_are_listed_in_pages_oldest_first() {
    let server = Server::start();
    let ids: Vec<Value> = (0..5)
        .map(|n| server.post("/users", &fields(&server.successful_attempt(), &format!("D{n}"))).result()["id"].clone())
        .collect();
    let mut seen = Vec::new();
    let mut next = Value::Null;
    loop {
        let cursor = next.as_str().map(|id| format!("&cursor={id}")).unwrap_or_default();
        let page = server.get(&format!("/users?limit=2{cursor}")).result();
        seen.extend(page["users"].as_array().unwrap().iter().map(|user| user["id"].clone()));
        next = page["next"].clone();
        if next.is_null() {
            break;
        }
    }
    assert_eq!(seen, ids);
    assert_eq!(refusal(&server.get("/users?limit=0")), (400, "bad_field".into()));
    assert_eq!(refusal(&server.get("/users?cursor=x")), (400, "bad_field".into()));
}

#[test]
fn an_erased_user_leaves_nothing_and_the_number_is_free_again() {
    let server = Server::start();
    let attempt = server.successful_attempt();
    let record = server.get(&format!("/attempts/{attempt}")).result();
    let file = record["stages"][0]["input"]["face"]["file"].as_str().unwrap().to_owned();
    let job = record["stages"][0]["job"].as_str().unwrap().to_owned();
    let user = server.post("/users", &fields(&attempt, "E1")).result()["id"].as_str().unwrap().to_owned();
    assert_eq!(server.delete(&format!("/users/{user}")).result(), json!(user));
    for path in [
        format!("/users/{user}"),
        "/users/document/E1".to_owned(),
        format!("/attempts/{attempt}"),
        format!("/jobs/{job}"),
        file.strip_prefix("/v1/2face").unwrap().to_owned(),
    ] {
        assert_eq!(refusal(&server.get(&path)), (404, "not_found".into()), "{path}");
    }
    assert_eq!(refusal(&server.delete(&format!("/users/{user}"))), (404, "not_found".into()));
    assert_eq!(server.post("/users", &fields(&server.successful_attempt(), "E1")).status, 200);
}

fn fields<'a>(attempt: &'a str, number: &'a str) -> [(&'static str, &'a str); 3] {
    [("attempt", attempt), ("documentId", number), ("documentType", "CEDULA")]
}
