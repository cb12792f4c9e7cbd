//! The only durable thing.
//!
//! Everything above this layer sees [`Store::get`], [`Store::scan`], [`Store::commit`] and the sealed files; nothing above it
//! knows what lies beneath. A commit that has returned is on the disk.

mod commit;
mod committer;
mod disk;
mod error;
mod files;
mod keys;
mod kv;
mod master;
mod people;
mod row;
mod state;
mod sweep;
pub mod tables;
#[cfg(test)]
mod tests;

use std::fs::{File, TryLockError};
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

pub use commit::{Commit, Expect, Op};
pub use error::{CommitError, OpenError, StoreError};
pub use files::FileRef;
pub use master::{MasterKey, Passphrase};
use tables::{Owner, Table};

use crate::domain::id::Id;
use committer::{Committer, Request};
use disk::{Disk, RealDisk};
use kv::{Direction, Kv};
use row::Body;
use state::{STATE_KEY, State};

/// Where the data is and what opens it.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    pub dir: PathBuf,
    pub master: MasterKey,
    /// Memory that the index may keep pages in.
    pub cache_bytes: u64,
}

impl OpenOptions {
    pub fn new(dir: impl Into<PathBuf>, master: MasterKey) -> Self {
        Self { dir: dir.into(), master, cache_bytes: 64 << 20 }
    }
}

/// What was found when the store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// There was nothing; a new store was made.
    pub created: bool,
    pub rows: u64,
}

/// A row: its key and its value.
pub type Row = (Vec<u8>, Vec<u8>);

/// A handle on the open store; clones share it.
#[derive(Clone)]
pub struct Store {
    // Declared first: the committer must have ended before the folder is unlocked.
    committer: Arc<Handle>,
    shared: Arc<Shared>,
}

/// What readers and the committer share.
struct Shared {
    keys: keys::Keys,
    kv: Kv,
    files: files::Files,
    stopped: AtomicBool,
    derive: Derive,
    /// Held until the store is closed, so that no second process opens the folder.
    _lock: File,
}

/// The index rows that follow from a record; tests bring their own.
type Derive = fn(Table, &[u8]) -> Result<Vec<tables::IndexRow>, tables::BadRecord>;

struct Handle {
    requests: Mutex<Option<mpsc::Sender<Request>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

impl Store {
    pub fn open(options: OpenOptions) -> Result<(Store, OpenReport), OpenError> {
        Store::open_on(Arc::new(RealDisk), tables::index_rows, options)
    }

    fn open_on(disk: Arc<dyn Disk>, derive: Derive, options: OpenOptions) -> Result<(Store, OpenReport), OpenError> {
        let dir = options.dir.clone();
        disk.create_dir(&dir).map_err(|e| OpenError::Io(dir.clone(), e))?;
        let lock = lock(&dir)?;
        let fresh = !keys::Keys::exist(disk.as_ref(), &dir)?;
        let keys = keys::Keys::open(disk.clone(), &dir, &options.master, fresh)?;
        let files = files::Files::open(disk, &dir, &keys)?;
        let kv = Kv::open(&dir.join("index"), options.cache_bytes).map_err(StoreError::from)?;
        let state = match kv.get(STATE_KEY).map_err(StoreError::from)? {
            Some(bytes) => State::decode(&bytes).ok_or(StoreError::Damaged("the index's state".into()))?,
            None => State::default(),
        };
        let report = OpenReport { created: fresh, rows: state.rows() };
        let shared = Arc::new(Shared { keys, kv, files, stopped: AtomicBool::new(false), derive, _lock: lock });
        let (sender, receiver) = mpsc::channel();
        let committer = Committer { shared: shared.clone(), state };
        let thread = std::thread::Builder::new()
            .name("committer".into())
            .spawn(move || committer.run(receiver))
            .map_err(|e| OpenError::Io(dir, e))?;
        let handle = Handle { requests: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) };
        Ok((Store { committer: Arc::new(handle), shared }, report))
    }

