//! Faces that another network embedded, embedded anew from their photos: after an upgrade, so that everybody is searched again.
//!
//! One at a time, each in its turn behind the jobs. What cannot be made anew (its photo was never kept, retention removed it, or no
//! face is found in it any more) stays as it is: not searched, counted, and told in every search that it matters to.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::{Committed, Service, failed, person, unreadable};
use crate::domain::evidence::{Embedding, Examiner, FaceKept, Selfie};
use crate::domain::id::Id;
use crate::domain::job::Job;
use crate::domain::refusal::Stop;
use crate::store::tables::{Table, ids, key};
use crate::store::{Commit, Expect, Op, Row};

/// Rows read at a time.
const ROWS_READ: usize = 64;

/// A way through all faces that are kept.
#[derive(Clone, Debug, Default)]
pub struct Walk {
    table: usize,
    after: Option<Vec<u8>>,
    /// Read, and not looked at yet.
    page: VecDeque<Row>,
    pub remade: u64,
    /// Could not be made anew.
    pub left: u64,
}

/// A face that is being made anew.
pub struct Outdated {
    table: Table,
    account: Id,
    subject: Id,
    /// As it is stored.
    row: Vec<u8>,
    selfie: Selfie,
}

/// Where the answer comes; `None`: no face was found.
pub type Answer = oneshot::Receiver<Option<Embedding>>;

impl Walk {
    const TABLES: [Table; 2] = [Table::UserFaces, Table::BlockedFaces];
}

impl Service {
    /// Enrolled and blocked faces, of all accounts, that no search goes through: another network made them.
    pub fn faces_not_searched(&self) -> usize {
        let Some(by) = self.embedder.get() else { return 0 };
        self.gallery.made_by_others(*by) + self.blocked.made_by_others(*by)
    }

    /// Goes on to the next face that can be made anew, and asks for that. `None` at the end of the way. When refused because the
    /// queue is full, the way has not gone on.
    pub fn ask_anew(&self, walk: &mut Walk) -> Result<Option<(Outdated, Answer)>, Stop> {
        while let Some(table) = Walk::TABLES.get(walk.table).copied() {
            let Some((at, row)) = walk.page.front() else {
                let page = self.store.scan(table, &[], walk.after.as_deref(), ROWS_READ).map_err(failed)?;
                match page.last() {
                    Some((last, _)) => walk.after = Some(last.clone()),
                    None => (walk.table, walk.after) = (walk.table + 1, None),
                }
                walk.page = page.into();
                continue;
            };
            let [account, subject] = ids(at).map_err(|bad| unreadable(table, bad))?;
            let kept = FaceKept::from_bytes(row);
            let mut asked = None;
            if Some(&kept.embedding.by) != self.embedder.get() {
                let photo = kept.selfie.map(|selfie| self.photo_of(account, selfie)).transpose()?.flatten();
                match (kept.selfie, photo) {
                    (Some(selfie), Some(photo)) => {
                        let embed =
                            move |examiner: &dyn Examiner| examiner.embed_face(&photo).ok().map(|seen| seen.embedding);
                        let answer = self.ask_examiner(None, embed)?;
                        asked = Some((Outdated { table, account, subject, row: row.clone(), selfie }, answer));
                    }
                    _ => walk.left += 1,
                }
            }
            walk.page.pop_front();
            if asked.is_some() {
                return Ok(asked);
            }
        }
        Ok(None)
    }

    /// Puts a face in the place of the one that was there when it was asked for, if that is still there.
    pub fn take_anew(&self, outdated: &Outdated, embedding: Option<Embedding>, walk: &mut Walk) -> Result<(), Stop> {
        let Outdated { table, account, subject, row, selfie } = outdated;
        let Some(embedding) = embedding else {
            walk.left += 1;
            return Ok(());
        };
        let (at, owner) = (key(&[*account, *subject]), person(*account, *subject));
        let face = FaceKept { embedding, selfie: Some(*selfie) };
        let commit = Commit {
            expects: vec![Expect::Equal(*table, at.clone(), row.clone())],
            ops: vec![Op::Put { table: *table, key: at, value: face.to_bytes(), owner }],
        };
        // Enrolled otherwise, or erased, in between.
        if self.commit(commit)? == Committed::Conflict {
            return Ok(());
        }
        let gallery = if *table == Table::UserFaces { &self.gallery } else { &self.blocked };
        gallery.insert(*account, *subject, &face.embedding);
        // Erased in between: whoever erases takes the face out before, and would have missed it.
        if matches!(self.face_kept(*table, *account, *subject), Ok(None)) {
            gallery.remove(*account, *subject);
        }
        walk.remade += 1;
        Ok(())
    }

    /// The photo that a face was made of, if it is still kept.
    fn photo_of(&self, account: Id, Selfie { attempt, job }: Selfie) -> Result<Option<Vec<u8>>, Stop> {
        let Some(job) = self.record::<Job>(Table::Jobs, &key(&[account, attempt, job]))? else { return Ok(None) };
        let file = job.selfie_field().and_then(|field| job.files.iter().find(|file| file.field == field));
        match file.filter(|file| file.removed_at.is_none()) {
            None => Ok(None),
            Some(file) => self.file(file).map(Some).or_else(|stop| {
                tracing::warn!(job = %job.id, "a photo cannot be read, and its face stays as it is: {stop}");
                Ok(None)
            }),
        }
    }
}
