//! Laying a document flat: from its four corners to an upright rectangle, and the four ways it may lie.

use image::{Rgb, RgbImage, imageops};

use super::geometry::{Perspective, Quad, distance};
use super::locate::{self, Located, sample};
use super::orient;
use crate::domain::evidence::Point;
use crate::vision::nets::{Net, NetError};
use crate::vision::resize;

/// Width over height of what may lie there: ID-1 cards (ISO/IEC 7810) and passports' pages (ICAO Doc 9303 part 4).
const CARD: f64 = 85.60 / 53.98;
const PAGE: f64 = 125.0 / 88.0;
/// Of the flat picture: enough for thirty characters of a machine-readable line with forty pixels each.
const LONGER_MAX: f64 = 1400.0;
/// Smaller pictures are enlarged to this, so that everything that follows sees lines of a known height.
const LONGER_MIN: f64 = 900.0;
/// Below this confidence the quadrilateral is not believed, and the photo itself counts as the document.
pub const CONFIDENCE_MIN: f64 = 0.5;

/// A document laid flat, upright if it was turned rightly.
#[derive(Clone, Debug)]
pub struct Flat {
    pub picture: RgbImage,
    /// On the photo, in the order of reading: top left, top right, bottom right, bottom left of the flat picture. `None`
    /// where no edges were found and the picture is the photo as a whole.
    pub corners: Option<Quad>,
    /// Clockwise turn of the photo that brings the document nearest to upright.
    pub rotation_degrees: u16,
    /// Of the quadrilateral, 0–1.
    pub confidence: f64,
}

/// A document and its four possible turns.
pub struct Candidates {
    flat: Flat,
    /// Quarters clockwise, the likeliest first.
    turns: [u8; 4],
}

/// Finds the document on a photo, lays it flat and judges how it lies.
pub fn candidates(corner_net: &Net, orientation: &Net, photo: &RgbImage) -> Result<Candidates, NetError> {
    of(orientation, photo, locate::document(corner_net, photo)?)
}

/// The same for a document that was located already.
pub fn of(orientation: &Net, photo: &RgbImage, located: Option<Located>) -> Result<Candidates, NetError> {
    let located = located.filter(|found| found.confidence >= CONFIDENCE_MIN);
    let flat = match located.as_ref().and_then(|found| lay_flat(photo, found)) {
        Some(flat) => flat,
        None => whole(photo),
    };
    let turns = orient::likeliest(orientation, &flat.picture)?;
    Ok(Candidates { flat, turns })
}

impl Candidates {
    /// The document as it most probably lies upright.
    pub fn first(&self) -> Flat {
        self.flat.turned(self.turns[0])
    }

    /// All four ways, the likeliest first, each made when it is asked for.
    pub fn all(&self) -> impl Iterator<Item = Flat> {
        self.turns.iter().map(|quarters| self.flat.turned(*quarters))
    }
}

impl Flat {
    /// Turned clockwise by so many quarters.
    pub fn turned(&self, quarters: u8) -> Flat {
        let picture = match quarters % 4 {
            1 => imageops::rotate90(&self.picture),
            2 => imageops::rotate180(&self.picture),
            3 => imageops::rotate270(&self.picture),
            _ => self.picture.clone(),
        };
        // What stood at the bottom left is at the top left after one quarter.
        let corners = self.corners.map(|mut corners| {
            corners.rotate_right(usize::from(quarters % 4));
            corners
        });
        let rotation_degrees = (self.rotation_degrees + u16::from(quarters % 4) * 90) % 360;
        Flat { picture, corners, rotation_degrees, confidence: self.confidence }
    }

    /// Where a point of the flat picture, in parts of its width and height, lies on the photo of this size.
    pub fn on_photo(&self, u: f64, v: f64, (width, height): (u32, u32)) -> Option<Point> {
        let corners = self.corners.unwrap_or_else(|| {
            let (right, bottom) = (f64::from(width), f64::from(height));
            let mut frame = [(0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom)].map(|(x, y)| Point { x, y });
            frame.rotate_right(usize::from(self.rotation_degrees / 90 % 4));
            frame
        });
        Some(Perspective::onto(&corners)?.at(u, v))
    }
}

