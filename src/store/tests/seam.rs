//! What a caller is promised, one promise a test.

use super::*;
use crate::store::tables::Owner;
use crate::store::{Commit, CommitError, Expect, Op, StoreError};

fn put(table: Table, key: &[u8], value: &[u8]) -> Op {
    Op::Put { table, key: key.to_vec(), value: value.to_vec(), owner: Owner::Account(id(1)) }
}

fn person() -> Owner {
    Owner::Person { account: id(1), subject: id(2) }
}

#[test]
fn a_commit_is_there_after_reopening_and_its_index_rows_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let (store, report) = open(dir.path()).unwrap();
    assert!(report.created);
    store.commit(Commit { ops: vec![put(Table::Users, b"u", b"abcd")], ..Commit::default() }).unwrap();
    drop(store);
    let (store, report) = open(dir.path()).unwrap();
    assert!(!report.created);
    assert_eq!(report.rows, 2);
    assert_eq!(store.get(Table::Users, b"u").unwrap().unwrap(), b"abcd");
    assert_eq!(store.get(Table::UsersByDocument, b"ab").unwrap().unwrap(), b"dcba");
    store.commit(Commit { ops: vec![put(Table::Users, b"u", b"xycd")], ..Commit::default() }).unwrap();
    assert_eq!(store.get(Table::UsersByDocument, b"ab").unwrap(), None);
    assert_eq!(store.get(Table::UsersByDocument, b"xy").unwrap().unwrap(), b"dcyx");
}

#[test]
fn a_precondition_that_fails_leaves_everything_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    let ops = || vec![put(Table::Users, b"u", b"abcd"), put(Table::Users, b"v", &vec![7; 10_000])];
    let expects = vec![Expect::Absent(Table::UsersByDocument, b"ab".to_vec())];
    store.commit(Commit { expects: expects.clone(), ops: ops() }).unwrap();
    for expect in [
        expects[0].clone(),
        Expect::Present(Table::Users, b"w".to_vec()),
        Expect::Equal(Table::Users, b"u".to_vec(), b"abce".to_vec()),
    ] {
        let refused = store.commit(Commit { expects: vec![expect], ops: vec![put(Table::Users, b"u", b"zz")] });
        assert!(matches!(refused, Err(CommitError::Conflict)));
    }
    assert_eq!(store.get(Table::Users, b"u").unwrap().unwrap(), b"abcd");
    let equal = Expect::Equal(Table::Users, b"v".to_vec(), vec![7; 10_000]);
    store
        .commit(Commit { expects: vec![equal], ops: vec![Op::Delete { table: Table::Users, key: b"v".to_vec() }] })
        .unwrap();
    assert_eq!(store.get(Table::Users, b"v").unwrap(), None);
}

#[test]
fn rows_come_in_order_in_pages_and_backwards() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    let keys: [&[u8]; 5] = [b"a", b"ab", b"ab\xff", b"ab\xff\xff", b"b"];
    let ops = keys.iter().map(|key| put(Table::Attempts, key, key)).collect();
    store.commit(Commit { ops, ..Commit::default() }).unwrap();
    let names = |rows: Vec<(Vec<u8>, Vec<u8>)>| rows.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    assert_eq!(names(store.scan(Table::Attempts, b"", None, 10).unwrap()), keys);
    assert_eq!(names(store.scan(Table::Attempts, b"ab", None, 10).unwrap()), keys[1..4]);
    assert_eq!(names(store.scan(Table::Attempts, b"ab", Some(b"ab"), 1).unwrap()), keys[2..3]);
    assert_eq!(names(store.scan(Table::Attempts, b"ab", Some(b"z"), 9).unwrap()), keys[..0]);
    assert_eq!(names(store.scan_back(Table::Attempts, b"", None, 2).unwrap()), [keys[4], keys[3]]);
    assert_eq!(names(store.scan_back(Table::Attempts, b"ab", Some(b"ab\xff"), 9).unwrap()), keys[1..2]);
    assert_eq!(names(store.scan_back(Table::Attempts, b"b", Some(b"a"), 9).unwrap()), keys[..0]);
    assert_eq!(names(store.scan(Table::Users, b"", None, 10).unwrap()), keys[..0]);
}

#[test]
fn a_second_opening_is_told_that_the_folder_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::InUse(_))));
    drop(store);
    open(dir.path()).unwrap();
}

#[test]
fn another_master_key_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    let other = MasterKey::Given(SecretKey::from_bytes([8; 32]));
    assert!(matches!(Store::open(OpenOptions::new(dir.path(), other)), Err(OpenError::WrongKey)));
}

