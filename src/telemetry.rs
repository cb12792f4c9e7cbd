//! The log: one line an event, on standard error, as text or JSON. No name, number, token or picture ever goes into it.
//!
//! The last lines are kept in memory as well, for the administrator who watches.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Log, LogFormat, LogLevel};

/// Lines kept in memory.
const LINES_KEPT: usize = 2_000;
/// Of one of them; the log on standard error has it whole.
const LINE_BYTES_KEPT: usize = 1_000;

/// Starts logging for the whole process; later calls change nothing.
pub fn start(config: &Log) {
    let level = match config.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let text = (config.format == LogFormat::Text).then(|| layer().with_writer(std::io::stderr).with_filter(level));
    let json = (config.format == LogFormat::Json)
        .then(|| layer().json().flatten_event(true).with_writer(std::io::stderr).with_filter(level));
    let kept = layer().with_ansi(false).with_writer(|| Kept).with_filter(level);
    // An error means that the log was started before, by another server of the same process.
    let _ = tracing_subscriber::registry().with(text).with(json).with(kept).try_init();
}

/// Up to `limit` of the last lines, those after number `after`, each with its number, oldest first.
pub fn lines_after(after: u64, limit: usize) -> Vec<(u64, String)> {
    let tail = TAIL.lock().unwrap_or_else(PoisonError::into_inner);
    let first = tail.next - tail.lines.len() as u64;
    let new = usize::try_from((after + 1).saturating_sub(first)).unwrap_or(usize::MAX).min(tail.lines.len());
    let skipped = new.max(tail.lines.len().saturating_sub(limit));
    (first..).zip(&tail.lines).skip(skipped).map(|(number, line)| (number, line.clone())).collect()
}

static TAIL: Mutex<Tail> = Mutex::new(Tail { next: 1, lines: VecDeque::new() });

struct Tail {
    /// The number of the next line; the first of a process is 1.
    next: u64,
    lines: VecDeque<String>,
}

/// Each event is written in one piece, ending in a newline.
struct Kept;

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let line = String::from_utf8_lossy(bytes.get(..LINE_BYTES_KEPT).unwrap_or(bytes)).trim_end().to_owned();
        let mut tail = TAIL.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.lines.len() == LINES_KEPT {
            tail.lines.pop_front();
        }
        tail.lines.push_back(line);
        tail.next += 1;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_read_on_from_a_number() {
        for number in 0..LINES_KEPT + 5 {
            Kept.write_all(format!("line {number}\n").as_bytes()).unwrap();
        }
        let all = lines_after(0, usize::MAX);
        assert_eq!(all.len(), LINES_KEPT);
        assert_eq!(all.first().unwrap(), &(6, "line 5".to_owned()));
        let (newest, _) = all.last().unwrap();
        assert!(lines_after(*newest, 100).is_empty());
        assert_eq!(lines_after(newest - 2, 100).len(), 2);
        assert_eq!(lines_after(0, 3).len(), 3, "the newest of them");
        Kept.write_all(b"x").unwrap();
        assert_eq!(lines_after(*newest, 100), [(newest + 1, "x".to_owned())]);
    }
}
