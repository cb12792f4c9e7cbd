//! A disk with a volatile cache, as a FUSE file system: bytes survive a power cut once their file was synced, names once
//! their folder was; of the rest chance keeps a part, in sectors of 512 bytes and name by name.
//!
//! Stricter than most real file systems: syncing a file does not keep its name, and nothing keeps the order of two folders.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty,
    ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use super::dice::Dice;

const SECTOR: usize = 512;
const ROOT: u64 = 1;
/// The kernel remembers nothing: every look comes here.
const NO_TIME: Duration = Duration::ZERO;

#[derive(Clone)]
struct Node {
    kind: FileType,
    mode: u16,
    current: Vec<u8>,
    durable: Vec<u8>,
    /// Unsynced: a write at an offset, or a new length.
    pending: Vec<(usize, Option<Vec<u8>>)>,
}

#[derive(Clone)]
struct Change {
    name: OsString,
    /// None: the name is gone.
    node: Option<u64>,
}

type Names = BTreeMap<(u64, OsString), u64>;

#[derive(Clone)]
struct State {
    nodes: HashMap<u64, Node>,
    next: u64,
    names: Names,
    durable: Names,
    /// By folder, in order: what `durable` does not have yet.
    pending: BTreeMap<u64, Vec<Change>>,
    syncs: u64,
}

/// The disk; clones share it.
#[derive(Clone)]
pub struct Disk(Arc<Mutex<State>>);

/// What a power cut did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cut {
    pub sectors_kept: u64,
    pub sectors_lost: u64,
    pub names_lost: u64,
}

impl Disk {
    pub fn empty() -> Disk {
        let root = Node::new(FileType::Directory, 0o755);
        Disk::of(State {
            nodes: HashMap::from([(ROOT, root)]),
            next: ROOT + 1,
            names: Names::new(),
            durable: Names::new(),
            pending: BTreeMap::new(),
            syncs: 0,
        })
    }

    fn of(state: State) -> Disk {
        Disk(Arc::new(Mutex::new(state)))
    }

    /// Makes the disk available at an empty folder, until the session is dropped.
    pub fn mount(&self, at: &Path) -> Result<BackgroundSession, String> {
        fuser::spawn_mount(self.clone(), at, &Config::default())
            .map_err(|error| format!("a FUSE file system cannot be mounted (root and /dev/fuse are needed): {error}"))
    }

    /// The power fails: `kill` ends whoever uses the disk, and what is on it afterwards is returned. Nothing reaches the disk
    /// in between, so whatever was acknowledged had been synced before.
    pub fn cut(&self, dice: &mut Dice, kill: impl FnOnce()) -> (Disk, Cut) {
        let state = self.lock();
        let after = state.after_cut(dice);
        kill();
        drop(state);
        after
    }

    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Node {
    fn new(kind: FileType, mode: u16) -> Node {
        Node { kind, mode, current: Vec::new(), durable: Vec::new(), pending: Vec::new() }
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        overwrite(&mut self.current, offset, bytes);
        self.pending.push((offset, Some(bytes.to_vec())));
    }

    /// What the disk holds of it when the power fails: each unsynced sector with a chance of `kept` in ten.
    fn survive(&self, dice: &mut Dice, kept: u64, cut: &mut Cut) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for (offset, write) in &self.pending {
            let Some(written) = write else {
                if dice.percent(50) {
                    bytes.resize(*offset, 0);
                }
                continue;
            };
            let mut at = 0;
            while at < written.len() {
                let end = (((offset + at) / SECTOR + 1) * SECTOR - offset).min(written.len());
                if dice.below(10) < kept {
                    overwrite(&mut bytes, offset + at, written.get(at..end).unwrap_or_default());
                    cut.sectors_kept += 1;
                } else {
                    cut.sectors_lost += 1;
                }
                at = end;
            }
        }
        bytes
    }
}

