//! Smooth noise: the grain of wood, the clouds of marble, uneven light.

use crate::dice::Dice;

/// Values at whole coordinates, interpolated between, repeating every `SIDE`.
pub struct Noise {
    lattice: Vec<f32>,
}

const SIDE: usize = 64;

impl Noise {
    pub fn new(dice: &mut Dice) -> Noise {
        Noise { lattice: (0..SIDE * SIDE).map(|_| dice.unit() as f32).collect() }
    }

    /// 0 to 1.
    pub fn at(&self, x: f64, y: f64) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let smooth = |t: f64| (t * t * (3.0 - 2.0 * t)) as f32;
        let (right_share, bottom_share) = (smooth(x - left), smooth(y - top));
        let (column, row) = (left as i64, top as i64);
        let value = |dx: i64, dy: i64| {
            let wrap = |v: i64| v.rem_euclid(SIDE as i64) as usize;
            self.lattice[wrap(row + dy) * SIDE + wrap(column + dx)]
        };
        let above = value(0, 0) + (value(1, 0) - value(0, 0)) * right_share;
        let below = value(0, 1) + (value(1, 1) - value(0, 1)) * right_share;
        above + (below - above) * bottom_share
    }

    /// Several scales on top of one another, 0 to 1.
    pub fn cloud(&self, x: f64, y: f64, scales: u32) -> f32 {
        let (mut sum, mut weight, mut total, mut often) = (0.0, 1.0, 0.0, 1.0);
        for _ in 0..scales {
            sum += weight * self.at(x * often, y * often);
            total += weight;
            weight *= 0.5;
            often *= 2.03;
        }
        sum / total
    }
}
