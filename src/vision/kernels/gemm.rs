//! Dense convolution as matrix multiplication: pixels by packed weights, with bias, residual and leak on the way out.
//!
//! A pixel's operand is not copied anywhere: it is `runs` stretches of the map, one per kernel row, and the next
//! pixel's lie `pixel_stride` floats on. A pointwise convolution is the case of one run of `channels` floats.
#![allow(clippy::indexing_slicing)] // Kernels check their slices once on entry; an index out of bounds is a bug here.

use super::buffer::Buffer;
use super::isa::{Isa, Kind};
use super::vector::Vector;

/// A weight matrix `[depth, columns]` in the order in which the tiles read it: panels of `width` columns (the last may
/// be 16 wide), each row by row.
pub struct Panels {
    isa: Isa,
    data: Buffer,
    depth: usize,
    /// A multiple of 16; columns past the network's own have zero weights and zero bias.
    columns: usize,
    bias: Buffer,
    slopes: Option<Buffer>,
}

impl Panels {
    /// `bias` and `slopes` (of the leak below zero) may be shorter than `columns`; the rest is zero.
    pub fn pack(
        isa: Isa,
        depth: usize,
        columns: usize,
        weight: impl Fn(usize, usize) -> f32,
        bias: &[f32],
        slopes: Option<&[f32]>,
    ) -> Panels {
        let padded = columns.next_multiple_of(16);
        let mut data = Buffer::zeroed(depth * padded);
        let out = data.as_mut_slice();
        let mut at = 0;
        for first in (0..padded).step_by(isa.panel_width()) {
            let width = isa.panel_width().min(padded - first);
            for k in 0..depth {
                for column in first..(first + width).min(columns) {
                    out[at + column - first] = weight(k, column);
                }
                at += width;
            }
        }
        let slopes = slopes.map(|s| padded_copy(s, padded));
        Panels { isa, data, depth, columns: padded, bias: padded_copy(bias, padded), slopes }
    }

    /// Floats that one pixel of the product takes.
    pub fn columns(&self) -> usize {
        self.columns
    }

    pub fn bytes(&self) -> usize {
        self.depth * self.columns * 4
    }
}

pub(super) fn padded_copy(values: &[f32], length: usize) -> Buffer {
    let mut buffer = Buffer::zeroed(length);
    buffer.as_mut_slice()[..values.len()].copy_from_slice(values);
    buffer
}

/// The pixels of one multiplication.
#[derive(Clone, Copy)]
pub struct Pixels<'a> {
    /// Where the first pixel's operand lies, one stretch per kernel row.
    pub runs: &'a [&'a [f32]],
    /// Floats of each stretch.
    pub run: usize,
    pub count: usize,
    /// Floats from one pixel's operand to the next's.
    pub stride: usize,
}

/// A map that is added before the leak, and its floats from pixel to pixel.
pub type Residual<'a> = Option<(&'a [f32], usize)>;

/// `out[pixel] = leak(operand(pixel) · weights + bias + residual[pixel])`, the pixels `out_stride` floats apart.
pub fn multiply(panels: &Panels, pixels: Pixels<'_>, residual: Residual<'_>, out: &mut [f32], out_stride: usize) {
    let Some(last) = pixels.count.checked_sub(1) else { return };
    // Everything that the unchecked loops will touch is touched here once, as slices.
    let _ = &out[..last * out_stride + panels.columns];
    for run in pixels.runs {
        let _ = &run[..last * pixels.stride + pixels.run];
    }
    if let Some((residual, stride)) = residual {
        let _ = &residual[..last * stride + panels.columns];
    }
    assert_eq!(pixels.runs.len() * pixels.run, panels.depth, "the operand is as deep as the weights");
    match panels.isa.0 {
        Kind::Scalar => scalar(panels, pixels, residual, out, out_stride),
        // SAFETY: the `Isa` proves the instructions; the slices were checked above.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => unsafe { avx2(panels, pixels, residual, out, out_stride) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => unsafe { avx512(panels, pixels, residual, out, out_stride) },
    }
}

