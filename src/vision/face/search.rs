//! Looking for faces in a whole photo: at which sizes, and turned which way.
//!
//! The detector sees faces of 20 to about 300 pixels well (measured: confidence above 0.91 up to 240, the box 26 % too small
//! at 700), so a photo is shown to it at 640 pixels, and at 320 where that found nothing or something larger. A photo that is
//! not clearly upright is tried all four ways, and the surest counts. The work is bounded: at most eight looks, whatever the
//! photo.

use std::borrow::Cow;

use image::{RgbImage, imageops};

use super::{Found, choose, detect};
use crate::vision::nets::{Net, NetError};
use crate::vision::resize;

/// Longest side shown first, and second, in pixels.
const SIDES: (u32, u32) = (640, 320);
/// A face wider than this at the first size is looked at again at the second.
const WIDE_FACE: f64 = 300.0;
/// From this confidence on a photo is taken to be upright. The detector finds most turned faces too, with landmarks as if
/// they were upright, and only less surely: of 396 LFW photos it was below 0.89 on all that lay on their side and below
/// 0.91 on all that stood on their head, and the upright ones, 95 % of them above 0.91, always came out surest of the four.
const UPRIGHT_CONFIDENCE: f64 = 0.91;

/// Faces, and the turn after which they were found.
pub struct Search {
    /// Clockwise: 0, 90, 180 or 270 degrees.
    pub rotation_degrees: u16,
    /// In the pixels of the turned photo, the chosen one first (see [`choose`]).
    pub faces: Vec<Found>,
}

/// Every face in the photo. No face gives an empty list and no turn.
pub fn faces(net: &Net, photo: &RgbImage) -> Result<Search, NetError> {
    let (picture, factor) = reduced(photo, SIDES.0);
    let mut best: Option<Search> = None;
    for rotation_degrees in [0, 90, 180, 270] {
        let (width, height) = turned_size(photo, rotation_degrees);
        let faces = at_both_sizes(net, &turned(&picture, rotation_degrees))?;
        let faces = faces.into_iter().map(|face| face.scaled(factor)).collect();
        let found = Search { rotation_degrees, faces: choose::in_order(faces, f64::from(width), f64::from(height)) };
        if rotation_degrees == 0 && found.confidence() >= UPRIGHT_CONFIDENCE {
            return Ok(found);
        }
        if found.confidence() > best.as_ref().map_or(0.0, Search::confidence) {
            best = Some(found);
        }
    }
    Ok(best.unwrap_or(Search { rotation_degrees: 0, faces: Vec::new() }))
}

/// Every upright face in a frame of a clip, the one to follow first: in one look at the small size, which is a quarter of the
/// large one's work, and at the large one only where that shows nothing.
pub fn quickly(net: &Net, frame: &RgbImage) -> Result<Vec<Found>, NetError> {
    let mut faces = Vec::new();
    for side in [SIDES.1, SIDES.0] {
        let (picture, factor) = reduced(frame, side);
        faces = detect::faces(net, &picture)?.into_iter().map(|face| face.scaled(factor)).collect();
        if !faces.is_empty() || frame.width().max(frame.height()) <= side {
            break;
        }
    }
    Ok(choose::in_order(faces, f64::from(frame.width()), f64::from(frame.height())))
}

impl Search {
    fn confidence(&self) -> f64 {
        self.faces.first().map_or(0.0, |face| face.confidence)
    }
}

/// `picture` is at the first size already.
fn at_both_sizes(net: &Net, picture: &RgbImage) -> Result<Vec<Found>, NetError> {
    let faces = detect::faces(net, picture)?;
    let fits = |face: &Found| face.r#box.width <= WIDE_FACE;
    if (!faces.is_empty() && faces.iter().all(fits)) || picture.width().max(picture.height()) <= SIDES.1 {
        return Ok(faces);
    }
    let (small, factor) = reduced(picture, SIDES.1);
    let again = detect::faces(net, &small)?.into_iter().map(|face| face.scaled(factor));
    // Large faces are better seen small, and small ones large: each size speaks first about its own.
    let (wide, rest): (Vec<Found>, Vec<Found>) = again.partition(|face| !fits(face));
    let (seen_well, seen_badly): (Vec<Found>, Vec<Found>) = faces.into_iter().partition(fits);
    Ok(detect::distinct([wide, seen_well, seen_badly, rest].concat()))
}

/// The photo so that its longest side is at most `side`, and by what its sides were divided.
fn reduced(photo: &RgbImage, side: u32) -> (Cow<'_, RgbImage>, f64) {
    let factor = (f64::from(photo.width().max(photo.height())) / f64::from(side)).max(1.0);
    (resize::shrink(photo, factor), factor)
}

/// The photo turned clockwise.
pub fn turn(photo: RgbImage, degrees: u16) -> RgbImage {
    match turned(&photo, degrees) {
        Cow::Owned(turned) => turned,
        Cow::Borrowed(_) => photo,
    }
}

fn turned(photo: &RgbImage, degrees: u16) -> Cow<'_, RgbImage> {
    match degrees {
        90 => Cow::Owned(imageops::rotate90(photo)),
        180 => Cow::Owned(imageops::rotate180(photo)),
        270 => Cow::Owned(imageops::rotate270(photo)),
        _ => Cow::Borrowed(photo),
    }
}

fn turned_size(photo: &RgbImage, degrees: u16) -> (u32, u32) {
    let (width, height) = photo.dimensions();
    if matches!(degrees, 90 | 270) { (height, width) } else { (width, height) }
}
