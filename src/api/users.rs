//! `/users…`: registration, look-ups, erasure.

use actix_web::{HttpRequest, web};
use serde_json::{Value, json};

use super::answer::{Answer, ask, ok};
use super::credential::{ApiKey, Erase, Users};
use super::error::Denied;
use super::jobs::entity_id;
use super::paging::{self, Paging};
use super::upload::Form;
use crate::domain::refusal::Refusal;
use crate::domain::user::{DocumentNumber, DocumentType, User};
use crate::service::Service;
use crate::service::users::Registration;

/// `POST /users`.
pub async fn register(
    key: ApiKey<Users>,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let form = Form::read(&request, body).await?;
    let must = |field, must| Denied::from(Refusal::BadField { field, must });
    let attempt = form.text("attempt").ok_or_else(|| must("attempt", "be the id of a closed attempt"))?;
    let document_id = form.text("documentId").as_deref().and_then(DocumentNumber::parse);
    let registration = Registration {
        attempt: entity_id(&attempt)?,
        document_id: document_id.ok_or_else(|| must("documentId", DocumentNumber::MUST))?,
        document_type: form
            .text("documentType")
            .as_deref()
            .and_then(DocumentType::parse)
            .ok_or(Refusal::BadDocumentType)?,
        metadata: form.object("metadata")?.unwrap_or_default(),
    };
    ok(shown(&ask(&service, move |service| service.register(key.0.account, registration)).await?))
}

/// `GET /users/:id`.
pub async fn read(key: ApiKey<Users>, path: web::Path<String>, service: web::Data<Service>) -> Answer {
    let id = entity_id(&path)?;
    ok(shown(&ask(&service, move |service| service.user(key.0.account, id)).await?))
}

/// `GET /users/document/:documentId`.
pub async fn read_by_document(key: ApiKey<Users>, path: web::Path<String>, service: web::Data<Service>) -> Answer {
    let no_entity = || Refusal::NoEntity { id: path.chars().take(64).collect() };
    let number = DocumentNumber::parse(&path).ok_or_else(no_entity)?;
    ok(shown(&ask(&service, move |service| service.user_by_document(key.0.account, &number)).await?))
}

/// `GET /users`: oldest first; `cursor` is the last id of the page before.
pub async fn list(key: ApiKey<Users>, paging: web::Query<Paging>, service: web::Data<Service>) -> Answer {
    let (cursor, limit) = paging::read(&paging)?;
    let users = ask(&service, move |service| service.users(key.0.account, cursor, limit)).await?;
    let next = if users.len() == limit { users.last().map(|user| user.id) } else { None };
    ok(json!({ "users": users.iter().map(shown).collect::<Vec<Value>>(), "next": next }))
}

/// `DELETE /users/:id`: answers with the id, and nothing about the person is left.
pub async fn erase(key: ApiKey<Erase>, path: web::Path<String>, service: web::Data<Service>) -> Answer {
    let id = entity_id(&path)?;
    ask(&service, move |service| service.erase_user(key.0.account, id)).await?;
    ok(id)
}

fn shown(user: &User) -> Value {
    json!({
        "_id": user.id,
        "id": user.id,
        "documentId": user.document_id,
        "documentType": user.document_type,
        "metadata": user.metadata,
        "attempt": user.attempt,
        "createdAt": user.created_at,
        "updatedAt": user.updated_at,
        "__v": user.version,
    })
}
