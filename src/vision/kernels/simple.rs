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
    /// `max(x, 0) + slope * min(x, 0)`, the slopes by channel.
    pub fn leak(x: &mut [f32], slopes: &[f32]) {
        for pixel in x.chunks_exact_mut(slopes.len()) {
            pixel.iter_mut().zip(slopes).for_each(|(x, &s)| *x = if *x > 0.0 { *x } else { s * *x });
        }
    }
}

versions! {
    /// Every pixel times `by`.
    pub fn scale(x: &[f32], by: &[f32], out: &mut [f32]) {
        for (x, out) in x.chunks_exact(by.len()).zip(out.chunks_exact_mut(by.len())) {
            out.iter_mut().zip(x).zip(by).for_each(|((o, &x), &by)| *o = x * by);
        }
    }
}

versions! {
    /// Adds every pixel of the row to `sums`.
    pub fn add_pixels(row: &[f32], sums: &mut [f32]) {
        for pixel in row.chunks_exact(sums.len()) {
            sums.iter_mut().zip(pixel).for_each(|(s, &x)| *s += x);
        }
    }
}

versions! {
    /// One output row of averages over windows side by side, `columns` wide: `rows` are those under the window.
    pub fn average_pool(rows: &[&[f32]], columns: usize, channels: usize, out: &mut [f32]) {
        let share = 1.0 / (rows.len() * columns) as f32;
        for (pixel, out) in out.chunks_exact_mut(channels).enumerate() {
            out.fill(0.0);
            for row in rows {
                for values in row[pixel * columns * channels..].chunks_exact(channels).take(columns) {
                    out.iter_mut().zip(values).for_each(|(o, &x)| *o += x * share);
                }
            }
        }
    }
}

versions! {
    /// One output row of square pooling without padding: `rows` are those under the window, pixels `channels` apart.
    pub fn max_pool(rows: &[&[f32]], stride: usize, channels: usize, out: &mut [f32]) {
        if let ([above, below], 0) = (rows, channels % 16) {
            return two_by_two(above, below, stride, channels, out);
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

/// Two by two, the usual case, a vector at a time.
#[inline(always)]
fn two_by_two(above: &[f32], below: &[f32], stride: usize, channels: usize, out: &mut [f32]) {
    for (pixel, out) in out.chunks_exact_mut(channels).enumerate() {
        let at = pixel * stride * channels;
        let (a, b) = above[at..][..2 * channels].split_at(channels);
        let (c, d) = below[at..][..2 * channels].split_at(channels);
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

#[inline(always)]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// `a · b + c`, in one instruction where there is one. (`f32::mul_add` without it is a slow function.)
#[inline(always)]
fn mad<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

versions! {
    /// Some channels of every pixel, packed; pixels of the map are `pitch` floats apart.
    pub fn extract(map: &[f32], pitch: usize, first: usize, channels: usize, out: &mut [f32]) {
        match channels {
            _ if channels == pitch => out.copy_from_slice(&map[..out.len()]),
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
        x.iter_mut().for_each(|x| *x = logistic::<FUSED>(*x));
    }
}

versions! {
    pub fn silu(x: &mut [f32]) {
        x.iter_mut().for_each(|x| *x *= logistic::<FUSED>(*x));
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
    /// The exact one, `x · Φ(x)` with Φ the normal distribution's, within 1e-6 (near zero, where it matters, 1e-7).
    pub fn gelu(x: &mut [f32]) {
        x.iter_mut().for_each(|x| {
            let near = larger(smaller(*x, NORMAL_SPAN), -NORMAL_SPAN);
            let t = mad::<FUSED>(near * near, 2.0 / (NORMAL_SPAN * NORMAL_SPAN), -1.0);
            let slope = NORMAL.iter().skip(1).fold(NORMAL[0], |p, &c| mad::<FUSED>(p, t, c));
            *x = larger(*x, -NORMAL_SPAN) * mad::<FUSED>(near, slope, 0.5);
        });
    }
}

/// Beyond this many deviations Φ is 0 or 1 to within 2e-8.
const NORMAL_SPAN: f32 = 5.5;

/// (Φ(x) − 1/2) / x as a polynomial in 2 (x / 5.5)² − 1, highest power first: our own least-squares fit at 4,000
/// Chebyshev nodes, weighted by max(x, 0.3)^1.5.
const NORMAL: [f32; 15] = [
    0.00046457857,
    -0.001317199,
    0.001250312,
    -0.0013801306,
    0.0039659077,
    -0.007507132,
    0.010626228,
    -0.014759691,
    0.020241765,
    -0.026090154,
    0.032088034,
    -0.03878964,
    0.04773668,
    -0.0641724,
    0.12855195,
];

#[inline(always)]
fn unit(x: f32) -> f32 {
    x.clamp(0.0, 1.0)
}

#[inline(always)]
fn logistic<const FUSED: bool>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<FUSED>(-x))
}

/// eˣ within 4e-7 relative, saturated at ±87 where f32 ends; without a branch, so that it vectorises.
///
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2, where the Taylor series of degree 7 is off by r⁸/8! < 6e-9.
#[inline(always)]
pub fn exp<const FUSED: bool>(x: f32) -> f32 {
    // ln 2 in two parts, the first short enough that n times it is exact.
    const LN2_HIGH: f32 = 355.0 / 512.0;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    // Adding and taking away 1.5·2²³ rounds to the nearest integer.
    const ROUND: f32 = 12_582_912.0;
    const TAYLOR: [f32; 8] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let x = larger(smaller(x, 87.0), -87.0);
    let n = (x * std::f32::consts::LOG2_E + ROUND) - ROUND;
    let r = mad::<FUSED>(n, -LN2_LOW, mad::<FUSED>(n, -LN2_HIGH, x));
    let p = TAYLOR.iter().skip(1).fold(TAYLOR[0], |p, &c| mad::<FUSED>(p, r, c));
    p * f32::from_bits(((n as i32 + 127) as u32) << 23)
}
