//! The power fails at random moments: what was acknowledged is there, what was not is there whole or not at all.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use super::sim::{Dice, SimDisk};
use super::*;
use crate::domain::time::Timestamp;
use crate::store::tables::Owner;
use crate::store::{Commit, Op};

/// Runs, and power cuts in each.
const RUNS: u64 = 30;
const CUTS: u64 = 8;
const WRITERS: u8 = 3;
const KEPT: u64 = 4;

fn record(writer: u8, number: u64) -> Vec<u8> {
    let mut dice = Dice((u64::from(writer) + 1) * 1_000_003 + number);
    let length = if dice.below(12) == 0 { 6000 } else { 20 + dice.below(900) };
    (0..length).map(|_| dice.below(256) as u8).collect()
}

fn key(writer: u8, number: u64) -> Vec<u8> {
    [&[writer][..], &number.to_be_bytes()].concat()
}

/// The record, the counter, and the deletion of an older record stand or fall together.
fn commit(writer: u8, number: u64) -> Commit {
    let owner = Owner::Person { account: id(1), subject: id(100 + number as u8) };
    let put = |table, key, value| Op::Put { table, key, value, owner };
    let mut ops = vec![
        put(Table::Attempts, key(writer, number), record(writer, number)),
        Op::Put {
            table: Table::Users,
            key: vec![writer],
            value: [&[writer, number as u8][..], &number.to_be_bytes()].concat(),
            owner: Owner::Account(id(2)),
        },
    ];
    if number > KEPT {
        ops.push(Op::Delete { table: Table::Attempts, key: key(writer, number - KEPT) });
    }
    Commit { ops, ..Commit::default() }
}

/// A row that refers to a file of its own.
fn photo(store: &Store, writer: u8, number: u64) -> Op {
    let owner = Owner::Person { account: id(1), subject: id(200 + writer) };
    let file = store.put_file(owner, &record(writer, number)).unwrap();
    Op::Put { table: Table::Jobs, key: key(writer, number), value: serde_json::to_vec(&file).unwrap(), owner }
}

/// What was acknowledged of a person's row.
const REGISTERED: u64 = 1;
const FORGETTING: u64 = 2;
const FORGOTTEN: u64 = 3;

fn person_key(subject: u8) -> Vec<u8> {
    [[3; 12], [subject; 12]].concat()
}

