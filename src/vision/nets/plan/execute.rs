//! Runs the layers of a plan on a workspace of its own. Nothing is allocated here.
#![allow(clippy::indexing_slicing)] // Layers, places and slots come from one schedule; a wrong index is a bug here.

use std::ops::Range;

use super::lower::{After, Dense, Kind, Layer, Lowered, Output};
use super::schedule::{Place, Schedule, walk};
use crate::vision::kernels::{Buffer, Isa, Pixels, depthwise, multiply, multiply_rows, simple};

/// Kernel rows at most: the widest kernel in use is 7 by 7.
const KERNEL_ROWS_MAX: usize = 8;

/// The memory of one run, and where things lie in it.
pub struct Workspace {
    pub schedule: Schedule,
    slots: Vec<Buffer>,
    zeros: Buffer,
    patch: Buffer,
}

impl Workspace {
    pub fn new(schedule: Schedule) -> Workspace {
        let mut space = Workspace { schedule, slots: Vec::new(), zeros: Buffer::default(), patch: Buffer::default() };
        space.fit();
        space
    }

    /// Keeps the memory for another size of input.
    pub fn reschedule(&mut self, schedule: Schedule) {
        self.schedule = schedule;
        self.fit();
    }

    fn fit(&mut self) {
        self.slots.resize_with(self.schedule.slots.len().max(self.slots.len()), Buffer::default);
        self.slots.iter_mut().zip(&self.schedule.slots).for_each(|(slot, floats)| slot.grow(*floats));
        self.zeros.grow(self.schedule.zeros);
        self.patch.grow(self.schedule.patch);
    }
}

/// Runs every layer on `input` and writes the outputs, one after the other, to `out`. `made` is told of each layer as
/// soon as some of its rows are there.
pub fn run(
    plan: &Lowered,
    isa: Isa,
    space: &mut Workspace,
    input: &[f32],
    out: &mut [f32],
    mut made: impl FnMut(usize),
) {
    for index in 0..space.schedule.segments.len() {
        let segment = space.schedule.segments[index].clone();
        let batch = space.schedule.batch;
        if segment.layers.len() == 1 {
            let layer = segment.layers.start;
            let rows = 0..space.schedule.places[layer].height;
            Run { plan, isa, input }.layer(space, layer, 0..batch, rows);
            made(layer);
        } else {
            let places = std::mem::take(&mut space.schedule.places);
            for image in 0..batch {
                walk(&plan.layers, &places, &segment, |layer, rows| {
                    Run { plan, isa, input }.layer_at(space, &places, layer, image..image + 1, rows);
                    made(layer);
                });
            }
            space.schedule.places = places;
        }
        let mut at = 0;
        for output in &plan.outputs {
            let place = space.schedule.places[output.layer];
            let length = batch * place.height * place.width * output.channels;
            if segment.layers.contains(&output.layer) {
                let pitch = plan.layers[output.layer].pitch;
                emit(isa, output, pitch, space.slots[place.slot].as_slice(), &mut out[at..at + length]);
            }
            at += length;
        }
    }
}

/// Copies some channels of a map out.
fn emit(isa: Isa, output: &Output, pitch: usize, map: &[f32], out: &mut [f32]) {
    simple::extract(isa, map, pitch, output.first, output.channels, out);
    apply(isa, output.after, out);
}

fn apply(isa: Isa, after: After, values: &mut [f32]) {
    match after {
        After::Nothing => {}
        After::Sigmoid => simple::sigmoid(isa, values),
        After::HardSigmoid { slope } => simple::hard_sigmoid(isa, values, slope),
        After::HardSwish => simple::hard_swish(isa, values),
        After::Silu => simple::silu(isa, values),
        After::Gelu => simple::gelu(isa, values),
    }
}

#[derive(Clone, Copy)]
struct Run<'a> {
    plan: &'a Lowered,
    isa: Isa,
    input: &'a [f32],
}

/// A map as a layer reads it.
#[derive(Clone, Copy)]
struct Map<'a> {
    data: &'a [f32],
    place: Place,
}

impl<'a> Map<'a> {
    fn row(&self, image: usize, y: usize) -> &'a [f32] {
        &self.data[image * self.place.image + y % self.place.ring * self.place.row..][..self.place.row]
    }
}

