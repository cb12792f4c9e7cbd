//! Who is enrolled and who is blocked in one account, as an examination and a search may ask.

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::operations::people::{Alike, Count, Enrolled, People};
use super::operations::say_unusable;
use super::{Service, failed, unreadable};
use crate::domain::evidence::{Embedder, Embedding, FaceKept};
use crate::domain::id::Id;
use crate::domain::refusal::{Refusal, Stop};
use crate::domain::score::{Cosine, FalseMatchRate, ScoreTable, Similarity};
use crate::domain::user::{DocumentNumber, User};
use crate::store::tables::{Table, document_key, ids, key};

/// Faces read from the store at a time when the gallery is filled.
const ROWS_READ: usize = 1024;

/// The people of `account`.
pub(super) struct AccountPeople<'a> {
    pub(super) service: &'a Service,
    pub(super) account: Id,
}

impl People for AccountPeople<'_> {
    fn enrolled(&self, number: &DocumentNumber) -> Result<Option<Enrolled>, Stop> {
        let Some(user) = self.service.user_of_number(self.account, number)? else { return Ok(None) };
        Ok(self.service.enrolled_face(self.account, user)?.map(|face| Enrolled { user, face }))
    }

    fn count(&self, by: Embedder) -> Count {
        self.service.gallery.count(self.account, by)
    }

    fn is_complete(&self, by: Embedder) -> bool {
        [&self.service.gallery, &self.service.blocked]
            .iter()
            .all(|faces| faces.count(self.account, by).not_searched == 0)
    }

    fn alike(
        &self,
        face: &Embedding,
        at_least: Cosine,
        limit: usize,
        numbers: &[DocumentNumber],
    ) -> Result<Vec<Alike>, Stop> {
        let mut themselves = Vec::new();
        for number in numbers {
            themselves.extend(self.service.user_of_number(self.account, number)?);
        }
        let mut alike = self.service.most_alike(self.account, face, at_least, limit + themselves.len())?;
        alike.retain(|found| !themselves.contains(&found.user));
        alike.truncate(limit);
        Ok(alike)
    }

    fn is_face_blocked(&self, face: &Embedding, at_least: Cosine) -> Result<bool, Stop> {
        self.service.is_face_blocked(self.account, face, at_least)
    }

    fn is_number_blocked(&self, number: &DocumentNumber) -> Result<bool, Stop> {
        self.service.is_number_blocked(self.account, number)
    }
}

/// A face to search for, and how likeness is scored.
pub struct Probe {
    face: Embedding,
    scores: ScoreTable,
}

/// The people most like a probe.
pub struct PeopleFound {
    pub people: Vec<PersonFound>,
    /// How many enrolled faces it was compared with, and how many it could not be.
    pub among: Count,
    /// The lowest score that was asked for.
    pub threshold: Similarity,
}

pub struct PersonFound {
    pub user: User,
    pub score: Similarity,
    /// Of one comparison. Among n people about n times as many strangers reach the score.
    pub false_match_rate: FalseMatchRate,
}

impl Service {
    /// Has a photo's face embedded, in its turn behind the jobs. Nothing of the photo is stored.
    pub fn probe(
        &self,
        face: Vec<u8>,
        memory: Option<OwnedSemaphorePermit>,
    ) -> Result<oneshot::Receiver<Result<Probe, Stop>>, Stop> {
        self.ask_examiner(memory, move |examiner| match examiner.embed_face(&face) {
            Ok(seen) => Ok(Probe { face: seen.embedding, scores: examiner.photo_scores().clone() }),
            Err(unusable) => {
                let (error, sentence) = say_unusable("face", &unusable);
                Err(Refusal::UnusableFile { error, sentence }.into())
            }
        })
    }

    /// The enrolled people most like a probe, none below `threshold` (without one, the score at `faces.match_at_fmr`).
    pub fn search_people(
        &self,
        account: Id,
        probe: &Probe,
        threshold: Option<f64>,
        limit: usize,
    ) -> Result<PeopleFound, Stop> {
        let Probe { face, scores } = probe;
        let at_least = match threshold {
            Some(score) => scores.cosine_at_similarity(Similarity(score)),
            None => scores.cosine_at_fmr(self.config.faces.match_at_fmr),
        };
        let among = self.gallery.count(account, face.by);
        let mut people = Vec::new();
        for Alike { user, cosine } in self.most_alike(account, face, at_least, limit)? {
            // Erased in between: then not found.
            if let Some(user) = self.record::<User>(Table::Users, &key(&[account, user]))? {
                let (score, false_match_rate) = (scores.similarity(cosine), scores.false_match_rate(cosine));
                people.push(PersonFound { user, score, false_match_rate });
            }
        }
        Ok(PeopleFound { people, among, threshold: scores.similarity(at_least) })
    }

    /// The enrolled people most like a face, the most alike first.
    pub fn most_alike(
        &self,
        account: Id,
        face: &Embedding,
        at_least: Cosine,
        limit: usize,
    ) -> Result<Vec<Alike>, Stop> {
        self.gallery.search(account, face, at_least, limit, |user| self.enrolled_face(account, user))
    }

    /// Fills the galleries from the store. Returns how many people are enrolled with a face.
    pub fn load_galleries(&self) -> Result<usize, Stop> {
        self.load_blocked()?;
        let (mut loaded, mut after) = (0, None::<Vec<u8>>);
        loop {
            let page = self.store.scan(Table::UserFaces, &[], after.as_deref(), ROWS_READ).map_err(failed)?;
            let Some((last, _)) = page.last() else { return Ok(loaded) };
            after = Some(last.clone());
            for (row, value) in &page {
                let [account, user] = ids(row).map_err(|bad| unreadable(Table::UserFaces, bad))?;
                match self.gallery.insert(account, user, &FaceKept::from_bytes(value).embedding) {
                    true => loaded += 1,
                    false => tracing::warn!(%user, "an enrolled face cannot be read and is not searched"),
                }
            }
        }
    }

    pub(super) fn enrolled_face(&self, account: Id, user: Id) -> Result<Option<Embedding>, Stop> {
        Ok(self.face_kept(Table::UserFaces, account, user)?.map(|face| face.embedding))
    }

    /// `table`: of users' faces, or of blocked ones.
    pub(super) fn face_kept(&self, table: Table, account: Id, subject: Id) -> Result<Option<FaceKept>, Stop> {
        let face = self.store.get(table, &key(&[account, subject])).map_err(failed)?;
        Ok(face.map(|bytes| FaceKept::from_bytes(&bytes)))
    }

    pub(super) fn user_of_number(&self, account: Id, number: &DocumentNumber) -> Result<Option<Id>, Stop> {
        let bad = |bad| unreadable(Table::UsersByDocument, bad);
        let row = document_key(account, &self.document_index(account, number)).map_err(bad)?;
        let found = self.store.get(Table::UsersByDocument, &row).map_err(failed)?;
        Ok(found.map(|found| ids(&found)).transpose().map_err(bad)?.map(|[id]| id))
    }
}
