//! Quadrilaterals and the perspective maps between them.

/// Corners in the thing's own order: top left, top right, bottom right, bottom left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quad(pub [(f64, f64); 4]);

impl Quad {
    pub fn rectangle(width: f64, height: f64) -> Quad {
        Quad([(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)])
    }

    pub fn moved(&self, dx: f64, dy: f64) -> Quad {
        Quad(self.0.map(|(x, y)| (x + dx, y + dy)))
    }

    /// Left, top, right, bottom.
    pub fn bounds(&self) -> [f64; 4] {
        let fold =
            |of: fn(&(f64, f64)) -> f64, by: fn(f64, f64) -> f64| self.0.iter().map(of).reduce(by).unwrap_or(0.0);
        [fold(|p| p.0, f64::min), fold(|p| p.1, f64::min), fold(|p| p.0, f64::max), fold(|p| p.1, f64::max)]
    }

    /// How far inside a point lies, in pixels; negative outside. For convex quadrilaterals, whichever way round.
    pub fn depth(&self, x: f64, y: f64) -> f64 {
        let sign = if self.signed_area() < 0.0 { -1.0 } else { 1.0 };
        let edges = (0..4).map(|i| {
            let ((ax, ay), (bx, by)) = (self.0[i], self.0[(i + 1) % 4]);
            let (dx, dy) = (bx - ax, by - ay);
            sign * (dx * (y - ay) - dy * (x - ax)) / dx.hypot(dy).max(1e-9)
        });
        edges.fold(f64::INFINITY, f64::min)
    }

    fn signed_area(&self) -> f64 {
        let cross = (0..4).map(|i| {
            let ((ax, ay), (bx, by)) = (self.0[i], self.0[(i + 1) % 4]);
            ax * by - bx * ay
        });
        cross.sum::<f64>() / 2.0
    }
}

/// A perspective map of the plane, row by row; the last of its nine numbers is one.
#[derive(Clone, Copy, Debug)]
pub struct Homography([f64; 8]);

impl Homography {
    /// The map that moves four points onto four others.
    pub fn from_to(from: &Quad, to: &Quad) -> Option<Homography> {
        let mut rows = [[0.0; 9]; 8];
        for (index, ((x, y), (u, v))) in from.0.iter().zip(to.0).enumerate() {
            rows[2 * index] = [*x, *y, 1.0, 0.0, 0.0, 0.0, -x * u, -y * u, u];
            rows[2 * index + 1] = [0.0, 0.0, 0.0, *x, *y, 1.0, -x * v, -y * v, v];
        }
        // Gauss and Jordan, with the largest pivot of each column.
        for column in 0..8 {
            let pivot = (column..8).max_by(|a, b| rows[*a][column].abs().total_cmp(&rows[*b][column].abs()))?;
            rows.swap(column, pivot);
            let scale = rows[column][column];
            if scale.abs() < 1e-12 {
                return None;
            }
            rows[column].iter_mut().for_each(|value| *value /= scale);
            let own = rows[column];
            for (_, row) in rows.iter_mut().enumerate().filter(|(index, _)| *index != column) {
                let factor = row[column];
                row.iter_mut().zip(own).for_each(|(value, own)| *value -= factor * own);
            }
        }
        Some(Homography(rows.map(|row| row[8])))
    }

    pub fn apply(&self, x: f64, y: f64) -> (f64, f64) {
        let h = &self.0;
        let w = h[6] * x + h[7] * y + 1.0;
        ((h[0] * x + h[1] * y + h[2]) / w, (h[3] * x + h[4] * y + h[5]) / w)
    }
}
