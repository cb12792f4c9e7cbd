//! `twoface webhooks …`: receivers of an account's events, and how deliveries to them went.

use std::fmt;
use std::time::Duration;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::Reply;
use crate::domain::audit::Actor;
use crate::domain::event::EventKind;
use crate::domain::id::Id;
use crate::domain::refusal::Stop;
use crate::domain::target::Target;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{Answered, Delivery, DeliveryState, Disabled, DisabledBecause, Try, Webhook};
use crate::service::Service;
use crate::service::deliveries::Stage;

/// Receivers of one account.
const WEBHOOKS_MAX: usize = 16;

#[derive(Clone, Debug, PartialEq, Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Webhooks {
    /// Send an account's events to an address from now on; prints the secret that signs them, once
    Create {
        /// Name of the account
        #[arg(long, default_value = "default")]
        account: String,
        /// Where to: https://…, or http://… where the configuration allows it
        url: String,
        /// Which events, like job.finished, separated by commas; all if not given
        #[arg(long, value_name = "EVENTS", value_delimiter = ',', value_parser = event)]
        #[serde(default)]
        events: Vec<EventKind>,
    },
    /// Show every receiver, without secrets
    List,
    /// Give a receiver a new secret, shown this once; messages are signed with both for a while
    Rotate {
        /// The receiver's id, as `webhooks list` shows it
        id: Id,
        /// Hours that messages are signed with the old secret too
        #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=8_760))]
        overlap: u32,
    },
    /// Take a receiver that answered "gone" into use again, for what happens from now on
    Enable {
        /// The receiver's id, as `webhooks list` shows it
        id: Id,
    },
    /// Remove a receiver with everything that was on its way to it
    Remove {
        /// The receiver's id, as `webhooks list` shows it
        id: Id,
    },
    /// Send a receiver an event that means nothing
    Test {
        /// The receiver's id, as `webhooks list` shows it
        id: Id,
    },
    /// Show how deliveries to a receiver went, newest event first
    Deliveries {
        /// The receiver's id, as `webhooks list` shows it
        id: Id,
        /// Only those that are "waiting", "delivered" or "dead"
        #[arg(long, value_name = "STAGE", value_parser = stage)]
        #[serde(default)]
        only: Option<OnlyStage>,
        /// How many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// Deliver once more, at once: one event, or every one that was given up
    Redeliver {
        /// The receiver's id, as `webhooks list` shows it
        id: Id,
        /// The event's id
        #[arg(long, value_name = "ID")]
        #[serde(default)]
        event: Option<Id>,
    },
}

/// A stage as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnlyStage {
    Waiting,
    Delivered,
    Dead,
}

fn event(text: &str) -> Result<EventKind, String> {
    EventKind::parse(text)
        .ok_or_else(|| format!("an event is one of {}", EventKind::ALL.map(EventKind::name).join(", ")))
}

