//! The operations that memory bounds and not arithmetic: written plainly over slices, and vectorised by the compiler
//! once for each instruction set.
#![allow(clippy::indexing_slicing)] // Bounds follow from the chunk sizes, and every access is checked.

use super::isa::versions;

versions! {
    /// `x * scale + shift`.
    pub fn affine(x: &[f32], scale: f32, shift: f32, out: &mut [f32]) {
        for (o, &x) in out.iter_mut().zip(x) {
            *o = x * scale + shift;
        }
    }
}

versions! {
    pub fn add(a: &[f32], b: &[f32], out: &mut [f32]) {
        for ((o, &a), &b) in out.iter_mut().zip(a).zip(b) {
            *o = a + b;
        }
    }
}

versions! {
    /// One output row of square pooling without padding: `rows` are those under the window, pixels `channels` apart.
    pub fn max_pool(rows: &[&[f32]], stride: usize, channels: usize, out: &mut [f32]) {
        if let ([above, below], 2, 0) = (rows, stride, channels % 16) {
            return halve(above, below, channels, out);
        }
        for (pixel, out) in out.chunks_exact_mut(channels).enumerate() {
            out.fill(f32::NEG_INFINITY);
            for row in rows {
                for column in 0..rows.len() {
                    let values = &row[(pixel * stride + column) * channels..][..channels];
                    out.iter_mut().zip(values).for_each(|(o, &x)| *o = larger(*o, x));
                }
            }
        }
    }
}

/// Two by two at stride two, the usual case, a vector at a time.
#[inline(always)]
fn halve(above: &[f32], below: &[f32], channels: usize, out: &mut [f32]) {
    let pairs = above.chunks_exact(2 * channels).zip(below.chunks_exact(2 * channels));
    for ((above, below), out) in pairs.zip(out.chunks_exact_mut(channels)) {
        let (a, b) = above.split_at(channels);
        let (c, d) = below.split_at(channels);
        let (a, b, c, d) = (a.as_chunks::<16>().0, b.as_chunks::<16>().0, c.as_chunks::<16>().0, d.as_chunks::<16>().0);
        for ((((out, a), b), c), d) in out.as_chunks_mut::<16>().0.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            for lane in 0..16 {
                out[lane] = larger(larger(a[lane], b[lane]), larger(c[lane], d[lane]));
            }
        }
    }
}

/// One instruction, unlike `f32::max`, which also has to look for NaN.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

versions! {
    /// Some channels of every pixel, packed; pixels of the map are `pitch` floats apart.
    pub fn extract(map: &[f32], pitch: usize, first: usize, channels: usize, out: &mut [f32]) {
        match channels {
            1 => extract_some::<1>(map, pitch, first, out),
            4 => extract_some::<4>(map, pitch, first, out),
            10 => extract_some::<10>(map, pitch, first, out),
            _ => {
                for (pixel, out) in map.chunks_exact(pitch).zip(out.chunks_exact_mut(channels)) {
                    out.copy_from_slice(&pixel[first..][..channels]);
                }
            }
        }
    }
}

/// A number of channels that the compiler knows copies in a few moves.
#[inline(always)]
fn extract_some<const CHANNELS: usize>(map: &[f32], pitch: usize, first: usize, out: &mut [f32]) {
    for (pixel, out) in map.chunks_exact(pitch).zip(out.as_chunks_mut::<CHANNELS>().0) {
        if let Some(values) = pixel[first..].first_chunk::<CHANNELS>() {
            *out = *values;
        }
    }
}

versions! {
    /// One output row of nearest-neighbour enlargement.
    pub fn upsample(row: &[f32], factor: usize, channels: usize, out: &mut [f32]) {
        for (pixel, out) in row.chunks_exact(channels).zip(out.chunks_exact_mut(factor * channels)) {
            for out in out.chunks_exact_mut(channels) {
                out.copy_from_slice(pixel);
            }
        }
    }
}

versions! {
    /// One output row of nearest-neighbour enlargement, added to another row.
    pub fn add_upsampled(base: &[f32], row: &[f32], factor: usize, channels: usize, out: &mut [f32]) {
        let wide = factor * channels;
        for ((pixel, base), out) in row.chunks_exact(channels).zip(base.chunks_exact(wide)).zip(out.chunks_exact_mut(wide)) {
            for (base, out) in base.chunks_exact(channels).zip(out.chunks_exact_mut(channels)) {
                out.iter_mut().zip(base).zip(pixel).for_each(|((o, &b), &p)| *o = b + p);
            }
        }
    }
}

versions! {
    pub fn sigmoid(x: &mut [f32]) {
        x.iter_mut().for_each(|x| *x = logistic(*x));
    }
}

versions! {
    pub fn silu(x: &mut [f32]) {
        x.iter_mut().for_each(|x| *x *= logistic(*x));
    }
}

versions! {
    /// `clamp(x * slope + 0.5, 0, 1)`.
    pub fn hard_sigmoid(x: &mut [f32], slope: f32) {
        x.iter_mut().for_each(|x| *x = unit(*x * slope + 0.5));
    }
}

versions! {
    pub fn hard_swish(x: &mut [f32]) {
        x.iter_mut().for_each(|x| *x *= unit(*x * (1.0 / 6.0) + 0.5));
    }
}

versions! {
    /// The exact one, `x / 2 * (1 + erf(x / √2))`.
    pub fn gelu(x: &mut [f32]) {
        x.iter_mut().for_each(|x| *x = 0.5 * *x * (1.0 + erf(*x * std::f32::consts::FRAC_1_SQRT_2)));
    }
}

#[inline(always)]
fn unit(x: f32) -> f32 {
    x.clamp(0.0, 1.0)
}

#[inline(always)]
fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// eˣ within 2e-7 relative, saturated at ±87 where f32 ends; without a branch, so that it vectorises.
///
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2, where the Taylor series of degree 7 is off by r⁸/8! < 6e-9.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // ln 2 in two parts, the first short enough that n times it is exact.
    const LN2_HIGH: f32 = 355.0 / 512.0;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Adding and taking away 1.5·2²³ rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 87.0);
    let n = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let mut p = 1.0 / 5040.0;
    for c in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = p * r + c;
    }
    p * f32::from_bits(((n as i32 + 127) as u32) << 23)
}

/// Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: within 1.5e-7.
#[inline(always)]
fn erf(x: f32) -> f32 {
    let a = x.abs();
    let t = 1.0 / (1.0 + 0.327_591_1 * a);
    let mut p = 1.061_405_4;
    for c in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        p = p * t + c;
    }
    (1.0 - p * t * exp(-a * a)).copysign(x)
}
