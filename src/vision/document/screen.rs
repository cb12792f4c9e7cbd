//! Traces of a screen: a display's grid and the camera's meet in a fine regular pattern, which paper does not have.
//!
//! Experimental: it was made without photos of screens, and only how seldom it is raised on paper is measured.

use image::RgbImage;

/// Samples in a line, and lines in each direction.
const LENGTH: usize = 256;
const LINES: usize = 48;
/// Cycles in a line: coarser patterns are print, finer ones are the sensor's.
const CYCLES: std::ops::Range<usize> = 40..124;
/// Neighbours on each side whose median a peak is held against.
const AROUND: usize = 12;

/// How far the strongest regular pattern stands out of its neighbourhood, horizontally or vertically; 1 for none.
pub fn periodicity(picture: &RgbImage) -> f64 {
    along(picture, false).max(along(picture, true))
}

fn along(picture: &RgbImage, vertical: bool) -> f64 {
    let (length, lines) = if vertical { (picture.height(), picture.width()) } else { picture.dimensions() };
    if (length as usize) < LENGTH || (lines as usize) < LINES {
        return 1.0;
    }
    let start = (length - LENGTH as u32) / 2;
    let mut power = [0.0_f64; LENGTH / 2];
    for line in 0..LINES as u32 {
        let across = lines / LINES as u32 * line + lines / (2 * LINES as u32);
        let values: Vec<f64> = (0..LENGTH as u32)
            .map(|step| {
                let (x, y) = if vertical { (across, start + step) } else { (start + step, across) };
                picture.get_pixel_checked(x, y).map_or(0.0, |pixel| pixel.0.iter().map(|v| f64::from(*v)).sum())
            })
            .collect();
        add_power(&values, &mut power);
    }
    CYCLES.map(|cycles| stands_out(&power, cycles)).fold(1.0, f64::max)
}

/// The line's power at each wanted number of cycles, seen through a Hann window (direct transform: few are wanted).
fn add_power(values: &[f64], power: &mut [f64]) {
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let turn = std::f64::consts::TAU / values.len().max(1) as f64;
    let windowed: Vec<f64> =
        values.iter().enumerate().map(|(at, value)| (value - mean) * (0.5 - 0.5 * (turn * at as f64).cos())).collect();
    let wanted = CYCLES.start - AROUND..(CYCLES.end + AROUND).min(power.len());
    for (cycles, power) in power.iter_mut().enumerate().filter(|(cycles, _)| wanted.contains(cycles)) {
        // A rotation by one step's angle instead of a sine for each sample.
        let (sin, cos) = (turn * cycles as f64).sin_cos();
        let (mut real, mut imaginary, mut a, mut b) = (0.0, 0.0, 1.0, 0.0);
        for value in &windowed {
            real += value * a;
            imaginary += value * b;
            (a, b) = (a * cos - b * sin, a * sin + b * cos);
        }
        *power += real * real + imaginary * imaginary;
    }
}

fn stands_out(power: &[f64], cycles: usize) -> f64 {
    let near = power.get(cycles.saturating_sub(AROUND)..(cycles + AROUND + 1).min(power.len())).unwrap_or_default();
    let mut sorted: Vec<f64> = near.iter().copied().filter(|value| *value > 0.0).collect();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let own = power.get(cycles).copied().unwrap_or(0.0);
    if median > 0.0 { (own / median).max(1.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn a_fine_grid_stands_out_and_noise_does_not() {
        let noise = |x: u32, y: u32| ((x * 7919 + y * 104_729) ^ (x * y * 31)) % 40;
        let paper = RgbImage::from_fn(400, 300, |x, y| Rgb([(120 + noise(x, y)) as u8; 3]));
        let screen = RgbImage::from_fn(400, 300, |x, y| {
            let grid = (f64::from(x) * 1.9).sin() * 12.0;
            Rgb([(120.0 + f64::from(noise(x, y)) + grid) as u8; 3])
        });
        assert!(periodicity(&screen) > 4.0 * periodicity(&paper), "{} {}", periodicity(&screen), periodicity(&paper));
        assert_eq!(periodicity(&RgbImage::new(20, 20)), 1.0);
        assert_eq!(periodicity(&RgbImage::new(400, 300)), 1.0);
    }
}
