//! Thousands of damaged clips through the decoder that the server uses, and what became of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use twoface::clock::Stopwatch;
use twoface::domain::evidence::UnusableReason;
use twoface::vision::clip::{Decoder, Landlock, Settings};

use crate::mutate::{Dice, mutated};

/// For starting and reaping a worker, over the time that decoding may take.
const OVERHEAD: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub struct Figures {
    pub cycles: u64,
    /// How often each answer was given.
    pub answers: BTreeMap<String, u64>,
    /// Clips that were answered later than the limit allows.
    pub hangs: u64,
    pub slowest_milliseconds: f64,
    /// Of this process, in kilobytes: before the first clip, and at most.
    pub memory_before: u64,
    pub memory_peak: u64,
    /// Workers that were not reaped at the end.
    pub left_over: usize,
}

/// Kilobytes that the decoder's own process may grow by: a clip, a few frames, and the allocator's leftovers.
pub const GROWTH_MAX: u64 = 64 * 1024;

impl Figures {
    pub fn grown(&self) -> u64 {
        self.memory_peak.saturating_sub(self.memory_before)
    }
}

pub struct Plan<'a> {
    pub binary: &'a Path,
    pub cycles: u64,
    pub seed: u64,
    pub seconds_max: u64,
    /// Where each clip lies while it is decoded, so that one that ends everything can be looked at.
    pub current: Option<PathBuf>,
}

pub fn run(plan: &Plan<'_>, corpus: &[Vec<u8>]) -> Figures {
    let settings = Settings {
        program: plan.binary.to_owned(),
        landlock: Landlock::Required,
        at_once: 1,
        seconds_max: plan.seconds_max,
    };
    let limit = settings.wait_max() + OVERHEAD;
    let decoder = Decoder::new(settings);
    let mut dice = Dice::new(plan.seed);
    let mut figures = Figures { memory_before: memory(), ..Figures::default() };
    for _ in 0..plan.cycles {
        let file = mutated(corpus, &mut dice);
        if let Some(current) = &plan.current {
            fs::write(current, &file).unwrap();
        }
        let watch = Stopwatch::start();
        let mut frames = 0;
        let answer = decoder.decode(&file, &mut |frame| {
            assert!(frame.pixels.width() <= 640 && frame.pixels.height() <= 640);
            frames += 1;
            Ok(())
        });
        assert!(frames <= 900);
        let elapsed = watch.elapsed();
        figures.hangs += u64::from(elapsed > limit);
        figures.slowest_milliseconds = figures.slowest_milliseconds.max(elapsed.as_secs_f64() * 1e3);
        figures.memory_peak = figures.memory_peak.max(memory());
        figures.cycles += 1;
        *figures.answers.entry(name(answer.map(|seen| seen.codec))).or_default() += 1;
    }
    figures.left_over = children();
    figures
}

fn name(answer: Result<String, UnusableReason>) -> String {
    match answer {
        Ok(codec) => format!("decoded {codec}"),
        Err(UnusableReason::Clip(fault)) => {
            let text = format!("{fault:?}");
            text.split([' ', '(']).next().unwrap_or_default().to_owned()
        }
        Err(other) => format!("{other:?}"),
    }
}

/// The process's own resident memory in kilobytes.
fn memory() -> u64 {
    field(&fs::read_to_string("/proc/self/status").unwrap(), "VmRSS:")
}

/// A number of `/proc/PID/status`.
pub fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Of this thread, which started every worker: other threads have their own.
fn children() -> usize {
    let children = fs::read_to_string("/proc/thread-self/children").unwrap();
    children.split_whitespace().count()
}
