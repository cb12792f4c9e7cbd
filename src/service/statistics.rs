//! What the server has done since it started: requests, jobs and refusals in numbers, and how long jobs took.
//!
//! In memory only, and of a size that does not grow with traffic: the console and the metrics show the same numbers from here.
//! No number belongs to a person; accounts and operations are the only names.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::id::Id;
use crate::domain::job::Verdict;
use crate::domain::time::Timestamp;

/// Seconds that are remembered one by one.
pub const SECONDS_KEPT: usize = 600;
/// Minutes of refusals that are remembered one by one, for each account.
pub const MINUTES_KEPT: usize = 60;
/// Names of operations beyond this many are counted together: a workflow's name is an administrator's choice.
const OPERATIONS_MAX: usize = 128;
/// What they are counted as.
const OTHERS: &str = "other";
/// After this long a recent histogram begins anew; what is shown covers one to two of these.
const RECENT: Duration = Duration::from_secs(600);

#[derive(Default)]
pub struct Statistics(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Those before the current one, the newest last, without gaps.
    seconds: VecDeque<Second>,
    current: Second,
    requests: u64,
    requests_by_class: [u64; 6],
    limited: u64,
    operations: BTreeMap<String, Operation>,
    waiting: Lately,
    limited_by_account: BTreeMap<Id, Limited>,
}

/// What happened in one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Second {
    /// Since 1970.
    pub at: i64,
    pub requests: u32,
    /// Jobs that ended.
    pub jobs: u32,
    /// Requests refused because an account or a key had used up its quota.
    pub limited: u32,
}

/// What is known of one operation.
#[derive(Clone, Debug, Default)]
pub struct Operation {
    pub succeeded: u64,
    pub failed: u64,
    pub invalid: u64,
    /// How long a worker had it, since the start.
    pub ran: Histogram,
    recently: Lately,
}

/// The refusals of one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limited {
    pub total: u64,
    pub last_at: Option<Timestamp>,
    /// By minute since 1970, oldest first; minutes without any are left out.
    pub minutes: VecDeque<(i64, u32)>,
}

/// Durations counted in fixed buckets, ten for each power of ten from a millisecond to 1,000 seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    counts: [u64; Self::BUCKETS],
    pub count: u64,
    pub sum_seconds: f64,
}

/// Two histograms that take turns, so that old durations fade.
#[derive(Clone, Debug, Default)]
struct Lately {
    began: Option<Timestamp>,
    now: Histogram,
    before: Histogram,
}

/// Durations below which half, 95 and 99 of a hundred lie. Read from buckets: right within an eighth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percentiles {
    pub p50_seconds: f64,
    pub p95_seconds: f64,
    pub p99_seconds: f64,
}

/// Everything at one moment.
#[derive(Clone, Debug)]
pub struct Figures {
    pub requests: u64,
    /// By the first digit of the status; the first place is of what has none.
    pub requests_by_class: [u64; 6],
    pub limited: u64,
    /// The last [`SECONDS_KEPT`] whole seconds and the current one, without gaps, oldest first.
    pub seconds: Vec<Second>,
    pub operations: Vec<OperationFigures>,
    /// How long jobs waited for a worker, in the last ten to twenty minutes.
    pub waited: Option<Percentiles>,
}

#[derive(Clone, Debug)]
pub struct OperationFigures {
    pub name: String,
    pub counts: Operation,
    /// In the last ten to twenty minutes; `None` if none ended.
    pub recent: Option<Percentiles>,
}

impl Statistics {
    /// Counts an answered request.
    pub fn count_request(&self, now: Timestamp, status: u16) {
        let mut inner = self.lock();
        inner.requests += 1;
        if let Some(class) = inner.requests_by_class.get_mut(usize::from(status / 100)) {
            *class += 1;
        }
        inner.second(now).requests += 1;
    }

    /// Counts a job that ended.
    pub fn count_job(&self, now: Timestamp, operation: &str, verdict: Verdict, waited: Duration, ran: Duration) {
        let mut inner = self.lock();
        inner.second(now).jobs += 1;
        inner.waiting.add(now, waited);
        let known = inner.operations.contains_key(operation) || inner.operations.len() < OPERATIONS_MAX;
        let counts = inner.operations.entry(if known { operation } else { OTHERS }.to_owned()).or_default();
        match verdict {
            Verdict::Succeeded => counts.succeeded += 1,
            Verdict::Failed => counts.failed += 1,
            Verdict::Invalid => counts.invalid += 1,
        }
        counts.ran.add(ran);
        counts.recently.add(now, ran);
    }

