//! Drawing a quadrilateral's sides to the edges on the photo.
//!
//! Along each side, the steps of colour across it are measured; of all straight lines nearby the one that most of them
//! agree on is taken. Every place along the side has one voice, so that a bright spot does not outweigh a faint edge.

use image::RgbImage;

use super::geometry::{Quad, convexity, crossing, distance};
use super::locate::sample;
use crate::domain::evidence::Point;

/// Places along a side, away from its rounded ends.
const PLACES: usize = 40;
const ENDS: f64 = 0.08;
/// How far an edge is looked for on either side, in parts of the shorter side of the quadrilateral, and in how many steps.
pub const NEAR: f64 = 0.022;
pub const FAR: f64 = 0.07;
const STEPS: i32 = 12;
/// What a step of colour must exceed to have a full voice, in grey levels summed over three colours.
const FAINT: f32 = 24.0;
/// What a line loses at the end of the reach, in parts of all voices.
const PRIOR: f32 = 0.15;

/// The four lines where they cross, and how many of the places agree on them, 0–1; `None` where they make no quadrilateral.
pub fn edges(photo: &RgbImage, quad: &Quad, reach: f64) -> Option<(Quad, f64)> {
    let [a, b, c, d] = quad;
    let sides = [(a, b), (b, c), (c, d), (d, a)];
    let shorter = sides.iter().map(|(from, to)| distance(from, to)).fold(f64::INFINITY, f64::min);
    let reach = shorter * reach;
    if !(reach.is_finite() && reach >= 1.0) {
        return None;
    }
    let [ab, bc, cd, da] = sides.map(|(from, to)| edge(photo, from, to, reach));
    let meet = |p: &Edge, q: &Edge| crossing((&p.from, &p.to), (&q.from, &q.to));
    let agreed = (ab.agreed + bc.agreed + cd.agreed + da.agreed) / 4.0;
    let refined = [meet(&da, &ab)?, meet(&ab, &bc)?, meet(&bc, &cd)?, meet(&cd, &da)?];
    let near = refined.iter().zip(quad).all(|(new, old)| distance(new, old) < reach * 3.0);
    (near && convexity(&refined) > 0.0).then_some((refined, agreed))
}

/// A line by two of its points, and the mean voice for it.
struct Edge {
    from: Point,
    to: Point,
    agreed: f64,
}

/// The line near a side that most places agree on.
fn edge(photo: &RgbImage, from: &Point, to: &Point, reach: f64) -> Edge {
    let length = distance(from, to);
    let normal = Point { x: (to.y - from.y) / length, y: (from.x - to.x) / length };
    let step = reach / f64::from(STEPS);
    let moved = |share: f64, by: f64| Point {
        x: from.x + (to.x - from.x) * share + normal.x * by,
        y: from.y + (to.y - from.y) * share + normal.y * by,
    };
    let places: Vec<(f64, Vec<f32>)> = (0..PLACES)
        .map(|place| ENDS + (1.0 - 2.0 * ENDS) * (place as f64 + 0.5) / PLACES as f64)
        .map(|share| (share, voices(photo, |by| moved(share, by), step)))
        .collect();
    let mut best = (f32::NEG_INFINITY, 0.0, 0, 0);
    for at_from in -STEPS..=STEPS {
        for at_to in -STEPS..=STEPS {
            let agreed: f32 = places
                .iter()
                .map(|(share, voices)| {
                    let by = f64::from(at_from) + f64::from(at_to - at_from) * share;
                    let index = usize::try_from(by.round() as i32 + STEPS).unwrap_or(0);
                    voices.get(index).copied().unwrap_or(0.0)
                })
                .sum();
            let away = (at_from.abs() + at_to.abs()) as f32 / (2 * STEPS) as f32;
            let score = agreed / PLACES as f32 - PRIOR * away * away;
            if score > best.0 {
                best = (score, agreed / PLACES as f32, at_from, at_to);
            }
        }
    }
    let (_, agreed, at_from, at_to) = best;
    Edge {
        from: moved(0.0, f64::from(at_from) * step),
        to: moved(1.0, f64::from(at_to) * step),
        agreed: f64::from(agreed),
    }
}

/// How much colour steps at each distance from the side, in parts of the place's own largest step.
fn voices(photo: &RgbImage, at: impl Fn(f64) -> Point, step: f64) -> Vec<f32> {
    // Half a step to either side, but never less than a pixel.
    let half = step.max(1.0);
    let steps: Vec<f32> = (-STEPS..=STEPS)
        .map(|place| {
            let by = f64::from(place) * step;
            let (inner, outer) = (sample(photo, &at(by - half)), sample(photo, &at(by + half)));
            inner.iter().zip(outer).map(|(a, b)| (a - b).abs()).sum()
        })
        .collect();
    let largest = steps.iter().copied().fold(FAINT, f32::max);
    steps.into_iter().map(|value| value / largest).collect()
}
