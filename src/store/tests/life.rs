//! What an administrator does in the life of a store: forgetting, backups, new keys, checks, exports, new versions.

use super::*;
use crate::domain::time::Timestamp;
use crate::store::backup::{restore_with, verify_with};
use crate::store::fsck::fsck_with;
use crate::store::migrate::Migration;
use crate::store::tables::Owner;
use crate::store::{Commit, FileRef, FsckReport, Op, StoreError};

fn person(subject: u8) -> Owner {
    Owner::Person { account: id(1), subject: id(subject) }
}

fn row_key(subject: u8) -> Vec<u8> {
    [[1; 12], [subject; 12]].concat()
}

/// A row with an index row and a photo that it refers to.
fn register(store: &Store, subject: u8) -> FileRef {
    let photo = store.put_file(person(subject), &vec![subject; 5000]).unwrap();
    let record = serde_json::to_vec(&(subject, &photo)).unwrap();
    let put = |table, key, value| Op::Put { table, key, value, owner: person(subject) };
    let large = put(Table::Jobs, [row_key(subject), vec![1; 12]].concat(), vec![subject; 9000]);
    let ops = vec![put(Table::Users, row_key(subject), record), large];
    store.commit(Commit { ops, ..Commit::default() }).unwrap();
    photo
}

fn files_of(table: Table, value: &[u8]) -> Vec<FileRef> {
    let record = serde_json::from_slice::<(u8, FileRef)>(value).ok().filter(|_| table == Table::Users);
    record.into_iter().map(|(_, file)| file).collect()
}

fn fsck(dir: &Path) -> FsckReport {
    let scratch = tempfile::tempdir().unwrap();
    fsck_with(derive, &options(dir), scratch.path(), files_of).unwrap()
}

fn rows(store: &Store) -> Vec<(Table, Vec<u8>, Vec<u8>)> {
    let of =
        |table| store.scan(table, b"", None, 1000).unwrap().into_iter().map(move |(key, value)| (table, key, value));
    Table::ALL.into_iter().flat_map(of).collect()
}

/// Every byte of every file under the folder, but for the index: there, only the key makes rows unreadable.
fn all_bytes(dir: &Path) -> u64 {
    let mut total = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        total += if entry.path().is_dir() { all_bytes(&entry.path()) } else { entry.metadata().unwrap().len() };
    }
    total
}

#[test]
fn whoever_is_forgotten_is_gone_from_everywhere_and_stays_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    let photos: Vec<_> = (1..=3).map(|subject| register(&store, subject)).collect();
    store.checkpoint().unwrap();
    let before = rows(&store).len();
    let done = store.forget(&[(id(1), id(2))], Timestamp::from_millis(5)).unwrap();
    assert_eq!((done.people, done.rows, done.files), (1, 2, 1), "the large value's file goes with its row");
    assert_eq!(rows(&store).len(), before - 3);
    assert!(store.get_file(&photos[1]).is_err());
    assert_eq!(store.get_file(&photos[2]).unwrap(), vec![3; 5000]);
    // Nothing is made for them again, and forgetting twice is forgetting once.
    assert!(matches!(store.put_file(person(2), b"late"), Err(StoreError::Forgotten)));
    let late = Op::Put { table: Table::Users, key: row_key(2), value: b"late".to_vec(), owner: person(2) };
    assert!(store.commit(Commit { ops: vec![late], ..Commit::default() }).is_err());
    assert_eq!(store.forget(&[(id(1), id(2))], Timestamp::from_millis(6)).unwrap().people, 0);
    // The journal and the checkpoints were cut: one checkpoint, and no record of before.
    assert_eq!(std::fs::read_dir(dir.path().join("checkpoint")).unwrap().count(), 1);
    assert_eq!(std::fs::read_dir(dir.path().join("journal")).unwrap().count(), 1);
    drop(store);
    assert_eq!(fsck(dir.path()).problems, Vec::<String>::new());
    std::fs::remove_dir_all(dir.path().join("index")).unwrap();
    let (store, report) = open(dir.path()).unwrap();
    assert!(report.rebuilt.is_some());
    assert_eq!(rows(&store).len(), before - 3);
}