    /// Counts a request that was refused because its quota was used up. There are as many entries as accounts.
    pub fn count_limited(&self, now: Timestamp, account: Id) {
        let mut inner = self.lock();
        inner.limited += 1;
        inner.second(now).limited += 1;
        let of_account = inner.limited_by_account.entry(account).or_default();
        of_account.total += 1;
        of_account.last_at = Some(now);
        let minute = now.as_secs().div_euclid(60);
        match of_account.minutes.back_mut() {
            Some((last, count)) if *last == minute => *count += 1,
            _ => of_account.minutes.push_back((minute, 1)),
        }
        of_account.minutes.retain(|(at, _)| at + MINUTES_KEPT as i64 > minute);
    }

    pub fn figures(&self, now: Timestamp) -> Figures {
        let mut inner = self.lock();
        inner.second(now);
        Figures {
            requests: inner.requests,
            requests_by_class: inner.requests_by_class,
            limited: inner.limited,
            seconds: inner.seconds.iter().copied().chain([inner.current]).collect(),
            waited: inner.waiting.percentiles(now),
            operations: inner
                .operations
                .iter()
                .map(|(name, counts)| OperationFigures {
                    name: name.clone(),
                    recent: counts.recently.percentiles(now),
                    counts: counts.clone(),
                })
                .collect(),
        }
    }

    /// The refusals of one account in the last hour, and in all.
    pub fn limited(&self, account: Id) -> Limited {
        self.lock().limited_by_account.get(&account).cloned().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The current second, after those that passed silently before it. A clock that was set back counts into the newest.
    fn second(&mut self, now: Timestamp) -> &mut Second {
        let at = now.as_secs();
        if at > self.current.at {
            let oldest = at - SECONDS_KEPT as i64;
            let passed = std::mem::replace(&mut self.current, Second { at, ..Second::default() });
            let silent = (passed.at + 1).max(oldest)..at;
            self.seconds.push_back(passed);
            self.seconds.extend(silent.map(|at| Second { at, ..Second::default() }));
            self.seconds.retain(|second| second.at >= oldest);
        }
        &mut self.current
    }
}

impl Limited {
    /// Each of the last [`MINUTES_KEPT`] minutes, oldest first; empty if there was none in all of them.
    pub fn each_minute(&self, now: Timestamp) -> Vec<u32> {
        let last = now.as_secs().div_euclid(60);
        let of = |minute: i64| self.minutes.iter().find(|(at, _)| *at == minute).map_or(0, |(_, count)| *count);
        let all: Vec<u32> = (last + 1 - MINUTES_KEPT as i64..=last).map(of).collect();
        if all.iter().all(|count| *count == 0) { Vec::new() } else { all }
    }
}

impl Histogram {
    /// Six powers of ten, and one for what is longer.
    const BUCKETS: usize = 61;

    /// The bucket's upper end; the last has none.
    fn bound_seconds(bucket: usize) -> f64 {
        if bucket + 1 == Self::BUCKETS { f64::INFINITY } else { 10_f64.powf((bucket + 1) as f64 / 10.0 - 3.0) }
    }

    pub fn add(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        let bucket = (0..Self::BUCKETS).find(|&bucket| seconds <= Self::bound_seconds(bucket));
        if let Some(count) = bucket.and_then(|bucket| self.counts.get_mut(bucket)) {
            *count += 1;
        }
        self.count += 1;
        self.sum_seconds += seconds;
    }

    /// Upper ends in seconds with how many durations lay at or below, as metrics are written; the last end is infinite.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.counts.iter().enumerate().scan(0, |below, (bucket, count)| {
            *below += count;
            Some((Self::bound_seconds(bucket), *below))
        })
    }

    /// The duration below which that share lies, by the middle of its bucket. `None` of nothing.
    pub fn percentile(&self, share: f64) -> Option<f64> {
        let wanted = ((self.count as f64) * share).ceil().max(1.0) as u64;
        let (bucket, _) = self.cumulative().enumerate().find(|(_, (_, below))| *below >= wanted)?;
        let (last, below_last) = (Self::bound_seconds(Self::BUCKETS - 2), 10_f64.powf(bucket as f64 / 10.0 - 3.0));
        let bound = Self::bound_seconds(bucket).min(last);
        Some(if bucket == 0 { bound } else { (bound * below_last.min(last)).sqrt() })
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; Self::BUCKETS], count: 0, sum_seconds: 0.0 }
    }
}

impl Lately {
    fn add(&mut self, now: Timestamp, duration: Duration) {
        let began = *self.began.get_or_insert(now);
        if now.since(began) >= RECENT {
            let idle = now.since(began) >= 2 * RECENT;
            self.before = if idle { Histogram::default() } else { std::mem::take(&mut self.now) };
            self.now = Histogram::default();
            self.began = Some(now);
        }
        self.now.add(duration);
    }

