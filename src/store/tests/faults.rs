//! Every call to the disk fails once: each time the store refuses or stops, and nothing acknowledged is lost.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::*;
use crate::domain::time::Timestamp;
use crate::store::disk::{Disk, DiskFile};
use crate::store::tables::Owner;
use crate::store::{Commit, CommitError, FileRef, Op, StoreError};

/// Fails one call of all; a failing write leaves half of its bytes.
struct Faulty {
    calls: AtomicU64,
    fails_at: u64,
    error: i32,
    full: AtomicBool,
}

#[derive(Clone)]
struct FaultyDisk(Arc<Faulty>);

struct FaultyFile(Arc<Faulty>, Box<dyn DiskFile>);

impl Faulty {
    fn call(&self) -> io::Result<()> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        if call == self.fails_at { Err(io::Error::from_raw_os_error(self.error)) } else { Ok(()) }
    }
}

impl Disk for FaultyDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.0.call()?;
        RealDisk.create_dir(dir)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.0.call()?;
        RealDisk.list(dir)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.0.call()?;
        Ok(Box::new(FaultyFile(self.0.clone(), RealDisk.open(path)?)))
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.0.call()?;
        Ok(Box::new(FaultyFile(self.0.clone(), RealDisk.create(path)?)))
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.call()?;
        RealDisk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.call()?;
        RealDisk.remove(path)
    }
    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        self.0.call()
    }
    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        self.0.call()?;
        Ok(if self.0.full.load(Ordering::SeqCst) { 0 } else { u64::MAX })
    }
}

impl DiskFile for FaultyFile {
    fn length(&self) -> io::Result<u64> {
        self.0.call()?;
        self.1.length()
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.call()?;
        self.1.read_at(buffer, offset)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if let Err(e) = self.0.call() {
            self.1.write_at(&bytes[..bytes.len() / 2], offset)?;
            return Err(e);
        }
        self.1.write_at(bytes, offset)
    }
    fn sync(&self) -> io::Result<()> {
        self.0.call()
    }
    fn set_length(&self, length: u64) -> io::Result<()> {
        self.0.call()?;
        self.1.set_length(length)
    }
}

fn faulty(fails_at: u64, error: i32) -> Arc<Faulty> {
    Arc::new(Faulty { calls: AtomicU64::new(0), fails_at, error, full: AtomicBool::new(false) })
}

fn open_faulty(dir: &Path, faulty: &Arc<Faulty>) -> Result<(Store, OpenReport), OpenError> {
    Store::open_on(Arc::new(FaultyDisk(faulty.clone())), derive, options(dir), Trust::IfWhole)
}

fn put(key: u8, length: usize, owner: Owner) -> Commit {
    let op = Op::Put { table: Table::Attempts, key: vec![key], value: vec![key; length], owner };
    Commit { ops: vec![op], ..Commit::default() }
}

fn person(subject: u8) -> Owner {
    Owner::Person { account: id(1), subject: id(subject) }
}

/// What was acknowledged.
#[derive(Default)]
struct Acknowledged {
    rows: Vec<(u8, usize)>,
    files: Vec<FileRef>,
    forgotten: bool,
}

/// A short life of a store; goes on after a refusal as a server would.
fn live(dir: &Path, faulty: &Arc<Faulty>) -> Acknowledged {
    let mut done = Acknowledged::default();
    let Ok((store, _)) = open_faulty(dir, faulty) else { return done };
    for (key, length, owner) in
        [(1, 10, Owner::System), (2, 500, Owner::Account(id(1))), (3, 50, person(3)), (4, 9000, person(4))]
    {
        if store.commit(put(key, length, owner)).is_ok() {
            done.rows.push((key, length));
        }
    }
    done.files.extend(store.put_file(person(5), b"a photo"));
    let _ = store.checkpoint();
    if store.commit(put(5, 20, person(5))).is_ok() {
        done.rows.push((5, 20));
    }
    let theirs =
        Op::Put { table: Table::Jobs, key: [[1; 12], [6; 12]].concat(), value: b"6".to_vec(), owner: person(6) };
    let _ = store.commit(Commit { ops: vec![theirs], ..Commit::default() });
    let _ = store.put_file(person(6), b"another");
    done.forgotten = store.forget(&[(id(1), id(6))], Timestamp::from_millis(1)).is_ok();
    if store.commit(put(6, 30, Owner::System)).is_ok() {
        done.rows.push((6, 30));
    }
    done
}

