//! Clips that the tests make themselves: a photo whose lids and mouth corners are moved by its landmarks, one JPEG a frame.

use std::io::Cursor;

use image::{Rgb, RgbImage, imageops};
use twoface::domain::evidence::Point;
use twoface::vision::Engine;
use twoface::vision::face::mesh::{self, Mesh, Region, part};
use twoface::vision::face::{antispoof, search};

/// What players take for a bare stream of JPEGs.
pub const RATE: f64 = 25.0;
/// Side of the frames.
const SIDE: u32 = 360;
/// Upper and lower lid from the outer to the inner corner or back, points of the published mesh.
const RIGHT_EYE: ([usize; 9], [usize; 9]) =
    ([33, 246, 161, 160, 159, 158, 157, 173, 133], [33, 7, 163, 144, 145, 153, 154, 155, 133]);
const LEFT_EYE: ([usize; 9], [usize; 9]) =
    ([362, 398, 384, 385, 386, 387, 388, 466, 263], [362, 382, 381, 380, 374, 373, 390, 249, 263]);

pub struct Portrait {
    picture: RgbImage,
    mesh: Mesh,
}

impl Portrait {
    /// The photo's first face in the middle of a square, about half as wide.
    pub fn of(engine: &Engine, photo: &[u8]) -> Portrait {
        let photo = image::load_from_memory(photo).unwrap().to_rgb8();
        let nets = engine.networks();
        let face = search::faces(&nets.face_detector, &photo).unwrap().faces[0];
        let (centre, side) = (Region::around(&face).centre, face.r#box.width * 2.2);
        let corner = Point { x: centre.x - side / 2.0, y: centre.y - side / 2.0 };
        let scale = side / f64::from(SIDE);
        let picture = RgbImage::from_fn(SIDE, SIDE, |x, y| {
            colour(&photo, corner.x + f64::from(x) * scale, corner.y + f64::from(y) * scale)
        });
        let face = search::quickly(&nets.face_detector, &picture).unwrap()[0];
        let mesh = mesh::of(&nets.face_mesh, &picture, &Region::around(&face)).unwrap().unwrap();
        Portrait { picture, mesh }
    }

    pub fn still(&self) -> RgbImage {
        self.picture.clone()
    }

    /// With the upper lids down by a share of the eyes' opening: the skin above them is stretched over it.
    pub fn lids(&self, closed: f64) -> RgbImage {
        let mut out = self.picture.clone();
        for (upper, lower) in [RIGHT_EYE, LEFT_EYE] {
            let (upper, lower) = (self.line(&upper), self.line(&lower));
            let (from, to) = (upper[0].x.min(upper[8].x), upper[0].x.max(upper[8].x));
            let open = (0..9).map(|i| lower[i].y - upper[i].y).fold(0.0, f64::max);
            for x in from.ceil() as u32..to.floor() as u32 {
                let (lid, bottom) = (height(&upper, f64::from(x)), height(&lower, f64::from(x)) + 1.0);
                let top = lid - 1.6 * open;
                let new_lid = lid + closed * (bottom - lid);
                for y in top.ceil() as u32..new_lid.floor() as u32 {
                    let source = top + (f64::from(y) - top) * (lid - 1.5 - top) / (new_lid - top);
                    out.put_pixel(x, y, colour(&self.picture, f64::from(x), source));
                }
            }
        }
        out
    }

    /// With the mouth's corners moved outwards and up by a share of the mouth's width; a negative share takes a smile away.
    pub fn mouth(&self, share: f64) -> RgbImage {
        let corners = [part::RIGHT_MOUTH_CORNER, part::LEFT_MOUTH_CORNER].map(|index| self.mesh.at(index));
        let width = (corners[1].x - corners[0].x).hypot(corners[1].y - corners[0].y);
        let moves = [-1.0, 1.0].map(|side| (side * share * width, -share * width));
        RgbImage::from_fn(SIDE, SIDE, |x, y| {
            let (mut sx, mut sy) = (f64::from(x), f64::from(y));
            for (corner, (dx, dy)) in corners.iter().zip(moves) {
                let (ax, ay) = (f64::from(x) - corner.x - dx, f64::from(y) - corner.y - dy);
                let near = (-(ax * ax + ay * ay) / (2.0 * (0.3 * width).powi(2))).exp();
                (sx, sy) = (sx - dx * near, sy - dy * near);
            }
            colour(&self.picture, sx, sy)
        })
    }

    fn line(&self, points: &[usize; 9]) -> [Point; 9] {
        points.map(|index| self.mesh.at(index))
    }
}

/// A picture held in a hand that is not still: shifted, turned and nearer or further by a little.
pub fn shaken(picture: &RgbImage, at: f64) -> RgbImage {
    let (middle, scale) = (f64::from(SIDE) / 2.0, 1.0 + 0.03 * (at * 2.1).sin());
    let (sin, cos) = (0.06 * (at * 3.3).sin()).sin_cos();
    let (dx, dy) = (6.0 * (at * 4.7).sin(), 5.0 * (at * 5.9).cos());
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let (x, y) = ((f64::from(x) - middle - dx) * scale, (f64::from(y) - middle - dy) * scale);
        colour(picture, middle + x * cos - y * sin, middle + x * sin + y * cos)
    })
}

/// As a picture of it looks when it is tilted to one side and the other: narrower, and one edge nearer.
pub fn tilted(picture: &RgbImage, degrees: f64) -> RgbImage {
    let (middle, (sin, cos)) = (f64::from(SIDE) / 2.0, degrees.to_radians().sin_cos());
    // Three picture widths away.
    let away = 3.0 * f64::from(SIDE);
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let (x, y) = (f64::from(x) - middle, f64::from(y) - middle);
        let across = x * away / (away * cos - x * sin);
        colour(picture, middle + across, middle + y * (away + across * sin) / away)
    })
}

pub fn dimmed(picture: &RgbImage, share: f64) -> RgbImage {
    let mut out = picture.clone();
    out.pixels_mut().for_each(|pixel| pixel.0 = pixel.0.map(|value| (f64::from(value) * share) as u8));
    out
}

pub fn beside(left: &RgbImage, right: &RgbImage) -> RgbImage {
    let mut both = RgbImage::new(2 * SIDE, SIDE);
    imageops::replace(&mut both, left, 0, 0);
    imageops::replace(&mut both, right, i64::from(SIDE), 0);
    both
}

/// A clip of `seconds`, frame by frame.
pub fn clip(seconds: f64, frame: impl Fn(f64) -> RgbImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    for index in 0..(seconds * RATE) as u32 {
        let picture = frame(f64::from(index) / RATE);
        let jpeg = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 92);
        picture.write_with_encoder(jpeg).unwrap();
    }
    bytes.into_inner()
}

/// How far the lids are down in a blink of 0.32 seconds around `middle`.
pub fn blink(at: f64, middle: f64) -> f64 {
    (1.4 * (1.0 - (at - middle).abs() / 0.16)).clamp(0.0, 1.0)
}

/// Where a line is at `x`, between its points.
fn height(line: &[Point; 9], x: f64) -> f64 {
    let mut line = *line;
    line.sort_by(|a, b| a.x.total_cmp(&b.x));
    let after = line.iter().position(|point| point.x >= x).unwrap_or(8).max(1);
    let (a, b) = (line[after - 1], line[after]);
    a.y + (b.y - a.y) * ((x - a.x) / (b.x - a.x).max(1e-6)).clamp(0.0, 1.0)
}

fn colour(picture: &RgbImage, x: f64, y: f64) -> Rgb<u8> {
    Rgb(antispoof::between(picture, x, y).map(|value| value.round() as u8))
}
