//! Whoever guesses at credentials waits for the answer, the longer the more often he guessed: by address, or by the network of an
//! IPv6 one, since each has 2⁶⁴ addresses to guess from.
//!
//! Only what was refused is delayed. A client behind the same address as a guesser is served at once with a good credential, and
//! gets the same refusal as ever, later, with a bad one. Memory and delayed answers are bounded.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::time::Timestamp;

/// Guesses that cost nothing: a client whose key has just been changed makes some.
const FREE: u32 = 10;
/// The delay of the first one beyond; each further one is twice as long.
const FIRST_DELAY: Duration = Duration::from_millis(100);
const DELAY_MAX: Duration = Duration::from_secs(5);
/// An address that made no guess for so long starts again.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15 * 60);
const ADDRESSES_MAX: usize = 10_000;
/// Answers held back at the same time; beyond it they are given at once, so that guessers do not use up the connections.
const HELD_MAX: usize = 256;

#[derive(Default)]
pub struct Guard {
    guesses: Mutex<HashMap<IpAddr, Guesses>>,
    held: AtomicUsize,
    delayed: AtomicU64,
}

struct Guesses {
    count: u32,
    last: Timestamp,
}

/// An answer that is being held back.
pub struct Held<'a>(&'a Guard);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Guard {
    /// Notes a bad credential. Returns how long its refusal is to be held back.
    pub fn guessed(&self, from: Option<IpAddr>, now: Timestamp) -> Duration {
        let Some(from) = from.map(network_of) else { return Duration::ZERO };
        let mut all = self.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ADDRESSES_MAX && !all.contains_key(&from) {
            all.retain(|_, guesses| now.since(guesses.last) < FORGOTTEN_AFTER);
            if all.len() >= ADDRESSES_MAX {
                let oldest = all.iter().min_by_key(|(_, guesses)| guesses.last).map(|(address, _)| *address);
                oldest.map(|address| all.remove(&address));
            }
        }
        let guesses = all.entry(from).or_insert(Guesses { count: 0, last: now });
        if now.since(guesses.last) >= FORGOTTEN_AFTER {
            guesses.count = 0;
        }
        guesses.count = guesses.count.saturating_add(1);
        guesses.last = now;
        match guesses.count.saturating_sub(FREE) {
            0 => Duration::ZERO,
            beyond => (FIRST_DELAY * 2_u32.saturating_pow((beyond - 1).min(16))).min(DELAY_MAX),
        }
    }

    /// Takes a place among the answers that are held back, if there is one.
    pub fn hold(&self) -> Option<Held<'_>> {
        if self.held.fetch_add(1, Ordering::SeqCst) >= HELD_MAX {
            self.held.fetch_sub(1, Ordering::SeqCst);
            return None;
        }
        self.delayed.fetch_add(1, Ordering::SeqCst);
        Some(Held(self))
    }

    /// Answers that were held back, since the start.
    pub fn delayed(&self) -> u64 {
        self.delayed.load(Ordering::SeqCst)
    }
}

/// An IPv4 address itself, the /64 of an IPv6 one.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn guesses_wait_longer_and_longer_each_address_for_itself_and_are_forgotten() {
        let guard = Guard::default();
        let start = Timestamp::from_millis(0);
        let waits: Vec<u128> = (0..20).map(|_| guard.guessed(ip("10.0.0.1"), start).as_millis()).collect();
        assert_eq!(waits[..14], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 200, 400, 800]);
        assert_eq!(waits[16..], [5000, 5000, 5000, 5000]);
        assert_eq!(guard.guessed(ip("10.0.0.2"), start), Duration::ZERO);
        assert_eq!(guard.guessed(ip("::ffff:10.0.0.1"), start), DELAY_MAX, "the same address");
        for host in 0..=FREE {
            guard.guessed(ip(&format!("2001:db8::{host:x}")), start);
        }
        assert!(guard.guessed(ip("2001:db8::ffff:ffff"), start) > Duration::ZERO, "one network");
        assert_eq!(guard.guessed(ip("2001:db8:0:1::1"), start), Duration::ZERO, "another");
        assert_eq!(guard.guessed(ip("10.0.0.1"), start.after(FORGOTTEN_AFTER)), Duration::ZERO);
        assert_eq!(guard.guessed(None, start), Duration::ZERO);
    }

    #[test]
    fn memory_and_held_answers_are_bounded() {
        let guard = Guard::default();
        for number in 0..3 * ADDRESSES_MAX {
            let address = IpAddr::from((number as u32 + 1).to_be_bytes());
            guard.guessed(Some(address), Timestamp::from_millis(number as i64));
        }
        assert_eq!(guard.guesses.lock().unwrap().len(), ADDRESSES_MAX);
        let held: Vec<_> = (0..HELD_MAX).map(|_| guard.hold().unwrap()).collect();
        assert!(guard.hold().is_none());
        drop(held);
        assert!(guard.hold().is_some());
        assert_eq!(guard.delayed(), HELD_MAX as u64 + 1);
    }
}
