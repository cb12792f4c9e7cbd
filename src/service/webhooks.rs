//! Webhooks: which receivers an account has, and their secrets.

use std::time::Duration;

use super::audit::noted;
use super::events::tell;
use super::{Committed, Service, failed, no_entity, put, unreadable};
use crate::crypto;
use crate::domain::audit::{Act, Actor, Entry};
use crate::domain::event::{EventKind, Happened};
use crate::domain::hex;
use crate::domain::id::Id;
use crate::domain::refusal::{Failure, Stop};
use crate::domain::target::Target;
use crate::domain::time::Timestamp;
use crate::domain::webhook::{Disabled, DisabledBecause, OldWebhookSecret, Webhook, WebhookSecret};
use crate::store::tables::{Owner, Table, decode, key};
use crate::store::{Commit, Expect, Op};

/// Deliveries removed with one commit.
const BATCH: usize = 500;
/// Before every event.
const NOTHING_YET: Id = Id::from_bytes([0; 12]);

impl Service {
    /// A new receiver of what happens from now on. Its secret is shown this once.
    pub fn create_webhook(
        &self,
        by: &Actor,
        account: Id,
        target: &Target,
        events: Vec<EventKind>,
    ) -> Result<(Webhook, String), Stop> {
        let now = self.clock.now();
        let webhook = Webhook {
            id: self.ids.next(now),
            account,
            url: target.to_string(),
            events,
            secret: WebhookSecret::from_bytes(&crypto::random()),
            old_secret: None,
            created_at: now,
            disabled: None,
        };
        let row = key(&[account, webhook.id]);
        let cursor = self.last_event(account)?.unwrap_or(NOTHING_YET);
        let commit = Commit {
            expects: vec![
                Expect::Present(Table::Accounts, key(&[account])),
                Expect::Absent(Table::Webhooks, row.clone()),
            ],
            ops: vec![
                put(Table::Webhooks, row.clone(), &webhook, Owner::Account(account))?,
                cursor_at(row, account, cursor),
                noted(&entry(now, by, &webhook).word("created"))?,
            ],
        };
        match self.commit(commit)? {
            Committed::Done => {
                let secret = webhook.secret.shown();
                Ok((webhook, secret))
            }
            Committed::Conflict => Err(no_entity(account)),
        }
    }

    /// The receivers of `account`, oldest first.
    pub fn webhooks(&self, account: Id) -> Result<Vec<Webhook>, Stop> {
        self.readable_webhooks(&key(&[account]))
    }

    /// Those of every account.
    pub(super) fn all_webhooks(&self) -> Result<Vec<Webhook>, Stop> {
        self.readable_webhooks(&[])
    }

    /// One that cannot be read is logged and stops no other.
    fn readable_webhooks(&self, prefix: &[u8]) -> Result<Vec<Webhook>, Stop> {
        let (mut found, mut after) = (Vec::new(), None::<Vec<u8>>);
        loop {
            let rows = self.store.scan(Table::Webhooks, prefix, after.as_deref(), BATCH).map_err(failed)?;
            let Some((last, _)) = rows.last() else { return Ok(found) };
            after = Some(last.clone());
            for (row, value) in rows {
                match decode::<Webhook>(&value) {
                    Ok(webhook) => found.push(webhook),
                    Err(bad) => tracing::error!(row = hex::encode(&row), "{}", unreadable(Table::Webhooks, bad)),
                }
            }
        }
    }

    pub fn webhook(&self, id: Id) -> Result<Webhook, Stop> {
        self.all_webhooks()?.into_iter().find(|webhook| webhook.id == id).ok_or_else(|| no_entity(id))
    }

    /// A new secret, shown this once. For `overlap` messages are signed with both.
    pub fn rotate_webhook(&self, by: &Actor, id: Id, overlap: Duration) -> Result<(Webhook, String), Stop> {
        let webhook = self.webhook(id)?;
        let fresh = WebhookSecret::from_bytes(&crypto::random());
        let changed = self.change_webhook(by, "rotated", &webhook, |webhook| {
            let old = std::mem::replace(&mut webhook.secret, fresh.clone());
            webhook.old_secret = Some(OldWebhookSecret { secret: old, until: self.clock.now().after(overlap) });
        })?;
        Ok((changed, fresh.shown()))
    }

