//! Bodies: multipart, JSON or a URL-encoded form, read into memory under three limits (bytes, time, memory in all).

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::{HttpRequest, web};
use futures_util::{StreamExt, TryStreamExt};
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::Denied;
use crate::domain::refusal::Refusal;
use crate::service::Service;

/// What multipart may add around the parts: boundaries and part headers.
pub const FRAMING_BYTES_MAX: usize = 64 * 1024;
/// No operation takes more than a handful of fields.
const FIELDS_MAX: usize = 64;
/// No client writes shorter ones, and actix-multipart 0.7.2 panics on a line shorter than four bytes under such a boundary.
const BOUNDARY_LENGTH_MIN: usize = 4;
/// How long a request waits for upload memory before it is told that the server is busy.
const MEMORY_WAIT: Duration = Duration::from_secs(5);

/// Over what time a body's pace is measured.
const PACE_WINDOW: Duration = Duration::from_secs(10);

/// The memory that all uploads share, in KiB.
#[derive(Clone)]
pub struct UploadMemory(Arc<Semaphore>);

impl UploadMemory {
    pub fn new(mebibytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((mebibytes << 10).min(Semaphore::MAX_PERMITS))))
    }

    async fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Denied> {
        let kibibytes = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        match tokio::time::timeout(MEMORY_WAIT, Arc::clone(&self.0).acquire_many_owned(kibibytes)).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Refusal::Busy.into()),
        }
    }
}

/// A body's fields.
pub struct Form {
    fields: Vec<(String, Content)>,
    pub memory: Option<OwnedSemaphorePermit>,
}

enum Content {
    Bytes(Vec<u8>),
    Value(Value),
}

impl Form {
    /// Reads the body of `request`.
    pub async fn read(request: &HttpRequest, payload: web::Payload) -> Result<Self, Denied> {
        let (Some(service), Some(memory)) =
            (request.app_data::<web::Data<Service>>(), request.app_data::<web::Data<UploadMemory>>())
        else {
            return Err(crate::domain::refusal::Failure("the upload memory is not wired up".to_owned()).into());
        };
        let limits = &service.config().limits;
        let declared = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let permit = memory.take(declared.unwrap_or(limits.request_bytes_max)).await?;
        let arrived = Arrived::default();
        let reading = read_fields(request, payload, limits.request_bytes_max, &arrived);
        let fields = tokio::select! {
            fields = tokio::time::timeout(Duration::from_secs(limits.body_seconds_max), reading) => {
                fields.map_err(|_| Refusal::BodyTooSlow)??
            }
            () = arrived.falls_behind(limits.body_bytes_per_second_min) => return Err(Refusal::BodyTooSlow.into()),
        };
        Ok(Self { fields, memory: Some(permit) })
    }

    pub fn has(&self, field: &str) -> bool {
        self.fields.iter().any(|(name, _)| name == field)
    }

    /// Takes a file out of the form. What did not come as a part of a multipart body is no file.
    pub fn take_file(&mut self, field: &str) -> Option<Vec<u8>> {
        let at =
            self.fields.iter().position(|(name, content)| name == field && matches!(content, Content::Bytes(_)))?;
        match self.fields.swap_remove(at).1 {
            Content::Bytes(bytes) => Some(bytes),
            Content::Value(_) => None,
        }
    }

    /// A field's text; numbers and booleans of a JSON body as they are written. `None` if absent or no text.
    pub fn text(&self, field: &str) -> Option<String> {
        match self.fields.iter().find(|(name, _)| name == field).map(|(_, content)| content)? {
            Content::Bytes(bytes) => String::from_utf8(bytes.clone()).ok(),
            Content::Value(Value::String(text)) => Some(text.clone()),
            Content::Value(Value::Null | Value::Object(_) | Value::Array(_)) => None,
            Content::Value(other) => Some(other.to_string()),
        }
    }

    /// A field's text, or an object's JSON.
    pub fn value(&self, field: &str) -> Option<String> {
        match self.fields.iter().find(|(name, _)| name == field).map(|(_, content)| content)? {
            Content::Value(object @ Value::Object(_)) => Some(object.to_string()),
            _ => self.text(field),
        }
    }

