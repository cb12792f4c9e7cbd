//! A job: one operation on the files of one attempt. On disk it is queued or finished; "in progress" is never stored.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::id::Id;
use super::score::Cosine;
use super::time::Timestamp;
use super::user::{DocumentNumber, DocumentType};
use super::workflow::{Fault, Workflow};

/// What a job does. The names are those of the attempt's stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    DetectFaces,
    CompareFaces,
    ValidateDocumentType,
    ValidateIdentity,
    CheckSmile,
    CheckBlink,
    CheckChallenge,
    /// Several of them, as a workflow composes them. Its jobs bear the workflow's name.
    Workflow,
}

impl Operation {
    pub const ALL: [Operation; 8] = [
        Self::DetectFaces,
        Self::CompareFaces,
        Self::ValidateDocumentType,
        Self::ValidateIdentity,
        Self::CheckSmile,
        Self::CheckBlink,
        Self::CheckChallenge,
        Self::Workflow,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::DetectFaces => "detect_faces",
            Self::CompareFaces => "compare_faces",
            Self::ValidateDocumentType => "validate_document_type",
            Self::ValidateIdentity => "validate_identity",
            Self::CheckSmile => "check_smile",
            Self::CheckBlink => "check_blink",
            Self::CheckChallenge => "check_challenge",
            Self::Workflow => "workflow",
        }
    }

    /// The form fields that hold its files, all required. A workflow declares its own.
    pub fn file_fields(self) -> &'static [&'static str] {
        match self {
            Self::DetectFaces | Self::ValidateDocumentType | Self::ValidateIdentity => &["file"],
            Self::CompareFaces => &["document", "face"],
            Self::CheckSmile | Self::CheckBlink | Self::CheckChallenge => &["clip"],
            Self::Workflow => &[],
        }
    }
}

/// A workflow as a job runs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkflowRun {
    pub name: String,
    /// SHA-256 of the definition, hexadecimal: tells an edit that forgot to raise the version.
    pub fingerprint: String,
    pub definition: Workflow,
}

/// Whom a succeeded workflow registers once its attempt is SUCCESS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub document_id: DocumentNumber,
    pub document_type: DocumentType,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// What is asked about other people again before anything comes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<CandidateSearch>,
}

/// As the workflow's `search_people` was asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateSearch {
    /// From which faces count as one person's.
    pub cosine: Cosine,
    /// The findings that matter.
    pub findings: Vec<String>,
}

/// A finished job's status, numbered as in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// 2: passed all the validations.
    Succeeded,
    /// 3: did not pass them.
    Failed,
    /// 4: critical information is missing; they could not be started.
    Invalid,
}

impl Verdict {
    pub fn number(self) -> u8 {
        match self {
            Self::Succeeded => 2,
            Self::Failed => 3,
            Self::Invalid => 4,
        }
    }
}

/// What an operation concluded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub verdict: Verdict,
    /// The operation's own answer: `{"code": 200, "result": …}`, or `{"code": 422, "result": {"msg", "error"}}` when Invalid.
    pub output: Value,
    /// Everything that was measured.
    pub details: Value,
}

impl Outcome {
    /// The HTTP status under `Prefer: wait`.
    pub fn http_status(&self) -> u16 {
        match self.verdict {
            Verdict::Succeeded | Verdict::Failed => 200,
            Verdict::Invalid => 422,
        }
    }

    pub fn answered(verdict: Verdict, result: Value, details: Value) -> Self {
        Self { verdict, output: serde_json::json!({"code": 200, "result": result}), details }
    }

    pub fn invalid(msg: &str, error: &str, details: Value) -> Self {
        let output = serde_json::json!({"code": 422, "result": {"msg": msg, "error": error}});
        Self { verdict: Verdict::Invalid, output, details }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "lowercase")]
pub enum JobState {
    Queued,
    Finished {
        started_at: Timestamp,
        finished_at: Timestamp,
        #[serde(flatten)]
        outcome: Outcome,
    },
}

/// A file that came with the request or was cut out of one, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// The form field it came in; `portrait` for what was cut out of a document.
    pub field: String,
    /// Name of the sealed file in the store.
    pub stored_as: String,
    /// Of the plain bytes, hexadecimal.
    pub sha256: String,
    pub bytes: u64,
    /// When retention removed it; the rest of this record stays as evidence of what was examined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub id: Id,
    pub account: Id,
    pub attempt: Id,
    pub operation: Operation,
    pub created_at: Timestamp,
    /// The request's other fields.
    pub parameters: Map<String, Value>,
    /// What came with it, and what was cut out of that.
    pub files: Vec<InputFile>,
    /// Blind indexes, hexadecimal, of the document numbers that were claimed or read: by them the job is found when a person
    /// is to be erased.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub document_indexes: Vec<String>,
    /// How often a restart found it unfinished.
    #[serde(default)]
    pub recoveries: u32,
    /// Of jobs that run a workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Box<WorkflowRun>>,
    /// Fields that the workflow cannot be run with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Candidate>,
    /// Why a person must look at it before anything comes of it, as `step:finding`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub review: Vec<String>,
    pub state: JobState,
}

impl Job {
    /// What it is called, and what its tries count as: its operation, or its workflow.
    pub fn name(&self) -> &str {
        self.workflow.as_ref().map_or(self.operation.name(), |run| &run.name)
    }

    pub fn takes_clip(&self) -> bool {
        match &self.workflow {
            Some(run) => run.definition.takes_clip(),
            None => self.operation.file_fields().contains(&"clip"),
        }
    }

    /// The field of the selfie that its face was made of.
    pub fn selfie_field(&self) -> Option<&str> {
        match &self.workflow {
            Some(run) => run.definition.selfie_field(),
            None => (self.operation == Operation::CompareFaces).then_some("face"),
        }
    }

    pub fn has_succeeded(&self) -> bool {
        matches!(&self.state, JobState::Finished { outcome, .. } if outcome.verdict == Verdict::Succeeded)
    }

    pub fn is_queued(&self) -> bool {
        matches!(self.state, JobState::Queued)
    }
}