    /// Takes a receiver that had answered "gone" into use again, for what happens from now on. What had waited for it is given
    /// up, and can be asked for again.
    pub fn enable_webhook(&self, by: &Actor, id: Id) -> Result<Webhook, Stop> {
        let webhook = self.webhook(id)?;
        if webhook.disabled.is_none() {
            return Ok(webhook);
        }
        self.give_up_waiting(&webhook)?;
        let row = key(&[webhook.account, id]);
        let cursor = self.last_event(webhook.account)?.unwrap_or(NOTHING_YET);
        let ops = vec![cursor_at(row, webhook.account, cursor)];
        let _ = self.commit(Commit { ops, ..Commit::default() })?;
        let changed = self.change_webhook(by, "enabled", &webhook, |webhook| webhook.disabled = None);
        self.rounds.wake(id);
        changed
    }

    /// Removes a receiver with everything that was on its way to it.
    pub fn remove_webhook(&self, by: &Actor, id: Id) -> Result<Webhook, Stop> {
        let webhook = self.webhook(id)?;
        let account = webhook.account;
        self.disable_webhook(by, &webhook, DisabledBecause::Removed)?;
        loop {
            let rows = self.store.scan(Table::Deliveries, &key(&[account, id]), None, BATCH).map_err(failed)?;
            let mut ops: Vec<Op> =
                rows.into_iter().map(|(key, _)| Op::Delete { table: Table::Deliveries, key }).collect();
            let last = ops.is_empty();
            if last {
                let row = key(&[account, id]);
                ops.push(Op::Delete { table: Table::WebhookCursors, key: row.clone() });
                ops.push(Op::Delete { table: Table::Webhooks, key: row });
            }
            let _ = self.commit(Commit { ops, ..Commit::default() })?;
            if last {
                return Ok(webhook);
            }
        }
    }

    /// Sends a receiver an event that means nothing.
    pub fn test_webhook(&self, id: Id) -> Result<Webhook, Stop> {
        let webhook = self.webhook(id)?;
        let told = tell(webhook.account, self.clock.now(), Happened::WebhookTest { webhook: id })?;
        let commit =
            Commit { expects: vec![Expect::Present(Table::Webhooks, key(&[webhook.account, id]))], ops: vec![told] };
        match self.commit(commit)? {
            Committed::Done => Ok(webhook),
            Committed::Conflict => Err(no_entity(id)),
        }
    }

    pub(super) fn disable_webhook(&self, by: &Actor, webhook: &Webhook, because: DisabledBecause) -> Result<(), Stop> {
        let at = self.clock.now();
        let word = match because {
            DisabledBecause::Gone => "gone",
            DisabledBecause::Removed => "removed",
        };
        self.change_webhook(by, word, webhook, |webhook| webhook.disabled = Some(Disabled { at, because })).map(|_| ())
    }

    /// The audit log is told of it with that word.
    fn change_webhook(
        &self,
        by: &Actor,
        word: &str,
        webhook: &Webhook,
        change: impl Fn(&mut Webhook),
    ) -> Result<Webhook, Stop> {
        let row = key(&[webhook.account, webhook.id]);
        loop {
            let before = self.store.get(Table::Webhooks, &row).map_err(failed)?;
            let before = before.ok_or_else(|| no_entity(webhook.id))?;
            let mut changed: Webhook = decode(&before).map_err(|bad| unreadable(Table::Webhooks, bad))?;
            change(&mut changed);
            let commit = Commit {
                expects: vec![Expect::Equal(Table::Webhooks, row.clone(), before)],
                ops: vec![
                    put(Table::Webhooks, row.clone(), &changed, Owner::Account(webhook.account))?,
                    noted(&entry(self.clock.now(), by, webhook).word(word))?,
                ],
            };
            if self.commit(commit)? == Committed::Done {
                return Ok(changed);
            }
        }
    }
}

fn entry(at: Timestamp, by: &Actor, webhook: &Webhook) -> Entry {
    Entry::new(at, by.clone(), Act::WebhookChanged).of(webhook.account, webhook.id)
}

/// Everything up to `event` has been laid out.
pub(super) fn cursor_at(row: Vec<u8>, account: Id, event: Id) -> Op {
    Op::Put { table: Table::WebhookCursors, key: row, value: key(&[event]), owner: Owner::Account(account) }
}

/// The target of a stored webhook.
pub(super) fn target_of(webhook: &Webhook) -> Result<Target, Stop> {
    webhook.url.parse().map_err(|_| Failure("a stored webhook has no target".to_owned()).into())
}
