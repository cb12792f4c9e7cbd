//! The HTTP contract: `/v1/2face/…`, where wanted its first generation under `/api`, the two health pages, and the documents
//! that describe it all.
//!
//! A handler's credential is in its signature. Nothing here decides anything: it translates to the service and back.

use actix_web::web;

use crate::config::Config;
use crate::domain::key::Scope;

mod answer;
mod attempts;
mod credential;
mod docs;
mod docs_page;
mod documents;
mod endpoint;
mod error;
mod events;
mod faces;
mod gate;
mod health;
mod jobs;
mod legacy;
mod once;
mod paging;
mod sessions;
mod spanish;
mod unread;
mod upload;
mod users;

use endpoint::Credential::{Anyone, Key, KeyOrSession, Session};
use endpoint::{delete, get, post};

pub use docs::Documents;
pub use endpoint::{Credential, Endpoint};
pub use upload::UploadMemory;

/// The route table, one line per endpoint; those of one path stand together. Whoever adds a line describes it in
/// `assets/openapi.json` too, with every status and slug that it can answer: the tests hold the two, and every answer that they
/// see, against each other.
#[rustfmt::skip]
pub const ENDPOINTS: &[Endpoint] = &[
    get("/healthz", Anyone, |to| to.to(health::healthz)),
    get("/readyz", Anyone, |to| to.to(health::readyz)),
    get("/openapi.json", Anyone, |to| to.to(docs::openapi)),
    get("/postman.json", Anyone, |to| to.to(docs::postman)),
    get("/docs", Anyone, |to| to.to(docs::page)),
    get("/docs/style.css", Anyone, |to| to.to(docs::style)),
    get("/docs/{topic}", Anyone, |to| to.to(docs::guide)),
    post("/v1/2face/session", Key(Scope::Sessions), |to| to.to(sessions::open)),
    post("/v1/2face/session/close", Session, |to| to.to(sessions::close)),
    get("/v1/2face/session/challenge", Session, |to| to.to(sessions::challenge)),
    post("/v1/2face/jobs/start/{workflowName}", Session, |to| to.to(jobs::start)),
    get("/v1/2face/jobs/{id}", KeyOrSession(Scope::Jobs), |to| to.to(jobs::read)),
    post("/v1/2face/faces/detect", Session, |to| to.to(faces::detect)),
    post("/v1/2face/faces/compare", Session, |to| to.to(faces::compare)),
    post("/v1/2face/faces/check-smile", Session, |to| to.to(faces::check_smile)),
    post("/v1/2face/faces/check-blink", Session, |to| to.to(faces::check_blink)),
    post("/v1/2face/faces/check-challenge", Session, |to| to.to(faces::check_challenge)),
    post("/v1/2face/documents/validate-document-type", Session, |to| to.to(documents::validate_type)),
    post("/v1/2face/documents/validate-identity", Session, |to| to.to(documents::validate_identity)),
    get("/v1/2face/attempts", Key(Scope::Attempts), |to| to.to(attempts::list)),
    post("/v1/2face/attempts/review/{id}", Key(Scope::Attempts), |to| to.to(attempts::review)),
    get("/v1/2face/attempts/{id}", Key(Scope::Attempts), |to| to.to(attempts::read)),
    delete("/v1/2face/attempts/{id}", Key(Scope::Erase), |to| to.to(attempts::erase)),
    get("/v1/2face/attempts/{id}/files/{name}", Key(Scope::Attempts), |to| to.to(attempts::file)),
    get("/v1/2face/events", Key(Scope::Events), |to| to.to(events::list)),
    get("/v1/2face/users", Key(Scope::Users), |to| to.to(users::list)),
    post("/v1/2face/users", Key(Scope::Users), |to| to.to(users::register)),
    post("/v1/2face/users/search", Key(Scope::Users), |to| to.to(users::search)),
    get("/v1/2face/users/document/{documentId}", Key(Scope::Users), |to| to.to(users::read_by_document)),
    get("/v1/2face/users/{id}", Key(Scope::Users), |to| to.to(users::read)),
    delete("/v1/2face/users/{id}", Key(Scope::Erase), |to| to.to(users::erase)),
];

/// The endpoints of the first generation, a table of their own.
pub const LEGACY: &[Endpoint] = legacy::ENDPOINTS;

/// The tables that are mounted under `config`.
pub fn tables(config: &Config) -> &'static [&'static [Endpoint]] {
    if config.legacy.enabled { &[ENDPOINTS, LEGACY] } else { &[ENDPOINTS] }
}

/// Mounts the tables. Needs `web::Data` of `Service`, `UploadMemory` and `Documents`.
pub fn routes(app: &mut web::ServiceConfig, tables: &[&[Endpoint]]) {
    for of_one_path in tables.iter().flat_map(|table| table.chunk_by(|one, next| one.path == next.path)) {
        if let Some(first) = of_one_path.first() {
            app.service(endpoint::resource(first.path, of_one_path));
        }
    }
    app.default_service(web::route().to(error::no_route));
}

pub use gate::request as gate;
