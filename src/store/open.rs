//! Opening and closing: lock the folder, read the keys, believe or rebuild the index, finish what a crash interrupted, start the
//! threads.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::append::Numbers;
use super::checkpoint;
use super::committer::{Committer, Request};
use super::core::{Core, Derive, Shared};
use super::disk::{Disk, RealDisk};
use super::erasures::Erasures;
use super::error::{OpenError, StoreError};
use super::files::Files;
use super::journal::{self, Journal, Torn};
use super::keys::Keys;
use super::master::MasterKey;
use super::migrate::{MIGRATIONS, Migration};
use super::recover::{Source, Unusable};
use super::scribe::Order;
use super::state::State;
use super::{Store, scribe, tables};

/// Measured with rows of 500 bytes: 4 MiB take 50 MiB and answer a random read in 7 µs; 8 MiB take 120 and answer no sooner; 64 MiB
/// take 1,200 and more, and answer later.
const CACHE_BYTES: u64 = 4 << 20;

/// Where the data is and what opens it.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    pub dir: PathBuf,
    pub master: MasterKey,
    /// Pages that the index may keep in memory, as sled counts them: by their size on the disk, of which they take ten to twenty
    /// times as much.
    pub cache_bytes: u64,
    /// With less free than this, new data is refused, so that deleting and the index still have room.
    pub reserve_bytes: u64,
    /// Called after a failed write or sync of the journal or the keys, when only opening again can tell what is on the disk: a
    /// server ends its process here. Without it the store refuses all further commits.
    pub on_stop: Option<fn()>,
}

impl OpenOptions {
    pub fn new(dir: impl Into<PathBuf>, master: MasterKey) -> Self {
        Self { dir: dir.into(), master, cache_bytes: CACHE_BYTES, reserve_bytes: 64 << 20, on_stop: None }
    }
}

/// What was found when the store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// There was nothing; a new store was made.
    pub created: bool,
    pub rows: u64,
    /// Journal records that the index did not have yet.
    pub replayed: u64,
    /// Why the index was built again, if it was.
    pub rebuilt: Option<String>,
    /// The torn end of a write that was never acknowledged was cut off.
    pub torn: bool,
    /// Slots of people's keys that hold no key: whatever these sealed is refused when it is read.
    pub damaged_keys: u64,
    /// People whose forgetting a crash had interrupted, and who are forgotten now.
    pub forgotten: u64,
    /// Records rewritten for this version of the program.
    pub migrated: u64,
}

/// When the index that lies in the folder is used as it is.
#[derive(Clone, Copy)]
pub(super) enum Trust<'a> {
    IfWhole,
    Never,
    /// After a restore: it is built, and the store opened only if this comes out.
    IfExactly(&'a State),
}

/// The threads of an open store; dropping this ends them.
pub(super) struct Threads {
    requests: Sender<Request>,
    orders: Sender<Order>,
    handles: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Threads {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Close);
        let _ = self.requests.send(Request::Close);
        for handle in self.handles.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = handle.join();
        }
    }
}

impl Store {
    pub fn open(options: OpenOptions) -> Result<(Store, OpenReport), OpenError> {
        Store::open_on(Arc::new(RealDisk), tables::index_rows, options, Trust::IfWhole)
    }

    /// The same, but the index is built again whatever state it is in.
    pub fn rebuild(options: OpenOptions) -> Result<(Store, OpenReport), OpenError> {
        Store::open_on(Arc::new(RealDisk), tables::index_rows, options, Trust::Never)
    }

    pub(super) fn open_on(
        disk: Arc<dyn Disk>,
        derive: Derive,
        options: OpenOptions,
        trust: Trust<'_>,
    ) -> Result<(Store, OpenReport), OpenError> {
        Store::open_migrating(disk, derive, options, trust, MIGRATIONS)
    }

