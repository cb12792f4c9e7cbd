//! A checkpoint: all rows in one sealed file, from which, with the journal after it, the index can be built again.
//!
//! It is made of the one before and the journal since then, which are authentic; and of the index only where those fail. Reading the
//! index through would also fill memory: sled keeps some 16,000 pages, whatever its limit, before it lets go of the first.
//!
//! One that is made of the index is written while commits go on, so its rows are of different moments between `lsn` and `end`. Because
//! the journal's records are absolute, replaying from `lsn` on through `end` at least gives exactly the state at the end of the replay.

use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::core::Shared;
use super::disk::Disk;
use super::error::{OpenError, StoreError};
use super::frame::{self, Kind, ReadError, Reader, Writer};
use super::journal;
use super::kv::{Direction, Pair};
use super::row;
use super::state::STATE_KEY;
use crate::crypto::SecretKey;

/// Rows in a frame: a few hundred kilobytes, at most 5 MB.
const FRAME_ROWS: usize = 1000;
/// The number of the frame that ends a checkpoint.
const END: u64 = u64::MAX;

/// What a checkpoint covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Covered {
    /// Replay begins after this record.
    pub(super) lsn: u64,
    /// And must reach this one.
    pub(super) end: u64,
    pub(super) rows: u64,
}

pub(super) fn folder(dir: &Path) -> PathBuf {
    dir.join("checkpoint")
}

pub(super) fn path(folder: &Path, lsn: u64) -> PathBuf {
    folder.join(format!("{lsn:016x}.ckp"))
}

/// The checkpoints that there are, oldest first, by their first record.
pub(super) fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<u64>, StoreError> {
    let number = |name: &String| u64::from_str_radix(name.strip_suffix(".ckp")?, 16).ok();
    Ok(disk.list(&folder(dir))?.iter().filter_map(number).collect())
}

/// Writes all rows as they were at record `lsn`, where every segment of the journal that holds records up to it is closed.
pub(super) fn write(
    shared: &Shared,
    lsn: u64,
    position: impl FnOnce() -> Result<u64, StoreError>,
) -> Result<Covered, StoreError> {
    shared.disk.create_dir(&folder(&shared.dir))?;
    from_journal(shared, lsn).or_else(|why| {
        tracing::warn!(error = %why, "the checkpoint is made of the index");
        from_index(shared, lsn, position)
    })
}

/// The rows of the checkpoint before, as the journal changed them since.
fn from_journal(shared: &Shared, lsn: u64) -> Result<Covered, OpenError> {
    let (disk, dir) = (&shared.disk, &shared.dir);
    let before = list(disk.as_ref(), dir)?.pop();
    let changes = journal::changes(disk, dir, &shared.keys.root("journal"), before.unwrap_or(0), lsn)?;
    let mut changes = changes.into_iter().peekable();
    let mut out = Out::create(shared, lsn)?;
    if let Some(before) = before {
        let covered = read(disk, dir, &shared.keys.root("checkpoint"), before, |page| {
            for (key, stored) in page {
                // Those in between, and what has become of this one.
                while let Some((changed, now)) = changes.next_if(|(changed, _)| *changed < key) {
                    out.add(&changed, now.as_deref())?;
                }
                match changes.next_if(|(changed, _)| *changed == key) {
                    Some((_, now)) => out.add(&key, now.as_deref())?,
                    None => out.add(&key, Some(&stored))?,
                }
            }
            Ok(())
        })?;
        if covered.end > lsn {
            let what = format!("it covers record {}, beyond {lsn}", covered.end);
            return Err(OpenError::Damaged { file: path(&folder(dir), before), offset: 0, what });
        }
    }
    for (changed, now) in changes {
        out.add(&changed, now.as_deref())?;
    }
    Ok(out.finish(lsn)?)
}

/// The rows of the index as they are now. `position`: the last record that is in it, asked at the end.
fn from_index(
    shared: &Shared,
    lsn: u64,
    position: impl FnOnce() -> Result<u64, StoreError>,
) -> Result<Covered, StoreError> {
    let mut out = Out::create(shared, lsn)?;
    let mut low = Bound::Unbounded;
    loop {
        let page = shared.kv.range((low, Bound::Unbounded), Direction::Forward, FRAME_ROWS)?;
        let Some((last, _)) = page.last() else { break };
        low = Bound::Excluded(last.clone());
        for (key, stored) in page.iter().filter(|(key, _)| key != STATE_KEY) {
            out.add(key, Some(stored))?;
        }
    }
    out.finish(position()?)
}

