//! Appended rows: their order is the order of commits, for a reader at any moment and across restarts.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::domain::id::IdMaker;
use crate::domain::time::Timestamp;
use crate::store::tables::{Owner, key};
use crate::store::{Commit, Expect, Op};

const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

fn append(account: Id, value: &[u8]) -> Op {
    let owner = Owner::Account(account);
    Op::Append { table: Table::Events, prefix: key(&[account]), at: NOW, value: value.to_vec(), owner }
}

/// The values behind `after`, and the last key.
fn read(store: &Store, account: Id, after: Option<Vec<u8>>) -> (Vec<Vec<u8>>, Option<Vec<u8>>) {
    let rows = store.scan(Table::Events, &key(&[account]), after.as_deref(), 7).unwrap();
    let last = rows.last().map(|(key, _)| key.clone()).or(after);
    (rows.into_iter().map(|(_, value)| value).collect(), last)
}

#[test]
fn a_reader_who_goes_on_after_the_last_row_that_it_saw_misses_none_of_many_writers() {
    const WRITERS: u8 = 8;
    const EACH: u16 = 150;
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    let running = AtomicUsize::new(usize::from(WRITERS));
    let seen = std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (store, running) = (store.clone(), &running);
            scope.spawn(move || {
                for number in 0..EACH {
                    let value = [&[writer], &number.to_be_bytes()[..]].concat();
                    // A large row beside it takes its time before the commit can join the line.
                    let size = if number % 3 == 0 { 9_000 } else { 10 };
                    let put = Op::Put {
                        table: Table::Jobs,
                        key: vec![writer],
                        value: vec![1; size],
                        owner: Owner::Account(id(1)),
                    };
                    // Every fourth is refused, and its row with it.
                    let expects = match number % 4 {
                        3 => vec![Expect::Present(Table::Users, b"nobody".to_vec())],
                        _ => Vec::new(),
                    };
                    let made = store.commit(Commit { expects, ops: vec![put, append(id(1), &value)] }).is_ok();
                    assert_eq!(made, number % 4 != 3);
                }
                running.fetch_sub(1, Ordering::SeqCst);
            });
        }
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let over = running.load(Ordering::SeqCst) == 0;
            let (values, last) = read(&store, id(1), after);
            after = last;
            if over && values.is_empty() {
                return seen;
            }
            seen.extend(values);
        }
    });
    for writer in 0..WRITERS {
        let own: Vec<u16> = seen.iter().filter(|v| v[0] == writer).map(|v| u16::from_be_bytes([v[1], v[2]])).collect();
        assert_eq!(own, (0..EACH).filter(|number| number % 4 != 3).collect::<Vec<_>>(), "writer {writer}");
    }
}

#[test]
fn numbers_go_on_beyond_the_greatest_of_any_account_after_a_restart_whatever_the_clock_says() {
    let dir = tempfile::tempdir().unwrap();
    let mut after = None;
    for round in 0..6_u8 {
        let (store, _) = open(dir.path()).unwrap();
        // Another account's number is what the next run has to go beyond.
        store.commit(Commit { ops: vec![append(id(1), &[round])], ..Commit::default() }).unwrap();
        store.commit(Commit { ops: vec![append(id(9), &[round])], ..Commit::default() }).unwrap();
        let (values, last) = read(&store, id(1), after);
        assert_eq!(values, [[round]]);
        after = last;
        let theirs = read(&store, id(9), None).1.unwrap();
        assert!(theirs[12..] > after.as_ref().unwrap()[12..]);
    }
}

#[test]
fn rows_are_appended_only_where_they_belong_and_only_if_they_are_small() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    let commit = |op| store.commit(Commit { ops: vec![op], ..Commit::default() });
    let owner = Owner::Account(id(1));
    let elsewhere = Op::Append { table: Table::Users, prefix: key(&[id(1)]), at: NOW, value: vec![1], owner };
    assert!(commit(elsewhere).is_err());
    assert!(commit(append(id(1), &[0; 2049])).is_err());
    commit(append(id(1), &[0; 2048])).unwrap();
    let made = IdMaker::new([0; 8]).next(NOW);
    let row = store.scan(Table::Events, &[], None, 2).unwrap();
    assert_eq!((row.len(), &row[0].0[12..16]), (1, &made.as_bytes()[..4]), "an id of that time");
}
