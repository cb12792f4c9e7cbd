//! The journal: the truth. One frame per batch, holding absolute puts and deletes, so that replaying twice is replaying once.
//!
//! The numbers of the frames (LSN) run without a gap through all segments. A new segment is begun by every run of the program
//! and when one is full; there is always at least one.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{self, Disk};
use super::error::{OpenError, StoreError, is_full};
use super::frame::{Kind, ReadError, Reader, Writer};
use crate::crypto::{self, SecretKey};

/// A segment is closed when it is larger; small enough that cutting the journal frees room soon.
const SEGMENT_BYTES: u64 = 32 << 20;

/// The rows of a batch by full key; `None` is deleted.
pub(super) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

pub(super) struct Journal {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    root: SecretKey,
    /// None until the first append of this run.
    segment: Option<Writer>,
    /// The number of the last frame.
    lsn: u64,
    /// Appended since the last checkpoint, to know when the next is due.
    pub(super) grown: u64,
}

/// Why a batch was not appended.
#[derive(Debug)]
pub(super) enum AppendError {
    /// Nothing was changed.
    Full,
    /// Nobody knows what is on the disk.
    Failed(io::Error),
}

impl Journal {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: &Path, root: SecretKey, lsn: u64, grown: u64) -> Journal {
        Journal { disk, dir: folder(dir), root, segment: None, lsn, grown }
    }

    /// Durable when it returns.
    pub(super) fn append(&mut self, changes: &Changes) -> Result<u64, AppendError> {
        let plain = encode(changes);
        let mut segment = match self.segment.take() {
            Some(segment) if segment.offset() < SEGMENT_BYTES => segment,
            _ => self.begin()?,
        };
        let before = segment.offset();
        if let Err(e) = segment.append(self.lsn + 1, &plain) {
            if !is_full(&e) {
                return Err(AppendError::Failed(e));
            }
            segment.cut_to(before).map_err(AppendError::Failed)?;
            self.segment = Some(segment);
            return Err(AppendError::Full);
        }
        // Never tried again: after a failed sync Linux marks the pages clean, and a second one would succeed for nothing.
        segment.sync().map_err(AppendError::Failed)?;
        self.lsn += 1;
        self.grown += segment.offset() - before;
        self.segment = Some(segment);
        Ok(self.lsn)
    }

    /// Closes the segment, so that all so far lies in files of which no more is written.
    pub(super) fn roll(&mut self) -> Result<(), AppendError> {
        if self.segment.as_ref().is_some_and(Writer::is_empty) {
            return Ok(());
        }
        self.segment = None;
        self.segment = Some(self.begin()?);
        Ok(())
    }

    /// Leaves word of how far the journal goes.
    pub(super) fn witness(&self) -> io::Result<()> {
        // Beside the folder of segments.
        self.dir.parent().map_or(Ok(()), |dir| witness(self.disk.as_ref(), dir, &self.root, self.lsn))
    }

    /// Whether this run has written anything.
    pub(super) fn is_begun(&self) -> bool {
        self.segment.is_some()
    }

    fn begin(&self) -> Result<Writer, AppendError> {
        let path = segment_path(&self.dir, self.lsn + 1);
        Writer::create(self.disk.as_ref(), &path, Kind::Journal, &self.root, self.lsn + 1)
            .map_err(|e| if is_full(&e) { AppendError::Full } else { AppendError::Failed(e) })
    }
}

/// Makes the folder and the first segment of a new store.
pub(super) fn create(disk: &dyn Disk, dir: &Path, root: &SecretKey) -> Result<(), OpenError> {
    let dir = folder(dir);
    disk.create_dir(&dir)
        .and_then(|()| Writer::create(disk, &segment_path(&dir, 1), Kind::Journal, root, 1))
        .map(drop)
        .map_err(|e| OpenError::Io(dir, e))
}

