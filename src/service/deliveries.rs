//! Deliveries: events laid out for the receivers that want them, carried, written down, asked for again.
//!
//! The outbox is the feed of events itself, whose rows are of the same commit as what they tell of. For each receiver a cursor
//! says how far it has been laid out; the cursor moves in the same commit as the deliveries that it stands for.

use std::time::Duration;

use super::webhooks::{cursor_at, target_of};
use super::{Committed, Service, failed, no_entity, put, unreadable};
use crate::clock::Stopwatch;
use crate::crypto::{self, SecretKey};
use crate::domain::audit::Actor;
use crate::domain::event::{Event, Happened};
use crate::domain::id::Id;
use crate::domain::refusal::{Failure, Stop};
use crate::domain::time::Timestamp;
use crate::domain::webhook::{
    Answered, Courier, Delivery, DeliveryState, DisabledBecause, Try, Webhook, signature_header, signed_text,
};
use crate::store::tables::{BadRecord, Owner, Table, decode, due_of, ids, key};
use crate::store::{Commit, Expect};

/// Events laid out with one commit.
const PAGE: usize = 200;
/// Rows that a look for deliveries of one state reads at the most.
const ROWS_SEEN_MAX: usize = 10_000;
/// The answer of a receiver that will never want anything again.
const GONE: u16 = 410;

/// How a try went, as far as it matters for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Went {
    Well,
    Badly,
}

/// Which deliveries to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Waiting,
    Delivered,
    Dead,
}

impl Stage {
    pub fn of(delivery: &Delivery) -> Self {
        match delivery.state {
            DeliveryState::Waiting { .. } => Stage::Waiting,
            DeliveryState::Delivered { .. } => Stage::Delivered,
            DeliveryState::Dead { .. } => Stage::Dead,
        }
    }
}

impl Service {
    /// Lays out what has happened since the last time for one receiver.
    pub(super) fn lay_out(&self, webhook: &Webhook) -> Result<(), Stop> {
        let row = key(&[webhook.account, webhook.id]);
        loop {
            let Some(before) = self.store.get(Table::WebhookCursors, &row).map_err(failed)? else { return Ok(()) };
            let [cursor] = ids(&before).map_err(|bad| unreadable(Table::WebhookCursors, bad))?;
            let events = self.events(webhook.account, Some(cursor), PAGE)?;
            let Some(last) = events.last() else { return Ok(()) };
            let now = self.clock.now();
            let mut ops = vec![cursor_at(row.clone(), webhook.account, last.id)];
            for event in events.iter().filter(|event| is_for(webhook, event)) {
                let delivery = Delivery::new(webhook, event.id, event.record.what.kind(), now);
                ops.push(put(Table::Deliveries, row_of(&delivery), &delivery, Owner::Account(webhook.account))?);
            }
            let expects = vec![
                Expect::Equal(Table::WebhookCursors, row.clone(), before),
                Expect::Present(Table::Webhooks, row.clone()),
            ];
            if self.commit(Commit { expects, ops })? == Committed::Conflict || events.len() < PAGE {
                return Ok(());
            }
        }
    }

    /// The next delivery for one receiver: when it is due, and its event.
    pub(super) fn next_delivery(&self, webhook: &Webhook) -> Result<Option<(Timestamp, Id)>, Stop> {
        let prefix = key(&[webhook.account, webhook.id]);
        let rows = self.store.scan(Table::DeliveriesDue, &prefix, None, 1).map_err(failed)?;
        rows.first().map(|(row, _)| due_of(row).map_err(|bad| unreadable(Table::DeliveriesDue, bad))).transpose()
    }