#[test]
fn a_sealed_copy_from_before_cannot_be_read_after_the_key_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    let photo = register(&store, 2);
    let path = dir.path().join("files").join(&photo.name[..2]).join(&photo.name);
    let copy = std::fs::read(&path).unwrap();
    let row = store.core.shared.kv.get(&[b"users\0", &row_key(2)[..]].concat()).unwrap();
    store.forget(&[(id(1), id(2))], Timestamp::from_millis(5)).unwrap();
    std::fs::write(&path, copy).unwrap();
    assert!(store.get_file(&photo).is_err());
    store.core.shared.kv.apply([([b"users\0", &row_key(2)[..]].concat(), row)].into_iter()).unwrap();
    assert_eq!(store.get(Table::Users, &row_key(2)).unwrap(), None);
}

#[test]
fn a_checkpoint_is_the_one_before_with_what_the_journal_changed() {
    let dir = tempfile::tempdir().unwrap();
    let rebuilt = || Store::open_on(Arc::new(RealDisk), derive, options(dir.path()), Trust::Never).unwrap().0;
    let newest = || {
        let files = std::fs::read_dir(dir.path().join("checkpoint")).unwrap().map(|entry| entry.unwrap().path());
        files.max().unwrap()
    };
    let (store, _) = open(dir.path()).unwrap();
    let photos: Vec<_> = (2..=6).map(|subject| register(&store, subject)).collect();
    store.checkpoint().unwrap();
    // Before the first, in between, over one, without one, without somebody, and after the last.
    let changed = serde_json::to_vec(&(99, &photos[0])).unwrap();
    let put = Op::Put { table: Table::Users, key: row_key(3), value: changed, owner: person(3) };
    let delete = Op::Delete { table: Table::Jobs, key: [row_key(5), vec![1; 12]].concat() };
    store.commit(Commit { ops: vec![put, delete], ..Commit::default() }).unwrap();
    let _photos = [1, 7].map(|subject| register(&store, subject));
    store.forget(&[(id(1), id(4))], Timestamp::from_millis(5)).unwrap();
    store.checkpoint().unwrap();
    let wanted = rows(&store);
    assert_eq!(wanted.len(), 3 * 6 - 1);
    drop(store);
    let store = rebuilt();
    assert_eq!(rows(&store), wanted);

    // One that is damaged is not gone on from.
    store.checkpoint().unwrap();
    let mut bytes = std::fs::read(newest()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(newest(), bytes).unwrap();
    register(&store, 8);
    store.checkpoint().unwrap();
    let wanted = rows(&store);
    drop(store);
    assert_eq!(rows(&rebuilt()), wanted);
}

#[test]
fn an_interrupted_forgetting_is_finished_at_the_next_opening() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    let photo = register(&store, 2);
    let entry = crate::store::Erasure { account: id(1), subject: id(2), at: Timestamp::from_millis(1) };
    store.core.shared.erasures.add(&[entry]).unwrap();
    drop(store);
    let (store, report) = open(dir.path()).unwrap();
    assert_eq!(report.forgotten, 1);
    assert_eq!(rows(&store), vec![]);
    assert!(store.get_file(&photo).is_err());
    drop(store);
    assert_eq!(open(dir.path()).unwrap().1.forgotten, 0);
}