impl Run<'_> {
    fn layer(self, space: &mut Workspace, layer: usize, images: Range<usize>, rows: Range<usize>) {
        let places = std::mem::take(&mut space.schedule.places);
        self.layer_at(space, &places, layer, images, rows);
        space.schedule.places = places;
    }

    /// Makes some rows of one layer.
    fn layer_at(self, space: &mut Workspace, places: &[Place], index: usize, images: Range<usize>, rows: Range<usize>) {
        let layer = &self.plan.layers[index];
        let to = places[index];
        // The buffer is taken out while it is written: no two layers that are alive share one.
        let mut buffer = std::mem::take(&mut space.slots[to.slot]);
        let mut patch = std::mem::take(&mut space.patch);
        let map = |input: usize| match self.plan.layers[input].kind {
            Kind::Input => Map { data: self.input, place: places[input] },
            _ => Map { data: space.slots[places[input].slot].as_slice(), place: places[input] },
        };
        let out = buffer.as_mut_slice();
        match &layer.kind {
            Kind::Linear(matrix) => {
                let from = map(layer.inputs[0]);
                multiply_rows(matrix, from.data, from.place.image, images.len(), out);
                apply(self.isa, layer.after, &mut out[..images.len() * layer.pitch]);
            }
            Kind::Dense(dense) if is_pointwise(dense) => {
                let from = map(layer.inputs[0]);
                let added = layer.inputs.get(1).map(|&i| map(i));
                let mut bands = Bands { images, rows, rings: [from.place.ring, to.ring], height: to.height };
                while let Some((image, y, count)) = bands.next(added.is_some()) {
                    let at = image * to.image + y % to.ring * to.row;
                    let start = image * from.place.image + y % from.place.ring * from.place.row;
                    let pixels = Pixels {
                        runs: &[&from.data[start..]],
                        run: dense.run,
                        count: count * to.width,
                        stride: self.plan.layers[layer.inputs[0]].pitch,
                    };
                    let residual = added.map(|a| {
                        let start = image * a.place.image + y % a.place.ring * a.place.row;
                        (&a.data[start..], a.place.row / a.place.width)
                    });
                    let out = &mut out[at..at + count * to.row];
                    multiply(&dense.panels, pixels, residual, out, layer.pitch);
                    apply(self.isa, layer.after, out);
                }
            }
            _ => {
                for image in images {
                    for y in rows.clone() {
                        let at = image * to.image + y % to.ring * to.row;
                        let out = &mut out[at..at + to.row];
                        self.row(layer, &map, &mut patch, space.zeros.as_slice(), (image, y), to.width, out);
                        apply(self.isa, layer.after, out);
                    }
                }
            }
        }
        space.patch = patch;
        space.slots[to.slot] = buffer;
    }

    /// Makes row `y` of one image.
    #[allow(clippy::too_many_arguments)]
    fn row<'m>(
        self,
        layer: &Layer,
        map: &dyn Fn(usize) -> Map<'m>,
        patch: &mut Buffer,
        zeros: &'m [f32],
        (image, y): (usize, usize),
        width: usize,
        out: &mut [f32],
    ) {
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
            Kind::MaxPool { kernel, stride } => {
                for (ky, row) in rows[..*kernel].iter_mut().enumerate() {
                    *row = under(y, *stride, 0, ky);
                }
                simple::max_pool(self.isa, &rows[..*kernel], *stride, layer.pitch, out);
            }
            Kind::Affine { scale, shift } => simple::affine(self.isa, from.row(image, y), *scale, *shift, out),
            Kind::Add => simple::add(self.isa, from.row(image, y), map(layer.inputs[1]).row(image, y), out),
            Kind::AddUpsampled { factor } => {
                let small = map(layer.inputs[1]).row(image, y / factor);
                simple::add_upsampled(self.isa, from.row(image, y), small, *factor, layer.pitch, out);
            }
            Kind::Upsample { factor } => {
                simple::upsample(self.isa, from.row(image, y / factor), *factor, layer.pitch, out);
            }
            Kind::Concat => {
                let mut first = 0;
                for &input in &layer.inputs {
                    let part = map(input).row(image, y);
                    let (channels, pitch) = (self.plan.layers[input].channels, self.plan.layers[input].pitch);
                    for (pixel, out) in part.chunks_exact(pitch).zip(out.chunks_exact_mut(layer.pitch)) {
                        out[first..first + channels].copy_from_slice(&pixel[..channels]);
                    }
                    first += channels;
                }
            }
            Kind::Input | Kind::Linear(_) => {}
        }
    }
}

fn is_pointwise(dense: &Dense) -> bool {
    dense.kernel == (1, 1) && dense.stride == (1, 1) && dense.pad == super::super::graph::Pad::NONE
}

/// Rows that lie side by side in every map concerned, as large pieces as there are.
struct Bands {
    images: Range<usize>,
    rows: Range<usize>,
    rings: [usize; 2],
    height: usize,
}

