//! Submitting a job, waiting for it, reading it.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};

use super::answer::{Answer, ask, ok};
use super::credential::{JobReader, OpenSession, session_token};
use super::error::Denied;
use super::once::{self, Whose};
use super::upload::Form;
use crate::domain::id::Id;
use crate::domain::job::{JobState, Operation, Outcome};
use crate::domain::key::AnswerMode;
use crate::domain::refusal::{Refusal, Stop};
use crate::domain::replay::Effect;
use crate::domain::user::DocumentNumber;
use crate::domain::workflow::{Action, Fault, FieldKind};
use crate::service::jobs::{JobSeen, Submission, Tries};
use crate::service::once::Once;
use crate::service::{Service, SessionHolder};

/// How often a replayed request looks whether its job has ended; the ticket was the first one's.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The longest that `Prefer: wait` may ask for (contract).
const WAIT_SECONDS_MAX: u64 = 30;

/// Stores a job for `operation` and answers with its id, or with its outcome if the client prefers to wait. `parameters` are
/// the form's other fields, already checked.
pub async fn submit(
    service: web::Data<Service>,
    request: &HttpRequest,
    holder: SessionHolder,
    operation: Operation,
    parameters: Map<String, Value>,
    mut form: Form,
) -> Answer {
    let once = match turn(&service, request, holder, operation.name(), &form).await? {
        Ok(once) => once,
        Err(job) => return again(service, request, holder, job).await,
    };
    first_try(&service, request, holder, operation.name()).await?;
    let claimed = parameters.get("documentId").and_then(Value::as_str).and_then(DocumentNumber::parse);
    let numbers = Vec::from_iter(claimed);
    let mut files = Vec::new();
    for &field in operation.file_fields() {
        files.push((field.to_owned(), form.take_file(field).ok_or(Refusal::FileRequired)?));
    }
    let submission =
        Submission { operation, workflow: None, faults: Vec::new(), parameters, files, numbers, memory: form.memory };
    store(service, request, holder, submission, once).await
}

/// `POST /jobs/start/:workflowName`. A field that is missing or wrong makes the job Invalid, which names it.
pub async fn start(
    session: OpenSession,
    request: HttpRequest,
    path: web::Path<String>,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let name = path.into_inner();
    let run = ask(&service, move |service| service.workflow(&name)).await?;
    let mut form = Form::read(&request, body).await?;
    let once = match turn(&service, &request, session.0, &run.name, &form).await? {
        Ok(once) => once,
        Err(job) => return again(service, &request, session.0, job).await,
    };
    first_try(&service, &request, session.0, &run.name).await?;
    let (mut parameters, mut files, mut faults, mut numbers) = (Map::new(), Vec::new(), Vec::new(), Vec::new());
    for (field, rule) in &run.definition.fields {
        let fault = || Fault { field: field.clone(), must: rule.kind.must().to_owned() };
        let is_given = form.has(field) && form.text(field).is_none_or(|text| !text.is_empty());
        if !is_given {
            faults.extend(rule.required.then(fault));
        } else if rule.kind.is_file() {
            match form.take_file(field) {
                Some(bytes) => files.push((field.clone(), bytes)),
                None => faults.push(fault()),
            }
        } else {
            match form.value(field).and_then(|text| rule.kind.parse(&text)) {
                Some(value) => drop(parameters.insert(field.clone(), value)),
                None => faults.push(fault()),
            }
        }
        if rule.kind == FieldKind::DocumentNumber {
            numbers.extend(parameters.get(field).and_then(Value::as_str).and_then(DocumentNumber::parse));
        }
    }
    let operation = Operation::Workflow;
    let submission =
        Submission { operation, workflow: Some(run), faults, parameters, files, numbers, memory: form.memory };
    store(service, &request, session.0, submission, once).await
}

/// Refuses before the body is looked at closely; the tries are told either way.
async fn first_try(
    service: &web::Data<Service>,
    request: &HttpRequest,
    holder: SessionHolder,
    name: &str,
) -> Result<(), Denied> {
    let name = name.to_owned();
    let tries = ask(service, move |service| service.tries_left(holder, &name)).await;
    note_tries(request, &tries);
    tries.map(|_| ())
}

async fn store(
    service: web::Data<Service>,
    request: &HttpRequest,
    holder: SessionHolder,
    submission: Submission,
    once: Option<Once>,
) -> Answer {
    let submitted = ask(&service, move |service| service.submit(holder, submission, once.as_ref())).await;
    note_tries(request, &submitted.as_ref().map(|submitted| submitted.tries));
    let submitted = submitted?;

    let outcome = match wait_of(request, holder) {
        None => None,
        Some(time) => tokio::time::timeout(time, submitted.ticket).await.ok().and_then(Result::ok),
    };
    answer(submitted.id, outcome)
}

/// How long the answer may be held for the job's outcome.
fn wait_of(request: &HttpRequest, holder: SessionHolder) -> Option<Duration> {
    let waits = prefer_wait(request).or((holder.answer == AnswerMode::Wait).then_some(WAIT_SECONDS_MAX));
    waits.map(Duration::from_secs)
}

/// The job's id, or its outcome if that was waited for and came.
fn answer(job: Id, outcome: Option<Outcome>) -> Answer {
    let mut response = match outcome {
        None => ok(job)?,
        Some(outcome) => {
            let status = StatusCode::from_u16(outcome.http_status()).unwrap_or(StatusCode::OK);
            let mut response = HttpResponse::build(status).json(outcome.output);
            let applied = HeaderValue::from_static("wait");
            response.headers_mut().insert(HeaderName::from_static("preference-applied"), applied);
            response
        }
    };
    if let Ok(id) = HeaderValue::from_str(&job.to_string()) {
        response.headers_mut().insert(HeaderName::from_static("x-job-id"), id);
    }
    Ok(response)
}

