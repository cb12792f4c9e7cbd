//! `/openapi.json`, `/docs`, `/postman.json`: they say what the program does, all of it and nothing else.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use twoface::api::{Credential, ENDPOINTS, LEGACY};
use twoface::client::{Body, Reply};
use twoface::domain::key::Scope;

use crate::documented::{DOCUMENT, resolved, validator};
use crate::harness::Server;

const OPENAPI: &str = include_str!("../../assets/openapi.json");
const POSTMAN: &str = include_str!("../../assets/postman.json");

#[test]
fn the_document_has_exactly_the_routes_of_the_table_with_their_credentials() {
    let scoped = |scope: Scope| Value::from(scope.name());
    let (key, session) = (json!({ "apiKey": [] }), json!({ "session": [] }));
    let routed: BTreeMap<(String, String), (Value, Value)> = ENDPOINTS
        .iter()
        .chain(LEGACY)
        .map(|endpoint| {
            let credential = match endpoint.credential {
                Credential::Anyone => (json!([]), Value::Null),
                Credential::Key(scope) => (json!([key]), scoped(scope)),
                Credential::Session => (json!([session]), Value::Null),
                Credential::KeyOrSession(scope) => (json!([key, session]), scoped(scope)),
            };
            ((endpoint.path.to_owned(), endpoint.method.to_lowercase()), credential)
        })
        .collect();
    assert_eq!(routed.len(), ENDPOINTS.len() + LEGACY.len(), "an endpoint stands in the table twice");
    let documented: BTreeMap<(String, String), (Value, Value)> = operations()
        .map(|(path, method, operation)| {
            ((path.clone(), method.clone()), (operation["security"].clone(), operation["x-scope"].clone()))
        })
        .collect();
    for (endpoint, credential) in &routed {
        assert_eq!(documented.get(endpoint), Some(credential), "{endpoint:?} is not documented so");
    }
    for endpoint in documented.keys() {
        assert!(routed.contains_key(endpoint), "{endpoint:?} is documented but not in the route table");
    }
}

#[test]
fn the_paths_of_the_table_stand_together() {
    let mut seen: Vec<&str> = Vec::new();
    for of_one_path in
        [ENDPOINTS, LEGACY].into_iter().flat_map(|table| table.chunk_by(|one, next| one.path == next.path))
    {
        assert!(!seen.contains(&of_one_path[0].path), "{} stands in two places", of_one_path[0].path);
        seen.push(of_one_path[0].path);
    }
}

#[test]
fn the_document_is_sound() {
    assert_eq!(format!("{:#}\n", *DOCUMENT), OPENAPI, "written as serde_json writes it: two spaces, names in order");
    let mut ids: Vec<&Value> = operations().map(|(_, _, operation)| &operation["operationId"]).collect();
    ids.sort_by_key(|id| id.to_string());
    ids.dedup();
    assert_eq!(ids.len(), operations().count(), "each operation has an id of its own");
    each_reference(&DOCUMENT, &|pointer| {
        assert!(DOCUMENT.pointer(pointer.trim_start_matches('#')).is_some(), "{pointer} points nowhere");
    });
    for (path, _, operation) in operations() {
        let parameters = operation["parameters"].as_array().unwrap().iter().map(resolved);
        let in_path: Vec<&Value> =
            parameters.filter(|one| one["in"] == json!("path")).map(|one| &one["name"]).collect();
        let braced: Vec<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
        assert_eq!(in_path, braced, "{path}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            for (kind, content) in resolved(response)["content"].as_object().unwrap() {
                for (slug, example) in content["examples"].as_object().into_iter().flatten() {
                    let value = &resolved(example)["value"];
                    assert_eq!(value["code"].to_string(), *status, "{path} {slug}");
                    assert_eq!(value["result"]["error"], json!(slug), "{path} {status}");
                    let fits = validator(&content["schema"]).is_valid(value);
                    assert!(fits, "the example {slug} of {path} {status} is no {kind}");
                }
            }
        }
    }
}

#[test]
fn the_documents_are_served_to_anyone_from_the_executable() {
    let server = Server::start();
    let get = |path: &str| server.client.call("GET", path, &[("User-Agent", "")], None).unwrap();
    let served = get("/openapi.json").json();
    assert_eq!(served["openapi"], json!("3.1.0"));
    assert_eq!(served["components"], DOCUMENT["components"]);
    assert_eq!(get("/postman.json").body, POSTMAN.as_bytes());

    let page = get("/docs");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{policy}");
    let html = String::from_utf8(page.body.clone()).unwrap();
    for foreign in ["http:", "https:", "src=", "<script", "@import", "style="] {
        assert!(!html.contains(foreign), "the page names {foreign}");
    }
    for (path, method, operation) in operations().filter(|(path, _, _)| !path.starts_with("/api/")) {
        assert!(html.contains(&format!("<code>{} {path}</code>", method.to_uppercase())), "{method} {path}");
        assert!(html.contains(&format!("id=\"{}\"", operation["operationId"].as_str().unwrap())));
    }
    for slug in ["no_tries_left", "document_taken", "inconclusive"] {
        assert!(html.contains(&format!("<code>{slug}</code>")), "{slug}");
    }
    for guide in twoface::docs::PAGES {
        let path = format!("/docs/{}", guide.topic);
        assert!(html.contains(&format!("href=\"{path}\"")));
        let page = get(&path);
        assert_eq!((page.status, page.header("content-security-policy")), (200, Some(policy)));
        let text = String::from_utf8(page.body).unwrap();
        let title = guide.text.lines().next().unwrap().strip_prefix("# ").unwrap();
        assert!(text.contains(title), "{path}: {title}");
    }
    assert_eq!(get("/docs/nothing").status, 404);
    assert_eq!(get("/docs/style.css").header("content-type"), Some("text/css; charset=utf-8"));
}

