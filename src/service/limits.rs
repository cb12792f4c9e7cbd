//! The quotas of requests: fixed windows of one minute, one for each account and one for each key that has a quota of its own,
//! each opened by its first request.
//!
//! Kept in memory: a restart opens new windows. One entry an account or key, so it cannot be made to grow by strangers. What an
//! administrator sets counts from the next request on.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Service, no_entity};
use crate::domain::account::{Account, AccountLimits};
use crate::domain::audit::{Act, Actor, Entry};
use crate::domain::id::Id;
use crate::domain::key::ApiKeyRecord;
use crate::domain::refusal::{Refusal, Stop};
use crate::domain::time::Timestamp;

const WINDOW: Duration = Duration::from_secs(60);

pub struct Limits {
    /// Of accounts that have no quota of their own.
    per_minute: u32,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Of accounts and keys.
    windows: HashMap<Id, Window>,
    accounts: HashMap<Id, AccountLimits>,
    keys: HashMap<Id, u32>,
    refused: HashMap<Id, Refused>,
}

struct Window {
    opened_at: Timestamp,
    used: u32,
}

/// What the `RateLimit-*` headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    pub limit: u32,
    pub remaining: u32,
    /// Until the window ends, whole seconds, at least one.
    pub reset_seconds: u64,
}

/// How often an account was told to wait, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    pub requests: u64,
    pub tries: u64,
}

impl Window {
    /// The window that is open at `now`.
    fn at(windows: &mut HashMap<Id, Window>, id: Id, now: Timestamp) -> &mut Window {
        let window = windows.entry(id).or_insert(Window { opened_at: now, used: 0 });
        if now.since(window.opened_at) >= WINDOW || now < window.opened_at {
            *window = Window { opened_at: now, used: 0 };
        }
        window
    }

    fn quota(&self, limit: u32, now: Timestamp) -> Quota {
        let left = WINDOW.saturating_sub(now.since(self.opened_at));
        let reset_seconds = left.as_millis().div_ceil(1000).try_into().unwrap_or(60).max(1);
        Quota { limit, remaining: limit.saturating_sub(self.used), reset_seconds }
    }
}

