//! Accounts and their API keys.
//!
//! A secret is `2fk_`, 64 hexadecimal characters of randomness and 8 of a checksum: what scanners of leaked secrets look for,
//! and what tells a mistyped secret from a revoked one without asking a server.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::audit::noted;
use super::sessions::NO_ACCOUNT;
use super::{Committed, KeyHolder, Service, failed, no_entity, put, unreadable};
use crate::crypto;
use crate::domain::account::{Account, AccountLimits, Retention};
use crate::domain::audit::{Act, Actor, Entry};
use crate::domain::hex;
use crate::domain::id::Id;
use crate::domain::key::{ApiKeyRecord, Caller, KeyTerms, OldSecret, Scope};
use crate::domain::refusal::{Failure, Refusal, Stop};
use crate::domain::time::Timestamp;
use crate::store::tables::{Owner, Table, decode, hash_key, ids, key};
use crate::store::{Commit, Expect};

/// Marks a secret as one of ours.
const SECRET_PREFIX: &str = "2fk_";
/// Hexadecimal characters of its SHA-256 that end a secret.
const CHECKSUM_LENGTH: usize = 8;

impl Service {
    /// The account of that name, made if there is none.
    pub fn account_named(&self, name: &str) -> Result<Account, Stop> {
        self.make_account(&Actor::System, name)
    }

    /// The same; if it is made, by this actor.
    pub fn make_account(&self, by: &Actor, name: &str) -> Result<Account, Stop> {
        if let Some(account) = self.accounts()?.into_iter().find(|account| account.name == name) {
            return Ok(account);
        }
        let now = self.clock.now();
        let account = Account {
            id: self.ids.next(now),
            name: name.to_owned(),
            created_at: now,
            retention: Retention::default(),
            review_unproven: false,
            limits: AccountLimits::default(),
        };
        let row = key(&[account.id]);
        let commit = Commit {
            expects: vec![Expect::Absent(Table::Accounts, row.clone())],
            ops: vec![
                put(Table::Accounts, row, &account, Owner::System)?,
                noted(&Entry::new(now, by.clone(), Act::AccountCreated).of(account.id, account.id))?,
            ],
        };
        match self.commit(commit)? {
            Committed::Done => Ok(account),
            Committed::Conflict => Err(Failure("two accounts with one id".to_owned()).into()),
        }
    }

    /// Every account, oldest first.
    pub fn accounts(&self) -> Result<Vec<Account>, Stop> {
        self.all(Table::Accounts, &[])
    }

    /// Changes after how many days an account's photos, clips and attempts are forgotten.
    pub fn set_retention(&self, by: &Actor, account: Id, retention: Retention) -> Result<Account, Stop> {
        let Retention { photos_days, clips_days, attempts_days } = retention;
        let days = [photos_days, clips_days, attempts_days].map(|days| days.map_or("-".to_owned(), |d| d.to_string()));
        let entry = Entry::new(self.clock.now(), by.clone(), Act::RetentionSet).of(account, account);
        self.change_account(account, &entry.word(days.join(" ")), |record| record.retention = retention)
    }

    /// Changes whether a SUCCESS that nothing proves goes to REVIEW.
    pub fn set_review_unproven(&self, by: &Actor, account: Id, review_unproven: bool) -> Result<Account, Stop> {
        let entry = Entry::new(self.clock.now(), by.clone(), Act::AccountChanged).of(account, account);
        let entry = entry.word(format!("review_unproven {review_unproven}"));
        self.change_account(account, &entry, |record| record.review_unproven = review_unproven)
    }

    /// The audit log is told of it by `entry`.
    pub(super) fn change_account(
        &self,
        account: Id,
        entry: &Entry,
        change: impl Fn(&mut Account),
    ) -> Result<Account, Stop> {
        let row = key(&[account]);
        loop {
            let before = self.store.get(Table::Accounts, &row).map_err(failed)?.ok_or_else(|| no_entity(account))?;
            let mut record: Account = decode(&before).map_err(|bad| unreadable(Table::Accounts, bad))?;
            change(&mut record);
            let commit = Commit {
                expects: vec![Expect::Equal(Table::Accounts, row.clone(), before)],
                ops: vec![put(Table::Accounts, row.clone(), &record, Owner::System)?, noted(entry)?],
            };
            if self.commit(commit)? == Committed::Done {
                return Ok(record);
            }
        }
    }

