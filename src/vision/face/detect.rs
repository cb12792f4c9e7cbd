//! One look of the detector at one picture of at most 640 pixels a side: pixels in, faces out.
//!
//! The network is fully convolutional; the picture is padded with black on the right and below to multiples of 32, as it was
//! trained and published.

use candle_core::{Device, Tensor};
use image::RgbImage;

use super::Found;
use crate::domain::evidence::{Box2, Landmarks, Point};
use crate::vision::nets::{Net, NetError, yunet};

/// Below it a detection is not reported. OpenCV's default of 0.9 would lose about 1 % of LFW's faces, whose 1st percentile
/// is 0.898; on 361 pictures without portraits none passed 0.7, and three passed 0.6.
pub const CONFIDENCE_MIN: f64 = 0.7;
/// Boxes that share more than this (intersection over union) are one face: the value published with the network.
const OVERLAP_MAX: f64 = 0.3;
/// Candidates looked at, the most confident first. A picture of 640 pixels has no room for so many faces.
const CANDIDATES_MAX: usize = 2000;
/// The network's sides are multiples of its coarsest stride.
const MULTIPLE: usize = 32;

/// Every face in the picture, the most confident first.
pub fn faces(net: &Net, picture: &RgbImage) -> Result<Vec<Found>, NetError> {
    let outputs = net.run(&input(picture)?)?;
    let mut found = Vec::new();
    for (stride, maps) in yunet::STRIDES.into_iter().zip(outputs.chunks_exact(yunet::MAPS_PER_STRIDE)) {
        candidates(stride, maps, &mut found)?;
    }
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    found.truncate(CANDIDATES_MAX);
    Ok(distinct(found))
}

/// Blue, green, red, 0–255, neither shifted nor scaled.
fn input(picture: &RgbImage) -> Result<Tensor, NetError> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (padded_width, padded_height) = (width.next_multiple_of(MULTIPLE), height.next_multiple_of(MULTIPLE));
    let mut values = vec![0_f32; padded_width * padded_height * 3];
    let lines = picture.as_raw().chunks_exact(width * 3);
    for (to, from) in values.chunks_exact_mut(padded_width * 3).zip(lines) {
        for (to, from) in to.chunks_exact_mut(3).zip(from.chunks_exact(3)) {
            to.iter_mut().zip(from.iter().rev()).for_each(|(to, from)| *to = f32::from(*from));
        }
    }
    Ok(Tensor::from_vec(values, (1, padded_height, padded_width, 3), &Device::Cpu)?)
}

/// Decodes the four maps of one stride: what passes is appended to `found`.
fn candidates(stride: usize, maps: &[Tensor], found: &mut Vec<Found>) -> Result<(), NetError> {
    let [class, object, boxes, points] = maps else {
        return Err(NetError::Graph("the detector has four maps at each stride".into()));
    };
    let (_, _, columns, _) = class.dims4()?;
    let flat = |map: &Tensor| map.flatten_all()?.to_vec1::<f32>();
    let (class, object, boxes, points) = (flat(class)?, flat(object)?, flat(boxes)?, flat(points)?);
    let cells = class.iter().zip(&object).zip(boxes.chunks_exact(4).zip(points.chunks_exact(10)));
    for (cell, ((class, object), (offsets, points))) in cells.enumerate() {
        let confidence = f64::from((class.clamp(0.0, 1.0) * object.clamp(0.0, 1.0)).sqrt());
        if confidence < CONFIDENCE_MIN {
            continue;
        }
        let place = Cell { stride: stride as f64, column: (cell % columns) as f64, row: (cell / columns) as f64 };
        found.extend(place.face(offsets, points, confidence));
    }
    Ok(())
}

/// Where on the picture a cell of an output map lies.
struct Cell {
    stride: f64,
    column: f64,
    row: f64,
}

impl Cell {
    /// `None` if a number is not finite, which hostile pixels might provoke.
    fn face(&self, offsets: &[f32], points: &[f32], confidence: f64) -> Option<Found> {
        if !offsets.iter().chain(points).all(|value| value.is_finite()) {
            return None;
        }
        let &[dx, dy, log_width, log_height] = offsets else { return None };
        let centre = self.point(dx, dy);
        let side = |log: f32| f64::from(log).min(20.0).exp() * self.stride;
        let (width, height) = (side(log_width), side(log_height));
        let mut landmarks = [Point { x: 0.0, y: 0.0 }; 5];
        for (landmark, pair) in landmarks.iter_mut().zip(points.chunks_exact(2)) {
            let &[x, y] = pair else { return None };
            *landmark = self.point(x, y);
        }
        let r#box = Box2 { x: centre.x - width / 2.0, y: centre.y - height / 2.0, width, height };
        Some(Found { r#box, landmarks: Landmarks::from_points(landmarks), confidence })
    }

    fn point(&self, dx: f32, dy: f32) -> Point {
        Point { x: (self.column + f64::from(dx)) * self.stride, y: (self.row + f64::from(dy)) * self.stride }
    }
}

/// Of boxes that are one face, the most confident. `found` is in order of falling confidence, and so is the result.
pub fn distinct(found: Vec<Found>) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::new();
    for face in found {
        if kept.iter().all(|other| overlap(&face.r#box, &other.r#box) <= OVERLAP_MAX) {
            kept.push(face);
        }
    }
    kept
}

/// Intersection over union, 0–1.
pub fn overlap(a: &Box2, b: &Box2) -> f64 {
    let width = (a.x + a.width).min(b.x + b.width) - a.x.max(b.x);
    let height = (a.y + a.height).min(b.y + b.height) - a.y.max(b.y);
    let shared = width.max(0.0) * height.max(0.0);
    let covered = a.width * a.height + b.width * b.height - shared;
    if covered > 0.0 { shared / covered } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(x: f64, width: f64, confidence: f64) -> Found {
        let nowhere = Landmarks::from_points([Point { x: 0.0, y: 0.0 }; 5]);
        Found { r#box: Box2 { x, y: 0.0, width, height: 10.0 }, landmarks: nowhere, confidence }
    }

    #[test]
    fn of_boxes_that_are_one_face_the_most_confident_is_kept() {
        let kept = distinct(vec![found(0.0, 10.0, 0.9), found(2.0, 10.0, 0.8), found(8.0, 10.0, 0.75)]);
        assert_eq!(kept, vec![found(0.0, 10.0, 0.9), found(8.0, 10.0, 0.75)]);
    }

    #[test]
    fn a_cell_decodes_to_pixels_and_refuses_what_is_no_number() {
        let cell = Cell { stride: 8.0, column: 2.0, row: 3.0 };
        let face = cell.face(&[0.5, 0.25, 1.0_f32.ln(), 2.0_f32.ln()], &[1.0; 10], 0.9).unwrap();
        assert!((face.r#box.x - 16.0).abs() < 1e-5 && (face.r#box.y - 18.0).abs() < 1e-5);
        assert!((face.r#box.width - 8.0).abs() < 1e-5 && (face.r#box.height - 16.0).abs() < 1e-5);
        assert_eq!(face.landmarks.nose, Point { x: 24.0, y: 32.0 });
        assert_eq!(cell.face(&[f32::NAN, 0.0, 0.0, 0.0], &[1.0; 10], 0.9), None);
    }
}
