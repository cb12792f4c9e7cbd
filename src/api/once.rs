//! `Idempotency-Key` on a POST: the same request again gets the first answer again.
//!
//! What a request says is what was decoded of its body, in the order of the fields' names: a retry may bring another boundary,
//! other file names or another order of fields.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use super::answer::ask;
use super::error::Denied;
use super::upload::Form;
use crate::domain::refusal::{Failure, Refusal};
use crate::domain::replay::{Effect, IdempotencyKey};
use crate::service::Service;
use crate::service::once::{Asker, Once, Turn};

/// Whose key it is, kept while the body is read.
#[derive(Clone, Debug)]
pub enum Whose {
    Account(crate::domain::id::Id),
    Session(String),
}

impl Whose {
    fn asker(&self) -> Asker<'_> {
        match self {
            Whose::Account(account) => Asker::Account(*account),
            Whose::Session(token) => Asker::Session(token),
        }
    }
}

/// The request's key, if it has one.
pub fn key_of(request: &HttpRequest) -> Result<Option<IdempotencyKey>, Denied> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().and_then(IdempotencyKey::parse);
    Ok(Some(key.ok_or(Refusal::BadIdempotencyKey)?))
}

/// The turn of a request: an error while it is another's, the effect if it has been done before, otherwise what its effect is
/// to be written down with.
pub async fn turn(
    service: &web::Data<Service>,
    request: &HttpRequest,
    whose: Whose,
    form: &Form,
) -> Result<Result<Option<Once>, Effect>, Denied> {
    let Some(key) = key_of(request)? else { return Ok(Ok(None)) };
    let (address, said) = (request.path().to_owned(), form.digest());
    match ask(service, move |service| service.turn(whose.asker(), &address, &key, &said)).await? {
        Turn::First(once) => Ok(Ok(Some(once))),
        Turn::Again(effect) => Ok(Err(effect)),
    }
}

/// Whether a session that has ended was asked the same before: then its token still gets the first answer, and nothing else.
pub async fn served_before(
    service: &web::Data<Service>,
    request: &HttpRequest,
    token: String,
) -> Result<Option<crate::domain::id::Id>, Denied> {
    let Some(key) = key_of(request)? else { return Ok(None) };
    let address = request.path().to_owned();
    ask(service, move |service| service.served_before(Asker::Session(&token), &address, &key)).await
}

/// A key belongs to one address, and an address has one kind of effect.
pub fn of_another_kind() -> Denied {
    Failure("a request is written down as another kind than its address has".to_owned()).into()
}

/// Marks an answer that was given before.
pub fn replayed(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));
    response
}