#[test]
fn a_backup_taken_while_serving_restores_to_what_was_there() {
    let (dir, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (store, _) = open(dir.path()).unwrap();
    let photos: Vec<_> = (1..=3).map(|subject| register(&store, subject)).collect();
    let first = store.backup(backup.path()).unwrap();
    assert_eq!((first.files, first.files_copied), (6, 6));
    register(&store, 4);
    let wanted = rows(&store);
    let second = store.backup(backup.path()).unwrap();
    assert_eq!((second.files, second.files_copied), (8, 2));
    // Again without a change: the checkpoint and the end of the journal may be one.
    store.checkpoint().unwrap();
    store.backup(backup.path()).unwrap();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| (5..20).for_each(|subject| drop(register(&store, subject))));
        store.backup(backup.path()).unwrap();
        writing.join().unwrap();
    });
    let scratch = tempfile::tempdir().unwrap();
    verify_with(derive, backup.path(), &options(dir.path()).master, scratch.path()).unwrap();
    let list = store.export_erasures().unwrap();
    let restored = tempfile::tempdir().unwrap();
    let with = |dir: &Path| restore_with(Arc::new(RealDisk), derive, backup.path(), options(dir), Some(&list));
    let (copy, _) = with(restored.path()).unwrap();
    let found = rows(&copy);
    assert!(wanted.iter().all(|row| found.contains(row)));
    assert_eq!(copy.get_file(&photos[0]).unwrap(), vec![1; 5000]);
    drop(copy);
    assert!(with(restored.path()).is_err(), "a store is not overwritten");
    assert_eq!(fsck(restored.path()).problems, Vec::<String>::new());
}

#[test]
fn a_restore_forgets_whom_the_list_names_before_anybody_can_ask() {
    let (dir, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (store, _) = open(dir.path()).unwrap();
    (1..=3).for_each(|subject| drop(register(&store, subject)));
    store.backup(backup.path()).unwrap();
    store.forget(&[(id(1), id(2))], Timestamp::from_millis(5)).unwrap();
    let list = store.export_erasures().unwrap();
    let wanted = rows(&store);
    drop(store);
    let restored = tempfile::tempdir().unwrap();
    let restore =
        |list: &str| restore_with(Arc::new(RealDisk), derive, backup.path(), options(restored.path()), Some(list));
    let forged = list.replace(&id(2).to_string(), &id(3).to_string());
    assert!(restore(&forged).is_err());
    assert!(restore("").is_err());
    let (copy, report) = restore(&list).unwrap();
    assert_eq!(report.forgotten, 1);
    assert_eq!(rows(&copy), wanted);
}

#[test]
fn a_damaged_or_unfinished_backup_is_refused() {
    let (dir, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (store, _) = open(dir.path()).unwrap();
    let photo = register(&store, 1);
    store.backup(backup.path()).unwrap();
    let verify = || {
        let scratch = tempfile::tempdir().unwrap();
        verify_with(derive, backup.path(), &options(dir.path()).master, scratch.path())
    };
    verify().unwrap();
    let path = backup.path().join("files").join(&photo.name[..2]).join(&photo.name);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(verify(), Err(OpenError::Damaged { .. })));
    std::fs::write(&path, whole).unwrap();
    verify().unwrap();
    std::fs::remove_file(backup.path().join("manifest")).unwrap();
    assert!(matches!(verify(), Err(OpenError::Damaged { .. })));
}

#[test]
fn a_new_master_key_opens_everything_and_the_old_one_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    let photo = register(&store, 1);
    let before = all_bytes(&dir.path().join("files"));
    let new = MasterKey::Given(SecretKey::from_bytes([7; 32]));
    store.rotate_master_key(&new).unwrap();
    register(&store, 2);
    drop(store);
    assert!(matches!(open(dir.path()), Err(OpenError::WrongKey)));
    let options = OpenOptions { master: new, ..options(dir.path()) };
    let (store, report) = Store::open_on(Arc::new(RealDisk), derive, options, Trust::IfWhole).unwrap();
    assert_eq!(report.rebuilt, None);
    assert_eq!(store.get_file(&photo).unwrap(), vec![1; 5000]);
    assert_eq!(rows(&store).len(), 6);
    assert!(all_bytes(&dir.path().join("files")) > before);
}

#[test]
fn fsck_finds_nothing_wrong_with_a_whole_store_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    (1..=3).for_each(|subject| drop(register(&store, subject)));
    let lost = store.put_file(person(1), b"refers to nothing").unwrap();
    drop(store);
    let report = fsck(dir.path());
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!((report.rows, report.index_rows, report.files, report.orphans), (6, 3, 7, 1));
    // An index that lags behind is no problem; one that is wrong is.
    let copy = tempfile::tempdir().unwrap();
    copy_dir(&dir.path().join("index"), copy.path());
    register(&open(dir.path()).unwrap().0, 4);
    std::fs::remove_dir_all(dir.path().join("index")).unwrap();
    copy_dir(copy.path(), &dir.path().join("index"));
    let report = fsck(dir.path());
    assert!(report.problems.is_empty() && report.behind > 0, "{report:?}");
    let path = dir.path().join("files").join(&lost.name[..2]).join(&lost.name);
    std::fs::write(&path, b"not sealed").unwrap();
    assert_eq!(fsck(dir.path()).problems_total, 1);
    let (store, report) = open(dir.path()).unwrap();
    assert_eq!(report.rebuilt, None);
    assert_eq!(rows(&store).len(), 12);
}

