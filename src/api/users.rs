//! `/users…`: registration, look-ups, erasure.

use std::time::Duration;

use actix_web::{HttpRequest, web};
use serde_json::{Value, json};

use super::answer::{Answer, ask, ok};
use super::credential::{ApiKey, Erase, Users};
use super::error::Denied;
use super::jobs::entity_id;
use super::once::{self, Whose};
use super::paging::{self, Paging};
use super::upload::Form;
use crate::domain::audit::Actor;
use crate::domain::refusal::{Failure, Refusal};
use crate::domain::replay::Effect;
use crate::domain::user::{DocumentNumber, DocumentType, User};
use crate::domain::workflow::FieldKind;
use crate::service::Service;
use crate::service::users::Registration;

/// People found unless `limit` says otherwise.
const SEARCH_LIMIT: &str = "10";
/// A search is answered in the request, so it waits its turn in the queue no longer than a client waits.
const SEARCH_SECONDS_MAX: Duration = Duration::from_secs(30);

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
    let (account, by) = (key.0.account, Actor::Key(key.0.key));
    match once::turn(&service, &request, Whose::Account(account), &form).await? {
        Ok(once) => {
            let user =
                ask(&service, move |service| service.register(&by, account, registration, once.as_ref())).await?;
            ok(shown(&user))
        }
        Err(Effect::UserRegistered { user }) => {
            ok(shown(&ask(&service, move |service| service.user(account, user)).await?)).map(once::replayed)
        }
        Err(_) => Err(once::of_another_kind()),
    }
}

/// `POST /users/search`: the enrolled people most like the face in `face`, the most alike first.
pub async fn search(
    key: ApiKey<Users>,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let mut form = Form::read(&request, body).await?;
    let must = |field, must| Denied::from(Refusal::BadField { field, must });
    let limit = paging::limit(form.text("limit").as_deref().or(Some(SEARCH_LIMIT)))?;
    let threshold = match form.text("threshold") {
        Some(text) => Some(
            FieldKind::Score
                .parse(&text)
                .and_then(|score| score.as_f64())
                .ok_or_else(|| must("threshold", "be a number from 0 to 100"))?,
        ),
        None => None,
    };
    let face = form.take_file("face").ok_or(Refusal::FileRequired)?;
    let memory = form.memory.take();
    let probing = ask(&service, move |service| service.probe(face, memory)).await?;
    let probe = match tokio::time::timeout(SEARCH_SECONDS_MAX, probing).await {
        Ok(Ok(probe)) => probe?,
        Ok(Err(_)) => return Err(Failure("a face could not be examined".to_owned()).into()),
        Err(_) => return Err(Refusal::Busy.into()),
    };
    let found = ask(&service, move |service| service.search_people(key.0.account, &probe, threshold, limit)).await?;
    let people: Vec<Value> = found
        .people
        .iter()
        .map(|one| {
            json!({
                "user": shown(&one.user),
                "score": one.score,
                "falseMatchRate": one.false_match_rate.rate,
                "falseMatchRateExtrapolated": one.false_match_rate.extrapolated,
            })
        })
        .collect();
    let answer = json!({
        "people": people,
        "searched": found.among.searched,
        "notSearched": found.among.not_searched,
        "threshold": found.threshold,
    });
    ok(answer)
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
    ask(&service, move |service| service.erase_user(&Actor::Key(key.0.key), key.0.account, id)).await?;
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
