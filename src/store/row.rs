//! A stored row: whose it is in clear, everything else sealed under that owner's key.
//!
//! Table, key and owner are authenticated with it, so that a row moved, swapped or given to another owner does not open.

use super::error::StoreError;
use super::files::FileRef;
use super::keys::{Keys, Purpose};
use super::tables::{Owner, Table};
use crate::crypto;
use crate::domain::id::Id;

const INLINE: u8 = 1;
/// The value lies in a sealed file; the row holds its reference.
const SPILLED: u8 = 2;

/// What a row holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    Inline(Vec<u8>),
    Spilled(FileRef),
}

/// The sealed row of this value.
pub(super) fn seal(keys: &Keys, table: Table, key: &[u8], owner: Owner, body: &Body) -> Result<Vec<u8>, StoreError> {
    let (kind, plain) = match body {
        Body::Inline(value) => (INLINE, std::borrow::Cow::Borrowed(value)),
        Body::Spilled(file) => (SPILLED, std::borrow::Cow::Owned(file.encode()?)),
    };
    let mut stored = header(kind, owner);
    let row_key = keys.make(owner, Purpose::Rows)?;
    let sealed = crypto::seal(&row_key, &address(table, key, &stored), &plain)
        .map_err(|_| StoreError::Invalid("a row could not be sealed"))?;
    stored.extend_from_slice(&sealed);
    Ok(stored)
}

/// What the row holds; `None` if its owner was forgotten.
pub(super) fn open(keys: &Keys, table: Table, key: &[u8], stored: &[u8]) -> Result<Option<Body>, StoreError> {
    let damaged = || StoreError::Damaged(format!("a row of {}", table.name()));
    let (kind, owner, header_bytes) = parse(stored).ok_or_else(damaged)?;
    let (header, sealed) = stored.split_at_checked(header_bytes).ok_or_else(damaged)?;
    let Some(row_key) = keys.get(owner, Purpose::Rows)? else {
        return if keys.is_forgotten(owner) { Ok(None) } else { Err(damaged()) };
    };
    let plain = crypto::open(&row_key, &address(table, key, header), sealed).map_err(|_| damaged())?;
    match kind {
        INLINE => Ok(Some(Body::Inline(plain))),
        SPILLED => Ok(Some(Body::Spilled(FileRef::decode(&plain).ok_or_else(damaged)?))),
        _ => Err(damaged()),
    }
}

/// Whose row this is.
pub(super) fn owner(stored: &[u8]) -> Option<Owner> {
    parse(stored).map(|(_, owner, _)| owner)
}

/// An owner in bytes: one that says which kind, then its ids.
pub(super) fn encode_owner(owner: Owner) -> Vec<u8> {
    match owner {
        Owner::System => vec![0],
        Owner::Account(id) => [&[1], &id.as_bytes()[..]].concat(),
        Owner::Person { account, subject } => [&[2], &account.as_bytes()[..], &subject.as_bytes()[..]].concat(),
    }
}

/// The inverse, and how many bytes it took.
pub(super) fn decode_owner(bytes: &[u8]) -> Option<(Owner, usize)> {
    let id = |at: usize| Some(Id::from_bytes(bytes.get(at..at + 12)?.try_into().ok()?));
    match bytes.first()? {
        0 => Some((Owner::System, 1)),
        1 => Some((Owner::Account(id(1)?), 13)),
        2 => Some((Owner::Person { account: id(1)?, subject: id(13)? }, 25)),
        _ => None,
    }
}

fn header(kind: u8, owner: Owner) -> Vec<u8> {
    let mut header = vec![kind];
    header.extend_from_slice(&encode_owner(owner));
    header
}

fn parse(stored: &[u8]) -> Option<(u8, Owner, usize)> {
    let (kind, rest) = stored.split_first()?;
    let (owner, length) = decode_owner(rest)?;
    Some((*kind, owner, 1 + length))
}

fn address(table: Table, key: &[u8], header: &[u8]) -> Vec<u8> {
    // The table's name holds no zero byte and the header says its own length.
    [b"row\0", table.name().as_bytes(), &[0], header, key].concat()
}