impl Limits {
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, inner: Mutex::default() }
    }

    /// Counts one request of `account`, made with `key` or with a session that it opened. The tighter quota is told either way; a
    /// refused request is not counted.
    pub fn count(&self, account: Id, key: Option<Id>, now: Timestamp) -> (Quota, Result<(), Refusal>) {
        let mut inner = self.lock();
        let own = inner.accounts.get(&account).and_then(|limits| limits.requests_per_minute);
        let of_key = key.and_then(|key| Some((key, *inner.keys.get(&key)?)));
        let limits: Vec<(Id, u32)> = std::iter::once((account, own.unwrap_or(self.per_minute))).chain(of_key).collect();
        let full = limits.iter().any(|(id, limit)| Window::at(&mut inner.windows, *id, now).used >= *limit);
        let mut tightest: Option<Quota> = None;
        for (id, limit) in limits {
            let window = Window::at(&mut inner.windows, id, now);
            window.used += u32::from(!full);
            let quota = window.quota(limit, now);
            tightest = Some(tightest.filter(|other| other.remaining <= quota.remaining).unwrap_or(quota));
        }
        let quota = tightest.unwrap_or(Quota { limit: 0, remaining: 0, reset_seconds: 1 });
        if !full {
            return (quota, Ok(()));
        }
        inner.refused.entry(account).or_default().requests += 1;
        (quota, Err(Refusal::RateLimited { retry_after: Duration::from_secs(quota.reset_seconds) }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Reads the quotas that were set for accounts and keys.
    pub fn load_limits(&self) -> Result<(), Stop> {
        for account in self.accounts()? {
            for key in self.keys(account.id)? {
                self.limit_key(&key);
            }
            self.limit_account(&account);
        }
        Ok(())
    }

    /// How much of its quota an account, or a key with a quota of its own, has used of the minute that is running.
    pub fn requests_used(&self, id: Id) -> u32 {
        let now = self.clock.now();
        let inner = self.limits.lock();
        let window = inner.windows.get(&id).filter(|window| now.since(window.opened_at) < WINDOW);
        window.map_or(0, |window| window.used)
    }

    /// Sets the limits of an account; they count from the next request on.
    pub fn set_limits(&self, by: &Actor, account: Id, limits: AccountLimits) -> Result<Account, Stop> {
        let entry = Entry::new(self.clock.now(), by.clone(), Act::AccountChanged).of(account, account).word("limits");
        let account = self.change_account(account, &entry, |account| account.limits = limits.clone())?;
        self.limit_account(&account);
        Ok(account)
    }

    /// Sets or takes away a key's own quota.
    pub fn set_key_limit(&self, by: &Actor, key: Id, requests_per_minute: Option<u32>) -> Result<ApiKeyRecord, Stop> {
        let account = self.account_of_key(key)?;
        let record = self.change_key(account, key, Some((by, Act::KeyChanged)), |record| {
            record.terms.requests_per_minute = requests_per_minute;
        })?;
        self.limit_key(&record);
        Ok(record)
    }

    /// How many tries a session of `account` has for an operation or workflow.
    pub(super) fn tries_limit(&self, account: Id, name: &str) -> u32 {
        let own = self.limits.lock().accounts.get(&account).and_then(|limits| limits.tries.get(name).copied());
        own.unwrap_or(self.config.sessions.tries)
    }

    pub(super) fn note_no_tries(&self, account: Id) {
        self.limits.lock().refused.entry(account).or_default().tries += 1;
    }

    pub fn refused(&self, account: Id) -> Refused {
        self.limits.lock().refused.get(&account).copied().unwrap_or_default()
    }

    pub(super) fn limit_key(&self, key: &ApiKeyRecord) {
        let mut inner = self.limits.lock();
        match key.terms.requests_per_minute {
            Some(limit) => inner.keys.insert(key.id, limit),
            None => inner.keys.remove(&key.id),
        };
    }

    fn limit_account(&self, account: &Account) {
        self.limits.lock().accounts.insert(account.id, account.limits.clone());
    }

    /// The account of that name.
    pub fn account_of_name(&self, name: &str) -> Result<Account, Stop> {
        self.accounts()?.into_iter().find(|account| account.name == name).ok_or_else(|| no_entity(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_its_quota_each_minute_and_no_other_account_feels_it() {
        let limits = Limits::new(3);
        let (one, two) = (Id::from_bytes([1; 12]), Id::from_bytes([2; 12]));
        let start = Timestamp::from_millis(5_000);
        for remaining in [2, 1, 0] {
            let (quota, answer) = limits.count(one, None, start);
            assert_eq!((quota.remaining, answer), (remaining, Ok(())));
        }
        let (quota, answer) = limits.count(one, None, start.after(Duration::from_millis(15_500)));
        assert_eq!(quota, Quota { limit: 3, remaining: 0, reset_seconds: 45 });
        assert_eq!(answer, Err(Refusal::RateLimited { retry_after: Duration::from_secs(45) }));
        assert_eq!(limits.count(two, None, start).1, Ok(()));
        assert_eq!(limits.count(one, None, start.after(WINDOW)).1, Ok(()));
        assert_eq!(limits.lock().refused[&one].requests, 1);
    }

    #[test]
    fn a_key_s_own_quota_is_told_where_it_is_tighter_and_what_it_refuses_costs_the_account_nothing() {
        let limits = Limits::new(10);
        let (account, key, other) = (Id::from_bytes([1; 12]), Id::from_bytes([2; 12]), Id::from_bytes([3; 12]));
        limits.lock().keys.insert(key, 2);
        let now = Timestamp::from_millis(0);
        let quota = |key| limits.count(account, Some(key), now);
        assert_eq!(quota(key).0, Quota { limit: 2, remaining: 1, reset_seconds: 60 });
        assert!(quota(key).1.is_ok() && quota(key).1.is_err() && quota(key).1.is_err());
        assert_eq!(quota(other).0, Quota { limit: 10, remaining: 7, reset_seconds: 60 });
        for _ in 0..7 {
            assert!(quota(other).1.is_ok());
        }
        assert!(quota(other).1.is_err());
    }
}
