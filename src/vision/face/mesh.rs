//! The 478 points of a face: which square of the picture the network is shown, and where its points lie in the picture.
//!
//! Right and left are the person's own. Depth is in pixels too, smaller nearer to the camera, and only roughly to scale.

use candle_core::{Device, Tensor};
use image::RgbImage;

use super::Found;
use crate::domain::evidence::{Box2, Landmarks, Point};
use crate::vision::nets::facemesh::{POINTS, SIDE};
use crate::vision::nets::{Net, NetError};

/// The square's side by the longer side of the face's box. From 0.9 to 1.1 times this gives the same points.
const MARGIN: f64 = 1.5;

/// Points of the published mesh, by the part of the face that they mark.
pub mod part {
    pub const NOSE_TIP: usize = 1;
    pub const RIGHT_EYE_OUTER: usize = 33;
    pub const RIGHT_EYE_INNER: usize = 133;
    pub const LEFT_EYE_INNER: usize = 362;
    pub const LEFT_EYE_OUTER: usize = 263;
    /// Pairs of an upper and a lower point of each lid.
    pub const RIGHT_LIDS: [(usize, usize); 3] = [(159, 145), (158, 153), (160, 144)];
    pub const LEFT_LIDS: [(usize, usize); 3] = [(386, 374), (385, 380), (387, 373)];
    pub const RIGHT_MOUTH_CORNER: usize = 61;
    pub const LEFT_MOUTH_CORNER: usize = 291;
    /// Where the face's outline is widest, before the ears.
    pub const RIGHT_SIDE: usize = 234;
    pub const LEFT_SIDE: usize = 454;
    /// Points that no expression moves: forehead, bridge and tip of the nose, corners of the eyes, temples, cheekbones.
    pub const RIGID: [usize; 18] = [10, 151, 9, 168, 6, 197, 195, 5, 4, 1, 33, 133, 362, 263, 127, 356, 234, 454];
}

/// A square of the picture, turned so that the eyes lie level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Region {
    pub centre: Point,
    pub side: f64,
    /// Of the line from the right eye to the left, clockwise, in radians.
    pub roll: f64,
}

/// A face's points in the picture's pixels, as the network sees them.
#[derive(Clone, Debug, PartialEq)]
pub struct Mesh {
    points: Vec<[f64; 3]>,
    /// 0–1: how sure the network is that there is a face in the region.
    pub presence: f64,
}

impl Region {
    pub fn around(found: &Found) -> Region {
        let Box2 { x, y, width, height } = found.r#box;
        let centre = Point { x: x + width / 2.0, y: y + height / 2.0 };
        Region { centre, side: MARGIN * width.max(height), roll: found.roll_degrees().to_radians() }
    }

    /// Where the same face is to be looked for in the next frame.
    pub fn following(mesh: &Mesh) -> Region {
        let (right, left) = (mesh.at(part::RIGHT_EYE_OUTER), mesh.at(part::LEFT_EYE_OUTER));
        let roll = (left.y - right.y).atan2(left.x - right.x);
        let (sin, cos) = roll.sin_cos();
        let level = |[x, y, _]: &[f64; 3]| Point { x: x * cos + y * sin, y: y * cos - x * sin };
        let Box2 { x, y, width, height } = bounds(mesh.points.iter().map(level));
        let (x, y) = (x + width / 2.0, y + height / 2.0);
        let centre = Point { x: x * cos - y * sin, y: x * sin + y * cos };
        Region { centre, side: MARGIN * width.max(height), roll }
    }

    /// From the square's own coordinates, `SIDE` a side, to the picture's.
    fn to_picture(self, x: f64, y: f64) -> Point {
        let (sin, cos) = self.roll.sin_cos();
        let scale = self.side / SIDE as f64;
        let (x, y) = ((x - SIDE as f64 / 2.0) * scale, (y - SIDE as f64 / 2.0) * scale);
        Point { x: self.centre.x + x * cos - y * sin, y: self.centre.y + x * sin + y * cos }
    }

    /// Nothing can be seen in a region without an extent, or far outside of the picture.
    fn is_usable(&self, picture: &RgbImage) -> bool {
        let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
        let near = |value: f64, length: f64| value > -length && value < 2.0 * length;
        self.side >= 2.0
            && self.side <= 8.0 * width.max(height)
            && self.roll.is_finite()
            && near(self.centre.x, width)
            && near(self.centre.y, height)
    }
}

/// The points of the face in `region`; `None` where there is nothing to look at.
pub fn of(net: &Net, picture: &RgbImage, region: &Region) -> Result<Option<Mesh>, NetError> {
    if !region.is_usable(picture) {
        return Ok(None);
    }
    let outputs = net.run(&input(picture, region)?)?;
    let [points, presence, _] = outputs.as_slice() else {
        return Err(NetError::Graph("the mesh has three outputs".into()));
    };
    let scale = region.side / SIDE as f64;
    let points = points.flatten_all()?.to_vec1::<f32>()?;
    let points = points.as_chunks::<3>().0.iter().map(|point| {
        let [x, y, z] = point.map(f64::from);
        let at = region.to_picture(x, y);
        [at.x, at.y, z * scale]
    });
    let points: Vec<[f64; 3]> = points.collect();
    let logit = presence.flatten_all()?.to_vec1::<f32>()?.first().copied().unwrap_or(f32::NEG_INFINITY);
    let finite = points.iter().flatten().all(|value| value.is_finite());
    Ok((finite && points.len() == POINTS).then_some(Mesh { points, presence: 1.0 / (1.0 + f64::from(-logit).exp()) }))
}

