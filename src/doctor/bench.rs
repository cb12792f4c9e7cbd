//! `twoface bench`: what this machine does, for planning: comparisons, documents and durable writes.
//!
//! Measured on sample photos inside this process, as fast as the threads go; a server adds TLS, uploads and the store's commits.

use std::error::Error;
use std::sync::Mutex;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::machine::sync_milliseconds;
use crate::clock::{Clock, Stopwatch};
use crate::config::Config;
use crate::domain::evidence::Examiner as _;
use crate::models;
use crate::models::trial::{PORTRAIT, SELFIE};
use crate::vision::{Engine, specimen};

#[derive(Args)]
pub struct Arguments {
    /// Seconds to measure each thing for
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Threads, each with one job; as many as `jobs.workers` if not given
    #[arg(long, value_name = "COUNT")]
    threads: Option<usize>,
}

/// How hard to try.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) threads: usize,
    pub(super) time: Duration,
}

/// Times of single jobs in milliseconds, in order, and how long all of them took together.
pub(super) struct Measured {
    times: Vec<f64>,
    seconds: f64,
}

impl Measured {
    pub(super) fn per_minute(&self) -> f64 {
        60.0 * self.times.len() as f64 / self.seconds
    }

    pub(super) fn percentile(&self, share: f64) -> f64 {
        let at = (share * (self.times.len() as f64 - 1.0)).round().max(0.0) as usize;
        self.times.get(at).copied().unwrap_or_default()
    }
}

/// Runs `job` on every thread until the time is over. `None` if it failed or never ended.
fn measure(load: Load, job: impl Fn() -> Result<(), String> + Sync) -> Option<Measured> {
    let all = Mutex::new(Vec::new());
    let watch = Stopwatch::start();
    let good = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..load.threads.max(1))
            .map(|_| {
                scope.spawn(|| {
                    let mut times = Vec::new();
                    while watch.elapsed() < load.time {
                        let one = Stopwatch::start();
                        job().ok()?;
                        times.push(one.elapsed_ms());
                    }
                    all.lock().ok()?.extend(times);
                    Some(())
                })
            })
            .collect();
        threads.into_iter().all(|thread| matches!(thread.join(), Ok(Some(()))))
    });
    let seconds = watch.elapsed().as_secs_f64();
    let mut times = all.into_inner().ok()?;
    times.sort_by(f64::total_cmp);
    (good && !times.is_empty()).then_some(Measured { times, seconds })
}

/// Whole comparisons of two JPEG photos: decoding, finding, measuring, embedding.
pub(super) fn compares(engine: &Engine, load: Load) -> Option<Measured> {
    measure(load, || engine.compare_faces(PORTRAIT, SELFIE).map(drop).map_err(|why| format!("{why:?}")))
}

pub fn run(config: &Config, arguments: &Arguments, json: bool) -> Result<(), Box<dyn Error>> {
    let load = Load {
        threads: arguments.threads.unwrap_or_else(|| config.workers()),
        time: Duration::from_secs(arguments.seconds),
    };
    let engine = models::engine(config)?;
    engine.warm_up()?;
    let card = specimen::card(&engine, PORTRAIT)?;
    let now = Clock::system().now();
    let documents = || engine.examine_document(&card, now).map(drop).map_err(|why| format!("{why:?}"));
    let rows = [("compare faces", compares(&engine, load)), ("read a document", measure(load, documents))];
    let mut lines = Vec::new();
    for (what, measured) in rows {
        let measured = measured.ok_or_else(|| format!("{what}: the samples could not be examined"))?;
        let (p50, p95) = (measured.percentile(0.5), measured.percentile(0.95));
        lines.push(json!({
            "what": what, "threads": load.threads, "perMinute": measured.per_minute().round(),
            "medianMilliseconds": p50.round(), "p95Milliseconds": p95.round(), "runs": measured.times.len(),
        }));
        if !json {
            println!(
                "{what:<18} {:>7.0} a minute with {} threads; one {p50:.0} ms (median), {p95:.0} ms (95 %); {} runs",
                measured.per_minute(),
                load.threads,
                measured.times.len()
            );
        }
    }
    if let Ok((median, _)) = sync_milliseconds(&config.data.dir) {
        lines.push(json!({ "what": "synced write of 4 KiB", "medianMilliseconds": median }));
        if !json {
            println!("{:<18} {median:.2} ms (median); commits that come together share one", "synced write");
        }
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_runs_on_every_thread_until_the_time_is_over() {
        let load = Load { threads: 3, time: Duration::from_millis(30) };
        let measured = measure(load, || Ok(())).unwrap();
        assert!(measured.times.len() >= 3 && measured.per_minute() > 0.0);
        assert!(measured.percentile(0.0) <= measured.percentile(1.0));
        assert!(measure(load, || Err("no".to_owned())).is_none());
    }
}