    pub fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.shared.kv.get(&commit::full_key(table, key))? {
            Some(stored) => self.shared.unspill(row::open(&self.shared.keys, table, key, &stored)?),
            None => Ok(None),
        }
    }

    /// Up to `limit` rows in the order of their keys, those strictly after `after`.
    pub fn scan(
        &self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let (low, high) = bounds(table, prefix);
        let after = after.map(|after| commit::full_key(table, after)).filter(|after| *after >= low);
        let low = after.map_or(Bound::Included(low), Bound::Excluded);
        self.rows(table, (low, Bound::Excluded(high)), Direction::Forward, limit)
    }

    /// The same from the end, newest first: those strictly before `before`.
    pub fn scan_back(
        &self,
        table: Table,
        prefix: &[u8],
        before: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let (low, high) = bounds(table, prefix);
        let high = before.map(|before| commit::full_key(table, before)).map_or(high.clone(), |before| before.min(high));
        self.rows(table, (Bound::Included(low), Bound::Excluded(high)), Direction::Backward, limit)
    }

    /// Makes the commit, or nothing of it. Durable when it returns.
    pub fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        if self.shared.stopped.load(Ordering::SeqCst) {
            return Err(CommitError::Store(StoreError::Stopped));
        }
        let commit = commit::prepare(&self.shared, commit)?;
        let (answer, answered) = mpsc::channel();
        let sent = match &*self.committer.requests.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(requests) => requests.send(Request { commit, answer }).is_ok(),
            None => false,
        };
        let stopped = CommitError::Store(StoreError::Stopped);
        if sent { answered.recv().unwrap_or(Err(stopped)) } else { Err(stopped) }
    }

    /// A keyed hash by which a number or a name can be looked up without being stored.
    pub fn blind(&self, account: Id, purpose: &str, text: &str) -> [u8; 32] {
        self.shared.keys.blind(account, purpose, text)
    }

    /// Durable when it returns; until a commit refers to it, a restart may sweep it away.
    pub fn put_file(&self, owner: Owner, bytes: &[u8]) -> Result<FileRef, StoreError> {
        self.shared.files.put(&self.shared.keys, owner, bytes)
    }

    /// Checked against its reference.
    pub fn get_file(&self, file: &FileRef) -> Result<Vec<u8>, StoreError> {
        self.shared.files.get(&self.shared.keys, file)
    }

    pub fn delete_file(&self, file: &FileRef) -> Result<(), StoreError> {
        self.shared.files.delete(&file.name)
    }

    fn rows(
        &self,
        table: Table,
        bounds: (Bound<Vec<u8>>, Bound<Vec<u8>>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let pairs = self.shared.kv.range(bounds, direction, limit)?;
        let mut rows = Vec::with_capacity(pairs.len());
        for (full, stored) in pairs {
            let key = full.get(table.name().len() + 1..).unwrap_or_default().to_vec();
            if let Some(value) = self.shared.unspill(row::open(&self.shared.keys, table, &key, &stored)?)? {
                rows.push((key, value));
            }
        }
        Ok(rows)
    }
}

impl Shared {
    fn unspill(&self, body: Option<Body>) -> Result<Option<Vec<u8>>, StoreError> {
        match body {
            None => Ok(None),
            Some(Body::Inline(value)) => Ok(Some(value)),
            Some(Body::Spilled(file)) => self.files.get(&self.keys, &file).map(Some),
        }
    }
}

/// The first full key with this prefix, and the first after all of them.
fn bounds(table: Table, prefix: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let low = commit::full_key(table, prefix);
    let mut high = low.clone();
    // A table's name holds no 0xff, so there always is a key after the prefix.
    while high.pop_if(|last| *last == u8::MAX).is_some() {}
    if let Some(last) = high.last_mut() {
        *last += 1;
    }
    (low, high)
}

/// One process at a time, from the first look at the folder to the last write.
fn lock(dir: &std::path::Path) -> Result<File, OpenError> {
    let path = dir.join("lock");
    let io = |e| OpenError::Io(path.clone(), e);
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_owned())),
        Err(TryLockError::Error(e)) => Err(io(e)),
    }
}