/// Red, green, blue, 0–1, interpolated bilinearly; beyond the picture its border goes on.
fn input(picture: &RgbImage, region: &Region) -> Result<Tensor, NetError> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let pixels = picture.as_raw();
    let pixel = |x: usize, y: usize| -> [f32; 3] {
        let at = (y * width + x) * 3;
        pixels.get(at..at + 3).and_then(|p| <[u8; 3]>::try_from(p).ok()).unwrap_or_default().map(f32::from)
    };
    let within = |value: f64, length: usize| value.clamp(0.0, length.saturating_sub(1) as f64);
    let mut values = Vec::with_capacity(SIDE * SIDE * 3);
    for row in 0..SIDE {
        for column in 0..SIDE {
            let at = region.to_picture(column as f64, row as f64);
            let (x, y) = (within(at.x, width), within(at.y, height));
            let (left, top) = (x as usize, y as usize);
            let (right, bottom) = ((left + 1).min(width - 1), (top + 1).min(height - 1));
            let (across, down) = ((x - left as f64) as f32, (y - top as f64) as f32);
            let (a, b, c, d) = (pixel(left, top), pixel(right, top), pixel(left, bottom), pixel(right, bottom));
            for (((a, b), c), d) in a.into_iter().zip(b).zip(c).zip(d) {
                let (upper, lower) = (a + (b - a) * across, c + (d - c) * across);
                values.push((upper + (lower - upper) * down) / 255.0);
            }
        }
    }
    Ok(Tensor::from_vec(values, (1, SIDE, SIDE, 3), &Device::Cpu)?)
}

impl Mesh {
    /// `points` must be as many as the network gives.
    #[cfg(test)]
    pub fn from_points(points: Vec<[f64; 3]>) -> Mesh {
        assert_eq!(points.len(), POINTS);
        Mesh { points, presence: 1.0 }
    }

    pub fn points(&self) -> &[[f64; 3]] {
        &self.points
    }

    /// One point, without its depth.
    pub fn at(&self, index: usize) -> Point {
        let [x, y, _] = self.points.get(index).copied().unwrap_or_default();
        Point { x, y }
    }

    pub fn bounds(&self) -> Box2 {
        bounds(self.points.iter().map(|[x, y, _]| Point { x: *x, y: *y }))
    }

    /// The five points that alignment takes. The network marks the corners of the eyes; the detector their middle.
    pub fn landmarks(&self) -> Landmarks {
        let middle = |a: usize, b: usize| {
            let (a, b) = (self.at(a), self.at(b));
            Point { x: (a.x + b.x) / 2.0, y: (a.y + b.y) / 2.0 }
        };
        Landmarks::from_points([
            middle(part::RIGHT_EYE_OUTER, part::RIGHT_EYE_INNER),
            middle(part::LEFT_EYE_OUTER, part::LEFT_EYE_INNER),
            self.at(part::NOSE_TIP),
            self.at(part::RIGHT_MOUTH_CORNER),
            self.at(part::LEFT_MOUTH_CORNER),
        ])
    }

    /// Height of the right and the left eye's opening by its width.
    pub fn apertures(&self) -> (f64, f64) {
        let eye = |lids: [(usize, usize); 3], outer: usize, inner: usize| {
            let open: f64 = lids.iter().map(|(upper, lower)| self.distance(*upper, *lower)).sum();
            open / 3.0 / self.distance(outer, inner).max(1e-6)
        };
        (
            eye(part::RIGHT_LIDS, part::RIGHT_EYE_OUTER, part::RIGHT_EYE_INNER),
            eye(part::LEFT_LIDS, part::LEFT_EYE_OUTER, part::LEFT_EYE_INNER),
        )
    }

    /// Width of the mouth by the distance between the eyes' outer corners.
    pub fn mouth_width(&self) -> f64 {
        self.distance(part::RIGHT_MOUTH_CORNER, part::LEFT_MOUTH_CORNER) / self.eye_span().max(1e-6)
    }

    /// Between the eyes' outer corners, in pixels.
    pub fn eye_span(&self) -> f64 {
        self.distance(part::RIGHT_EYE_OUTER, part::LEFT_EYE_OUTER)
    }

    /// Degrees by which the head is turned, positive to the person's own left: that side is then further away.
    pub fn yaw_degrees(&self) -> f64 {
        let depth = |index: usize| self.points.get(index).map_or(0.0, |[_, _, z]| *z);
        let across = self.distance(part::RIGHT_SIDE, part::LEFT_SIDE);
        (depth(part::LEFT_SIDE) - depth(part::RIGHT_SIDE)).atan2(across.max(1e-6)).to_degrees()
    }

    fn distance(&self, a: usize, b: usize) -> f64 {
        let (a, b) = (self.at(a), self.at(b));
        (a.x - b.x).hypot(a.y - b.y)
    }
}

fn bounds(points: impl Iterator<Item = Point>) -> Box2 {
    let start = (f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY);
    let (left, top, right, bottom) =
        points.fold(start, |(l, t, r, b), p| (l.min(p.x), t.min(p.y), r.max(p.x), b.max(p.y)));
    Box2 { x: left, y: top, width: right - left, height: bottom - top }
}
