//! What a screen adds to a picture of it: a grid that beats with the sensor's (moiré), and a refresh that beats with the
//! camera's (flicker).

use image::RgbImage;

use super::series::{median, quantile};
use crate::domain::evidence::Box2;

/// Side of the square whose spectrum is taken, in pixels of the frame: never resized, which would invent or blur a grid.
const PATCH: usize = 64;
/// Fainter structure than this many cycles a patch is the face itself.
const CYCLES_MIN: f64 = 7.0;
/// Video and JPEG are coded in blocks of eight pixels, whose edges are no screen's.
const BLOCK: usize = PATCH / 8;
/// Neighbouring frequencies with which one is compared.
const RING: f64 = 2.0;
/// Horizontal bands whose luminance is followed: a refresh runs through the picture from top to bottom.
pub const BANDS: usize = 8;

/// The sharpest isolated peak in the spectrum of the face's middle, as a multiple of the median of frequencies as high;
/// `None` where the face is smaller than the patch.
pub fn moire(picture: &RgbImage, face: &Box2) -> Option<f64> {
    let spectrum = power(&patch(picture, face)?);
    let mut highest: f64 = 0.0;
    let half = PATCH / 2;
    let at = |u: usize, v: usize| spectrum.get(v * PATCH + u).copied().unwrap_or(0.0);
    let radius = |u: usize, v: usize| {
        let signed = |k: usize| if k > half { k as f64 - PATCH as f64 } else { k as f64 };
        signed(u).hypot(signed(v))
    };
    let mut rings: Vec<Vec<f64>> = vec![Vec::new(); half];
    let in_range = |r: f64| r >= CYCLES_MIN && r < half as f64 - RING;
    // Half of the plane says everything: the picture is real.
    let frequencies = || (0..=half).flat_map(|v| (0..PATCH).map(move |u| (u, v)));
    let blocky = |u: usize, v: usize| u.is_multiple_of(BLOCK) && v.is_multiple_of(BLOCK);
    let on_axis = |u: usize, v: usize| u == 0 || v == 0;
    let counts = |u: usize, v: usize| !blocky(u, v) && !on_axis(u, v);
    for (u, v) in frequencies().filter(|(u, v)| counts(*u, *v)) {
        if let Some(ring) = rings.get_mut(radius(u, v) as usize) {
            ring.push(at(u, v));
        }
    }
    let usual: Vec<f64> = (0..half)
        .map(|ring| {
            let around = ring.saturating_sub(RING as usize)..=ring + RING as usize;
            median(around.filter_map(|ring| rings.get(ring)).flatten().copied())
        })
        .collect();
    for (u, v) in frequencies().filter(|(u, v)| counts(*u, *v) && in_range(radius(*u, *v))) {
        let usual = usual.get(radius(u, v) as usize).copied().unwrap_or(0.0);
        highest = highest.max(at(u, v) / (usual + 1e-3));
    }
    Some(highest)
}

/// The middle of the face in grey, fading to its mean at the borders (Hann), so that they are no edges.
fn patch(picture: &RgbImage, face: &Box2) -> Option<Vec<f64>> {
    let side = PATCH as f64;
    let fits = face.width >= side && face.height >= side;
    let (left, top) = (face.x + (face.width - side) / 2.0, face.y + (face.height - side) / 2.0);
    let inside = left >= 0.0
        && top >= 0.0
        && left + side <= f64::from(picture.width())
        && top + side <= f64::from(picture.height());
    if !fits || !inside {
        return None;
    }
    let (left, top) = (left as u32, top as u32);
    let rows = 0..PATCH as u32;
    let grey: Vec<f64> = rows
        .clone()
        .flat_map(|y| rows.clone().map(move |x| (left + x, top + y)))
        .map(|(x, y)| picture.get_pixel_checked(x, y).map_or(0.0, |pixel| luma(pixel.0)))
        .collect();
    let mean = grey.iter().sum::<f64>() / grey.len() as f64;
    let fade = |k: usize| (std::f64::consts::PI * (k as f64 + 0.5) / side).sin().powi(2);
    Some(grey.iter().enumerate().map(|(i, value)| (value - mean) * fade(i % PATCH) * fade(i / PATCH)).collect())
}

