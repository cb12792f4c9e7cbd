//! How well documents are located on specimens whose corners are known: overlap of the quadrilaterals, the turn that was
//! taken for upright, and the time both take.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::truth::{Level, Truth};
use crate::clock::Stopwatch;
use crate::domain::evidence::Point;
use crate::vision::document::geometry::overlap;
use crate::vision::document::{locate, rectify};
use crate::vision::nets::Net;
use crate::vision::{Engine, image};

/// Above this overlap a document counts as located.
const LOCATED: f64 = 0.9;

/// Of all documents, of each level, and of the photos without one.
#[derive(Debug, Serialize)]
pub struct Report {
    pub split: String,
    pub all: Located,
    pub levels: BTreeMap<Level, Located>,
    /// Photos without a document, and on how many of them something was taken for one.
    pub without: usize,
    pub found_without: usize,
    pub milliseconds: Times,
}

/// Shares of the documents, 0–1.
#[derive(Debug, Default, Serialize)]
pub struct Located {
    pub documents: usize,
    /// Overlap of more than 0.9.
    pub located: f64,
    /// More than 0.95.
    pub closely: f64,
    pub mean_overlap: f64,
    /// No quadrilateral was found.
    pub not_found: f64,
    /// Of those located, the likeliest turn is the right one, or the second likeliest.
    pub upright_first: f64,
    pub upright_second: f64,
}

#[derive(Debug, Default, Serialize)]
pub struct Times {
    pub locate_p50: f64,
    pub locate_p95: f64,
    /// Locating, laying flat and judging the turn.
    pub whole_p50: f64,
    pub whole_p95: f64,
}

struct Seen {
    level: Level,
    overlap: Option<f64>,
    /// Place of the right turn among the candidates.
    place: Option<usize>,
}

/// Measures all photos of a folder. `progress` is told after each how many are done and how many there are.
pub fn run(engine: &Engine, folder: &Path, progress: &dyn Fn(usize, usize)) -> Result<Report, String> {
    let truth = Truth::read(folder)?;
    let networks = engine.networks();
    let (mut seen, mut locating, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    let (mut without, mut found_without) = (0, 0);
    for (index, specimen) in truth.photos.iter().enumerate() {
        let path = folder.join(&specimen.file);
        let file = std::fs::read(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let photo = image::decode(&file).map_err(|why| format!("{}: {why:?}", path.display()))?.pixels;
        let step = Stopwatch::start();
        let found = locate::document(&networks.document_corners, &photo).map_err(|error| error.to_string())?;
        locating.push(step.elapsed_ms());
        let found = found.filter(|found| found.confidence >= rectify::CONFIDENCE_MIN);
        match specimen.corners {
            Some(corners) => {
                let (one, ms) = judge(specimen.level, &corners, found, (&networks.document_orientation, &photo))?;
                whole.push(locating.last().copied().unwrap_or(0.0) + ms);
                seen.push(one);
            }
            None => {
                without += 1;
                found_without += usize::from(found.is_some());
            }
        }
        progress(index + 1, truth.photos.len());
    }
    let levels: std::collections::BTreeSet<Level> = seen.iter().map(|one| one.level).collect();
    let of_level = |level| (level, summary(seen.iter().filter(|one| one.level == level)));
    Ok(Report {
        split: truth.split,
        all: summary(seen.iter()),
        levels: levels.into_iter().map(of_level).collect(),
        without,
        found_without,
        milliseconds: Times {
            locate_p50: quantile(&mut locating, 0.5),
            locate_p95: quantile(&mut locating, 0.95),
            whole_p50: quantile(&mut whole, 0.5),
            whole_p95: quantile(&mut whole, 0.95),
        },
    })
}

fn judge(
    level: Level,
    corners: &[[f64; 2]; 4],
    found: Option<locate::Located>,
    (orientation, photo): (&Net, &::image::RgbImage),
) -> Result<(Seen, f64), String> {
    let wanted = corners.map(|[x, y]| Point { x, y });
    let share = found.as_ref().map(|found| overlap(&found.corners, &wanted));
    let step = Stopwatch::start();
    let candidates = rectify::of(orientation, photo, found).map_err(|error| error.to_string())?;
    drop(candidates.first());
    let ms = step.elapsed_ms();
    let located = share.is_some_and(|share| share > LOCATED);
    let place = if located { nearest_turn(&candidates, &wanted) } else { None };
    Ok((Seen { level, overlap: share, place }, ms))
}

/// The place of the candidate whose corners are the document's own in its reading order.
fn nearest_turn(candidates: &rectify::Candidates, wanted: &[Point; 4]) -> Option<usize> {
    let apart = |flat: rectify::Flat| {
        let corners = flat.corners?;
        Some(corners.iter().zip(wanted).map(|(a, b)| (a.x - b.x).hypot(a.y - b.y)).sum::<f64>())
    };
    let places = candidates.all().enumerate().filter_map(|(place, flat)| Some((place, apart(flat)?)));
    places.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(place, _)| place)
}

fn summary<'a>(seen: impl Iterator<Item = &'a Seen>) -> Located {
    let seen: Vec<&Seen> = seen.collect();
    let share =
        |is: &dyn Fn(&Seen) -> bool, of: usize| seen.iter().filter(|one| is(one)).count() as f64 / of.max(1) as f64;
    let above = |limit: f64| move |one: &Seen| one.overlap.is_some_and(|overlap| overlap > limit);
    let located = seen.iter().filter(|one| above(LOCATED)(one)).count();
    Located {
        documents: seen.len(),
        located: share(&above(LOCATED), seen.len()),
        closely: share(&above(0.95), seen.len()),
        mean_overlap: seen.iter().map(|one| one.overlap.unwrap_or(0.0)).sum::<f64>() / seen.len().max(1) as f64,
        not_found: share(&|one| one.overlap.is_none(), seen.len()),
        upright_first: share(&|one| one.place == Some(0), located),
        upright_second: share(&|one| one.place == Some(1), located),
    }
}

fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (share * values.len().saturating_sub(1) as f64).round() as usize;
    values.get(place).copied().unwrap_or(0.0)
}
