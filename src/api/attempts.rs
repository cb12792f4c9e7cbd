//! `/attempts/…`: the records of sessions, the files that came with them, and their review.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{Answer, ask, ok};
use super::credential::{ApiKey, Attempts, Erase};
use super::error::Denied;
use super::jobs::entity_id;
use super::once::{self, Whose};
use super::paging::{self, Paging};
use super::upload::Form;
use crate::domain::attempt::{Attempt, AttemptKind, AttemptStatus, Registration, Reviewer, Settlement};
use crate::domain::audit::Actor;
use crate::domain::job::{InputFile, Job, JobState, Verdict};
use crate::domain::refusal::Refusal;
use crate::domain::replay::Effect;
use crate::domain::user::DocumentNumber;
use crate::service::Service;
use crate::service::attempts::{AttemptFilter, AttemptPage, AttemptSeen};

/// Characters of a reviewer's note.
const NOTE_MAX: usize = 2_000;

#[derive(Deserialize)]
pub struct Filter {
    status: Option<String>,
    r#type: Option<String>,
    from: Option<String>,
    to: Option<String>,
    #[serde(rename = "documentId")]
    document_id: Option<String>,
}

/// `GET /attempts`: newest first.
pub async fn list(
    key: ApiKey<Attempts>,
    filter: web::Query<Filter>,
    paging: web::Query<Paging>,
    service: web::Data<Service>,
) -> Answer {
    let filter = filter.into_inner();
    let filter = AttemptFilter {
        status: wanted("status", STATUSES, filter.status, AttemptStatus::parse)?,
        kind: wanted("type", "be SIGNUP or VALIDATION", filter.r#type, AttemptKind::parse)?,
        from: wanted("from", TIME, filter.from, |text| text.parse().ok())?,
        to: wanted("to", TIME, filter.to, |text| text.parse().ok())?,
        document: wanted("documentId", DocumentNumber::MUST, filter.document_id, DocumentNumber::parse)?,
    };
    let (cursor, limit) = paging::read(&paging)?;
    let page = ask(&service, move |service| service.attempts(key.0.account, &filter, cursor, limit)).await?;
    let AttemptPage { attempts, next } = page;
    let attempts: Vec<Value> = attempts.iter().map(|(attempt, status)| summary(attempt, *status)).collect();
    ok(json!({ "attempts": attempts, "next": next }))
}

const STATUSES: &str = "be PENDING, SUCCESS, FAILED, REVIEW, CANCELLED or EXPIRED";
const TIME: &str = "be a time like 2022-05-09T03:32:11.748Z";

/// A filter's value, if it is given.
fn wanted<T>(
    field: &'static str,
    must: &'static str,
    text: Option<String>,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Denied> {
    match text {
        Some(text) => Ok(Some(parse(&text).ok_or(Refusal::BadField { field, must })?)),
        None => Ok(None),
    }
}

/// `POST /attempts/review/:id`: settles an attempt that was closed as REVIEW.
pub async fn review(
    key: ApiKey<Attempts>,
    path: web::Path<String>,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let id = entity_id(&path)?;
    let form = Form::read(&request, body).await?;
    let settlement = form.text("status").as_deref().and_then(Settlement::parse).ok_or(Refusal::BadSettlement)?;
    let note = form.text("note").map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    if note.as_ref().is_some_and(|note| note.chars().count() > NOTE_MAX) {
        return Err(Refusal::BadField { field: "note", must: "be at most 2,000 characters" }.into());
    }
    let by = Reviewer::Key { key: key.0.key };
    match once::turn(&service, &request, Whose::Account(key.0.account), &form).await? {
        Ok(once) => {
            ok(ask(&service, move |service| service.review(key.0.account, id, settlement, note, by, once.as_ref()))
                .await?)
        }
        Err(Effect::AttemptReviewed { attempt }) => ok(attempt).map(once::replayed),
        Err(_) => Err(once::of_another_kind()),
    }
}

/// `GET /attempts/:id`.
pub async fn read(key: ApiKey<Attempts>, path: web::Path<String>, service: web::Data<Service>) -> Answer {
    let id = entity_id(&path)?;
    let seen = ask(&service, move |service| service.attempt(key.0.account, id)).await?;
    ok(shown(&seen))
}

/// `GET /attempts/:id/files/:name`: the bytes as they came.
pub async fn file(key: ApiKey<Attempts>, path: web::Path<(String, String)>, service: web::Data<Service>) -> Answer {
    let (attempt, name) = path.into_inner();
    let id = entity_id(&attempt)?;
    let bytes = ask(&service, move |service| service.attempt_file(key.0.account, id, &name)).await?;
    // A stranger sent these bytes: they are handed over, never rendered.
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header(("content-disposition", "attachment"))
        .body(bytes))
}

/// `DELETE /attempts/:id`: answers with the id, and nothing about the person is left.
pub async fn erase(key: ApiKey<Erase>, path: web::Path<String>, service: web::Data<Service>) -> Answer {
    let id = entity_id(&path)?;
    ask(&service, move |service| service.erase_attempt(&Actor::Key(key.0.key), key.0.account, id)).await?;
    ok(id)
}

fn shown(AttemptSeen { attempt, status, stages }: &AttemptSeen) -> Value {
    let selfies =
        stages.iter().flat_map(|job| job.files.iter().filter(|file| file.field == "face").map(move |file| (job, file)));
    let faces: Vec<Value> = selfies.map(|(job, file)| reference(job, file)).collect();
    let mut value = summary(attempt, *status);
    if let Value::Object(fields) = &mut value {
        fields.insert("faces".to_owned(), json!(faces));
        fields.insert("stages".to_owned(), json!(stages.iter().map(stage).collect::<Vec<Value>>()));
    }
    value
}

/// An attempt without its stages.
fn summary(attempt: &Attempt, status: AttemptStatus) -> Value {
    let updated_at = match status {
        // Nothing was written yet when a session ran out; it did at this time.
        AttemptStatus::Expired => attempt.session.as_ref().map_or(attempt.updated_at, |session| session.expires_at),
        _ => attempt.updated_at,
    };
    let review = attempt.review.as_ref().map(|review| {
        // An administrator of this machine has no key; his name stays here.
        json!({ "at": review.at, "key": review.by.key(), "note": review.note })
    });
    let registration = attempt.registration.as_ref().map(|registration| match registration {
        Registration::User(id) => json!({ "user": id }),
        Registration::DocumentTaken => json!({ "error": "document_taken" }),
    });
    json!({
        "_id": attempt.id,
        "id": attempt.id,
        "type": attempt.kind,
        "status": status,
        "review": review,
        "reviewReasons": attempt.review_reasons,
        "registration": registration,
        "createdAt": attempt.created_at,
        "updatedAt": updated_at,
    })
}

fn stage(job: &Job) -> Value {
    let mut input: Map<String, Value> = job.parameters.clone();
    for file in &job.files {
        input.insert(file.field.clone(), reference(job, file));
    }
    let (status, output) = match &job.state {
        JobState::Queued => ("PENDING", json!({})),
        JobState::Finished { outcome, .. } => match outcome.verdict {
            Verdict::Succeeded => ("COMPLETED", outcome.output.clone()),
            Verdict::Failed | Verdict::Invalid => ("FAILED", outcome.output.clone()),
        },
    };
    json!({ "name": job.name(), "job": job.id, "input": input, "result": { "status": status, "output": output } })
}

fn reference(job: &Job, file: &InputFile) -> Value {
    json!({
        "file": format!("/v1/2face/attempts/{}/files/{}", job.attempt, file.stored_as),
        "sha256": file.sha256,
        "bytes": file.bytes,
        "removedAt": file.removed_at,
    })
}
