//! Bodies: multipart, JSON or a URL-encoded form, read into memory under four limits (bytes, time, pace, memory in all).
//!
//! Memory is reserved for a body only once its beginning has arrived, and only as long as the rest keeps a pace in proportion: who
//! announces ten megabytes and sends a letter now and then takes nothing from anybody.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::{HttpRequest, web};
use futures_util::{StreamExt, TryStreamExt};
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::Denied;
use crate::config::Limits;
use crate::domain::refusal::{Refusal, Stop};
use crate::service::Service;
use crate::service::once::digest;

/// What multipart may add around the parts: boundaries and part headers.
pub const FRAMING_BYTES_MAX: usize = 64 * 1024;
/// Of a JSON or URL-encoded body: no files are in there, and what is parsed takes a multiple of what was sent.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// By how much a parsed body may outgrow the text that was sent.
const TEXT_GROWTH: usize = 32;
/// No operation takes more than a handful of fields.
const FIELDS_MAX: usize = 64;
/// No client writes shorter ones, and actix-multipart 0.7.2 panics on a line shorter than four bytes under such a boundary.
const BOUNDARY_LENGTH_MIN: usize = 4;
/// How long a request waits for upload memory before it is told that the server is busy.
const MEMORY_WAIT: Duration = Duration::from_secs(5);

/// What may arrive of a body before memory is reserved for it. Forms and JSON are smaller.
const UNRESERVED_BYTES_MAX: usize = 64 * 1024;

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
        let intake = Intake {
            arrived: Cell::new(0),
            announced: declared.unwrap_or(limits.request_bytes_max).min(limits.request_bytes_max),
            memory: memory.get_ref(),
            permit: RefCell::new(None),
        };
        let reading = read_fields(request, payload, limits.request_bytes_max, &intake);
        let fields = tokio::select! {
            fields = tokio::time::timeout(Duration::from_secs(limits.body_seconds_max), reading) => {
                fields.map_err(|_| Refusal::BodyTooSlow)??
            }
            () = intake.falls_behind(limits) => return Err(Refusal::BodyTooSlow.into()),
        };
        Ok(Self { fields, memory: intake.permit.into_inner() })
    }

    /// A digest of what the body says, whatever the order of its fields and whatever stands between multipart's parts.
    pub fn digest(&self) -> [u8; 32] {
        digest(self.fields.iter().map(|(name, content)| match content {
            Content::Bytes(bytes) => (name.as_str(), 0, Cow::Borrowed(bytes.as_slice())),
            Content::Value(value) => (name.as_str(), 1, Cow::Owned(value.to_string().into_bytes())),
        }))
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

/// A body while it arrives.
struct Intake<'a> {
    arrived: Cell<usize>,
    /// As the client declared it; the most that is allowed if it did not.
    announced: usize,
    memory: &'a UploadMemory,
    permit: RefCell<Option<OwnedSemaphorePermit>>,
}

impl Intake<'_> {
    /// Counts what has arrived; waits for memory where that is more than a beginning.
    async fn take(&self, chunk: &[u8]) -> Result<(), Denied> {
        let arrived = self.arrived.get() + chunk.len();
        self.arrived.set(arrived);
        if arrived > UNRESERVED_BYTES_MAX && self.permit.borrow().is_none() {
            let permit = self.memory.take(self.announced).await?;
            self.permit.replace(Some(permit));
        }
        Ok(())
    }

    /// Returns when a window has passed in which too little arrived: fewer bytes a second than the least (0 does not ask) or, where
    /// memory is reserved, less than half of what the body's time would have.
    async fn falls_behind(&self, limits: &Limits) {
        let window = PACE_WINDOW.as_secs();
        loop {
            let before = self.arrived.get();
            let reserved = self.permit.borrow().is_some();
            tokio::time::sleep(PACE_WINDOW).await;
            let share = if reserved { self.announced as u64 * window / limits.body_seconds_max / 2 } else { 0 };
            let least = share.max(limits.body_bytes_per_second_min * window);
            if ((self.arrived.get() - before) as u64) < least {
                return;
            }
        }
    }
}

async fn read_fields(
    request: &HttpRequest,
    payload: web::Payload,
    bytes_max: usize,
    intake: &Intake<'_>,
) -> Result<Vec<(String, Content)>, Denied> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    match kind.as_str() {
        "multipart/form-data" => read_multipart(request, payload, bytes_max, intake).await,
        "application/json" => {
            let body = read_text(payload, bytes_max, intake).await?;
            let object: Map<String, Value> = serde_json::from_slice(&body).map_err(|_| Refusal::UnreadableBody)?;
            if object.len() > FIELDS_MAX {
                return Err(Refusal::UnreadableBody.into());
            }
            Ok(object.into_iter().map(|(name, value)| (name, Content::Value(value))).collect())
        }
        "application/x-www-form-urlencoded" => {
            let body = read_text(payload, bytes_max, intake).await?;
            if body.iter().filter(|byte| **byte == b'&').count() >= FIELDS_MAX {
                return Err(Refusal::UnreadableBody.into());
            }
            let pairs: Vec<(String, String)> =
                serde_urlencoded::from_bytes(&body).map_err(|_| Refusal::UnreadableBody)?;
            Ok(pairs.into_iter().map(|(name, text)| (name, Content::Value(Value::String(text)))).collect())
        }
        // An empty body has no fields; each handler says which one it misses.
        "" => match read_all(payload, bytes_max, intake).await?.is_empty() {
            true => Ok(Vec::new()),
            false => Err(Refusal::UnsupportedBody.into()),
        },
        _ => Err(Refusal::UnsupportedBody.into()),
    }
}

/// A body that is parsed as a whole: memory is reserved for what may become of it.
async fn read_text(payload: web::Payload, bytes_max: usize, intake: &Intake<'_>) -> Result<Vec<u8>, Denied> {
    let body = match read_all(payload, bytes_max.min(TEXT_BYTES_MAX), intake).await {
        Err(Denied(Stop::Refused(Refusal::BodyTooLarge))) if bytes_max > TEXT_BYTES_MAX => {
            return Err(Refusal::TextTooLarge.into());
        }
        read => read?,
    };
    if body.len() > UNRESERVED_BYTES_MAX {
        // Given back first: nobody holds a part while he waits for more.
        drop(intake.permit.take());
        let permit = intake.memory.take((body.len() * TEXT_GROWTH).min(bytes_max)).await?;
        intake.permit.replace(Some(permit));
    }
    Ok(body)
}

async fn read_all(mut payload: web::Payload, bytes_max: usize, intake: &Intake<'_>) -> Result<Vec<u8>, Denied> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refusal::UnreadableBody)?;
        intake.take(&chunk).await?;
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
    intake: &Intake<'_>,
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
            intake.take(&chunk).await?;
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
