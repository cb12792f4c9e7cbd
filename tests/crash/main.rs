//! The real executable, killed and damaged, in short; `long.rs` does the same a thousand times.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod canary;
mod check;
mod damage;
mod dice;
mod index;
mod journal;
mod kill;
mod server;
mod story;

use std::path::Path;

const BINARY: &str = env!("CARGO_BIN_EXE_twoface");

#[test]
fn nothing_acknowledged_is_lost_or_torn_by_kills_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let figures = kill::run(Path::new(BINARY), folder.path(), 7, 32).unwrap();
    assert_eq!(figures.faults, []);
    assert_eq!(figures.cycles, 32);
    assert!(figures.acknowledged > 0 && figures.checked > 0, "{figures:?}");
}

#[test]
fn a_damaged_index_is_built_again_and_everything_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let figures = index::run(Path::new(BINARY), folder.path(), 7, 8).unwrap();
    assert_eq!(figures.faults, []);
    assert!(figures.rebuilt > 0, "{figures:?}");
}

#[test]
fn a_damaged_journal_file_or_key_is_told_and_never_served() {
    let folder = tempfile::tempdir().unwrap();
    let told = journal::run(Path::new(BINARY), folder.path(), 7, 24).unwrap();
    assert_eq!((told.wrong, told.unnoticed), (Vec::new(), Vec::new()));
    assert!(told.at_start > 0 && told.served > 0);
}
