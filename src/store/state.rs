//! How far the index is, and what must be in it: a count and a hash per table, changed in the same batch as the rows.
//!
//! The hash is a sum over rows, so that a batch updates it without reading the rest; a full read of the index must give the
//! same numbers.

use std::collections::BTreeMap;

use super::journal::Changes;
use super::kv::{IndexError, Kv};
use super::tables::Table;
use crate::crypto;

/// Where the state lies among the rows; no table has an empty name.
pub(super) const STATE_KEY: &[u8] = b"\0state";

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The last journal record that the index contains.
    pub(super) lsn: u64,
    pub(super) tables: BTreeMap<Vec<u8>, Summary>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) rows: u64,
    pub(super) hash: u128,
}

impl State {
    pub(super) fn add(&mut self, full_key: &[u8], stored: &[u8]) {
        let summary = self.tables.entry(table_of(full_key).to_vec()).or_default();
        summary.rows = summary.rows.wrapping_add(1);
        summary.hash = summary.hash.wrapping_add(row_hash(full_key, stored));
    }

    pub(super) fn take(&mut self, full_key: &[u8], stored: &[u8]) {
        let summary = self.tables.entry(table_of(full_key).to_vec()).or_default();
        summary.rows = summary.rows.wrapping_sub(1);
        summary.hash = summary.hash.wrapping_sub(row_hash(full_key, stored));
        if *summary == Summary::default() {
            self.tables.remove(table_of(full_key));
        }
    }

    /// Applies a batch to the index together with the state that follows from it.
    pub(super) fn apply(&self, kv: &Kv, changes: &Changes, lsn: u64) -> Result<State, IndexError> {
        let mut state = self.clone();
        for (key, new) in changes {
            if let Some(old) = kv.get(key)? {
                state.take(key, &old);
            }
            if let Some(new) = new {
                state.add(key, new);
            }
        }
        state.lsn = lsn;
        let rows = changes.iter().map(|(key, stored)| (key.clone(), stored.clone()));
        kv.apply(rows.chain([(STATE_KEY.to_vec(), Some(state.encode()))]))?;
        Ok(state)
    }

    pub(super) fn rows(&self) -> u64 {
        // No table has an empty name: those rows are the store's own.
        self.tables.iter().filter(|(table, _)| !table.is_empty()).map(|(_, summary)| summary.rows).sum()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.lsn.to_be_bytes().to_vec();
        for (name, summary) in &self.tables {
            bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(&summary.rows.to_be_bytes());
            bytes.extend_from_slice(&summary.hash.to_be_bytes());
        }
        let check = crypto::sha256(&bytes);
        bytes.extend_from_slice(&check);
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<State> {
        let (body, check) = bytes.split_at_checked(bytes.len().checked_sub(32)?)?;
        if crypto::sha256(body) != check {
            return None;
        }
        let (lsn, mut rest) = body.split_first_chunk::<8>()?;
        let mut state = State { lsn: u64::from_be_bytes(*lsn), tables: BTreeMap::new() };
        while let Some((length, after)) = rest.split_first() {
            let (name, after) = after.split_at_checked(usize::from(*length))?;
            let (rows, after) = after.split_first_chunk::<8>()?;
            let (hash, after) = after.split_first_chunk::<16>()?;
            let summary = Summary { rows: u64::from_be_bytes(*rows), hash: u128::from_be_bytes(*hash) };
            state.tables.insert(name.to_vec(), summary);
            rest = after;
        }
        Some(state)
    }
}

/// Which table a full key belongs to, by name.
pub(super) fn table_of(full_key: &[u8]) -> &[u8] {
    full_key.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The table and the key within it; `None` for what is not a row of a table this program knows.
pub(super) fn split_key(full_key: &[u8]) -> Option<(Table, &[u8])> {
    let name = table_of(full_key);
    let table = Table::ALL.into_iter().find(|table| table.name().as_bytes() == name)?;
    Some((table, full_key.get(name.len() + 1..)?))
}

fn row_hash(full_key: &[u8], stored: &[u8]) -> u128 {
    let digest = crypto::sha256(&[&(full_key.len() as u64).to_be_bytes(), full_key, stored].concat());
    digest.first_chunk::<16>().map_or(0, |bytes| u128::from_be_bytes(*bytes))
}
