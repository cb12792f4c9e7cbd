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
    let to = out.as_mut_ptr();
    let (from, until) = row.inside;
    // SAFETY: the caller's; pixels `inside` have their whole window on the map.
    unsafe {
        for pixel in (0..from).chain(until..row.out_width) {
            border::<V>(row, pixel, to);
        }
        match (row.filters.size, row.filters.stride) {
            ((3, 3), 1) => three::<V, 1>(row, to),
            ((3, 3), 2) => three::<V, 2>(row, to),
            _ => any::<V>(row, to),
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

/// 3 × 3, by far the most frequent: the nine taps stay in registers along the row, and a column that was loaded serves
/// every output pixel under whose window it lies.
///
/// # Safety
/// As `by_size`; the filters are 3 × 3 and of stride `STRIDE`, 1 or 2.
#[inline(always)]
unsafe fn three<V: Vector, const STRIDE: usize>(row: &Row<'_>, to: *mut f32) {
    let f = row.filters;
    let (from, until) = row.inside;
    let Some(origin) = (from * STRIDE).checked_sub(f.pad_left) else { return };
    // SAFETY: windows of pixels `inside` lie on the map, channels below `channels`.
    unsafe {
        for channel in (0..f.channels).step_by(V::LANES) {
            let first = f.taps.as_slice().as_ptr().add(channel);
            let tap = |i: usize| V::load(first.add(i * f.channels));
            let t = Three {
                taps: [tap(0), tap(1), tap(2), tap(3), tap(4), tap(5), tap(6), tap(7), tap(8)],
                bias: V::load(f.bias.as_slice().as_ptr().add(channel)),
                slope: match &f.slopes {
                    Some(slopes) => V::load(slopes.as_slice().as_ptr().add(channel)),
                    None => V::splat(1.0),
                },
                leaks: f.slopes.is_some(),
                pitch: row.stride,
            };
            let above = row.rows.get_unchecked(0).as_ptr().add(origin * row.stride + channel);
            let middle = row.rows.get_unchecked(1).as_ptr().add(origin * row.stride + channel);
            let below = row.rows.get_unchecked(2).as_ptr().add(origin * row.stride + channel);
            let to = to.add(from * row.stride + channel);
            let count = until - from;
            let mut done = 0;
            let at = |done: usize| {
                let x = done * STRIDE * row.stride;
                ([above.add(x), middle.add(x), below.add(x)], to.add(done * row.stride))
            };
            // Eight sums, ten columns and nine taps fill the registers of AVX-512 at stride 1.
            while STRIDE == 1 && V::ROWS >= 14 && count - done >= 8 {
                let (x, to) = at(done);
                one8(&t, x, to);
                done += 8;
            }
            while count - done >= 4 {
                let (x, to) = at(done);
                if STRIDE == 1 {
                    one4(&t, x, to)
                } else {
                    two4(&t, x, to)
                }
                done += 4;
            }
            if count - done >= 2 {
                let (x, to) = at(done);
                if STRIDE == 1 {
                    one2(&t, x, to)
                } else {
                    two2(&t, x, to)
                }
                done += 2;
            }
            if count > done {
                let (x, to) = at(done);
                one1(&t, x, to);
            }
        }
    }
}

/// What stays in registers along a row.
struct Three<V> {
    taps: [V; 9],
    bias: V,
    slope: V,
    leaks: bool,
    pitch: usize,
}

/// Defines a tile of output pixels of a 3 × 3 filter, spelt out so that sums and columns stay in registers: the number
/// of pixels, the number of columns under them, the stride.
macro_rules! three {
    ($name:ident, $count:literal, $columns:literal, $stride:literal: $($i:literal)*; $($j:literal)*) => {
        /// # Safety
        /// `V`'s instructions exist; three rows of columns and the pixels are within their maps.
        #[inline(always)]
        unsafe fn $name<V: Vector>(t: &Three<V>, rows: [*const f32; 3], to: *mut f32) {
            // SAFETY: the caller's.
            unsafe {
                let mut sums = [t.bias; $count];
                let x: [V; $columns] = [$(V::load(rows[0].add($j * t.pitch))),*];
                $(sums[$i] = x[$i * $stride].mul_add(t.taps[0], sums[$i]);)*
                $(sums[$i] = x[$i * $stride + 1].mul_add(t.taps[1], sums[$i]);)*
                $(sums[$i] = x[$i * $stride + 2].mul_add(t.taps[2], sums[$i]);)*
                let x: [V; $columns] = [$(V::load(rows[1].add($j * t.pitch))),*];
                $(sums[$i] = x[$i * $stride].mul_add(t.taps[3], sums[$i]);)*
                $(sums[$i] = x[$i * $stride + 1].mul_add(t.taps[4], sums[$i]);)*
                $(sums[$i] = x[$i * $stride + 2].mul_add(t.taps[5], sums[$i]);)*
                let x: [V; $columns] = [$(V::load(rows[2].add($j * t.pitch))),*];
                $(sums[$i] = x[$i * $stride].mul_add(t.taps[6], sums[$i]);)*
                $(sums[$i] = x[$i * $stride + 1].mul_add(t.taps[7], sums[$i]);)*
                $(sums[$i] = x[$i * $stride + 2].mul_add(t.taps[8], sums[$i]);)*
                if t.leaks {
                    $(sums[$i] = sums[$i].leak(t.slope);)*
                }
                $(sums[$i].store(to.add($i * t.pitch));)*
            }
        }
    };
}
three!(one1, 1, 3, 1: 0; 0 1 2);
three!(one2, 2, 4, 1: 0 1; 0 1 2 3);
three!(one4, 4, 6, 1: 0 1 2 3; 0 1 2 3 4 5);
three!(one8, 8, 10, 1: 0 1 2 3 4 5 6 7; 0 1 2 3 4 5 6 7 8 9);
three!(two2, 2, 5, 2: 0 1; 0 1 2 3 4);
three!(two4, 4, 9, 2: 0 1 2 3; 0 1 2 3 4 5 6 7 8);

/// Any size and stride.
///
/// # Safety
/// As `by_size`.
#[inline(always)]
unsafe fn any<V: Vector>(row: &Row<'_>, to: *mut f32) {
    let (mut pixel, until) = row.inside;
    // SAFETY: pixels `inside` have their whole window on the map, so each tile stays within the checked rows.
    unsafe {
        while until - pixel >= 8 {
            tile8::<V>(row, pixel, to);
            pixel += 8;
        }
        if until - pixel >= 4 {
            tile4::<V>(row, pixel, to);
            pixel += 4;
        }
        if until - pixel >= 2 {
            tile2::<V>(row, pixel, to);
            pixel += 2;
        }
        if until > pixel {
            tile1::<V>(row, pixel, to);
        }
    }
}

/// Defines a tile of so many output pixels, spelt out so that the sums stay in registers.
macro_rules! tile {
    ($name:ident, $count:literal: $($i:literal)*) => {
        /// # Safety
        /// As `any`; the windows of all the tile's pixels lie on the map.
        #[inline(always)]
        unsafe fn $name<V: Vector>(row: &Row<'_>, pixel: usize, to: *mut f32) {
            let f = row.filters;
            let (high, wide) = f.size;
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
