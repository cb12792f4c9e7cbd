//! API keys. The secret itself exists only in the answer that shows it once; stored is its keyed hash.

use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::address::Network;
use super::hex;
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
    /// Read events.
    Events,
}

impl Scope {
    pub const ALL: [Scope; 6] =
        [Scope::Sessions, Scope::Jobs, Scope::Attempts, Scope::Users, Scope::Erase, Scope::Events];

    pub fn name(self) -> &'static str {
        match self {
            Scope::Sessions => "sessions",
            Scope::Jobs => "jobs",
            Scope::Attempts => "attempts",
            Scope::Users => "users",
            Scope::Erase => "erase",
            Scope::Events => "events",
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

/// SHA-256 of the certificate that a client has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientCertificate(pub [u8; 32]);

impl FromStr for ClientCertificate {
    type Err = String;

    /// 64 hexadecimal characters, with or without colons: as openssl prints it.
    fn from_str(text: &str) -> Result<Self, String> {
        let digits: String = text.chars().filter(|c| *c != ':').collect::<String>().to_ascii_lowercase();
        let bytes = hex::decode::<32>(&digits);
        bytes.map(Self).ok_or_else(|| "a fingerprint is 64 hexadecimal characters (SHA-256)".to_owned())
    }
}

impl TryFrom<String> for ClientCertificate {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ClientCertificate> for String {
    fn from(ClientCertificate(digest): ClientCertificate) -> Self {
        hex::encode(&digest)
    }
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// `None`: not over a network.
    pub address: Option<IpAddr>,
    pub certificate: Option<ClientCertificate>,
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
    /// Which client certificates requests may come with. Empty: any, or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<ClientCertificate>,
    #[serde(default, skip_serializing_if = "AnswerMode::is_default")]
    pub answer: AnswerMode,
    /// Of the key and the sessions that it opens, beside what the account has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u32>,
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
    /// Whether the key works at `now` with the secret of that hash, for that caller.
    pub fn admits(&self, hash: &str, now: Timestamp, from: Caller) -> bool {
        let is_current = self.secret_hash == hash;
        let is_old = self.old_secret.as_ref().is_some_and(|old| old.hash == hash && now < old.until);
        let here = self.terms.addresses.is_empty()
            || from.address.is_some_and(|from| self.terms.addresses.iter().any(|network| network.contains(from)));
        let shown = self.terms.certificates.is_empty()
            || from.certificate.is_some_and(|shown| self.terms.certificates.contains(&shown));
        self.is_live(now) && (is_current || is_old) && here && shown
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
            certificates: Vec::new(),
            answer: AnswerMode::Job,
            ..KeyTerms::default()
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
        let at = |address: &str| Caller { address: Some(address.parse().unwrap()), certificate: None };
        let inside = at("10.1.2.3");
        assert!(key.admits("new", later(99), inside) && !key.admits("new", later(100), inside), "expiry");
        assert!(key.admits("old", later(9), inside) && !key.admits("old", later(10), inside), "rotation");
        assert!(!key.admits("other", start, inside));
        assert!(!key.admits("new", start, at("10.2.0.1")) && !key.admits("new", start, Caller::default()));
        assert!(key.admits("new", start, at("::ffff:10.1.9.9")), "IPv4 seen through an IPv6 socket");
        assert!(key.may(Scope::Jobs) && !key.may(Scope::Erase));
        assert!(!ApiKeyRecord { revoked_at: Some(start), ..key }.admits("new", start, inside));
    }

    #[test]
    fn a_key_that_is_bound_to_a_certificate_works_with_that_one_only() {
        let id = Id::from_bytes([1; 12]);
        let start = Timestamp::from_millis(1_000_000);
        let certificate: ClientCertificate = ["AB"; 32].join(":").parse().unwrap();
        assert_eq!(certificate, ClientCertificate([0xab; 32]));
        assert!("ab:cd".parse::<ClientCertificate>().is_err());
        let key = ApiKeyRecord {
            id,
            account: id,
            name: String::new(),
            secret_hash: "h".into(),
            created_at: start,
            revoked_at: None,
            terms: KeyTerms { certificates: vec![certificate], ..KeyTerms::default() },
            old_secret: None,
            last_used_at: None,
        };
        let showing = |certificate| Caller { address: None, certificate };
        assert!(key.admits("h", start, showing(Some(certificate))));
        assert!(
            !key.admits("h", start, showing(Some(ClientCertificate([1; 32]))))
                && !key.admits("h", start, showing(None))
        );
    }
}
