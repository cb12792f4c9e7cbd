//! One face followed through a clip: found by the detector in key frames, by its own points of the frame before in between.
//!
//! The followed face is the one that a photo's choice would fall on in the first frame that shows any; later frames only
//! follow it. Where it is lost it is looked for again, and may then be somebody else: the embeddings tell.

use image::RgbImage;

use super::Spent;
use crate::clock::Stopwatch;
use crate::domain::evidence::Box2;
use crate::vision::face::mesh::{self, Mesh, Region, part};
use crate::vision::face::{Found, search};
use crate::vision::nets::NetError;
use crate::vision::networks::Networks;

/// Key frames are this far apart.
const KEY_SECONDS: f64 = 0.5;
/// While there is no face, it is looked for this often.
const SEARCH_SECONDS: f64 = 0.1;
/// Below it the face is lost. The published pipeline's value.
const PRESENCE_MIN: f64 = 0.5;
/// A detection that shares this much of its area with the followed face is that face.
const OVERLAP_MIN: f64 = 0.25;
/// Key frames in a row in which the detector does not confirm the followed face: then it is something else by now.
const UNCONFIRMED_MAX: u32 = 3;
/// A nose that moves more than this many eye spans within [`JUMP_SECONDS`] was not moved by its owner.
const JUMP_EYE_SPANS: f64 = 1.0;
const JUMP_SECONDS: f64 = 0.1;

#[derive(Default)]
pub struct Tracker {
    followed: Option<(f64, Mesh)>,
    next_key: f64,
    unconfirmed: u32,
    /// The most faces in one key frame.
    pub faces_max: usize,
    /// Of each key frame, the width of the largest other face by that of the followed one.
    pub others: Vec<f64>,
}

/// What one frame showed.
pub struct Step {
    pub face: Option<Mesh>,
    pub region: Option<Region>,
    /// In key frames, the followed face as the detector sees it.
    pub detected: Option<Found>,
    /// The face is somewhere else at once.
    pub jumped: bool,
}

impl Tracker {
    /// Takes the next frame; `cut` says that the picture as a whole is another.
    pub fn step(
        &mut self,
        nets: &Networks,
        at: f64,
        picture: &RgbImage,
        cut: bool,
        spent: &mut Spent,
    ) -> Result<Step, NetError> {
        let before = if cut { None } else { self.followed.take() };
        let mut detected = None;
        let key = at >= self.next_key || cut;
        if key {
            detected = self.look(nets, at, picture, before.as_ref().map(|(_, mesh)| mesh), spent)?;
        }
        let mut step = Step { face: None, region: None, detected, jumped: false };
        // Its own points place the region more finely than the detector's box; without them the box has to do.
        let trusted = before.as_ref().filter(|_| self.unconfirmed < UNCONFIRMED_MAX);
        let region = match (trusted, &detected) {
            (Some((_, mesh)), _) => Some(Region::following(mesh)),
            (None, Some(found)) => Some(Region::around(found)),
            (None, None) => None,
        };
        step.face = Self::mark(nets, picture, region, spent)?;
        step.region = region;
        if step.face.is_none() && before.is_some() {
            // It moved too far for its old place: looked for at once, and followed from where it is now.
            if !key {
                step.detected = self.look(nets, at, picture, None, spent)?;
            }
            step.region = step.detected.as_ref().map(Region::around);
            step.face = Self::mark(nets, picture, step.region, spent)?;
        }
        if let (Some((then, old)), Some(new)) = (&before, &step.face) {
            let (from, to) = (old.at(part::NOSE_TIP), new.at(part::NOSE_TIP));
            let moved = (to.x - from.x).hypot(to.y - from.y) / old.eye_span().max(1.0);
            step.jumped = at - then <= JUMP_SECONDS && moved > JUMP_EYE_SPANS;
        }
        if step.face.is_none() {
            self.next_key = at + SEARCH_SECONDS;
            self.unconfirmed = 0;
        }
        self.followed = step.face.clone().map(|mesh| (at, mesh));
        Ok(step)
    }

    /// Looks for faces in the whole frame; gives the followed one, or the one to follow.
    fn look(
        &mut self,
        nets: &Networks,
        at: f64,
        picture: &RgbImage,
        followed: Option<&Mesh>,
        spent: &mut Spent,
    ) -> Result<Option<Found>, NetError> {
        let watch = Stopwatch::start();
        let faces = search::quickly(&nets.face_detector, picture)?;
        spent.times.detect += watch.elapsed_ms();
        self.next_key = at + KEY_SECONDS;
        self.faces_max = self.faces_max.max(faces.len());
        let chosen = match followed {
            Some(mesh) => {
                let bounds = mesh.bounds();
                let same = faces
                    .iter()
                    .map(|face| (overlap(&face.r#box, &bounds), face))
                    .filter(|(share, _)| *share >= OVERLAP_MIN)
                    .max_by(|(a, _), (b, _)| a.total_cmp(b));
                self.unconfirmed = if same.is_some() { 0 } else { self.unconfirmed + 1 };
                same.map(|(_, face)| *face)
            }
            None => {
                self.unconfirmed = 0;
                faces.first().copied()
            }
        };
        if let Some(chosen) = chosen {
            let others = faces.iter().filter(|face| **face != chosen).map(|face| face.r#box.width);
            self.others.push(others.fold(0.0, f64::max) / chosen.r#box.width.max(1.0));
        }
        Ok(chosen)
    }

    fn mark(
        nets: &Networks,
        picture: &RgbImage,
        region: Option<Region>,
        spent: &mut Spent,
    ) -> Result<Option<Mesh>, NetError> {
        let Some(region) = region else { return Ok(None) };
        let watch = Stopwatch::start();
        let mesh = mesh::of(&nets.face_mesh, picture, &region)?;
        spent.times.landmarks += watch.elapsed_ms();
        Ok(mesh.filter(|mesh| mesh.presence >= PRESENCE_MIN))
    }

    /// The largest other face that at least two key frames show: a single one may be the detector's mistake.
    pub fn largest_other(&self) -> f64 {
        let mut others = self.others.clone();
        others.sort_by(|a, b| b.total_cmp(a));
        others.get(1).copied().unwrap_or(0.0)
    }
}

/// Intersection over union.
fn overlap(a: &Box2, b: &Box2) -> f64 {
    let side = |p: f64, length: f64, q: f64, other: f64| ((p + length).min(q + other) - p.max(q)).max(0.0);
    let common = side(a.x, a.width, b.x, b.width) * side(a.y, a.height, b.y, b.height);
    common / (a.width * a.height + b.width * b.height - common).max(1e-6)
}
