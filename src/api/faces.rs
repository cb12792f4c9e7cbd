//! `/faces/…`: each stores a job.

use actix_web::{HttpRequest, web};
use serde_json::{Map, Value};

use super::answer::Answer;
use super::credential::OpenSession;
use super::jobs::submit;
use super::upload::Form;
use crate::domain::job::Operation;
use crate::domain::refusal::Refusal;
use crate::service::Service;

/// How many faces are in `file`. The original's page gives this address for compare too, so two photos here are compared.
pub async fn detect(
    session: OpenSession,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let form = Form::read(&request, body).await?;
    let two_photos = form.has("document") && form.has("face") && !form.has("file");
    let operation = if two_photos { Operation::CompareFaces } else { Operation::DetectFaces };
    submit(service, &request, session.0, operation, Map::new(), form).await
}

/// How similar the portrait in `document` and the selfie in `face` are.
pub async fn compare(
    session: OpenSession,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let form = Form::read(&request, body).await?;
    submit(service, &request, session.0, Operation::CompareFaces, Map::new(), form).await
}

/// Whether the person in `clip` smiles.
pub async fn check_smile(
    session: OpenSession,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let form = Form::read(&request, body).await?;
    submit(service, &request, session.0, Operation::CheckSmile, Map::new(), form).await
}

/// Whether the person in `clip` blinks.
pub async fn check_blink(
    session: OpenSession,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let form = Form::read(&request, body).await?;
    submit(service, &request, session.0, Operation::CheckBlink, Map::new(), form).await
}

/// Whether the person in `clip` does what the challenge of that `nonce` asks for, in its order.
pub async fn check_challenge(
    session: OpenSession,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let form = Form::read(&request, body).await?;
    let must = Refusal::BadField { field: "nonce", must: "be the nonce of this session's challenge" };
    let nonce = form.text("nonce").filter(|nonce| !nonce.is_empty()).ok_or(must)?;
    let parameters = Map::from_iter([("nonce".to_owned(), Value::String(nonce))]);
    submit(service, &request, session.0, Operation::CheckChallenge, parameters, form).await
}