/// Power of each frequency: rows, then columns, by the definition of the transform, which is quick enough at this size.
fn power(values: &[f64]) -> Vec<f64> {
    let turn = |k: usize| (std::f64::consts::TAU * k as f64 / PATCH as f64).sin_cos();
    let table: Vec<(f64, f64)> = (0..PATCH).map(turn).collect();
    let rotated = |k: usize| table.get(k % PATCH).copied().unwrap_or((0.0, 1.0));
    // [row][u], complex
    let mut rows = vec![(0.0, 0.0); PATCH * PATCH];
    for (row, out) in values.chunks_exact(PATCH).zip(rows.chunks_exact_mut(PATCH)) {
        for (u, out) in out.iter_mut().enumerate() {
            for (x, value) in row.iter().enumerate() {
                let (sin, cos) = rotated(u * x);
                out.0 += value * cos;
                out.1 -= value * sin;
            }
        }
    }
    let mut power = vec![0.0; PATCH * PATCH];
    // Half of the rows are enough for the caller.
    for (v, out) in power.chunks_exact_mut(PATCH).take(PATCH / 2 + 1).enumerate() {
        let mut sums = [(0.0, 0.0); PATCH];
        for (y, row) in rows.chunks_exact(PATCH).enumerate() {
            let (sin, cos) = rotated(v * y);
            for (sum, (re, im)) in sums.iter_mut().zip(row) {
                sum.0 += re * cos + im * sin;
                sum.1 += im * cos - re * sin;
            }
        }
        out.iter_mut().zip(sums).for_each(|(out, (re, im))| *out = re * re + im * im);
    }
    power
}

/// Mean luminance of each horizontal band, from a picture that may be much reduced.
pub fn bands(grey: &[f64], width: usize) -> [f64; BANDS] {
    let rows = grey.len() / width.max(1);
    let mut bands = [0.0; BANDS];
    for (index, band) in bands.iter_mut().enumerate() {
        let (start, end) = (index * rows / BANDS * width, (index + 1) * rows / BANDS * width);
        let values = grey.get(start..end).unwrap_or_default();
        *band = values.iter().sum::<f64>() / values.len().max(1) as f64;
    }
    bands
}

/// How much a band's luminance swings from frame to frame, as a share of it: the median over time of what a frame differs
/// from the middle of its neighbours, in the band where that is most. Movement drifts; a refresh beats.
pub fn flicker(frames: &[[f64; BANDS]]) -> Option<f64> {
    if frames.len() < 15 {
        return None;
    }
    let swing = |band: usize| {
        let values: Vec<f64> = frames.iter().filter_map(|frame| frame.get(band).copied()).collect();
        let swings = values.windows(3).filter_map(|three| match three {
            [before, now, after] => Some((now - (before + after) / 2.0).abs()),
            _ => None,
        });
        median(swings) / median(values.iter().copied()).max(1.0)
    };
    Some(quantile((0..BANDS).map(swing), 1.0))
}

fn luma([red, green, blue]: [u8; 3]) -> f64 {
    0.299 * f64::from(red) + 0.587 * f64::from(green) + 0.114 * f64::from(blue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    const FACE: Box2 = Box2 { x: 20.0, y: 20.0, width: 120.0, height: 120.0 };

    /// Rough like skin: a fixed noise.
    fn skin(grid: f64) -> RgbImage {
        let mut state = 7_u32;
        RgbImage::from_fn(160, 160, |x, y| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = f64::from(state >> 24) / 16.0;
            let wave = grid * (f64::from(x) * 1.3 + f64::from(y) * 0.7).sin();
            Rgb([(120.0 + f64::from(x) / 4.0 + noise + wave) as u8; 3])
        })
    }

    #[test]
    fn a_grid_stands_out_of_the_spectrum_and_skin_does_not() {
        let (skin, grid) = (moire(&skin(0.0), &FACE).unwrap(), moire(&skin(6.0), &FACE).unwrap());
        assert!(skin < 30.0, "{skin}");
        assert!(grid > 10.0 * skin, "{grid} against {skin}");
    }

    #[test]
    fn a_small_or_cut_off_face_tells_nothing() {
        assert_eq!(moire(&skin(6.0), &Box2 { width: 50.0, ..FACE }), None);
        assert_eq!(moire(&skin(6.0), &Box2 { x: 130.0, ..FACE }), None);
    }

    #[test]
    fn a_beating_luminance_is_flicker_and_a_drifting_one_is_not() {
        let film = |of: fn(f64) -> f64| (0..60).map(|i| [of(f64::from(i)); BANDS]).collect::<Vec<_>>();
        assert!(flicker(&film(|i| 100.0 + 0.5 * i)).unwrap() < 1e-9);
        assert!(flicker(&film(|i| 100.0 + 5.0 * (i * 2.0).sin())).unwrap() > 0.02);
        assert_eq!(flicker(&[[1.0; BANDS]; 3]), None);
    }
}
