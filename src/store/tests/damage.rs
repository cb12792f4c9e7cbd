//! Bits flip and files are cut: damage to the index is repaired, damage to anything else is refused, none is served.

use super::sim::Dice;
use super::*;
use crate::store::tables::Owner;
use crate::store::{Commit, FileRef, Op};

const ROWS: u8 = 30;

fn owner(number: u8) -> Owner {
    Owner::Person { account: id(1), subject: id(number) }
}

fn value(number: u8) -> Vec<u8> {
    vec![number; usize::from(number) * 20]
}

/// A closed store of two runs with a checkpoint between.
fn make(dir: &Path) -> Vec<FileRef> {
    let mut files = Vec::new();
    for run in 0..2 {
        let (store, _) = open(dir).unwrap();
        for number in (0..ROWS).filter(|number| number % 2 == run) {
            let op = Op::Put { table: Table::Users, key: vec![number], value: value(number), owner: owner(number) };
            store.commit(Commit { ops: vec![op], ..Commit::default() }).unwrap();
        }
        files.push(store.put_file(owner(run), &vec![run; 100_000]).unwrap());
        if run == 0 {
            store.checkpoint().unwrap();
        }
    }
    files
}

fn check(store: &Store) {
    for number in 0..ROWS {
        assert_eq!(store.get(Table::Users, &[number]).unwrap(), Some(value(number)));
    }
}

/// Flips a bit, zeroes a page or cuts the end off; tells where.
fn damage(path: &Path, dice: &mut Dice) -> usize {
    let mut bytes = std::fs::read(path).unwrap();
    let at = dice.below(bytes.len() as u64 + 1).saturating_sub(1) as usize;
    match dice.below(6) {
        0 => bytes.truncate(at),
        1 => bytes.iter_mut().skip(at).take(512).for_each(|byte| *byte = !*byte),
        _ => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << dice.below(8)),
    }
    std::fs::write(path, bytes).unwrap();
    at
}

fn files_in(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.is_file() && std::fs::metadata(path).unwrap().len() > 0);
    paths.sort();
    paths
}

#[test]
fn a_damaged_index_is_built_again() {
    let made = tempfile::tempdir().unwrap();
    make(made.path());
    let mut rebuilt = 0;
    for seed in 1..=rounds(40) {
        let dir = tempfile::tempdir().unwrap();
        copy_dir(made.path(), dir.path());
        let mut dice = Dice(seed * 77);
        let paths = files_in(&dir.path().join("index"));
        for _ in 0..=dice.below(20) {
            damage(&paths[dice.below(paths.len() as u64) as usize], &mut dice);
        }
        let (store, report) = open(dir.path()).unwrap();
        rebuilt += u64::from(report.rebuilt.is_some());
        check(&store);
    }
    tell(&format!("{} damaged indexes, all recovered, {rebuilt} rebuilt", rounds(40)));
    assert!(rebuilt >= rounds(20), "only {rebuilt} were noticed");
}

#[test]
fn a_missing_index_and_a_damaged_newest_checkpoint_lead_to_the_same_rows() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path());
    open(dir.path()).unwrap().0.checkpoint().unwrap();
    let checkpoints = files_in(&dir.path().join("checkpoint"));
    assert_eq!(checkpoints.len(), 2);
    damage(&checkpoints[1], &mut Dice(3));
    std::fs::remove_dir_all(dir.path().join("index")).unwrap();
    let (store, report) = open(dir.path()).unwrap();
    assert!(report.rebuilt.is_some());
    check(&store);
    drop(store);
    damage(&checkpoints[0], &mut Dice(4));
    let (store, report) = Store::open_on(Arc::new(RealDisk), derive, options(dir.path()), Trust::IfWhole).unwrap();
    assert_eq!(report.rebuilt, None, "the index is whole and needs no checkpoint");
    check(&store);
    drop(store);
    std::fs::remove_dir_all(dir.path().join("index")).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::Damaged { .. })));
}

