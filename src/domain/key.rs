//! API keys. The secret itself exists only in the answer that shows it once; stored is its keyed hash.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::address::Network;
use super::id::Id;
use super::time::Timestamp;

/// What a key may be used for. A key has some of them, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Open sessions.
    Sessions,
    /// Read jobs.
    Jobs,
    /// Read attempts and their files, settle reviews.
    Attempts,
    /// Register and read users.
    Users,
    /// Erase users and attempts.
    Erase,
}

impl Scope {
    pub const ALL: [Scope; 5] = [Scope::Sessions, Scope::Jobs, Scope::Attempts, Scope::Users, Scope::Erase];

    pub fn name(self) -> &'static str {
        match self {
            Scope::Sessions => "sessions",
            Scope::Jobs => "jobs",
            Scope::Attempts => "attempts",
            Scope::Users => "users",
            Scope::Erase => "erase",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.name() == text)
    }
}

/// How a POST that makes a job is answered when the request itself does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerMode {
    /// With the job's id, at once.
    #[default]
    Job,
    /// As if `Prefer: wait=30` had been sent: for clients that expect the operation's own answer.
    Wait,
}

impl AnswerMode {
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "job" => Some(Self::Job),
            "wait" => Some(Self::Wait),
            _ => None,
        }
    }
}

/// What an administrator decides about a key when it is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyTerms {
    /// Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<Scope>,
    /// The first moment at which the key no longer works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Where requests may come from. Empty: from anywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Network>,
    #[serde(default, skip_serializing_if = "AnswerMode::is_default")]
    pub answer: AnswerMode,
}

/// A secret that was replaced and still works for a while, so that clients can be changed one by one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldSecret {
    pub hash: String,
    pub until: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyRecord {
    pub id: Id,
    pub account: Id,
    /// What the administrator calls it.
    pub name: String,
    /// Keyed hash of the secret, hexadecimal.
    pub secret_hash: String,
    pub created_at: Timestamp,
    #[serde(default)]
    pub revoked_at: Option<Timestamp>,
    #[serde(flatten)]
    pub terms: KeyTerms,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_secret: Option<OldSecret>,
    /// To the minute; what came after the last time it was written down is lost with the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

impl ApiKeyRecord {
    /// Whether the key works at `now` with the secret of that hash, from that address (`None`: not over a network).
    pub fn admits(&self, hash: &str, now: Timestamp, from: Option<IpAddr>) -> bool {
        let is_current = self.secret_hash == hash;
        let is_old = self.old_secret.as_ref().is_some_and(|old| old.hash == hash && now < old.until);
        let here = self.terms.addresses.is_empty()
            || from.is_some_and(|from| self.terms.addresses.iter().any(|network| network.contains(from)));
        self.is_live(now) && (is_current || is_old) && here
    }

    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.terms.expires_at.is_none_or(|end| now < end)
    }

    pub fn may(&self, scope: Scope) -> bool {
        self.terms.scopes.is_empty() || self.terms.scopes.contains(&scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_key_works_until_it_ends_and_only_from_where_it_may() {
        let start = Timestamp::from_millis(1_000_000);
        let later = |seconds| start.after(Duration::from_secs(seconds));
        let terms = KeyTerms {
            scopes: vec![Scope::Jobs],
            expires_at: Some(later(100)),
            addresses: vec!["10.1.0.0/16".parse().unwrap()],
            answer: AnswerMode::Job,
        };
        let id = Id::from_bytes([1; 12]);
        let key = ApiKeyRecord {
            id,
            account: id,
            name: String::new(),
            secret_hash: "new".into(),
            created_at: start,
            revoked_at: None,
            terms,
            old_secret: Some(OldSecret { hash: "old".into(), until: later(10) }),
            last_used_at: None,
        };
        let inside = Some("10.1.2.3".parse().unwrap());
        assert!(key.admits("new", later(99), inside) && !key.admits("new", later(100), inside), "expiry");
        assert!(key.admits("old", later(9), inside) && !key.admits("old", later(10), inside), "rotation");
        assert!(!key.admits("other", start, inside));
        assert!(!key.admits("new", start, Some("10.2.0.1".parse().unwrap())) && !key.admits("new", start, None));
        assert!(key.admits("new", start, Some("::ffff:10.1.9.9".parse().unwrap())), "IPv4 seen through an IPv6 socket");
        assert!(key.may(Scope::Jobs) && !key.may(Scope::Erase));
        assert!(!ApiKeyRecord { revoked_at: Some(start), ..key }.admits("new", start, inside));
    }
}
