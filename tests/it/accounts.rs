//! What another account, another credential or none at all may do: nothing. Generated from the route table, so that no
//! endpoint can be forgotten.

use std::time::Duration;

use serde_json::json;
use twoface::api::{Credential, ENDPOINTS, Endpoint, LEGACY};
use twoface::client::{Body, Reply};
use twoface::domain::key::{KeyTerms, Scope};

use crate::harness::{Server, message, refusal};

/// One of everything that has an id, all of one account.
struct Owned {
    job: String,
    attempt: String,
    file: String,
    in_review: String,
    user: String,
    number: String,
}

const NUMBER: &str = "001-7654321-9";

impl Owned {
    fn make(server: &Server) -> Self {
        let attempt = server.successful_attempt();
        let stage = server.get(&format!("/attempts/{attempt}")).result()["stages"][0].clone();
        let file = stage["input"]["face"]["file"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let registered = server.successful_attempt();
        let fields = [("attempt", registered.as_str()), ("documentId", NUMBER), ("documentType", "CEDULA")];
        let user = server.post("/users", &fields).result()["id"].as_str().unwrap().to_owned();
        let in_review = server.close(&server.session(), "REVIEW").result().as_str().unwrap().to_owned();
        Self {
            job: stage["job"].as_str().unwrap().to_owned(),
            attempt,
            file,
            in_review,
            user,
            number: NUMBER.to_owned(),
        }
    }

    /// The path with these ids in it, and the one that a refusal names. `None` where no parameter names somebody's thing.
    fn address(&self, path: &str) -> Option<(String, &str)> {
        let id = match path {
            _ if !path.contains('{') => return None,
            // Names of workflows and of guides are everybody's.
            "/v1/2face/jobs/start/{workflowName}" | "/docs/{topic}" => return None,
            "/v1/2face/attempts/review/{id}" => &self.in_review,
            "/api/people/{id}/faces" => &self.user,
            _ if path.starts_with("/v1/2face/jobs/") => &self.job,
            _ if path.starts_with("/v1/2face/attempts/") => &self.attempt,
            _ if path.starts_with("/v1/2face/users/") => &self.user,
            _ => panic!("say whose id stands in {path}"),
        };
        let named = match path {
            _ if path.contains("{name}") => &self.file,
            _ if path.contains("{documentId}") => &self.number,
            _ => id,
        };
        let path = path.replace("{id}", id).replace("{name}", &self.file).replace("{documentId}", &self.number);
        assert!(!path.contains('{'), "say what stands in {path}");
        Some((path, named))
    }
}

const LEGACY_ON: &str = "[legacy]\nenabled = true\n[sessions]\ntries = 100\n";

fn endpoints() -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.iter().chain(LEGACY)
}

/// With the fields that any endpoint wants, so that nothing but the credential or the id can be what is refused.
fn call(server: &Server, endpoint: &Endpoint, path: &str, headers: &[(&str, &str)]) -> Reply {
    let fields = [("type", "SIGNUP"), ("status", "SUCCESS"), ("documentId", "X1"), ("documentType", "CEDULA")];
    let body = (endpoint.method == "POST").then(|| Body::multipart(&[("face", "face.jpg", b"person 1")], &fields));
    server.client.call(endpoint.method, path, headers, body).unwrap()
}

#[test]
fn another_account_s_things_do_not_exist() {
    let server = Server::start_with(LEGACY_ON);
    let owned = Owned::make(&server);
    let stranger = server.stranger_key();
    let of_stranger = stranger_session(&server, &stranger);
    let mut asked = 0;
    let mut erasing_last: Vec<&Endpoint> = endpoints().collect();
    erasing_last.sort_by_key(|endpoint| endpoint.method == "DELETE");
    for endpoint in &erasing_last {
        let Some((path, named)) = owned.address(endpoint.path) else { continue };
        let refused = |headers: &[(&str, &str)]| {
            let reply = call(&server, endpoint, &path, headers);
            assert_eq!(refusal(&reply), (404, "not_found".to_owned()), "{} {path}", endpoint.method);
            assert_eq!(message(&reply), format!("No entity found by ID: {named}"));
        };
        match endpoint.credential {
            Credential::Key(_) => refused(&[("Authorization", &stranger)]),
            Credential::KeyOrSession(_) => {
                refused(&[("Authorization", &stranger)]);
                refused(&[("X-Tagshelf-Session", &of_stranger)]);
                refused(&[("X-Tagshelf-Session", &server.session())]);
            }
            Credential::Session => refused(&[("X-Tagshelf-Session", &of_stranger)]),
            Credential::Anyone => panic!("{path} has an id and no credential"),
        }
        asked += 1;
    }
    assert!(asked >= 9, "{asked}");
    // All of it was there, and nothing was changed.
    for endpoint in erasing_last {
        let Some((path, _)) = owned.address(endpoint.path) else { continue };
        let reply = call(&server, endpoint, &path, &[("Authorization", &server.key)]);
        assert_eq!(reply.status, 200, "{} {path}: {}", endpoint.method, reply.json());
    }
}

