//! Where each layer's map lies and in which order rows are made, for one size of input.
//!
//! Layers that pass large maps among themselves are run together, a strip of rows at a time, and keep only the rows that
//! others of them still need: such a map never leaves the cache. A buffer serves one layer after another; two layers
//! that are alive at once never share one.
#![allow(clippy::indexing_slicing)] // Indices are those of the plan's own layers.

use std::ops::Range;

use super::lower::{Kind, Layer, Lowered};
use crate::vision::kernels::attention_scratch;

/// A map of one batch, or the window of rows that is kept of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    pub slot: usize,
    pub height: usize,
    pub width: usize,
    /// Rows that are kept; row `y` lies at `y % ring`.
    pub ring: usize,
    /// Floats of one row, and of one image.
    pub row: usize,
    pub image: usize,
}

/// Layers that run together.
#[derive(Clone, Debug)]
pub struct Segment {
    pub layers: Range<usize>,
    /// Rows of the last layer that are made at a time.
    pub strip: usize,
}

pub struct Schedule {
    pub batch: usize,
    pub height: usize,
    pub width: usize,
    pub places: Vec<Place>,
    pub segments: Vec<Segment>,
    /// Floats that each slot holds.
    pub slots: Vec<usize>,
    /// Floats of the widest row that any layer reads, and of the largest patch at a map's border.
    pub zeros: usize,
    pub patch: usize,
    /// Floats of the outputs together.
    pub output: usize,
}

/// Rows in flight of one segment, and its weights, which are read again for each strip, should fit the second-level
/// cache together (1 MiB here, 1.25–2 MiB on newer servers). Measured on the text detector at 736 × 736: 177 ms without
/// segments, 142 ms with these; between 256 and 512 KiB, and between 200 and 600 KiB, it hardly matters.
const STRIP_BYTES: usize = 512 * 1024;
const STRIP_WEIGHT_BYTES: usize = 320 * 1024;
/// Maps below this stay in the second-level cache anyway.
const STRIP_MAP_BYTES: usize = 192 * 1024;

impl Schedule {
    pub fn new(plan: &Lowered, batch: usize, height: usize, width: usize) -> Schedule {
        let layers = &plan.layers;
        let mut places: Vec<Place> = Vec::with_capacity(layers.len());
        for layer in layers {
            let (h, w) = size_after(layer, layers, &places, height, width);
            let row = w * layer.pitch;
            places.push(Place { slot: 0, height: h, width: w, ring: h, row, image: h * row });
        }
        let mut schedule = Schedule {
            batch,
            height,
            width,
            segments: segments(plan, &places),
            places,
            slots: Vec::new(),
            zeros: 0,
            patch: 0,
            output: 0,
        };
        for segment in schedule.segments.clone() {
            schedule.shrink(layers, &segment);
        }
        schedule.assign(plan);
        schedule.measure(plan);
        schedule
    }

    /// Sets the rings of a segment's inner layers to what its strips need.
    fn shrink(&mut self, layers: &[Layer], segment: &Segment) {
        let (mut kept, mut done) = (vec![0; layers.len()], vec![0; layers.len()]);
        walk(layers, &self.places, segment, |index, rows| {
            let layer = &layers[index];
            for (operand, &input) in layer.inputs.iter().enumerate() {
                if segment.layers.contains(&input) {
                    let oldest = first_row(layer, operand, rows.start).min(done[input]);
                    kept[input] = kept[input].max(done[input] - oldest);
                }
            }
            done[index] = rows.end;
        });
        for layer in segment.layers.clone().rev().skip(1) {
            let place = &mut self.places[layer];
            place.ring = kept[layer].clamp(1, place.height);
            place.image = place.ring * place.row;
        }
    }

    /// Gives every layer a slot, the smallest free one that fits.
    fn assign(&mut self, plan: &Lowered) {
        let segment_of = |layer: usize| self.segments.iter().position(|s| s.layers.contains(&layer)).unwrap_or(0);
        let mut last_use: Vec<usize> = (0..plan.layers.len()).map(segment_of).collect();
        for (index, layer) in plan.layers.iter().enumerate() {
            for &input in &layer.inputs {
                last_use[input] = last_use[input].max(segment_of(index));
            }
        }
        let mut free: Vec<usize> = Vec::new();
        for (index, segment) in self.segments.iter().enumerate() {
            for layer in segment.layers.clone() {
                if matches!(plan.layers[layer].kind, Kind::Input) {
                    continue;
                }
                let place = &mut self.places[layer];
                let need = place.image * self.batch;
                let fits = free.iter().filter(|s| self.slots[**s] >= need).min_by_key(|s| self.slots[**s]);
                let slot = fits.or_else(|| free.iter().max_by_key(|s| self.slots[**s])).copied();
                place.slot = slot.unwrap_or(self.slots.len());
                match slot {
                    Some(slot) => {
                        free.retain(|s| *s != slot);
                        self.slots[slot] = self.slots[slot].max(need);
                    }
                    None => self.slots.push(need),
                }
            }
            let dead = (0..segment.layers.end).filter(|l| last_use[*l] == index);
            let dead = dead.filter(|l| !matches!(plan.layers[*l].kind, Kind::Input));
            free.extend(dead.map(|l| self.places[l].slot));
        }
    }