#[test]
fn a_damaged_journal_is_refused_and_the_place_named() {
    let made = tempfile::tempdir().unwrap();
    make(made.path());
    let mut refused = 0;
    for seed in 1..=rounds(150) {
        let dir = tempfile::tempdir().unwrap();
        copy_dir(made.path(), dir.path());
        let mut dice = Dice(seed * 131);
        let segments = files_in(&dir.path().join("journal"));
        let path = &segments[dice.below(segments.len() as u64) as usize];
        let length = std::fs::metadata(path).unwrap().len() as usize;
        let at = damage(path, &mut dice);
        // With or without the index: what it knows must not be what saves the day.
        if dice.below(2) == 0 {
            std::fs::remove_dir_all(dir.path().join("index")).unwrap();
        }
        match open(dir.path()) {
            Err(OpenError::Damaged { file, offset, .. }) => {
                refused += 1;
                assert_eq!(&file, path);
                assert!(offset <= at as u64);
            }
            Err(e) => panic!("{e}"),
            // The record that ends a run is empty; without it nothing is missing.
            Ok((store, _)) => {
                assert!(at + 80 > length, "damage at {at} of {length} went unnoticed");
                check(&store);
            }
        }
    }
    tell(&format!("{} damaged journals, {refused} refused, the rest whole", rounds(150)));
    assert!(refused > rounds(100));
}

#[test]
fn a_missing_segment_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path());
    let segments = files_in(&dir.path().join("journal"));
    std::fs::remove_file(&segments[segments.len() - 1]).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::Damaged { .. })));
}

#[test]
fn lost_keys_are_not_replaced_by_new_ones() {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path());
    std::fs::remove_file(dir.path().join("keys")).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::Damaged { .. })));
}

#[test]
fn damage_to_keys_files_and_lists_is_told_and_nothing_wrong_is_served() {
    let made = tempfile::tempdir().unwrap();
    let files = make(made.path());
    let mut told = 0;
    for seed in 1..=rounds(120) {
        let dir = tempfile::tempdir().unwrap();
        copy_dir(made.path(), dir.path());
        let mut dice = Dice(seed * 17);
        let photo = dir.path().join("files").join(&files[0].name[..2]).join(&files[0].name);
        let path = match dice.below(4) {
            0 => dir.path().join("keys"),
            1 => dir.path().join("people.keys"),
            2 => dir.path().join("erasures"),
            _ => photo,
        };
        damage(&path, &mut dice);
        let Ok((store, report)) = open(dir.path()) else {
            told += 1;
            continue;
        };
        let mut wrong = u64::from(report.damaged_keys > 0);
        for number in 0..ROWS {
            match store.get(Table::Users, &[number]) {
                Ok(found) => assert_eq!(found, Some(value(number)), "{}", path.display()),
                Err(_) => wrong += 1,
            }
        }
        match store.get_file(&files[0]) {
            Ok(bytes) => assert_eq!(bytes, vec![0; 100_000]),
            Err(_) => wrong += 1,
        }
        told += u64::from(wrong > 0);
    }
    tell(&format!("{} damaged keys, lists and files, {told} told, nothing wrong served", rounds(120)));
    assert_eq!(told, rounds(120));
}

#[test]
fn a_row_moved_to_another_key_or_table_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    let put = |key: &[u8]| Op::Put { table: Table::Jobs, key: key.to_vec(), value: key.to_vec(), owner: owner(1) };
    store.commit(Commit { ops: vec![put(b"a"), put(b"b")], ..Commit::default() }).unwrap();
    let kv = &store.core.shared.kv;
    let stored = kv.get(b"jobs\0a").unwrap();
    kv.apply([(b"jobs\0b".to_vec(), stored.clone()), (b"users\0a".to_vec(), stored)].into_iter()).unwrap();
    assert!(store.get(Table::Jobs, b"a").is_ok());
    assert!(store.get(Table::Jobs, b"b").is_err());
    assert!(store.get(Table::Users, b"a").is_err());
    drop(store);
    let (store, report) = open(dir.path()).unwrap();
    assert!(report.rebuilt.is_some());
    assert_eq!(store.get(Table::Jobs, b"b").unwrap().unwrap(), b"b");
    assert_eq!(store.get(Table::Users, b"a").unwrap(), None);
}
