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
    let must = |field, must| Denied::from(Refusal::BadField { field, must });
    let cursor = match paging.cursor.as_deref() {
        Some(text) => Some(text.parse().map_err(|_| must("cursor", "be the `next` of the page before"))?),
        None => None,
    };
    let limit = match paging.limit.as_deref() {
        Some(text) => text.parse().ok().filter(|limit| (1..=PAGE).contains(limit)),
        None => Some(PAGE),
    };
    Ok((cursor, limit.ok_or_else(|| must("limit", "be 1 to 100"))?))
}