/// The turn of a request that makes a job; the job if it has been made before. Asked before the tries are: a replay is none.
async fn turn(
    service: &web::Data<Service>,
    request: &HttpRequest,
    holder: SessionHolder,
    name: &str,
    form: &Form,
) -> Result<Result<Option<Once>, Id>, Denied> {
    match once::turn(service, request, Whose::Session(session_token(request)), form).await? {
        Ok(once) => Ok(Ok(once)),
        Err(Effect::JobStored { job }) => {
            let name = name.to_owned();
            let tries = ask(service, move |service| service.tries_left(holder, &name)).await;
            note_tries(request, &tries);
            Ok(Err(job))
        }
        Err(_) => Err(once::of_another_kind()),
    }
}

/// Answers for a job that was made before: with its id or, if the client waits, its outcome.
async fn again(service: web::Data<Service>, request: &HttpRequest, holder: SessionHolder, job: Id) -> Answer {
    let ended = async {
        loop {
            let seen = ask(&service, move |service| service.job(holder.account, job)).await?;
            if let JobState::Finished { outcome, .. } = seen.job.state {
                return Ok::<_, Denied>(outcome);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    let outcome = match wait_of(request, holder) {
        None => None,
        Some(time) => tokio::time::timeout(time, ended).await.ok().transpose()?,
    };
    answer(job, outcome).map(once::replayed)
}

/// `GET /jobs/:id`.
pub async fn read(reader: JobReader, path: web::Path<String>, service: web::Data<Service>) -> Answer {
    let id = entity_id(&path)?;
    let account = match &reader {
        JobReader::Key(holder) => holder.account,
        JobReader::Session(holder) => holder.account,
    };
    let seen = ask(&service, move |service| service.job(account, id)).await?;
    match reader {
        JobReader::Session(holder) if holder.attempt != seen.job.attempt => Err(no_entity(&path)),
        JobReader::Session(_) => {
            let mut shown = shown(&seen);
            withhold_people(&mut shown);
            ok(shown)
        }
        JobReader::Key(_) => ok(shown(&seen)),
    }
}

/// Who else is enrolled or blocked, and what is made of it, is not for the applicant's own app, which may hold the session's token.
fn withhold_people(shown: &mut Value) {
    match shown {
        Value::Object(fields) if fields.get("name") == Some(&json!(Action::SearchPeople.name())) => {
            fields.retain(|name, _| name == "name" || name == "status");
        }
        Value::Object(fields) => {
            fields.retain(|name, _| !["people", "findings", "failedOn", "reviewOn", "review"].contains(&name.as_str()));
            fields.values_mut().for_each(withhold_people);
        }
        Value::Array(values) => values.iter_mut().for_each(withhold_people),
        _ => {}
    }
}

fn shown(JobSeen { job, running_since }: &JobSeen) -> Value {
    let (status, output, details, started_at, finished_at) = match &job.state {
        JobState::Finished { started_at, finished_at, outcome } => (
            outcome.verdict.number(),
            outcome.output.clone(),
            outcome.details.clone(),
            Some(*started_at),
            Some(*finished_at),
        ),
        JobState::Queued => (u8::from(running_since.is_some()), json!({}), json!({}), *running_since, None),
    };
    json!({
        "id": job.id,
        "workflow": job.name(),
        "status": status,
        "output": output,
        "details": details,
        "createdAt": job.created_at,
        "startedAt": started_at,
        "finishedAt": finished_at,
    })
}

/// An id in a path. What is no id names no entity.
pub fn entity_id(text: &str) -> Result<Id, Denied> {
    text.parse().map_err(|_| no_entity(text))
}

fn no_entity(text: &str) -> Denied {
    Refusal::NoEntity { id: text.chars().take(64).collect() }.into()
}

/// Leaves the tries for the gate to write into the answer's headers.
fn note_tries(request: &HttpRequest, tries: &Result<Tries, impl std::borrow::Borrow<Denied>>) {
    let tries = match tries {
        Ok(tries) => *tries,
        Err(denied) => match denied.borrow() {
            Denied(Stop::Refused(Refusal::NoTriesLeft { limit })) => Tries { limit: *limit, left: 0 },
            _ => return,
        },
    };
    request.extensions_mut().insert(tries);
}

/// The seconds of `Prefer: wait=<seconds>` (RFC 7240), at most 30.
fn prefer_wait(request: &HttpRequest) -> Option<u64> {
    request
        .headers()
        .get_all("prefer")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|preference| preference.split(';').next()?.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
        .and_then(|(_, seconds)| seconds.trim().trim_matches('"').parse::<u64>().ok())
        .map(|seconds| seconds.min(WAIT_SECONDS_MAX))
}

#[cfg(test)]
mod tests {
    use super::prefer_wait;
    use actix_web::test::TestRequest;

    #[test]
    fn prefer_is_read_as_rfc_7240_writes_it() {
        let of = |value: &str| prefer_wait(&TestRequest::default().insert_header(("Prefer", value)).to_http_request());
        assert_eq!(of("wait=10"), Some(10));
        assert_eq!(of("respond-async, wait = \"5\"; x=y"), Some(5));
        assert_eq!(of("WAIT=100"), Some(30));
        assert_eq!(of("wait"), None);
        assert_eq!(of("wait=-1"), None);
    }
}
