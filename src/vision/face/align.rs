//! Bringing a face to where the embedder expects it: eyes, nose and mouth on fixed points of a 112 by 112 picture.
//!
//! The map is the similarity (turn, scale, shift; never a mirror image) that moves the five landmarks nearest to the template
//! in the least-squares sense (S. Umeyama, "Least-squares estimation of transformation parameters", 1991). Pixels are
//! interpolated bilinearly; what lies outside the photo is black.

use image::{Rgb, RgbImage};

use crate::domain::evidence::{Landmarks, Point};
use crate::vision::resize::{self, Part};

/// Side of the aligned picture, in pixels.
pub const SIDE: u32 = 112;

/// Where the landmarks go: the template that ArcFace's authors published and SFace was trained with.
const TEMPLATE: [Point; 5] = [
    Point { x: 38.2946, y: 51.6963 },
    Point { x: 73.5318, y: 51.5014 },
    Point { x: 56.0252, y: 71.7366 },
    Point { x: 41.5493, y: 92.3655 },
    Point { x: 70.7299, y: 92.2041 },
];

/// x' = a x − b y + dx, y' = b x + a y + dy.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Similarity {
    a: f64,
    b: f64,
    dx: f64,
    dy: f64,
}

/// The aligned face, or `None` if the landmarks lie in one point.
pub fn face(photo: &RgbImage, landmarks: &Landmarks) -> Option<RgbImage> {
    let to_template = Similarity::fit(&landmarks.points(), &TEMPLATE)?;
    let to_photo = to_template.inverse()?;
    let factor = to_photo.scale().floor();
    if factor < 2.0 {
        return Some(warp(photo, &to_photo));
    }
    // A large face is averaged down first: interpolating between four of its many pixels would pick noise.
    let part = surroundings(photo, &to_photo);
    let small = resize::shrink_part(photo, part, factor);
    // Whole numbers are pixel centres, so the middle of the first small pixel is not where that of the first large one is.
    let reduce = |value: f64, start: f64| (value - start + 0.5) / factor - 0.5;
    let into_small = |p: Point| Point { x: reduce(p.x, f64::from(part.left)), y: reduce(p.y, f64::from(part.top)) };
    let to_template = Similarity::fit(&landmarks.points().map(into_small), &TEMPLATE)?;
    Some(warp(&small, &to_template.inverse()?))
}

impl Similarity {
    /// The closed form of the least-squares problem in two dimensions.
    fn fit(from: &[Point; 5], to: &[Point; 5]) -> Option<Similarity> {
        let (from_mean, to_mean) = (mean(from), mean(to));
        let (mut along, mut across, mut spread) = (0.0, 0.0, 0.0);
        for (p, q) in from.iter().zip(to) {
            let (px, py) = (p.x - from_mean.x, p.y - from_mean.y);
            let (qx, qy) = (q.x - to_mean.x, q.y - to_mean.y);
            along += px * qx + py * qy;
            across += px * qy - py * qx;
            spread += px * px + py * py;
        }
        let (a, b) = (along / spread, across / spread);
        let dx = to_mean.x - (a * from_mean.x - b * from_mean.y);
        let dy = to_mean.y - (b * from_mean.x + a * from_mean.y);
        [a, b, dx, dy].iter().all(|value| value.is_finite()).then_some(Similarity { a, b, dx, dy })
    }

    fn inverse(&self) -> Option<Similarity> {
        let square = self.a * self.a + self.b * self.b;
        let (a, b) = (self.a / square, -self.b / square);
        let (dx, dy) = (b * self.dy - a * self.dx, -b * self.dx - a * self.dy);
        [a, b, dx, dy].iter().all(|value| value.is_finite()).then_some(Similarity { a, b, dx, dy })
    }

    fn scale(&self) -> f64 {
        self.a.hypot(self.b)
    }

    fn apply(&self, x: f64, y: f64) -> Point {
        Point { x: self.a * x - self.b * y + self.dx, y: self.b * x + self.a * y + self.dy }
    }
}

fn mean(points: &[Point; 5]) -> Point {
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.x, y + point.y));
    Point { x: x / 5.0, y: y / 5.0 }
}

/// The part of the photo that the aligned picture shows.
fn surroundings(photo: &RgbImage, to_photo: &Similarity) -> Part {
    let side = f64::from(SIDE);
    let corners = [(0.0, 0.0), (side, 0.0), (0.0, side), (side, side)].map(|(x, y)| to_photo.apply(x, y));
    // Float to integer casts saturate, so coordinates far outside end at the edges.
    let range = |of: fn(&Point) -> f64, length: u32| {
        let low = corners.iter().map(of).fold(f64::INFINITY, f64::min).floor();
        let high = corners.iter().map(of).fold(f64::NEG_INFINITY, f64::max).ceil();
        let low = (low as u32).min(length.saturating_sub(1));
        (low, (high as u32).clamp(low + 1, length) - low)
    };
    let (left, width) = range(|p| p.x, photo.width());
    let (top, height) = range(|p| p.y, photo.height());
    Part { left, top, width, height }
}

