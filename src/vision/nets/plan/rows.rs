//! One row of one layer, for the layers that are made row by row.
#![allow(clippy::indexing_slicing)] // Layers, places and rows come from one schedule; a wrong index is a bug here.

use std::ops::Range;

use super::lower::{Dense, Kind, Layer, Lowered};
use super::schedule::Place;
use crate::vision::kernels::attention::{layer_norm, softmax};
use crate::vision::kernels::{Buffer, Isa, Pixels, depthwise, max_pool, multiply, simple};

/// Kernel rows at most: the tallest kernel in use is 7 by 7.
const KERNEL_ROWS_MAX: usize = 8;

/// A map as a layer reads it.
#[derive(Clone, Copy)]
pub struct Map<'a> {
    pub data: &'a [f32],
    pub place: Place,
}

impl<'a> Map<'a> {
    pub fn row(&self, image: usize, y: usize) -> &'a [f32] {
        &self.data[image * self.place.image + y % self.place.ring * self.place.row..][..self.place.row]
    }
}

/// A layer of which rows are made.
pub struct Row<'a> {
    pub plan: &'a Lowered,
    pub isa: Isa,
    pub layer: &'a Layer,
    /// Pixels of the row.
    pub width: usize,
    /// A row's worth of zeros, as wide as any map.
    pub zeros: &'a [f32],
}