#[test]
fn fsck_derives_the_index_rows_again_and_compares() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    register(&store, 1);
    drop(store);
    fn other(table: Table, value: &[u8]) -> Result<Vec<IndexRow>, BadRecord> {
        let mut rows = derive(table, value)?;
        rows.iter_mut().for_each(|row| row.key.push(1));
        Ok(rows)
    }
    let scratch = tempfile::tempdir().unwrap();
    let report = fsck_with(other, &options(dir.path()), scratch.path(), files_of).unwrap();
    assert_eq!(report.problems_total, 1);
}

#[test]
fn an_export_is_one_object_a_line() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path()).unwrap();
    let put = |key: &[u8], value: &[u8]| Op::Put {
        table: Table::Accounts,
        key: key.to_vec(),
        value: value.to_vec(),
        owner: Owner::System,
    };
    let ops = vec![put(&[1], b"\x01{\"name\":\"a\"}"), put(&[2], &[0, 0, 128, 63])];
    store.commit(Commit { ops, ..Commit::default() }).unwrap();
    let mut out = Vec::new();
    assert_eq!(store.export(&mut out).unwrap(), 2);
    let wanted = "{\"key\":\"01\",\"record\":{\"name\":\"a\"},\"table\":\"accounts\"}\n\
                  {\"key\":\"02\",\"record\":\"0000803f\",\"table\":\"accounts\"}\n";
    assert_eq!(String::from_utf8(out).unwrap(), wanted);
}

#[test]
fn a_migration_rewrites_every_record_once_and_newer_data_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let open_with = |migrations: &[Migration]| {
        let (disk, options) = (Arc::new(RealDisk), options(dir.path()));
        Store::open_migrating(disk, derive, options, Trust::IfWhole, migrations)
    };
    let (store, _) = open_with(&[]).unwrap();
    for number in 0..450_u16 {
        let key = number.to_be_bytes().to_vec();
        let op = Op::Put { table: Table::Keys, value: key.clone(), key, owner: Owner::Account(id(1)) };
        store.commit(Commit { ops: vec![op], ..Commit::default() }).unwrap();
    }
    const FIRST: Migration = Migration { table: Table::Keys, convert: |old| Ok([b"2", old].concat()) };
    const BROKEN: Migration = Migration {
        table: Table::Keys,
        convert: |old| if old.ends_with(&[1, 60]) { Err(BadRecord) } else { Ok([b"3", old].concat()) },
    };
    const SECOND: Migration = Migration { table: Table::Keys, convert: |old| Ok([b"3", old].concat()) };
    assert_eq!(store.migrate(&[FIRST]).unwrap(), 450);
    assert_eq!(store.migrate(&[FIRST]).unwrap(), 0);
    // Interrupted in the middle: what is done is not done again.
    assert!(store.migrate(&[FIRST, BROKEN]).is_err());
    assert_eq!(store.get(Table::Keys, &[0, 0]).unwrap().unwrap(), b"32\0\0");
    drop(store);
    assert!(matches!(open_with(&[]), Err(OpenError::Newer { version: 1, .. })), "that program knows no migrations");
    let (store, _) = open_with(&[FIRST, SECOND]).unwrap();
    for number in 0..450_u16 {
        let wanted = [b"32", &number.to_be_bytes()[..]].concat();
        assert_eq!(store.get(Table::Keys, &number.to_be_bytes()).unwrap().unwrap(), wanted);
    }
    assert_eq!(store.scan(Table::KeysByHash, b"32", None, 9).unwrap().len(), 1);
}
