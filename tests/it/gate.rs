//! What every request passes: user agent, request id, size, unknown addresses, health.

use serde_json::json;

use crate::harness::{Server, message, refusal};
use twoface::client::Body;

#[test]
fn a_request_without_a_user_agent_is_refused() {
    let server = Server::start();
    for agent in ["", "   "] {
        let headers = [("Authorization", server.key.as_str()), ("User-Agent", agent)];
        let reply = server.client.call("GET", "/v1/2face/users", &headers, None).unwrap();
        assert_eq!(refusal(&reply), (403, "user_agent_required".into()));
    }
    let reply = server.client.call("GET", "/healthz", &[("User-Agent", "")], None).unwrap();
    assert_eq!(reply.status, 200, "a load balancer needs none");
}

#[test]
fn a_request_id_is_kept_if_it_can_be_and_made_if_not() {
    let server = Server::start();
    let ask = |id: &str| {
        let reply = server.client.call("GET", "/healthz", &[("X-Request-Id", id)], None).unwrap();
        reply.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(ask("order 4711/b"), "order 4711/b");
    for bad in ["", &"x".repeat(129)] {
        let made = ask(bad);
        assert!(made.len() == 24 && made != bad);
    }
}

#[test]
fn what_does_not_exist_is_said_in_the_contract_s_shape() {
    let server = Server::start();
    for path in ["/", "/v1/2face/nothing", "/v1/2face", "/v1/3face/users"] {
        let reply = server.client.call("GET", path, &[], None).unwrap();
        assert_eq!(refusal(&reply), (404, "no_route".into()), "{path}");
    }
    let reply = server.client.call("PUT", "/v1/2face/session", &[], Some(Body::form(&[]))).unwrap();
    assert_eq!(refusal(&reply), (405, "method_not_allowed".into()));
}

#[test]
fn more_than_ten_megabytes_are_refused() {
    let server = Server::start();
    let token = server.session();
    let fits = "x".repeat(10 * 1024 * 1024);
    let over = "x".repeat(10 * 1024 * 1024 + 1);
    assert_eq!(server.upload(&token, "/faces/detect", &[("file", &fits)], &[]).status, 200);
    let refused = server.upload(&token, "/faces/detect", &[("file", &over)], &[]);
    assert_eq!(refusal(&refused), (413, "too_large".into()));
    let two = [("document", fits.as_str()), ("face", "y")];
    assert_eq!(refusal(&server.upload(&token, "/faces/compare", &two, &[])).0, 413, "all files together");
}

#[test]
fn bodies_that_are_not_what_they_say_are_refused() {
    let server = Server::start();
    let key = [("Authorization", server.key.as_str())];
    let send = |content_type: &str, text: &str| {
        let body = Body { content_type: content_type.to_owned(), bytes: text.as_bytes().to_vec() };
        server.client.call("POST", "/v1/2face/session", &key, Some(body)).unwrap()
    };
    assert_eq!(refusal(&send("application/json", "{\"type\":")), (400, "unreadable_body".into()));
    assert_eq!(refusal(&send("application/json", "[1]")), (400, "unreadable_body".into()));
    assert_eq!(refusal(&send("multipart/form-data", "x")), (400, "unreadable_body".into()));
    assert_eq!(refusal(&send("multipart/form-data; boundary=b", "--b\r\ncut")), (400, "unreadable_body".into()));
    assert_eq!(refusal(&send("text/xml", "<a/>")), (415, "unsupported_body".into()));
    assert_eq!(send("application/json; charset=utf-8", "{\"type\":\"SIGNUP\"}").status, 200);
}

#[test]
fn health_and_readiness_need_no_credential() {
    let server = Server::start();
    assert_eq!(server.client.call("GET", "/healthz", &[], None).unwrap().status, 200);
    let ready = (0..1000).any(|_| {
        let ready = server.client.call("GET", "/readyz", &[], None).unwrap().status == 200;
        if !ready {
            twoface::clock::pause(std::time::Duration::from_millis(20));
        }
        ready
    });
    assert!(ready);
    assert_eq!(message(&server.client.call("GET", "/nowhere", &[], None).unwrap()), "There is no such endpoint.");
}

#[test]
fn a_refusal_comes_as_a_problem_document_and_in_spanish_if_asked() {
    let server = Server::start();
    let ask = |headers: &[(&str, &str)]| server.client.call("GET", "/v1/2face/users", headers, None).unwrap();
    let problem = ask(&[("Accept", "application/problem+json"), ("Accept-Language", "es-DO, en;q=0.5")]);
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
    assert_eq!(refusal(&problem), (403, "invalid_token".into()), "the envelope's members stand beside");
    let json = problem.json();
    assert_eq!((&json["status"], &json["title"]), (&json!(403), &json!("Forbidden")));
    assert_eq!(
        (json["type"].as_str(), json["detail"].as_str()),
        (Some("urn:twoface:problem:invalid_token"), Some("Token inválido."))
    );
    let plain = ask(&[("Accept", "application/json")]);
    assert_eq!((plain.header("content-type"), message(&plain).as_str()), (Some("application/json"), "Invalid token."));
}
