//! From a map of text probabilities to boxes: connected pixels, their smallest rectangle, its score, its true size.
//!
//! As published with DB (M. Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", 2020): the network
//! learned shrunken text, so each rectangle is grown again by area · ratio / perimeter.

use crate::domain::evidence::Point;

/// A pixel at or above it belongs to text, a box whose mean reaches the second is one, and boxes grow by the third: the values
/// published with PP-OCRv6.
const PIXEL_MIN: f32 = 0.2;
const BOX_MIN: f32 = 0.45;
const GROWTH: f64 = 1.4;
/// Smaller specks are no text, in pixels of the map.
const SIDE_MIN: f64 = 3.0;
/// No document has more pieces of text; a page of noise might.
const BOXES_MAX: usize = 400;

/// A rectangle of text. Its width runs along the text, within 45° of the horizontal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextBox {
    pub centre: Point,
    pub width: f64,
    pub height: f64,
    /// Clockwise from the horizontal, −45° to 45°, in radians.
    pub angle: f64,
    /// Mean probability, 0–1.
    pub score: f64,
}

impl TextBox {
    pub fn scaled(self, factor: f64) -> TextBox {
        // Pixel centres are whole numbers.
        let centre = |value: f64| (value + 0.5) * factor - 0.5;
        TextBox {
            centre: Point { x: centre(self.centre.x), y: centre(self.centre.y) },
            width: self.width * factor,
            height: self.height * factor,
            ..self
        }
    }

    pub fn left(&self) -> f64 {
        self.centre.x - self.width / 2.0
    }

    pub fn right(&self) -> f64 {
        self.centre.x + self.width / 2.0
    }

    pub fn top(&self) -> f64 {
        self.centre.y - self.height / 2.0
    }

    pub fn bottom(&self) -> f64 {
        self.centre.y + self.height / 2.0
    }

    /// Text that runs up or down.
    pub fn is_upright(&self) -> bool {
        self.height > 2.2 * self.width
    }

    /// Corners from the upper left, clockwise.
    pub fn corners(&self) -> [Point; 4] {
        let (sin, cos) = self.angle.sin_cos();
        let (w, h) = (self.width / 2.0, self.height / 2.0);
        [(-w, -h), (w, -h), (w, h), (-w, h)]
            .map(|(x, y)| Point { x: self.centre.x + x * cos - y * sin, y: self.centre.y + x * sin + y * cos })
    }
}

/// The boxes of text on a map of `width` columns.
pub fn find(map: &[f32], width: usize) -> Vec<TextBox> {
    let mut seen = vec![false; map.len()];
    let mut boxes = Vec::new();
    for start in 0..map.len() {
        if is_text(map, start) && seen.get(start) == Some(&false) {
            let edge = component(map, width, start, &mut seen);
            boxes.extend(rectangle(&edge).and_then(|found| scored(map, width, found)));
        }
        if boxes.len() == BOXES_MAX {
            break;
        }
    }
    boxes
}

fn is_text(map: &[f32], at: usize) -> bool {
    map.get(at).is_some_and(|value| *value >= PIXEL_MIN)
}

/// The first and last pixel in each row of the connected pixels around `start`, all of which are marked as seen.
fn component(map: &[f32], width: usize, start: usize, seen: &mut [bool]) -> Vec<Point> {
    let mut rows: std::collections::BTreeMap<usize, (usize, usize)> = std::collections::BTreeMap::new();
    let mut todo = vec![start];
    if let Some(mark) = seen.get_mut(start) {
        *mark = true;
    }
    while let Some(at) = todo.pop() {
        let (x, y) = (at % width, at / width);
        let ends = rows.entry(y).or_insert((x, x));
        *ends = (ends.0.min(x), ends.1.max(x));
        let beside =
            [(x > 0).then(|| at - 1), (x + 1 < width).then_some(at + 1), at.checked_sub(width), Some(at + width)];
        for next in beside.into_iter().flatten() {
            if is_text(map, next) && seen.get(next) == Some(&false) {
                if let Some(mark) = seen.get_mut(next) {
                    *mark = true;
                }
                todo.push(next);
            }
        }
    }
    let point = |x: usize, y: usize| Point { x: x as f64, y: y as f64 };
    rows.into_iter().flat_map(|(y, (first, last))| [point(first, y), point(last, y)]).collect()
}

/// The smallest rectangle around the points, pixels taken with their width. `None` for a speck.
fn rectangle(points: &[Point]) -> Option<TextBox> {
    let hull = hull(points);
    let edges = hull.iter().zip(hull.iter().cycle().skip(1));
    let angles = edges.map(|(a, b)| quarter((b.y - a.y).atan2(b.x - a.x))).chain([0.0]);
    let found = angles.map(|angle| around(&hull, angle)).min_by(|a, b| {
        let area = |found: &TextBox| found.width * found.height;
        area(a).total_cmp(&area(b))
    })?;
    (found.width.min(found.height) >= SIDE_MIN).then_some(found)
}

