//! Photographing a flat thing: perspective, ground, light, lens and sensor. What comes out knows where the corners went.

use image::{Rgb, RgbImage, imageops};
use twoface::vision::evaluate::documents::truth::Level;
use twoface::vision::resize::shrink;

use crate::background;
use crate::canvas::Canvas;
use crate::dice::Dice;
use crate::flat::Flat;
use crate::geometry::{Homography, Quad};
use crate::light;
use crate::stock::Stock;

/// What a level fixes. Lengths are pixels of the photo.
#[derive(Clone, Copy)]
pub struct Conditions {
    /// Mean of the document's upper and lower edge.
    pub width: f64,
    /// Most that the document is turned beyond its quarter turn, and most that it is tilted away from the camera.
    pub tilt_degrees: f64,
    pub blur: f64,
    pub quality: u8,
    /// Of the sensor, in grey levels.
    pub noise: f64,
    /// Brightest glare, in grey levels, and deepest shadow; zero for none.
    pub glare: f64,
    pub shadow: f64,
    /// How much light differs across the photo.
    pub uneven: f64,
}

pub fn conditions(level: Level) -> Conditions {
    let easy = Conditions {
        width: 900.0,
        tilt_degrees: 10.0,
        blur: 0.5,
        quality: 90,
        noise: 1.5,
        glare: 0.0,
        shadow: 0.0,
        uneven: 0.1,
    };
    match level {
        Level::Flat | Level::Easy => easy,
        Level::Medium => Conditions {
            width: 600.0,
            tilt_degrees: 25.0,
            blur: 1.2,
            quality: 60,
            noise: 3.0,
            glare: 90.0,
            shadow: 0.4,
            uneven: 0.2,
        },
        Level::Hard => Conditions {
            width: 400.0,
            tilt_degrees: 40.0,
            blur: 2.0,
            quality: 35,
            noise: 5.0,
            glare: 130.0,
            shadow: 0.55,
            uneven: 0.3,
        },
    }
}

/// How the document lies in the frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Whole, with ground around it.
    Whole,
    /// A part lies outside.
    CutOff,
    /// As a scanner sees it: it is the picture.
    Scan,
}

pub struct Photo {
    pub pixels: RgbImage,
    /// In the document's reading order; none where there is no document.
    pub corners: Option<[[f64; 2]; 4]>,
    pub rotation_degrees: u16,
}

/// A photo at full size, or, for training, with this longest side.
pub fn photograph(
    flat: Option<&Flat>,
    given: Conditions,
    framing: Framing,
    stock: &Stock,
    dice: &mut Dice,
    longest: Option<u32>,
) -> Photo {
    let quarter = dice.below(4);
    let aspect = flat.map_or(1.586, |flat| {
        let (width, height) = flat.pixels.dimensions();
        f64::from(width) / f64::from(height - flat.above)
    });
    let seen = seen(aspect, quarter, given, dice);
    let (quad, (width, height)) = framed(&seen, framing, dice);
    // Small photos are drawn at twice their size and averaged, as shrinking a large one would.
    let drawn = longest.map_or(1.0, |longest| f64::from(longest) * 2.0 / width.max(height));
    let size = ((width * drawn).round() as u32, (height * drawn).round() as u32);
    let quad = Quad(quad.0.map(|(x, y)| (x * drawn, y * drawn)));
    let mut canvas = Canvas { pixels: ground(stock, dice, size) };
    if let Some(flat) = flat {
        place(&mut canvas, flat, &quad, dice);
    }
    let document = if flat.is_some() { quad } else { Quad::rectangle(f64::from(size.0), f64::from(size.1)) };
    let given = Conditions { width: given.width * drawn, blur: given.blur * drawn, ..given };
    let mut pixels = light::expose(&canvas.pixels, given, &document, dice);
    let mut scale = 1.0;
    if longest.is_some() {
        pixels = shrink(&pixels, 2.0).into_owned();
        scale = 0.5;
    }
    Photo {
        pixels,
        corners: flat.map(|_| quad.0.map(|(x, y)| [x * scale, y * scale])),
        rotation_degrees: if flat.is_some() { ((4 - quarter) % 4 * 90) as u16 } else { 0 },
    }
}

