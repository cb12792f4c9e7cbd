//! Which frames of a clip are analysed.

use super::{FRAMES_MAX, PER_SECOND_MAX, SECONDS_MAX};
use crate::domain::evidence::ClipFault;

/// Chooses frames evenly in time: the first in each step of a clock that ticks at most 30 times a second, and at most
/// 900 times a clip.
pub struct Sampler {
    /// Ticks a microsecond.
    rate: f64,
    last_tick: Option<i64>,
    last_at: i64,
    start: i64,
    taken: u32,
}

impl Sampler {
    /// For frames shown from `start` to `end`, in microseconds.
    pub fn new(start: i64, end: i64) -> Result<Sampler, ClipFault> {
        let span = end.saturating_sub(start);
        // A clip "of 60 seconds" may have one frame more.
        if span > SECONDS_MAX as i64 * 1_000_000 + 200_000 {
            return Err(ClipFault::TooLong { seconds: span.unsigned_abs().div_ceil(1_000_000) });
        }
        let seconds = span as f64 / 1e6;
        let per_second = (f64::from(FRAMES_MAX) / seconds.max(1.0)).min(PER_SECOND_MAX);
        Ok(Sampler { rate: per_second / 1e6, last_tick: None, last_at: i64::MIN, start, taken: 0 })
    }

    /// Whether the frame shown at `at` is analysed. Frames come in the order they are shown; one that does not move on
    /// in time is passed over.
    pub fn takes(&mut self, at: i64) -> bool {
        if at <= self.last_at || self.taken >= FRAMES_MAX {
            return false;
        }
        // A quarter of a step ahead, so that times which were rounded do not fall either side of a tick.
        let tick = ((at - self.start) as f64 * self.rate + 0.25).floor() as i64;
        if self.last_tick.is_some_and(|last| tick <= last) {
            return false;
        }
        self.last_tick = Some(tick);
        self.last_at = at;
        self.taken += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(times: &[i64]) -> Vec<i64> {
        let mut sampler = Sampler::new(times[0], times[times.len() - 1]).unwrap();
        times.iter().copied().filter(|at| sampler.takes(*at)).collect()
    }

    fn steady(per_second: f64, seconds: f64) -> Vec<i64> {
        (0..(per_second * seconds) as i64).map(|i| (i as f64 * 1e3 / per_second).round() as i64 * 1000).collect()
    }

    #[test]
    fn up_to_thirty_a_second_everything_is_taken() {
        for per_second in [10.0, 15.0, 24.0, 25.0, 29.97, 30.0] {
            let times = steady(per_second, 20.0);
            assert_eq!(taken(&times), times, "{per_second}");
        }
    }

    #[test]
    fn higher_rates_and_longer_clips_are_thinned_evenly() {
        for (per_second, seconds) in
            [(60.0, 10.0), (50.0, 20.0), (240.0, 5.0), (30.0, 60.0), (25.0, 60.0), (60.0, 60.0)]
        {
            let times = taken(&steady(per_second, seconds));
            let rate = (times.len() - 1) as f64 / (times[times.len() - 1] - times[0]) as f64 * 1e6;
            assert!(times.len() <= FRAMES_MAX as usize, "{per_second} {seconds}: {}", times.len());
            assert!((14.99..=30.1).contains(&rate), "{per_second} {seconds}: {rate}");
            let longest = times.windows(2).map(|two| two[1] - two[0]).max().unwrap();
            // One and a half steps of 15 a second: where the phase moves on by a frame.
            assert!(longest <= 100_000, "{per_second} {seconds}: {longest}");
        }
    }

    #[test]
    fn time_that_stands_still_or_runs_back_is_passed_over() {
        assert_eq!(taken(&[0, 0, 40_000, 20_000, 40_000, 80_000]), [0, 40_000, 80_000]);
    }

    #[test]
    fn more_than_a_minute_is_refused() {
        assert!(Sampler::new(0, 60_100_000).is_ok());
        assert_eq!(Sampler::new(5, 61_000_005).err(), Some(ClipFault::TooLong { seconds: 61 }));
        assert!(matches!(Sampler::new(i64::MIN, i64::MAX), Err(ClipFault::TooLong { .. })));
    }
}