#[test]
fn lists_and_bodies_know_nothing_of_another_account() {
    let server = Server::start_with(LEGACY_ON);
    let owned = Owned::make(&server);
    let stranger = server.stranger_key();
    let listed = endpoints().filter(|one| one.method == "GET" && !one.path.contains('{'));
    let mut lists = 0;
    for endpoint in listed.filter(|one| matches!(one.credential, Credential::Key(_))) {
        let reply = call(&server, endpoint, endpoint.path, &[("Authorization", &stranger)]);
        assert_eq!(reply.status, 200, "{}", endpoint.path);
        let text = reply.json().to_string();
        for id in [&owned.job, &owned.attempt, &owned.in_review, &owned.user, &owned.number] {
            assert!(!text.contains(id.as_str()), "{} tells of {id}", endpoint.path);
        }
        lists += 1;
    }
    assert!(lists >= 2, "{lists}");
    let reply = server.client.call(
        "GET",
        &format!("/v1/2face/attempts?cursor={}&documentId={}", owned.in_review, owned.number),
        &[("Authorization", &stranger)],
        None,
    );
    assert_eq!(reply.unwrap().result()["attempts"], json!([]), "another account's id is no more than a place in time");
    let fields = [("attempt", owned.attempt.as_str()), ("documentId", "S1"), ("documentType", "CEDULA")];
    let reply =
        server.client.call("POST", "/v1/2face/users", &[("Authorization", &stranger)], Some(Body::form(&fields)));
    assert_eq!(refusal(&reply.unwrap()), (404, "not_found".into()));
}

#[test]
fn every_endpoint_wants_the_credential_that_the_table_says() {
    let server = Server::start_with(&format!("{LEGACY_ON}minutes = 1440\n"));
    let owned = Owned::make(&server);
    let token = server.session();
    let scopeless = |scope: Scope| {
        let others = Scope::ALL.into_iter().filter(|one| *one != scope).collect();
        server.make_key(KeyTerms { scopes: others, ..KeyTerms::default() }).1
    };
    for endpoint in endpoints() {
        // Whoever guesses many times in a row is made to wait.
        server.clock.advance(Duration::from_secs(15 * 60));
        let address = owned.address(endpoint.path).map(|(path, _)| path);
        let path = address.unwrap_or_else(|| endpoint.path.replace("{workflowName}", "signup"));
        let denied = |headers: &[(&str, &str)], slug: &str| {
            let reply = call(&server, endpoint, &path, headers);
            assert_eq!(refusal(&reply), (403, slug.to_owned()), "{} {path} {headers:?}", endpoint.method);
        };
        let (key, session) = (("Authorization", server.key.as_str()), ("X-Tagshelf-Session", token.as_str()));
        let nobody = [("Authorization", "2fk_0"), ("X-Tagshelf-Session", "0")];
        match endpoint.credential {
            Credential::Anyone => continue,
            Credential::Key(_) => denied(&[session], "invalid_token"),
            Credential::Session => denied(&[key], "invalid_token"),
            Credential::KeyOrSession(_) => {}
        }
        denied(&[], "invalid_token");
        denied(&nobody, "invalid_token");
        if path.starts_with("/v1/") {
            denied(&[key, session, ("User-Agent", "")], "user_agent_required");
        }
        if let Credential::Key(scope) | Credential::KeyOrSession(scope) = endpoint.credential {
            denied(&[("Authorization", &scopeless(scope))], "scope_missing");
        }
    }
}

fn stranger_session(server: &Server, key: &str) -> String {
    let body = Body::form(&[("type", "SIGNUP")]);
    let reply = server.client.call("POST", "/v1/2face/session", &[("Authorization", key)], Some(body)).unwrap();
    reply.result().as_str().unwrap().to_owned()
}
