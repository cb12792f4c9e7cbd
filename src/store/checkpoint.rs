//! A checkpoint: all rows in one sealed file, from which, with the journal after it, the index can be built again.
//!
//! It is written while commits go on, so its rows are of different moments between `lsn` and `end`. Because the journal's
//! records are absolute, replaying from `lsn` on through `end` at least gives exactly the state at the end of the replay.

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

/// Writes all rows as they are now. `lsn`: all up to it is in the index; `position`: the last record that is, asked at the end.
pub(super) fn write(
    shared: &Shared,
    lsn: u64,
    position: impl FnOnce() -> Result<u64, StoreError>,
) -> Result<Covered, StoreError> {
    let (disk, folder) = (shared.disk.as_ref(), folder(&shared.dir));
    disk.create_dir(&folder)?;
    let path = path(&folder, lsn);
    let root = shared.keys.root("checkpoint");
    let mut writer = Writer::create_unnamed(disk, &path, Kind::Checkpoint, &root, lsn)?;
    let mut covered = Covered { lsn, end: lsn, rows: 0 };
    let mut low = Bound::Unbounded;
    for number in 1.. {
        let page = shared.kv.range((low, Bound::Unbounded), Direction::Forward, FRAME_ROWS)?;
        let Some((last, _)) = page.last() else { break };
        low = Bound::Excluded(last.clone());
        let mut plain = Vec::new();
        // Rows of people who were forgotten while they were being written are dropped here for good.
        for (key, stored) in page.iter().filter(|(key, stored)| key != STATE_KEY && !is_forgotten(shared, stored)) {
            journal::encode_row(&mut plain, key, Some(stored));
            covered.rows += 1;
        }
        writer.append(number, &plain)?;
    }
    covered.end = position()?;
    writer.append(END, &[covered.end.to_be_bytes(), covered.rows.to_be_bytes()].concat())?;
    writer.sync()?;
    frame::publish(disk, &path)?;
    Ok(covered)
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