/// Says, for good, that the journal has held this record: a journal that ends earlier was cut by somebody.
fn witness(disk: &dyn Disk, dir: &Path, root: &SecretKey, lsn: u64) -> io::Result<()> {
    let lsn = lsn.to_be_bytes();
    disk::replace(disk, &witness_path(dir), &[&lsn[..], &crypto::keyed_hash(root, &lsn)].concat())
}

/// The record that the journal must at least reach.
fn witnessed(disk: &dyn Disk, dir: &Path, root: &SecretKey) -> Result<u64, OpenError> {
    let path = witness_path(dir);
    let bytes = match disk::read_all(disk, &path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
        other => other.map_err(|e| OpenError::Io(path.clone(), e))?,
    };
    match bytes.split_first_chunk::<8>() {
        Some((lsn, check)) if crypto::keyed_hash(root, lsn) == check => Ok(u64::from_be_bytes(*lsn)),
        _ => Err(OpenError::Damaged { file: path, offset: 0, what: "not what was written".into() }),
    }
}

fn witness_path(dir: &Path) -> PathBuf {
    dir.join("reached")
}

/// What reading the journal found.
#[derive(Debug, Default)]
pub(super) struct Extent {
    /// Of the first segment.
    pub(super) first: u64,
    /// The last frame.
    pub(super) last: u64,
    pub(super) bytes: u64,
    /// A torn end is behind this offset of this file; it was never acknowledged.
    pub(super) torn: Option<(PathBuf, u64)>,
}

/// What to do with a torn end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Torn {
    Cut,
    Leave,
}

/// Reads every frame of every segment in order and hands those above `after` to `apply`.
/// `known`: the journal is known to have held this number; a torn end at or below it is damage.
pub(super) fn read(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    root: &SecretKey,
    known: u64,
    torn: Torn,
    mut apply: impl FnMut(u64, Changes) -> Result<(), StoreError>,
) -> Result<Extent, OpenError> {
    let known = known.max(witnessed(disk.as_ref(), dir, root)?);
    let dir = folder(dir);
    let segments = segments(disk.as_ref(), &dir)?;
    let mut extent = Extent::default();
    let mut end = (PathBuf::new(), 0);
    for (index, first) in segments.iter().enumerate() {
        let path = segment_path(&dir, *first);
        let mut reader = Reader::open(disk, &path, Kind::Journal, root)?;
        let damaged = |offset, what: String| OpenError::Damaged { file: path.clone(), offset, what };
        if reader.first != *first {
            return Err(damaged(0, "its name is not its own".into()));
        }
        if index > 0 && *first != extent.last + 1 {
            let (file, offset) = std::mem::take(&mut end);
            let what = format!("record {} should follow; a part of the journal is missing", extent.last + 1);
            return Err(OpenError::Damaged { file, offset, what });
        }
        if index == 0 {
            (extent.first, extent.last) = (*first, first.saturating_sub(1));
        }
        loop {
            let offset = reader.offset;
            match reader.next() {
                Ok(None) => break,
                Ok(Some(frame)) if frame.number == extent.last + 1 => {
                    let changes = decode(&frame.plain).ok_or_else(|| damaged(offset, "not a batch".into()))?;
                    apply(frame.number, changes)?;
                    extent.last = frame.number;
                }
                Ok(Some(_)) => return Err(damaged(offset, "a record out of order".into())),
                Err(ReadError::Io(e)) => return Err(OpenError::Io(path, e)),
                Err(ReadError::Bad) => {
                    let is_last = index + 1 == segments.len();
                    let follows = match reader.any_after(offset) {
                        Ok(follows) => follows,
                        Err(ReadError::Io(e)) => return Err(OpenError::Io(path, e)),
                        Err(ReadError::Bad) => true,
                    };
                    if !is_last || follows || extent.last < known {
                        let what = format!("record {} is not what was written", extent.last + 1);
                        return Err(damaged(offset, what));
                    }
                    if torn == Torn::Cut {
                        reader.cut().map_err(|e| OpenError::Io(path.clone(), e))?;
                    }
                    extent.torn = Some((path.clone(), offset));
                    break;
                }
            }
        }
        extent.bytes += reader.offset;
        end = (path, reader.offset);
    }
    if segments.is_empty() {
        return Err(OpenError::Damaged { file: dir, offset: 0, what: "the journal is missing".into() });
    }
    if extent.last < known {
        let what = format!("the journal ends at record {}, but {known} was acknowledged", extent.last);
        return Err(OpenError::Damaged { file: end.0, offset: end.1, what });
    }
    Ok(extent)
}

