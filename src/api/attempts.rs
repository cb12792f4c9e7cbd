//! `/attempts/…`: the record of a session, and the files that came with it.

use actix_web::{HttpResponse, web};
use serde_json::{Map, Value, json};

use super::answer::{Answer, ask, ok};
use super::credential::ApiKey;
use super::jobs::entity_id;
use crate::domain::attempt::AttemptStatus;
use crate::domain::job::{InputFile, Job, JobState, Verdict};
use crate::service::Service;
use crate::service::attempts::AttemptSeen;

/// `GET /attempts/:id`.
pub async fn read(key: ApiKey, path: web::Path<String>, service: web::Data<Service>) -> Answer {
    let id = entity_id(&path)?;
    let seen = ask(&service, move |service| service.attempt(key.0.account, id)).await?;
    ok(shown(&seen))
}

/// `GET /attempts/:id/files/:name`: the bytes as they came.
pub async fn file(key: ApiKey, path: web::Path<(String, String)>, service: web::Data<Service>) -> Answer {
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
pub async fn erase(key: ApiKey, path: web::Path<String>, service: web::Data<Service>) -> Answer {
    let id = entity_id(&path)?;
    ask(&service, move |service| service.erase_attempt(key.0.account, id)).await?;
    ok(id)
}

fn shown(AttemptSeen { attempt, status, stages }: &AttemptSeen) -> Value {
    let selfies =
        stages.iter().flat_map(|job| job.files.iter().filter(|file| file.field == "face").map(move |file| (job, file)));
    let faces: Vec<Value> = selfies.map(|(job, file)| reference(job, file)).collect();
    let updated_at = match status {
        // Nothing was written yet when a session ran out; it did at this time.
        AttemptStatus::Expired => attempt.session.as_ref().map_or(attempt.updated_at, |session| session.expires_at),
        _ => attempt.updated_at,
    };
    json!({
        "_id": attempt.id,
        "id": attempt.id,
        "type": attempt.kind,
        "faces": faces,
        "stages": stages.iter().map(stage).collect::<Vec<Value>>(),
        "status": status,
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
    json!({ "name": job.operation.name(), "job": job.id, "input": input, "result": { "status": status, "output": output } })
}

fn reference(job: &Job, file: &InputFile) -> Value {
    json!({
        "file": format!("/v1/2face/attempts/{}/files/{}", job.attempt, file.stored_as),
        "sha256": file.sha256,
        "bytes": file.bytes,
        "removedAt": file.removed_at,
    })
}
