//! Everything in readable form: one JSON object a line.
//!
//! An export is in clear; whoever asks for one answers for where it lies. What opens a door is not in it: webhooks' secrets, and
//! the answers kept for idempotency keys, among which are tokens of open sessions.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::Store;
use super::error::StoreError;
use super::tables::Table;
use crate::domain::hex;

/// Rows read at a time.
const PAGE: usize = 500;

/// The export stopped.
#[derive(Debug)]
pub enum ExportError {
    Store(StoreError),
    Output(io::Error),
}

impl Store {
    /// Writes every record, table by table in the order of their keys; index rows follow from them and are left out. Returns
    /// how many lines were written.
    pub fn export(&self, out: &mut dyn Write) -> Result<u64, ExportError> {
        let mut lines = 0;
        for table in Table::ALL.into_iter().filter(|table| !table.is_index() && *table != Table::Replays) {
            let mut after = None;
            loop {
                let rows = self.scan(table, &[], after.as_deref(), PAGE).map_err(ExportError::Store)?;
                let Some((last, _)) = rows.last() else { break };
                after = Some(last.clone());
                for (key, value) in rows {
                    let line =
                        json!({ "table": table.name(), "key": hex::encode(&key), "record": record(table, &value) });
                    writeln!(out, "{line}").map_err(ExportError::Output)?;
                    lines += 1;
                }
            }
        }
        Ok(lines)
    }
}

/// JSON behind a version byte is shown as JSON, all else in hexadecimal.
fn record(table: Table, value: &[u8]) -> Value {
    let json: Option<Map<String, Value>> = value.split_first().and_then(|(_, json)| serde_json::from_slice(json).ok());
    let Some(mut members) = json else { return Value::String(hex::encode(value)) };
    if table == Table::Webhooks {
        for secret in ["secret", "old_secret"] {
            members.remove(secret);
        }
    }
    Value::Object(members)
}

impl std::fmt::Display for ExportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ExportError::Store(e) => e.fmt(f),
            ExportError::Output(e) => write!(f, "the export cannot be written: {e}"),
        }
    }
}

impl std::error::Error for ExportError {}
