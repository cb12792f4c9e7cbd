//! Webhooks: who is told of what, and how it went. Headers, signature and payload are as Standard Webhooks writes them.
//!
//! A delivery is at least once and seldom twice: a receiver that must not act twice keeps the `webhook-id`s that it has seen.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::base64;
use super::event::EventKind;
use super::id::Id;
use super::target::Target;
use super::time::Timestamp;

/// After this long a delivery is given up.
pub const TRIED_FOR: Duration = Duration::from_secs(72 * 60 * 60);
/// The wait after the first failure; each further one is four times as long.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(6 * 60 * 60);
/// Tries that a delivery remembers; with the waits above there are about eighteen in all.
const TRIES_KEPT: usize = 24;

/// A receiver of an account's events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    pub id: Id,
    pub account: Id,
    /// As [`Target`] writes it.
    pub url: String,
    /// Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventKind>,
    /// The one that is current, and the one before it while that is still used.
    pub secret: WebhookSecret,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_secret: Option<OldWebhookSecret>,
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
}

/// 32 random bytes, hexadecimal. Known to the receiver as `whsec_` and the same in base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(super::hex::encode(bytes))
    }

    /// `None` if the record is damaged.
    pub fn bytes(&self) -> Option<[u8; 32]> {
        super::hex::decode(&self.0)
    }

    /// As the receiver needs it.
    pub fn shown(&self) -> String {
        format!("whsec_{}", self.bytes().map_or_else(String::new, |bytes| base64::encode(&bytes)))
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OldWebhookSecret {
    pub secret: WebhookSecret,
    pub until: Timestamp,
}

/// Since when and why nothing is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    pub at: Timestamp,
    pub because: DisabledBecause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisabledBecause {
    /// The receiver answered 410 Gone.
    Gone,
    /// It is being removed.
    Removed,
}

impl Webhook {
    pub fn wants(&self, kind: EventKind) -> bool {
        self.events.is_empty() || self.events.contains(&kind)
    }

    /// The secrets that sign at `now`, the current one first.
    pub fn secrets(&self, now: Timestamp) -> impl Iterator<Item = &WebhookSecret> {
        let old = self.old_secret.as_ref().filter(|old| now < old.until);
        std::iter::once(&self.secret).chain(old.map(|old| &old.secret))
    }
}

/// What is signed.
pub fn signed_text(id: &str, at: Timestamp, body: &str) -> String {
    format!("{id}.{}.{body}", at.as_secs())
}

/// The value of `webhook-signature` for these HMACs.
pub fn signature_header(signatures: &[[u8; 32]]) -> String {
    signatures.iter().map(|one| format!("v1,{}", base64::encode(one))).collect::<Vec<_>>().join(" ")
}

/// One event on its way to one receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub webhook: Id,
    pub account: Id,
    pub event: Id,
    pub kind: EventKind,
    /// When it was first due, or asked for again: the time that it is given counts from here.
    pub since: Timestamp,
    pub state: DeliveryState,
    /// Failures in a row since then.
    pub failures: u32,
    /// The latest, oldest first.
    #[serde(default)]
    pub tries: Vec<Try>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum DeliveryState {
    Waiting {
        next_at: Timestamp,
    },
    Delivered {
        at: Timestamp,
    },
    /// Given up; can be asked for again.
    Dead {
        at: Timestamp,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    pub at: Timestamp,
    pub milliseconds: u64,
    #[serde(flatten)]
    pub came_of_it: Answered,
}

/// What came of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answered {
    /// The receiver's answer, whatever it was.
    Status(u16),
    NotAtAll(NoAnswer),
}

/// Why there was no answer. An error, because it travels through an HTTP client's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoAnswer {
    /// The address, or what its name leads to now, is not on the configuration's list.
    NotAllowed,
    NameNotFound,
    NotReachable,
    TimedOut,
    /// No TLS with whoever answered: a certificate that is not trusted, for example.
    NotTrusted,
    /// What was answered is not HTTP.
    NotHttp,
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            NoAnswer::NotAllowed => "not on the list of allowed places",
            NoAnswer::NameNotFound => "name not found",
            NoAnswer::NotReachable => "not reachable",
            NoAnswer::TimedOut => "timed out",
            NoAnswer::NotTrusted => "certificate not trusted",
            NoAnswer::NotHttp => "no HTTP answer",
        })
    }
}

impl std::error::Error for NoAnswer {}

impl Answered {
    pub fn is_success(self) -> bool {
        matches!(self, Answered::Status(200..=299))
    }
}

