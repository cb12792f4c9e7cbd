//! From the corner net's two maps to a quadrilateral.
//!
//! Corners are proposed twice: by the bells, and by the hull of the largest blob, reduced to the four sides that add least
//! to it, which has corners even where they are rounded, hidden or cut off. Of all fours the one that covers what the net
//! saw covered is taken.

use super::geometry::{Quad, area, convexity, crossing, distance};
use crate::domain::evidence::Point;

/// A blob smaller than this share of the photo is no document that could be read.
const SHARE_MIN: f64 = 0.02;
/// Cover from which a cell belongs to the document.
const COVERED: f32 = 0.5;
/// A hull is drawn at each of these covers: what only touches the document is seldom seen as surely.
const LEVELS: [f32; 3] = [COVERED, 0.8, 0.95];
/// Bells lower than this propose no corner, and no more than so many do.
const PEAK_MIN: f32 = 0.15;
const PEAKS_MAX: usize = 7;
/// What a full bell at each corner is worth beside the overlap: bells know a corner's place better than the hull does.
const BELL: f64 = 0.12;
/// So many quadrilaterals are looked at more closely, and a corner of each lies so many cells from the others'.
const KEPT: usize = 5;
const APART: f64 = 1.5;
/// Corners flatter than this, as a sine, are no document's, however it is tilted.
const TURN_MIN: f64 = 0.2;

/// One channel of the net's output, row by row.
pub struct Map {
    pub rows: usize,
    pub columns: usize,
    pub values: Vec<f32>,
}

impl Map {
    fn at(&self, column: i64, row: i64) -> f32 {
        let inside = |value: i64, limit: usize| usize::try_from(value).ok().filter(|value| *value < limit);
        let place = inside(row, self.rows).zip(inside(column, self.columns));
        place.and_then(|(row, column)| self.values.get(row * self.columns + column)).copied().unwrap_or(0.0)
    }
}

/// The likeliest few, in cells, each with how sure the net is of it, 0–1; the likeliest first.
pub fn quads(cover: &Map, bells: &Map) -> Vec<(Quad, f64)> {
    let Some(blob) = largest_blob(cover, COVERED) else { return Vec::new() };
    let inside = blob.values.iter().filter(|value| **value >= COVERED);
    let (sum, count) = inside.fold((0.0, 0_u32), |(sum, count), value| (sum + f64::from(*value), count + 1));
    if f64::from(count) < SHARE_MIN * (cover.rows * cover.columns) as f64 {
        return Vec::new();
    }
    let mut proposed = peaks(bells);
    for level in LEVELS {
        let sides = largest_blob(cover, level).and_then(|blob| four_sides(hull(outline(&blob, level))));
        proposed.extend(sides.into_iter().flatten().map(|corner| (corner, 0.0)));
    }
    // Every second row and column are enough to choose by.
    let cells: Vec<(Point, f64)> = (0..cover.rows * cover.columns)
        .zip(&blob.values)
        .map(|(cell, value)| (cell % cover.columns, cell / cover.columns, f64::from(*value)))
        .filter(|(column, row, _)| column % 2 == 0 && row % 2 == 0)
        .map(|(column, row, value)| (middle(column, row), value))
        .collect();
    // A blob of another shape is another thing.
    let sure = |(corners, overlap)| (corners, sum / f64::from(count) * overlap);
    best_fours(&proposed, &cells).into_iter().map(sure).collect()
}

fn middle(column: usize, row: usize) -> Point {
    Point { x: column as f64 + 0.5, y: row as f64 + 0.5 }
}

