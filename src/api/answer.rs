//! The contract's envelope, and how blocking verbs are called from asynchronous handlers.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::json;

use super::error::Denied;
use crate::domain::refusal::{Failure, Stop};
use crate::service::Service;

pub type Answer = Result<HttpResponse, Denied>;

/// `{"code": 200, "result": …}`.
pub fn ok(result: impl Serialize) -> Answer {
    Ok(HttpResponse::Ok().json(json!({ "code": 200, "result": result })))
}

/// Calls a verb of the service, which may wait for the disk, on a thread made for waiting.
pub async fn ask<T: Send + 'static>(
    service: &web::Data<Service>,
    verb: impl FnOnce(&Service) -> Result<T, Stop> + Send + 'static,
) -> Result<T, Denied> {
    let service = service.clone();
    match web::block(move || verb(&service)).await {
        Ok(result) => result.map_err(Denied),
        Err(_) => Err(Failure("the blocking pool is gone".to_owned()).into()),
    }
}