/// The corners as a camera over the table sees them, around the origin, at the level's size.
fn seen(aspect: f64, quarter: u64, given: Conditions, dice: &mut Dice) -> Quad {
    let turn = (quarter as f64 * 90.0 + dice.range(-given.tilt_degrees, given.tilt_degrees)).to_radians();
    let away = dice.range(0.0, given.tilt_degrees).to_radians();
    let axis = dice.range(0.0, std::f64::consts::TAU);
    // Of the camera, in widths of the document: a hand's length from a card.
    let distance = dice.range(1.6, 3.2);
    let (ax, ay) = (axis.cos(), axis.sin());
    let half = (0.5, 0.5 / aspect);
    let corner = |x: f64, y: f64| {
        let (x, y) = (x * turn.cos() - y * turn.sin(), x * turn.sin() + y * turn.cos());
        let along = (ax * x + ay * y) * (1.0 - away.cos());
        let depth = 1.0 + away.sin() * (ax * y - ay * x) / distance;
        ((x * away.cos() + ax * along) / depth, (y * away.cos() + ay * along) / depth)
    };
    let quad = [corner(-half.0, -half.1), corner(half.0, -half.1), corner(half.0, half.1), corner(-half.0, half.1)];
    let length = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).hypot(a.1 - b.1);
    let scale = given.width * 2.0 / (length(quad[0], quad[1]) + length(quad[3], quad[2]));
    Quad(quad.map(|(x, y)| (x * scale, y * scale)))
}

/// The quadrilateral on a photo, and the photo's size.
fn framed(seen: &Quad, framing: Framing, dice: &mut Dice) -> (Quad, (f64, f64)) {
    let [left, top, right, bottom] = seen.bounds();
    let (wide, high) = (right - left, bottom - top);
    if framing == Framing::Scan {
        let length = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0).hypot(a.1 - b.1);
        let (width, height) = (length(seen.0[0], seen.0[1]), length(seen.0[0], seen.0[3]));
        // Which corner comes first says how it was laid on the glass.
        let first = dice.below(4) as usize;
        let size = if first.is_multiple_of(2) { (width, height) } else { (height, width) };
        let mut corners = Quad::rectangle(size.0, size.1).0;
        corners.rotate_left(first);
        let mut jitter = || dice.range(-0.006, 0.006) * width;
        return (Quad(corners.map(|(x, y)| (x + jitter(), y + jitter()))), size);
    }
    let same_way = dice.chance(0.75);
    let long = dice.pick(&[4.0 / 3.0, 4.0 / 3.0, 16.0 / 9.0]);
    let aspect = if (wide > high) == same_way { long } else { 1.0 / long };
    let share = dice.range(0.5, 0.88);
    let width = (wide / share).max(high * aspect / 0.92).round();
    let height = (width / aspect).round();
    let (slack_x, slack_y) = (width - wide, height - high);
    let (mut x, mut y) = (dice.range(0.1, 0.9) * slack_x, dice.range(0.1, 0.9) * slack_y);
    if framing == Framing::CutOff {
        let out = dice.range(0.03, 0.18);
        match dice.below(4) {
            0 => x = -out * wide,
            1 => x = slack_x + out * wide,
            2 => y = -out * high,
            _ => y = slack_y + out * high,
        }
    }
    (seen.moved(x - left, y - top), (width, height))
}

/// Drawn no larger than needed: what lies under a document is a little out of focus.
fn ground(stock: &Stock, dice: &mut Dice, (width, height): (u32, u32)) -> RgbImage {
    let family = dice.pick(stock.split.backgrounds());
    let scale = (1000.0 / f64::from(width.max(height))).min(1.0);
    let size = ((f64::from(width) * scale) as u32, (f64::from(height) * scale) as u32);
    let drawn = background::draw(family, stock, dice, size);
    if scale < 1.0 { imageops::resize(&drawn, width, height, imageops::FilterType::Triangle) } else { drawn }
}