fn warp(photo: &RgbImage, to_photo: &Similarity) -> RgbImage {
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let at = to_photo.apply(f64::from(x), f64::from(y));
        bilinear(photo, at)
    })
}

/// The colour at a point between pixels; whole numbers are pixel centres.
fn bilinear(photo: &RgbImage, at: Point) -> Rgb<u8> {
    let (left, top) = (at.x.floor(), at.y.floor());
    let (right_share, bottom_share) = ((at.x - left) as f32, (at.y - top) as f32);
    let pixel = |x: f64, y: f64| {
        let inside = x >= 0.0 && y >= 0.0 && x < f64::from(photo.width()) && y < f64::from(photo.height());
        if inside { photo.get_pixel(x as u32, y as u32).0.map(f32::from) } else { [0.0; 3] }
    };
    let corners = [
        (pixel(left, top), (1.0 - right_share) * (1.0 - bottom_share)),
        (pixel(left + 1.0, top), right_share * (1.0 - bottom_share)),
        (pixel(left, top + 1.0), (1.0 - right_share) * bottom_share),
        (pixel(left + 1.0, top + 1.0), right_share * bottom_share),
    ];
    let mut colour = [0_f32; 3];
    for (values, share) in corners {
        colour.iter_mut().zip(values).for_each(|(sum, value)| *sum += share * value);
    }
    Rgb(colour.map(|value| (value + 0.5) as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(map: &Similarity) -> [Point; 5] {
        TEMPLATE.map(|point| map.apply(point.x, point.y))
    }

    #[test]
    fn turn_scale_and_shift_are_recovered_and_inverted() {
        let map = Similarity { a: 2.0, b: -1.5, dx: 30.0, dy: 40.0 };
        let found = Similarity::fit(&TEMPLATE, &moved(&map)).unwrap();
        let back = found.inverse().unwrap();
        for point in TEMPLATE {
            let there = found.apply(point.x, point.y);
            let again = back.apply(there.x, there.y);
            assert!((again.x - point.x).abs() < 1e-9 && (again.y - point.y).abs() < 1e-9);
        }
        assert!((found.scale() - 2.5).abs() < 1e-9);
    }

    #[test]
    fn landmarks_in_one_point_give_no_face() {
        let photo = RgbImage::new(50, 50);
        let landmarks = Landmarks::from_points([Point { x: 20.0, y: 20.0 }; 5]);
        assert!(face(&photo, &landmarks).is_none());
    }

    #[test]
    fn a_face_already_in_place_is_copied_and_outside_is_black() {
        let photo = RgbImage::from_fn(112, 100, |x, y| Rgb([x as u8, y as u8, 7]));
        let aligned = face(&photo, &Landmarks::from_points(TEMPLATE)).unwrap();
        assert_eq!(aligned.get_pixel(13, 57), &Rgb([13, 57, 7]));
        assert_eq!(aligned.get_pixel(13, 111), &Rgb([0, 0, 0]));
    }

    #[test]
    fn a_large_face_is_averaged_and_stays_in_place() {
        let map = Similarity { a: 6.0, b: 0.0, dx: 200.0, dy: 100.0 };
        // A ramp with noise of one pixel's period: averaging leaves the ramp.
        let photo =
            RgbImage::from_fn(1000, 900, |x, y| Rgb([(x / 5) as u8, if (x + y) % 2 == 0 { 255 } else { 0 }, 0]));
        let aligned = face(&photo, &Landmarks::from_points(moved(&map))).unwrap();
        for (x, y) in [(5, 5), (56, 60), (100, 90)] {
            let Rgb([ramp, noise, _]) = *aligned.get_pixel(x, y);
            assert!((f64::from(ramp) - (f64::from(x) * 6.0 + 200.0) / 5.0).abs() <= 1.5, "{x} {y}: {ramp}");
            assert!((120..=135).contains(&noise), "{x} {y}: {noise}");
        }
    }

    #[test]
    fn landmarks_far_outside_do_not_allocate_or_panic() {
        let photo = RgbImage::new(64, 64);
        for scale in [1e-9, 1e3, 1e12, 1e300] {
            let map = Similarity { a: scale, b: 0.0, dx: -1e9, dy: 1e9 };
            let _ = face(&photo, &Landmarks::from_points(moved(&map)));
        }
    }
}
