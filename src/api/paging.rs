//! Pages of a list: `limit`, and `cursor`, which is the `next` of the page before.

use serde::Deserialize;

use super::error::Denied;
use crate::domain::id::Id;
use crate::domain::refusal::Refusal;

/// Entries on one page unless `limit` says otherwise, and at the most.
const PAGE: usize = 100;

#[derive(Deserialize)]
pub struct Paging {
    cursor: Option<String>,
    limit: Option<String>,
}

/// The last id of the page before, and how many entries to give.
pub fn read(paging: &Paging) -> Result<(Option<Id>, usize), Denied> {
    let cursor = id("cursor", "be the `next` of the page before", paging.cursor.as_deref())?;
    Ok((cursor, limit(paging.limit.as_deref())?))
}

/// An id, if it is given.
pub fn id(field: &'static str, must: &'static str, text: Option<&str>) -> Result<Option<Id>, Denied> {
    match text {
        Some(text) => Ok(Some(text.parse().map_err(|_| Refusal::BadField { field, must })?)),
        None => Ok(None),
    }
}

/// How many entries to give.
pub fn limit(text: Option<&str>) -> Result<usize, Denied> {
    let limit = match text {
        Some(text) => text.parse().ok().filter(|limit| (1..=PAGE).contains(limit)),
        None => Some(PAGE),
    };
    Ok(limit.ok_or(Refusal::BadField { field: "limit", must: "be 1 to 100" })?)
}
