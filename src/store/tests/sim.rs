//! A disk that forgets what was not synced: names until their folder was, bytes until their file was, in sectors of 512 bytes.
//!
//! The index lies on the real disk beside it and is handed on as it happens to be, missing, or from an earlier moment.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::store::disk::{Disk, DiskFile};

const SECTOR: usize = 512;

#[derive(Clone, Default)]
struct Inode {
    current: Vec<u8>,
    durable: Vec<u8>,
    /// Unsynced: a write at an offset, or a new length.
    pending: Vec<(u64, Option<Vec<u8>>)>,
}

#[derive(Clone)]
enum Name {
    Set(usize),
    Gone,
}

#[derive(Clone, Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    /// By folder, in order: what `durable` does not have yet.
    pending: BTreeMap<PathBuf, Vec<(PathBuf, Name)>>,
    calls: u64,
}

type Moment = (BTreeSet<u64>, Box<dyn FnMut(SimDisk) + Send>);

/// Paths are kept relative to `root`, so that what survives can be opened elsewhere.
#[derive(Clone)]
pub(super) struct SimDisk {
    root: PathBuf,
    state: Arc<Mutex<State>>,
    moments: Arc<Mutex<Option<Moment>>>,
    seed: u64,
}

/// xorshift64*: the tests must repeat.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % n
    }
}

impl SimDisk {
    pub(super) fn new(root: &Path, seed: u64) -> SimDisk {
        SimDisk { root: root.to_owned(), state: Arc::default(), moments: Arc::default(), seed }
    }

    /// At each of these calls the power fails in another world: `see` is handed the disk as it is after that.
    pub(super) fn at(&self, calls: BTreeSet<u64>, see: impl FnMut(SimDisk) + Send + 'static) {
        *self.moments.lock().unwrap() = Some((calls, Box::new(see)));
    }

    pub(super) fn stop_seeing(&self) {
        *self.moments.lock().unwrap() = None;
    }

    pub(super) fn moved_to(mut self, root: &Path) -> SimDisk {
        self.root = root.to_owned();
        self
    }

    fn cut(state: &State, root: &Path, seed: u64) -> SimDisk {
        let mut dice = Dice(seed | 1);
        let mut names = state.durable.clone();
        for changes in state.pending.values() {
            let kept = usize::try_from(dice.below(changes.len() as u64 + 1)).unwrap();
            for (path, change) in &changes[..kept] {
                match change {
                    Name::Set(inode) => drop(names.insert(path.clone(), *inode)),
                    Name::Gone => drop(names.remove(path)),
                }
            }
        }
        let kept_of_ten = dice.below(11);
        let survive = |inode: &Inode, dice: &mut Dice| {
            let mut bytes = inode.durable.clone();
            for (offset, write) in &inode.pending {
                let offset = usize::try_from(*offset).unwrap();
                match write {
                    None if dice.below(2) == 0 => bytes.resize(offset, 0),
                    None => {}
                    Some(written) => {
                        let mut at = 0;
                        while at < written.len() {
                            let end = (((offset + at) / SECTOR + 1) * SECTOR - offset).min(written.len());
                            if dice.below(10) < kept_of_ten {
                                bytes.resize(bytes.len().max(offset + end), 0);
                                bytes[offset + at..offset + end].copy_from_slice(&written[at..end]);
                            }
                            at = end;
                        }
                    }
                }
            }
            Inode { current: bytes.clone(), durable: bytes, pending: Vec::new() }
        };
        let inodes = state.inodes.iter().map(|inode| survive(inode, &mut dice)).collect();
        let after = State { inodes, durable: names.clone(), names, ..State::default() };
        SimDisk { root: root.to_owned(), state: Arc::new(Mutex::new(after)), moments: Arc::default(), seed }
    }

    fn call<T>(&self, call: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state.lock().unwrap();
        state.calls += 1;
        if let Some((calls, see)) = self.moments.lock().unwrap().as_mut()
            && calls.remove(&state.calls)
        {
            see(SimDisk::cut(&state, &self.root, self.seed ^ (state.calls << 20)));
        }
        call(&mut state)
    }

    fn relative(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap().to_owned()
    }
}

fn rename(state: &mut State, path: PathBuf, change: Name) {
    match change {
        Name::Set(inode) => drop(state.names.insert(path.clone(), inode)),
        Name::Gone => drop(state.names.remove(&path)),
    }
    state.pending.entry(path.parent().unwrap().to_owned()).or_default().push((path, change));
}

impl Disk for SimDisk {
    fn create_dir(&self, _: &Path) -> io::Result<()> {
        self.call(|_| Ok(()))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let dir = self.relative(dir);
        self.call(|state| {
            let inside = state.names.keys().filter(|path| path.parent() == Some(&dir));
            Ok(inside.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect())
        })
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let path = self.relative(path);
        let inode = self.call(|state| state.names.get(&path).copied().ok_or_else(|| io::ErrorKind::NotFound.into()))?;
        Ok(Box::new(SimFile { disk: self.clone(), inode }))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let path = self.relative(path);
        let inode = self.call(|state| {
            state.inodes.push(Inode::default());
            let inode = state.inodes.len() - 1;
            rename(state, path, Name::Set(inode));
            Ok(inode)
        })?;
        Ok(Box::new(SimFile { disk: self.clone(), inode }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (self.relative(from), self.relative(to));
        self.call(|state| {
            let inode = *state.names.get(&from).ok_or(io::ErrorKind::NotFound)?;
            rename(state, to, Name::Set(inode));
            rename(state, from, Name::Gone);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let path = self.relative(path);
        self.call(|state| {
            state.names.get(&path).ok_or(io::ErrorKind::NotFound)?;
            rename(state, path, Name::Gone);
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let dir = self.relative(dir);
        self.call(|state| {
            for (path, change) in state.pending.remove(&dir).unwrap_or_default() {
                match change {
                    Name::Set(inode) => drop(state.durable.insert(path, inode)),
                    Name::Gone => drop(state.durable.remove(&path)),
                }
            }
            Ok(())
        })
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        self.call(|_| Ok(u64::MAX))
    }
}

struct SimFile {
    disk: SimDisk,
    inode: usize,
}

impl DiskFile for SimFile {
    fn length(&self) -> io::Result<u64> {
        self.disk.call(|state| Ok(state.inodes[self.inode].current.len() as u64))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.disk.call(|state| {
            let bytes = &state.inodes[self.inode].current;
            let from = &bytes[usize::try_from(offset).unwrap().min(bytes.len())..];
            let length = from.len().min(buffer.len());
            buffer[..length].copy_from_slice(&from[..length]);
            Ok(length)
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.disk.call(|state| {
            let inode = &mut state.inodes[self.inode];
            let start = usize::try_from(offset).unwrap();
            let end = start + bytes.len();
            inode.current.resize(inode.current.len().max(end), 0);
            inode.current[start..end].copy_from_slice(bytes);
            inode.pending.push((offset, Some(bytes.to_vec())));
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.call(|state| {
            let inode = &mut state.inodes[self.inode];
            inode.durable = inode.current.clone();
            inode.pending.clear();
            Ok(())
        })
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.disk.call(|state| {
            let inode = &mut state.inodes[self.inode];
            inode.current.resize(usize::try_from(length).unwrap(), 0);
            inode.pending.push((length, None));
            Ok(())
        })
    }
}
