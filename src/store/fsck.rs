//! A look at everything without changing anything: journal, checkpoints, index, index rows, keys and files.
//!
//! The truth is built a second time, in a scratch folder, from checkpoint and journal alone; the index is copied before it is
//! opened, because opening it writes.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::checkpoint;
use super::core::Derive;
use super::disk::{Disk, RealDisk};
use super::erasures::Erasures;
use super::error::{OpenError, StoreError};
use super::files::{FileRef, Files};
use super::journal::Torn;
use super::keys::Keys;
use super::kv::Kv;
use super::open::{OpenOptions, lock};
use super::recover::{Source, Unusable};
use super::row::{self, Body};
use super::state::{STATE_KEY, split_key};
use super::tables::{self, Table};

/// Problems told in full; of more only the number.
const PROBLEMS_TOLD: usize = 100;

/// What was looked at and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FsckReport {
    pub journal_records: u64,
    pub rows: u64,
    pub index_rows: u64,
    pub files: u64,
    /// Files that no row refers to: left by a crash, removed at the next start.
    pub orphans: u64,
    /// Journal records that the index does not have yet; it catches up when it is opened.
    pub behind: u64,
    /// The end of a write that was never acknowledged; it is cut off at the next start.
    pub torn: bool,
    /// The first hundred.
    pub problems: Vec<String>,
    pub problems_total: u64,
}

/// Checks the store in `options.dir`, which nobody may have open. `scratch`: an empty folder with room for two indexes.
pub fn fsck(
    options: &OpenOptions,
    scratch: &Path,
    files_of: impl Fn(Table, &[u8]) -> Vec<FileRef>,
) -> Result<FsckReport, OpenError> {
    fsck_with(tables::index_rows, options, scratch, files_of)
}

pub(super) fn fsck_with(
    derive: Derive,
    options: &OpenOptions,
    scratch: &Path,
    files_of: impl Fn(Table, &[u8]) -> Vec<FileRef>,
) -> Result<FsckReport, OpenError> {
    let (dir, disk): (&Path, Arc<dyn Disk>) = (&options.dir, Arc::new(RealDisk));
    let _lock = lock(dir)?;
    let keys = Keys::open(disk.clone(), dir, &options.master)?;
    Erasures::open(&disk, dir, &keys, Torn::Leave)?;
    let mut report = FsckReport::default();
    for _ in 0..keys.people().damaged() {
        report.problem("people.keys: a slot is not what was written; what its key sealed cannot be read".into());
    }
    check_checkpoints(&disk, dir, &keys, &mut report)?;
    let source = |name| Source {
        disk: &disk,
        dir,
        keys: &keys,
        torn: Torn::Leave,
        index: scratch.join(name),
        cache_bytes: options.cache_bytes,
    };
    let truth = match source("truth").rebuild(Unusable { why: String::new(), lsn: 0 }) {
        Ok(truth) => truth,
        Err(e) => {
            report.problem(format!("journal: {e}"));
            return Ok(report);
        }
    };
    report.torn = truth.extent.torn.is_some();
    report.journal_records = truth.extent.last + 1 - truth.extent.first;
    copy(&dir.join("index"), &scratch.join("index")).map_err(|e| OpenError::Io(scratch.to_owned(), e))?;
    match source("index").open_index() {
        Err(unusable) => report.problem(format!("index: {}; it is built again at the next start", unusable.why)),
        Ok((_, state)) if state.lsn < truth.state.lsn => report.behind = truth.state.lsn - state.lsn,
        Ok((_, state)) if state == truth.state => {}
        Ok(_) => report.problem("index: it differs from the journal; build it again".into()),
    }
    let files = Files::new(disk.clone(), dir, &keys);
    let mut check = Check { keys: &keys, files: &files, kv: &truth.kv, derive, report, expected: 0, referred: 0 };
    check.rows(&files_of)?;
    check.files()?;
    Ok(check.report)
}

impl FsckReport {
    fn problem(&mut self, text: String) {
        self.problems_total += 1;
        if self.problems.len() < PROBLEMS_TOLD {
            self.problems.push(text);
        }
    }
}

fn check_checkpoints(disk: &Arc<dyn Disk>, dir: &Path, keys: &Keys, report: &mut FsckReport) -> Result<(), OpenError> {
    for lsn in checkpoint::list(disk.as_ref(), dir)? {
        if let Err(e) = checkpoint::read(disk, dir, &keys.root("checkpoint"), lsn, |_| Ok(())) {
            report.problem(format!("checkpoint: {e}"));
        }
    }
    Ok(())
}

struct Check<'a> {
    keys: &'a Keys,
    files: &'a Files,
    kv: &'a Kv,
    derive: Derive,
    report: FsckReport,
    /// Index rows that the records lead to.
    expected: u64,
    /// Files that rows refer to.
    referred: u64,
}

impl Check<'_> {
    fn rows(&mut self, files_of: &impl Fn(Table, &[u8]) -> Vec<FileRef>) -> Result<(), StoreError> {
        let kv = self.kv;
        kv.each(&mut |full, stored| {
            let Some((table, key)) = split_key(full) else {
                if full != STATE_KEY && full.first() != Some(&0) {
                    self.report.problem("a row of a table that this program does not know".into());
                }
                return;
            };
            match row::open(self.keys, table, key, stored) {
                Err(e) => self.report.problem(e.to_string()),
                Ok(None) => {}
                Ok(Some(_)) if table.is_index() => self.report.index_rows += 1,
                Ok(Some(body)) => {
                    self.report.rows += 1;
                    if let Err(e) = self.record(table, body, files_of) {
                        self.report.problem(e.to_string());
                    }
                }
            }
        })?;
        if self.report.index_rows != self.expected {
            let text = format!("{} index rows where {} should be", self.report.index_rows, self.expected);
            self.report.problem(text);
        }
        Ok(())
    }

    fn record(
        &mut self,
        table: Table,
        body: Body,
        files_of: &impl Fn(Table, &[u8]) -> Vec<FileRef>,
    ) -> Result<(), StoreError> {
        let value = match body {
            Body::Inline(value) => value,
            Body::Spilled(file) => {
                self.referred += 1;
                self.files.get(self.keys, &file)?
            }
        };
        let bad = |_| StoreError::Damaged(format!("a record of {} cannot be read", table.name()));
        for wanted in (self.derive)(table, &value).map_err(bad)? {
            self.expected += 1;
            let found = self.kv.get(&super::commit::full_key(wanted.table, &wanted.key))?;
            let found = found.map(|stored| row::open(self.keys, wanted.table, &wanted.key, &stored)).transpose()?;
            if found.flatten() != Some(Body::Inline(wanted.value)) {
                let text = format!("an index row of {} is missing or wrong", wanted.table.name());
                return Err(StoreError::Damaged(text));
            }
        }
        for file in files_of(table, &value) {
            self.referred += 1;
            self.files.get(self.keys, &file)?;
        }
        Ok(())
    }

    fn files(&mut self) -> Result<(), StoreError> {
        for folder in 0..=u8::MAX {
            for name in self.files.list(folder)?.iter().filter(|name| !name.ends_with(".tmp")) {
                self.report.files += 1;
                if let Err(e) = self.files.check(self.keys, name) {
                    self.report.problem(e.to_string());
                }
            }
        }
        self.report.orphans = self.report.files.saturating_sub(self.referred);
        Ok(())
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let entries = match fs::read_dir(from) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
