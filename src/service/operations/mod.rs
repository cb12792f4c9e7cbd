//! From evidence to verdict: the one place where thresholds are applied.
//!
//! A function of its arguments alone; nothing is read, written or timed here.

mod clip_fault;
mod clips;
mod documents;
mod faces;
mod liveness;

use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::domain::clip::Fingerprint;
use crate::domain::evidence::{Embedding, Examiner, Unusable, UnusableReason};
use crate::domain::id::Id;
use crate::domain::job::{Operation, Outcome};
use crate::domain::time::Timestamp;
use crate::domain::user::DocumentNumber;
use crate::service::past::Past;

/// What one job works on.
pub struct Work<'a> {
    pub operation: Operation,
    pub attempt: Id,
    /// The request's fields beside the files, checked when the job was stored.
    pub parameters: &'a Map<String, Value>,
    /// Bytes by field.
    pub files: &'a [(&'static str, Vec<u8>)],
    /// When the job was stored: what an expiry date is held against.
    pub now: Timestamp,
    pub past: &'a Past,
}

impl Work<'_> {
    fn file(&self, field: &str) -> &[u8] {
        self.files.iter().find(|(name, _)| *name == field).map_or(&[][..], |(_, bytes)| bytes)
    }
}

/// An outcome, and what else came out of the examination.
pub struct Concluded {
    pub outcome: Outcome,
    /// The selfie's, where one may be enrolled later, or that of a document's portrait.
    pub face: Option<Embedding>,
    /// Pictures to be kept with the job's own files, by name.
    pub files: Vec<(&'static str, Vec<u8>)>,
    /// Document numbers that were read.
    pub numbers: Vec<DocumentNumber>,
    /// What a clip is known again by.
    pub fingerprint: Option<Fingerprint>,
}

impl From<Outcome> for Concluded {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, face: None, files: Vec::new(), numbers: Vec::new(), fingerprint: None }
    }
}

/// Runs an operation on its files.
pub fn run(examiner: &dyn Examiner, config: &Config, work: &Work) -> Concluded {
    match work.operation {
        Operation::DetectFaces => faces::detect(examiner, config, work),
        Operation::CompareFaces => faces::compare(examiner, config, work),
        Operation::ValidateDocumentType => documents::validate_type(examiner, work),
        Operation::ValidateIdentity => documents::validate_identity(examiner, work),
        Operation::CheckSmile | Operation::CheckBlink | Operation::CheckChallenge => {
            clips::check(examiner, config, work)
        }
    }
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
        UnusableReason::Clip(fault) => clip_fault::say(field, fault),
    };
    let details: Value = json!({ "field": field });
    Outcome::invalid(&sentence, error, details)
}