impl<'a> Row<'a> {
    /// Makes row `y` of one image; `first` unless the row before was made last.
    pub fn make<'m>(
        &self,
        map: &dyn Fn(usize) -> Map<'m>,
        patch: &mut Buffer,
        (image, y): (usize, usize),
        first: bool,
        out: &mut [f32],
    ) where
        'a: 'm,
    {
        let (layer, width, zeros) = (self.layer, self.width, self.zeros);
        let from = map(layer.inputs[0]);
        let under = |y: usize, stride: usize, pad: usize, ky: usize| {
            let wanted = (y * stride + ky).wrapping_sub(pad);
            if wanted < from.place.height { from.row(image, wanted) } else { &zeros[..from.place.row] }
        };
        let mut rows: [&[f32]; KERNEL_ROWS_MAX] = [&[]; KERNEL_ROWS_MAX];
        match &layer.kind {
            Kind::Dense(dense) => {
                let high = dense.kernel.0;
                for (ky, row) in rows[..high].iter_mut().enumerate() {
                    *row = under(y, dense.stride.0, dense.pad.top, ky);
                }
                let added = layer.inputs.get(1).map(|&i| map(i).row(image, y));
                let pitches = (self.plan.layers[layer.inputs[0]].pitch, layer.pitch);
                dense_row(dense, &rows[..high], from.place.width, pitches, patch, added, width, out);
            }
            Kind::Depthwise { filters, stride, pad } => {
                let high = filters.size.0;
                for (ky, row) in rows[..high].iter_mut().enumerate() {
                    *row = under(y, *stride, pad.top, ky);
                }
                depthwise(filters, &rows[..high], from.place.width, layer.pitch, out, width);
            }
            Kind::MaxPool { kernel, stride, pad } => {
                for (ky, row) in rows[..*kernel].iter_mut().enumerate() {
                    // Beyond the border it is repeated, and so is never larger than what the window holds anyway.
                    let wanted = (y * stride + ky).saturating_sub(pad.top).min(from.place.height - 1);
                    *row = from.row(image, wanted);
                }
                let rows = &rows[..*kernel];
                let inside = inside(from.place.width, width, *kernel, *stride, pad.left);
                if !inside.is_empty() {
                    let first = (inside.start * stride - pad.left) * layer.pitch;
                    let mut moved: [&[f32]; KERNEL_ROWS_MAX] = [&[]; KERNEL_ROWS_MAX];
                    moved.iter_mut().zip(rows).for_each(|(moved, row)| *moved = &row[first..]);
                    let out = &mut out[inside.start * layer.pitch..inside.end * layer.pitch];
                    max_pool(self.isa, &moved[..*kernel], *stride, layer.pitch, out);
                }
                for pixel in (0..inside.start).chain(inside.end..width) {
                    let from = (pixel * stride) as isize - pad.left as isize;
                    let patch = overhang(rows, from, *kernel, layer.pitch, patch, Beyond::Border);
                    let mut cut: [&[f32]; KERNEL_ROWS_MAX] = [&[]; KERNEL_ROWS_MAX];
                    cut.iter_mut().zip(patch.chunks_exact(kernel * layer.pitch)).for_each(|(cut, row)| *cut = row);
                    let out = &mut out[pixel * layer.pitch..][..layer.pitch];
                    max_pool(self.isa, &cut[..*kernel], *stride, layer.pitch, out);
                }
            }
            Kind::Affine { scale, shift } => simple::affine(self.isa, from.row(image, y), *scale, *shift, out),
            Kind::Add { slopes } => {
                simple::add(self.isa, from.row(image, y), map(layer.inputs[1]).row(image, y), out);
                if let Some(slopes) = slopes {
                    simple::leak(self.isa, out, slopes);
                }
            }
            Kind::Scale => {
                simple::scale(self.isa, from.row(image, y), map(layer.inputs[1]).row(image, 0), out);
            }
            Kind::AveragePool { kernel: (high, wide) } => {
                for (ky, row) in rows[..*high].iter_mut().enumerate() {
                    *row = under(y, *high, 0, ky);
                }
                simple::average_pool(self.isa, &rows[..*high], *wide, layer.pitch, out);
            }
            Kind::LayerNorm { weight, bias, epsilon } => {
                layer_norm(self.isa, from.row(image, y), layer.pitch, weight, bias, *epsilon, out);
            }
            Kind::Softmax => softmax(self.isa, from.row(image, y), layer.pitch, layer.channels, out),
            Kind::Spread { panels } => {
                let scratch = &mut patch.as_mut_slice()[..from.place.width * panels.columns()];
                // The rows of a pair are made together, and the second one is found here if it comes right after.
                if y.is_multiple_of(2) || first {
                    let (pitch, channels) =
                        (self.plan.layers[layer.inputs[0]].pitch, self.plan.layers[layer.inputs[0]].channels);
                    let operand = from.row(image, y / 2);
                    let pixels = Pixels { runs: &[operand], run: channels, count: from.place.width, stride: pitch };
                    multiply(panels, pixels, None, scratch, panels.columns());
                }
                let scratch = &scratch[y % 2 * 2 * layer.channels..];
                spread_out(scratch, panels.columns(), layer.channels, layer.pitch, out);
            }
            Kind::AddUpsampled { factor } => {
                let small = map(layer.inputs[1]).row(image, y / factor);
                simple::add_upsampled(self.isa, from.row(image, y), small, *factor, layer.pitch, out);
            }
            Kind::Upsample { factor } => {
                simple::upsample(self.isa, from.row(image, y / factor), *factor, layer.pitch, out);
            }
            Kind::Concat { factors } => {
                let mut first = 0;
                for (&input, &factor) in layer.inputs.iter().zip(factors) {
                    let part = map(input).row(image, y / factor);
                    let (channels, pitch) = (self.plan.layers[input].channels, self.plan.layers[input].pitch);
                    for (pixel, out) in part.chunks_exact(pitch).zip(out.chunks_exact_mut(factor * layer.pitch)) {
                        for out in out.chunks_exact_mut(layer.pitch) {
                            copy(&pixel[..channels], &mut out[first..first + channels]);
                        }
                    }
                    first += channels;
                }
                out.chunks_exact_mut(layer.pitch).for_each(|out| out[first..].fill(0.0));
            }
            Kind::Turn => {
                let (columns, pitch) = (layer.channels, self.plan.layers[layer.inputs[0]].pitch);
                let row = from.row(image, y);
                for (channel, out) in out.chunks_exact_mut(layer.pitch).enumerate() {
                    let (out, rest) = out.split_at_mut(columns);
                    out.iter_mut().zip(row[channel..].iter().step_by(pitch)).for_each(|(out, x)| *out = *x);
                    rest.fill(0.0);
                }
            }
            Kind::Prepend { pixel } => {
                let (first, others) = out.split_at_mut(layer.pitch);
                first.copy_from_slice(pixel);
                others.copy_from_slice(from.row(image, y));
            }
            Kind::First => out.copy_from_slice(&from.row(image, y)[..layer.pitch]),
            Kind::Input | Kind::Linear(_) | Kind::GlobalAverage | Kind::Attention { .. } | Kind::Winograd(_) => {}
        }
    }
}

/// A few channels of one pixel, without the call that `copy_from_slice` is.
fn copy(from: &[f32], to: &mut [f32]) {
    let ((from, from_rest), (to, to_rest)) = (from.as_chunks::<8>(), to.as_chunks_mut::<8>());
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    to_rest.iter_mut().zip(from_rest).for_each(|(to, from)| *to = *from);
}

