//! The one table of refusals: what each is called, its number, and the sentence that the client reads.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;

use super::spanish;
use crate::domain::refusal::{Refusal, Stop};

/// Why a request was not served. The gate turns it into the contract's answer, with the request's id.
#[derive(Debug)]
pub struct Denied(pub Stop);

impl<T: Into<Stop>> From<T> for Denied {
    fn from(stop: T) -> Self {
        Self(stop.into())
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Denied {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.describe().0).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.response("", Manner::default())
    }
}

/// How the client wants to be told no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// As RFC 9457 writes it, with the contract's members beside.
    pub problem_json: bool,
    pub spanish: bool,
}

impl Manner {
    /// From `Accept` and `Accept-Language`. Without the latter, or with both languages equally welcome, English.
    pub fn of(headers: &HeaderMap) -> Self {
        let text =
            |name: &str| headers.get_all(name).filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",");
        let languages = text("accept-language");
        let weight = |language: &str| {
            let ranges = languages.split(',').filter_map(|range| weighed(range, language));
            ranges.fold(0.0_f32, f32::max)
        };
        Self {
            problem_json: text("accept")
                .split(',')
                .any(|range| weighed(range, "application/problem+json").is_some_and(|q| q > 0.0)),
            spanish: weight("es") > weight("en"),
        }
    }
}

/// The weight of a header's element if it names `wanted`, or a part of the world where that language is spoken.
fn weighed(element: &str, wanted: &str) -> Option<f32> {
    let mut parts = element.split(';').map(str::trim);
    let name = parts.next()?;
    let named = name.get(..wanted.len())?.eq_ignore_ascii_case(wanted);
    if !named || !name.get(wanted.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) {
        return None;
    }
    Some(parts.find_map(|part| part.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0))
}