    pub(super) fn open_migrating(
        disk: Arc<dyn Disk>,
        derive: Derive,
        options: OpenOptions,
        trust: Trust<'_>,
        migrations: &[Migration],
    ) -> Result<(Store, OpenReport), OpenError> {
        let dir = options.dir;
        // A run that was killed may have left names that are not on the disk yet.
        disk.create_dir(&dir).and_then(|()| disk.sync_dir(&dir)).map_err(|e| OpenError::Io(dir.clone(), e))?;
        let lock = lock(&dir)?;
        remove_unfinished(disk.as_ref(), &dir)?;
        let created = !Keys::exist(disk.as_ref(), &dir)?;
        let keys = if created {
            create(&disk, &dir, &options.master)?
        } else {
            Keys::open(disk.clone(), &dir, &options.master)?
        };
        let erasures = Erasures::open(&disk, &dir, &keys, Torn::Cut)?;
        let (index, cache_bytes) = (dir.join("index"), options.cache_bytes);
        let source = Source { disk: &disk, dir: &dir, keys: &keys, torn: Torn::Cut, index, cache_bytes };
        let recovered = match trust {
            Trust::IfWhole => source.recover()?,
            Trust::Never => source.rebuild(Unusable { why: "asked for".into(), lsn: 0 })?,
            Trust::IfExactly(_) => source.rebuild(Unusable { why: "restored".into(), lsn: 0 })?,
        };
        if let Trust::IfExactly(wanted) = trust
            && recovered.state != *wanted
        {
            let what = "what is restored is not what was backed up".into();
            return Err(OpenError::Damaged { file: dir, offset: 0, what });
        }
        if let Some(why) = &recovered.rebuilt {
            tracing::warn!(
                why,
                rows = recovered.state.rows(),
                "the index was set aside and built again from the journal"
            );
        }
        let mut report = OpenReport {
            created,
            rows: recovered.state.rows(),
            replayed: recovered.replayed,
            torn: recovered.extent.torn.is_some(),
            rebuilt: recovered.rebuilt,
            damaged_keys: keys.people().damaged(),
            forgotten: 0,
            migrated: 0,
        };
        let root = keys.root("journal");
        let journal = Journal::new(disk.clone(), &dir, root, recovered.extent.last, recovered.extent.bytes);
        let files = Files::new(disk.clone(), &dir, &keys);
        let numbers = Numbers::beyond(&recovered.kv)?;
        let shared = Shared {
            disk,
            dir,
            keys,
            kv: recovered.kv,
            files,
            erasures,
            derive,
            numbers,
            reserve_bytes: options.reserve_bytes,
            stopped: AtomicBool::new(false),
            on_stop: options.on_stop,
            maintenance: Mutex::default(),
            _lock: lock,
        };
        let store = start(Arc::new(shared), recovered.state, journal)?;
        report.forgotten = store.core.finish_forgetting()?.people;
        report.migrated = store.migrate(migrations)?;
        Ok((store, report))
    }

    /// Writes a checkpoint now.
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        let _maintenance = self.core.maintenance();
        self.core.checkpoint(scribe::CHECKPOINTS_KEPT)
    }
}

/// Files that a crash left under a temporary name; nobody ever reads them. Those among the sealed files are the sweeper's.
fn remove_unfinished(disk: &dyn Disk, dir: &Path) -> Result<(), OpenError> {
    for folder in [dir.to_owned(), journal::folder(dir), checkpoint::folder(dir)] {
        let io = |e| OpenError::Io(folder.clone(), e);
        for name in disk.list(&folder).map_err(io)?.iter().filter(|name| name.ends_with(".tmp")) {
            disk.remove(&folder.join(name)).map_err(io)?;
        }
    }
    Ok(())
}

/// Everything that a store has from its first moment; the keys' file, put in place last, says that it is complete.
fn create(disk: &Arc<dyn Disk>, dir: &Path, master: &MasterKey) -> Result<Keys, OpenError> {
    let leftovers = journal::segments(disk.as_ref(), &journal::folder(dir))?;
    let checkpoints = checkpoint::list(disk.as_ref(), dir)?;
    if leftovers.iter().any(|first| *first != 1) || !checkpoints.is_empty() || dir.join("index").exists() {
        let what = "there is data here, but the file that holds its keys is missing".into();
        return Err(OpenError::Damaged { file: dir.join("keys"), offset: 0, what });
    }
    let keys = Keys::create(disk.clone(), dir, master)?;
    Erasures::create(disk.as_ref(), dir, &keys)?;
    journal::create(disk.as_ref(), dir, &keys.root("journal"))?;
    keys.publish()?;
    Ok(keys)
}

fn start(shared: Arc<Shared>, state: State, journal: Journal) -> Result<Store, OpenError> {
    let (requests, received) = mpsc::channel();
    let (orders, ordered) = mpsc::channel();
    let core = Core { shared: shared.clone(), requests: requests.clone(), orders: orders.clone() };
    let committer = Committer { shared: shared.clone(), state, journal, orders: orders.clone() };
    let threads = Arc::new(Threads { requests, orders, handles: Mutex::default() });
    let background = core.clone();
    let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
        let handle = std::thread::Builder::new().name(name.into()).spawn(run);
        let handle = handle.map_err(|e| OpenError::Io(shared.dir.clone(), e))?;
        threads.handles.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
        Ok::<(), OpenError>(())
    };
    spawn("committer", Box::new(move || committer.run(received)))?;
    spawn("checkpoint", Box::new(move || scribe::run(&background, &ordered)))?;
    Ok(Store { _threads: threads, core })
}

/// One process at a time, from the first look at the folder to the last write.
pub(super) fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join("lock");
    let io = |e| OpenError::Io(path.clone(), e);
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(dir.to_owned())),
        Err(TryLockError::Error(e)) => Err(io(e)),
    }
}
