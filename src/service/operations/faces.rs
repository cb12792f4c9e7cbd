//! Faces: how many, and how alike.

use serde_json::{Value, json};

use super::liveness::{is_refused, withhold};
use super::{Concluded, Work, invalid};
use crate::config::{Config, LivenessRequired};
use crate::domain::evidence::{Examiner, PhotoSeen};
use crate::domain::job::{Outcome, Verdict};
use crate::domain::liveness::Reality;
use crate::domain::score::{Cosine, ScoreTable, Similarity};
use crate::domain::user::DocumentNumber;

pub(super) fn detect(examiner: &dyn Examiner, config: &Config, work: &Work) -> Concluded {
    match examiner.detect_faces(work.file("file")) {
        Ok(photo) => detected(examiner, config, &photo).into(),
        Err(unusable) => invalid(work, &unusable).into(),
    }
}

/// A selfie against the portrait on a document.
pub(super) fn compare(examiner: &dyn Examiner, config: &Config, work: &Work) -> Concluded {
    let comparison = match examiner.compare_faces(work.file("document"), work.file("face")) {
        Ok(comparison) => comparison,
        Err(unusable) => return invalid(work, &unusable).into(),
    };
    let judged = Judged::of(examiner.document_scores(), config, work, comparison.cosine, &comparison.face);
    let seen = json!({
        "document": comparison.document,
        "face": comparison.face,
        "milliseconds": comparison.milliseconds,
        "models": examiner.models(),
    });
    let face = (judged.verdict == Verdict::Succeeded).then_some(comparison.face_embedding);
    Concluded { face, ..judged.concluded(config, seen) }
}

/// A selfie against the face that was enrolled under a document number.
pub(super) fn compare_enrolled(examiner: &dyn Examiner, config: &Config, work: &Work) -> Concluded {
    let refuse = |sentence, error| Concluded::from(Outcome::invalid(sentence, error, json!({ "field": "documentId" })));
    let number = work.parameters.get("documentId").and_then(Value::as_str).and_then(DocumentNumber::parse);
    let enrolled = match number.map(|number| work.people.enrolled(&number)).transpose() {
        Ok(Some(Some(enrolled))) => enrolled,
        Ok(_) => return refuse("Nobody is enrolled with a face under this `documentId`.", "not_enrolled"),
        Err(stop) => {
            tracing::error!(job = %work.job.id, "an enrolled face cannot be read: {stop}");
            return refuse("The enrolled face could not be read.", "enrolled_face_unreadable");
        }
    };
    let seen = match examiner.embed_face(work.file("face")) {
        Ok(seen) => seen,
        Err(unusable) => return invalid(work, &unusable).into(),
    };
    let Some(cosine) = enrolled.face.cosine(&seen.embedding) else {
        return refuse(
            "The face under this `documentId` was enrolled by another model. Enrol it again.",
            "other_model",
        );
    };
    let judged = Judged::of(examiner.photo_scores(), config, work, cosine, &seen.photo);
    let details = json!({
        "face": seen.photo,
        "milliseconds": seen.milliseconds,
        "models": examiner.models(),
        "people": { "enrolled": enrolled.user },
    });
    let face = (judged.verdict == Verdict::Succeeded).then_some(seen.embedding);
    Concluded { face, ..judged.concluded(config, details) }
}

fn detected(examiner: &dyn Examiner, config: &Config, photo: &PhotoSeen) -> Outcome {
    let verdict = if photo.face_count > 0 { Verdict::Succeeded } else { Verdict::Failed };
    let mut details = json!({ "file": photo, "models": examiner.models() });
    withhold(config, &mut details);
    Outcome::answered(verdict, json!(photo.face_count), details)
}

/// A comparison held against its threshold.
struct Judged {
    verdict: Verdict,
    score: Similarity,
    details: Value,
    findings: Vec<String>,
}

impl Judged {
    fn of(scores: &ScoreTable, config: &Config, work: &Work, cosine: Cosine, face: &PhotoSeen) -> Judged {
        let (threshold, requested) = threshold(scores, config, work);
        let is_match = cosine.0 >= threshold.0;
        let rate = scores.false_match_rate(cosine);
        let liveness = face.faces.first().and_then(|face| face.liveness).map(|liveness| liveness.verdict);
        let liveness = liveness.unwrap_or_default();
        let not_live = is_refused(config, liveness);
        let looks_false = liveness == Reality::Spoof && config.liveness.required != LivenessRequired::Off;
        let default = scores.cosine_at_fmr(config.faces.match_at_fmr);
        let at_rate =
            if threshold == default { config.faces.match_at_fmr } else { scores.false_match_rate(threshold).rate };
        Judged {
            verdict: if is_match && !not_live { Verdict::Succeeded } else { Verdict::Failed },
            score: scores.similarity(cosine),
            details: json!({
                "match": is_match,
                "reasons": if not_live { vec!["not_live"] } else { Vec::new() },
                "cosine": cosine,
                "falseMatchRate": rate.rate,
                "falseMatchRateExtrapolated": rate.extrapolated,
                "threshold": {
                    "falseMatchRate": at_rate,
                    "cosine": threshold,
                    "score": scores.similarity(threshold),
                    "requested": requested,
                },
            }),
            findings: if looks_false { vec!["not_live".to_owned()] } else { Vec::new() },
        }
    }

    fn concluded(self, config: &Config, seen: Value) -> Concluded {
        let mut details = self.details;
        if let (Value::Object(details), Value::Object(seen)) = (&mut details, seen) {
            details.extend(seen);
        }
        withhold(config, &mut details);
        let outcome = Outcome::answered(self.verdict, json!(self.score), details);
        Concluded { findings: self.findings, ..outcome.into() }
    }
}

/// From which cosine faces count as one person's, and the similarity that the client asked for. A client may ask for more
/// than the least that the workflow allows, never for less.
fn threshold(scores: &ScoreTable, config: &Config, work: &Work) -> (Cosine, Option<f64>) {
    let default = scores.cosine_at_fmr(config.faces.match_at_fmr);
    let least = work.threshold_min.map_or(default, |score| scores.cosine_at_similarity(Similarity(score)));
    let requested = work.parameters.get("threshold").and_then(Value::as_f64);
    let wanted = requested.map_or(default, |score| scores.cosine_at_similarity(Similarity(score)));
    (if wanted.0 > least.0 { wanted } else { least }, requested)
}
