//! The pages for people: the API's, written from the OpenAPI document alone, so that the two cannot drift apart, and the guides.

use std::fmt::Write as _;

use pulldown_cmark::{Options, Parser};
use serde_json::Value;

use crate::docs::{PAGES, Page};

const METHODS: [&str; 3] = ["get", "post", "delete"];
const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
     <link rel=\"stylesheet\" href=\"/docs/style.css\">\n";

/// A guide as a page. What is not Markdown is shown as it stands.
pub fn guide(page: &Page) -> String {
    let mut html =
        format!("{HEAD}<title>twoface: {}</title>\n<p><a href=\"/docs\">All documentation</a></p>\n", page.topic);
    if page.is_markdown {
        pulldown_cmark::html::push_html(&mut html, Parser::new_ext(page.text, Options::ENABLE_TABLES));
    } else {
        let _ = writeln!(html, "<pre><code>{}</code></pre>", escape(page.text));
    }
    html.push_str("</html>\n");
    html
}

/// The whole page.
pub fn render(document: &Value) -> String {
    let mut page = HEAD.to_owned();
    let info = &document["info"];
    let _ =
        write!(page, "<title>{0}</title>\n<h1>{0}</h1>\n<p>{1}</p>\n", text(&info["title"]), text(&info["summary"]));
    for paragraph in text(&info["description"]).split("\n\n") {
        let _ = writeln!(page, "<p>{}</p>", code(paragraph));
    }
    page.push_str("<p>For machines: <a href=\"/openapi.json\">openapi.json</a>, <a href=\"/postman.json\">postman.json</a>.</p>\n");
    page.push_str("<h2>Guides</h2>\n<ul>\n");
    for guide in PAGES {
        let _ = writeln!(page, "<li><a href=\"/docs/{0}\">{0}</a>: {1}", guide.topic, escape(guide.about));
    }
    page.push_str("</ul>\n<h2>The API</h2>\n");
    let tags = || document["tags"].as_array().into_iter().flatten();
    page.push_str("<nav>\n");
    for tag in tags() {
        contents(&mut page, document, tag);
    }
    page.push_str("</nav>\n");
    for tag in tags() {
        let _ = writeln!(page, "<h2>{}</h2>\n<p>{}</p>", text(&tag["name"]), text(&tag["description"]));
        for (method, path, operation) in operations(document, tag) {
            endpoint(&mut page, document, method, path, operation);
        }
    }
    page.push_str("<h2>Shapes</h2>\n");
    for (name, schema) in entries(at(document, "/components/schemas")) {
        shape(&mut page, name, schema);
    }
    page.push_str("</html>\n");
    page
}

fn operations<'a>(document: &'a Value, tag: &'a Value) -> impl Iterator<Item = (&'static str, &'a str, &'a Value)> {
    entries(&document["paths"])
        .flat_map(|(path, item)| METHODS.map(|method| (method, path, &item[method])))
        .filter(|(_, _, operation)| at(operation, "/tags/0") == &tag["name"])
}

fn contents(page: &mut String, document: &Value, tag: &Value) {
    let mut listed = operations(document, tag).peekable();
    if listed.peek().is_none() {
        return;
    }
    let _ = writeln!(page, "<h3>{}</h3>\n<ul>", text(&tag["name"]));
    for (method, path, operation) in listed {
        let (id, summary) = (text(&operation["operationId"]), text(&operation["summary"]));
        let verb = method.to_uppercase();
        let _ = writeln!(page, "<li><a href=\"#{id}\"><code>{verb} {}</code></a> {summary}", escape(path));
    }
    page.push_str("</ul>\n");
}

fn endpoint(page: &mut String, document: &Value, method: &str, path: &str, operation: &Value) {
    let verb = method.to_uppercase();
    let _ = writeln!(
        page,
        "<section id=\"{}\">\n<h3><code>{verb} {}</code></h3>\n<p>{}. {}</p>\n<p>Credential: {}.</p>",
        text(&operation["operationId"]),
        escape(path),
        text(&operation["summary"]),
        text(&operation["description"]),
        credential(operation),
    );
    page.push_str("<table>\n<tr><th>Field<th>Where<th>What\n");
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = resolved(document, parameter);
        let place = if parameter["required"] == true { "" } else { ", optional" };
        row(
            page,
            &text(&parameter["name"]),
            &format!("{}{place}", text(&parameter["in"])),
            &parameter["schema"],
            &parameter["description"],
        );
    }
    let bodies = at(operation, "/requestBody/content");
    if let Some((_, body)) = entries(bodies).next() {
        let schema = &body["schema"];
        for (name, field) in entries(&schema["properties"]) {
            let place = if requires(schema, name) { "body" } else { "body, optional" };
            row(page, &escape(name), place, field, &field["description"]);
        }
    }
    page.push_str("</table>\n");
    if bodies.is_object() {
        let kinds: Vec<String> = entries(bodies).map(|(kind, _)| format!("<code>{kind}</code>")).collect();
        let _ = writeln!(page, "<p>The body is {}.</p>", kinds.join(" or "));
    }
    answers(page, document, operation);
    page.push_str("</section>\n");
}

