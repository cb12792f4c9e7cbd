//! Depthwise convolution of one output row, NHWC: vectors run over channels, several output pixels at once.
//!
//! Rows above and below the map are the caller's business (it passes a row of zeros); columns left and right of it are
//! skipped here. The vertical stride is only a choice of rows, so strides per axis are free.
#![allow(clippy::indexing_slicing)] // Kernels check their slices once on entry; an index out of bounds is a bug here.

use super::buffer::Buffer;
use super::gemm::padded_copy;
use super::isa::{Isa, Kind};
use super::vector::Vector;

/// One filter per channel.
pub struct Filters {
    isa: Isa,
    /// `[taps, channels]`.
    taps: Buffer,
    bias: Buffer,
    slopes: Option<Buffer>,
    /// A multiple of 16; those past the network's own have zero weights.
    channels: usize,
    /// Rows, columns.
    pub size: (usize, usize),
    pub stride: usize,
    pub pad_left: usize,
}

impl Filters {
    /// `weight` is `[channels, rows, columns]`; `stride` and `pad_left` are those along the row.
    pub fn pack(
        isa: Isa,
        weight: &[f32],
        size: (usize, usize),
        stride: usize,
        pad_left: usize,
        bias: &[f32],
        slopes: Option<&[f32]>,
    ) -> Filters {
        let count = size.0 * size.1;
        let own = weight.len() / count;
        let channels = own.next_multiple_of(16);
        let mut taps = Buffer::zeroed(count * channels);
        let out = taps.as_mut_slice();
        for (channel, filter) in weight.chunks_exact(count).enumerate() {
            for (tap, &w) in filter.iter().enumerate() {
                out[tap * channels + channel] = w;
            }
        }
        let slopes = slopes.map(|s| padded_copy(s, channels));
        Filters { isa, taps, bias: padded_copy(bias, channels), slopes, channels, size, stride, pad_left }
    }
}

/// `rows` are the input rows under the kernel, each `width` pixels; `out` is `out_width` pixels. Pixels of either map
/// are `channels` floats apart.
pub fn depthwise(filters: &Filters, rows: &[&[f32]], width: usize, stride: usize, out: &mut [f32], out_width: usize) {
    assert_eq!(rows.len(), filters.size.0, "one row per kernel row");
    assert!(stride >= filters.channels, "pixels do not overlap");
    for row in rows {
        let _ = &row[..width * stride];
    }
    let _ = &out[..out_width * stride];
    // Output pixels whose window lies wholly inside the row.
    let inside_from = filters.pad_left.div_ceil(filters.stride).min(out_width);
    let inside_to = match (width + filters.pad_left).checked_sub(filters.size.1) {
        Some(room) => (room / filters.stride + 1).clamp(inside_from, out_width),
        None => inside_from,
    };
    let row = Row { filters, rows, width, stride, inside: (inside_from, inside_to), out_width };
    match filters.isa.0 {
        Kind::Scalar => scalar(&row, out),
        // SAFETY: the `Isa` proves the instructions; the slices were checked above.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx2 => unsafe { avx2(&row, out) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Kind::Avx512 => unsafe { avx512(&row, out) },
    }
}

struct Row<'a> {
    filters: &'a Filters,
    rows: &'a [&'a [f32]],
    width: usize,
    stride: usize,
    inside: (usize, usize),
    out_width: usize,
}

impl Row<'_> {
    /// The kernel columns that fall on the map for this output pixel, and the input pixel under column 0 (which may lie
    /// left of the map).
    fn window(&self, pixel: usize) -> (usize, usize, isize) {
        let from = (pixel * self.filters.stride) as isize - self.filters.pad_left as isize;
        let first = (-from).max(0) as usize;
        let last = (self.width as isize - from).clamp(0, self.filters.size.1 as isize) as usize;
        (first.min(last), last, from)
    }
}

