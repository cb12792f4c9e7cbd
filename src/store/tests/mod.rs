//! The store against a model and against the ways in which a disk fails.

mod append;
mod damage;
mod faults;
mod life;
mod model;
mod power;
mod seam;
mod sim;

use std::path::Path;
use std::sync::Arc;

use super::disk::RealDisk;
use super::open::Trust;
use super::tables::{BadRecord, IndexRow, Table};
use super::{MasterKey, OpenError, OpenOptions, OpenReport, Store};
use crate::crypto::SecretKey;
use crate::domain::id::Id;

/// An index that accepts any bytes: the first two of a value find the row's full value again.
fn derive(table: Table, value: &[u8]) -> Result<Vec<IndexRow>, BadRecord> {
    let index = match table {
        Table::Keys => Table::KeysByHash,
        Table::Users => Table::UsersByDocument,
        _ => return Ok(Vec::new()),
    };
    let key = value.get(..2).unwrap_or(value).to_vec();
    Ok(vec![IndexRow { table: index, key, value: value.iter().rev().take(8).copied().collect() }])
}

fn options(dir: &Path) -> OpenOptions {
    OpenOptions::new(dir, MasterKey::Given(SecretKey::from_bytes([9; 32])))
}

fn open(dir: &Path) -> Result<(Store, OpenReport), OpenError> {
    Store::open_on(Arc::new(RealDisk), derive, options(dir), Trust::IfWhole)
}

fn id(number: u8) -> Id {
    Id::from_bytes([number; 12])
}

/// How many times as long the tests by chance go on: `STORE_ROUNDS=10 cargo test --lib store::`.
fn rounds(usual: u64) -> u64 {
    usual * std::env::var("STORE_ROUNDS").map_or(1, |text| text.parse().unwrap())
}

/// What a test by chance came to, for whoever asked for more of it.
fn tell(what: &str) {
    if std::env::var_os("STORE_ROUNDS").is_some() {
        eprintln!("{what}");
    }
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            // The index's own temporary files come and go while it is copied.
            let _ = std::fs::copy(entry.path(), target);
        }
    }
}