fn answers(page: &mut String, document: &Value, operation: &Value) {
    page.push_str("<table>\n<tr><th>Answer<th>When<th>Result or errors\n");
    for (status, response) in entries(&operation["responses"]) {
        let response = resolved(document, response);
        let Some((kind, content)) = entries(&response["content"]).next() else { continue };
        let slugs: Vec<String> =
            entries(&content["examples"]).map(|(slug, _)| format!("<code>{}</code>", escape(slug))).collect();
        let what = match (slugs.is_empty(), kind) {
            (false, _) => slugs.join(" "),
            (true, "application/json") => kind_of(&content["schema"]),
            (true, _) => format!("<code>{kind}</code>"),
        };
        let _ = writeln!(page, "<tr><td>{status}<td>{}<td>{what}", text(&response["description"]));
    }
    page.push_str("</table>\n");
}

fn shape(page: &mut String, name: &str, schema: &Value) {
    let _ = writeln!(page, "<section id=\"shape-{name}\">\n<h3>{name}</h3>\n<p>{}</p>", text(&schema["description"]));
    if !schema["properties"].is_object() {
        let _ = writeln!(page, "<p>{}</p>\n</section>", kind_of(schema));
        return;
    }
    page.push_str("<table>\n<tr><th>Field<th><th>What\n");
    for (field, inner) in entries(&schema["properties"]) {
        let place = if requires(schema, field) { "" } else { "optional" };
        row(page, &escape(field), place, inner, &inner["description"]);
    }
    page.push_str("</table>\n</section>\n");
}

fn row(page: &mut String, name: &str, place: &str, schema: &Value, description: &Value) {
    let _ =
        writeln!(page, "<tr><td><code>{name}</code><td>{place}<td>{} {}", kind_of(schema), code(&text(description)));
}

/// A schema in a few words; named ones as links.
fn kind_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|pointer| pointer.rsplit('/').next()) {
        return format!("<a href=\"#shape-{name}\">{name}</a>");
    }
    if let Some(allowed) = schema["enum"].as_array() {
        return allowed.iter().map(|value| format!("<code>{}</code>", plain(value))).collect::<Vec<_>>().join(" ");
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(some) = schema[choice].as_array().filter(|_| schema["type"].is_null()) {
            return some.iter().map(kind_of).collect::<Vec<_>>().join(" or ");
        }
    }
    if !schema["const"].is_null() {
        return format!("<code>{}</code>", plain(&schema["const"]));
    }
    match schema["type"].as_str() {
        Some("array") => format!("list of {}", kind_of(&schema["items"])),
        Some("object") if schema["properties"].is_object() => {
            let fields = entries(&schema["properties"]);
            let fields: Vec<String> =
                fields.map(|(name, inner)| format!("<code>{}</code> {}", escape(name), kind_of(inner))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Some(kind) => escape(kind),
        None => schema["type"].as_array().into_iter().flatten().map(plain).collect::<Vec<_>>().join(" or "),
    }
}

fn credential(operation: &Value) -> String {
    let names = operation["security"].as_array().into_iter().flatten().flat_map(entries).map(|(name, _)| match name {
        "apiKey" => match operation["x-scope"].as_str() {
            Some(scope) => format!("an API key with the scope <code>{scope}</code>"),
            None => "an API key".to_owned(),
        },
        _ => "the session's token".to_owned(),
    });
    let names: Vec<String> = names.collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", or ") }
}

fn requires(schema: &Value, field: &str) -> bool {
    schema["required"].as_array().is_some_and(|required| required.iter().any(|name| name == field))
}

/// What a `$ref` into this document points at; anything else is itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|pointer| pointer.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

/// What lies deeper; null where there is nothing.
fn at<'a>(value: &'a Value, pointer: &str) -> &'a Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, inner)| (name.as_str(), inner))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), escape)
}

/// A string of the document, safe to stand in a page.
fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What stands between backticks is code.
fn code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(index, part)| if index % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_document_says_cannot_become_markup() {
        let page = render(&json!({
            "info": { "title": "<script>", "summary": "a & b", "description": "say `x<y`" },
            "tags": [{ "name": "T", "description": "" }],
            "paths": { "/<b>": { "get": { "tags": ["T"], "operationId": "o", "summary": "\"quoted\"" } } },
        }));
        assert!(!page.contains("<script>") && !page.contains("<b>") && !page.contains("\"quoted\""), "{page}");
        assert!(page.contains("a &amp; b") && page.contains("<code>x&lt;y</code>"), "{page}");
    }
}
