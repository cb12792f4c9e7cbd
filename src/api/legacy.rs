//! The first-generation API under `/api`: JSON in snake_case, answered in the request. Mounted only where `[legacy] enabled`
//! says so.
//!
//! A comparison is a job of an attempt of its own, which is closed by the outcome: the record is as complete as that of today's
//! API. Clients of that time send no User-Agent, so none is asked for. Refusals are those of today.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{Answer, ask};
use super::credential::{ApiKey, Sessions, Users};
use super::endpoint::Credential::{Anyone, Key};
use super::endpoint::{Endpoint, get, post};
use super::error::Denied;
use super::jobs::entity_id;
use super::upload::Form;
use crate::domain::job::{Operation, Outcome, Verdict};
use crate::domain::key::Scope;
use crate::domain::refusal::{Failure, Refusal, Stop};
use crate::domain::user::{DocumentNumber, DocumentType, User};
use crate::service::jobs::Submission;
use crate::service::legacy::compare_by_ref as against_the_enrolled_face;
use crate::service::{KeyHolder, Service};

/// Beside the table of `mod.rs`.
#[rustfmt::skip]
pub const ENDPOINTS: &[Endpoint] = &[
    get("/api/health", Anyone, |to| to.to(health)),
    get("/api/people", Key(Scope::Users), |to| to.to(people)),
    post("/api/people", Key(Scope::Users), |to| to.to(add)),
    post("/api/people/{id}/faces", Key(Scope::Users), |to| to.to(enrol)),
    post("/api/faces/compare", Key(Scope::Sessions), |to| to.to(compare)),
    post("/api/faces/compareByRef", Key(Scope::Sessions), |to| to.to(compare_by_ref)),
];

/// People listed where nobody in particular is asked for.
const PEOPLE_MAX: usize = 100;

/// `GET /api/health`.
pub async fn health() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "message": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(rename = "documentId")]
    document_id: Option<String>,
}

/// `GET /api/people?documentId=…`: a list of one, or an empty one.
pub async fn people(key: ApiKey<Users>, wanted: web::Query<Wanted>, service: web::Data<Service>) -> Answer {
    let number = match &wanted.document_id {
        Some(text) => Some(DocumentNumber::parse(text).ok_or_else(|| bad_number("documentId"))?),
        None => None,
    };
    let found = ask(&service, move |service| match number {
        None => service.users(key.0.account, None, PEOPLE_MAX),
        Some(number) => match service.user_by_document(key.0.account, &number) {
            Ok(user) => Ok(vec![user]),
            Err(Stop::Refused(Refusal::NoEntity { .. })) => Ok(Vec::new()),
            Err(stop) => Err(stop),
        },
    });
    let people: Vec<Value> = found.await?.iter().map(person).collect();
    answered(&json!(people))
}

/// `POST /api/people`: registers without an examination. An attempt stands for it in the record.
pub async fn add(key: ApiKey<Users>, request: HttpRequest, body: web::Payload, service: web::Data<Service>) -> Answer {
    let form = Form::read(&request, body).await?;
    let number = form.text("document_id").as_deref().and_then(DocumentNumber::parse);
    let number = number.ok_or_else(|| bad_number("document_id"))?;
    let kind = form.text("document_type").as_deref().and_then(DocumentType::parse).ok_or(Refusal::BadDocumentType)?;
    let metadata = form.object("metadata")?.unwrap_or_default();
    let user = ask(&service, move |service| service.register_unexamined(key.0, number, kind, metadata)).await?;
    answered(&person(&user))
}

/// `POST /api/people/:id/faces`: enrols a face, in the place of one that was enrolled before.
pub async fn enrol(
    key: ApiKey<Users>,
    path: web::Path<String>,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let id = entity_id(&path)?;
    ask(&service, move |service| service.user(key.0.account, id)).await?;
    let mut form = Form::read(&request, body).await?;
    let face = form.take_file("face").ok_or(Refusal::FileRequired)?;
    let memory = form.memory.take();
    let examining = ask(&service, move |service| service.examine_for_enrolment(face, memory)).await?;
    let face = examining.await.map_err(|_| not_examined())??;
    ask(&service, move |service| service.enrol(key.0, id, &face)).await?;
    Ok(HttpResponse::Ok().json(json!({ "result": { "msg": "The face was enrolled." } })))
}

