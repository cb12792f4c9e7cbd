//! For load balancers and process managers: alive, and ready to serve. No credential, no user agent needed.

use actix_web::web;

use super::answer::{Answer, ok};
use crate::domain::refusal::Refusal;
use crate::service::Service;

/// The process answers.
pub async fn healthz() -> Answer {
    ok("ok")
}

/// The models have run once and jobs are taken.
pub async fn readyz(service: web::Data<Service>) -> Answer {
    if service.is_ready() { ok("ready") } else { Err(Refusal::NotReady.into()) }
}
