//! From a network's description and weights to layers: the units that the planned executor runs, each with everything
//! that follows it fused in and its weights packed.
//!
//! Layers are in an order in which each reads only earlier ones; layer 0 is the input.
#![allow(clippy::indexing_slicing)] // Indices are those of a graph that was checked when it was built.

use super::super::NetError;
use super::super::graph::{Activation, Conv, Graph, Op, Pad};
use super::super::weights::Weights;
use super::fuse::{Branches, Fusions};
use crate::vision::kernels::{Filters, Isa, Matrix, Panels, Winograd};

pub struct Layer {
    pub kind: Kind,
    pub inputs: Vec<usize>,
    pub channels: usize,
    /// Floats from pixel to pixel of what the layer makes.
    pub pitch: usize,
    pub after: After,
}

pub enum Kind {
    Input,
    Affine {
        scale: f32,
        shift: f32,
    },
    /// Its residual, if any, is the second input.
    Dense(Dense),
    /// 3 × 3 at stride one, padded by one.
    Winograd(Winograd),
    Depthwise {
        filters: Filters,
        stride: usize,
        pad: Pad,
    },
    Add {
        /// Of the leak below zero, one per float of the pitch.
        slopes: Option<Vec<f32>>,
    },
    /// The second input, enlarged, on the first.
    AddUpsampled {
        factor: usize,
    },
    /// The first input times the second, which is one pixel.
    Scale,
    MaxPool {
        kernel: usize,
        stride: usize,
        pad: Pad,
    },
    AveragePool {
        kernel: (usize, usize),
    },
    GlobalAverage,
    Upsample {
        factor: usize,
    },
    /// Each input enlarged by its factor, and zeros to the end.
    Concat {
        factors: Vec<usize>,
    },
    Turn,
    /// Each row of the input after this pixel.
    Prepend {
        pixel: Vec<f32>,
    },
    First,
    /// Makes the four pixels of a square side by side, the upper two first.
    Spread {
        panels: Panels,
    },
    LayerNorm {
        weight: Vec<f32>,
        bias: Vec<f32>,
        epsilon: f32,
    },
    Attention {
        heads: usize,
    },
    Softmax,
    Linear(Matrix),
}

pub struct Dense {
    pub panels: Panels,
    pub kernel: (usize, usize),
    pub stride: (usize, usize),
    pub pad: Pad,
    /// Floats that one kernel row reads of a map's row.
    pub run: usize,
}

/// An activation that the kernels do not apply on the way out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum After {
    Nothing,
    Sigmoid,
    HardSigmoid { slope: f32 },
    HardSwish,
    Silu,
    Gelu,
}

/// Some channels of a layer as one of the network's outputs.
pub struct Output {
    pub layer: usize,
    pub first: usize,
    pub channels: usize,
    pub after: After,
    /// Rows without height and width.
    pub flat: bool,
}

pub struct Lowered {
    pub layers: Vec<Layer>,
    pub outputs: Vec<Output>,
}

/// Floats from pixel to pixel: whole vectors, and not a multiple of 2 KiB, at which the rows of a tile would fall on the
/// same few sets of the first-level cache.
fn pitch(channels: usize) -> usize {
    let whole = channels.next_multiple_of(16);
    if whole.is_multiple_of(512) { whole + 16 } else { whole }
}