fn overwrite(bytes: &mut Vec<u8>, offset: usize, with: &[u8]) {
    let end = offset + with.len();
    bytes.resize(bytes.len().max(end), 0);
    if let Some(place) = bytes.get_mut(offset..end) {
        place.copy_from_slice(with);
    }
}

impl State {
    fn after_cut(&self, dice: &mut Dice) -> (Disk, Cut) {
        let mut cut = Cut::default();
        let mut names = self.durable.clone();
        for (folder, changes) in &self.pending {
            let kept = dice.index(changes.len() + 1);
            cut.names_lost += (changes.len() - kept) as u64;
            changes.iter().take(kept).for_each(|change| apply(&mut names, *folder, change));
        }
        let kept = dice.below(11);
        let nodes = self.nodes.iter().map(|(number, node)| {
            let bytes = node.survive(dice, kept, &mut cut);
            (*number, Node { current: bytes.clone(), durable: bytes, pending: Vec::new(), ..node.clone() })
        });
        let mut nodes: HashMap<u64, Node> = nodes.collect();
        nodes.retain(|number, _| *number == ROOT || names.values().any(|named| named == number));
        let after = State { nodes, names: names.clone(), durable: names, pending: BTreeMap::new(), ..self.clone() };
        (Disk::of(after), cut)
    }

    fn find(&self, folder: INodeNo, name: &OsStr) -> Result<u64, Errno> {
        self.names.get(&(folder.0, name.to_owned())).copied().ok_or(Errno::ENOENT)
    }

    fn name(&mut self, folder: INodeNo, name: &OsStr, node: Option<u64>) {
        let change = Change { name: name.to_owned(), node };
        apply(&mut self.names, folder.0, &change);
        self.pending.entry(folder.0).or_default().push(change);
    }

    fn make(&mut self, folder: INodeNo, name: &OsStr, kind: FileType, mode: u32) -> Result<FileAttr, Errno> {
        if self.find(folder, name).is_ok() {
            return Err(Errno::EEXIST);
        }
        let number = self.next;
        self.next += 1;
        self.nodes.insert(number, Node::new(kind, u16::try_from(mode & 0o7777).unwrap_or(0o600)));
        self.name(folder, name, Some(number));
        self.attributes(number)
    }

    fn node(&mut self, number: INodeNo) -> Result<&mut Node, Errno> {
        self.nodes.get_mut(&number.0).ok_or(Errno::ENOENT)
    }