/// The same direction up to quarter turns, from −45° to 45°.
fn quarter(angle: f64) -> f64 {
    let right = std::f64::consts::FRAC_PI_2;
    angle - (angle / right).round() * right
}

/// The rectangle around the points whose sides run in the direction `angle`.
fn around(points: &[Point], angle: f64) -> TextBox {
    let (sin, cos) = angle.sin_cos();
    let along = points.iter().map(|p| p.x * cos + p.y * sin);
    let across = points.iter().map(|p| p.y * cos - p.x * sin);
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
    };
    let ((left, right), (top, bottom)) = (range(&mut { along }), range(&mut { across }));
    let (u, v) = (f64::midpoint(left, right), f64::midpoint(top, bottom));
    TextBox {
        centre: Point { x: u * cos - v * sin, y: u * sin + v * cos },
        width: right - left + 1.0,
        height: bottom - top + 1.0,
        angle,
        score: 0.0,
    }
}

/// The convex hull (A. M. Andrew, "Another efficient algorithm for convex hulls in two dimensions", 1979).
fn hull(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    let half = |points: &mut dyn Iterator<Item = Point>| {
        let mut chain: Vec<Point> = Vec::new();
        for p in points {
            while let [.., a, b] = chain.as_slice()
                && (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x) <= 0.0
            {
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut lower = half(&mut sorted.iter().copied());
    lower.extend(half(&mut sorted.iter().rev().copied()));
    if lower.is_empty() { sorted.into_iter().take(1).collect() } else { lower }
}

/// The box with its mean probability and in its true size, if it is text.
fn scored(map: &[f32], width: usize, found: TextBox) -> Option<TextBox> {
    let (sin, cos) = found.angle.sin_cos();
    let corners = found.corners();
    let low = |of: fn(&Point) -> f64| corners.iter().map(of).fold(f64::INFINITY, f64::min).floor().max(0.0) as usize;
    let high = |of: fn(&Point) -> f64| corners.iter().map(of).fold(0.0, f64::max).ceil() as usize;
    let (mut sum, mut count) = (0.0, 0_u32);
    for y in low(|p| p.y)..=high(|p| p.y) {
        for x in low(|p| p.x)..=high(|p| p.x).min(width.saturating_sub(1)) {
            let (dx, dy) = (x as f64 - found.centre.x, y as f64 - found.centre.y);
            let inside =
                (dx * cos + dy * sin).abs() <= found.width / 2.0 && (dy * cos - dx * sin).abs() <= found.height / 2.0;
            if let (true, Some(value)) = (inside, map.get(y * width + x)) {
                sum += value;
                count += 1;
            }
        }
    }
    let score = sum / count.max(1) as f32;
    let grown = 2.0 * GROWTH * (found.width * found.height) / (2.0 * (found.width + found.height));
    (score >= BOX_MIN).then_some(TextBox {
        width: found.width + grown,
        height: found.height + grown,
        score: f64::from(score),
        ..found
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map with one tilted bar of text.
    fn bar(angle: f64, value: f32) -> Vec<f32> {
        let (sin, cos) = angle.sin_cos();
        let inside = |x: usize, y: usize| {
            let (dx, dy) = (x as f64 - 60.0, y as f64 - 40.0);
            (dx * cos + dy * sin).abs() <= 30.0 && (dy * cos - dx * sin).abs() <= 4.0
        };
        (0..80 * 120).map(|at| if inside(at % 120, at / 120) { value } else { 0.0 }).collect()
    }

    #[test]
    fn a_bar_is_found_with_its_tilt_and_grown_to_its_true_size() {
        for degrees in [-40.0_f64, -10.0, 0.0, 3.0, 30.0] {
            let found = find(&bar(degrees.to_radians(), 0.9), 120);
            let [one] = found.as_slice() else { panic!("{degrees}: {found:?}") };
            assert!((one.angle.to_degrees() - degrees).abs() < 3.0, "{degrees}: {one:?}");
            assert!((one.centre.x - 60.0).abs() < 1.0 && (one.centre.y - 40.0).abs() < 1.0, "{one:?}");
            // 61 × 9 grow by 2 · 1.4 · 549 / 140.
            assert!((one.width - 72.0).abs() < 4.0 && (one.height - 20.0).abs() < 4.0, "{degrees}: {one:?}");
        }
    }

    #[test]
    fn weak_maps_specks_and_empty_maps_have_no_text() {
        assert!(find(&bar(0.0, 0.3), 120).is_empty(), "above the pixels' threshold, below the box's");
        let mut speck = vec![0.0; 400];
        speck[150] = 1.0;
        assert!(find(&speck, 20).is_empty());
        assert!(find(&[], 20).is_empty());
        let whole = find(&vec![1.0; 400], 20);
        assert_eq!(whole.len(), 1);
    }
}
