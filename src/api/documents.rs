//! `/documents/…`: each stores a job. What is wrong with the fields is said before there is one.

use actix_web::{HttpRequest, web};
use serde_json::{Map, Value};

use super::answer::Answer;
use super::credential::OpenSession;
use super::error::Denied;
use super::jobs::submit;
use super::upload::Form;
use crate::domain::document::Side;
use crate::domain::job::Operation;
use crate::domain::refusal::Refusal;
use crate::domain::user::{DocumentNumber, DocumentType};
use crate::service::Service;

/// Whether `file` shows the document `documentType` from its `side`.
pub async fn validate_type(
    session: OpenSession,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let form = Form::read(&request, body).await?;
    let mut parameters = document_type(&form)?;
    let side = match form.text("side").as_deref() {
        None | Some("") => "FRONT".to_owned(),
        Some(text) => Side::parse(text)
            .map(|_| text.to_owned())
            .ok_or(Refusal::BadField { field: "side", must: "be FRONT or BACK" })?,
    };
    parameters.insert("side".to_owned(), Value::String(side));
    submit(service, &request, session.0, Operation::ValidateDocumentType, parameters, form).await
}

/// Whether the number of the document in `file` is `documentId`.
pub async fn validate_identity(
    session: OpenSession,
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Answer {
    let form = Form::read(&request, body).await?;
    let mut parameters = document_type(&form)?;
    let number = form.text("documentId").as_deref().and_then(DocumentNumber::parse);
    let number = number.ok_or(Refusal::BadField { field: "documentId", must: DocumentNumber::MUST })?;
    parameters.insert("documentId".to_owned(), Value::String(number.as_str().to_owned()));
    submit(service, &request, session.0, Operation::ValidateIdentity, parameters, form).await
}

/// The parameters with the checked `documentType`.
fn document_type(form: &Form) -> Result<Map<String, Value>, Denied> {
    let text = form.text("documentType").unwrap_or_default();
    DocumentType::parse(&text).ok_or(Refusal::BadDocumentType)?;
    Ok(Map::from_iter([("documentType".to_owned(), Value::String(text))]))
}
