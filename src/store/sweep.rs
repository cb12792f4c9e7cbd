//! Removes files that no row refers to: what was put before a commit that never came, and temporary files.
//!
//! Files put during this run are left alone, whether or not their commit has come.

use std::collections::HashSet;
use std::ops::Bound;

use super::error::StoreError;
use super::kv::Direction;
use super::row::{self, Body};
use super::state::split_key;
use super::tables::Table;
use super::{FileRef, Store};

/// Rows read at a time.
const PAGE: usize = 1000;

impl Store {
    /// `files_of` tells which files a record refers to. Returns how many files were removed.
    pub fn sweep_files(&self, files_of: impl Fn(Table, &[u8]) -> Vec<FileRef>) -> Result<u64, StoreError> {
        // First what lies there, then what is referred to: a file that gains its row in between is not among the first.
        let mut lying = Vec::new();
        for folder in 0..=u8::MAX {
            lying.extend(self.core.shared.files.older(folder)?);
        }
        if lying.is_empty() {
            return Ok(0);
        }
        let wanted = self.referred(files_of)?;
        let mut removed = 0;
        for name in lying.iter().filter(|name| !wanted.contains(*name)) {
            self.core.shared.files.delete(name)?;
            removed += 1;
        }
        Ok(removed)
    }

    fn referred(&self, files_of: impl Fn(Table, &[u8]) -> Vec<FileRef>) -> Result<HashSet<String>, StoreError> {
        let mut names = HashSet::new();
        let mut low = Bound::Unbounded;
        loop {
            // No table's name begins with 0xff.
            let high = Bound::Excluded(vec![u8::MAX]);
            let page = self.core.shared.kv.range((low.clone(), high), Direction::Forward, PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(names) };
            low = Bound::Excluded(last.clone());
            for (full, stored) in &page {
                let Some((table, key)) = split_key(full).filter(|(table, _)| !table.is_index()) else { continue };
                let body = row::open(&self.core.shared.keys, table, key, stored)?;
                if let Some(Body::Spilled(file)) = &body {
                    names.insert(file.name.clone());
                }
                if let Some(value) = self.core.shared.unspill(body)? {
                    names.extend(files_of(table, &value).into_iter().map(|file| file.name));
                }
            }
        }
    }
}