/// A checkpoint that is being written, in the order of the keys.
struct Out<'a> {
    shared: &'a Shared,
    path: PathBuf,
    writer: Writer,
    lsn: u64,
    rows: u64,
    frames: u64,
    plain: Vec<u8>,
    /// In `plain`.
    waiting: usize,
}

impl<'a> Out<'a> {
    fn create(shared: &'a Shared, lsn: u64) -> Result<Self, StoreError> {
        let path = path(&folder(&shared.dir), lsn);
        let root = shared.keys.root("checkpoint");
        let writer = Writer::create_unnamed(shared.disk.as_ref(), &path, Kind::Checkpoint, &root, lsn)?;
        Ok(Self { shared, path, writer, lsn, rows: 0, frames: 0, plain: Vec::new(), waiting: 0 })
    }

    /// Rows that are gone, and those of people who were forgotten meanwhile, are dropped here for good.
    fn add(&mut self, key: &[u8], stored: Option<&[u8]>) -> Result<(), StoreError> {
        let Some(stored) = stored.filter(|stored| !is_forgotten(self.shared, stored)) else { return Ok(()) };
        journal::encode_row(&mut self.plain, key, Some(stored));
        self.rows += 1;
        self.waiting += 1;
        if self.waiting == FRAME_ROWS { self.frame() } else { Ok(()) }
    }

    fn frame(&mut self) -> Result<(), StoreError> {
        self.frames += 1;
        self.writer.append(self.frames, &self.plain)?;
        self.plain.clear();
        self.waiting = 0;
        Ok(())
    }

    fn finish(mut self, end: u64) -> Result<Covered, StoreError> {
        if self.waiting > 0 {
            self.frame()?;
        }
        self.writer.append(END, &[end.to_be_bytes(), self.rows.to_be_bytes()].concat())?;
        self.writer.sync()?;
        frame::publish(self.shared.disk.as_ref(), &self.path)?;
        Ok(Covered { lsn: self.lsn, end, rows: self.rows })
    }
}

/// Reads a checkpoint to its end and hands over its rows, each once.
pub(super) fn read(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    root: &SecretKey,
    lsn: u64,
    mut rows: impl FnMut(Vec<Pair>) -> Result<(), StoreError>,
) -> Result<Covered, OpenError> {
    let path = path(&folder(dir), lsn);
    let mut reader = Reader::open(disk, &path, Kind::Checkpoint, root)?;
    let damaged = |offset| OpenError::Damaged { file: path.clone(), offset, what: "not what was written".into() };
    if reader.first != lsn {
        return Err(damaged(0));
    }
    let mut count = 0;
    for number in 1.. {
        let offset = reader.offset;
        let frame = match reader.next() {
            Ok(Some(frame)) => frame,
            Ok(None) | Err(ReadError::Bad) => return Err(damaged(offset)),
            Err(ReadError::Io(e)) => return Err(OpenError::Io(path, e)),
        };
        if frame.number == END {
            let numbers =
                frame.plain.split_first_chunk::<8>().and_then(|(end, rest)| Some((end, rest.first_chunk::<8>()?)));
            let (end, total) = numbers.ok_or_else(|| damaged(offset))?;
            if u64::from_be_bytes(*total) != count {
                return Err(damaged(offset));
            }
            return Ok(Covered { lsn, end: u64::from_be_bytes(*end), rows: count });
        }
        let page = journal::decode(&frame.plain).filter(|_| frame.number == number).ok_or_else(|| damaged(offset))?;
        let page: Vec<Pair> = page.into_iter().filter_map(|(key, stored)| Some((key, stored?))).collect();
        count += page.len() as u64;
        rows(page)?;
    }
    Err(damaged(reader.offset))
}

/// Keeps the newest `keep` checkpoints, and of the journal what the oldest of them needs.
pub(super) fn cut(disk: &dyn Disk, dir: &Path, keep: usize) -> Result<(), StoreError> {
    let all = list(disk, dir)?;
    let (old, kept) = all.split_at(all.len().saturating_sub(keep));
    let Some(oldest) = kept.first() else { return Ok(()) };
    let folder = folder(dir);
    for lsn in old {
        disk.remove(&path(&folder, *lsn))?;
    }
    disk.sync_dir(&folder)?;
    journal::cut(disk, dir, *oldest)
}

fn is_forgotten(shared: &Shared, stored: &[u8]) -> bool {
    row::owner(stored).is_some_and(|owner| shared.keys.is_forgotten(owner))
}