    /// Carries one delivery and writes down how it went.
    pub(super) fn carry(&self, courier: &dyn Courier, webhook: &Webhook, event: Id) -> Result<Went, Stop> {
        let row = key(&[webhook.account, webhook.id, event]);
        let Some(before) = self.store.get(Table::Deliveries, &row).map_err(failed)? else { return Ok(Went::Well) };
        let mut delivery: Delivery = decode(&before).map_err(|bad| unreadable(Table::Deliveries, bad))?;
        let Some(told) = self.event(webhook.account, event)? else {
            // Asked for again after its days: there is nothing left to send.
            delivery.state = DeliveryState::Dead { at: self.clock.now() };
            let _ = self.write_delivery(&delivery, before)?;
            return Ok(Went::Well);
        };
        let body = serde_json::to_string(&told).map_err(|_| unreadable(Table::Events, BadRecord))?;
        let at = self.clock.now();
        let headers = signed_headers(webhook, event, at, &body)?;
        let watch = Stopwatch::start();
        let answer = courier.post(&target_of(webhook)?, &headers, &body);
        let milliseconds = u64::try_from(watch.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (came_of_it, retry_after) = match answer {
            Ok(answer) => (Answered::Status(answer.status), answer.retry_after),
            Err(why) => (Answered::NotAtAll(why), None),
        };
        delivery.tried(Try { at, milliseconds, came_of_it }, retry_after, self.clock.now(), chance(crypto::random()));
        tracing::info!(webhook = %webhook.id, event = %event, ?came_of_it, milliseconds, "webhook");
        if matches!(delivery.state, DeliveryState::Dead { .. }) {
            tracing::warn!(webhook = %webhook.id, event = %event, "a delivery was given up after three days");
        }
        let _ = self.write_delivery(&delivery, before)?;
        if came_of_it == Answered::Status(GONE) {
            tracing::warn!(webhook = %webhook.id, "the receiver says that it is gone; nothing more is sent to it");
            self.disable_webhook(&Actor::System, webhook, DisabledBecause::Gone)?;
        }
        Ok(if came_of_it.is_success() { Went::Well } else { Went::Badly })
    }

    /// Makes a delivery due at once. Without an event, every dead one of the receiver. Returns how many.
    pub fn redeliver(&self, webhook: Id, event: Option<Id>) -> Result<usize, Stop> {
        let webhook = self.webhook(webhook)?;
        let now = self.clock.now();
        let chosen = match event {
            Some(event) => vec![self.delivery(&webhook, event)?.ok_or_else(|| no_entity(event))?],
            None => self.deliveries(webhook.id, Some(Stage::Dead), ROWS_SEEN_MAX)?,
        };
        let mut again = 0;
        for delivery in chosen {
            let row = row_of(&delivery);
            let Some(before) = self.store.get(Table::Deliveries, &row).map_err(failed)? else { continue };
            let mut delivery: Delivery = decode(&before).map_err(|bad| unreadable(Table::Deliveries, bad))?;
            delivery.again(now);
            again += usize::from(self.write_delivery(&delivery, before)? == Committed::Done);
        }
        self.rounds.wake(webhook.id);
        Ok(again)
    }

    /// Of a receiver to which nothing is carried.
    pub(super) fn give_up_waiting(&self, webhook: &Webhook) -> Result<(), Stop> {
        while let Some((_, event)) = self.next_delivery(webhook)? {
            let row = key(&[webhook.account, webhook.id, event]);
            let Some(before) = self.store.get(Table::Deliveries, &row).map_err(failed)? else { return Ok(()) };
            let mut delivery: Delivery = decode(&before).map_err(|bad| unreadable(Table::Deliveries, bad))?;
            delivery.state = DeliveryState::Dead { at: self.clock.now() };
            let _ = self.write_delivery(&delivery, before)?;
        }
        Ok(())
    }

    /// The log of a receiver, newest event first.
    pub fn deliveries(&self, webhook: Id, stage: Option<Stage>, limit: usize) -> Result<Vec<Delivery>, Stop> {
        let webhook = self.webhook(webhook)?;
        let (prefix, mut before, mut found) = (key(&[webhook.account, webhook.id]), None::<Vec<u8>>, Vec::new());
        for _ in 0..ROWS_SEEN_MAX / PAGE {
            let rows = self.store.scan_back(Table::Deliveries, &prefix, before.as_deref(), PAGE).map_err(failed)?;
            let Some((last, _)) = rows.last() else { break };
            before = Some(last.clone());
            for (_, value) in &rows {
                let delivery: Delivery = decode(value).map_err(|bad| unreadable(Table::Deliveries, bad))?;
                if stage.is_none_or(|wanted| wanted == Stage::of(&delivery)) {
                    found.push(delivery);
                }
            }
            if found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    /// Forgets deliveries of events that are older than the configured days and no longer on their way. Returns how many.
    pub fn sweep_deliveries(&self) -> Result<usize, Stop> {
        let kept = Duration::from_secs(24 * 60 * 60) * self.config.events.keep_days;
        let now = self.clock.now();
        let mut removed = 0;
        for webhook in self.all_webhooks()? {
            let (prefix, mut after) = (key(&[webhook.account, webhook.id]), None::<Vec<u8>>);
            loop {
                let rows = self.store.scan(Table::Deliveries, &prefix, after.as_deref(), PAGE).map_err(failed)?;
                let Some((last, _)) = rows.last() else { break };
                after = Some(last.clone());
                let mut ops = Vec::new();
                let mut young = false;
                for (row, value) in rows {
                    let delivery: Delivery = decode(&value).map_err(|bad| unreadable(Table::Deliveries, bad))?;
                    young = now.since(delivery.event.created_at()) < kept;
                    if !young && !delivery.is_waiting() {
                        ops.push(crate::store::Op::Delete { table: Table::Deliveries, key: row });
                    }
                }
                removed += ops.len();
                if !ops.is_empty() {
                    let _ = self.commit(Commit { ops, ..Commit::default() })?;
                }
                if young {
                    break;
                }
            }
        }
        Ok(removed)
    }

    fn delivery(&self, webhook: &Webhook, event: Id) -> Result<Option<Delivery>, Stop> {
        self.record(Table::Deliveries, &key(&[webhook.account, webhook.id, event]))
    }

    /// Unless it was changed or removed meanwhile.
    fn write_delivery(&self, delivery: &Delivery, before: Vec<u8>) -> Result<Committed, Stop> {
        let row = row_of(delivery);
        self.commit(Commit {
            expects: vec![Expect::Equal(Table::Deliveries, row.clone(), before)],
            ops: vec![put(Table::Deliveries, row, delivery, Owner::Account(delivery.account))?],
        })
    }
}

fn row_of(delivery: &Delivery) -> Vec<u8> {
    key(&[delivery.account, delivery.webhook, delivery.event])
}

fn is_for(webhook: &Webhook, event: &Event) -> bool {
    match event.record.what {
        Happened::WebhookTest { webhook: tested } => tested == webhook.id,
        _ => webhook.wants(event.record.what.kind()),
    }
}

/// The headers of Standard Webhooks.
fn signed_headers(
    webhook: &Webhook,
    event: Id,
    at: Timestamp,
    body: &str,
) -> Result<Vec<(&'static str, String)>, Stop> {
    let id = event.to_string();
    let text = signed_text(&id, at, body);
    let mut signatures = Vec::new();
    for secret in webhook.secrets(at) {
        let bytes = secret.bytes().ok_or_else(|| Failure("a webhook's secret is damaged".to_owned()))?;
        signatures.push(crypto::keyed_hash(&SecretKey::from_bytes(bytes), text.as_bytes()));
    }
    Ok(vec![
        ("webhook-id", id),
        ("webhook-timestamp", at.as_secs().to_string()),
        ("webhook-signature", signature_header(&signatures)),
    ])
}

/// 0 to 1.
fn chance(random: [u8; 2]) -> f64 {
    f64::from(u16::from_be_bytes(random)) / f64::from(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_published_example() {
        // From the specification's reference libraries: the secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw. HMAC pads short keys
        // with zeros, so its 24 bytes and eight zeros are the same key.
        let mut key = [0; 32];
        key[..24].copy_from_slice(&[
            0x31, 0xf2, 0x90, 0xf6, 0xbf, 0x06, 0x29, 0x8a, 0xab, 0x4f, 0x08, 0xd4, 0x3c, 0x3f, 0x08, 0x2c, 0xf6, 0x48,
            0xa3, 0x62, 0xda, 0x2d, 0xa4, 0xb0,
        ]);
        let at = Timestamp::from_millis(1_614_265_330_000);
        let text = signed_text("msg_p5jXN8AQM9LWM0D4loKWxJek", at, "{\"test\": 2432232314}");
        let signature = crypto::keyed_hash(&SecretKey::from_bytes(key), text.as_bytes());
        assert_eq!(signature_header(&[signature]), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
