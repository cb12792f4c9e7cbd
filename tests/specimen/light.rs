//! Light, lens and sensor: from a scene to the pixels of a camera.

use image::RgbImage;

use crate::dice::Dice;
use crate::geometry::Quad;
use crate::photograph::Conditions;

/// Light falls, the lens blurs, the sensor adds noise, in this order.
pub fn expose(scene: &RgbImage, given: Conditions, document: &Quad, dice: &mut Dice) -> RgbImage {
    let (width, height) = scene.dimensions();
    let mut values: Vec<f32> = scene.as_raw().iter().map(|value| f32::from(*value)).collect();
    lit(&mut values, (width, height), given, document, dice);
    if dice.chance(0.3) {
        // The same spread along one direction, less across.
        let angle = dice.range(0.0, std::f64::consts::PI);
        values = motion(&values, (width, height), angle, given.blur * 12f64.sqrt() * 0.85);
        gauss(&mut values, (width, height), given.blur * 0.6);
    } else {
        gauss(&mut values, (width, height), given.blur);
    }
    let noise = given.noise * dice.range(0.5, 1.0);
    let table = [(); 4096].map(|()| (dice.normal() * noise) as f32);
    for pixel in values.chunks_exact_mut(3) {
        // Twelve bits of chance for each colour.
        let chance = dice.below(1 << 36) as usize;
        for (value, shift) in pixel.iter_mut().zip([0, 12, 24]) {
            *value += table[chance >> shift & 4095];
        }
    }
    let bytes = values.into_iter().map(|value| (value + 0.5).clamp(0.0, 255.0) as u8).collect();
    RgbImage::from_raw(width, height, bytes).expect("the number of pixels has not changed")
}

/// An ellipse or a half plane with a soft edge, in parts of the photo.
struct Spot {
    x: f64,
    y: f64,
    angle: f64,
    long: f64,
    short: f64,
}

fn lit(values: &mut [f32], (width, height): (u32, u32), given: Conditions, document: &Quad, dice: &mut Dice) {
    let (wide, high) = (f64::from(width), f64::from(height));
    let direction = dice.range(0.0, std::f64::consts::TAU);
    let uneven = dice.range(0.0, given.uneven);
    let exposure = dice.range(0.8, 1.08);
    let tint = [(); 3].map(|()| exposure * dice.range(0.94, 1.06));
    let dim = if given.shadow > 0.0 && dice.chance(0.7) { dice.range(0.15, given.shadow) } else { 0.0 };
    let edge = (dice.range(0.25, 0.75), dice.range(0.25, 0.75), dice.range(0.0, std::f64::consts::TAU));
    let soft = dice.range(0.01, 0.15);
    let [left, top, right, bottom] = document.bounds();
    let spots: Vec<(Spot, f64)> = (0..if given.glare > 0.0 { dice.below(3) } else { 0 })
        .map(|_| {
            let long = dice.range(0.05, 0.16) * given.width;
            let spot = Spot {
                x: dice.range(left, right),
                y: dice.range(top, bottom),
                angle: dice.range(0.0, std::f64::consts::PI),
                long,
                short: long * dice.range(0.3, 1.0),
            };
            (spot, dice.range(0.4, 1.0) * given.glare)
        })
        .collect();
    for (index, pixel) in values.chunks_exact_mut(3).enumerate() {
        let (x, y) = ((index as u32 % width) as f64, (index as u32 / width) as f64);
        let (u, v) = (x / wide, y / high);
        let slope = 1.0 + uneven * ((u - 0.5) * direction.cos() + (v - 0.5) * direction.sin()) * 2.0;
        let beyond = (u - edge.0) * edge.2.cos() + (v - edge.1) * edge.2.sin();
        let shade = 1.0 - dim * (0.5 + beyond / soft).clamp(0.0, 1.0);
        let glare: f64 = spots.iter().map(|(spot, bright)| bright * spot.at(x, y)).sum();
        for (value, tint) in pixel.iter_mut().zip(tint) {
            *value = *value * (slope * shade * tint) as f32 + glare as f32;
        }
    }
}

impl Spot {
    fn at(&self, x: f64, y: f64) -> f64 {
        let (dx, dy) = (x - self.x, y - self.y);
        if dx.hypot(dy) > 4.0 * self.long {
            return 0.0;
        }
        let along = (dx * self.angle.cos() + dy * self.angle.sin()) / self.long;
        let across = (dy * self.angle.cos() - dx * self.angle.sin()) / self.short;
        (-(along * along + across * across) / 2.0).exp()
    }
}

fn gauss(values: &mut [f32], (width, height): (u32, u32), sigma: f64) {
    if sigma < 0.2 {
        return;
    }
    let reach = (sigma * 3.0).ceil() as i64;
    let raw: Vec<f64> = (-reach..=reach).map(|at| (-((at * at) as f64) / (2.0 * sigma * sigma)).exp()).collect();
    let sum: f64 = raw.iter().sum();
    let kernel: Vec<f32> = raw.iter().map(|value| (value / sum) as f32).collect();
    let (wide, high) = (width as usize, height as usize);
    let mut padded = vec![0f32; (wide.max(high) + 2 * reach as usize) * 3];
    for row in values.chunks_exact_mut(wide * 3) {
        smooth(row, &mut padded, &kernel);
    }
    // Columns a few at a time would be quicker; whole rows of sums are simple and near to it.
    let source = values.to_vec();
    for y in 0..high {
        let out = &mut values[y * wide * 3..(y + 1) * wide * 3];
        out.fill(0.0);
        for (weight, offset) in kernel.iter().zip(-reach..) {
            let from = (y as i64 + offset).clamp(0, high as i64 - 1) as usize * wide * 3;
            out.iter_mut().zip(&source[from..from + wide * 3]).for_each(|(out, value)| *out += weight * value);
        }
    }
}

/// One row, its ends repeated.
fn smooth(row: &mut [f32], padded: &mut [f32], kernel: &[f32]) {
    let reach = kernel.len() / 2;
    let count = row.len() / 3;
    for at in 0..count + 2 * reach {
        let from = (at as i64 - reach as i64).clamp(0, count as i64 - 1) as usize * 3;
        padded[at * 3..at * 3 + 3].copy_from_slice(&row[from..from + 3]);
    }
    row.fill(0.0);
    for (tap, weight) in kernel.iter().enumerate() {
        let shifted = &padded[tap * 3..tap * 3 + row.len()];
        row.iter_mut().zip(shifted).for_each(|(out, value)| *out += weight * value);
    }
}

/// The mean along a stroke of so many pixels.
fn motion(values: &[f32], (width, height): (u32, u32), angle: f64, length: f64) -> Vec<f32> {
    let taps = (length * 2.0).ceil().max(1.0) as i64;
    let (wide, high) = (i64::from(width), i64::from(height));
    let mut out = vec![0f32; values.len()];
    for tap in 0..=taps {
        let along = (tap as f64 / taps as f64 - 0.5) * length;
        let (dx, dy) = ((along * angle.cos()).round() as i64, (along * angle.sin()).round() as i64);
        for y in 0..high {
            let from_row = (y + dy).clamp(0, high - 1) * wide;
            for x in 0..wide {
                let from = (from_row + (x + dx).clamp(0, wide - 1)) as usize * 3;
                let to = (y * wide + x) as usize * 3;
                out[to] += values[from];
                out[to + 1] += values[from + 1];
                out[to + 2] += values[from + 2];
            }
        }
    }
    let share = 1.0 / (taps + 1) as f32;
    out.iter_mut().for_each(|value| *value *= share);
    out
}
