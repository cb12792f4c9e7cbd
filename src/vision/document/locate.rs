//! Where the document lies on a photo.
//!
//! The corner net sees the whole photo at 256 by 192, finds the document and roughly its corners; then once more what lies
//! around it, which is the same document larger. The edges are drawn to the photo's own (see [`refine`](super::refine)).

use candle_core::{Device, Tensor};
use image::{Rgb, RgbImage};

use super::geometry::{Perspective, Quad, distance, overlap};
use super::outline::{self, Map};
use super::refine;
use crate::domain::evidence::Point;
use crate::vision::nets::{Net, NetError, corners};
use crate::vision::resize;

/// Longest side at which edges are looked for: sharper than most cameras' lenses are.
const LONGEST: f64 = 1280.0;
/// Around the document in the second look, in parts of its sides.
const AROUND: f64 = 0.15;

/// By how much more of the places must agree on edges farther away.
const FAR_PENALTY: f64 = 0.15;

/// A document on a photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Located {
    /// In pixels of the photo, clockwise from the one that is nearest to the photo's top left.
    pub corners: Quad,
    /// How sure the net is of what it took for the document, 0–1.
    pub confidence: f64,
}

/// The document, or `None` where there is nothing like one.
pub fn document(net: &Net, photo: &RgbImage) -> Result<Option<Located>, NetError> {
    let factor = (f64::from(photo.width().max(photo.height())) / LONGEST).max(1.0);
    let small = resize::shrink(photo, factor);
    let mut found = look(net, &small, &frame(&small))?;
    let Some(first) = surest(&small, &found) else { return Ok(None) };
    found.extend(again(net, &small, &first.0)?);
    let (corners, confidence) = surest(&small, &found).unwrap_or(first);
    let scale = |p: Point| Point {
        x: p.x * f64::from(photo.width()) / f64::from(small.width()),
        y: p.y * f64::from(photo.height()) / f64::from(small.height()),
    };
    Ok(Some(Located { corners: from_top_left(corners.map(scale)), confidence }))
}

/// Of what was found, drawn to edges near and far, the one for which most speaks: the net and the edges.
fn surest(photo: &RgbImage, found: &[(Quad, f64)]) -> Option<(Quad, f64)> {
    let mut best: Option<(f64, Quad, f64)> = None;
    for (quad, sure) in found {
        let far = refine::edges(photo, quad, refine::FAR).and_then(|(far, _)| refine::edges(photo, &far, refine::NEAR));
        let near = refine::edges(photo, quad, refine::NEAR);
        // A far edge is oftener another thing's: a line of text inside, a table's pattern outside.
        let drawn = [(near, 0.0), (far, -FAR_PENALTY)];
        for ((corners, agreed), penalty) in drawn.into_iter().filter_map(|(drawn, penalty)| Some((drawn?, penalty))) {
            let score = sure + agreed + penalty;
            if best.as_ref().is_none_or(|best| score > best.0) {
                best = Some((score, corners, *sure));
            }
        }
    }
    best.map(|(_, corners, sure)| (corners, sure)).or(found.first().copied())
}

/// The photo's own corners.
pub fn frame(photo: &RgbImage) -> Quad {
    let (right, bottom) = (f64::from(photo.width()), f64::from(photo.height()));
    [(0.0, 0.0), (right, 0.0), (right, bottom), (0.0, bottom)].map(|(x, y)| Point { x, y })
}

/// What the net finds in a part of the photo, the likeliest first.
fn look(net: &Net, photo: &RgbImage, part: &Quad) -> Result<Vec<(Quad, f64)>, NetError> {
    let Some(map) = Perspective::onto(part) else { return Ok(Vec::new()) };
    let [a, b, _, d] = part;
    let (wide, high) = if distance(a, b) >= distance(a, d) {
        (corners::LONG, corners::SHORT)
    } else {
        (corners::SHORT, corners::LONG)
    };
    let outputs = net.run(&input(photo, part, &map, (wide, high))?)?;
    let Some([_, rows, columns, 2]) = outputs.first().map(Tensor::dims) else {
        return Err(NetError::Graph("the corner net has one map of two channels".into()));
    };
    let values = outputs.first().map(Tensor::flatten_all).transpose()?.map(|flat| flat.to_vec1::<f32>()).transpose()?;
    let values = values.unwrap_or_default();
    let channel = |index: usize| Map {
        rows: *rows,
        columns: *columns,
        values: values.iter().skip(index).step_by(2).copied().collect(),
    };
    let found = outline::quads(&channel(0), &channel(1)).into_iter();
    Ok(found.map(|(quad, sure)| (quad.map(|p| map.at(p.x / *columns as f64, p.y / *rows as f64)), sure)).collect())
}

