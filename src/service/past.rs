//! What was seen before that a clip is compared with: the session's selfie, and the fingerprints of the account's clips.

use serde::{Deserialize, Serialize};

use super::jobs::job_key;
use super::{Service, failed, person, put, unreadable};
use crate::domain::clip::Fingerprint;
use crate::domain::evidence::Embedding;
use crate::domain::id::Id;
use crate::domain::job::{Job, Operation};
use crate::domain::refusal::Stop;
use crate::domain::time::Timestamp;
use crate::store::Op;
use crate::store::tables::{Table, decode, key};

/// Fingerprints kept for an account. Beyond it the oldest goes: a clip is replayed soon or from a collection.
const CLIPS_REMEMBERED: usize = 1000;
/// Removed with one commit at most.
const SURPLUS_MAX: usize = 16;

/// One clip that was examined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastClip {
    pub attempt: Id,
    pub job: Id,
    pub operation: Operation,
    pub at: Timestamp,
    pub fingerprint: Fingerprint,
}

/// Empty for operations that compare with nothing.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Of the last succeeded compare in the session.
    pub selfie: Option<Embedding>,
    /// The account's, newest session first.
    pub clips: Vec<PastClip>,
    /// Keys of those that are more than is kept.
    surplus: Vec<Vec<u8>>,
}

impl Service {
    pub(super) fn past_of(&self, job: &Job) -> Result<Past, Stop> {
        if !job.takes_clip() {
            return Ok(Past::default());
        }
        let limit = CLIPS_REMEMBERED + SURPLUS_MAX;
        let rows = self.store.scan_back(Table::ClipPrints, &key(&[job.account]), None, limit).map_err(failed)?;
        // One more is about to come.
        let surplus = rows.iter().skip(CLIPS_REMEMBERED - 1).map(|(key, _)| key.clone()).collect();
        let clips = rows.iter().take(CLIPS_REMEMBERED - 1);
        let clips: Result<Vec<PastClip>, Stop> =
            clips.map(|(_, value)| decode(value).map_err(|bad| unreadable(Table::ClipPrints, bad))).collect();
        let selfie = self.selfie_of(job.account, job.attempt)?.map(|face| face.embedding);
        Ok(Past { selfie, clips: clips?, surplus })
    }

    /// Remembers a clip's fingerprint as long as anything about its attempt, and forgets the oldest beyond the limit.
    pub(super) fn remember_clip(
        &self,
        job: &Job,
        at: Timestamp,
        fingerprint: &Fingerprint,
        past: &Past,
    ) -> Result<Vec<Op>, Stop> {
        let clip = PastClip {
            attempt: job.attempt,
            job: job.id,
            operation: job.operation,
            at,
            fingerprint: fingerprint.clone(),
        };
        let mut ops = vec![put(Table::ClipPrints, job_key(job), &clip, person(job.account, job.attempt))?];
        ops.extend(past.surplus.iter().map(|key| Op::Delete { table: Table::ClipPrints, key: key.clone() }));
        Ok(ops)
    }
}
