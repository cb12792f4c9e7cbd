//! `/session`, `/session/challenge` and `/session/close`.

use actix_web::{HttpRequest, web};

use super::answer::{Answer, ask, ok};
use super::credential::{ApiKey, ClosingSession, OpenSession, Sessions, session_token};
use super::once::{self, Whose};
use super::upload::Form;
use crate::domain::attempt::{AttemptKind, Closing};
use crate::domain::refusal::Refusal;
use crate::domain::replay::Effect;
use crate::service::Service;

pub async fn open(
    key: ApiKey<Sessions>,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let form = Form::read(&request, body).await?;
    let kind = form.text("type").as_deref().and_then(AttemptKind::parse).ok_or(Refusal::BadSessionType)?;
    match once::turn(&service, &request, Whose::Account(key.0.account), &form).await? {
        Ok(once) => ok(ask(&service, move |service| service.open_session(key.0, kind, once.as_ref())).await?),
        Err(Effect::SessionOpened { token }) => ok(token).map(once::replayed),
        Err(_) => Err(once::of_another_kind()),
    }
}

pub async fn close(
    session: ClosingSession,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let form = Form::read(&request, body).await?;
    let closing = form.text("status").as_deref().and_then(Closing::parse).ok_or(Refusal::BadClosingStatus)?;
    let whose = Whose::Session(session_token(&request));
    match (once::turn(&service, &request, whose, &form).await?, session) {
        (Ok(once), ClosingSession::Open(holder)) => {
            ok(ask(&service, move |service| service.close_session(holder, closing, once.as_ref())).await?)
        }
        (Ok(_), ClosingSession::Ended) => Err(Refusal::InvalidToken.into()),
        (Err(Effect::SessionClosed { attempt }), _) => ok(attempt).map(once::replayed),
        (Err(_), _) => Err(once::of_another_kind()),
    }
}

/// `GET /session/challenge`: what the person is asked to do, in which order, and until when.
pub async fn challenge(session: OpenSession, service: web::Data<Service>) -> Answer {
    ok(ask(&service, move |service| service.issue_challenge(session.0)).await?)
}
