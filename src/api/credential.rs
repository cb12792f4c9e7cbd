//! The credential is in the handler's signature: [`ApiKey`] with the scope that it must have, [`OpenSession`], or [`JobReader`]
//! where either will do.
//!
//! Whatever is wrong with a credential, the answer is the same 403, after the same work, and later for whoever sends many. Each authenticated request counts
//! against its account's quota.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};

use super::answer::ask;
use super::error::Denied;
use super::once;
use crate::domain::id::Id;
use crate::domain::key::{Caller, ClientCertificate, Scope};
use crate::domain::refusal::{Failure, Refusal, Stop};
use crate::service::{KeyHolder, Service, SessionHolder};

/// `Authorization: <key>` or `Authorization: Bearer <key>`, of a key that has the scope.
pub struct ApiKey<S: Needs>(pub KeyHolder, PhantomData<S>);

/// A scope as a type, so that it stands in the handler's signature.
pub trait Needs: 'static {
    const SCOPE: Scope;
}

macro_rules! scopes {
    ($($name:ident),*) => {$(
        pub struct $name;
        impl Needs for $name {
            const SCOPE: Scope = Scope::$name;
        }
    )*};
}
scopes!(Sessions, Attempts, Users, Erase, Events);

/// `X-Tagshelf-Session: <token>` of a session that is open.
pub struct OpenSession(pub SessionHolder);

/// The same, or the token of a session that has ended and was asked the same under the same idempotency key before.
pub enum ClosingSession {
    Open(SessionHolder),
    Ended,
}

/// A key of the account, or the token of the one session whose jobs may then be read.
pub enum JobReader {
    Key(KeyHolder),
    Session(SessionHolder),
}

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, Denied>>>>;

impl<S: Needs> FromRequest for ApiKey<S> {
    type Error = Denied;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(ApiKey(key_holder(&request, S::SCOPE).await?, PhantomData)) })
    }
}

impl FromRequest for OpenSession {
    type Error = Denied;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { session_holder(&request).await.map(OpenSession) })
    }
}

impl FromRequest for ClosingSession {
    type Error = Denied;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let refused = match open_session(&request).await {
                Ok(holder) => return Ok(ClosingSession::Open(holder)),
                Err(Denied(Stop::Refused(Refusal::InvalidToken))) => Denied::from(Refusal::InvalidToken),
                Err(other) => return Err(other),
            };
            let service = service_of(&request)?;
            match once::served_before(&service, &request, session_token(&request)).await? {
                Some(account) => count(&request, &service, account, None).map(|()| ClosingSession::Ended),
                None => Err(refuse(&request, &service, refused).await),
            }
        })
    }
}

impl FromRequest for JobReader {
    type Error = Denied;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            if request.headers().contains_key("authorization") {
                key_holder(&request, Scope::Jobs).await.map(JobReader::Key)
            } else {
                session_holder(&request).await.map(JobReader::Session)
            }
        })
    }
}

async fn key_holder(request: &HttpRequest, scope: Scope) -> Result<KeyHolder, Denied> {
    let service = service_of(request)?;
    let secret = without_scheme(header(request, "authorization")).to_owned();
    let from = Caller {
        address: request.peer_addr().map(|address| address.ip()),
        certificate: request.conn_data::<ClientCertificate>().copied(),
    };
    let holder = match ask(&service, move |service| service.key_of(&secret, from)).await {
        Err(denied) => return Err(refuse(request, &service, denied).await),
        Ok(holder) => holder,
    };
    count(request, &service, holder.account, Some(holder.key))?;
    match holder.scopes.contain(scope) {
        true => Ok(holder),
        false => Err(Refusal::ScopeMissing { scope: scope.name() }.into()),
    }
}

async fn session_holder(request: &HttpRequest) -> Result<SessionHolder, Denied> {
    let service = service_of(request)?;
    match open_session(request).await {
        Err(denied) => Err(refuse(request, &service, denied).await),
        Ok(holder) => Ok(holder),
    }
}

/// Holds a refused credential's answer back if its address has had many.
async fn refuse(request: &HttpRequest, service: &Service, denied: Denied) -> Denied {
    let is_guess = matches!(denied, Denied(Stop::Refused(Refusal::InvalidToken)));
    if is_guess && service.config().limits.bad_credentials_wait {
        let wait = service.guard().guessed(request.peer_addr().map(|address| address.ip()), service.now());
        if !wait.is_zero()
            && let Some(_held) = service.guard().hold()
        {
            tokio::time::sleep(wait).await;
        }
    }
    denied
}

async fn open_session(request: &HttpRequest) -> Result<SessionHolder, Denied> {
    let service = service_of(request)?;
    let token = session_token(request);
    let holder = ask(&service, move |service| service.session_of(&token)).await?;
    count(request, &service, holder.account, holder.key)?;
    Ok(holder)
}

/// The token as it was sent.
pub fn session_token(request: &HttpRequest) -> String {
    header(request, "x-tagshelf-session").to_owned()
}

fn count(request: &HttpRequest, service: &Service, account: Id, key: Option<Id>) -> Result<(), Denied> {
    let (quota, answer) = service.count_request(account, key);
    request.extensions_mut().insert(quota);
    Ok(answer?)
}

/// The header's text; an absent or unreadable one is treated as an empty credential, so that it costs the same.
fn header<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
    request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("").trim()
}

fn without_scheme(text: &str) -> &str {
    match text.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim_start(),
        _ => text,
    }
}

fn service_of(request: &HttpRequest) -> Result<web::Data<Service>, Denied> {
    let service = request.app_data::<web::Data<Service>>().cloned();
    service.ok_or_else(|| Denied(Stop::Failed(Failure("the service is not wired up".to_owned()))))
}

#[cfg(test)]
mod tests {
    use super::without_scheme;

    #[test]
    fn a_key_is_read_bare_and_as_a_bearer_token() {
        assert_eq!(without_scheme("abc"), "abc");
        assert_eq!(without_scheme("Bearer abc"), "abc");
        assert_eq!(without_scheme("bearer  abc"), "abc");
        assert_eq!(without_scheme("Basic abc"), "Basic abc");
    }
}
