//! Values by where they stand on a document of known layout, for labels too small to be read.
//!
//! Places are parts of the document's width and height. What labels could be read correct them: the document's edges are
//! found to a few per cent only.

use super::phrases;
use super::read::{Line, TextBox};
use crate::domain::document::FieldName;
use crate::domain::evidence::Point;

/// Left, top, right, bottom.
pub type Area = [f64; 4];

/// A value's place.
pub struct Slot {
    pub name: FieldName,
    pub area: Area,
}

pub const fn slot(name: FieldName, area: Area) -> Slot {
    Slot { name, area }
}

/// A printed phrase (bare) and where it stands.
pub type Anchor = (&'static str, Area);

/// How the found document's coordinates differ from the layout's, each axis by itself: found = scale · expected + shift.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    x: (f64, f64),
    y: (f64, f64),
    size: (f64, f64),
}

/// A value's lines may stand this far outside its place, in parts of the document.
const SLACK: (f64, f64) = (0.03, 0.014);
/// Anchors further apart than this tell the scale.
const LEVER_MIN: f64 = 0.25;
/// An anchor further than this from its place is another phrase.
const STRAY_MAX: f64 = 0.12;

impl Fit {
    /// From the anchors among the lines, on a picture of this size.
    pub fn find(lines: &[Line], anchors: &[Anchor], (width, height): (u32, u32)) -> Fit {
        let size = (f64::from(width), f64::from(height));
        let (mut xs, mut ys) = (Vec::new(), Vec::new());
        for (phrase, [left, top, _, bottom]) in anchors {
            let matched = lines.iter().filter_map(|line| {
                let found = phrases::find(&line.written, phrase)?;
                let alone = found.start == 0;
                let at = (line.place.left() / size.0, line.centre().y / size.1);
                let expected = (*left, f64::midpoint(*top, *bottom));
                let stray = (at.0 - expected.0).hypot(at.1 - expected.1);
                (alone && stray < STRAY_MAX).then_some((stray, at, expected))
            });
            if let Some((_, at, expected)) = matched.min_by(|a, b| a.0.total_cmp(&b.0)) {
                xs.push((expected.0, at.0));
                ys.push((expected.1, at.1));
            }
        }
        Fit { x: line_through(&xs), y: line_through(&ys), size }
    }

    /// The place on the picture, in pixels.
    fn place(&self, [left, top, right, bottom]: Area) -> Area {
        let x = |value: f64| (self.x.0 * value + self.x.1) * self.size.0;
        let y = |value: f64| (self.y.0 * value + self.y.1) * self.size.1;
        [x(left), y(top), x(right), y(bottom)]
    }

    /// The lines in a slot, in reading order.
    pub fn lines<'a>(&self, lines: &'a [Line], slot: &Slot) -> Vec<&'a Line> {
        let [left, top, right, bottom] = self.place(slot.area);
        let (dx, dy) = (SLACK.0 * self.size.0, SLACK.1 * self.size.1);
        let inside = |line: &&Line| {
            let Point { x, y } = line.centre();
            line.place.left() > left - dx && x < right + dx && y > top - dy && y < bottom + dy
        };
        super::read::order::rows(lines.iter().filter(inside)).into_iter().flatten().collect()
    }

    /// The slot as a box to be read where no text was found.
    pub fn force(&self, slot: &Slot) -> TextBox {
        let [left, top, right, bottom] = self.place(slot.area);
        let (dx, dy) = (0.004 * self.size.0, 0.008 * self.size.1);
        TextBox {
            centre: Point { x: f64::midpoint(left, right), y: f64::midpoint(top, bottom) },
            width: right - left + 2.0 * dx,
            height: bottom - top + 2.0 * dy,
            angle: 0.0,
            score: 0.0,
        }
    }
}

/// Scale and shift by the medians of slopes and of what is left (H. Theil, 1950): a few wrong pairs do no harm.
fn line_through(pairs: &[(f64, f64)]) -> (f64, f64) {
    let far = |(a, b): &(&(f64, f64), &(f64, f64))| (a.0 - b.0).abs() > LEVER_MIN;
    let slopes = pairs.iter().enumerate().flat_map(|(i, a)| pairs.iter().skip(i + 1).map(move |b| (a, b)));
    let slopes: Vec<f64> = slopes.filter(far).map(|(a, b)| (b.1 - a.1) / (b.0 - a.0)).collect();
    let scale = if slopes.len() < 3 { 1.0 } else { median(slopes).clamp(0.9, 1.1) };
    let shifts: Vec<f64> = pairs.iter().map(|(expected, found)| found - scale * expected).collect();
    if shifts.len() < 2 { (1.0, 0.0) } else { (scale, median(shifts)) }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_stray_anchors_do_not_bend_the_layout() {
        let mut pairs: Vec<(f64, f64)> = (0..8).map(|i| f64::from(i) * 0.1).map(|x| (x, 0.98 * x + 0.01)).collect();
        pairs.push((0.5, 0.6));
        let (scale, shift) = line_through(&pairs);
        assert!((scale - 0.98).abs() < 0.005 && (shift - 0.01).abs() < 0.005, "{scale} {shift}");
        assert_eq!(line_through(&[]), (1.0, 0.0));
        assert_eq!(line_through(&[(0.1, 0.3)]), (1.0, 0.0), "one anchor proves nothing");
        let (scale, shift) = line_through(&[(0.3, 0.32), (0.31, 0.33), (0.3, 0.32)]);
        assert!(scale == 1.0 && (shift - 0.02).abs() < 1e-9, "near each other they tell the shift alone");
    }
}