    fn measure(&mut self, plan: &Lowered) {
        for layer in &plan.layers {
            let Some(&input) = layer.inputs.first() else { continue };
            self.zeros = self.zeros.max(self.places[input].row);
            let (from, pitch) = (self.places[input], plan.layers[input].pitch);
            self.patch = self.patch.max(match &layer.kind {
                Kind::Dense(dense) => dense.kernel.0 * dense.kernel.1 * pitch,
                Kind::MaxPool { kernel, .. } => kernel * kernel * pitch,
                Kind::Winograd(filters) => filters.scratch(),
                Kind::Spread { panels } => from.width * panels.columns(),
                Kind::Attention { heads } => attention_scratch(from.height * from.width, layer.channels / heads),
                _ => 0,
            });
        }
        for output in &plan.outputs {
            let place = self.places[output.layer];
            self.output += self.batch * place.height * place.width * output.channels;
        }
    }
}

fn size_after(layer: &Layer, layers: &[Layer], places: &[Place], height: usize, width: usize) -> (usize, usize) {
    let Some(&input) = layer.inputs.first() else { return (height, width) };
    let (h, w) = (places[input].height, places[input].width);
    match &layer.kind {
        Kind::Input => (height, width),
        Kind::Affine { .. } | Kind::Add { .. } | Kind::AddUpsampled { .. } | Kind::Scale | Kind::Winograd(_) => (h, w),
        Kind::LayerNorm { .. } | Kind::Softmax | Kind::Attention { .. } => (h, w),
        Kind::Concat { factors } => {
            let factor = factors.first().copied().unwrap_or(1);
            (h * factor, w * factor)
        }
        Kind::Dense(d) => (
            (h + d.pad.top + d.pad.bottom - d.kernel.0) / d.stride.0 + 1,
            (w + d.pad.left + d.pad.right - d.kernel.1) / d.stride.1 + 1,
        ),
        Kind::Depthwise { filters, stride, pad } => (
            (h + pad.top + pad.bottom - filters.size.0) / stride + 1,
            (w + pad.left + pad.right - filters.size.1) / filters.stride + 1,
        ),
        Kind::MaxPool { kernel, stride, pad } => {
            ((h + pad.top + pad.bottom - kernel) / stride + 1, (w + pad.left + pad.right - kernel) / stride + 1)
        }
        Kind::AveragePool { kernel } => (h / kernel.0, w / kernel.1),
        Kind::Upsample { factor } => (h * factor, w * factor),
        Kind::Spread { .. } => (2 * h, 2 * w),
        Kind::Turn => (h, layers[input].channels),
        Kind::Prepend { .. } => (h, w + 1),
        Kind::First => (h, 1),
        Kind::Linear(_) | Kind::GlobalAverage => (1, 1),
    }
}

/// The first row of one of its inputs that a layer needs for its own row.
fn first_row(layer: &Layer, operand: usize, row: usize) -> usize {
    match (&layer.kind, operand) {
        (Kind::Dense(d), 0) => (row * d.stride.0).saturating_sub(d.pad.top),
        (Kind::Depthwise { stride, pad, .. }, _) => (row * stride).saturating_sub(pad.top),
        (Kind::MaxPool { stride, pad, .. }, _) => (row * stride).saturating_sub(pad.top),
        (Kind::AveragePool { kernel }, _) => row * kernel.0,
        (Kind::Upsample { factor }, _) | (Kind::AddUpsampled { factor }, 1) => row / factor,
        (Kind::Concat { factors }, _) => row / factors[operand],
        (Kind::Spread { .. }, _) => row / 2,
        _ => row,
    }
}

/// One past the last row of one of its inputs (perhaps past the map) that a layer needs for its rows before `end`.
fn last_row(layer: &Layer, operand: usize, end: usize) -> usize {
    let Some(last) = end.checked_sub(1) else { return 0 };
    match (&layer.kind, operand) {
        (Kind::Dense(d), 0) => (last * d.stride.0 + d.kernel.0).saturating_sub(d.pad.top),
        (Kind::Depthwise { filters, stride, pad }, _) => (last * stride + filters.size.0).saturating_sub(pad.top),
        (Kind::MaxPool { kernel, stride, pad }, _) => (last * stride + kernel).saturating_sub(pad.top),
        (Kind::AveragePool { kernel }, _) => end * kernel.0,
        (Kind::Upsample { factor }, _) | (Kind::AddUpsampled { factor }, 1) => last / factor + 1,
        (Kind::Concat { factors }, _) => last / factors[operand] + 1,
        (Kind::Spread { .. }, _) => last / 2 + 1,
        _ => end,
    }
}

