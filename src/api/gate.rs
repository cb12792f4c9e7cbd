//! What every request passes: its id, the length that it declares, the headers of its answer, one line in the log.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, web};

use super::endpoint;
use super::error::{Denied, Manner, envelope};
use super::unread::Held;
use super::upload::FRAMING_BYTES_MAX;
use super::{ENDPOINTS, LEGACY};
use crate::clock::Stopwatch;
use crate::domain::refusal::{Refusal, Stop};
use crate::service::Service;
use crate::service::jobs::Tries;
use crate::service::limits::Quota;

/// Around everything, unknown addresses included.
pub async fn request(
    service: web::Data<Service>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let watch = Stopwatch::start();
    let unread = Held::of(&mut request);
    let id = client_request_id(request.headers()).unwrap_or_else(|| service.new_id().to_string());
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let declared: Option<usize> = declared.and_then(|length| length.parse().ok());
    let manner = Manner::of(request.headers());
    let most = service.config().limits.request_bytes_max + FRAMING_BYTES_MAX;

    let response = if declared.is_some_and(|length| length > most) {
        let mut response = Denied::from(Refusal::BodyTooLarge).response(&id, manner);
        // Answered unread: an HTTP/1 connection cannot be used again.
        response.head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
        request.into_response(response)
    } else if lacks_user_agent(&request) {
        request.into_response(Denied::from(Refusal::UserAgentMissing).response(&id, manner))
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    let mut response = in_contract_shape(response, &id, manner);
    let extra = extra_headers(response.request(), &id);
    for (name, value) in extra {
        response.headers_mut().insert(name, value);
    }
    log(&response, &id, watch);
    service.statistics().count_request(service.now(), response.status().as_u16());
    Ok(match unread {
        Some(unread) => unread.after(response),
        None => response,
    })
}

/// The API needs a `User-Agent` (contract); health checks do not.
fn lacks_user_agent(request: &ServiceRequest) -> bool {
    let agent = request.headers().get(header::USER_AGENT);
    request.path().starts_with("/v1/") && agent.is_none_or(|agent| agent.as_bytes().trim_ascii().is_empty())
}

/// An `X-Request-Id` sent by the client is kept if it is 1 to 128 printable ASCII characters.
fn client_request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("x-request-id")?.to_str().ok()?;
    let fits = (1..=128).contains(&id.len()) && id.bytes().all(|b| (b' '..=b'~').contains(&b));
    fits.then(|| id.to_owned())
}

/// Gives every refusal its request id, and the libraries' own errors the contract's shape.
fn in_contract_shape(response: ServiceResponse<BoxBody>, id: &str, manner: Manner) -> ServiceResponse<BoxBody> {
    let replacement: Option<HttpResponse> = match response.response().error() {
        Some(error) => match error.as_error::<Denied>() {
            Some(denied) => {
                if let Denied(Stop::Failed(_)) = denied {
                    tracing::error!(request = id, "{denied}");
                }
                Some(denied.response(id, manner))
            }
            None => Some(of_status(response.status().as_u16(), id, manner)),
        },
        None if response.status().as_u16() == 405 => Some(other_method(response.request(), id, manner)),
        None => None,
    };
    match replacement {
        Some(replacement) => response.into_response(replacement),
        None => response,
    }
}

/// RFC 9110 wants to know which methods there are instead.
fn other_method(request: &HttpRequest, id: &str, manner: Manner) -> HttpResponse {
    let mut response = Denied::from(Refusal::MethodNotAllowed).response(id, manner);
    let pattern = request.match_pattern().unwrap_or_default();
    if let Ok(methods) = HeaderValue::from_str(&endpoint::methods(ENDPOINTS.iter().chain(LEGACY), &pattern)) {
        response.headers_mut().insert(header::ALLOW, methods);
    }
    response
}

fn of_status(code: u16, id: &str, manner: Manner) -> HttpResponse {
    match code {
        404 => Denied::from(Refusal::NoRoute).response(id, manner),
        413 => Denied::from(Refusal::BodyTooLarge).response(id, manner),
        400..=499 => envelope(code, "bad_request", "The request cannot be understood.", id, manner),
        _ => envelope(
            500,
            "internal",
            "Something went wrong here. Give the request id to your administrator.",
            id,
            manner,
        ),
    }
}

fn extra_headers(request: &HttpRequest, id: &str) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = vec![
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.push((HeaderName::from_static("x-request-id"), id));
    }
    let extensions = request.extensions();
    if let Some(quota) = extensions.get::<Quota>() {
        headers.push((HeaderName::from_static("ratelimit-limit"), quota.limit.into()));
        headers.push((HeaderName::from_static("ratelimit-remaining"), quota.remaining.into()));
        headers.push((HeaderName::from_static("ratelimit-reset"), quota.reset_seconds.into()));
    }
    if let Some(tries) = extensions.get::<Tries>() {
        headers.push((HeaderName::from_static("x-attempt-limit"), tries.limit.into()));
        headers.push((HeaderName::from_static("x-attempt-retries"), tries.left.into()));
    }
    headers
}

/// One line a request. The route's pattern, not the path: a path may hold a document number.
fn log(response: &ServiceResponse<BoxBody>, id: &str, watch: Stopwatch) {
    let request = response.request();
    tracing::info!(
        request = id,
        method = %request.method(),
        route = request.match_pattern().as_deref().unwrap_or("-"),
        status = response.status().as_u16(),
        ms = (watch.elapsed_ms() * 10.0).round() / 10.0,
        "request"
    );
}