/// The plain twin: what the others are compared with.
fn scalar(row: &Row<'_>, out: &mut [f32]) {
    let f = row.filters;
    for pixel in 0..row.out_width {
        let (first, last, from) = row.window(pixel);
        let out = &mut out[pixel * row.stride..][..f.channels];
        out.copy_from_slice(f.bias.as_slice());
        for (ky, line) in row.rows.iter().enumerate() {
            for kx in first..last {
                let taps = &f.taps.as_slice()[(ky * f.size.1 + kx) * f.channels..][..f.channels];
                let values = &line[(from + kx as isize) as usize * row.stride..][..f.channels];
                for ((o, &w), &x) in out.iter_mut().zip(taps).zip(values) {
                    *o += w * x;
                }
            }
        }
        if let Some(slopes) = &f.slopes {
            for (o, &slope) in out.iter_mut().zip(slopes.as_slice()) {
                *o = o.max(0.0) + slope * o.min(0.0);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn avx2(row: &Row<'_>, out: &mut [f32]) {
    // SAFETY: the caller's, and the instructions are enabled here.
    unsafe { by_size::<super::vector::Ymm>(row, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma,f16c")]
unsafe fn avx512(row: &Row<'_>, out: &mut [f32]) {
    // SAFETY: the caller's, and the instructions are enabled here.
    unsafe { by_size::<super::vector::Zmm>(row, out) }
}

/// # Safety
/// `V`'s instructions exist; the slices are as `depthwise` checks them.
#[inline(always)]
unsafe fn by_size<V: Vector>(row: &Row<'_>, out: &mut [f32]) {
    // SAFETY: the caller's.
    unsafe {
        match row.filters.size {
            (3, 3) => vectors::<V, 3, 3>(row, out),
            (5, 5) => vectors::<V, 5, 5>(row, out),
            _ => vectors::<V, 0, 0>(row, out),
        }
    }
}

/// # Safety
/// As `by_size`; `KH` and `KW` are the kernel's size, or both zero where it is not known to the compiler.
#[inline(always)]
unsafe fn vectors<V: Vector, const KH: usize, const KW: usize>(row: &Row<'_>, out: &mut [f32]) {
    let to = out.as_mut_ptr();
    let (from, until) = row.inside;
    // SAFETY: pixels `inside` have their whole window on the map, so each tile stays within the checked rows.
    unsafe {
        for pixel in (0..from).chain(until..row.out_width) {
            border::<V>(row, pixel, to);
        }
        let mut pixel = from;
        while until - pixel >= 8 {
            tile8::<V, KH, KW>(row, pixel, to);
            pixel += 8;
        }
        if until - pixel >= 4 {
            tile4::<V, KH, KW>(row, pixel, to);
            pixel += 4;
        }
        if until - pixel >= 2 {
            tile2::<V, KH, KW>(row, pixel, to);
            pixel += 2;
        }
        if until > pixel {
            tile1::<V, KH, KW>(row, pixel, to);
        }
    }
}

/// # Safety
/// As `by_size`; `pixel < out_width`.
#[inline(always)]
unsafe fn border<V: Vector>(row: &Row<'_>, pixel: usize, to: *mut f32) {
    let f = row.filters;
    let (first, last, from) = row.window(pixel);
    // SAFETY: `first..last` are the columns on the map; `channel` stays below `channels`, a multiple of `LANES`.
    unsafe {
        for channel in (0..f.channels).step_by(V::LANES) {
            let mut sum = V::load(f.bias.as_slice().as_ptr().add(channel));
            for (ky, line) in row.rows.iter().enumerate() {
                for kx in first..last {
                    let w = V::load(f.taps.as_slice().as_ptr().add((ky * f.size.1 + kx) * f.channels + channel));
                    let x = V::load(line.as_ptr().add((from + kx as isize) as usize * row.stride + channel));
                    sum = x.mul_add(w, sum);
                }
            }
            if let Some(slopes) = &f.slopes {
                sum = sum.leak(V::load(slopes.as_slice().as_ptr().add(channel)));
            }
            sum.store(to.add(pixel * row.stride + channel));
        }
    }
}

/// Defines a tile of so many output pixels, spelt out so that the sums stay in registers.
macro_rules! tile {
    ($name:ident, $count:literal: $($i:literal)*) => {
        /// # Safety
        /// As `vectors`; the windows of all the tile's pixels lie on the map.
        #[inline(always)]
        unsafe fn $name<V: Vector, const KH: usize, const KW: usize>(row: &Row<'_>, pixel: usize, to: *mut f32) {
            let f = row.filters;
            let (high, wide) = if KH == 0 { f.size } else { (KH, KW) };
            let step = f.stride * row.stride;
            let origin = (pixel * f.stride - f.pad_left) * row.stride;
            // SAFETY: the caller's.
            unsafe {
                for channel in (0..f.channels).step_by(V::LANES) {
                    let mut sums = [V::load(f.bias.as_slice().as_ptr().add(channel)); $count];
                    let mut tap = f.taps.as_slice().as_ptr().add(channel);
                    for ky in 0..high {
                        let mut x = row.rows.get_unchecked(ky).as_ptr().add(origin + channel);
                        for _ in 0..wide {
                            let w = V::load(tap);
                            $(sums[$i] = V::load(x.add($i * step)).mul_add(w, sums[$i]);)*
                            tap = tap.add(f.channels);
                            x = x.add(row.stride);
                        }
                    }
                    if let Some(slopes) = &f.slopes {
                        let slope = V::load(slopes.as_slice().as_ptr().add(channel));
                        $(sums[$i] = sums[$i].leak(slope);)*
                    }
                    let o = to.add(pixel * row.stride + channel);
                    $(sums[$i].store(o.add($i * row.stride));)*
                }
            }
        }
    };
}
tile!(tile1, 1: 0);
tile!(tile2, 2: 0 1);
tile!(tile4, 4: 0 1 2 3);
tile!(tile8, 8: 0 1 2 3 4 5 6 7);