fn stage(text: &str) -> Result<OnlyStage, String> {
    match text {
        "waiting" => Ok(OnlyStage::Waiting),
        "delivered" => Ok(OnlyStage::Delivered),
        "dead" => Ok(OnlyStage::Dead),
        _ => Err("the stage is waiting, delivered or dead".to_owned()),
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhooksReply {
    /// With its secret, which is shown this once.
    Secret {
        webhook: WebhookSeen,
        secret: String,
    },
    Webhooks(Vec<WebhookSeen>),
    Removed(WebhookSeen),
    Tested(WebhookSeen),
    Enabled(WebhookSeen),
    Deliveries(Vec<DeliverySeen>),
    Redelivered {
        deliveries: usize,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookSeen {
    pub id: Id,
    pub account: String,
    pub url: String,
    pub events: Vec<EventKind>,
    pub created_at: Timestamp,
    pub disabled: Option<Disabled>,
    /// Until when messages are signed with the secret before the last rotation too.
    pub old_secret_until: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliverySeen {
    pub event: Id,
    pub kind: EventKind,
    pub since: Timestamp,
    pub state: DeliveryState,
    pub failures: u32,
    pub tries: Vec<Try>,
}

pub(super) fn handle(service: &Service, by: &Actor, request: Webhooks) -> Result<Reply, Stop> {
    let reply = match request {
        Webhooks::Create { account, url, events } => return create(service, by, &account, &url, events),
        Webhooks::List => WebhooksReply::Webhooks(list(service)?),
        Webhooks::Rotate { id, overlap } => {
            let (webhook, secret) = service.rotate_webhook(by, id, Duration::from_secs(u64::from(overlap) * 3_600))?;
            WebhooksReply::Secret { webhook: seen(service, webhook)?, secret }
        }
        Webhooks::Enable { id } => WebhooksReply::Enabled(seen(service, service.enable_webhook(by, id)?)?),
        Webhooks::Remove { id } => WebhooksReply::Removed(seen(service, service.remove_webhook(by, id)?)?),
        Webhooks::Test { id } => WebhooksReply::Tested(seen(service, service.test_webhook(id)?)?),
        Webhooks::Deliveries { id, only, limit } => {
            let stage = only.map(|only| match only {
                OnlyStage::Waiting => Stage::Waiting,
                OnlyStage::Delivered => Stage::Delivered,
                OnlyStage::Dead => Stage::Dead,
            });
            let found = service.deliveries(id, stage, usize::try_from(limit).unwrap_or(usize::MAX))?;
            WebhooksReply::Deliveries(found.into_iter().map(delivery_seen).collect())
        }
        Webhooks::Redeliver { id, event } => WebhooksReply::Redelivered { deliveries: service.redeliver(id, event)? },
    };
    Ok(Reply::Webhooks(reply))
}

fn create(service: &Service, by: &Actor, account: &str, url: &str, events: Vec<EventKind>) -> Result<Reply, Stop> {
    let refused = |why: String| Ok(Reply::Refused(why));
    let Some(account) = service.accounts()?.into_iter().find(|known| known.name == account) else {
        return refused(format!("there is no account {account:?}; make it with `twoface accounts create {account}`"));
    };
    let target: Target = match url.parse() {
        Ok(target) => target,
        Err(why) => return refused(format!("{url:?} is no receiver: {why}")),
    };
    if !service.config().webhooks.allow.might_admit(&target) {
        return refused(format!("{target} is not on the list `allow` under [webhooks] in the configuration"));
    }
    if service.webhooks(account.id)?.len() >= WEBHOOKS_MAX {
        return refused(format!("an account has at most {WEBHOOKS_MAX} receivers"));
    }
    let (webhook, secret) = service.create_webhook(by, account.id, &target, events)?;
    Ok(Reply::Webhooks(WebhooksReply::Secret { webhook: seen(service, webhook)?, secret }))
}

fn list(service: &Service) -> Result<Vec<WebhookSeen>, Stop> {
    let mut all = Vec::new();
    for account in service.accounts()? {
        let now = service.now();
        all.extend(service.webhooks(account.id)?.into_iter().map(|webhook| shown(webhook, &account.name, now)));
    }
    Ok(all)
}

fn seen(service: &Service, webhook: Webhook) -> Result<WebhookSeen, Stop> {
    let account = service.accounts()?.into_iter().find(|account| account.id == webhook.account);
    Ok(shown(webhook, &account.map_or_else(String::new, |account| account.name), service.now()))
}

fn shown(webhook: Webhook, account: &str, now: Timestamp) -> WebhookSeen {
    WebhookSeen {
        id: webhook.id,
        account: account.to_owned(),
        url: webhook.url,
        events: webhook.events,
        created_at: webhook.created_at,
        disabled: webhook.disabled,
        old_secret_until: webhook.old_secret.map(|old| old.until).filter(|until| *until > now),
    }
}

fn delivery_seen(delivery: Delivery) -> DeliverySeen {
    let Delivery { event, kind, since, state, failures, tries, .. } = delivery;
    DeliverySeen { event, kind, since, state, failures, tries }
}

/// For people.
impl fmt::Display for WebhooksReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WebhooksReply::Secret { secret, .. } => write!(f, "{secret}"),
            WebhooksReply::Webhooks(all) => {
                write!(f, "{:24}  {:16}  {:24}  {:8}  {:24}  address", "id", "account", "created", "state", "events")?;
                all.iter().try_for_each(|webhook| write!(f, "\n{webhook}"))
            }
            WebhooksReply::Removed(webhook) => write!(f, "Nothing more is sent to {}.", webhook.url),
            WebhooksReply::Tested(webhook) => {
                write!(f, "An event webhook.test is on its way to {}; see `webhooks deliveries`.", webhook.url)
            }
            WebhooksReply::Enabled(webhook) => {
                write!(f, "{} is sent what happens from now on.", webhook.url)
            }
            WebhooksReply::Deliveries(all) => {
                write!(f, "{:24}  {:16}  {:9}  {:24}  {:5}  last answer", "event", "kind", "stage", "at", "tries")?;
                all.iter().try_for_each(|delivery| write!(f, "\n{delivery}"))
            }
            WebhooksReply::Redelivered { deliveries } => write!(f, "{deliveries} deliveries are due now."),
        }
    }
}

impl fmt::Display for WebhookSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.disabled.map(|disabled| disabled.because) {
            None => "live",
            Some(DisabledBecause::Gone) => "gone",
            Some(DisabledBecause::Removed) => "removed",
        };
        let events: Vec<&str> = self.events.iter().map(|kind| kind.name()).collect();
        let events = if events.is_empty() { "all".to_owned() } else { events.join(",") };
        write!(f, "{}  {:16}  {}  {state:8}  {events:24}  {}", self.id, self.account, self.created_at, self.url)
    }
}

impl fmt::Display for DeliverySeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stage, at) = match self.state {
            DeliveryState::Waiting { next_at } => ("waiting", next_at),
            DeliveryState::Delivered { at } => ("delivered", at),
            DeliveryState::Dead { at } => ("dead", at),
        };
        let answer = match self.tries.last().map(|one| one.came_of_it) {
            None => "-".to_owned(),
            Some(Answered::Status(status)) => status.to_string(),
            Some(Answered::NotAtAll(why)) => why.to_string(),
        };
        let kind = self.kind.name();
        write!(f, "{}  {kind:16}  {stage:9}  {at}  {:5}  {answer}", self.event, self.tries.len())
    }
}