    fn percentiles(&self, now: Timestamp) -> Option<Percentiles> {
        let age = now.since(self.began?);
        let mut both = Histogram::default();
        for one in [&self.now, &self.before].into_iter().take(if age < RECENT { 2 } else { 1 }) {
            both.counts.iter_mut().zip(&one.counts).for_each(|(sum, count)| *sum += count);
            both.count += one.count;
        }
        if age >= 2 * RECENT {
            return None;
        }
        Some(Percentiles {
            p50_seconds: both.percentile(0.5)?,
            p95_seconds: both.percentile(0.95)?,
            p99_seconds: both.percentile(0.99)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000_000);

    fn later(seconds: u64) -> Timestamp {
        START.after(Duration::from_secs(seconds))
    }

    #[test]
    fn seconds_without_traffic_are_there_and_old_ones_are_forgotten() {
        let statistics = Statistics::default();
        statistics.count_request(START, 200);
        statistics.count_request(later(3), 429);
        statistics.count_request(later(3), 503);
        let seen = statistics.figures(later(5));
        let requests: Vec<u32> = seen.seconds.iter().rev().take(6).map(|second| second.requests).collect();
        assert_eq!(requests, [0, 0, 2, 0, 0, 1]);
        assert_eq!((seen.requests, seen.requests_by_class), (3, [0, 0, 1, 0, 1, 1]));
        statistics.count_request(later(100_000), 200);
        let seen = statistics.figures(later(100_000));
        assert_eq!(seen.seconds.len(), SECONDS_KEPT + 1);
        assert_eq!(seen.seconds.iter().map(|second| second.requests).sum::<u32>(), 1);
        // A clock set back by an hour loses nothing.
        statistics.count_request(later(96_400), 200);
        assert_eq!(statistics.figures(later(100_000)).seconds.last().unwrap().requests, 2);
    }

    #[test]
    fn percentiles_are_right_within_an_eighth() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|ms| histogram.add(Duration::from_millis(ms)));
        for (share, truth) in [(0.5, 0.5), (0.95, 0.95), (0.99, 0.99)] {
            let read = histogram.percentile(share).unwrap();
            assert!((read / truth - 1.0).abs() < 0.125, "{share}: {read}");
        }
        assert_eq!(histogram.cumulative().last(), Some((f64::INFINITY, 1000)));
        assert_eq!(Histogram::default().percentile(0.5), None);
        let mut hours = Histogram::default();
        hours.add(Duration::from_secs(7_200));
        assert_eq!(hours.percentile(0.5), Some(1000.0), "what is off the scale reads as its end");
    }

    #[test]
    fn latencies_fade_after_twenty_minutes_but_totals_stay() {
        let statistics = Statistics::default();
        let (short, long) = (Duration::from_millis(10), Duration::from_secs(10));
        statistics.count_job(START, "compare_faces", Verdict::Succeeded, short, long);
        statistics.count_job(later(700), "compare_faces", Verdict::Invalid, short, short);
        let p99 = |at| statistics.figures(at).operations.first().unwrap().recent.map(|recent| recent.p99_seconds);
        assert!(p99(later(700)).unwrap() > 5.0, "the slow one is recent still");
        statistics.count_job(later(1_400), "compare_faces", Verdict::Succeeded, short, short);
        assert!(p99(later(1_400)).unwrap() < 0.02);
        assert_eq!(p99(later(9_000)), None);
        let operation = &statistics.figures(later(9_000)).operations[0];
        assert_eq!((operation.counts.succeeded, operation.counts.invalid, operation.counts.ran.count), (2, 1, 3));
    }

    #[test]
    fn the_names_of_operations_cannot_be_made_to_grow_without_end() {
        let statistics = Statistics::default();
        for number in 0..1000 {
            statistics.count_job(START, &format!("w{number}"), Verdict::Failed, Duration::ZERO, Duration::ZERO);
        }
        let seen = statistics.figures(START).operations;
        assert_eq!(seen.len(), OPERATIONS_MAX + 1);
        assert_eq!(seen.iter().map(|operation| operation.counts.failed).sum::<u64>(), 1000);
    }

    #[test]
    fn an_account_that_meets_its_limit_is_seen_minute_by_minute_for_an_hour() {
        let statistics = Statistics::default();
        let account = Id::from_bytes([1; 12]);
        for seconds in [0, 1, 90, 3_900] {
            statistics.count_limited(later(seconds), account);
        }
        let seen = statistics.limited(account);
        assert_eq!((seen.total, seen.last_at), (4, Some(later(3_900))));
        assert_eq!(seen.minutes.len(), 1, "what is older than an hour is only in the total");
        let minutes = seen.each_minute(later(3_960));
        assert_eq!((minutes.len(), minutes.iter().sum::<u32>(), minutes[58]), (MINUTES_KEPT, 1, 1));
        assert!(seen.each_minute(later(9_000)).is_empty());
        assert_eq!(statistics.limited(Id::from_bytes([2; 12])), Limited::default());
    }
}
