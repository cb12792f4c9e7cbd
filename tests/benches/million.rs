//! A store with a million rows of a quarter of a million people: memory, opening, rebuilding, checking.
//!
//! `cargo bench --bench million` prints one line a step; `MILLION_ROWS` sets another number of rows.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "a benchmark")]

use std::time::Instant;

use twoface::domain::id::Id;
use twoface::store::tables::{Owner, Table};
use twoface::store::{Commit, MasterKey, Op, OpenOptions, Store};

const VALUE_BYTES: usize = 300;
const PER_COMMIT: u64 = 400;
const PER_PERSON: u64 = 4;

fn id(number: u64) -> Id {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&number.to_be_bytes());
    Id::from_bytes(bytes)
}

fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn disk_mb(dir: &std::path::Path) -> u64 {
    let sum = |path: &std::path::Path| -> u64 {
        let mut total = 0;
        let mut folders = vec![path.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else {
                    total += entry.metadata().unwrap().len();
                }
            }
        }
        total
    };
    sum(dir) >> 20
}

fn say(what: &str, since: Instant, rows: u64, dir: &std::path::Path) {
    let seconds = since.elapsed().as_secs_f64();
    let (rss, peak) = (memory("VmRSS"), memory("VmHWM"));
    let rate = rows as f64 / seconds;
    println!("{what}: {seconds:.2} s, {rate:.0} rows/s, RSS {rss} MB (peak {peak} MB), disk {} MB", disk_mb(dir));
}

/// A process of its own for every step, so that its memory is its own.
const STEPS: [&str; 5] = ["write", "open", "serve", "rebuild", "fsck"];

fn main() {
    let rows: u64 = std::env::var("MILLION_ROWS").map_or(1_000_000, |text| text.parse().unwrap());
    if let Ok(step) = std::env::var("MILLION_STEP") {
        return run(&step, rows, std::path::Path::new(&std::env::var("MILLION_DIR").unwrap()));
    }
    let dir = tempfile::tempdir().unwrap();
    for step in STEPS {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        let status = child.env("MILLION_STEP", step).env("MILLION_DIR", dir.path()).status().unwrap();
        assert!(status.success(), "{step}");
    }
}

fn run(step: &str, rows: u64, dir: &std::path::Path) {
    let options = OpenOptions::new(dir.join("data"), MasterKey::File(dir.join("master.key")));
    let start = Instant::now();
    match step {
        "write" => {
            let (store, _) = Store::open(options).unwrap();
            write(&store, rows);
            say("written", start, rows, dir);
            let start = Instant::now();
            store.checkpoint().unwrap();
            say("checkpoint", start, rows, dir);
        }
        "open" => {
            let (_store, report) = Store::open(options).unwrap();
            assert_eq!((report.rows, report.rebuilt), (rows, None));
            say("opened, every row verified", start, rows, dir);
        }
        "serve" => {
            let (store, _) = Store::open(options).unwrap();
            let start = Instant::now();
            read(&store, rows);
            say("50,000 rows read at random", start, 50_000, dir);
            let start = Instant::now();
            write(&store, rows / 10);
            say("a tenth written again", start, rows / 10, dir);
        }
        "rebuild" => {
            let _store = Store::rebuild(options).unwrap();
            say("index rebuilt and opened", start, rows, dir);
        }
        _ => {
            let scratch = tempfile::tempdir().unwrap();
            let report = twoface::store::fsck(&options, scratch.path(), |_, _| Vec::new()).unwrap();
            assert_eq!(report.problems_total, 0);
            say("fsck", start, rows, dir);
        }
    }
}

fn write(store: &Store, rows: u64) {
    let account = id(1);
    for first in (0..rows).step_by(usize::try_from(PER_COMMIT).unwrap()) {
        let op = |number: u64| {
            let subject = id(number / PER_PERSON);
            let key = [account, subject, id(number)].iter().flat_map(|id| *id.as_bytes()).collect();
            let value = vec![(number % 251) as u8; VALUE_BYTES];
            Op::Put { table: Table::JobFaces, key, value, owner: Owner::Person { account, subject } }
        };
        let ops = (first..(first + PER_COMMIT).min(rows)).map(op).collect();
        store.commit(Commit { ops, ..Commit::default() }).unwrap();
    }
}

fn read(store: &Store, rows: u64) {
    let mut state = 7_u64;
    for _ in 0..50_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let number = (state >> 33) % rows;
        let ids = [id(1), id(number / PER_PERSON), id(number)];
        let key: Vec<u8> = ids.iter().flat_map(|id| *id.as_bytes()).collect();
        assert!(store.get(Table::JobFaces, &key).unwrap().is_some());
    }
}
