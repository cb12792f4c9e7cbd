//! From evidence to verdict: the one place where thresholds are applied.
//!
//! A function of its arguments alone; nothing is read, written or timed here.

use serde_json::{Value, json};

use crate::config::Config;
use crate::domain::evidence::{Comparison, Embedding, Examiner, PhotoSeen, Unusable, UnusableReason};
use crate::domain::job::{Operation, Outcome, Verdict};

/// An outcome, and the selfie's embedding where one may be enrolled later.
pub struct Concluded {
    pub outcome: Outcome,
    pub face: Option<Embedding>,
}

/// Runs `operation` on its files.
pub fn run(
    examiner: &dyn Examiner,
    config: &Config,
    operation: Operation,
    files: &[(&'static str, Vec<u8>)],
) -> Concluded {
    let bytes = |field: &str| files.iter().find(|(name, _)| *name == field).map_or(&[][..], |(_, bytes)| bytes);
    match operation {
        Operation::DetectFaces => match examiner.detect_faces(bytes("file")) {
            Ok(photo) => without_face(detected(examiner, &photo)),
            Err(unusable) => without_face(invalid(&unusable)),
        },
        Operation::CompareFaces => match examiner.compare_faces(bytes("document"), bytes("face")) {
            Ok(comparison) => {
                let outcome = compared(examiner, config, &comparison);
                let face = (outcome.verdict == Verdict::Succeeded).then_some(comparison.face_embedding);
                Concluded { outcome, face }
            }
            Err(unusable) => without_face(invalid(&unusable)),
        },
    }
}

fn without_face(outcome: Outcome) -> Concluded {
    Concluded { outcome, face: None }
}

fn detected(examiner: &dyn Examiner, photo: &PhotoSeen) -> Outcome {
    let verdict = if photo.face_count > 0 { Verdict::Succeeded } else { Verdict::Failed };
    Outcome::answered(verdict, json!(photo.face_count), json!({ "file": photo, "models": examiner.models() }))
}

fn compared(examiner: &dyn Examiner, config: &Config, seen: &Comparison) -> Outcome {
    let scores = examiner.document_scores();
    let score = scores.similarity(seen.cosine);
    let threshold = scores.cosine_at_fmr(config.faces.match_at_fmr);
    let is_match = seen.cosine.0 >= threshold.0;
    let rate = scores.false_match_rate(seen.cosine);
    let verdict = if is_match { Verdict::Succeeded } else { Verdict::Failed };
    let details = json!({
        "match": is_match,
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
    Outcome::answered(verdict, json!(score), details)
}

/// A file that cannot be examined, in a sentence that helps the person with the camera.
fn invalid(unusable: &Unusable) -> Outcome {
    let field = unusable.field;
    let (error, sentence): (&str, String) = match &unusable.why {
        UnusableReason::Empty => ("empty_file", format!("The file in `{field}` is empty.")),
        UnusableReason::UnknownFormat(None) => (
            "unknown_format",
            format!("The file in `{field}` is not a photo that can be read. Send a JPEG, PNG or WebP."),
        ),
        UnusableReason::UnknownFormat(Some(seen)) => {
            ("unknown_format", format!("The file in `{field}` looks like {seen}. Send a JPEG, PNG or WebP."))
        }
        UnusableReason::Damaged => {
            ("damaged_file", format!("The photo in `{field}` is damaged or was cut off. Send it again."))
        }
        UnusableReason::TooManyPixels { width, height } => (
            "too_many_pixels",
            format!(
                "The photo in `{field}` is {width}×{height} pixels. At most 8192 a side and 40 megapixels can be read."
            ),
        ),
        UnusableReason::EngineFailed => (
            "examination_failed",
            format!(
                "The photo in `{field}` could not be examined because of a defect of this server. Try another photo."
            ),
        ),
        UnusableReason::NoFace => (
            "no_face",
            format!("No face was found in `{field}`. Take the photo in even light, with the whole face in view."),
        ),
    };
    let details: Value = json!({ "field": field });
    Outcome::invalid(&sentence, error, details)
}