pub fn lower(graph: &Graph, weights: &Weights, isa: Isa) -> Result<Lowered, NetError> {
    let (height, width) = graph.probe_size();
    let shapes = graph.shapes(1, height, width)?;
    let fusions = Fusions::find(graph);
    let mut made = Lowering { graph, weights, isa, layers: Vec::new(), places: vec![None; graph.nodes.len()] };
    for (index, node) in graph.nodes.iter().enumerate() {
        if made.places[index].is_some() || fusions.skipped[index] {
            continue;
        }
        if let Some(branches) = fusions.branches.iter().find(|b| b.pointwise.contains(&index)) {
            made.branches(branches)?;
            continue;
        }
        let inputs: Vec<usize> = node.inputs.iter().map(|v| v.0).collect();
        let channels = shapes[index][3];
        let layer = match &node.op {
            Op::Input => made.layer(Kind::Input, &[], channels, channels, After::Nothing),
            Op::Affine { scale, shift } => {
                made.plain(Kind::Affine { scale: *scale, shift: *shift }, &inputs, channels)?
            }
            Op::Conv(conv) => {
                let residual = fusions.residual[index];
                let activation = match fusions.added_into[index].map(|add| &graph.nodes[add].op) {
                    Some(Op::Add { activation }) => activation,
                    _ => &conv.activation,
                };
                made.conv(conv, activation, inputs[0], residual)?
            }
            Op::Add { activation } => match fusions.upsampled[index] {
                Some((base, small, factor)) => made.plain(Kind::AddUpsampled { factor }, &[base, small], channels)?,
                None => {
                    let (after, slopes) = made.after(activation)?;
                    let slopes = slopes.map(|s| s.values(channels));
                    let layer = made.plain(Kind::Add { slopes: None }, &inputs, channels)?;
                    let wide = made.layers[layer].pitch;
                    let padded = slopes.map(|s| s.into_iter().chain(std::iter::repeat(0.0)).take(wide).collect());
                    made.layers[layer].kind = Kind::Add { slopes: padded };
                    made.layers[layer].after = after;
                    layer
                }
            },
            Op::Scale => made.plain(Kind::Scale, &inputs, channels)?,
            Op::MaxPool { kernel, stride, pad } => {
                let kind = Kind::MaxPool { kernel: *kernel, stride: *stride, pad: *pad };
                made.plain(kind, &inputs, channels)?
            }
            Op::AveragePool { kernel } => made.plain(Kind::AveragePool { kernel: *kernel }, &inputs, channels)?,
            Op::GlobalAverage => made.plain(Kind::GlobalAverage, &inputs, channels)?,
            Op::Softmax => made.plain(Kind::Softmax, &inputs, channels)?,
            Op::LayerNorm { weight, bias, epsilon } => {
                let (weight, bias) = (weights.values(weight)?.to_vec(), weights.values(bias)?.to_vec());
                made.plain(Kind::LayerNorm { weight, bias, epsilon: *epsilon }, &inputs, channels)?
            }
            Op::Attention { heads } => {
                made.layer(Kind::Attention { heads: *heads }, &inputs, channels, pitch(channels), After::Nothing)
            }
            Op::Upsample { factor } => made.plain(Kind::Upsample { factor: *factor }, &inputs, channels)?,
            Op::Concat => {
                let parts = fusions.enlarged[index].clone().unwrap_or_default();
                let (nodes, factors): (Vec<usize>, Vec<usize>) = parts.into_iter().unzip();
                made.layer(Kind::Concat { factors }, &nodes, channels, pitch(channels), After::Nothing)
            }
            Op::Turn => made.layer(Kind::Turn, &inputs, channels, pitch(channels), After::Nothing),
            Op::Prepend { weight } => {
                let mut pixel = weights.values(weight)?.to_vec();
                pixel.resize(made.input_pitch(inputs[0])?, 0.0);
                made.plain(Kind::Prepend { pixel }, &inputs, channels)?
            }
            Op::First => made.plain(Kind::First, &inputs, channels)?,
            Op::ExtraChannels { .. } => {
                made.layer(Kind::Concat { factors: vec![1] }, &inputs, channels, pitch(channels), After::Nothing)
            }
            Op::Spread { weight, bias, out_channels, activation } => {
                made.spread(weight, bias.as_deref(), *out_channels, activation, inputs[0])?
            }
            Op::Linear { weight, bias, outputs, activation } => {
                let matrix = made.matrix(weight, bias.as_deref(), *outputs, shapes[inputs[0]], inputs[0])?;
                let wide = matrix.padded_columns();
                let (after, slopes) = made.after(activation)?;
                if slopes.is_some() {
                    return Err(NetError::Graph(format!("{}: a linear layer does not leak", graph.name)));
                }
                made.layer(Kind::Linear(matrix), &inputs, channels, wide, after)
            }
        };
        made.places[index] = Some((layer, 0));
        if let Some(add) = fusions.added_into[index] {
            made.places[add] = Some((layer, 0));
        }
    }
    let outputs = graph.outputs.iter().map(|value| {
        let (layer, first) = made.places[value.0].ok_or_else(|| lost(graph, value.0))?;
        let flat = matches!(graph.nodes[value.0].op, Op::Linear { .. });
        let after = fusions.branches.iter().find_map(|b| b.after.iter().find(|(d, _)| *d == value.0));
        let after = after.map_or(After::Nothing, |(_, after)| *after);
        Ok(Output { layer, first, channels: shapes[value.0][3], after, flat })
    });
    let outputs = outputs.collect::<Result<Vec<Output>, NetError>>()?;
    Ok(Lowered { layers: made.layers, outputs })
}

fn lost(graph: &Graph, node: usize) -> NetError {
    NetError::Graph(format!("{}: nothing makes node {node}", graph.name))
}

/// Layers as they come into being.
struct Lowering<'a> {
    graph: &'a Graph,
    weights: &'a Weights,
    isa: Isa,
    layers: Vec<Layer>,
    /// By node: the layer that makes its value, and from which channel on.
    places: Vec<Option<(usize, usize)>>,
}

