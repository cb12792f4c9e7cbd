//! `GET /events`: what happened in the account, for those who ask instead of being told.

use actix_web::web;
use serde::Deserialize;
use serde_json::json;

use super::answer::{Answer, ask, ok};
use super::credential::{ApiKey, Events};
use super::paging;
use crate::service::Service;

#[derive(Deserialize)]
pub struct Query {
    after: Option<String>,
    limit: Option<String>,
}

/// Oldest first. `next` is what to ask with as `after` the next time, whether or not there is `more` already.
pub async fn list(key: ApiKey<Events>, query: web::Query<Query>, service: web::Data<Service>) -> Answer {
    let after = paging::id("after", "be the `next` of the page before", query.after.as_deref())?;
    let limit = paging::limit(query.limit.as_deref())?;
    let mut events = ask(&service, move |service| service.events(key.0.account, after, limit + 1)).await?;
    let more = events.len() > limit;
    events.truncate(limit);
    let next = events.last().map(|event| event.id).or(after);
    ok(json!({ "events": events, "next": next, "more": more }))
}
