//! The ordered index: the one file that names sled.
//!
//! It may be lost or damaged at any moment and is then built again from the journal; so nothing is true because it is here,
//! and every call survives a panic inside sled. All tables share one tree, so that one batch changes them together.

use std::fs::File;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// A key within all tables, and the stored bytes.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// The index failed, in sled's words.
#[derive(Debug)]
pub(super) struct IndexError(pub(super) String);

pub(super) struct Kv {
    db: sled::Db,
    data: File,
}

/// From which end a range is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Backward,
}

impl Kv {
    pub(super) fn open(dir: &Path, cache_bytes: u64) -> Result<Kv, IndexError> {
        let db = guarded(|| sled::Config::new().path(dir).cache_capacity(cache_bytes).open())?;
        let data = File::open(dir.join("db")).map_err(|e| IndexError(e.to_string()))?;
        Ok(Kv { db, data })
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        Ok(guarded(|| self.db.get(key))?.map(|value| value.to_vec()))
    }

    /// Up to `limit` pairs between the bounds, from either end.
    pub(super) fn range(
        &self,
        bounds: (Bound<Vec<u8>>, Bound<Vec<u8>>),
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<Pair>, IndexError> {
        if let (Bound::Included(low) | Bound::Excluded(low), Bound::Excluded(high)) = &bounds
            && low >= high
        {
            return Ok(Vec::new());
        }
        guarded(|| {
            let pairs = self.db.range(bounds).map(|pair| pair.map(|(key, value)| (key.to_vec(), value.to_vec())));
            // sled's iterator is double-ended, but `rev` is another type.
            match direction {
                Direction::Forward => pairs.take(limit).collect(),
                Direction::Backward => pairs.rev().take(limit).collect(),
            }
        })
    }

    /// Every pair in order.
    pub(super) fn each(&self, see: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), IndexError> {
        guarded(|| self.db.iter().try_for_each(|pair| pair.map(|(key, value)| see(&key, &value))))
    }

    /// All changes or none, seen together by readers.
    pub(super) fn apply(&self, changes: impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)>) -> Result<(), IndexError> {
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        guarded(|| self.db.apply_batch(batch))
    }

    /// What was applied is on the disk: on Linux sled's own flush stops at `sync_file_range`, which a power cut undoes.
    pub(super) fn sync(&self) -> Result<(), IndexError> {
        guarded(|| self.db.flush())?;
        self.data.sync_data().map_err(|e| IndexError(e.to_string()))
    }
}

fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, IndexError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|e| IndexError(e.to_string())),
        Err(_) => Err(IndexError("the index panicked".into())),
    }
}

impl From<IndexError> for super::error::StoreError {
    fn from(e: IndexError) -> Self {
        super::error::StoreError::Damaged(format!("the index: {}", e.0))
    }
}