struct Cut {
    disk: SimDisk,
    acknowledged: Vec<u64>,
    index: tempfile::TempDir,
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_fails() {
    let mut cuts = 0;
    for run in 1..=rounds(RUNS) {
        for cut in run_until_cuts(run) {
            cuts += 1;
            check(cut, run);
        }
    }
    tell(&format!("{cuts} power cuts, nothing acknowledged lost, nothing torn"));
    assert!(cuts >= rounds(200), "only {cuts} power cuts happened");
}

/// Writers write while the power fails in other worlds; these are handed back.
fn run_until_cuts(run: u64) -> Vec<Cut> {
    let dir = tempfile::tempdir().unwrap();
    let disk = SimDisk::new(dir.path(), run * 7919);
    let mut dice = Dice(run * 31 + 1);
    let (seen, cuts) = mpsc::channel();
    let acknowledged: Arc<Vec<AtomicU64>> = Arc::new((0..WRITERS + 3).map(|_| AtomicU64::new(0)).collect());
    let (index, counters, mut fate) = (dir.path().join("index"), acknowledged.clone(), Dice(run + 5));
    let mut earlier: Option<std::path::PathBuf> = None;
    // The first calls are those that make the store.
    let moments = (0..CUTS).map(|_| 1 + dice.below(220)).collect();
    disk.at(moments, move |disk| {
        // First the counters: what is acknowledged afterwards may or may not have survived.
        let acknowledged = counters.iter().map(|counter| counter.load(Ordering::SeqCst)).collect();
        let copied = tempfile::tempdir().unwrap();
        match (fate.below(4), &earlier) {
            _ if !index.exists() => {}
            (0, _) => {}
            (1, Some(earlier)) => copy_dir(earlier, &copied.path().join("index")),
            _ => copy_dir(&index, &copied.path().join("index")),
        }
        if earlier.is_none() && copied.path().join("index").exists() {
            let kept = index.with_extension("earlier");
            copy_dir(&copied.path().join("index"), &kept);
            earlier = Some(kept);
        }
        seen.send(Cut { disk, acknowledged, index: copied }).unwrap();
    });
    let store = Store::open_on(Arc::new(disk.clone()), derive, options(dir.path()), Trust::IfWhole).unwrap().0;
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (store, acknowledged) = (store.clone(), acknowledged.clone());
            scope.spawn(move || {
                for number in 1..=20 {
                    let mut commit = commit(writer, number);
                    if number % 5 == 0 {
                        commit.ops.push(photo(&store, writer, number));
                    }
                    store.commit(commit).unwrap();
                    acknowledged[usize::from(writer)].store(number, Ordering::SeqCst);
                }
            });
        }
        for step in 0..3_u8 {
            let told = |state| acknowledged[usize::from(WRITERS + step)].store(state, Ordering::SeqCst);
            let (key, owner) = (person_key(step), Owner::Person { account: id(3), subject: id(step) });
            let op = Op::Put { table: Table::Jobs, key, value: vec![step; 3000], owner };
            store.commit(Commit { ops: vec![op], ..Commit::default() }).unwrap();
            told(REGISTERED);
            match (run + u64::from(step)) % 3 {
                0 => store.checkpoint().unwrap(),
                1 => {
                    told(FORGETTING);
                    store.forget(&[(id(3), id(step))], Timestamp::from_millis(0)).unwrap();
                    told(FORGOTTEN);
                }
                _ => drop(store.put_file(owner, &[step; 300]).unwrap()),
            }
        }
    });
    disk.stop_seeing();
    cuts.try_iter().collect()
}

fn check(cut: Cut, run: u64) {
    let disk = cut.disk.moved_to(cut.index.path());
    let opened = Store::open_on(Arc::new(disk), derive, options(cut.index.path()), Trust::IfWhole);
    let (store, _) = opened.unwrap_or_else(|e| panic!("run {run}: {e}"));
    for writer in 0..WRITERS {
        let counter = store.get(Table::Users, &[writer]).unwrap();
        let counter = counter.map_or(0, |value| u64::from_be_bytes(value[2..].try_into().unwrap()));
        let acknowledged = cut.acknowledged[usize::from(writer)];
        assert!(counter >= acknowledged, "run {run}: {acknowledged} acknowledged, {counter} found");
        let rows = store.scan(Table::Attempts, &[writer], None, 100).unwrap();
        let first = counter.saturating_sub(KEPT - 1).max(1);
        let wanted: Vec<_> = (first..=counter).map(|number| (key(writer, number), record(writer, number))).collect();
        assert_eq!(rows.len(), wanted.len(), "run {run}");
        assert!(rows == wanted, "run {run}: a record is not what was written");
        let photos = store.scan(Table::Jobs, &[writer], None, 100).unwrap();
        assert_eq!(photos.len() as u64, counter / 5, "run {run}");
        for ((_, file), number) in photos.iter().zip((5..).step_by(5)) {
            let file = serde_json::from_slice(file).unwrap();
            assert!(store.get_file(&file).unwrap() == record(writer, number), "run {run}");
        }
        let found = store.scan(Table::UsersByDocument, &[writer], None, 10).unwrap();
        let index: Vec<_> = found.into_iter().map(|(key, _)| key).collect();
        assert_eq!(index, if counter > 0 { vec![vec![writer, counter as u8]] } else { vec![] }, "run {run}");
    }
    for step in 0..3_u8 {
        let found = store.get(Table::Jobs, &person_key(step)).unwrap();
        match cut.acknowledged[usize::from(WRITERS + step)] {
            REGISTERED => assert_eq!(found, Some(vec![step; 3000]), "run {run}"),
            FORGOTTEN => assert_eq!(found, None, "run {run}"),
            // Either, but never something that cannot be read.
            _ => {}
        }
    }
    store.commit(commit(0, 99)).unwrap();
}
