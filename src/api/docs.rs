//! The contract as the server itself tells it: the OpenAPI document, a Postman collection, a page for people; and the guides.
//!
//! Everything comes out of the executable; the page names no foreign host and works without scripts.

use actix_web::{HttpResponse, web};
use serde_json::Value;

use super::docs_page;
use super::endpoint::Endpoint;
use super::error::Denied;
use crate::docs as guides;
use crate::domain::refusal::Refusal;

/// Tests hold this against the route table and against every answer that they see.
const OPENAPI: &str = include_str!("../../assets/openapi.json");
const POSTMAN: &str = include_str!("../../assets/postman.json");
const STYLE: &str = include_str!("../../assets/docs.css");

/// What the page may load: its style, and nothing else from anywhere.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The document and the page made of it, as they are served.
pub struct Documents {
    openapi: String,
    page: String,
}

impl Documents {
    /// Of the endpoints in `tables`.
    pub fn new(tables: &[&[Endpoint]]) -> Self {
        let mut document: Value = serde_json::from_str(OPENAPI).unwrap_or_default();
        if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
            paths.retain(|path, _| tables.iter().copied().flatten().any(|endpoint| endpoint.path == path));
        }
        Self { page: docs_page::render(&document), openapi: format!("{document:#}") }
    }
}

pub async fn openapi(documents: web::Data<Documents>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(documents.openapi.clone())
}

pub async fn postman() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(POSTMAN)
}

pub async fn page(documents: web::Data<Documents>) -> HttpResponse {
    html(documents.page.clone())
}

/// A guide, as `twoface help TOPIC` prints it.
pub async fn guide(topic: web::Path<String>) -> Result<HttpResponse, Denied> {
    let guide = guides::page(&topic).ok_or_else(|| Refusal::NoEntity { id: topic.into_inner() })?;
    Ok(html(docs_page::guide(&guide)))
}

fn html(page: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("content-security-policy", PAGE_POLICY))
        .insert_header(("referrer-policy", "no-referrer"))
        .body(page)
}

pub async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(STYLE)
}
