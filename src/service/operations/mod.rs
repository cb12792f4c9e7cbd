//! From evidence to verdict: the one place where thresholds are applied.
//!
//! A function of its arguments alone; nothing is read, written or timed here.

mod clip_fault;
mod clips;
mod documents;
mod faces;
mod liveness;
pub mod people;
mod workflow;

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Map, Value, json};

use self::people::People;
use crate::config::Config;
use crate::domain::clip::Fingerprint;
use crate::domain::document::DocumentSeen;
use crate::domain::evidence::{Embedding, Examiner, Unusable, UnusableReason};
use crate::domain::job::{Candidate, Job, Operation, Outcome};
use crate::domain::user::DocumentNumber;
use crate::service::past::Past;

/// What one operation works on: a job's, or that of a workflow's step.
pub struct Work<'a> {
    pub job: &'a Job,
    pub operation: Operation,
    /// The request's fields beside the files, checked when the job was stored.
    pub parameters: &'a Map<String, Value>,
    /// By the operation's name for it: the request's name and the bytes.
    pub files: Vec<(&'a str, &'a str, &'a [u8])>,
    /// The lowest similarity that a client's threshold may ask for.
    pub threshold_min: Option<f64>,
    pub past: &'a Past,
    pub people: &'a dyn People,
    documents: Documents,
}

/// Documents that this job has examined, by the request's name for the photo: a workflow's steps share them.
type Documents = Rc<RefCell<Vec<(String, Rc<Result<DocumentSeen, Unusable>>)>>>;

impl<'a> Work<'a> {
    /// What `job` works on; `files` are the bytes by the request's field.
    pub fn of(job: &'a Job, files: &'a [(String, Vec<u8>)], past: &'a Past, people: &'a dyn People) -> Self {
        Self {
            job,
            operation: job.operation,
            parameters: &job.parameters,
            files: files.iter().map(|(name, bytes)| (name.as_str(), name.as_str(), bytes.as_slice())).collect(),
            threshold_min: None,
            past,
            people,
            documents: Documents::default(),
        }
    }

    fn file(&self, field: &str) -> &'a [u8] {
        self.files.iter().find(|(name, ..)| *name == field).map_or(&[][..], |(.., bytes)| bytes)
    }

    /// What the request calls the operation's `field`.
    fn asked_as(&self, field: &'a str) -> &'a str {
        self.files.iter().find(|(name, ..)| *name == field).map_or(field, |(_, asked, _)| asked)
    }

    fn document(&self, examiner: &dyn Examiner) -> Rc<Result<DocumentSeen, Unusable>> {
        let name = self.asked_as("file");
        if let Some((_, seen)) = self.documents.borrow().iter().find(|(known, _)| known == name) {
            return Rc::clone(seen);
        }
        // An expiry date is held against the time at which the job was stored.
        let seen = Rc::new(examiner.examine_document(self.file("file"), self.job.created_at));
        self.documents.borrow_mut().push((name.to_owned(), Rc::clone(&seen)));
        seen
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
    /// What was noticed, as slugs that a workflow may act on.
    pub findings: Vec<String>,
    /// Whom a workflow registers.
    pub candidate: Option<Candidate>,
    /// Why a person must look at it first.
    pub review: Vec<String>,
}

impl From<Outcome> for Concluded {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            face: None,
            files: Vec::new(),
            numbers: Vec::new(),
            fingerprint: None,
            findings: Vec::new(),
            candidate: None,
            review: Vec::new(),
        }
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
        Operation::Workflow => workflow::run(examiner, config, work),
    }
}

/// A file that cannot be examined.
fn invalid(work: &Work, unusable: &Unusable) -> Outcome {
    let field = work.asked_as(unusable.field);
    let (error, sentence) = say_unusable(field, unusable);
    let details: Value = json!({ "field": field });
    Outcome::invalid(&sentence, error, details)
}

/// Slug, and a sentence that helps the person with the camera.
pub fn say_unusable(field: &str, unusable: &Unusable) -> (&'static str, String) {
    match &unusable.why {
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
    }
}