/// The document as it lies, its upper side being the one that is upper on the photo.
pub fn lay_flat(photo: &RgbImage, found: &Located) -> Option<Flat> {
    let map = Perspective::onto(&found.corners)?;
    let (width, height) = size(&found.corners, photo.dimensions());
    let [a, b, c, d] = &found.corners;
    let across = distance(a, b).max(distance(d, c)) / width;
    let down = distance(a, d).max(distance(b, c)) / height;
    let factor = across.min(down).max(1.0);
    let small = resize::shrink(photo, factor);
    let scale =
        (f64::from(small.width()) / f64::from(photo.width()), f64::from(small.height()) / f64::from(photo.height()));
    let picture = RgbImage::from_fn(width.round() as u32, height.round() as u32, |x, y| {
        let at = map.at((f64::from(x) + 0.5) / width, (f64::from(y) + 0.5) / height);
        let colour = sample(&small, &Point { x: at.x * scale.0, y: at.y * scale.1 });
        Rgb(colour.map(|value| (value + 0.5) as u8))
    });
    Some(Flat { picture, corners: Some(found.corners), rotation_degrees: 0, confidence: found.confidence })
}

/// The photo as the document: a scan without edges, or nothing that the net knows.
pub fn whole(photo: &RgbImage) -> Flat {
    let longer = f64::from(photo.width().max(photo.height()));
    let picture = resize::shrink(photo, longer / LONGER_MAX).into_owned();
    Flat { picture, corners: None, rotation_degrees: 0, confidence: 0.0 }
}

/// Of the flat picture, in pixels. A tilted document is seen shorter than it is; what it is can only be a card or a page.
fn size(corners: &Quad, photo: (u32, u32)) -> (f64, f64) {
    let [a, b, c, d] = corners;
    let (wide, high) = ((distance(a, b) + distance(d, c)) / 2.0, (distance(a, d) + distance(b, c)) / 2.0);
    let seen = aspect(corners, photo).unwrap_or(wide / high);
    let long = seen.max(1.0 / seen);
    let known = if (long / CARD).ln().abs() <= (long / PAGE).ln().abs() { CARD } else { PAGE };
    let longer = wide.max(high).clamp(LONGER_MIN, LONGER_MAX).round();
    let shorter = (longer / known).round();
    if seen >= 1.0 { (longer, shorter) } else { (shorter, longer) }
}

/// Width over height of a rectangle from its four corners on a photo, of which the middle is taken for the optical axis
/// (Z. Zhang, L.-W. He, "Whiteboard scanning and image enhancement", 2007). `None` where the perspective is too weak to say.
fn aspect(corners: &Quad, (width, height): (u32, u32)) -> Option<f64> {
    let axis = (f64::from(width) / 2.0, f64::from(height) / 2.0);
    // The paper's order: top left, top right, bottom left, bottom right.
    let [m1, m2, m4, m3] = corners.map(|p| [p.x - axis.0, p.y - axis.1, 1.0]);
    let k2 = dot(cross(m1, m4), m3) / dot(cross(m2, m4), m3);
    let k3 = dot(cross(m1, m4), m2) / dot(cross(m3, m4), m2);
    let across = minus(times(m2, k2), m1);
    let down = minus(times(m3, k3), m1);
    let ([ax, ay, az], [dx, dy, dz]) = (across, down);
    let focal_squared = -(ax * dx + ay * dy) / (az * dz);
    let longer = f64::from(width.max(height));
    // Phones lie between 0.6 and 1.5 of the longer side; anything far from it is noise in nearly parallel sides.
    let plausible = (0.4 * longer).powi(2)..(3.0 * longer).powi(2);
    if !plausible.contains(&focal_squared) {
        return None;
    }
    let squared = |[x, y, z]: [f64; 3]| (x * x + y * y) / focal_squared + z * z;
    let ratio = (squared(across) / squared(down)).sqrt();
    ratio.is_finite().then_some(ratio).filter(|ratio| *ratio > 0.0)
}

fn cross([ax, ay, az]: [f64; 3], [bx, by, bz]: [f64; 3]) -> [f64; 3] {
    [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx]
}

fn dot([ax, ay, az]: [f64; 3], [bx, by, bz]: [f64; 3]) -> f64 {
    ax * bx + ay * by + az * bz
}

