//! What a request with an idempotency key came to, so that the same request again gets the same answer and has no second effect.

use serde::{Deserialize, Serialize};

use super::id::Id;
use super::time::Timestamp;

/// The effect of a request: what its answer is built from, the first time and each time after.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Effect {
    SessionOpened { token: String },
    SessionClosed { attempt: Id },
    AttemptReviewed { attempt: Id },
    JobStored { job: Id },
    UserRegistered { user: Id },
}

impl std::fmt::Debug for Effect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Effect::SessionOpened { .. } => "SessionOpened(..)",
            Effect::SessionClosed { .. } => "SessionClosed(..)",
            Effect::AttemptReviewed { .. } => "AttemptReviewed(..)",
            Effect::JobStored { .. } => "JobStored(..)",
            Effect::UserRegistered { .. } => "UserRegistered(..)",
        })
    }
}

/// As stored, in the same commit as the effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// Its own key, hexadecimal.
    pub row: String,
    pub account: Id,
    pub at: Timestamp,
    /// Keyed hash of what the request said, hexadecimal: a body may hold a document number.
    pub said: String,
    pub effect: Effect,
}

/// The client's name for a request: 1 to 255 printable ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|b| (b' '..=b'~').contains(&b));
        fits.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_printable_and_bounded_and_an_effect_hides_its_token() {
        assert!(IdempotencyKey::parse("order 4711/b").is_some() && IdempotencyKey::parse(&"k".repeat(255)).is_some());
        for bad in ["", "é", "a\nb", &"k".repeat(256)] {
            assert_eq!(IdempotencyKey::parse(bad), None, "{bad:?}");
        }
        let effect = Effect::SessionOpened { token: "secret".into() };
        assert!(!format!("{effect:?}").contains("secret"));
    }
}