    /// A new key of `account` with its secret, which is shown this once.
    pub fn create_key(
        &self,
        by: &Actor,
        account: Id,
        name: &str,
        terms: KeyTerms,
    ) -> Result<(ApiKeyRecord, String), Stop> {
        let now = self.clock.now();
        let secret = new_secret();
        let record = ApiKeyRecord {
            id: self.ids.next(now),
            account,
            name: name.to_owned(),
            secret_hash: self.secret_hash(&secret),
            created_at: now,
            revoked_at: None,
            terms,
            old_secret: None,
            last_used_at: None,
        };
        let row = key(&[account, record.id]);
        let commit = Commit {
            expects: vec![Expect::Present(Table::Accounts, key(&[account])), Expect::Absent(Table::Keys, row.clone())],
            ops: vec![
                put(Table::Keys, row, &record, Owner::Account(account))?,
                noted(&Entry::new(now, by.clone(), Act::KeyCreated).of(account, record.id))?,
            ],
        };
        match self.commit(commit)? {
            Committed::Done => {
                self.limit_key(&record);
                Ok((record, secret))
            }
            Committed::Conflict => Err(no_entity(account)),
        }
    }

    /// Every key of `account`, revoked ones too, oldest first.
    pub fn keys(&self, account: Id) -> Result<Vec<ApiKeyRecord>, Stop> {
        self.all(Table::Keys, &key(&[account]))
    }

    /// Makes a key worthless from the next request on. Sessions opened with it go on until they end.
    pub fn revoke_key(&self, by: &Actor, id: Id) -> Result<ApiKeyRecord, Stop> {
        let account = self.account_of_key(id)?;
        self.change_key(account, id, Some((by, Act::KeyRevoked)), |record| {
            record.revoked_at.get_or_insert(self.clock.now());
        })
    }

    /// Gives a key a new secret, which is shown this once. The old one works on for `overlap`; one older still ends at once.
    pub fn rotate_key(&self, by: &Actor, id: Id, overlap: Duration) -> Result<(ApiKeyRecord, String), Stop> {
        let account = self.account_of_key(id)?;
        let secret = new_secret();
        let hash = self.secret_hash(&secret);
        let record = self.change_key(account, id, Some((by, Act::KeyRotated)), |record| {
            let old = std::mem::replace(&mut record.secret_hash, hash.clone());
            record.old_secret = Some(OldSecret { hash: old, until: self.clock.now().after(overlap) });
        })?;
        Ok((record, secret))
    }

    /// Who holds `secret`, if the key is live and may be used by that caller. Unknown, revoked, expired and malformed take
    /// the same path and the same time: one keyed hash, one look-up.
    pub fn key_of(&self, secret: &str, from: Caller) -> Result<KeyHolder, Stop> {
        let refused = || Stop::from(Refusal::InvalidToken);
        let hash = self.secret_hash(secret);
        let row = hash_key(&hash).map_err(|bad| unreadable(Table::KeysByHash, bad))?;
        let found = self.store.get(Table::KeysByHash, &row).map_err(failed)?.ok_or_else(refused)?;
        let [account, id] = ids(&found).map_err(|bad| unreadable(Table::KeysByHash, bad))?;
        let record: ApiKeyRecord = self.record(Table::Keys, &found)?.ok_or_else(refused)?;
        let now = self.clock.now();
        if !record.admits(&hash, now, from) {
            return Err(refused());
        }
        self.key_uses.note(account, id, now);
        Ok(KeyHolder { account, key: id, answer: record.terms.answer, scopes: Scopes::of(&record) })
    }

    /// Writes down when keys were last used. Returns how many.
    pub fn write_key_uses(&self) -> Result<usize, Stop> {
        let uses = self.key_uses.take();
        for (&(account, id), &at) in &uses {
            match self.change_key(account, id, None, |record| record.last_used_at = record.last_used_at.max(Some(at))) {
                Ok(_) | Err(Stop::Refused(Refusal::NoEntity { .. })) => {}
                Err(stop) => return Err(stop),
            }
        }
        Ok(uses.len())
    }

