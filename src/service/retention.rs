//! Retention: what each account lets expire, by its own number of days. A sweep can be previewed: it then only counts.

use std::time::Duration;

use super::jobs::{file_ref, job_key};
use super::{Committed, Service, failed, person, put, unreadable};
use crate::domain::account::Account;
use crate::domain::attempt::{Attempt, AttemptStatus};
use crate::domain::audit::{Act, Actor};
use crate::domain::id::Id;
use crate::domain::job::{InputFile, Job};
use crate::domain::refusal::Stop;
use crate::domain::time::Timestamp;
use crate::store::tables::{Table, decode, key};
use crate::store::{Commit, Expect, FileRef};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Attempts forgotten at a time: each forgetting rewrites the journal once.
const BATCH: usize = 500;

/// Whether a sweep removes or only counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Preview,
    Remove,
}

/// What a sweep removed, or would remove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub photos: u64,
    pub clips: u64,
    pub attempts: u64,
}

impl Service {
    /// Applies every account's retention, by itself or because somebody asked for it.
    pub fn sweep_retention(&self, by: &Actor, mode: Mode) -> Result<Swept, Stop> {
        let now = self.clock.now();
        let mut swept = Swept::default();
        for account in self.accounts()? {
            self.sweep_account(&account, now, mode, &mut swept)?;
        }
        if mode == Mode::Remove && swept != Swept::default() {
            let Swept { photos, clips, attempts } = swept;
            let counts = format!("{photos} photos, {clips} clips, {attempts} attempts");
            self.note(by, Act::RetentionApplied, Some(counts))?;
        }
        Ok(swept)
    }

    /// Removes files that no record names: what a crash left between a file and its commit.
    pub fn sweep_orphans(&self) -> Result<u64, Stop> {
        self.store.sweep_files(files_of).map_err(failed)
    }

    fn sweep_account(&self, account: &Account, now: Timestamp, mode: Mode, swept: &mut Swept) -> Result<(), Stop> {
        let rules = account.retention;
        let Some(youngest) = [rules.photos_days, rules.clips_days, rules.attempts_days].into_iter().flatten().min()
        else {
            return Ok(());
        };
        let due = |days: Option<u32>, at: Timestamp| days.is_some_and(|days| now.since(at) >= DAY * days);
        let mut after: Option<Vec<u8>> = None;
        let mut expired: Vec<(Id, Id)> = Vec::new();
        'pages: loop {
            let page = self.store.scan(Table::Attempts, &key(&[account.id]), after.as_deref(), 256).map_err(failed)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (_, value) in &page {
                let attempt: Attempt = decode(value).map_err(|bad| unreadable(Table::Attempts, bad))?;
                // Attempts lie in the order of their creation: what follows is younger still.
                if !due(Some(youngest), attempt.created_at) {
                    break 'pages;
                }
                if attempt.status_at(now) == AttemptStatus::Pending {
                    continue;
                }
                if due(rules.attempts_days, attempt.created_at) {
                    swept.attempts += 1;
                    expired.push((account.id, attempt.id));
                    continue;
                }
                for job in self.jobs_of(account.id, attempt.id)? {
                    self.sweep_files_of(&job, now, mode, swept, |file| {
                        let days = if file.field == "clip" { rules.clips_days } else { rules.photos_days };
                        due(days, attempt.created_at)
                    })?;
                }
            }
        }
        if mode == Mode::Remove {
            for batch in expired.chunks(BATCH) {
                self.forget(batch)?;
            }
        }
        Ok(())
    }

    /// First the record says that a file is gone, then it goes: a crash in between leaves an orphan for the sweeper.
    fn sweep_files_of(
        &self,
        job: &Job,
        now: Timestamp,
        mode: Mode,
        swept: &mut Swept,
        due: impl Fn(&InputFile) -> bool,
    ) -> Result<(), Stop> {
        let expired = |file: &InputFile| file.removed_at.is_none() && due(file);
        let gone: Vec<InputFile> = job.files.iter().filter(|file| expired(file)).cloned().collect();
        if gone.is_empty() || job.is_queued() {
            return Ok(());
        }
        let clips = gone.iter().filter(|file| file.field == "clip").count() as u64;
        swept.clips += clips;
        swept.photos += gone.len() as u64 - clips;
        if mode == Mode::Preview {
            return Ok(());
        }
        let row = job_key(job);
        let Some(before) = self.store.get(Table::Jobs, &row).map_err(failed)? else { return Ok(()) };
        let mut record: Job = decode(&before).map_err(|bad| unreadable(Table::Jobs, bad))?;
        for file in record.files.iter_mut().filter(|file| expired(file)) {
            file.removed_at = Some(now);
        }
        let commit = Commit {
            expects: vec![Expect::Equal(Table::Jobs, row.clone(), before)],
            ops: vec![put(Table::Jobs, row, &record, person(job.account, job.attempt))?],
        };
        // A finished job changes only by erasure, which took the files along.
        if self.commit(commit)? == Committed::Done {
            for file in &gone {
                self.store.delete_file(&file_ref(file)?).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// The files that a record refers to.
pub fn files_of(table: Table, value: &[u8]) -> Vec<FileRef> {
    match table {
        // A record that cannot be read is reported where it is used; here its files are merely not known.
        Table::Jobs => decode::<Job>(value).map_or_else(
            |_| Vec::new(),
            |job| {
                let here = job.files.iter().filter(|file| file.removed_at.is_none());
                here.filter_map(|file| file_ref(file).ok()).collect()
            },
        ),
        _ => Vec::new(),
    }
}