fn times(a: [f64; 3], by: f64) -> [f64; 3] {
    a.map(|value| value * by)
}

fn minus([ax, ay, az]: [f64; 3], [bx, by, bz]: [f64; 3]) -> [f64; 3] {
    [ax - bx, ay - by, az - bz]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A rectangle seen by a camera with this focal length, tilted about both axes.
    fn seen(aspect: f64, focal: f64, (about_x, about_y): (f64, f64)) -> Quad {
        [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)].map(|(x, y)| {
            let (x, y) = (x * aspect / 2.0, y / 2.0);
            let (y, z) = (y * f64::cos(about_x), y * f64::sin(about_x));
            let (x, z) =
                (x * f64::cos(about_y) + z * f64::sin(about_y), 4.0 + z * f64::cos(about_y) - x * f64::sin(about_y));
            Point { x: 500.0 + focal * (x + 0.2) / z, y: 375.0 + focal * (y - 0.1) / z }
        })
    }

    #[test]
    fn the_proportions_of_a_tilted_rectangle_are_recovered() {
        for wanted in [CARD, PAGE, 1.0 / CARD] {
            for tilt in [(0.5, 0.3), (-0.4, 0.5), (0.3, -0.6)] {
                let found = aspect(&seen(wanted, 1100.0, tilt), (1000, 750)).unwrap();
                assert!((found / wanted - 1.0).abs() < 1e-6, "{found} for {wanted}");
            }
        }
        let level = seen(CARD, 1100.0, (0.0, 0.0));
        assert!(aspect(&level, (1000, 750)).is_none());
        let (width, height) = size(&level, (1000, 750));
        assert!((width / height - CARD).abs() < 0.01);
    }

    #[test]
    fn a_document_is_laid_flat_and_its_corners_turn_with_it() {
        // Red, green, blue and white quarters, seen from a slant.
        let corners: Quad = seen(CARD, 1600.0, (0.4, 0.3));
        let map = Perspective::onto(&corners).unwrap();
        let mut photo = RgbImage::from_pixel(1000, 750, Rgb([40; 3]));
        let colours = [Rgb([250, 0, 0]), Rgb([0, 250, 0]), Rgb([250; 3]), Rgb([0, 0, 250])];
        for step in 0..1_000_000 {
            let (u, v) = (f64::from(step % 1000) / 1000.0, f64::from(step / 1000) / 1000.0);
            let quarter = match (u < 0.5, v < 0.5) {
                (true, true) => 0,
                (false, true) => 1,
                (false, false) => 2,
                (true, false) => 3,
            };
            let at = map.at(u, v);
            photo.put_pixel(at.x as u32, at.y as u32, colours[quarter]);
        }
        let flat = lay_flat(&photo, &Located { corners, confidence: 1.0 }).unwrap();
        for quarters in 0..4_u8 {
            let turned = flat.turned(quarters);
            let (width, height) = turned.picture.dimensions();
            let places = [(1, 1), (3, 1), (3, 3), (1, 3)];
            for (place, (x, y)) in places.into_iter().enumerate() {
                let colour = turned.picture.get_pixel(width * x / 4, height * y / 4);
                let wanted = colours[(place + 4 - usize::from(quarters)) % 4];
                let apart = colour.0.iter().zip(wanted.0).map(|(a, b)| a.abs_diff(b)).max().unwrap();
                assert!(apart < 30, "{quarters} {place} {colour:?} {wanted:?}");
            }
            let first = turned.on_photo(0.0, 0.0, photo.dimensions()).unwrap();
            assert!(distance(&first, &corners[usize::from(4 - quarters) % 4]) < 1e-6);
        }
    }

    #[test]
    fn a_photo_as_a_whole_maps_onto_itself_however_turned() {
        let photo = RgbImage::new(2800, 1400);
        let flat = whole(&photo);
        assert_eq!(flat.picture.dimensions(), (1400, 700));
        let turned = flat.turned(1);
        assert_eq!(turned.picture.dimensions(), (700, 1400));
        assert_eq!(turned.rotation_degrees, 90);
        // What stands at the top left after a quarter clockwise stood at the bottom left.
        assert_eq!(turned.on_photo(0.0, 0.0, (2800, 1400)).unwrap(), Point { x: 0.0, y: 1400.0 });
    }
}
