//! A selfie among everyone who is enrolled: the same face under another number is worth a person's look.

use serde_json::json;

use super::{Concluded, Work};
use crate::config::Config;
use crate::domain::evidence::{Embedder, Embedding, Examiner};
use crate::domain::id::Id;
use crate::domain::job::{Outcome, Verdict};
use crate::domain::refusal::Stop;
use crate::domain::score::Cosine;
use crate::domain::user::DocumentNumber;

/// People shown as alike. More would tell nothing further.
const SHOWN_MAX: usize = 5;

/// Whom an account has enrolled, and whom it has blocked, as far as an examination may ask.
pub trait People {
    /// The user of that number with the enrolled face, if there are both.
    fn enrolled(&self, number: &DocumentNumber) -> Result<Option<Enrolled>, Stop>;

    /// How many faces a search for one of `by`'s goes through.
    fn count(&self, by: Embedder) -> Count;

    /// Whether it goes through every face that is enrolled or blocked.
    fn is_complete(&self, by: Embedder) -> bool;

    /// The users whose faces are at least that like `face`, the most alike first, without the user of one of `numbers`.
    fn alike(
        &self,
        face: &Embedding,
        at_least: Cosine,
        limit: usize,
        numbers: &[DocumentNumber],
    ) -> Result<Vec<Alike>, Stop>;

    fn is_face_blocked(&self, face: &Embedding, at_least: Cosine) -> Result<bool, Stop>;

    fn is_number_blocked(&self, number: &DocumentNumber) -> Result<bool, Stop>;
}

pub struct Enrolled {
    pub user: Id,
    pub face: Embedding,
}

/// The faces of an account, from a probe's view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub searched: usize,
    /// Made by another network than the probe.
    pub not_searched: usize,
}

/// One of the people most like a face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alike {
    pub user: Id,
    pub cosine: Cosine,
}

/// From which cosine two enrolled faces count as one person's.
pub(super) fn threshold(examiner: &dyn Examiner, config: &Config) -> Cosine {
    examiner.photo_scores().cosine_at_fmr(config.faces.duplicate_at_fmr)
}

/// Always succeeds: what it finds is for the workflow's `fail_on` and `review_on`.
pub(super) fn search(
    examiner: &dyn Examiner,
    config: &Config,
    work: &Work,
    selfie: Option<&Embedding>,
    numbers: &[DocumentNumber],
) -> Concluded {
    let found = found(examiner, config, work, selfie, numbers);
    found.unwrap_or_else(|stop| {
        tracing::error!(job = %work.job.id, "the enrolled people cannot be searched: {stop}");
        Outcome::invalid("The enrolled people could not be searched.", "search_failed", json!({})).into()
    })
}

fn found(
    examiner: &dyn Examiner,
    config: &Config,
    work: &Work,
    selfie: Option<&Embedding>,
    numbers: &[DocumentNumber],
) -> Result<Concluded, Stop> {
    let scores = examiner.photo_scores();
    let threshold = threshold(examiner, config);
    let (mut alike, mut blocked_face, mut blocked_number) = (Vec::new(), false, false);
    let (mut among, mut incomplete) = (Count::default(), false);
    if let Some(selfie) = selfie {
        // Someone who signs up again under a number that is taken is no duplicate: that the number is taken is said elsewhere.
        alike = work.people.alike(selfie, threshold, SHOWN_MAX, numbers)?;
        blocked_face = work.people.is_face_blocked(selfie, threshold)?;
        among = work.people.count(selfie.by);
        incomplete = !work.people.is_complete(selfie.by);
    }
    for number in numbers {
        blocked_number |= work.people.is_number_blocked(number)?;
    }
    let findings = [
        ("duplicate_identity", !alike.is_empty()),
        ("blocked_face", blocked_face),
        ("blocked_number", blocked_number),
        ("people_incomplete", incomplete),
    ];
    let people: Vec<_> = alike
        .iter()
        .map(|found| json!({ "user": found.user, "score": scores.similarity(found.cosine), "cosine": found.cosine }))
        .collect();
    let details = json!({
        "searched": among.searched,
        "notSearched": among.not_searched,
        "threshold": { "falseMatchRate": config.faces.duplicate_at_fmr, "cosine": threshold },
        "people": people,
    });
    let findings = findings.into_iter().filter(|(_, holds)| *holds).map(|(slug, _)| slug.to_owned()).collect();
    Ok(Concluded { findings, ..Outcome::answered(Verdict::Succeeded, json!(alike.len()), details).into() })
}