impl Denied {
    /// The whole answer.
    pub fn response(&self, request_id: &str, manner: Manner) -> HttpResponse {
        let (code, error, english) = self.describe();
        let msg = if manner.spanish { spanish::sentence(&self.0) } else { english };
        let mut response = envelope(code, error, &msg, request_id, manner);
        let retry_after = match &self.0 {
            Stop::Refused(Refusal::RateLimited { retry_after }) => Some(retry_after.as_secs().max(1)),
            Stop::Refused(Refusal::Busy | Refusal::NotReady | Refusal::RequestInFlight) => Some(1),
            _ => None,
        };
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(actix_web::http::header::RETRY_AFTER, seconds.into());
        }
        response
    }

    fn describe(&self) -> (u16, &'static str, String) {
        let refusal = match &self.0 {
            Stop::Refused(refusal) => refusal,
            Stop::Failed(_) => {
                return (
                    500,
                    "internal",
                    "Something went wrong here. Give the request id to your administrator.".into(),
                );
            }
        };
        let (code, error, msg): (u16, &str, &str) = match refusal {
            Refusal::InvalidToken => (403, "invalid_token", "Invalid token."),
            Refusal::ScopeMissing { scope } => {
                return (403, "scope_missing", format!("This key has not the scope `{scope}`."));
            }
            Refusal::UserAgentMissing => (403, "user_agent_required", "A valid User-Agent header is required."),
            Refusal::BadSessionType => (400, "bad_type", "`type` must be one of the following: SIGNUP,VALIDATION"),
            Refusal::BadClosingStatus => {
                (400, "bad_status", "`status` must be one of the following: SUCCESS,FAILED,REVIEW")
            }
            Refusal::BadDocumentType => {
                (400, "bad_document_type", "'documentType' must be one of the following: CEDULA, PASSPORT")
            }
            Refusal::BadComparePayload => {
                (400, "bad_payload", "Invalid payload. It must contain 'faceA', 'faceB' and 'threshold'.")
            }
            Refusal::FileRequired => (400, "file_required", "A file is required for this operation."),
            Refusal::BadField { field, must } => return (400, "bad_field", format!("`{field}` must {must}.")),
            Refusal::UnusableFile { error, sentence } => return (422, error, sentence.clone()),
            Refusal::UnreadableBody => {
                (400, "unreadable_body", "The body is not what its Content-Type says, or was cut off.")
            }
            Refusal::UnsupportedBody => (
                415,
                "unsupported_body",
                "Send multipart/form-data, application/json or application/x-www-form-urlencoded.",
            ),
            Refusal::NoEntity { id } => return (404, "not_found", format!("No entity found by ID: {id}")),
            Refusal::NoWorkflow { name } => {
                return (404, "no_workflow", format!("No workflow found by name: {name}"));
            }
            Refusal::NoRoute => (404, "no_route", "There is no such endpoint."),
            Refusal::MethodNotAllowed => (405, "method_not_allowed", "This endpoint has no such method."),
            Refusal::DocumentTaken => (409, "document_taken", "A user with this `documentId` exists already."),
            Refusal::AttemptNotSuccessful => {
                (409, "attempt_not_successful", "Only an attempt with status SUCCESS can register a user.")
            }
            Refusal::AttemptTaken => (409, "attempt_taken", "A user was registered from this attempt already."),
            Refusal::AttemptNotInReview => {
                (409, "attempt_not_in_review", "Only an attempt with status REVIEW can be reviewed.")
            }
            Refusal::BadSettlement => {
                (400, "bad_status", "`status` must be one of the following: CANCELLED,FAILED,SUCCESS")
            }
            Refusal::AttemptHasUser => {
                (409, "attempt_has_user", "A user was registered from this attempt. Delete the user instead.")
            }
            Refusal::BodyTooLarge => (413, "too_large", "A request may carry at most 10 MB."),
            Refusal::TextTooLarge => (413, "too_large", "A body without files may carry at most 1 MB."),
            Refusal::BodyTooSlow => (408, "too_slow", "The body did not arrive in time."),
            Refusal::RateLimited { .. } => (429, "rate_limited", "Too many requests. Try again later."),
            Refusal::NoTriesLeft { .. } => {
                (429, "no_tries_left", "This session has no tries left for this operation. Create a new session.")
            }
            Refusal::ChallengeGone => (
                409,
                "challenge_gone",
                "This nonce is unknown, has expired or was used before. Ask for a new challenge.",
            ),
            Refusal::Busy => (503, "busy", "The server is busy. Nothing was stored; try again shortly."),
            Refusal::BadIdempotencyKey => {
                (400, "bad_idempotency_key", "`Idempotency-Key` must be 1 to 255 printable ASCII characters.")
            }
            Refusal::RequestInFlight => {
                (409, "request_in_flight", "A request with this `Idempotency-Key` is being served. Ask again shortly.")
            }
            Refusal::OtherRequest => {
                (422, "idempotency_mismatch", "This `Idempotency-Key` was used for a request with another body.")
            }
            Refusal::NotReady => (503, "not_ready", "The server is starting."),
            Refusal::StorageFull => (507, "storage_full", "The server has no room to store this. Nothing was stored."),
        };
        (code, error, msg.to_owned())
    }
}

/// An error in the contract's shape, or as a problem document that has the same members.
pub fn envelope(code: u16, error: &str, msg: &str, request_id: &str, manner: Manner) -> HttpResponse {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let result = json!({ "msg": msg, "error": error, "requestId": request_id });
    let mut response = HttpResponse::build(status);
    if !manner.problem_json {
        return response.json(json!({ "code": code, "result": result }));
    }
    response.content_type("application/problem+json").json(json!({
        "type": format!("urn:twoface:problem:{error}"),
        "title": status.canonical_reason(),
        "status": code,
        "detail": msg,
        "code": code,
        "result": result,
    }))
}