impl Bands {
    /// Image, first row, number of rows (which run on into the next images where all maps are whole).
    fn next(&mut self, alone: bool) -> Option<(usize, usize, usize)> {
        if self.images.is_empty() || self.rows.is_empty() {
            return None;
        }
        let (image, y) = (self.images.start, self.rows.start);
        let whole = self.rows == (0..self.height) && self.rings == [self.height; 2];
        if whole && !alone {
            let count = self.images.len() * self.height;
            self.images.start = self.images.end;
            return Some((image, 0, count));
        }
        if whole {
            self.images.start += 1;
            return Some((image, 0, self.height));
        }
        let count = self.rings.iter().map(|ring| ring - y % ring).fold(self.rows.len(), usize::min);
        self.rows.start += count;
        Some((image, y, count))
    }
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
    let inside_from = left.div_ceil(stride).min(width);
    let inside_to = match (width_in + left).checked_sub(wide) {
        Some(room) => (room / stride + 1).clamp(inside_from, width),
        None => inside_from,
    };
    let mut runs: [&[f32]; KERNEL_ROWS_MAX] = [&[]; KERNEL_ROWS_MAX];
    let residual = |pixel: usize| added.map(|a| (&a[pixel * pitch..], pitch));
    if inside_to > inside_from {
        for (run, row) in runs.iter_mut().zip(rows) {
            *run = &row[(inside_from * stride - left) * pitch_in..];
        }
        let pixels = Pixels {
            runs: &runs[..rows.len()],
            run: dense.run,
            count: inside_to - inside_from,
            stride: stride * pitch_in,
        };
        let out = &mut out[inside_from * pitch..inside_to * pitch];
        multiply(&dense.panels, pixels, residual(inside_from), out, pitch);
    }
    for pixel in (0..inside_from).chain(inside_to..width) {
        // The window hangs over the border: a copy of it, with zeros where there is no map.
        let patch = &mut patch.as_mut_slice()[..rows.len() * wide * pitch_in];
        patch.fill(0.0);
        let from = (pixel * stride) as isize - left as isize;
        let first = (-from).max(0) as usize;
        let last = (width_in as isize - from).clamp(0, wide as isize) as usize;
        for (row, patch) in rows.iter().zip(patch.chunks_exact_mut(wide * pitch_in)) {
            if first < last {
                let start = (from + first as isize) as usize * pitch_in;
                patch[first * pitch_in..last * pitch_in].copy_from_slice(&row[start..][..(last - first) * pitch_in]);
            }
        }
        let mut runs: [&[f32]; KERNEL_ROWS_MAX] = [&[]; KERNEL_ROWS_MAX];
        for (run, patch) in runs.iter_mut().zip(patch.chunks_exact(wide * pitch_in)) {
            *run = patch;
        }
        let pixels = Pixels { runs: &runs[..rows.len()], run: dense.run, count: 1, stride: 0 };
        multiply(&dense.panels, pixels, residual(pixel), &mut out[pixel * pitch..(pixel + 1) * pitch], pitch);
    }
}

/// Every layer in words, with its multiplications.
pub fn describe(plan: &Lowered, schedule: &Schedule) -> Vec<super::LayerCost> {
    let line = |index: usize| {
        let layer = &plan.layers[index];
        let to = schedule.places[index];
        let channels_in = layer.inputs.first().map_or(0, |&i| plan.layers[i].channels);
        let pixels = schedule.batch * to.height * to.width;
        let (kind, taps) = match &layer.kind {
            Kind::Input => ("input".into(), 0),
            Kind::Dense(d) => {
                (format!("{}×{} convolution", d.kernel.0, d.kernel.1), d.kernel.0 * d.kernel.1 * channels_in)
            }
            Kind::Depthwise { filters: f, .. } => (format!("{}×{} depthwise", f.size.0, f.size.1), f.size.0 * f.size.1),
            Kind::Linear(_) => {
                let from = schedule.places[layer.inputs[0]];
                ("linear".into(), from.height * from.width * channels_in)
            }
            Kind::Affine { .. } => ("affine".into(), 0),
            Kind::Add => ("add".into(), 0),
            Kind::AddUpsampled { .. } => ("enlarge and add".into(), 0),
            Kind::MaxPool { .. } => ("pool".into(), 0),
            Kind::Upsample { .. } => ("enlarge".into(), 0),
            Kind::Concat => ("join".into(), 0),
        };
        let layer_text = format!("{kind} {channels_in}→{} at {}×{}", layer.channels, to.height, to.width);
        super::LayerCost { layer: layer_text, products: pixels * layer.channels * taps, seconds: 0.0 }
    };
    (0..plan.layers.len()).map(line).collect()
}