/// A receiver's answer; its body is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// How long it asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// Carries a message to a receiver. Implemented by `outbound`; tests may bring their own.
pub trait Courier: Send + Sync {
    /// Posts `body` as JSON with these headers, if the target is allowed now. Redirects are answers, not orders.
    fn post(&self, target: &Target, headers: &[(&'static str, String)], body: &str) -> Result<Answer, NoAnswer>;
}

impl Delivery {
    pub fn new(webhook: &Webhook, event: Id, kind: EventKind, now: Timestamp) -> Self {
        Self {
            webhook: webhook.id,
            account: webhook.account,
            event,
            kind,
            since: now,
            state: DeliveryState::Waiting { next_at: now },
            failures: 0,
            tries: Vec::new(),
        }
    }

    /// Due again at once, with all its time before it.
    pub fn again(&mut self, now: Timestamp) {
        self.since = now;
        self.failures = 0;
        self.state = DeliveryState::Waiting { next_at: now };
    }

    pub fn is_waiting(&self) -> bool {
        matches!(self.state, DeliveryState::Waiting { .. })
    }

    /// Writes down a try that ended at `now`. `chance` is 0 to 1: receivers that failed together are not tried together.
    pub fn tried(&mut self, one: Try, retry_after: Option<Duration>, now: Timestamp, chance: f64) {
        let succeeded = one.came_of_it.is_success();
        self.tries.push(one);
        let surplus = self.tries.len().saturating_sub(TRIES_KEPT);
        self.tries.drain(..surplus);
        if succeeded {
            self.state = DeliveryState::Delivered { at: now };
            return;
        }
        self.failures += 1;
        let next_at = now.after(wait(self.failures, chance).max(retry_after.unwrap_or_default().min(WAIT_MAX)));
        self.state = match next_at.since(self.since) > TRIED_FOR {
            true => DeliveryState::Dead { at: now },
            false => DeliveryState::Waiting { next_at },
        };
    }
}

/// How long to wait after so many failures: 5 s, 20 s, 80 s, … up to six hours, each a fifth more or less.
pub fn wait(failures: u32, chance: f64) -> Duration {
    let grown = FIRST_WAIT * 4_u32.saturating_pow(failures.saturating_sub(1).min(8));
    grown.min(WAIT_MAX).mul_f64(0.8 + 0.4 * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery() -> Delivery {
        let id = Id::from_bytes([1; 12]);
        let webhook = Webhook {
            id,
            account: id,
            url: String::new(),
            events: Vec::new(),
            secret: WebhookSecret::from_bytes(&[1; 32]),
            old_secret: None,
            created_at: Timestamp::from_millis(0),
            disabled: None,
        };
        Delivery::new(&webhook, id, EventKind::JobFinished, Timestamp::from_millis(0))
    }

    #[test]
    fn a_delivery_is_tried_with_growing_waits_for_three_days_and_then_given_up() {
        for chance in [0.0, 0.5, 1.0] {
            let mut delivery = delivery();
            let (mut now, mut waits) = (Timestamp::from_millis(0), Vec::new());
            while let DeliveryState::Waiting { next_at } = delivery.state {
                waits.push(next_at.since(now));
                now = next_at;
                let one = Try { at: now, milliseconds: 1, came_of_it: Answered::NotAtAll(NoAnswer::TimedOut) };
                delivery.tried(one, None, now, chance);
            }
            assert_eq!(delivery.state, DeliveryState::Dead { at: now });
            assert!((10..=30).contains(&waits.len()), "{}", waits.len());
            assert!(now.since(delivery.since) <= TRIED_FOR && now.since(delivery.since) > TRIED_FOR / 10 * 8);
            assert!(waits.windows(2).all(|pair| pair[1] >= pair[0]), "{waits:?}");
            delivery.again(now);
            assert_eq!(delivery.state, DeliveryState::Waiting { next_at: now });
        }
    }

    #[test]
    fn a_receiver_that_asks_for_time_gets_it_within_bounds() {
        let now = Timestamp::from_millis(0);
        let busy = Try { at: now, milliseconds: 1, came_of_it: Answered::Status(503) };
        let next = |asked| {
            let mut delivery = delivery();
            delivery.tried(busy.clone(), Some(Duration::from_secs(asked)), now, 0.5);
            delivery.state
        };
        let waiting = |seconds| DeliveryState::Waiting { next_at: now.after(Duration::from_secs(seconds)) };
        assert_eq!((next(1), next(600), next(1 << 40)), (waiting(5), waiting(600), waiting(6 * 3600)));
    }
}
