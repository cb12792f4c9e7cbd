//! A large matrix times a few long vectors: the layer that turns a map into an embedding. It runs at the speed at which
//! memory gives the weights, so they are read once, in order, and stay halves where the file has halves.
#![allow(clippy::indexing_slicing)] // Kernels check their slices once on entry; an index out of bounds is a bug here.

use super::buffer::Buffer;
use super::gemm::padded_copy;
use super::isa::{Isa, Kind};
use super::vector::Vector;

/// Columns that are summed at once: four AVX-512 registers, enough sums in flight to hide the multiply-add's latency.
const WIDTH: usize = 64;

/// `[depth, columns]` in panels of [`WIDTH`] columns, row by row.
pub struct Matrix {
    isa: Isa,
    data: Data,
    depth: usize,
    columns: usize,
    bias: Buffer,
}

enum Data {
    Whole(Buffer),
    Halves(Vec<u16>),
}

impl Matrix {
    pub fn pack(isa: Isa, depth: usize, columns: usize, weight: impl Fn(usize, usize) -> f32, bias: &[f32]) -> Matrix {
        let mut data = Buffer::zeroed(depth * columns.next_multiple_of(WIDTH));
        fill(depth, columns, data.as_mut_slice(), weight);
        Matrix {
            isa,
            data: Data::Whole(data),
            depth,
            columns,
            bias: padded_copy(bias, columns.next_multiple_of(WIDTH)),
        }
    }

    /// The same from the bits of halves.
    pub fn pack_halves(
        isa: Isa,
        depth: usize,
        columns: usize,
        weight: impl Fn(usize, usize) -> u16,
        bias: &[f32],
    ) -> Matrix {
        let padded = columns.next_multiple_of(WIDTH);
        let mut data = vec![0u16; depth * padded];
        fill(depth, columns, &mut data, weight);
        Matrix { isa, data: Data::Halves(data), depth, columns, bias: padded_copy(bias, padded) }
    }

    /// Floats that one output row needs.
    pub fn padded_columns(&self) -> usize {
        self.columns.next_multiple_of(WIDTH)
    }
}

fn fill<T: Copy>(depth: usize, columns: usize, out: &mut [T], weight: impl Fn(usize, usize) -> T) {
    for column in 0..columns {
        let (panel, lane) = (column / WIDTH, column % WIDTH);
        for k in 0..depth {
            out[(panel * depth + k) * WIDTH + lane] = weight(k, column);
        }
    }
}

/// `out[row] = x[row] · weights + bias` for `rows` vectors that lie `stride` floats apart; rows of `out` are
/// `padded_columns` apart.
pub fn multiply_rows(matrix: &Matrix, x: &[f32], stride: usize, rows: usize, out: &mut [f32]) {
    let Some(last) = rows.checked_sub(1) else { return };
    let _ = &x[..last * stride + matrix.depth];
    let _ = &out[..rows * matrix.padded_columns()];
    match matrix.isa.0 {
        Kind::Scalar => scalar(matrix, x, stride, rows, out),
        // SAFETY: the `Isa` proves the instructions; the slices were checked above.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => unsafe { avx2(matrix, x, stride, rows, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => unsafe { avx512(matrix, x, stride, rows, out) },
    }
}

/// The plain twin: what the others are compared with.
fn scalar(matrix: &Matrix, x: &[f32], stride: usize, rows: usize, out: &mut [f32]) {
    for row in 0..rows {
        let x = &x[row * stride..][..matrix.depth];
        for (panel, out) in
            out[row * matrix.padded_columns()..][..matrix.padded_columns()].chunks_mut(WIDTH).enumerate()
        {
            out.copy_from_slice(&matrix.bias.as_slice()[panel * WIDTH..][..WIDTH]);
            for (k, &x) in x.iter().enumerate() {
                let at = (panel * matrix.depth + k) * WIDTH;
                match &matrix.data {
                    Data::Whole(w) => out.iter_mut().zip(&w.as_slice()[at..]).for_each(|(o, &w)| *o += x * w),
                    Data::Halves(w) => out.iter_mut().zip(&w[at..]).for_each(|(o, &w)| *o += x * from_half(w)),
                }
            }
        }
    }
}