/// Goes through a segment strip by strip: `make(layer, rows)` in the order in which they must be made.
pub fn walk(layers: &[Layer], places: &[Place], segment: &Segment, mut make: impl FnMut(usize, Range<usize>)) {
    let (start, last) = (segment.layers.start, segment.layers.end - 1);
    // A segment is short; what each of its layers has made so far fits on the stack.
    let mut done = [0usize; SEGMENT_LAYERS_MAX];
    let mut end = 0;
    while end < places[last].height {
        end = (end + segment.strip).min(places[last].height);
        let mut wanted = done;
        wanted[last - start] = end;
        for index in segment.layers.clone().rev() {
            for (operand, &input) in layers[index].inputs.iter().enumerate() {
                if segment.layers.contains(&input) {
                    let rows = last_row(&layers[index], operand, wanted[index - start]).min(places[input].height);
                    wanted[input - start] = wanted[input - start].max(rows);
                }
            }
        }
        for layer in segment.layers.clone() {
            let at = layer - start;
            if wanted[at] > done[at] {
                make(layer, done[at]..wanted[at]);
                done[at] = wanted[at];
            }
        }
    }
}

const SEGMENT_LAYERS_MAX: usize = 32;

fn segments(plan: &Lowered, places: &[Place]) -> Vec<Segment> {
    let layers = &plan.layers;
    let mut last_reader: Vec<usize> = (0..layers.len()).collect();
    for (index, layer) in layers.iter().enumerate() {
        layer.inputs.iter().for_each(|&input| last_reader[input] = index);
    }
    plan.outputs.iter().for_each(|output| last_reader[output.layer] = usize::MAX);
    let mut segments = Vec::new();
    let mut start = 1;
    while start < layers.len() {
        let mut chosen = start + 1;
        let mut weights = weight_bytes(&layers[start]);
        // What the layers before the one at `end` make must not be needed after it.
        let mut needed_until = last_reader[start];
        let mut end = start + 1;
        while end < layers.len() && end - start < SEGMENT_LAYERS_MAX && in_rows(&layers[end - 1]) {
            weights += weight_bytes(&layers[end]);
            let large = places[end - 1].image * 4 > STRIP_MAP_BYTES;
            let follows = layers[end].inputs.iter().any(|&input| input >= start);
            if !(in_rows(&layers[end]) && large && follows && weights <= STRIP_WEIGHT_BYTES) {
                break;
            }
            end += 1;
            if needed_until < end {
                chosen = end;
            }
            needed_until = needed_until.max(last_reader[end - 1]);
        }
        let strip = strip(places, start..chosen);
        segments.push(Segment { layers: start..chosen, strip });
        start = chosen;
    }
    segments
}

/// Whether a layer can be run some rows at a time.
fn in_rows(layer: &Layer) -> bool {
    // Listed one by one: a new kind must be thought about.
    match layer.kind {
        Kind::Input | Kind::Linear(_) | Kind::GlobalAverage | Kind::Attention { .. } | Kind::Winograd(_) => false,
        Kind::Dense(_) | Kind::Depthwise { .. } | Kind::MaxPool { .. } | Kind::AveragePool { .. } => true,
        Kind::Affine { .. } | Kind::Add { .. } | Kind::AddUpsampled { .. } | Kind::Scale => true,
        Kind::Upsample { .. } | Kind::Concat { .. } | Kind::Spread { .. } => true,
        Kind::Turn | Kind::Prepend { .. } | Kind::First => true,
        Kind::LayerNorm { .. } | Kind::Softmax => true,
    }
}

fn weight_bytes(layer: &Layer) -> usize {
    match &layer.kind {
        Kind::Dense(dense) => dense.panels.bytes(),
        Kind::Spread { panels } => panels.bytes(),
        _ => 0,
    }
}

/// How many rows of the last layer to make at a time.
fn strip(places: &[Place], range: Range<usize>) -> usize {
    let last = range.end - 1;
    if range.len() == 1 {
        return places[last].height.max(1);
    }
    // Bytes that one more row of the last layer adds, all along the line.
    let bytes: usize = range.map(|l| places[l].row * 4 * places[l].height / places[last].height.max(1)).sum();
    (STRIP_BYTES / bytes.max(1)).clamp(1, places[last].height.max(1))
}