/// From pairs of pixels, side by side in `columns` floats, to a row of pixels.
fn spread_out(pairs: &[f32], columns: usize, channels: usize, pitch: usize, out: &mut [f32]) {
    for (pair, out) in pairs.chunks(columns).zip(out.chunks_exact_mut(2 * pitch)) {
        let (left, right) = out.split_at_mut(pitch);
        copy(&pair[..channels], &mut left[..channels]);
        copy(&pair[channels..2 * channels], &mut right[..channels]);
        left[channels..].fill(0.0);
        right[channels..].fill(0.0);
    }
}

/// The output pixels of a row whose window lies wholly on the map.
fn inside(width_in: usize, width: usize, wide: usize, stride: usize, left: usize) -> Range<usize> {
    let from = left.div_ceil(stride).min(width);
    let to = match (width_in + left).checked_sub(wide) {
        Some(room) => (room / stride + 1).clamp(from, width),
        None => from,
    };
    from..to
}

/// What a window sees where there is no map.
#[derive(Clone, Copy, PartialEq)]
enum Beyond {
    Zeros,
    /// The border's pixel again.
    Border,
}

/// A window that hangs over the border, starting at the pixel `from`, as a copy.
fn overhang<'p>(
    rows: &[&[f32]],
    from: isize,
    wide: usize,
    pitch: usize,
    patch: &'p mut Buffer,
    beyond: Beyond,
) -> &'p [f32] {
    let patch = &mut patch.as_mut_slice()[..rows.len() * wide * pitch];
    if beyond == Beyond::Zeros {
        patch.fill(0.0);
    }
    for (row, patch) in rows.iter().zip(patch.chunks_exact_mut(wide * pitch)) {
        let first = (-from).max(0) as usize;
        let last = ((row.len() / pitch) as isize - from).clamp(0, wide as isize) as usize;
        if first < last {
            let start = (from + first as isize) as usize * pitch;
            patch[first * pitch..last * pitch].copy_from_slice(&row[start..][..(last - first) * pitch]);
            if beyond == Beyond::Border {
                (0..first).for_each(|pixel| patch.copy_within(first * pitch..(first + 1) * pitch, pixel * pitch));
                let border = (last - 1) * pitch..last * pitch;
                (last..wide).for_each(|pixel| patch.copy_within(border.clone(), pixel * pitch));
            }
        }
    }
    patch
}

/// One output row of a convolution whose window is larger than a pixel or steps over some.
#[allow(clippy::too_many_arguments)]
fn dense_row(
    dense: &Dense,
    rows: &[&[f32]],
    width_in: usize,
    (pitch_in, pitch): (usize, usize),
    patch: &mut Buffer,
    added: Option<&[f32]>,
    width: usize,
    out: &mut [f32],
) {
    let (stride, left, wide) = (dense.stride.1, dense.pad.left, dense.kernel.1);
    let inside = inside(width_in, width, wide, stride, left);
    let mut runs: [&[f32]; KERNEL_ROWS_MAX] = [&[]; KERNEL_ROWS_MAX];
    let residual = |pixel: usize| added.map(|a| (&a[pixel * pitch..], pitch));
    if !inside.is_empty() {
        for (run, row) in runs.iter_mut().zip(rows) {
            *run = &row[(inside.start * stride - left) * pitch_in..];
        }
        let pixels =
            Pixels { runs: &runs[..rows.len()], run: dense.run, count: inside.len(), stride: stride * pitch_in };
        let out = &mut out[inside.start * pitch..inside.end * pitch];
        multiply(&dense.panels, pixels, residual(inside.start), out, pitch);
    }
    for pixel in (0..inside.start).chain(inside.end..width) {
        let from = (pixel * stride) as isize - left as isize;
        let patch = overhang(rows, from, wide, pitch_in, patch, Beyond::Zeros);
        let mut runs: [&[f32]; KERNEL_ROWS_MAX] = [&[]; KERNEL_ROWS_MAX];
        for (run, patch) in runs.iter_mut().zip(patch.chunks_exact(wide * pitch_in)) {
            *run = patch;
        }
        let pixels = Pixels { runs: &runs[..rows.len()], run: dense.run, count: 1, stride: 0 };
        multiply(&dense.panels, pixels, residual(pixel), &mut out[pixel * pitch..(pixel + 1) * pitch], pitch);
    }
}
