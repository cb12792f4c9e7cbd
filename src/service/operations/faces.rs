//! Faces: how many, and how alike.

use serde_json::json;

use super::liveness::{is_refused, withhold};
use super::{Concluded, Work, invalid};
use crate::config::Config;
use crate::domain::evidence::{Comparison, Examiner, PhotoSeen};
use crate::domain::job::{Outcome, Verdict};

pub(super) fn detect(examiner: &dyn Examiner, config: &Config, work: &Work) -> Concluded {
    match examiner.detect_faces(work.file("file")) {
        Ok(photo) => detected(examiner, config, &photo).into(),
        Err(unusable) => invalid(&unusable).into(),
    }
}

pub(super) fn compare(examiner: &dyn Examiner, config: &Config, work: &Work) -> Concluded {
    match examiner.compare_faces(work.file("document"), work.file("face")) {
        Ok(comparison) => {
            let outcome = compared(examiner, config, &comparison);
            let face = (outcome.verdict == Verdict::Succeeded).then_some(comparison.face_embedding);
            Concluded { face, ..outcome.into() }
        }
        Err(unusable) => invalid(&unusable).into(),
    }
}

fn detected(examiner: &dyn Examiner, config: &Config, photo: &PhotoSeen) -> Outcome {
    let verdict = if photo.face_count > 0 { Verdict::Succeeded } else { Verdict::Failed };
    let mut details = json!({ "file": photo, "models": examiner.models() });
    withhold(config, &mut details);
    Outcome::answered(verdict, json!(photo.face_count), details)
}

fn compared(examiner: &dyn Examiner, config: &Config, seen: &Comparison) -> Outcome {
    let scores = examiner.document_scores();
    let score = scores.similarity(seen.cosine);
    let threshold = scores.cosine_at_fmr(config.faces.match_at_fmr);
    let is_match = seen.cosine.0 >= threshold.0;
    let rate = scores.false_match_rate(seen.cosine);
    let liveness = seen.face.faces.first().and_then(|face| face.liveness).map(|liveness| liveness.verdict);
    let not_live = is_refused(config, liveness.unwrap_or_default());
    let verdict = if is_match && !not_live { Verdict::Succeeded } else { Verdict::Failed };
    let mut details = json!({
        "match": is_match,
        "reasons": if not_live { vec!["not_live"] } else { Vec::new() },
        "cosine": seen.cosine,
        "falseMatchRate": rate.rate,
        "falseMatchRateExtrapolated": rate.extrapolated,
        "threshold": {
            "falseMatchRate": config.faces.match_at_fmr,
            "cosine": threshold,
            "score": scores.similarity(threshold),
        },
        "document": seen.document,
        "face": seen.face,
        "milliseconds": seen.milliseconds,
        "models": examiner.models(),
    });
    withhold(config, &mut details);
    Outcome::answered(verdict, json!(score), details)
}
