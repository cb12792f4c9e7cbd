//! Quadrilaterals on a photo and the perspective that made them.

use crate::domain::evidence::Point;

/// Four corners, clockwise as seen. Whole numbers are the pixels' top left edges, so that a photo's own corners are (0, 0)
/// and (width, height).
pub type Quad = [Point; 4];

/// The map from the unit square onto a quadrilateral (P. Heckbert, "Fundamentals of Texture Mapping and Image Warping",
/// 1989, section 2.2.3).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Perspective {
    x: [f64; 3],
    y: [f64; 3],
    w: [f64; 2],
}

impl Perspective {
    /// `None` where three corners lie on a line, or nearly.
    pub fn onto([a, b, c, d]: &Quad) -> Option<Perspective> {
        let (dx1, dx2, sx) = (b.x - c.x, d.x - c.x, a.x - b.x + c.x - d.x);
        let (dy1, dy2, sy) = (b.y - c.y, d.y - c.y, a.y - b.y + c.y - d.y);
        let divisor = dx1 * dy2 - dx2 * dy1;
        let g = (sx * dy2 - dx2 * sy) / divisor;
        let h = (dx1 * sy - sx * dy1) / divisor;
        let map = Perspective {
            x: [b.x - a.x + g * b.x, d.x - a.x + h * d.x, a.x],
            y: [b.y - a.y + g * b.y, d.y - a.y + h * d.y, a.y],
            w: [g, h],
        };
        let finite = map.x.iter().chain(&map.y).chain(&map.w).all(|value| value.is_finite());
        (finite && convexity(&[*a, *b, *c, *d]) > 0.0).then_some(map)
    }

    /// Where a point of the square lies.
    pub fn at(&self, u: f64, v: f64) -> Point {
        let w = self.w[0] * u + self.w[1] * v + 1.0;
        Point { x: (self.x[0] * u + self.x[1] * v + self.x[2]) / w, y: (self.y[0] * u + self.y[1] * v + self.y[2]) / w }
    }
}

/// The least of the four corners' turns, as a sine; positive for a convex quadrilateral that runs clockwise.
pub fn convexity(quad: &Quad) -> f64 {
    let [a, b, c, d] = quad;
    let turn = |p: &Point, q: &Point, r: &Point| {
        let (ux, uy, vx, vy) = (q.x - p.x, q.y - p.y, r.x - q.x, r.y - q.y);
        (ux * vy - uy * vx) / (ux.hypot(uy) * vx.hypot(vy)).max(f64::MIN_POSITIVE)
    };
    turn(a, b, c).min(turn(b, c, d)).min(turn(c, d, a)).min(turn(d, a, b))
}

pub fn distance(a: &Point, b: &Point) -> f64 {
    (a.x - b.x).hypot(a.y - b.y)
}

/// Of a polygon; positive where it runs clockwise as seen.
pub fn area(polygon: &[Point]) -> f64 {
    let next = polygon.iter().cycle().skip(1);
    polygon.iter().zip(next).map(|(a, b)| a.x * b.y - b.x * a.y).sum::<f64>() / 2.0
}

/// Intersection over union of two convex quadrilaterals that run clockwise, 0–1.
pub fn overlap(a: &Quad, b: &Quad) -> f64 {
    let mut shared: Vec<Point> = a.to_vec();
    let [p, q, r, s] = b;
    for (from, to) in [(p, q), (q, r), (r, s), (s, p)] {
        shared = cut(&shared, from, to);
    }
    let both = area(&shared).max(0.0);
    let either = area(a) + area(b) - both;
    if either > 0.0 { both / either } else { 0.0 }
}

/// The part of a polygon on the right of a line (I. Sutherland, G. Hodgman, 1974).
fn cut(polygon: &[Point], from: &Point, to: &Point) -> Vec<Point> {
    let side = |p: &Point| (to.x - from.x) * (p.y - from.y) - (to.y - from.y) * (p.x - from.x);
    let mut kept = Vec::with_capacity(polygon.len() + 1);
    let next = polygon.iter().cycle().skip(1);
    for (a, b) in polygon.iter().zip(next) {
        let (of_a, of_b) = (side(a), side(b));
        if of_a >= 0.0 {
            kept.push(*a);
        }
        if (of_a >= 0.0) != (of_b >= 0.0) {
            let share = of_a / (of_a - of_b);
            kept.push(Point { x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share });
        }
    }
    kept
}

/// Where two lines cross, each through two points; `None` where they are parallel.
pub fn crossing((a, b): (&Point, &Point), (c, d): (&Point, &Point)) -> Option<Point> {
    let (ux, uy, vx, vy) = (b.x - a.x, b.y - a.y, d.x - c.x, d.y - c.y);
    let share = ((c.x - a.x) * vy - (c.y - a.y) * vx) / (ux * vy - uy * vx);
    share.is_finite().then_some(Point { x: a.x + ux * share, y: a.y + uy * share })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quad(corners: [[f64; 2]; 4]) -> Quad {
        corners.map(|[x, y]| Point { x, y })
    }

    #[test]
    fn the_square_s_corners_go_to_the_quadrilateral_s_and_lines_stay_lines() {
        let corners = quad([[10.0, 20.0], [210.0, 5.0], [190.0, 140.0], [30.0, 160.0]]);
        let map = Perspective::onto(&corners).unwrap();
        let square = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
        for ((u, v), corner) in square.into_iter().zip(corners) {
            assert!(distance(&map.at(u, v), &corner) < 1e-9);
        }
        let (a, b, c) = (map.at(0.1, 0.2), map.at(0.5, 0.6), map.at(0.9, 1.0));
        assert!(area(&[a, b, c]).abs() < 1e-9);
    }

    #[test]
    fn what_is_no_convex_quadrilateral_has_no_perspective() {
        assert!(Perspective::onto(&quad([[0.0, 0.0]; 4])).is_none());
        assert!(Perspective::onto(&quad([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])).is_none());
        assert!(Perspective::onto(&quad([[0.0, 0.0], [10.0, 10.0], [10.0, 0.0], [0.0, 10.0]])).is_none());
        assert!(Perspective::onto(&quad([[f64::NAN, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])).is_none());
    }

    #[test]
    fn overlap_of_known_shapes() {
        let square = quad([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]]);
        let moved = quad([[5.0, 0.0], [15.0, 0.0], [15.0, 10.0], [5.0, 10.0]]);
        let away = quad([[50.0, 0.0], [60.0, 0.0], [60.0, 10.0], [50.0, 10.0]]);
        let turned = quad([[5.0, -2.0], [12.0, 5.0], [5.0, 12.0], [-2.0, 5.0]]);
        assert!((overlap(&square, &square) - 1.0).abs() < 1e-12);
        assert!((overlap(&square, &moved) - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(overlap(&square, &away), 0.0);
        // 98 of the turned one's area, less four corners of 4 each, in 100 + 16.
        assert!((overlap(&square, &turned) - 82.0 / 116.0).abs() < 1e-9);
    }
}