/// The plain twin: what the others are compared with.
fn scalar(panels: &Panels, pixels: Pixels<'_>, residual: Residual<'_>, out: &mut [f32], out_stride: usize) {
    const WIDTH: usize = 16;
    for pixel in 0..pixels.count {
        for (panel, weights) in panels.data.as_slice().chunks_exact(panels.depth * WIDTH).enumerate() {
            let first = panel * WIDTH;
            let mut sums = [0f32; WIDTH];
            sums.copy_from_slice(&panels.bias.as_slice()[first..][..WIDTH]);
            let operand = pixels.runs.iter().flat_map(|run| &run[pixel * pixels.stride..][..pixels.run]);
            for (&x, row) in operand.zip(weights.chunks_exact(WIDTH)) {
                for (sum, &w) in sums.iter_mut().zip(row) {
                    *sum += x * w;
                }
            }
            for (lane, sum) in sums.iter_mut().enumerate() {
                if let Some((residual, stride)) = residual {
                    *sum += residual[pixel * stride + first + lane];
                }
                if let Some(slopes) = &panels.slopes {
                    *sum = sum.max(0.0) + slopes.as_slice()[first + lane] * sum.min(0.0);
                }
            }
            out[pixel * out_stride + first..][..WIDTH].copy_from_slice(&sums);
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn avx2(panels: &Panels, pixels: Pixels<'_>, residual: Residual<'_>, out: &mut [f32], out_stride: usize) {
    // SAFETY: the caller's, and the instructions are enabled here.
    unsafe { vectors::<super::vector::Ymm>(panels, pixels, residual, out, out_stride) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma,f16c")]
unsafe fn avx512(panels: &Panels, pixels: Pixels<'_>, residual: Residual<'_>, out: &mut [f32], out_stride: usize) {
    // SAFETY: the caller's, and the instructions are enabled here.
    unsafe { vectors::<super::vector::Zmm>(panels, pixels, residual, out, out_stride) }
}

/// Half of the first-level cache (32 KiB on every x86-64 server of the last decade) for the operands of one block.
const OPERAND_BYTES_NEAR: usize = 16 * 1024;
/// Weights up to here stay in the second-level cache while all pixels pass, so blocks of pixels can be small.
const WEIGHT_BYTES_NEAR: usize = 96 * 1024;
/// Otherwise pixels stay in the second level (1 MiB or more) while the weights pass panel by panel.
const OPERAND_BYTES_FAR: usize = 512 * 1024;

/// # Safety
/// `V`'s instructions exist; the slices are as `multiply` checks them.
#[inline(always)]
unsafe fn vectors<V: Vector>(
    panels: &Panels,
    pixels: Pixels<'_>,
    residual: Residual<'_>,
    out: &mut [f32],
    out_stride: usize,
) {
    let near = panels.bytes() <= WEIGHT_BYTES_NEAR;
    let operand_bytes = if near { OPERAND_BYTES_NEAR } else { OPERAND_BYTES_FAR };
    let block = (operand_bytes / (panels.depth * 4)).max(V::ROWS).next_multiple_of(V::ROWS);
    let width = 2 * V::LANES;
    let mut tile = Tile {
        runs: pixels.runs,
        run: pixels.run,
        stride: pixels.stride,
        out_stride,
        residual_stride: residual.map_or(0, |r| r.1),
        offset: 0,
        weights: std::ptr::null(),
        bias: std::ptr::null(),
        slopes: std::ptr::null(),
        residual: std::ptr::null(),
        out: std::ptr::null_mut(),
    };
    let mut first = 0;
    while first < pixels.count {
        let here = block.min(pixels.count - first);
        let tiles = here.div_ceil(V::ROWS);
        for column in (0..panels.columns).step_by(width) {
            let mut pixel = first;
            for t in 0..tiles {
                // Tiles of nearly equal height: a last tile of one row would run at a fraction of the speed.
                let rows = here / tiles + usize::from(t < here % tiles);
                // SAFETY: `column < columns` and `pixel < count`, within what `multiply` checked; the panel at `column`
                // starts after `column` full columns.
                unsafe {
                    tile.offset = pixel * pixels.stride;
                    tile.weights = panels.data.as_slice().as_ptr().add(column * panels.depth);
                    tile.bias = panels.bias.as_slice().as_ptr().add(column);
                    tile.slopes =
                        panels.slopes.as_ref().map_or(std::ptr::null(), |s| s.as_slice().as_ptr().add(column));
                    tile.residual = residual.map_or(std::ptr::null(), |(r, s)| r.as_ptr().add(pixel * s + column));
                    tile.out = out.as_mut_ptr().add(pixel * out_stride + column);
                    if panels.columns - column >= width {
                        dispatch::<V, true>(&tile, rows);
                    } else {
                        dispatch::<V, false>(&tile, rows);
                    }
                }
                pixel += rows;
            }
        }
        first += here;
    }
}

/// One tile: some pixels by one panel.
struct Tile<'a> {
    runs: &'a [&'a [f32]],
    run: usize,
    stride: usize,
    out_stride: usize,
    residual_stride: usize,
    /// Floats from the first pixel's operand to this tile's.
    offset: usize,
    weights: *const f32,
    bias: *const f32,
    /// Null where nothing leaks; likewise the residual.
    slopes: *const f32,
    residual: *const f32,
    out: *mut f32,
}

/// Defines a tile of so many rows. The rows are spelt out because LLVM keeps the accumulators in memory when a loop
/// goes over them (measured: 46 against 105 GFLOP/s).
macro_rules! tile {
    ($name:ident, $rows:literal: $($i:literal)*) => {
        /// # Safety
        /// As `vectors`; `PAIR` only where the panel is two vectors wide.
        #[inline(always)]
        unsafe fn $name<V: Vector, const PAIR: bool>(t: &Tile<'_>) {
            // SAFETY: the caller's.
            unsafe {
                let mut left = [V::load(t.bias); $rows];
                let mut right = left;
                if PAIR {
                    right = [V::load(t.bias.add(V::LANES)); $rows];
                }
                let mut w = t.weights;
                for run in t.runs {
                    let mut x = run.as_ptr().add(t.offset);
                    for _ in 0..t.run {
                        let w0 = V::load(w);
                        let w1 = if PAIR { V::load(w.add(V::LANES)) } else { w0 };
                        $(
                            let value = V::splat(*x.add($i * t.stride));
                            left[$i] = value.mul_add(w0, left[$i]);
                            if PAIR {
                                right[$i] = value.mul_add(w1, right[$i]);
                            }
                        )*
                        w = w.add(if PAIR { 2 * V::LANES } else { V::LANES });
                        x = x.add(1);
                    }
                }
                if !t.residual.is_null() {
                    $(
                        let r = t.residual.add($i * t.residual_stride);
                        left[$i] = left[$i].add(V::load(r));
                        if PAIR {
                            right[$i] = right[$i].add(V::load(r.add(V::LANES)));
                        }
                    )*
                }
                if !t.slopes.is_null() {
                    let s0 = V::load(t.slopes);
                    let s1 = if PAIR { V::load(t.slopes.add(V::LANES)) } else { s0 };
                    $(
                        left[$i] = left[$i].leak(s0);
                        if PAIR {
                            right[$i] = right[$i].leak(s1);
                        }
                    )*
                }
                $(
                    let o = t.out.add($i * t.out_stride);
                    left[$i].store(o);
                    if PAIR {
                        right[$i].store(o.add(V::LANES));
                    }
                )*
            }
        }
    };
}
tile!(rows1, 1: 0);
tile!(rows2, 2: 0 1);
tile!(rows3, 3: 0 1 2);
tile!(rows4, 4: 0 1 2 3);
tile!(rows5, 5: 0 1 2 3 4);
tile!(rows6, 6: 0 1 2 3 4 5);
tile!(rows7, 7: 0 1 2 3 4 5 6);
tile!(rows8, 8: 0 1 2 3 4 5 6 7);
tile!(rows9, 9: 0 1 2 3 4 5 6 7 8);
tile!(rows10, 10: 0 1 2 3 4 5 6 7 8 9);
tile!(rows11, 11: 0 1 2 3 4 5 6 7 8 9 10);
tile!(rows12, 12: 0 1 2 3 4 5 6 7 8 9 10 11);
tile!(rows13, 13: 0 1 2 3 4 5 6 7 8 9 10 11 12);
tile!(rows14, 14: 0 1 2 3 4 5 6 7 8 9 10 11 12 13);

/// # Safety
/// As the tiles.
#[inline(always)]
unsafe fn dispatch<V: Vector, const PAIR: bool>(t: &Tile<'_>, rows: usize) {
    // SAFETY: the caller's.
    unsafe {
        match rows {
            14 if V::ROWS >= 14 => rows14::<V, PAIR>(t),
            13 if V::ROWS >= 13 => rows13::<V, PAIR>(t),
            12 if V::ROWS >= 12 => rows12::<V, PAIR>(t),
            11 if V::ROWS >= 11 => rows11::<V, PAIR>(t),
            10 if V::ROWS >= 10 => rows10::<V, PAIR>(t),
            9 if V::ROWS >= 9 => rows9::<V, PAIR>(t),
            8 if V::ROWS >= 8 => rows8::<V, PAIR>(t),
            7 if V::ROWS >= 7 => rows7::<V, PAIR>(t),
            6 => rows6::<V, PAIR>(t),
            5 => rows5::<V, PAIR>(t),
            4 => rows4::<V, PAIR>(t),
            3 => rows3::<V, PAIR>(t),
            2 => rows2::<V, PAIR>(t),
            _ => rows1::<V, PAIR>(t),
        }
    }
}