/// `POST /api/faces/compare`: how alike two faces are, whatever the threshold says. It only decides how the attempt is closed.
pub async fn compare(
    key: ApiKey<Sessions>,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let mut form = Form::read(&request, body).await?;
    let mut parameters = Map::new();
    if let Some(text) = form.text("threshold") {
        let threshold = text.trim().parse().ok().filter(|score: &f64| (0.0..=100.0).contains(score));
        parameters.insert("threshold".to_owned(), json!(threshold.ok_or(Refusal::BadComparePayload)?));
    }
    let (one, other) = (form.take_file("faceA"), form.take_file("faceB"));
    let files = vec![
        ("document".to_owned(), one.ok_or(Refusal::BadComparePayload)?),
        ("face".to_owned(), other.ok_or(Refusal::BadComparePayload)?),
    ];
    let submission = Submission {
        operation: Operation::CompareFaces,
        workflow: None,
        faults: Vec::new(),
        parameters,
        files,
        numbers: Vec::new(),
        memory: form.memory,
    };
    let outcome = examined(&service, key.0, submission).await?;
    match outcome.verdict {
        Verdict::Invalid => Ok(invalid(outcome)),
        Verdict::Succeeded | Verdict::Failed => answered(&json!({ "score": outcome.output.get("result") })),
    }
}

/// `POST /api/faces/compareByRef`: the person of that number, if the face is that person's.
pub async fn compare_by_ref(
    key: ApiKey<Sessions>,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let mut form = Form::read(&request, body).await?;
    let reference = form.object("ref")?.unwrap_or_default();
    let number = reference.get("document_id").and_then(Value::as_str).and_then(DocumentNumber::parse);
    let number = number.ok_or(Refusal::BadField { field: "ref", must: "be {\"document_id\": \"…\"}" })?;
    let face = form.take_file("face").ok_or(Refusal::FileRequired)?;
    let wanted = number.clone();
    let user = ask(&service, move |service| service.user_by_document(key.0.account, &wanted)).await?;
    let submission = Submission {
        operation: Operation::Workflow,
        workflow: Some(against_the_enrolled_face()),
        faults: Vec::new(),
        parameters: Map::from_iter([("documentId".to_owned(), json!(number))]),
        files: vec![("face".to_owned(), face)],
        numbers: vec![number],
        memory: form.memory,
    };
    let outcome = examined(&service, key.0, submission).await?;
    let score = outcome.details.pointer("/steps/0/output/result");
    match outcome.verdict {
        Verdict::Invalid => Ok(invalid(outcome)),
        Verdict::Failed => answered(&json!({ "matches": [] })),
        Verdict::Succeeded => answered(&json!({ "matches": [{
            "avg_score": score,
            "id": user.id,
            "document_id": user.document_id,
            "document_type": user.document_type,
            "metadata": user.metadata,
        }] })),
    }
}

/// Runs a job in an attempt of its own and waits for its end, however long the queue is.
async fn examined(service: &web::Data<Service>, by: KeyHolder, submission: Submission) -> Result<Outcome, Denied> {
    let (session, submitted) = ask(service, move |service| service.examine(by, submission)).await?;
    let outcome = submitted.ticket.await.map_err(|_| not_examined())?;
    ask(service, move |service| service.conclude(session, &outcome).map(|_| outcome)).await
}

fn not_examined() -> Failure {
    Failure("a face could not be examined".to_owned())
}

fn bad_number(field: &'static str) -> Refusal {
    Refusal::BadField { field, must: DocumentNumber::MUST }
}

fn answered(result: &Value) -> Answer {
    Ok(HttpResponse::Ok().json(json!({ "result": result, "status": 200 })))
}

/// A job's own words about what cannot be examined.
fn invalid(outcome: Outcome) -> HttpResponse {
    HttpResponse::build(StatusCode::UNPROCESSABLE_ENTITY).json(outcome.output)
}

fn person(user: &User) -> Value {
    let no_embedding: [Value; 0] = [];
    json!({
        "id": user.id,
        "document_id": user.document_id,
        "document_type": user.document_type,
        // Never leaves the server.
        "face_embeddings": no_embedding,
        "metadata": user.metadata,
    })
}
