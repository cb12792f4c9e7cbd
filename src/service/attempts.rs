//! Attempts: what a session left behind.

use super::{Service, no_entity};
use crate::domain::attempt::{Attempt, AttemptStatus};
use crate::domain::id::Id;
use crate::domain::job::Job;
use crate::domain::refusal::Stop;
use crate::store::tables::{Table, key};

/// An attempt with its stages.
pub struct AttemptSeen {
    pub attempt: Attempt,
    /// At the time of reading: a session that has run out is EXPIRED at once.
    pub status: AttemptStatus,
    /// Oldest first.
    pub stages: Vec<Job>,
}

impl Service {
    pub fn attempt(&self, account: Id, id: Id) -> Result<AttemptSeen, Stop> {
        let attempt: Attempt = self.record(Table::Attempts, &key(&[account, id]))?.ok_or_else(|| no_entity(id))?;
        let status = attempt.status_at(self.clock.now());
        Ok(AttemptSeen { status, stages: self.jobs_of(account, id)?, attempt })
    }

    /// The bytes of a file that came with one of the attempt's jobs. `name` is as the attempt's stages refer to it.
    pub fn attempt_file(&self, account: Id, id: Id, name: &str) -> Result<Vec<u8>, Stop> {
        let jobs = self.jobs_of(account, id)?;
        let file = jobs.iter().flat_map(|job| &job.files).find(|file| file.stored_as == name);
        self.file(file.filter(|file| file.removed_at.is_none()).ok_or_else(|| no_entity(name))?)
    }
}
