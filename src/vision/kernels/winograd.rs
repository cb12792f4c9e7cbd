//! Dense 3 × 3 convolution of stride one by Winograd's minimal filtering, F(4 × 4, 3 × 3): a square of 4 × 4 output
//! pixels takes 36 multiplications per pair of channels instead of 144 (A. Lavin and S. Gray, "Fast Algorithms for
//! Convolutional Neural Networks", 2016, whose matrices for the points 0, ±1, ±2 are used here).
//!
//! The map is padded by one on every side. Only for processors with vectors; the plain path is direct convolution.
#![allow(clippy::indexing_slicing, clippy::needless_range_loop)] // Small fixed squares, checked once on entry; an index out of bounds is a bug here.

use super::buffer::Buffer;
use super::gemm::{Panels, Pixels, multiply, padded_copy};
use super::isa::{Isa, Kind};
use super::vector::Vector;

/// Squares that are transformed, multiplied and transformed back together: one tile of the AVX-512 product, few enough
/// that both sides of the product stay in the second-level cache.
const SQUARES: usize = 14;

/// Output pixels of a square's side, and input pixels under it.
const OUT: usize = 4;
const IN: usize = 6;

/// Transformed filters.
pub struct Winograd {
    isa: Isa,
    /// One matrix `[in, out]` for each of the 36 points.
    points: Vec<Panels>,
    channels: usize,
    bias: Buffer,
    slopes: Option<Buffer>,
}

impl Winograd {
    /// `weight` is `[out, in, 3, 3]`. None where plain convolution is as good.
    pub fn pack(
        isa: Isa,
        weight: &[f32],
        (out, channels): (usize, usize),
        bias: &[f32],
        slopes: Option<&[f32]>,
    ) -> Option<Winograd> {
        // With fewer channels the transforms cost more than they save (measured: from 24 on they pay).
        if isa.0 == Kind::Scalar || channels < 24 || out < 16 {
            return None;
        }
        let filters: Vec<[f32; IN * IN]> = weight.as_chunks::<9>().0.iter().map(transform_filter).collect();
        let matrix = |point: usize| {
            Panels::pack(isa, channels, out, |k, column| filters[column * channels + k][point], &[], None)
        };
        let padded = out.next_multiple_of(16);
        Some(Winograd {
            isa,
            points: (0..IN * IN).map(matrix).collect(),
            channels,
            bias: padded_copy(bias, padded),
            slopes: slopes.map(|s| padded_copy(s, padded)),
        })
    }

    fn padded_channels(&self) -> usize {
        self.channels.next_multiple_of(16)
    }

    fn columns(&self) -> usize {
        self.bias.as_slice().len()
    }

    /// Floats of scratch that a run takes.
    pub fn scratch(&self) -> usize {
        IN * IN * (SQUARES * (self.padded_channels() + self.columns()) + self.padded_channels())
    }
}