#[test]
fn a_key_file_is_made_once_and_one_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let (data, key) = (dir.path().join("data"), dir.path().join("master.key"));
    let options = || OpenOptions::new(&data, MasterKey::File(key.clone()));
    drop(Store::open(options()).unwrap());
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o400);
    drop(Store::open(options()).unwrap());
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o444)).unwrap();
    assert!(matches!(Store::open(options()), Err(OpenError::Key(_))));
    std::fs::remove_file(&key).unwrap();
    assert!(matches!(Store::open(options()), Err(OpenError::Key(_))), "a lost key is not replaced by a new one");
}

#[test]
fn a_passphrase_opens_what_it_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let with = |text: &str| {
        let master = MasterKey::Passphrase(crate::store::Passphrase::new(text.into()));
        Store::open(OpenOptions::new(dir.path(), master))
    };
    drop(with("correct horse").unwrap());
    assert!(matches!(with("correct house"), Err(OpenError::WrongKey)));
    with("correct horse").unwrap();
}

#[test]
fn files_are_sealed_checked_and_refuse_what_was_altered() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    for length in [0, 1, 65_535, 65_536, 65_537, 200_000] {
        let bytes: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
        let file = store.put_file(person(), &bytes).unwrap();
        assert_eq!(store.get_file(&file).unwrap(), bytes);
        let path = dir.path().join("files").join(&file.name[..2]).join(&file.name);
        let sealed = std::fs::read(&path).unwrap();
        for at in [0, 9, 20, 40, sealed.len() - 1] {
            let mut altered = sealed.clone();
            altered[at] ^= 4;
            std::fs::write(&path, altered).unwrap();
            assert!(matches!(store.get_file(&file), Err(StoreError::Damaged(_))));
        }
        for cut in [0, 8, 33, sealed.len() - 1, sealed.len().min(65_536 + 61)] {
            std::fs::write(&path, &sealed[..cut]).unwrap();
            assert!(store.get_file(&file).is_err() || cut == sealed.len());
        }
        store.delete_file(&file).unwrap();
        store.delete_file(&file).unwrap();
        assert!(store.get_file(&file).is_err());
    }
}

#[test]
fn what_is_too_large_or_derived_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    let commit = |op| store.commit(Commit { ops: vec![op], ..Commit::default() });
    assert!(matches!(commit(put(Table::Users, &[1; 129], b"")), Err(CommitError::TooLarge)));
    assert!(matches!(commit(put(Table::Users, b"u", &vec![0; 17 << 20])), Err(CommitError::TooLarge)));
    assert!(matches!(commit(put(Table::JobsById, b"u", b"")), Err(CommitError::Store(StoreError::Invalid(_)))));
}

#[test]
fn no_value_stands_in_clear_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    let canary = b"CANARY-0123456789";
    let op = Op::Put { table: Table::Jobs, key: b"j".to_vec(), value: canary.to_vec(), owner: person() };
    let large = Op::Put { table: Table::Jobs, key: b"k".to_vec(), value: canary.repeat(500), owner: Owner::System };
    store.commit(Commit { ops: vec![op, large], ..Commit::default() }).unwrap();
    store.put_file(person(), canary).unwrap();
    drop(store);
    let mut folders = vec![dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(canary.len()).any(|window| window == canary), "{}", path.display());
        }
    }
}

#[test]
fn many_writers_claim_one_row_and_one_of_them_gets_it() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    let won: usize = std::thread::scope(|scope| {
        let claims: Vec<_> = (0..16_u8)
            .map(|writer| {
                let store = store.clone();
                scope.spawn(move || {
                    let expects = vec![Expect::Absent(Table::Accounts, b"one".to_vec())];
                    store.commit(Commit { expects, ops: vec![put(Table::Accounts, b"one", &[writer])] }).is_ok()
                })
            })
            .collect();
        claims.into_iter().map(|claim| usize::from(claim.join().unwrap())).sum()
    });
    assert_eq!(won, 1);
}

#[test]
fn the_sweeper_removes_only_what_nothing_refers_to_and_nothing_of_this_run() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    let (kept, lost) = (store.put_file(person(), b"kept").unwrap(), store.put_file(person(), b"lost").unwrap());
    let large = put(Table::Jobs, b"large", &vec![1; 9000]);
    let record = put(Table::Jobs, b"record", &serde_json::to_vec(&kept).unwrap());
    store.commit(Commit { ops: vec![record, large], ..Commit::default() }).unwrap();
    let files_of = |_: Table, value: &[u8]| serde_json::from_slice(value).into_iter().collect::<Vec<_>>();
    assert_eq!(store.sweep_files(files_of).unwrap(), 0);
    drop(store);
    let (store, _) = open(dir.path()).unwrap();
    assert_eq!(store.sweep_files(files_of).unwrap(), 1);
    assert_eq!(store.get_file(&kept).unwrap(), b"kept");
    assert!(store.get_file(&lost).is_err());
    assert_eq!(store.get(Table::Jobs, b"large").unwrap().unwrap(), vec![1; 9000]);
}