    pub(super) fn account_of_key(&self, id: Id) -> Result<Id, Stop> {
        for account in self.accounts()? {
            if self.store.get(Table::Keys, &key(&[account.id, id])).map_err(failed)?.is_some() {
                return Ok(account.id);
            }
        }
        Err(no_entity(id))
    }

    /// With `told`, the audit log is told who did what.
    pub(super) fn change_key(
        &self,
        account: Id,
        id: Id,
        told: Option<(&Actor, Act)>,
        change: impl Fn(&mut ApiKeyRecord),
    ) -> Result<ApiKeyRecord, Stop> {
        let row = key(&[account, id]);
        loop {
            let before = self.store.get(Table::Keys, &row).map_err(failed)?.ok_or_else(|| no_entity(id))?;
            let mut record: ApiKeyRecord = decode(&before).map_err(|bad| unreadable(Table::Keys, bad))?;
            change(&mut record);
            let mut ops = vec![put(Table::Keys, row.clone(), &record, Owner::Account(account))?];
            if let Some((by, act)) = told {
                ops.push(noted(&Entry::new(self.clock.now(), by.clone(), act).of(account, id))?);
            }
            let commit = Commit { expects: vec![Expect::Equal(Table::Keys, row.clone(), before)], ops };
            if self.commit(commit)? == Committed::Done {
                return Ok(record);
            }
        }
    }

    fn secret_hash(&self, secret: &str) -> String {
        hex::encode(&self.store.blind(NO_ACCOUNT, "api key", secret))
    }

    pub(super) fn all<T: serde::de::DeserializeOwned>(&self, table: Table, prefix: &[u8]) -> Result<Vec<T>, Stop> {
        let mut records = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.store.scan(table, prefix, after.as_deref(), 256).map_err(failed)?;
            let Some((last, _)) = page.last() else { return Ok(records) };
            after = Some(last.clone());
            for (_, value) in &page {
                records.push(decode(value).map_err(|bad| unreadable(table, bad))?);
            }
        }
    }
}

fn new_secret() -> String {
    let body = format!("{SECRET_PREFIX}{}", hex::encode(&crypto::random::<32>()));
    let checksum = checksum(&body);
    body + &checksum
}

fn checksum(body: &str) -> String {
    hex::encode(&crypto::sha256(body.as_bytes())).chars().take(CHECKSUM_LENGTH).collect()
}

/// Whether a text can be one of this program's secrets at all. Tells a typing error; never whether a key is live.
pub fn is_well_formed(secret: &str) -> bool {
    let Some((body, end)) = secret.split_at_checked(secret.len().saturating_sub(CHECKSUM_LENGTH)) else { return false };
    body.len() == SECRET_PREFIX.len() + 64 && body.starts_with(SECRET_PREFIX) && end == checksum(body)
}

/// When which key was last used, until it is written down.
#[derive(Default)]
pub(super) struct KeyUses(Mutex<HashMap<(Id, Id), Timestamp>>);

impl KeyUses {
    fn note(&self, account: Id, key: Id, now: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((account, key), now);
    }

    fn take(&self) -> HashMap<(Id, Id), Timestamp> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The scopes of a key, as one small value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    fn of(record: &ApiKeyRecord) -> Self {
        Self(Scope::ALL.into_iter().filter(|scope| record.may(*scope)).fold(0, |bits, scope| bits | 1 << scope as u8))
    }

    pub fn contain(self, scope: Scope) -> bool {
        self.0 & 1 << scope as u8 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_secret_is_told_by_its_checksum() {
        let secret = new_secret();
        assert!(is_well_formed(&secret));
        let mistyped = secret.replacen(['7', 'a'], "8", 1);
        assert!(mistyped == secret || !is_well_formed(&mistyped));
        for bad in ["", "2fk_", "é", secret.get(1..).unwrap(), &format!("{secret}0")] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }
}
