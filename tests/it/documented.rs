//! A client that holds every answer against `assets/openapi.json`: the status must be documented for that endpoint, the body
//! must fit its schema, a refusal's slug must be among the examples, the headers that are promised must be there.
//!
//! When it complains about an endpoint that you are adding: describe what the message names in the document.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};
use twoface::client::{Body, Client, NoAnswer, Reply};

pub static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../assets/openapi.json")).unwrap());

/// Refusals that any address gives before it is looked at.
const BEFORE_ROUTING: [(u16, &str); 2] = [(403, "user_agent_required"), (413, "too_large")];

pub struct Checked(pub Client);

impl Checked {
    pub fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Body>,
    ) -> Result<Reply, NoAnswer> {
        let reply = self.0.call(method, path, headers, body)?;
        check(method, path, &reply);
        Ok(reply)
    }
}

fn check(method: &str, path: &str, reply: &Reply) {
    assert!(reply.header("x-request-id").is_some(), "{method} {path} has no X-Request-Id");
    let path = path.split('?').next().unwrap();
    let Some(template) = template_of(path) else { return not_routed(404, "no_route", method, path, reply) };
    let operation = &DOCUMENT["paths"][template][method.to_lowercase()];
    if operation.is_null() {
        return not_routed(405, "method_not_allowed", method, path, reply);
    }
    let status = reply.status;
    let name = format!("{method} {template} → {status}");
    let response = resolved(&operation["responses"][status.to_string()]);
    let shown = String::from_utf8_lossy(&reply.body);
    assert!(response.is_object(), "{name} is not in assets/openapi.json: {shown}");
    for (header, described) in response["headers"].as_object().into_iter().flatten() {
        let required = resolved(described)["required"] == json!(true);
        assert!(!required || reply.header(header).is_some(), "{name} promises the header {header}");
    }
    let kind = reply.header("content-type").unwrap_or("").split(';').next().unwrap();
    let content = &response["content"][kind];
    assert!(content.is_object(), "{name} is not documented as `{kind}`: {shown}");
    if !kind.ends_with("json") {
        return;
    }
    let json = reply.json();
    fits(&name, &content["schema"], &json);
    // Slugs stand once, beside the plain envelope.
    let known = &response["content"]["application/json"]["examples"];
    if let (Some(slug), Some(known)) = (json["result"]["error"].as_str(), known.as_object()) {
        assert!(known.contains_key(slug), "{name} with the error `{slug}` is not among its examples: {shown}");
    }
}

/// What the program says where there is no endpoint.
fn not_routed(status: u16, slug: &str, method: &str, path: &str, reply: &Reply) {
    let json = reply.json();
    let said = (reply.status, json["result"]["error"].as_str().unwrap_or_default());
    let expected = said == (status, slug) || BEFORE_ROUTING.contains(&said);
    assert!(expected, "{method} {path} is in no route of assets/openapi.json and was answered {json}");
    let problem = reply.header("content-type") == Some("application/problem+json");
    let shape = if problem { "Problem" } else { "Refusal" };
    fits(&format!("{method} {path}"), &json!({ "$ref": format!("#/components/schemas/{shape}") }), &json);
    assert!(status != 405 || reply.status != 405 || reply.header("allow").is_some(), "{method} {path} has no Allow");
}

/// The document's path that an address belongs to: the one with the most words in common.
fn template_of(path: &str) -> Option<&'static str> {
    let asked: Vec<&str> = path.split('/').collect();
    let fits = |template: &&String| {
        let words: Vec<&str> = template.split('/').collect();
        words.len() == asked.len()
            && words.iter().zip(&asked).all(|(word, given)| word == given || word.starts_with('{') && !given.is_empty())
    };
    let paths = DOCUMENT["paths"].as_object().unwrap().keys();
    paths.filter(fits).min_by_key(|template| template.matches('{').count()).map(String::as_str)
}

/// What a `$ref` points at; anything else is itself.
pub fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(pointer) => DOCUMENT.pointer(pointer.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

fn fits(name: &str, schema: &Value, json: &Value) {
    let errors: Vec<String> = validator(schema)
        .iter_errors(json)
        .take(5)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{name} does not fit assets/openapi.json: {}\n{json:#}", errors.join("; "));
}

/// A schema of the document, compiled once.
pub fn validator(schema: &Value) -> Arc<Validator> {
    static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let fresh = || {
        // References are looked up from the root, where the document has its components.
        let whole = json!({ "allOf": [schema], "components": { "schemas": DOCUMENT["components"]["schemas"] } });
        Arc::new(jsonschema::draft202012::new(&whole).unwrap())
    };
    Arc::clone(compiled.entry(schema.to_string()).or_insert_with(fresh))
}