fn check(dir: &Path, done: &Acknowledged, context: &str) {
    let (store, _) = open(dir).unwrap_or_else(|e| panic!("{context}: {e}"));
    for (key, length) in &done.rows {
        assert_eq!(store.get(Table::Attempts, &[*key]).unwrap(), Some(vec![*key; *length]), "{context}");
    }
    for file in &done.files {
        assert_eq!(store.get_file(file).unwrap(), b"a photo", "{context}");
    }
    let theirs = store.get(Table::Jobs, &[[1; 12], [6; 12]].concat()).unwrap();
    assert!(!done.forgotten || theirs.is_none(), "{context}");
    store.commit(put(9, 9, Owner::System)).unwrap_or_else(|e| panic!("{context}: {e}"));
}

fn fail_every_call_once(error: i32) {
    let mut call = 1;
    loop {
        let dir = tempfile::tempdir().unwrap();
        let faulty = faulty(call, error);
        let done = live(dir.path(), &faulty);
        check(dir.path(), &done, &format!("call {call}, error {error}"));
        if faulty.calls.load(Ordering::SeqCst) < call {
            assert_eq!(done.rows.len(), 6);
            assert!(call > 100, "only {call} calls were failed");
            return;
        }
        call += 1;
    }
}

#[test]
fn an_input_output_error_at_any_call_is_refused_or_stops_the_store() {
    fail_every_call_once(5);
}

#[test]
fn a_full_disk_at_any_call_is_refused_or_stops_the_store() {
    fail_every_call_once(28);
}

#[test]
fn a_full_disk_refuses_new_data_lets_go_of_old_and_recovers_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let faulty = faulty(u64::MAX, 28);
    let (store, _) = open_faulty(dir.path(), &faulty).unwrap();
    store.commit(put(1, 10, Owner::System)).unwrap();
    faulty.full.store(true, Ordering::SeqCst);
    assert!(matches!(store.commit(put(2, 10, Owner::System)), Err(CommitError::Full)));
    assert!(matches!(store.commit(put(2, 9000, Owner::System)), Err(CommitError::Full)));
    assert!(matches!(store.put_file(Owner::System, b"x"), Err(StoreError::Full)));
    assert!(store.get(Table::Attempts, &[1]).unwrap().is_some());
    let delete = Op::Delete { table: Table::Attempts, key: vec![1] };
    store.commit(Commit { ops: vec![delete], ..Commit::default() }).unwrap();
    faulty.full.store(false, Ordering::SeqCst);
    store.commit(put(2, 10, Owner::System)).unwrap();
    assert!(!store.is_stopped());
}

#[test]
fn after_a_failed_sync_nothing_more_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let counting = faulty(u64::MAX, 5);
    let (store, _) = open_faulty(dir.path(), &counting).unwrap();
    store.commit(put(1, 10, Owner::System)).unwrap();
    let before = counting.calls.load(Ordering::SeqCst);
    store.commit(put(2, 10, Owner::System)).unwrap();
    // The sync is the last call of a commit.
    let calls = counting.calls.load(Ordering::SeqCst) - before;
    drop(store);
    let dir = tempfile::tempdir().unwrap();
    let failing = faulty(before + calls, 5);
    let (store, _) = open_faulty(dir.path(), &failing).unwrap();
    store.commit(put(1, 10, Owner::System)).unwrap();
    for _ in 0..3 {
        let refused = store.commit(put(2, 10, Owner::System));
        assert!(matches!(refused, Err(CommitError::Store(StoreError::Stopped))), "{refused:?}");
    }
    assert!(store.is_stopped());
    assert!(store.get(Table::Attempts, &[1]).unwrap().is_some());
}