/// Lays the flat thing on the ground, with the shadow of its edge.
fn place(canvas: &mut Canvas, flat: &Flat, quad: &Quad, dice: &mut Dice) {
    let ratio = f64::from(flat.pixels.width()) * 2.0 / (side(quad, 0, 1) + side(quad, 3, 2));
    let factor = (ratio / 1.15).max(1.0);
    let small = shrink(&flat.pixels, factor);
    let (width, height) = (f64::from(small.width()), f64::from(small.height()));
    let above = f64::from(flat.above) / factor;
    let page = Quad([(0.0, above), (width, above), (width, height), (0.0, height)]);
    let maps = Homography::from_to(quad, &page).zip(Homography::from_to(&page, quad));
    let Some((to_flat, to_photo)) = maps else { return };
    let whole = Quad(Quad::rectangle(width, height).0.map(|(x, y)| to_photo.apply(x, y)));
    let unit = side(quad, 0, 1);
    let drop = (dice.range(-0.012, 0.012) * unit, dice.range(0.0, 0.014) * unit);
    let (soft, dark) = (dice.range(0.006, 0.03) * unit, dice.range(0.1, 0.5) as f32);
    let shadow = whole.moved(drop.0, drop.1);
    // Flat pixels per photo pixel.
    let scale = ratio / factor;
    let radius = flat.rounding * width;
    let [left, top, right, bottom] = whole.bounds();
    let reach = soft + drop.0.abs() + drop.1.abs() + 2.0;
    for y in (top - reach).max(0.0) as i64..(bottom + reach).min(canvas.height()) as i64 {
        for x in (left - reach).max(0.0) as i64..(right + reach).min(canvas.width()) as i64 {
            let (px, py) = (x as f64 + 0.5, y as f64 + 0.5);
            let under = (0.5 + shadow.depth(px, py) / soft).clamp(0.0, 1.0) as f32;
            canvas.blend(x, y, [8, 8, 10], under * dark);
            if whole.depth(px, py) < -1.0 {
                continue;
            }
            let (u, v) = to_flat.apply(px, py);
            let covered = (0.5 - outside(u, v, width, height, radius) / scale).clamp(0.0, 1.0) as f32;
            if covered > 0.0 {
                canvas.blend(x, y, sample(&small, u, v), covered);
            }
        }
    }
}

fn side(quad: &Quad, a: usize, b: usize) -> f64 {
    (quad.0[a].0 - quad.0[b].0).hypot(quad.0[a].1 - quad.0[b].1)
}

/// Distance to a rectangle with rounded corners, negative inside.
fn outside(u: f64, v: f64, width: f64, height: f64, radius: f64) -> f64 {
    let x = (u - width / 2.0).abs() - width / 2.0 + radius;
    let y = (v - height / 2.0).abs() - height / 2.0 + radius;
    x.max(0.0).hypot(y.max(0.0)) + x.max(y).min(0.0) - radius
}

/// Bilinear; pixels' middles lie at halves.
fn sample(picture: &RgbImage, u: f64, v: f64) -> [u8; 3] {
    let (x, y) = ((u - 0.5).max(0.0), (v - 0.5).max(0.0));
    let (left, top) = (x as u32, y as u32);
    let (right_share, bottom_share) = (x - f64::from(left), y - f64::from(top));
    let at = |dx: u32, dy: u32| {
        let (column, row) = ((left + dx).min(picture.width() - 1), (top + dy).min(picture.height() - 1));
        let Rgb(pixel) = picture.get_pixel(column, row);
        pixel.map(f64::from)
    };
    let (a, b, c, d) = (at(0, 0), at(1, 0), at(0, 1), at(1, 1));
    [0, 1, 2].map(|i| {
        let above = a[i] + (b[i] - a[i]) * right_share;
        let below = c[i] + (d[i] - c[i]) * right_share;
        (above + (below - above) * bottom_share + 0.5) as u8
    })
}