/// IEEE 754 binary16 to binary32, exactly.
pub fn from_half(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let (exponent, fraction) = (u32::from(bits >> 10 & 0x1f), u32::from(bits & 0x3ff));
    let magnitude = match exponent {
        // Zero and the subnormals: the fraction counts units of 2⁻²⁴.
        0 => (fraction as f32 / 16_777_216.0).to_bits(),
        31 => 0x7f80_0000 | fraction << 13,
        _ => (exponent + 112) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn avx2(matrix: &Matrix, x: &[f32], stride: usize, rows: usize, out: &mut [f32]) {
    // SAFETY: the caller's, and the instructions are enabled here.
    unsafe { vectors::<super::vector::Ymm>(matrix, x, stride, rows, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma,f16c")]
unsafe fn avx512(matrix: &Matrix, x: &[f32], stride: usize, rows: usize, out: &mut [f32]) {
    // SAFETY: the caller's, and the instructions are enabled here.
    unsafe { vectors::<super::vector::Zmm>(matrix, x, stride, rows, out) }
}

/// # Safety
/// `V`'s instructions exist; the slices are as `multiply_rows` checks them.
#[inline(always)]
unsafe fn vectors<V: Vector>(matrix: &Matrix, x: &[f32], stride: usize, rows: usize, out: &mut [f32]) {
    for panel in 0..matrix.padded_columns() / WIDTH {
        // Four registers of columns per pass; AVX2 passes twice over a panel.
        for lane in (0..WIDTH).step_by(4 * V::LANES) {
            let at = panel * matrix.depth * WIDTH + lane;
            let column = panel * WIDTH + lane;
            let mut row = 0;
            while row < rows {
                // SAFETY: `row` and its group stay below `rows`; weights, bias and output are padded to whole panels.
                unsafe {
                    let x = x.as_ptr().add(row * stride);
                    let bias = matrix.bias.as_slice().as_ptr().add(column);
                    let to = out.as_mut_ptr().add(row * matrix.padded_columns() + column);
                    let pair = rows - row >= 2;
                    let (xs, tos) = if pair {
                        ([x, x.add(stride)], [to, to.add(matrix.padded_columns())])
                    } else {
                        ([x, x], [to, to])
                    };
                    match (&matrix.data, pair) {
                        (Data::Whole(w), true) => {
                            sums::<V, f32, 2>(w.as_slice().as_ptr().add(at), matrix.depth, xs, bias, tos)
                        }
                        (Data::Whole(w), false) => {
                            sums::<V, f32, 1>(w.as_slice().as_ptr().add(at), matrix.depth, xs, bias, tos)
                        }
                        (Data::Halves(w), true) => sums::<V, u16, 2>(w.as_ptr().add(at), matrix.depth, xs, bias, tos),
                        (Data::Halves(w), false) => sums::<V, u16, 1>(w.as_ptr().add(at), matrix.depth, xs, bias, tos),
                    }
                    row += if pair { 2 } else { 1 };
                }
            }
        }
    }
}

/// A weight as it is stored.
trait Stored: Copy {
    /// # Safety
    /// As `Vector::load`.
    unsafe fn load<V: Vector>(from: *const Self) -> V;
}

impl Stored for f32 {
    #[inline(always)]
    unsafe fn load<V: Vector>(from: *const f32) -> V {
        // SAFETY: the caller's.
        unsafe { V::load(from) }
    }
}

impl Stored for u16 {
    #[inline(always)]
    unsafe fn load<V: Vector>(from: *const u16) -> V {
        // SAFETY: the caller's.
        unsafe { V::load_half(from) }
    }
}

/// One or two rows (`ROWS`) by four registers of columns.
///
/// # Safety
/// `V`'s instructions exist; `depth` rows of weights, [`WIDTH`] apart, and `depth` floats of each `x` are readable.
#[inline(always)]
unsafe fn sums<V: Vector, W: Stored, const ROWS: usize>(
    weights: *const W,
    depth: usize,
    x: [*const f32; 2],
    bias: *const f32,
    to: [*mut f32; 2],
) {
    // SAFETY: the caller's.
    unsafe {
        let start = [
            V::load(bias),
            V::load(bias.add(V::LANES)),
            V::load(bias.add(2 * V::LANES)),
            V::load(bias.add(3 * V::LANES)),
        ];
        let (mut a, mut b) = (start, start);
        let mut w = weights;
        for k in 0..depth {
            let w0 = W::load::<V>(w);
            let w1 = W::load::<V>(w.add(V::LANES));
            let w2 = W::load::<V>(w.add(2 * V::LANES));
            let w3 = W::load::<V>(w.add(3 * V::LANES));
            let value = V::splat(*x[0].add(k));
            a[0] = value.mul_add(w0, a[0]);
            a[1] = value.mul_add(w1, a[1]);
            a[2] = value.mul_add(w2, a[2]);
            a[3] = value.mul_add(w3, a[3]);
            if ROWS == 2 {
                let value = V::splat(*x[1].add(k));
                b[0] = value.mul_add(w0, b[0]);
                b[1] = value.mul_add(w1, b[1]);
                b[2] = value.mul_add(w2, b[2]);
                b[3] = value.mul_add(w3, b[3]);
            }
            w = w.add(WIDTH);
        }
        a[0].store(to[0]);
        a[1].store(to[0].add(V::LANES));
        a[2].store(to[0].add(2 * V::LANES));
        a[3].store(to[0].add(3 * V::LANES));
        if ROWS == 2 {
            b[0].store(to[1]);
            b[1].store(to[1].add(V::LANES));
            b[2].store(to[1].add(2 * V::LANES));
            b[3].store(to[1].add(3 * V::LANES));
        }
    }
}
