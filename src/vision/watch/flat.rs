//! Parallax: when a head turns, its nose moves against its cheeks; the points of a flat picture move together, as one plane.
//!
//! Between the two frames in which the head looks furthest to either side, the best affine map of the face's rigid points is
//! what a plane seen from afar would allow; what it leaves over is depth.

use crate::domain::evidence::Point;

/// With less turn between the frames a real head leaves over no more than landmarks tremble.
pub const TURN_DEGREES_MIN: f64 = 15.0;

/// The rigid points of one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Pose {
    pub yaw_degrees: f64,
    /// Between the eyes' outer corners.
    pub eye_span: f64,
    pub points: Vec<Point>,
}

/// What an affine map leaves over between the two outermost poses, in eye spans, and the turn between them.
pub fn parallax(poses: &[Pose]) -> Option<(f64, f64)> {
    let left = poses.iter().max_by(|a, b| a.yaw_degrees.total_cmp(&b.yaw_degrees))?;
    let right = poses.iter().min_by(|a, b| a.yaw_degrees.total_cmp(&b.yaw_degrees))?;
    let turn = left.yaw_degrees - right.yaw_degrees;
    if turn < TURN_DEGREES_MIN || left.points.len() != right.points.len() {
        return None;
    }
    // Seen from the side, the face's own measure shrinks: the wider of the two is taken.
    let span = left.eye_span.max(right.eye_span).max(1e-6);
    let rest = (residual(&left.points, &right.points)? + residual(&right.points, &left.points)?) / 2.0;
    Some((rest / span, turn))
}

/// Root mean square distance between `to` and the best affine image of `from`.
fn residual(from: &[Point], to: &[Point]) -> Option<f64> {
    let count = from.len() as f64;
    let mean = |points: &[Point]| {
        points.iter().fold(Point { x: 0.0, y: 0.0 }, |m, p| Point { x: m.x + p.x / count, y: m.y + p.y / count })
    };
    let (m, n) = (mean(from), mean(to));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    let (mut xu, mut yu, mut xv, mut yv) = (0.0, 0.0, 0.0, 0.0);
    for (p, q) in from.iter().zip(to) {
        let (x, y, u, v) = (p.x - m.x, p.y - m.y, q.x - n.x, q.y - n.y);
        (xx, xy, yy) = (xx + x * x, xy + x * y, yy + y * y);
        (xu, yu, xv, yv) = (xu + x * u, yu + y * u, xv + x * v, yv + y * v);
    }
    let determinant = xx * yy - xy * xy;
    if !determinant.is_normal() {
        return None;
    }
    let solve = |x: f64, y: f64| ((yy * x - xy * y) / determinant, (xx * y - xy * x) / determinant);
    let ((a, b), (c, d)) = (solve(xu, yu), solve(xv, yv));
    let squares: f64 = from
        .iter()
        .zip(to)
        .map(|(p, q)| {
            let (x, y) = (p.x - m.x, p.y - m.y);
            (q.x - n.x - a * x - b * y).powi(2) + (q.y - n.y - c * x - d * y).powi(2)
        })
        .sum();
    let rest = (squares / count).sqrt();
    rest.is_finite().then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A face of nine points with depth, turned by some degrees and seen from far away.
    fn head(degrees: f64, depth: f64) -> Pose {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let grid = [-1.0, 0.0, 1.0].into_iter().flat_map(|y| [-1.0, 0.0, 1.0].map(|x| (x, y)));
        let point = |(x, y): (f64, f64)| {
            let z = depth * (1.0 - x * x - 0.3 * y * y);
            Point { x: 100.0 + 30.0 * (x * cos + z * sin), y: 100.0 + 30.0 * y }
        };
        Pose { yaw_degrees: degrees, eye_span: 45.0, points: grid.map(point).collect() }
    }

    #[test]
    fn a_head_leaves_depth_over_and_a_picture_does_not() {
        let (round, turn) = parallax(&[head(-12.0, 0.6), head(3.0, 0.6), head(14.0, 0.6)]).unwrap();
        assert!(round > 0.03 && (turn - 26.0).abs() < 1e-9, "{round}");
        let (flat, _) = parallax(&[head(-12.0, 0.0), head(14.0, 0.0)]).unwrap();
        assert!(flat < 1e-9);
    }

    #[test]
    fn without_a_turn_nothing_is_claimed() {
        assert_eq!(parallax(&[head(-2.0, 0.6), head(4.0, 0.6)]), None);
        assert_eq!(parallax(&[]), None);
        let nowhere = |yaw_degrees| Pose { yaw_degrees, eye_span: 0.0, points: vec![Point { x: 1.0, y: 1.0 }; 9] };
        assert_eq!(parallax(&[nowhere(0.0), nowhere(30.0)]), None);
    }
}