/// Of all fours of the proposed corners those that agree best with the cover and differ, each with its overlap.
fn best_fours(proposed: &[(Point, f64)], cells: &[(Point, f64)]) -> Vec<(Quad, f64)> {
    let mut all: Vec<(f64, Quad, f64)> = Vec::new();
    let after = |index: usize| proposed.iter().enumerate().skip(index);
    for (i, a) in after(0) {
        for (j, b) in after(i + 1) {
            for (k, c) in after(j + 1) {
                for (_, d) in after(k + 1) {
                    let Some(quad) = clockwise([a.0, b.0, c.0, d.0]) else { continue };
                    let shared = agreement(&quad, cells);
                    all.push((shared + BELL * (a.1 + b.1 + c.1 + d.1) / 4.0, quad, shared));
                }
            }
        }
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut kept: Vec<(Quad, f64)> = Vec::new();
    for (_, quad, shared) in all {
        let differs = |(other, _): &(Quad, f64)| quad.iter().zip(other).any(|(a, b)| distance(a, b) > APART);
        if kept.len() < KEPT && kept.iter().all(differs) {
            kept.push((quad, shared));
        }
    }
    kept
}

/// In the order in which they run around their middle, if that makes a quadrilateral a document can look like.
fn clockwise(mut corners: Quad) -> Option<Quad> {
    let sum = corners.iter().fold((0.0, 0.0), |sum, corner| (sum.0 + corner.x, sum.1 + corner.y));
    let angle = |corner: &Point| (corner.y - sum.1 / 4.0).atan2(corner.x - sum.0 / 4.0);
    corners.sort_by(|a, b| angle(a).total_cmp(&angle(b)));
    (convexity(&corners) > TURN_MIN).then_some(corners)
}

/// Intersection over union with the cover, cell by cell.
fn agreement(quad: &Quad, cells: &[(Point, f64)]) -> f64 {
    let [a, b, c, d] = quad;
    let right_of =
        |from: &Point, to: &Point, p: &Point| (to.x - from.x) * (p.y - from.y) >= (to.y - from.y) * (p.x - from.x);
    let inside = |p: &Point| right_of(a, b, p) && right_of(b, c, p) && right_of(c, d, p) && right_of(d, a, p);
    let (both, either) = cells.iter().fold((0.0, 0.0), |(both, either), (at, covered)| {
        if inside(at) { (both + covered, either + 1.0) } else { (both, either + covered) }
    });
    if either > 0.0 { both / either } else { 0.0 }
}

/// The cells of the largest connected blob; all others become zero.
fn largest_blob(map: &Map, level: f32) -> Option<Map> {
    let mut left: Vec<bool> = map.values.iter().map(|value| *value >= level).collect();
    let mut largest: Vec<usize> = Vec::new();
    for start in 0..left.len() {
        let mut blob = Vec::new();
        let mut open = vec![start];
        while let Some(cell) = open.pop() {
            let Some(unseen) = left.get_mut(cell).filter(|unseen| **unseen) else { continue };
            *unseen = false;
            blob.push(cell);
            let column = cell % map.columns;
            open.extend((column > 0).then(|| cell - 1));
            open.extend((column + 1 < map.columns).then_some(cell + 1));
            open.extend(cell.checked_sub(map.columns));
            open.push(cell + map.columns);
        }
        if blob.len() > largest.len() {
            largest = blob;
        }
    }
    // Cells beside the blob keep their value: the outline runs between them.
    let mut values = vec![0.0; map.values.len()];
    for cell in &largest {
        let (column, row) = (cell % map.columns, cell / map.columns);
        let beside = [
            (column > 0).then(|| cell - 1),
            (column + 1 < map.columns).then_some(cell + 1),
            (row > 0).then(|| cell - map.columns),
            Some(cell + map.columns),
        ];
        let copied = beside.into_iter().flatten().filter(|cell| map.values.get(*cell).is_some_and(|v| *v < level));
        for cell in copied.chain([*cell]) {
            if let Some((to, from)) = values.get_mut(cell).zip(map.values.get(cell)) {
                *to = *from;
            }
        }
    }
    (!largest.is_empty()).then_some(Map { values, ..*map })
}

/// Points where the cover passes a level between neighbours, a cell's middle being at its half. Outside the map is none.
fn outline(blob: &Map, level: f32) -> Vec<Point> {
    let mut points = Vec::new();
    let (rows, columns) = (blob.rows as i64, blob.columns as i64);
    for row in -1..=rows {
        for column in -1..=columns {
            let own = blob.at(column, row);
            for (dx, dy) in [(1, 0), (0, 1)] {
                let other = blob.at(column + dx, row + dy);
                if (own >= level) == (other >= level) {
                    continue;
                }
                let share = f64::from((level - own) / (other - own));
                let at = |from: i64, step: i64, limit: i64| {
                    (from as f64 + 0.5 + share * step as f64).clamp(0.0, limit as f64)
                };
                points.push(Point { x: at(column, dx, columns), y: at(row, dy, rows) });
            }
        }
    }
    points
}

/// Clockwise as seen (A. Andrew's monotone chain, 1979).
fn hull(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    let half = |points: &mut dyn Iterator<Item = &Point>| {
        let mut chain: Vec<Point> = Vec::new();
        for point in points {
            while let [.., a, b] = chain.as_slice()
                && area(&[*a, *b, *point]) <= 1e-9
            {
                chain.pop();
            }
            chain.push(*point);
        }
        chain.pop();
        chain
    };
    let mut chain = half(&mut points.iter());
    chain.extend(half(&mut points.iter().rev()));
    chain
}

/// Takes sides away until four are left: always the one whose neighbours, drawn out until they meet, add least.
fn four_sides(mut corners: Vec<Point>) -> Option<Quad> {
    while corners.len() > 4 {
        let count = corners.len();
        let corner = |index: usize| corners.get(index % count);
        let least = (0..count)
            .filter_map(|side| {
                let (before, from, to, after) =
                    (corner(side)?, corner(side + 1)?, corner(side + 2)?, corner(side + 3)?);
                let meet = crossing((before, from), (after, to))?;
                let added = area(&[*from, meet, *to]);
                // Neighbours that meet on the other side would turn the polygon inside out.
                (added >= 0.0).then_some((side, meet, added))
            })
            .min_by(|a, b| a.2.total_cmp(&b.2))?;
        let (side, meet, _) = least;
        let (from, to) = ((side + 1) % count, (side + 2) % count);
        if let Some(corner) = corners.get_mut(from) {
            *corner = meet;
        }
        corners.remove(to);
    }
    let quad: Quad = corners.try_into().ok()?;
    (convexity(&quad) > 0.0).then_some(quad)
}

/// Where the bells are highest, each by the middle of what is around its highest cell, with its height.
fn peaks(bells: &Map) -> Vec<(Point, f64)> {
    let around = |column: i64, row: i64, reach: i64| {
        (-reach..=reach).flat_map(move |dy| (-reach..=reach).map(move |dx| (column + dx, row + dy)))
    };
    let mut found = Vec::new();
    for row in 0..bells.rows as i64 {
        for column in 0..bells.columns as i64 {
            let own = bells.at(column, row);
            let highest = around(column, row, 2).all(|(x, y)| bells.at(x, y) <= own);
            if own < PEAK_MIN || !highest {
                continue;
            }
            let weighed = around(column, row, 2).map(|(x, y)| (x, y, f64::from(bells.at(x, y)).powi(2)));
            let (x, y, total) = weighed.fold((0.0, 0.0, 0.0), |sum, (x, y, weight)| {
                (sum.0 + (x as f64 + 0.5) * weight, sum.1 + (y as f64 + 0.5) * weight, sum.2 + weight)
            });
            found.push((Point { x: x / total, y: y / total }, f64::from(own)));
        }
    }
    found.sort_by(|a, b| b.1.total_cmp(&a.1));
    found.truncate(PEAKS_MAX);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cover of a quadrilateral, sampled four by four in each cell, and bells at its corners.
    fn maps(quad: &Quad, (columns, rows): (usize, usize)) -> (Map, Map) {
        let inside = |p: Point| {
            let next = quad.iter().cycle().skip(1);
            quad.iter().zip(next).all(|(a, b)| area(&[*a, *b, p]) >= 0.0)
        };
        let value = |cell: usize| {
            let (x, y) = ((cell % columns) as f64, (cell / columns) as f64);
            let hits = (0..16).filter(|i| {
                inside(Point { x: x + (f64::from(i % 4) + 0.5) / 4.0, y: y + (f64::from(i / 4) + 0.5) / 4.0 })
            });
            hits.count() as f32 / 16.0
        };
        let bell = |cell: usize| {
            let middle = Point { x: (cell % columns) as f64 + 0.5, y: (cell / columns) as f64 + 0.5 };
            quad.iter().map(|c| (-distance(c, &middle).powi(2) / 3.38).exp() as f32).fold(0.0, f32::max)
        };
        let map = |of: &dyn Fn(usize) -> f32| Map { rows, columns, values: (0..rows * columns).map(of).collect() };
        (map(&value), map(&bell))
    }

    fn quad_of(corners: [[f64; 2]; 4]) -> Quad {
        corners.map(|[x, y]| Point { x, y })
    }

    fn quad(cover: &Map, bells: &Map) -> Option<(Quad, f64)> {
        quads(cover, bells).into_iter().next()
    }

    fn farthest(found: &Quad, wanted: &Quad) -> f64 {
        let nearest = |p: &Point| wanted.iter().map(|q| distance(p, q)).fold(f64::INFINITY, f64::min);
        found.iter().map(nearest).fold(0.0, f64::max)
    }

    #[test]
    fn corners_are_found_between_cells_with_and_without_bells() {
        let wanted = quad_of([[12.3, 9.7], [50.2, 14.1], [46.8, 39.4], [9.1, 33.3]]);
        let (cover, bells) = maps(&wanted, (64, 48));
        let (found, sure) = quad(&cover, &bells).unwrap();
        assert!(farthest(&found, &wanted) < 0.2, "{found:?}");
        assert!(sure > 0.9);
        let none = Map { values: vec![0.0; 64 * 48], ..bells };
        let (found, _) = quad(&cover, &none).unwrap();
        assert!(farthest(&found, &wanted) < 0.6, "{found:?}");
    }

    #[test]
    fn a_document_that_fills_the_photo_is_the_photo() {
        let whole = quad_of([[0.0, 0.0], [64.0, 0.0], [64.0, 48.0], [0.0, 48.0]]);
        let (cover, bells) = maps(&whole, (64, 48));
        let (found, _) = quad(&cover, &Map { values: vec![0.0; bells.values.len()], ..bells }).unwrap();
        assert!(farthest(&found, &whole) < 0.3, "{found:?}");
    }

    #[test]
    fn nothing_specks_and_two_things() {
        let empty = |value| Map { rows: 48, columns: 64, values: vec![value; 64 * 48] };
        assert!(quad(&empty(0.0), &empty(0.0)).is_none());
        assert!(quad(&empty(f32::NAN), &empty(f32::NAN)).is_none());
        let speck = quad_of([[5.0, 5.0], [10.0, 5.0], [10.0, 9.0], [5.0, 9.0]]);
        let (small, bells) = maps(&speck, (64, 48));
        assert!(quad(&small, &bells).is_none());
        let wanted = quad_of([[20.0, 10.0], [55.0, 10.0], [55.0, 40.0], [20.0, 40.0]]);
        let (large, bells) = maps(&wanted, (64, 48));
        let both = Map { values: large.values.iter().zip(&small.values).map(|(a, b)| a.max(*b)).collect(), ..large };
        assert!(farthest(&quad(&both, &bells).unwrap().0, &wanted) < 0.3);
    }

    #[test]
    fn any_maps_give_a_convex_quadrilateral_or_none() {
        let mut state = 7_u64;
        for _ in 0..300 {
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 40) as f32 / (1_u64 << 24) as f32
            };
            let mut map = || Map { rows: 12, columns: 16, values: (0..192).map(|_| next().powi(2) * 1.6).collect() };
            if let Some((found, _)) = quad(&map(), &map()) {
                assert!(convexity(&found) > 0.0);
            }
        }
    }
}
