//! The quota of requests: a fixed window of one minute for each account, opened by its first request.
//!
//! Kept in memory: a restart opens new windows. One entry an account, so it cannot be made to grow by strangers.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::id::Id;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

const WINDOW: Duration = Duration::from_secs(60);

pub struct Limits {
    per_minute: u32,
    windows: Mutex<HashMap<Id, Window>>,
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

impl Limits {
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, windows: Mutex::new(HashMap::new()) }
    }

    /// Counts one request of `account`. The quota is told either way; a refused request is not counted.
    pub fn count(&self, account: Id, now: Timestamp) -> (Quota, Result<(), Refusal>) {
        let limit = self.per_minute;
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(account).or_insert(Window { opened_at: now, used: 0 });
        if now.since(window.opened_at) >= WINDOW || now < window.opened_at {
            *window = Window { opened_at: now, used: 0 };
        }
        let left = WINDOW.saturating_sub(now.since(window.opened_at));
        let reset_seconds = left.as_millis().div_ceil(1000).try_into().unwrap_or(60).max(1);
        let answer = if window.used < limit {
            window.used += 1;
            Ok(())
        } else {
            Err(Refusal::RateLimited { retry_after: Duration::from_secs(reset_seconds) })
        };
        (Quota { limit, remaining: limit.saturating_sub(window.used), reset_seconds }, answer)
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
            let (quota, answer) = limits.count(one, start);
            assert_eq!((quota.remaining, answer), (remaining, Ok(())));
        }
        let (quota, answer) = limits.count(one, start.after(Duration::from_millis(15_500)));
        assert_eq!(quota, Quota { limit: 3, remaining: 0, reset_seconds: 45 });
        assert_eq!(answer, Err(Refusal::RateLimited { retry_after: Duration::from_secs(45) }));
        assert_eq!(limits.count(two, start).1, Ok(()));
        assert_eq!(limits.count(one, start.after(WINDOW)).1, Ok(()));
    }
}
