//! Runs the layers of a plan on a workspace of its own. Nothing is allocated here.
#![allow(clippy::indexing_slicing)] // Layers, places and slots come from one schedule; a wrong index is a bug here.

use std::ops::Range;

use super::lower::{After, Dense, Kind, Layer, Lowered, Output};
use super::rows::{Map, Row};
use super::schedule::{Place, Schedule, walk};
use crate::vision::kernels::attention::attention;
use crate::vision::kernels::{Buffer, Isa, Pixels, multiply, multiply_rows, simple, winograd};

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
            Kind::GlobalAverage => {
                for image in images {
                    self.average(map(layer.inputs[0]), image, &mut out[image * to.image..][..layer.pitch]);
                }
            }
            Kind::Attention { heads } => {
                let (from, pitch) = (map(layer.inputs[0]), self.plan.layers[layer.inputs[0]].pitch);
                for image in images {
                    let x = &from.data[image * from.place.image..][..from.place.image];
                    let out = &mut out[image * to.image..][..to.image];
                    let size = layer.channels / heads;
                    attention(self.isa, x, pitch, (*heads, size), patch.as_mut_slice(), out, layer.pitch);
                }
            }
            Kind::Winograd(filters) => {
                let (from, pitch) = (map(layer.inputs[0]), self.plan.layers[layer.inputs[0]].pitch);
                let zeros = &space.zeros.as_slice()[..from.place.row];
                for image in images {
                    let out = &mut out[image * to.image..][..to.image];
                    for (strip, out) in out.chunks_mut(4 * to.row).enumerate() {
                        let under = [0, 1, 2, 3, 4, 5].map(|i| match (4 * strip + i).checked_sub(1) {
                            Some(y) if y < from.place.height => from.row(image, y),
                            _ => zeros,
                        });
                        winograd(filters, under, (to.width, pitch), patch.as_mut_slice(), out, layer.pitch);
                        apply(self.isa, layer.after, out);
                    }
                }
            }
            Kind::Dense(dense) if is_pointwise(dense) => self.pointwise(layer, dense, &map, to, images, rows, out),
            _ => {
                let row = Row { plan: self.plan, isa: self.isa, layer, width: to.width, zeros: space.zeros.as_slice() };
                for image in images {
                    for y in rows.clone() {
                        let at = image * to.image + y % to.ring * to.row;
                        let out = &mut out[at..at + to.row];
                        row.make(&map, &mut patch, (image, y), y == rows.start, out);
                        apply(self.isa, layer.after, out);
                    }
                }
            }
        }
        space.patch = patch;
        space.slots[to.slot] = buffer;
    }

    #[allow(clippy::too_many_arguments)]
    fn pointwise<'m>(
        self,
        layer: &Layer,
        dense: &Dense,
        map: &dyn Fn(usize) -> Map<'m>,
        to: Place,
        images: Range<usize>,
        rows: Range<usize>,
        out: &mut [f32],
    ) {
        let (from, pitch) = (map(layer.inputs[0]), self.plan.layers[layer.inputs[0]].pitch);
        let added = layer.inputs.get(1).map(|&i| (map(i), self.plan.layers[i].pitch));
        let rings = [from.place.ring, to.ring, added.map_or(to.height, |(a, _)| a.place.ring)];
        let mut bands = Bands { images, rows, rings, height: to.height };
        while let Some((image, y, count)) = bands.next(added.is_some()) {
            let at = image * to.image + y % to.ring * to.row;
            let start = image * from.place.image + y % from.place.ring * from.place.row;
            let beside = added.map_or(0, |(a, _)| image * a.place.image + y % a.place.ring * a.place.row);
            let pixels = count * to.width;
            // What the kernel does not apply itself is applied while the pixels are still near.
            let step = if layer.after == After::Nothing { pixels } else { (AFTER_FLOATS / layer.pitch).max(1) };
            for first in (0..pixels).step_by(step) {
                let here = step.min(pixels - first);
                let operand = &from.data[start + first * pitch..];
                let residual = added.map(|(a, wide)| (&a.data[beside + first * wide..], wide));
                let out = &mut out[at + first * layer.pitch..][..here * layer.pitch];
                let pixels = Pixels { runs: &[operand], run: dense.run, count: here, stride: pitch };
                multiply(&dense.panels, pixels, residual, out, layer.pitch);
                apply(self.isa, layer.after, out);
            }
        }
    }

    /// Each channel's average over one image.
    fn average(self, from: Map<'_>, image: usize, out: &mut [f32]) {
        out.fill(0.0);
        for y in 0..from.place.height {
            simple::add_pixels(self.isa, from.row(image, y), out);
        }
        let share = 1.0 / (from.place.height * from.place.width) as f32;
        out.iter_mut().for_each(|o| *o *= share);
    }
}

/// How much of a layer is made before its activation is applied: 64 KiB, a fraction of the second-level cache.
const AFTER_FLOATS: usize = 16 * 1024;

fn is_pointwise(dense: &Dense) -> bool {
    dense.kernel == (1, 1) && dense.stride == (1, 1) && dense.pad == super::super::graph::Pad::NONE
}

/// Rows that lie side by side in every map concerned, as large pieces as there are.
struct Bands {
    images: Range<usize>,
    rows: Range<usize>,
    rings: [usize; 3],
    height: usize,
}

impl Bands {
    /// Image, first row, number of rows (which run on into the next images where all maps are whole).
    fn next(&mut self, alone: bool) -> Option<(usize, usize, usize)> {
        if self.images.is_empty() || self.rows.is_empty() {
            return None;
        }
        let (image, y) = (self.images.start, self.rows.start);
        let whole = self.rows == (0..self.height) && self.rings == [self.height; 3];
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