/// `G g Gᵀ`, in f64: it happens once.
fn transform_filter(filter: &[f32; 9]) -> [f32; IN * IN] {
    const G: [[f64; 3]; IN] = [
        [1.0 / 4.0, 0.0, 0.0],
        [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ];
    let mut made = [0f32; IN * IN];
    for (i, row) in G.iter().enumerate() {
        for (j, column) in G.iter().enumerate() {
            let mut sum = 0.0;
            for (tap, &weight) in filter.iter().enumerate() {
                sum += row[tap / 3] * column[tap % 3] * f64::from(weight);
            }
            made[i * IN + j] = sum as f32;
        }
    }
    made
}

/// Up to four output rows: `rows` are the six input rows above, under and below them (zeros where there is no map),
/// `width` pixels of `pitch` floats each; `out` holds the output rows, `width` pixels of `out_pitch` floats each, one
/// after the other.
pub fn winograd(
    filters: &Winograd,
    rows: [&[f32]; IN],
    (width, pitch): (usize, usize),
    scratch: &mut [f32],
    out: &mut [f32],
    out_pitch: usize,
) {
    let (inner, columns) = (filters.padded_channels(), filters.columns());
    assert!(inner <= pitch && columns <= out_pitch, "pixels hold whole vectors");
    for row in rows {
        let _ = &row[..width * pitch];
    }
    let (transformed, rest) = scratch.split_at_mut(IN * IN * SQUARES * inner);
    let (products, rest) = rest.split_at_mut(IN * IN * SQUARES * columns);
    let patch = &mut rest[..IN * IN * inner];
    let squares = width.div_ceil(OUT);
    for first in (0..squares).step_by(SQUARES) {
        let here = SQUARES.min(squares - first);
        for square in 0..here {
            let left = ((first + square) * OUT).checked_sub(1);
            let to = &mut transformed[square * inner..];
            match left {
                Some(left) if left + IN <= width => {
                    // SAFETY: the six pixels from `left` on lie in every row, each of at least `inner` floats.
                    unsafe { forward(filters.isa, rows.map(|row| row[left * pitch..].as_ptr()), pitch, inner, to) };
                }
                _ => {
                    copy_square(rows, (first + square) * OUT, (width, pitch), inner, patch);
                    let row = |i: usize| patch[i * IN * inner..].as_ptr();
                    // SAFETY: the patch has six rows of six pixels of `inner` floats.
                    unsafe { forward(filters.isa, [row(0), row(1), row(2), row(3), row(4), row(5)], inner, inner, to) };
                }
            }
        }
        for (point, matrix) in filters.points.iter().enumerate() {
            let operand = &transformed[point * SQUARES * inner..][..SQUARES * inner];
            let pixels = Pixels { runs: &[operand], run: filters.channels, count: here, stride: inner };
            multiply(matrix, pixels, None, &mut products[point * SQUARES * columns..][..SQUARES * columns], columns);
        }
        for square in 0..here {
            let left = (first + square) * OUT;
            let wide = OUT.min(width - left);
            for (y, out) in out.chunks_exact_mut(width * out_pitch).enumerate().take(OUT) {
                let out = &mut out[left * out_pitch..][..wide * out_pitch];
                // SAFETY: the products of this square follow at every point; `out` holds `wide` pixels of at least
                // `columns` floats.
                unsafe { backward(filters, &products[square * columns..], y, out, out_pitch, wide) };
            }
        }
    }
}

/// The square of input pixels under the output pixels from `x` on, with zeros where there is no map.
fn copy_square(rows: [&[f32]; IN], x: usize, (width, pitch): (usize, usize), inner: usize, patch: &mut [f32]) {
    patch.fill(0.0);
    for (row, patch) in rows.iter().zip(patch.chunks_exact_mut(IN * inner)) {
        for (column, patch) in patch.chunks_exact_mut(inner).enumerate() {
            if let Some(from) = (x + column).checked_sub(1).filter(|from| *from < width) {
                patch.copy_from_slice(&row[from * pitch..][..inner]);
            }
        }
    }
}

/// # Safety
/// Each row pointer is followed by six pixels, `pitch` floats apart, of at least `inner` floats.
unsafe fn forward(isa: Isa, rows: [*const f32; IN], pitch: usize, inner: usize, to: &mut [f32]) {
    let _ = &to[..(IN * IN - 1) * SQUARES * inner + inner];
    match isa.0 {
        Kind::Scalar => {}
        // SAFETY: the `Isa` proves the instructions; the rest is the caller's and was checked above.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => unsafe { forward_avx2(rows, pitch, inner, to) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => unsafe { forward_avx512(rows, pitch, inner, to) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn forward_avx2(rows: [*const f32; IN], pitch: usize, inner: usize, to: &mut [f32]) {
    // SAFETY: the caller's, and the instructions are enabled here.
    unsafe { forward_vectors::<super::vector::Ymm>(rows, pitch, inner, to) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma,f16c")]
unsafe fn forward_avx512(rows: [*const f32; IN], pitch: usize, inner: usize, to: &mut [f32]) {
    // SAFETY: the caller's, and the instructions are enabled here.
    unsafe { forward_vectors::<super::vector::Zmm>(rows, pitch, inner, to) }
}

/// `Bᵀ d B`, each point's result one block of squares after the last point's.
///
/// # Safety
/// As `forward`, and `V`'s instructions exist.
#[inline(always)]
unsafe fn forward_vectors<V: Vector>(rows: [*const f32; IN], pitch: usize, inner: usize, to: &mut [f32]) {
    // SAFETY: `channel` stays below `inner`, a multiple of `LANES`; the rest is the caller's.
    unsafe {
        for channel in (0..inner).step_by(V::LANES) {
            let mut half = [[V::splat(0.0); IN]; IN];
            for column in 0..IN {
                let at = |row: usize| V::load(rows[row].add(column * pitch + channel));
                let made = input_points([at(0), at(1), at(2), at(3), at(4), at(5)]);
                for row in 0..IN {
                    half[row][column] = made[row];
                }
            }
            for (row, half) in half.into_iter().enumerate() {
                for (column, value) in input_points(half).into_iter().enumerate() {
                    value.store(to.as_mut_ptr().add((row * IN + column) * SQUARES * inner + channel));
                }
            }
        }
    }
}

/// `Bᵀ d`, one row per point.
///
/// # Safety
/// `V`'s instructions exist.
#[inline(always)]
unsafe fn input_points<V: Vector>(d: [V; IN]) -> [V; IN] {
    // SAFETY: the caller's.
    unsafe {
        let (two, four) = (V::splat(2.0), V::splat(4.0));
        let (minus_four, minus_five) = (V::splat(-4.0), V::splat(-5.0));
        let even = d[2].mul_add(minus_four, d[4]);
        let odd = d[1].mul_add(minus_four, d[3]);
        let near = d[4].sub(d[2]);
        let far = d[3].sub(d[1]).mul_add(two, V::splat(0.0));
        [
            d[2].mul_add(minus_five, d[0].mul_add(four, d[4])),
            even.add(odd),
            even.sub(odd),
            near.add(far),
            near.sub(far),
            d[3].mul_add(minus_five, d[1].mul_add(four, d[5])),
        ]
    }
}

/// # Safety
/// `products` has, for every point, this square's `columns` floats, and `out` holds `wide` pixels of so many.
unsafe fn backward(filters: &Winograd, products: &[f32], y: usize, out: &mut [f32], out_pitch: usize, wide: usize) {
    let columns = filters.columns();
    let _ = &products[..(IN * IN - 1) * SQUARES * columns + columns];
    let _ = &out[..(wide - 1) * out_pitch + columns];
    match filters.isa.0 {
        Kind::Scalar => {}
        // SAFETY: the `Isa` proves the instructions; the slices were checked above.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => unsafe { backward_avx2(filters, products, y, out, out_pitch, wide) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => unsafe { backward_avx512(filters, products, y, out, out_pitch, wide) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn backward_avx2(f: &Winograd, products: &[f32], y: usize, out: &mut [f32], out_pitch: usize, wide: usize) {
    // SAFETY: the caller's, and the instructions are enabled here.
    unsafe { backward_vectors::<super::vector::Ymm>(f, products, y, out, out_pitch, wide) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma,f16c")]
unsafe fn backward_avx512(f: &Winograd, products: &[f32], y: usize, out: &mut [f32], out_pitch: usize, wide: usize) {
    // SAFETY: the caller's, and the instructions are enabled here.
    unsafe { backward_vectors::<super::vector::Zmm>(f, products, y, out, out_pitch, wide) }
}

/// Row `y` of `Aᵀ m A`, with bias and leak.
///
/// # Safety
/// As `backward`, and `V`'s instructions exist.
#[inline(always)]
unsafe fn backward_vectors<V: Vector>(
    filters: &Winograd,
    products: &[f32],
    y: usize,
    out: &mut [f32],
    out_pitch: usize,
    wide: usize,
) {
    let columns = filters.columns();
    // Row `y` of Aᵀ.
    let weights: [f32; IN] = [
        [1.0, 1.0, 1.0, 1.0, 1.0, 0.0],
        [0.0, 1.0, -1.0, 2.0, -2.0, 0.0],
        [0.0, 1.0, 1.0, 4.0, 4.0, 0.0],
        [0.0, 1.0, -1.0, 8.0, -8.0, 1.0],
    ][y];
    // SAFETY: `channel` stays below `columns`, a multiple of `LANES`; the rest is the caller's.
    unsafe {
        for channel in (0..columns).step_by(V::LANES) {
            let mut m = [V::splat(0.0); IN];
            for (row, &weight) in weights.iter().enumerate() {
                if weight == 0.0 {
                    continue;
                }
                let weight = V::splat(weight);
                for (column, m) in m.iter_mut().enumerate() {
                    let from = products.as_ptr().add((row * IN + column) * SQUARES * columns + channel);
                    *m = V::load(from).mul_add(weight, *m);
                }
            }
            let (sum, difference) = (m[1].add(m[2]), m[1].sub(m[2]));
            let (far_sum, far_difference) = (m[3].add(m[4]), m[3].sub(m[4]));
            let made = [
                m[0].add(sum).add(far_sum),
                far_difference.mul_add(V::splat(2.0), difference),
                far_sum.mul_add(V::splat(4.0), sum),
                far_difference.mul_add(V::splat(8.0), difference).add(m[5]),
            ];
            let bias = V::load(filters.bias.as_slice().as_ptr().add(channel));
            for (pixel, value) in made.into_iter().enumerate().take(wide) {
                let mut value = value.add(bias);
                if let Some(slopes) = &filters.slopes {
                    value = value.leak(V::load(slopes.as_slice().as_ptr().add(channel)));
                }
                value.store(out.as_mut_ptr().add(pixel * out_pitch + channel));
            }
        }
    }
}
