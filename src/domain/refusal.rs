//! Every way in which the product says no to a request. No HTTP here: `api/error.rs` gives each its number and sentence.

use std::fmt;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Unknown, revoked, expired or malformed credential: one answer for all, so that nothing can be told apart.
    InvalidToken,
    /// The key is live but was not made for this.
    ScopeMissing {
        scope: &'static str,
    },
    UserAgentMissing,
    BadSessionType,
    BadClosingStatus,
    BadDocumentType,
    /// Of the first-generation API's compare.
    BadComparePayload,
    /// A file field is missing.
    FileRequired,
    /// A field is missing or has a value that cannot be used; `must` ends the sentence "`field` must …".
    BadField {
        field: &'static str,
        must: &'static str,
    },
    /// A photo that was to be examined at once cannot be.
    UnusableFile {
        error: &'static str,
        sentence: String,
    },
    /// The body is not what its content type says.
    UnreadableBody,
    UnsupportedBody,
    NoEntity {
        id: String,
    },
    NoRoute,
    NoWorkflow {
        name: String,
    },
    MethodNotAllowed,
    DocumentTaken,
    AttemptNotSuccessful,
    AttemptTaken,
    /// Only an attempt that was closed as REVIEW can be settled.
    AttemptNotInReview,
    BadSettlement,
    /// A user was registered from this attempt: the user is what can be erased.
    AttemptHasUser,
    BodyTooLarge,
    /// A body without files.
    TextTooLarge,
    BodyTooSlow,
    RateLimited {
        retry_after: Duration,
    },
    /// The nonce is of no challenge of this session that is open: unknown, expired or answered.
    ChallengeGone,
    /// All tries of this operation are used up; a new session is needed.
    NoTriesLeft {
        limit: u32,
    },
    /// The queue or the memory for uploads is full.
    Busy,
    NotReady,
    /// An idempotency key is 1 to 255 printable ASCII characters.
    BadIdempotencyKey,
    /// The first request with this idempotency key is still being served.
    RequestInFlight,
    /// The idempotency key was used for a request that said something else.
    OtherRequest,
    StorageFull,
}

/// What stops a verb of the service: a refusal, which is an answer, or a failure, which is ours to mend.
#[derive(Debug)]
pub enum Stop {
    Refused(Refusal),
    Failed(Failure),
}

/// Something of ours broke. The client learns only the request id; the log has this text, which names no person.
#[derive(Debug)]
pub struct Failure(pub String);

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Stop::Refused(refusal)
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failed(failure)
    }
}

/// For the log and the command line.
impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Refused(Refusal::NoEntity { id }) => write!(f, "there is no {id}"),
            Stop::Refused(refusal) => write!(f, "{refusal:?}"),
            Stop::Failed(Failure(why)) => f.write_str(why),
        }
    }
}