/// What the records after `after` through `through` came to. All of them are in segments that are closed.
pub(super) fn changes(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    root: &SecretKey,
    after: u64,
    through: u64,
) -> Result<Changes, OpenError> {
    let dir = folder(dir);
    let segments = segments(disk.as_ref(), &dir)?;
    let (mut all, mut last) = (Changes::new(), after);
    for (index, first) in segments.iter().enumerate() {
        let is_over = segments.get(index + 1).is_some_and(|next| *next <= after + 1);
        if is_over || *first > through {
            continue;
        }
        let path = segment_path(&dir, *first);
        let mut reader = Reader::open(disk, &path, Kind::Journal, root)?;
        while last < through {
            let offset = reader.offset;
            let frame = match reader.next() {
                Ok(Some(frame)) if frame.number <= after => continue,
                Ok(Some(frame)) if frame.number == last + 1 => decode(&frame.plain),
                Ok(None) => break,
                Err(ReadError::Io(e)) => return Err(OpenError::Io(path, e)),
                Ok(Some(_)) | Err(ReadError::Bad) => None,
            };
            let what = || format!("record {} is not what was written", last + 1);
            all.extend(frame.ok_or_else(|| OpenError::Damaged { file: path.clone(), offset, what: what() })?);
            last += 1;
        }
    }
    match last == through {
        true => Ok(all),
        false => {
            let what = format!("records {} to {through} are missing", last + 1);
            Err(OpenError::Damaged { file: dir, offset: 0, what })
        }
    }
}

/// Removes the segments that hold nothing after `lsn`. The last one stays.
pub(super) fn cut(disk: &dyn Disk, dir: &Path, lsn: u64) -> Result<(), StoreError> {
    let dir = folder(dir);
    let segments = segments(disk, &dir)?;
    for pair in segments.windows(2) {
        if let [first, next] = pair
            && *next <= lsn + 1
        {
            disk.remove(&segment_path(&dir, *first))?;
        }
    }
    Ok(disk.sync_dir(&dir)?)
}

/// The first numbers of all segments. Files half made are removed.
pub(super) fn segments(disk: &dyn Disk, dir: &Path) -> Result<Vec<u64>, OpenError> {
    let names = disk.list(dir).map_err(|e| OpenError::Io(dir.to_owned(), e))?;
    let number = |name: &String| u64::from_str_radix(name.strip_suffix(".wal")?, 16).ok();
    Ok(names.iter().filter_map(number).collect())
}

pub(super) fn folder(dir: &Path) -> PathBuf {
    dir.join("journal")
}

pub(super) fn segment_path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:016x}.wal"))
}

/// Per row: length of the key, key, length of the value or all ones for a deletion, value.
pub(super) fn encode(changes: &Changes) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in changes {
        encode_row(&mut bytes, key, value.as_deref());
    }
    bytes
}

pub(super) fn encode_row(bytes: &mut Vec<u8>, key: &[u8], value: Option<&[u8]>) {
    bytes.extend_from_slice(&u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend_from_slice(key);
    let length = value.map_or(u32::MAX, |value| u32::try_from(value.len()).unwrap_or(u32::MAX));
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(value.unwrap_or_default());
}

pub(super) fn decode(mut bytes: &[u8]) -> Option<Changes> {
    let mut changes = Changes::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (key, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length);
        if length == u32::MAX {
            changes.insert(key.to_vec(), None);
            bytes = rest;
            continue;
        }
        let (value, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        changes.insert(key.to_vec(), Some(value.to_vec()));
        bytes = rest;
    }
    Some(changes)
}
