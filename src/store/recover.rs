//! The guarded open: the index is believed only if it says how far it is, holds what it says, and the journal goes on from there.
//!
//! Otherwise it is set aside and built again from the newest good checkpoint and the journal. Only damage to the journal itself
//! refuses to open: then something acknowledged may be gone, and a person has to decide.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::checkpoint;
use super::disk::Disk;
use super::error::{OpenError, StoreError};
use super::journal::{self, Changes, Extent, Torn};
use super::keys::Keys;
use super::kv::Kv;
use super::state::{STATE_KEY, State};

/// Rows applied at a time while replaying: one sled batch per journal record would cost a log peg each.
const REPLAY_ROWS: usize = 2000;

/// An index that holds everything in the journal.
pub(super) struct Recovered {
    pub(super) kv: Kv,
    pub(super) state: State,
    pub(super) extent: Extent,
    pub(super) replayed: u64,
    /// Why the index was built again.
    pub(super) rebuilt: Option<String>,
}

/// Where things are and how they are read.
pub(super) struct Source<'a> {
    pub(super) disk: &'a Arc<dyn Disk>,
    pub(super) dir: &'a Path,
    pub(super) keys: &'a Keys,
    pub(super) torn: Torn,
    /// Where the index is, or is built.
    pub(super) index: PathBuf,
    pub(super) cache_bytes: u64,
}

/// An index that cannot be used, and how far it was if it could still tell.
pub(super) struct Unusable {
    pub(super) why: String,
    pub(super) lsn: u64,
}

impl Source<'_> {
    pub(super) fn recover(&self) -> Result<Recovered, OpenError> {
        let first = self.first()?;
        let unusable = match self.open_index() {
            Ok((_, state)) if state.lsn + 1 < first => {
                let why = format!("the index is at record {}, the journal begins at {first}", state.lsn);
                Unusable { why, lsn: state.lsn }
            }
            Ok((kv, state)) => {
                let known = state.lsn;
                match self.replay(kv, state, known) {
                    Err(OpenError::Store(e)) => Unusable { why: e.to_string(), lsn: known },
                    other => return other,
                }
            }
            Err(unusable) => unusable,
        };
        self.rebuild(unusable)
    }

    /// Builds the index again, whatever state it is in.
    pub(super) fn rebuild(&self, unusable: Unusable) -> Result<Recovered, OpenError> {
        let first = self.first()?;
        set_aside(&self.index).map_err(|e| OpenError::Io(self.index.clone(), e))?;
        let mut refused = None;
        for lsn in checkpoint::list(self.disk.as_ref(), self.dir)?.into_iter().rev().filter(|lsn| lsn + 1 >= first) {
            match self.load(lsn) {
                Ok((kv, state, end)) => {
                    let recovered = self.replay(kv, state, end.max(unusable.lsn))?;
                    return Ok(Recovered { rebuilt: Some(unusable.why), ..recovered });
                }
                Err(e) => refused = Some(e),
            }
            // What was loaded of the bad one.
            fs::remove_dir_all(&self.index).map_err(|e| OpenError::Io(self.index.clone(), e))?;
        }
        if first > 1 {
            let what = format!("the journal begins at record {first} and no checkpoint reaches back that far");
            let file = journal::segment_path(&journal::folder(self.dir), first);
            return Err(refused.unwrap_or(OpenError::Damaged { file, offset: 0, what }));
        }
        let kv = self.open_kv()?;
        let recovered = self.replay(kv, State::default(), unusable.lsn)?;
        Ok(Recovered { rebuilt: Some(unusable.why), ..recovered })
    }

    /// The index as it lies there, read through and compared with what it says of itself.
    pub(super) fn open_index(&self) -> Result<(Kv, State), Unusable> {
        let failed = |lsn: u64| move |e: super::kv::IndexError| Unusable { why: e.0, lsn };
        let kv = Kv::open(&self.index, self.cache_bytes).map_err(failed(0))?;
        let marker = kv.get(STATE_KEY).map_err(failed(0))?;
        let said = match marker {
            Some(bytes) => State::decode(&bytes).ok_or(Unusable { why: "its state is damaged".into(), lsn: 0 })?,
            None => State::default(),
        };
        let found = summarise(&kv).map_err(failed(said.lsn))?;
        if found.tables != said.tables {
            return Err(Unusable { why: "it does not hold the rows that it should".into(), lsn: said.lsn });
        }
        Ok((kv, said))
    }

    /// Brings the index up to the end of the journal. `known`: the journal must reach this record.
    fn replay(&self, kv: Kv, state: State, known: u64) -> Result<Recovered, OpenError> {
        let mut replay = Replay { kv: &kv, state, waiting: Changes::new(), lsn: 0 };
        let before = replay.state.lsn;
        let root = self.keys.root("journal");
        let extent = journal::read(self.disk, self.dir, &root, known, self.torn, |lsn, changes| {
            if lsn > before { replay.add(lsn, changes) } else { Ok(()) }
        })?;
        replay.flush()?;
        let state = replay.state;
        if state.lsn > before {
            kv.sync().map_err(StoreError::from)?;
        }
        Ok(Recovered { kv, replayed: state.lsn - before, state, extent, rebuilt: None })
    }

    fn load(&self, lsn: u64) -> Result<(Kv, State, u64), OpenError> {
        let kv = self.open_kv()?;
        let mut state = State::default();
        let root = self.keys.root("checkpoint");
        let covered = checkpoint::read(self.disk, self.dir, &root, lsn, |page| {
            page.iter().for_each(|(key, stored)| state.add(key, stored));
            // Without a state: until the last row is in, this is no index.
            Ok(kv.apply(page.into_iter().map(|(key, stored)| (key, Some(stored))))?)
        })?;
        state.lsn = lsn;
        let marker = (STATE_KEY.to_vec(), Some(state.encode()));
        kv.apply(std::iter::once(marker)).map_err(StoreError::from)?;
        Ok((kv, state, covered.end))
    }

    fn open_kv(&self) -> Result<Kv, OpenError> {
        Ok(Kv::open(&self.index, self.cache_bytes).map_err(StoreError::from)?)
    }

    fn first(&self) -> Result<u64, OpenError> {
        let folder = journal::folder(self.dir);
        let missing = || OpenError::Damaged { file: folder.clone(), offset: 0, what: "the journal is missing".into() };
        journal::segments(self.disk.as_ref(), &folder)?.first().copied().ok_or_else(missing)
    }
}

/// Gathers the records of the journal into larger batches.
struct Replay<'a> {
    kv: &'a Kv,
    state: State,
    waiting: Changes,
    lsn: u64,
}

impl Replay<'_> {
    fn add(&mut self, lsn: u64, changes: Changes) -> Result<(), StoreError> {
        self.waiting.extend(changes);
        self.lsn = lsn;
        if self.waiting.len() >= REPLAY_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if self.lsn > self.state.lsn {
            self.state = self.state.apply(self.kv, &self.waiting, self.lsn)?;
            self.waiting.clear();
        }
        Ok(())
    }
}

/// Counts and hashes of what is really there.
pub(super) fn summarise(kv: &Kv) -> Result<State, super::kv::IndexError> {
    let mut state = State::default();
    kv.each(&mut |key, stored| {
        if key != STATE_KEY {
            state.add(key, stored);
        }
    })?;
    Ok(state)
}

/// The last bad index is kept for whoever wants to know what happened; the one before it is not.
fn set_aside(index: &Path) -> io::Result<()> {
    let aside = index.with_extension("aside");
    match fs::remove_dir_all(&aside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    match fs::rename(index, &aside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}
