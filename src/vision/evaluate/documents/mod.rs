//! How well documents are found and read on a set of photos whose truth is known.

mod measure;
pub mod quads;
mod report;
pub mod truth;

use std::path::Path;

pub use measure::Outcome;
pub use report::{Level, Report, Share};

use crate::clock::Stopwatch;
use crate::domain::document::DocumentTimes;
use crate::domain::evidence::Examiner as _;
use crate::domain::time::Timestamp;
use crate::vision::Engine;
use crate::vision::document::day_of;
use truth::Truth;

/// Examines every photo of the folder and holds it against the folder's truth. `progress` hears of photos done and all.
/// The documents are examined as on the day of `now`.
pub fn run(
    engine: &Engine,
    folder: &Path,
    now: Timestamp,
    progress: &dyn Fn(usize, usize),
) -> Result<(Report, Vec<Outcome>), String> {
    let truth = Truth::read(folder)?;
    let numbers: Vec<String> = truth.photos.iter().filter_map(measure::number).collect();
    let mut outcomes = Vec::with_capacity(truth.photos.len());
    let mut times: Vec<(f64, DocumentTimes)> = Vec::with_capacity(truth.photos.len());
    for (done, photo) in truth.photos.iter().enumerate() {
        progress(done, truth.photos.len());
        let path = folder.join(&photo.file);
        let file = std::fs::read(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let watch = Stopwatch::start();
        let seen = engine.examine_document(&file, now).map_err(|why| format!("{}: {why:?}", path.display()))?;
        let milliseconds = watch.elapsed_ms();
        times.push((milliseconds, seen.milliseconds));
        outcomes.push(measure::outcome(photo, &seen, &numbers, milliseconds));
    }
    progress(truth.photos.len(), truth.photos.len());
    Ok((report::of(&truth, &outcomes, &times, day_of(now)), outcomes))
}
