//! Random operations against a BTreeMap, with the store reopened at random steps.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::store::tables::Owner;
use crate::store::{Commit, CommitError, Expect, Op};

type Model = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<Expect>, Vec<Op>),
    Scan(Table, Vec<u8>, Option<Vec<u8>>, usize),
    Checkpoint,
    Reopen,
    /// The index is lost meanwhile.
    Rebuild,
}

fn table() -> impl Strategy<Value = Table> {
    prop::sample::select(vec![Table::Users, Table::Keys, Table::Attempts])
}

fn any_table() -> impl Strategy<Value = Table> {
    prop_oneof![4 => table(), 1 => Just(Table::UsersByDocument), 1 => Just(Table::KeysByHash)]
}

/// Few keys, so that they meet.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![0_u8, 1, 255]), 0..4)
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => prop::collection::vec(0_u8..3, 0..6),
        1 => (0_u8..3).prop_map(|byte| vec![byte; 5000]),
    ]
}

fn owner() -> impl Strategy<Value = Owner> {
    prop_oneof![
        Just(Owner::System),
        (0_u8..2).prop_map(|n| Owner::Account(id(n))),
        (0_u8..2, 0_u8..3).prop_map(|(a, s)| Owner::Person { account: id(a), subject: id(s) }),
    ]
}

fn expect() -> impl Strategy<Value = Expect> {
    prop_oneof![
        (any_table(), key()).prop_map(|(table, key)| Expect::Absent(table, key)),
        (any_table(), key()).prop_map(|(table, key)| Expect::Present(table, key)),
        (any_table(), key(), value()).prop_map(|(table, key, value)| Expect::Equal(table, key, value)),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (table(), key(), value(), owner())
            .prop_map(|(table, key, value, owner)| Op::Put { table, key, value, owner }),
        1 => (table(), key()).prop_map(|(table, key)| Op::Delete { table, key }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (prop::collection::vec(expect(), 0..2), prop::collection::vec(op(), 0..5))
            .prop_map(|(expects, ops)| Step::Commit(expects, ops)),
        2 => (any_table(), key(), prop::option::of(key()), 1_usize..6).prop_map(|(t, p, a, n)| Step::Scan(t, p, a, n)),
        1 => Just(Step::Checkpoint),
        1 => Just(Step::Reopen),
        1 => Just(Step::Rebuild),
    ]
}

fn model_commit(model: &mut Model, expects: &[Expect], ops: &[Op]) -> bool {
    let holds = expects.iter().all(|expect| match expect {
        Expect::Absent(table, key) => !model.contains_key(&(*table, key.clone())),
        Expect::Present(table, key) => model.contains_key(&(*table, key.clone())),
        Expect::Equal(table, key, value) => model.get(&(*table, key.clone())) == Some(value),
    });
    if !holds {
        return false;
    }
    for op in ops {
        let (Op::Put { table, key, .. } | Op::Delete { table, key }) = op else { panic!("not generated") };
        if let Some(old) = model.remove(&(*table, key.clone())) {
            for row in derive(*table, &old).unwrap() {
                model.remove(&(row.table, row.key));
            }
        }
        if let Op::Put { value, .. } = op {
            for row in derive(*table, value).unwrap() {
                model.insert((row.table, row.key), row.value);
            }
            model.insert((*table, key.clone()), value.clone());
        }
    }
    true
}

fn model_scan(model: &Model, table: Table, prefix: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let rows = model.iter().filter(|((t, key), _)| *t == table && key.starts_with(prefix));
    rows.map(|((_, key), value)| (key.clone(), value.clone())).collect()
}

fn check_all(store: &Store, model: &Model) {
    for table in Table::ALL {
        assert_eq!(store.scan(table, b"", None, usize::MAX).unwrap(), model_scan(model, table, b""));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_what_a_map_does(steps in prop::collection::vec(step(), 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path()).unwrap().0;
        let mut model = Model::new();
        for step in steps {
            match step.clone() {
                Step::Commit(expects, ops) => {
                    let made = model_commit(&mut model, &expects, &ops);
                    match store.commit(Commit { expects, ops }) {
                        Ok(()) => prop_assert!(made),
                        Err(CommitError::Conflict) => prop_assert!(!made),
                        Err(e) => prop_assert!(false, "{e}"),
                    }
                }
                Step::Scan(table, prefix, edge, limit) => {
                    let all = model_scan(&model, table, &prefix);
                    let after = all.iter().filter(|(key, _)| edge.as_ref().is_none_or(|edge| key > edge));
                    let forward: Vec<_> = after.take(limit).cloned().collect();
                    prop_assert_eq!(store.scan(table, &prefix, edge.as_deref(), limit).unwrap(), forward);
                    let before = all.iter().rev().filter(|(key, _)| edge.as_ref().is_none_or(|edge| key < edge));
                    let backward: Vec<_> = before.take(limit).cloned().collect();
                    prop_assert_eq!(store.scan_back(table, &prefix, edge.as_deref(), limit).unwrap(), backward);
                }
                Step::Checkpoint => store.checkpoint().unwrap(),
                Step::Reopen | Step::Rebuild => {
                    drop(store);
                    if matches!(step, Step::Rebuild) {
                        std::fs::remove_dir_all(dir.path().join("index")).unwrap();
                    }
                    store = open(dir.path()).unwrap().0;
                    check_all(&store, &model);
                }
            }
        }
        drop(store);
        check_all(&open(dir.path()).unwrap().0, &model);
    }
}
