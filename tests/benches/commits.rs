//! Durable commits a second at 1, 8 and 64 writers, beside sled with a flush and an fdatasync after every commit.
//!
//! Both write the same rows: a record of 300 to 1,100 bytes, a counter, and the deletion of an older record.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "a benchmark")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sled::Transactional as _;
use twoface::crypto::SecretKey;
use twoface::domain::id::Id;
use twoface::store::tables::{Owner, Table};
use twoface::store::{Commit, MasterKey, Op, OpenOptions, Store};

const WRITERS: [u64; 3] = [1, 8, 64];
/// Older records are deleted, so that the stores stay small.
const KEPT: u64 = 100;

fn value(writer: u64, number: u64) -> Vec<u8> {
    let mut state = (writer << 32 | number) + 1;
    let length = 300 + usize::try_from(number * 7919 % 800).unwrap();
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(length)
    .collect()
}

fn key(writer: u64, number: u64) -> Vec<u8> {
    [writer.to_be_bytes(), number.to_be_bytes()].concat()
}

/// `each` is called for every commit by as many threads as there are writers; the time is that of all.
fn run(writers: u64, commits: u64, numbers: &AtomicU64, each: impl Fn(u64, u64) + Sync) -> Duration {
    let first = numbers.fetch_add(commits, Ordering::Relaxed);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let each = &each;
            scope.spawn(move || {
                (0..commits).filter(|n| n % writers == writer).for_each(|n| each(writer, first + n));
            });
        }
    });
    start.elapsed()
}

fn journal(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let master = MasterKey::Given(SecretKey::generate());
    let (store, _) = Store::open(OpenOptions::new(dir.path(), master)).unwrap();
    let numbers = AtomicU64::new(KEPT);
    let owner = Owner::Account(Id::from_bytes([1; 12]));
    let commit = |writer: u64, number: u64| {
        let put = |table, key, value| Op::Put { table, key, value, owner };
        let ops = vec![
            put(Table::JobFaces, key(writer, number), value(writer, number)),
            put(Table::UserFaces, writer.to_be_bytes().to_vec(), number.to_be_bytes().to_vec()),
            Op::Delete { table: Table::JobFaces, key: key(writer, number - KEPT) },
        ];
        store.commit(Commit { ops, ..Commit::default() }).unwrap();
    };
    let mut group = c.benchmark_group("store");
    group.throughput(Throughput::Elements(1)).sample_size(10).measurement_time(Duration::from_secs(6));
    for writers in WRITERS {
        group.bench_function(format!("{writers} writers"), |b| {
            b.iter_custom(|commits| run(writers, commits, &numbers, commit));
        });
    }
}

fn sled_alone(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let db = sled::Config::new().path(dir.path()).cache_capacity(64 << 20).open().unwrap();
    let (records, counters) = (db.open_tree("records").unwrap(), db.open_tree("counters").unwrap());
    let file = std::fs::File::open(dir.path().join("db")).unwrap();
    let numbers = AtomicU64::new(KEPT);
    let commit = |writer: u64, number: u64| {
        let value = value(writer, number);
        let made = (&records, &counters).transaction(|(records, counters)| {
            records.insert(key(writer, number), value.as_slice())?;
            counters.insert(&writer.to_be_bytes(), &number.to_be_bytes())?;
            records.remove(key(writer, number - KEPT))?;
            Ok::<(), sled::transaction::ConflictableTransactionError<()>>(())
        });
        made.unwrap();
        db.flush().unwrap();
        file.sync_data().unwrap();
    };
    let mut group = c.benchmark_group("sled, flush and fdatasync");
    group.throughput(Throughput::Elements(1)).sample_size(10).measurement_time(Duration::from_secs(6));
    for writers in WRITERS {
        group.bench_function(format!("{writers} writers"), |b| {
            b.iter_custom(|commits| run(writers, commits, &numbers, commit));
        });
    }
}

criterion_group!(benches, journal, sled_alone);
criterion_main!(benches);