impl Lowering<'_> {
    fn layer(&mut self, kind: Kind, nodes: &[usize], channels: usize, pitch: usize, after: After) -> usize {
        let inputs = nodes.iter().filter_map(|node| self.places[*node]).map(|(layer, _)| layer).collect();
        self.layers.push(Layer { kind, inputs, channels, pitch, after });
        self.layers.len() - 1
    }

    /// A layer whose operands all have its own pitch.
    fn plain(&mut self, kind: Kind, nodes: &[usize], channels: usize) -> Result<usize, NetError> {
        let pitch = self.input_pitch(nodes[0])?;
        for node in nodes {
            if self.input_pitch(*node)? != pitch {
                return Err(NetError::Graph(format!("{}: operands laid out differently", self.graph.name)));
            }
        }
        Ok(self.layer(kind, nodes, channels, pitch, After::Nothing))
    }

    fn input_pitch(&self, node: usize) -> Result<usize, NetError> {
        let (layer, _) = self.places[node].ok_or_else(|| lost(self.graph, node))?;
        Ok(self.layers[layer].pitch)
    }

    fn input_channels(&self, node: usize) -> Result<usize, NetError> {
        let (layer, _) = self.places[node].ok_or_else(|| lost(self.graph, node))?;
        Ok(self.layers[layer].channels)
    }

    fn bias(&self, name: Option<&str>, channels: usize) -> Result<Vec<f32>, NetError> {
        name.map_or(Ok(vec![0.0; channels]), |name| Ok(self.weights.values(name)?.to_vec()))
    }

    /// What the kernels apply themselves (slopes of the leak below zero), and what is left for afterwards.
    fn after(&self, activation: &Activation) -> Result<(After, Option<Slopes>), NetError> {
        Ok(match activation {
            Activation::None => (After::Nothing, None),
            Activation::Relu => (After::Nothing, Some(Slopes::Zero)),
            Activation::Prelu(name) => (After::Nothing, Some(Slopes::Given(self.weights.values(name)?.to_vec()))),
            Activation::Sigmoid => (After::Sigmoid, None),
            Activation::HardSigmoid { slope } => (After::HardSigmoid { slope: *slope }, None),
            Activation::HardSwish => (After::HardSwish, None),
            Activation::Silu => (After::Silu, None),
            Activation::Gelu => (After::Gelu, None),
        })
    }

    fn conv(
        &mut self,
        conv: &Conv,
        activation: &Activation,
        input: usize,
        residual: Option<usize>,
    ) -> Result<usize, NetError> {
        let (channels, pitch_in) = (self.input_channels(input)?, self.input_pitch(input)?);
        let bias = self.bias(conv.bias.as_deref(), conv.out_channels)?;
        let weight = self.weights.values(&conv.weight)?;
        let (after, slopes) = self.after(activation)?;
        let slopes = slopes.map(|s| s.values(conv.out_channels));
        let kind = if conv.is_depthwise(channels) && pitch_in == pitch(channels) {
            self.depthwise(conv, weight, &bias, slopes.as_deref())
        } else if conv.groups == 1 {
            let slopes = slopes.as_deref();
            let minimal = if residual.is_none() { self.winograd(conv, channels, weight, &bias, slopes) } else { None };
            minimal.map_or_else(
                || Kind::Dense(self.dense(conv, (channels, pitch_in), weight, &bias, slopes)),
                Kind::Winograd,
            )
        } else {
            return Err(NetError::Graph(format!(
                "{}: {} has groups that are not channels",
                self.graph.name, conv.weight
            )));
        };
        let inputs: Vec<usize> = std::iter::once(input).chain(residual).collect();
        Ok(self.layer(kind, &inputs, conv.out_channels, pitch(conv.out_channels), after))
    }

    fn depthwise(&self, conv: &Conv, weight: &[f32], bias: &[f32], slopes: Option<&[f32]>) -> Kind {
        let filters = Filters::pack(self.isa, weight, conv.kernel, conv.stride.1, conv.pad.left, bias, slopes);
        Kind::Depthwise { filters, stride: conv.stride.0, pad: conv.pad }
    }

    fn winograd(
        &self,
        conv: &Conv,
        channels: usize,
        weight: &[f32],
        bias: &[f32],
        slopes: Option<&[f32]>,
    ) -> Option<Winograd> {
        let fits = conv.kernel == (3, 3) && conv.stride == (1, 1) && conv.pad == Pad::all(1);
        fits.then(|| Winograd::pack(self.isa, weight, (conv.out_channels, channels), bias, slopes)).flatten()
    }

    fn dense(
        &self,
        conv: &Conv,
        (channels, pitch): (usize, usize),
        weight: &[f32],
        bias: &[f32],
        slopes: Option<&[f32]>,
    ) -> Dense {
        let (kh, kw) = conv.kernel;
        // A kernel row's taps lie side by side in the map; the floats between their channels meet zero weights.
        let run = (kw - 1) * pitch + channels;
        let at = |k: usize, column: usize| {
            let (ky, kx, channel) = (k / run, k % run / pitch, k % run % pitch);
            if channel < channels { weight[((column * channels + channel) * kh + ky) * kw + kx] } else { 0.0 }
        };
        let panels = Panels::pack(self.isa, kh * run, conv.out_channels, at, bias, slopes);
        Dense { panels, kernel: conv.kernel, stride: conv.stride, pad: conv.pad, run }
    }

    fn matrix(
        &self,
        weight: &str,
        bias: Option<&str>,
        outputs: usize,
        [_, h, w, channels]: [usize; 4],
        input: usize,
    ) -> Result<Matrix, NetError> {
        let pitch = self.input_pitch(input)?;
        let bias = self.bias(bias, outputs)?;
        let depth = h * w * pitch;
        // The trained order is channel by channel, the map's is pixel by pixel.
        let at = |k: usize, column: usize| {
            let (pixel, channel) = (k / pitch, k % pitch);
            (channel < channels).then_some((column * channels + channel) * h * w + pixel)
        };
        Ok(match self.weights.halves(weight) {
            Some(halves) => {
                let bits = |k, column| at(k, column).map_or(0, |i| halves[i]);
                Matrix::pack_halves(self.isa, depth, outputs, bits, &bias)
            }
            None => {
                let values = self.weights.values(weight)?;
                Matrix::pack(self.isa, depth, outputs, |k, column| at(k, column).map_or(0.0, |i| values[i]), &bias)
            }
        })
    }

    fn spread(
        &mut self,
        weight: &str,
        bias: Option<&str>,
        out: usize,
        activation: &Activation,
        input: usize,
    ) -> Result<usize, NetError> {
        let channels = self.input_channels(input)?;
        let (values, bias) = (self.weights.values(weight)?, self.bias(bias, out)?.repeat(4));
        let (after, slopes) = self.after(activation)?;
        let slopes = slopes.map(|s| s.values(out).repeat(4));
        let at = |k: usize, column: usize| values[(k * out + column % out) * 4 + column / out];
        let panels = Panels::pack(self.isa, channels, 4 * out, at, &bias, slopes.as_deref());
        // A few channels, as at the end of a network, are not spread out to whole vectors.
        let wide = if out < 8 { out } else { pitch(out) };
        Ok(self.layer(Kind::Spread { panels }, &[input], out, wide, after))
    }

    /// Pairs of pointwise and depthwise on one map, side by side as one pair.
    fn branches(&mut self, branches: &Branches) -> Result<(), NetError> {
        let mut joined: Option<(Conv, Conv)> = None;
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        let (mut taps, mut tap_bias) = (Vec::new(), Vec::new());
        let mut starts = Vec::new();
        for (&pw, &(dw, _)) in branches.pointwise.iter().zip(&branches.after) {
            let (Op::Conv(point), Op::Conv(depth)) = (&self.graph.nodes[pw].op, &self.graph.nodes[dw].op) else {
                return Err(lost(self.graph, pw));
            };
            weight.extend_from_slice(self.weights.values(&point.weight)?);
            bias.extend(self.bias(point.bias.as_deref(), point.out_channels)?);
            taps.extend_from_slice(self.weights.values(&depth.weight)?);
            tap_bias.extend(self.bias(depth.bias.as_deref(), depth.out_channels)?);
            starts.push(bias.len() - point.out_channels);
            joined = Some((point.clone(), depth.clone()));
        }
        let Some((point, depth)) = joined else { return Ok(()) };
        let out = bias.len();
        let shape = (self.input_channels(branches.input)?, self.input_pitch(branches.input)?);
        let dense = self.dense(&Conv { out_channels: out, ..point }, shape, &weight, &bias, None);
        let dense = self.layer(Kind::Dense(dense), &[branches.input], out, pitch(out), After::Nothing);
        self.places[branches.pointwise[0]] = Some((dense, 0));
        let kind = self.depthwise(&depth, &taps, &tap_bias, None);
        let layer = self.layer(kind, &[branches.pointwise[0]], out, pitch(out), After::Nothing);
        for ((&pw, &(dw, _)), &first) in branches.pointwise.iter().zip(&branches.after).zip(&starts) {
            self.places[pw] = Some((dense, first));
            self.places[dw] = Some((layer, first));
        }
        Ok(())
    }
}

enum Slopes {
    Zero,
    Given(Vec<f32>),
}

impl Slopes {
    fn values(self, channels: usize) -> Vec<f32> {
        match self {
            Slopes::Zero => vec![0.0; channels],
            Slopes::Given(values) => values,
        }
    }
}
