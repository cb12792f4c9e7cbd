//! `/session`, `/session/challenge` and `/session/close`.

use actix_web::{HttpRequest, web};

use super::answer::{Answer, ask, ok};
use super::credential::{ApiKey, OpenSession, Sessions};
use super::upload::Form;
use crate::domain::attempt::{AttemptKind, Closing};
use crate::domain::refusal::Refusal;
use crate::service::Service;

pub async fn open(
    key: ApiKey<Sessions>,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let form = Form::read(&request, body).await?;
    let kind = form.text("type").as_deref().and_then(AttemptKind::parse).ok_or(Refusal::BadSessionType)?;
    ok(ask(&service, move |service| service.open_session(key.0, kind)).await?)
}

pub async fn close(
    session: OpenSession,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let form = Form::read(&request, body).await?;
    let closing = form.text("status").as_deref().and_then(Closing::parse).ok_or(Refusal::BadClosingStatus)?;
    ok(ask(&service, move |service| service.close_session(session.0, closing)).await?)
}

/// `GET /session/challenge`: what the person is asked to do, in which order, and until when.
pub async fn challenge(session: OpenSession, service: web::Data<Service>) -> Answer {
    ok(ask(&service, move |service| service.issue_challenge(session.0)).await?)
}