    /// An object: from JSON as it is, from the other encodings as a JSON text. `None` if absent; an error if it is no object.
    pub fn object(&self, field: &'static str) -> Result<Option<Map<String, Value>>, Denied> {
        let must = || Denied::from(Refusal::BadField { field, must: "be a JSON object" });
        let Some((_, content)) = self.fields.iter().find(|(name, _)| name == field) else { return Ok(None) };
        let value = match content {
            Content::Value(Value::String(text)) => serde_json::from_str(text).map_err(|_| must())?,
            Content::Value(value) => value.clone(),
            Content::Bytes(bytes) => serde_json::from_slice(bytes).map_err(|_| must())?,
        };
        match value {
            Value::Object(object) => Ok(Some(object)),
            Value::Null => Ok(None),
            _ => Err(must()),
        }
    }
}

/// How many bytes of a body have arrived.
#[derive(Default)]
struct Arrived(Cell<u64>);

impl Arrived {
    fn note(&self, chunk: &[u8]) {
        self.0.set(self.0.get() + chunk.len() as u64);
    }

    /// Returns when fewer bytes a second have arrived over one window; with a minimum of 0, never.
    async fn falls_behind(&self, bytes_per_second_min: u64) {
        let least = bytes_per_second_min * PACE_WINDOW.as_secs();
        loop {
            let before = self.0.get();
            tokio::time::sleep(PACE_WINDOW).await;
            if self.0.get() - before < least {
                return;
            }
        }
    }
}

async fn read_fields(
    request: &HttpRequest,
    payload: web::Payload,
    bytes_max: usize,
    arrived: &Arrived,
) -> Result<Vec<(String, Content)>, Denied> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    match kind.as_str() {
        "multipart/form-data" => read_multipart(request, payload, bytes_max, arrived).await,
        "application/json" => {
            let body = read_all(payload, bytes_max, arrived).await?;
            let object: Map<String, Value> = serde_json::from_slice(&body).map_err(|_| Refusal::UnreadableBody)?;
            Ok(object.into_iter().map(|(name, value)| (name, Content::Value(value))).collect())
        }
        "application/x-www-form-urlencoded" => {
            let body = read_all(payload, bytes_max, arrived).await?;
            let pairs: Vec<(String, String)> =
                serde_urlencoded::from_bytes(&body).map_err(|_| Refusal::UnreadableBody)?;
            Ok(pairs.into_iter().map(|(name, text)| (name, Content::Value(Value::String(text)))).collect())
        }
        // An empty body has no fields; each handler says which one it misses.
        "" => match read_all(payload, bytes_max, arrived).await?.is_empty() {
            true => Ok(Vec::new()),
            false => Err(Refusal::UnsupportedBody.into()),
        },
        _ => Err(Refusal::UnsupportedBody.into()),
    }
}

async fn read_all(mut payload: web::Payload, bytes_max: usize, arrived: &Arrived) -> Result<Vec<u8>, Denied> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refusal::UnreadableBody)?;
        arrived.note(&chunk);
        if body.len() + chunk.len() > bytes_max {
            return Err(Refusal::BodyTooLarge.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Length of the boundary that the content type names; 0 if it names none.
fn boundary_length(request: &HttpRequest) -> usize {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let parameters = kind.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut boundaries = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"));
    boundaries.next().map_or(0, |(_, boundary)| boundary.trim().trim_matches('"').len())
}

async fn read_multipart(
    request: &HttpRequest,
    payload: web::Payload,
    bytes_max: usize,
    arrived: &Arrived,
) -> Result<Vec<(String, Content)>, Denied> {
    let unreadable = |_| Denied::from(Refusal::UnreadableBody);
    if boundary_length(request) < BOUNDARY_LENGTH_MIN {
        return Err(Refusal::UnreadableBody.into());
    }
    let mut parts = Multipart::new(request.headers(), payload);
    let mut fields: Vec<(String, Content)> = Vec::new();
    let mut total = 0_usize;
    while let Some(mut part) = parts.try_next().await.map_err(unreadable)? {
        let name = part.name().unwrap_or("").to_owned();
        if fields.len() == FIELDS_MAX {
            return Err(Refusal::UnreadableBody.into());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = part.try_next().await.map_err(unreadable)? {
            arrived.note(&chunk);
            total += chunk.len();
            if total > bytes_max {
                return Err(Refusal::BodyTooLarge.into());
            }
            bytes.extend_from_slice(&chunk);
        }
        fields.push((name, Content::Bytes(bytes)));
    }
    Ok(fields)
}