    fn attributes(&self, number: u64) -> Result<FileAttr, Errno> {
        let node = self.nodes.get(&number).ok_or(Errno::ENOENT)?;
        let (size, time) = (node.current.len() as u64, SystemTime::UNIX_EPOCH);
        Ok(FileAttr {
            ino: INodeNo(number),
            size,
            blocks: size.div_ceil(512),
            atime: time,
            mtime: time,
            ctime: time,
            crtime: time,
            kind: node.kind,
            perm: node.mode,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }

    fn sync_names(&mut self, folder: u64) {
        for change in self.pending.remove(&folder).unwrap_or_default() {
            apply(&mut self.durable, folder, &change);
        }
    }
}

fn apply(names: &mut Names, folder: u64, change: &Change) {
    let key = (folder, change.name.clone());
    match change.node {
        Some(node) => drop(names.insert(key, node)),
        None => drop(names.remove(&key)),
    }
}

/// Answers with what came out, or with the error.
macro_rules! answer {
    ($reply:ident, $result:expr, $value:ident => $right:expr) => {
        match $result {
            Ok($value) => $right,
            Err(error) => $reply.error(error),
        }
    };
}

impl Filesystem for Disk {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let state = self.lock();
        let found = state.find(parent, name).and_then(|number| state.attributes(number));
        answer!(reply, found, attributes => reply.entry(&NO_TIME, &attributes, Generation(0)));
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        answer!(reply, self.lock().attributes(ino.0), attributes => reply.attr(&NO_TIME, &attributes));
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut state = self.lock();
        let set = state.node(ino).map(|node| {
            if let Some(mode) = mode {
                node.mode = u16::try_from(mode & 0o7777).unwrap_or(node.mode);
            }
            if let Some(size) = size.and_then(|size| usize::try_from(size).ok()) {
                node.current.resize(size, 0);
                node.pending.push((size, None));
            }
        });
        let set = set.and_then(|()| state.attributes(ino.0));
        answer!(reply, set, attributes => reply.attr(&NO_TIME, &attributes));
    }

    fn mknod(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, _: u32, reply: ReplyEntry) {
        // Only the administrator's socket is made this way: S_IFSOCK is 0o140000.
        let kind = if mode & 0o170_000 == 0o140_000 { FileType::Socket } else { FileType::RegularFile };
        let made = self.lock().make(parent, name, kind, mode);
        answer!(reply, made, attributes => reply.entry(&NO_TIME, &attributes, Generation(0)));
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, reply: ReplyEntry) {
        let made = self.lock().make(parent, name, FileType::Directory, mode);
        answer!(reply, made, attributes => reply.entry(&NO_TIME, &attributes, Generation(0)));
    }

    fn create(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, _: i32, reply: ReplyCreate) {
        let made = self.lock().make(parent, name, FileType::RegularFile, mode);
        answer!(reply, made, attributes =>
            reply.created(&NO_TIME, &attributes, Generation(0), FileHandle(0), FopenFlags::FOPEN_DIRECT_IO));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let mut state = self.lock();
        let found = state.find(parent, name).map(|_| state.name(parent, name, None));
        answer!(reply, found, _done => reply.ok());
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let mut state = self.lock();
        let found = state.find(parent, name).and_then(|number| {
            let is_empty = !state.names.keys().any(|(folder, _)| *folder == number);
            if !is_empty {
                return Err(Errno::ENOTEMPTY);
            }
            state.name(parent, name, None);
            Ok(())
        });
        answer!(reply, found, _done => reply.ok());
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        to: INodeNo,
        new: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mut state = self.lock();
        let found = state.find(parent, name).map(|number| {
            state.name(to, new, Some(number));
            state.name(parent, name, None);
        });
        answer!(reply, found, _done => reply.ok());
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO);
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let mut state = self.lock();
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        answer!(reply, state.node(ino), node => {
            let to = from.saturating_add(size as usize).min(node.current.len());
            reply.data(node.current.get(from..to).unwrap_or_default());
        });
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let mut state = self.lock();
        let offset = usize::try_from(offset).map_err(|_| Errno::EFBIG);
        let written = offset.and_then(|offset| {
            state.node(ino)?.write(offset, data);
            Ok(())
        });
        answer!(reply, written, _done => reply.written(u32::try_from(data.len()).unwrap_or(0)));
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let mut state = self.lock();
        state.syncs += 1;
        let synced = state.node(ino).map(|node| {
            for (offset, write) in std::mem::take(&mut node.pending) {
                match write {
                    Some(written) => overwrite(&mut node.durable, offset, &written),
                    None => node.durable.resize(offset, 0),
                }
            }
        });
        answer!(reply, synced, _done => reply.ok());
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let mut state = self.lock();
        state.syncs += 1;
        state.sync_names(ino.0);
        reply.ok();
    }

    fn readdir(&self, _: &Request, ino: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let state = self.lock();
        let inside = state.names.range((ino.0, OsString::new())..(ino.0 + 1, OsString::new()));
        for (at, ((_, name), number)) in (1..).zip(inside).skip(usize::try_from(offset).unwrap_or(usize::MAX)) {
            let kind = state.nodes.get(number).map_or(FileType::RegularFile, |node| node.kind);
            if reply.add(INodeNo(*number), at, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        // Always four gigabytes free.
        reply.statfs(1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 4096, 255, 4096);
    }
}