pub async fn no_route() -> Result<HttpResponse, Denied> {
    Err(Refusal::NoRoute.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn the_language_and_the_shape_are_as_the_client_prefers() {
        let of = |accept: &str, language: &str| {
            let request = TestRequest::default()
                .insert_header(("accept", accept))
                .insert_header(("accept-language", language))
                .to_http_request();
            let Manner { problem_json, spanish } = Manner::of(request.headers());
            (problem_json, spanish)
        };
        assert_eq!(of("*/*", ""), (false, false));
        assert_eq!(of("application/json, application/problem+json;q=0.5", "es-DO,es;q=0.9,en;q=0.8"), (true, true));
        assert_eq!(of("application/problem+json;q=0", "en, es;q=0.9"), (false, false));
        assert_eq!(of("application/json", "ES"), (false, true));
        assert_eq!(of("application/json", "est"), (false, false), "Estonian is not Spanish");
    }

    /// One of each. Whoever adds a refusal is led here by the compiler.
    fn every_refusal() -> Vec<Refusal> {
        use Refusal as R;
        let all = vec![
            R::InvalidToken,
            R::ScopeMissing { scope: "users" },
            R::UserAgentMissing,
            R::BadSessionType,
            R::BadClosingStatus,
            R::BadDocumentType,
            R::BadComparePayload,
            R::FileRequired,
            R::BadField { field: "limit", must: "be 1 to 100" },
            R::UnreadableBody,
            R::UnsupportedBody,
            R::NoEntity { id: "62788a0b0f1e2d3c4b5a6978".to_owned() },
            R::NoWorkflow { name: "sign-up".to_owned() },
            R::UnusableFile {
                error: "no_face",
                sentence: "No face was found in `face`. Take the photo in even light, with the whole face in view."
                    .to_owned(),
            },
            R::NoRoute,
            R::MethodNotAllowed,
            R::DocumentTaken,
            R::AttemptNotSuccessful,
            R::AttemptTaken,
            R::AttemptNotInReview,
            R::BadSettlement,
            R::AttemptHasUser,
            R::BodyTooLarge,
            R::TextTooLarge,
            R::BodyTooSlow,
            R::RateLimited { retry_after: std::time::Duration::from_secs(1) },
            R::ChallengeGone,
            R::NoTriesLeft { limit: 3 },
            R::BadIdempotencyKey,
            R::RequestInFlight,
            R::OtherRequest,
            R::Busy,
            R::NotReady,
            R::StorageFull,
        ];
        // A new one makes this incomplete: put it into the list above as well.
        for refusal in &all {
            match refusal {
                R::InvalidToken | R::ScopeMissing { .. } | R::UserAgentMissing | R::BadSessionType => {}
                R::BadClosingStatus | R::BadDocumentType | R::FileRequired | R::BadField { .. } => {}
                R::BadComparePayload => {}
                R::UnreadableBody | R::UnsupportedBody | R::NoEntity { .. } | R::NoRoute => {}
                R::NoWorkflow { .. } | R::UnusableFile { .. } => {}
                R::MethodNotAllowed | R::DocumentTaken | R::AttemptNotSuccessful | R::AttemptTaken => {}
                R::AttemptNotInReview | R::BadSettlement | R::AttemptHasUser | R::BodyTooLarge => {}
                R::TextTooLarge | R::BodyTooSlow | R::RateLimited { .. } | R::ChallengeGone | R::NoTriesLeft { .. } => {
                }
                R::BadIdempotencyKey | R::RequestInFlight | R::OtherRequest => {}
                R::Busy | R::NotReady | R::StorageFull => {}
            }
        }
        all
    }

    #[test]
    fn the_openapi_document_has_every_refusal_with_its_number_and_sentence() {
        let document: serde_json::Value = serde_json::from_str(include_str!("../../assets/openapi.json")).unwrap();
        let told = |value: &serde_json::Value| {
            let result = &value["result"];
            (value["code"].to_string(), result["error"].to_string(), result["msg"].to_string())
        };
        let examples = document["components"]["examples"].as_object().unwrap();
        let documented: Vec<_> = examples
            .values()
            .map(|example| &example["value"])
            // Those without a request's id are outcomes of jobs.
            .filter(|value| value["result"]["requestId"].is_string())
            .map(told)
            .collect();
        let failed = Stop::Failed(crate::domain::refusal::Failure(String::new()));
        let ours: Vec<_> = every_refusal().into_iter().map(Stop::from).chain([failed]).collect();
        for stop in ours {
            let (code, error, msg) = Denied(stop).describe();
            let said = told(&json!({ "code": code, "result": { "error": error, "msg": msg } }));
            assert!(documented.contains(&said), "{said:?} is not among the document's examples");
        }
        // `internal` is in the list above, `bad_request` is the libraries' own.
        assert_eq!(documented.len(), every_refusal().len() + 2);
    }
}