/// A second look at the document and a margin around it, straightened. Only quadrilaterals near the first count.
fn again(net: &Net, photo: &RgbImage, first: &Quad) -> Result<Vec<(Quad, f64)>, NetError> {
    let Some(map) = Perspective::onto(first) else { return Ok(Vec::new()) };
    let (low, high) = (-AROUND, 1.0 + AROUND);
    let part = [map.at(low, low), map.at(high, low), map.at(high, high), map.at(low, high)];
    let mut found = look(net, photo, &part)?;
    found.retain(|(second, _)| overlap(first, second) > 0.7);
    Ok(found)
}

/// The part of the photo at the net's size, RGB from −1 to 1; outside the photo its border goes on.
fn input(photo: &RgbImage, part: &Quad, map: &Perspective, (wide, high): (usize, usize)) -> Result<Tensor, NetError> {
    // Averaged down until a step of the net's is about one and a half pixels.
    let [a, b, c, d] = part;
    let across = distance(a, b).max(distance(d, c)) / wide as f64;
    let down = distance(a, d).max(distance(b, c)) / high as f64;
    let factor = (across.min(down) / 1.5).max(1.0);
    let small = resize::shrink(photo, factor);
    let scale =
        (f64::from(small.width()) / f64::from(photo.width()), f64::from(small.height()) / f64::from(photo.height()));
    let mut values = Vec::with_capacity(wide * high * 3);
    for row in 0..high {
        for column in 0..wide {
            let at = map.at((column as f64 + 0.5) / wide as f64, (row as f64 + 0.5) / high as f64);
            let colour = sample(&small, &Point { x: at.x * scale.0, y: at.y * scale.1 });
            values.extend(colour.map(|value| value / 127.5 - 1.0));
        }
    }
    Ok(Tensor::from_vec(values, (1, high, wide, 3), &Device::Cpu)?)
}

/// The colour at a point, bilinear between pixels' middles; outside the picture its nearest pixel.
pub fn sample(picture: &RgbImage, at: &Point) -> [f32; 3] {
    let clamped = |value: f64, length: u32| (value - 0.5).clamp(0.0, f64::from(length.saturating_sub(1)));
    let (x, y) = (clamped(at.x, picture.width()), clamped(at.y, picture.height()));
    let (left, top) = (x as u32, y as u32);
    let (right_share, bottom_share) = ((x - f64::from(left)) as f32, (y - f64::from(top)) as f32);
    let pixel = |dx: u32, dy: u32| {
        let (column, row) = ((left + dx).min(picture.width() - 1), (top + dy).min(picture.height() - 1));
        picture.get_pixel_checked(column, row).unwrap_or(&Rgb([0; 3])).0.map(f32::from)
    };
    let mut colour = [0.0; 3];
    let corners = [
        (pixel(0, 0), (1.0 - right_share) * (1.0 - bottom_share)),
        (pixel(1, 0), right_share * (1.0 - bottom_share)),
        (pixel(0, 1), (1.0 - right_share) * bottom_share),
        (pixel(1, 1), right_share * bottom_share),
    ];
    for (values, share) in corners {
        colour.iter_mut().zip(values).for_each(|(sum, value)| *sum += share * value);
    }
    colour
}

/// The same corners, the one nearest to the photo's top left first.
fn from_top_left(mut corners: Quad) -> Quad {
    let far = |p: &Point| p.x + p.y;
    let first = corners.iter().enumerate().min_by(|a, b| far(a.1).total_cmp(&far(b.1))).map_or(0, |(index, _)| index);
    corners.rotate_left(first);
    corners
}
