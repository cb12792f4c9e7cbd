//! Accounts and their API keys.

use super::sessions::NO_ACCOUNT;
use super::{Committed, KeyHolder, Service, failed, no_entity, put, unreadable};
use crate::crypto;
use crate::domain::account::{Account, Retention};
use crate::domain::hex;
use crate::domain::id::Id;
use crate::domain::key::ApiKeyRecord;
use crate::domain::refusal::{Failure, Refusal, Stop};
use crate::store::tables::{Owner, Table, decode, hash_key, ids, key};
use crate::store::{Commit, Expect};

/// Marks a secret as one of ours, for people and for scanners of leaked secrets.
const SECRET_PREFIX: &str = "2fk_";

impl Service {
    /// The account of that name, made if there is none.
    pub fn account_named(&self, name: &str) -> Result<Account, Stop> {
        if let Some(account) = self.accounts()?.into_iter().find(|account| account.name == name) {
            return Ok(account);
        }
        let now = self.clock.now();
        let account =
            Account { id: self.ids.next(now), name: name.to_owned(), created_at: now, retention: Retention::default() };
        let row = key(&[account.id]);
        let commit = Commit {
            expects: vec![Expect::Absent(Table::Accounts, row.clone())],
            ops: vec![put(Table::Accounts, row, &account, Owner::System)?],
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
    pub fn set_retention(&self, account: Id, retention: Retention) -> Result<Account, Stop> {
        let row = key(&[account]);
        loop {
            let before = self.store.get(Table::Accounts, &row).map_err(failed)?.ok_or_else(|| no_entity(account))?;
            let record: Account = decode(&before).map_err(|bad| unreadable(Table::Accounts, bad))?;
            let record = Account { retention, ..record };
            let commit = Commit {
                expects: vec![Expect::Equal(Table::Accounts, row.clone(), before)],
                ops: vec![put(Table::Accounts, row.clone(), &record, Owner::System)?],
            };
            if self.commit(commit)? == Committed::Done {
                return Ok(record);
            }
        }
    }

    /// A new key of `account` with its secret, which is shown this once.
    pub fn create_key(&self, account: Id, name: &str) -> Result<(ApiKeyRecord, String), Stop> {
        let now = self.clock.now();
        let secret = format!("{SECRET_PREFIX}{}", hex::encode(&crypto::random::<32>()));
        let record = ApiKeyRecord {
            id: self.ids.next(now),
            account,
            name: name.to_owned(),
            secret_hash: self.secret_hash(&secret),
            created_at: now,
            revoked_at: None,
        };
        let row = key(&[account, record.id]);
        let commit = Commit {
            expects: vec![Expect::Present(Table::Accounts, key(&[account])), Expect::Absent(Table::Keys, row.clone())],
            ops: vec![put(Table::Keys, row, &record, Owner::Account(account))?],
        };
        match self.commit(commit)? {
            Committed::Done => Ok((record, secret)),
            Committed::Conflict => Err(no_entity(account)),
        }
    }

    /// Every key of `account`, revoked ones too, oldest first.
    pub fn keys(&self, account: Id) -> Result<Vec<ApiKeyRecord>, Stop> {
        self.all(Table::Keys, &key(&[account]))
    }

    /// Makes a key worthless from the next request on. Sessions opened with it go on until they end.
    pub fn revoke_key(&self, id: Id) -> Result<ApiKeyRecord, Stop> {
        let accounts = self.accounts()?;
        for account in accounts {
            let row = key(&[account.id, id]);
            let Some(before) = self.store.get(Table::Keys, &row).map_err(failed)? else { continue };
            let mut record: ApiKeyRecord = decode(&before).map_err(|bad| unreadable(Table::Keys, bad))?;
            record.revoked_at.get_or_insert(self.clock.now());
            let commit = Commit {
                expects: vec![Expect::Equal(Table::Keys, row.clone(), before)],
                ops: vec![put(Table::Keys, row, &record, Owner::Account(account.id))?],
            };
            return match self.commit(commit)? {
                Committed::Done => Ok(record),
                // The only change a key knows is this one.
                Committed::Conflict => self.revoke_key(id),
            };
        }
        Err(no_entity(id))
    }

    /// Who holds `secret`, if the key is live. Unknown, revoked and malformed take the same path and the same time:
    /// one keyed hash, one look-up.
    pub fn key_of(&self, secret: &str) -> Result<KeyHolder, Stop> {
        let refused = || Stop::from(Refusal::InvalidToken);
        let row = hash_key(&self.secret_hash(secret)).map_err(|bad| unreadable(Table::KeysByHash, bad))?;
        let found = self.store.get(Table::KeysByHash, &row).map_err(failed)?.ok_or_else(refused)?;
        let [account, id] = ids(&found).map_err(|bad| unreadable(Table::KeysByHash, bad))?;
        let record: ApiKeyRecord = self.record(Table::Keys, &found)?.ok_or_else(refused)?;
        if !record.is_live() {
            return Err(refused());
        }
        Ok(KeyHolder { account, key: id })
    }

    fn secret_hash(&self, secret: &str) -> String {
        hex::encode(&self.store.blind(NO_ACCOUNT, "api key", secret))
    }

    fn all<T: serde::de::DeserializeOwned>(&self, table: Table, prefix: &[u8]) -> Result<Vec<T>, Stop> {
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