#[test]
fn the_postman_collection_runs_from_top_to_bottom() {
    let server = Server::start();
    let collection: Value = serde_json::from_str(POSTMAN).unwrap();
    let mut variables: BTreeMap<String, String> = collection["variable"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["key"].as_str().unwrap().to_owned(), one["value"].as_str().unwrap().to_owned()))
        .collect();
    variables.insert("baseUrl".to_owned(), String::new());
    variables.insert("apiKey".to_owned(), server.key.clone());
    wait_until_ready(&server);
    let mut run = Vec::new();
    for item in collection["item"].as_array().unwrap() {
        let reply = send(&server, &item["request"], &variables);
        let name = item["name"].as_str().unwrap();
        for line in item["event"][0]["script"]["exec"].as_array().unwrap() {
            scripted(name, line.as_str().unwrap(), &reply, &mut variables);
        }
        run.push((item["request"]["method"].as_str().unwrap().to_owned(), reply.status));
    }
    assert_eq!(run.len(), 9);
    assert!(run.iter().all(|(_, status)| *status == 200), "{run:?}");
    assert_eq!(server.get("/users").result()["users"], json!([]), "it ends as it began");
}

fn wait_until_ready(server: &Server) {
    while server.client.call("GET", "/readyz", &[], None).unwrap().status != 200 {
        twoface::clock::pause(std::time::Duration::from_millis(20));
    }
}

/// A request of the collection; its files are what the scripted examiner takes for photos.
fn send(server: &Server, request: &Value, variables: &BTreeMap<String, String>) -> Reply {
    let fill = |value: &Value| filled(value.as_str().unwrap(), variables);
    let headers: Vec<(String, String)> =
        request["header"].as_array().unwrap().iter().map(|one| (fill(&one["key"]), fill(&one["value"]))).collect();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let body = match request["body"]["mode"].as_str() {
        Some("raw") => Some(Body::json(&serde_json::from_str(&fill(&request["body"]["raw"])).unwrap())),
        Some("formdata") => {
            let fields = request["body"]["formdata"].as_array().unwrap().iter();
            let names: Vec<&str> = fields
                .map(|field| {
                    assert_eq!(field["type"], json!("file"));
                    field["key"].as_str().unwrap()
                })
                .collect();
            let files: Vec<(&str, &str, &[u8])> =
                names.iter().map(|name| (*name, "photo.jpg", b"cosine 0.9".as_slice())).collect();
            Some(Body::multipart(&files, &[]))
        }
        _ => None,
    };
    let url = fill(&request["url"]["raw"]);
    assert_eq!(
        url.trim_start_matches('/'),
        filled_path(&request["url"]["path"], variables),
        "both forms of the address"
    );
    server.client.call(request["method"].as_str().unwrap(), &url, &headers, body).unwrap()
}

fn filled_path(parts: &Value, variables: &BTreeMap<String, String>) -> String {
    parts.as_array().unwrap().iter().map(|part| filled(part.as_str().unwrap(), variables)).collect::<Vec<_>>().join("/")
}

fn filled(text: &str, variables: &BTreeMap<String, String>) -> String {
    let filled =
        variables.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value));
    assert!(!filled.contains("{{"), "{filled} has a variable that nobody set");
    filled
}

/// The few sentences of JavaScript that the collection's tests consist of.
fn scripted(name: &str, line: &str, reply: &Reply, variables: &mut BTreeMap<String, String>) {
    if line.starts_with("pm.test(") {
        return assert_eq!(reply.status, 200, "{name}: {}", reply.json());
    }
    let set = line.strip_prefix("pm.collectionVariables.set(\"").and_then(|rest| rest.strip_suffix(");"));
    let (variable, value) = set.and_then(|set| set.split_once("\", ")).unwrap_or_else(|| panic!("{name}: {line}"));
    let value = match value.strip_prefix("pm.response.json().") {
        Some(path) => path.split('.').fold(reply.json(), |json, part| json[part].clone()).as_str().unwrap().to_owned(),
        None => {
            let header = value.strip_prefix("pm.response.headers.get(\"").unwrap().strip_suffix("\")").unwrap();
            reply.header(header).unwrap().to_owned()
        }
    };
    variables.insert(variable.to_owned(), value);
}

fn operations() -> impl Iterator<Item = (&'static String, &'static String, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| (path, method, operation))
    })
}

fn each_reference(value: &Value, seen: &dyn Fn(&str)) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, inner)| match inner.as_str() {
            Some(pointer) if name == "$ref" => seen(pointer),
            _ => each_reference(inner, seen),
        }),
        Value::Array(values) => values.iter().for_each(|inner| each_reference(inner, seen)),
        _ => {}
    }
}
