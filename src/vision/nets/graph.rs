//! What a network computes, apart from how it is executed: a list of typed operations, each reading earlier values.
//!
//! Every value is a map `[n, h, w, c]`. A graph that was built is consistent: operands exist and come first, channel
//! counts agree, and the probe size passes through every layer. Batch-norm never appears; it is folded at conversion.

use super::NetError;

/// The index of a node, and so of the value it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub(super) usize);

/// `[n, h, w, c]`.
pub type Shape = [usize; 4];

/// What follows a linear operation element by element.
#[derive(Clone, Debug, PartialEq)]
pub enum Activation {
    None,
    Relu,
    /// `x < 0 ? x * slope[channel] : x`, by the name of the slopes' tensor.
    Prelu(String),
    Sigmoid,
    /// `clamp(x * slope + 0.5, 0, 1)`: frameworks differ in the slope (1/6 or 0.2).
    HardSigmoid {
        slope: f32,
    },
    /// `x * clamp(x / 6 + 0.5, 0, 1)`.
    HardSwish,
    Silu,
    /// The exact one, with erf.
    Gelu,
}

/// Zeros around a map, per side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pad {
    pub top: usize,
    pub bottom: usize,
    pub left: usize,
    pub right: usize,
}

impl Pad {
    pub const NONE: Pad = Pad { top: 0, bottom: 0, left: 0, right: 0 };

    pub const fn all(by: usize) -> Pad {
        Pad { top: by, bottom: by, left: by, right: by }
    }
}

/// A convolution: weights `[out, in / groups, kh, kw]` under `weight`, `[out]` under `bias`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    pub weight: String,
    pub bias: Option<String>,
    pub out_channels: usize,
    /// Rows, columns; likewise the stride.
    pub kernel: (usize, usize),
    pub stride: (usize, usize),
    pub pad: Pad,
    pub groups: usize,
    pub activation: Activation,
}

impl Conv {
    /// One by one, with the tensors `{name}.weight` and `{name}.bias`.
    pub fn pointwise(name: &str, out_channels: usize) -> Conv {
        Conv {
            weight: format!("{name}.weight"),
            bias: Some(format!("{name}.bias")),
            out_channels,
            kernel: (1, 1),
            stride: (1, 1),
            pad: Pad::NONE,
            groups: 1,
            activation: Activation::None,
        }
    }

    /// A square odd kernel, padded so that stride one keeps the size.
    pub fn square(name: &str, out_channels: usize, kernel: usize) -> Conv {
        Conv { kernel: (kernel, kernel), pad: Pad::all(kernel / 2), ..Conv::pointwise(name, out_channels) }
    }

    /// One filter per channel, square and odd.
    pub fn depthwise(name: &str, channels: usize, kernel: usize) -> Conv {
        Conv { groups: channels, ..Conv::square(name, channels, kernel) }
    }

    pub fn stride(self, by: usize) -> Conv {
        Conv { stride: (by, by), ..self }
    }

    pub fn activate(self, activation: Activation) -> Conv {
        Conv { activation, ..self }
    }

    pub fn is_depthwise(&self, in_channels: usize) -> bool {
        self.groups > 1 && self.groups == in_channels && self.out_channels == in_channels
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    Input,
    /// `x * scale + shift` for every element.
    Affine {
        scale: f32,
        shift: f32,
    },
    Conv(Conv),
    /// Of two maps of one shape.
    Add {
        activation: Activation,
    },
    /// A map times one number per image and channel: `[n, h, w, c]` by `[n, 1, 1, c]`.
    Scale,
    /// Square window, larger than the padding, stride in both axes; the padding is never the largest.
    MaxPool {
        kernel: usize,
        stride: usize,
        pad: Pad,
    },
    /// Windows side by side, rows by columns, wholly inside the map.
    AveragePool {
        kernel: (usize, usize),
    },
    /// Over the whole map: `[n, 1, 1, c]`.
    GlobalAverage,
    /// Each pixel becomes a square of `factor` by `factor`.
    Upsample {
        factor: usize,
    },
    /// Along channels.
    Concat,
    /// Columns become channels, and channels columns.
    Turn,
    /// A trained pixel before the others of each row, its tensor `[c]`.
    Prepend {
        weight: String,
    },
    /// The first pixel of each row.
    First,
    /// More channels, all zero, after those that there are.
    ExtraChannels {
        to: usize,
    },
    /// The transpose of a convolution of two by two at stride two: each pixel becomes a square of four. Weights
    /// `[in, out, 2, 2]`.
    Spread {
        weight: String,
        bias: Option<String>,
        out_channels: usize,
        activation: Activation,
    },
    /// Over the channels of each pixel, with weights and bias `[c]`.
    LayerNorm {
        weight: String,
        bias: String,
        epsilon: f32,
    },
    /// Among the pixels of each image: from queries, keys and values side by side in the channels, each split evenly
    /// among the heads. Gives a third of the channels.
    Attention {
        heads: usize,
    },
    /// Over the channels of each pixel.
    Softmax,
    /// A matrix `[outputs, c * h * w]` on the whole map, flattened channel by channel (the order of NCHW), as the
    /// trained weights expect. Gives `[n, 1, 1, outputs]`.
    Linear {
        weight: String,
        bias: Option<String>,
        outputs: usize,
        activation: Activation,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub op: Op,
    pub inputs: Vec<Value>,
}

/// Which heights, or widths, of input a network takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Exactly(usize),
    MultipleOf(usize),
}

impl Side {
    fn takes(self, side: usize) -> bool {
        match self {
            Side::Exactly(exactly) => side == exactly,
            Side::MultipleOf(unit) => side > 0 && side.is_multiple_of(unit),
        }
    }

    fn least(self) -> usize {
        match self {
            Side::Exactly(side) | Side::MultipleOf(side) => side,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    pub name: &'static str,
    pub height: Side,
    pub width: Side,
    pub input_channels: usize,
    pub nodes: Vec<Node>,
    pub outputs: Vec<Value>,
}

impl Graph {
    /// The shape of every value for an input of this batch, height and width.
    pub fn shapes(&self, batch: usize, height: usize, width: usize) -> Result<Vec<Shape>, NetError> {
        if !(self.height.takes(height) && self.width.takes(width)) || batch == 0 {
            return Err(NetError::Input(format!("{} takes no input of {batch}×{height}×{width}", self.name)));
        }
        let mut shapes: Vec<Shape> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let operands: Option<Vec<Shape>> = node.inputs.iter().map(|v| shapes.get(v.0).copied()).collect();
            let shape = match (&node.op, operands) {
                (Op::Input, _) => Some([batch, height, width, self.input_channels]),
                (op, Some(operands)) => shape_after(op, &operands),
                (_, None) => None,
            };
            shapes.push(shape.ok_or_else(|| {
                NetError::Graph(format!(
                    "{}: node {} ({:?}) does not fit its operands",
                    self.name,
                    shapes.len(),
                    node.op
                ))
            })?);
        }
        Ok(shapes)
    }

    /// A size that the network takes, for checks that need some size.
    pub fn probe_size(&self) -> (usize, usize) {
        (self.height.least(), self.width.least())
    }

    /// The name and the shape of every tensor that the graph reads.
    pub fn tensors(&self) -> Result<Vec<(String, Vec<usize>)>, NetError> {
        let (height, width) = self.probe_size();
        let shapes = self.shapes(1, height, width)?;
        let mut wanted = Vec::new();
        for (node, &out) in self.nodes.iter().zip(&shapes) {
            let Some(&[_, h, w, c]) = node.inputs.first().and_then(|v| shapes.get(v.0)) else { continue };
            let (weight, shape, bias, activation) = match &node.op {
                Op::Conv(conv) => {
                    let shape = vec![conv.out_channels, c / conv.groups, conv.kernel.0, conv.kernel.1];
                    (&conv.weight, shape, &conv.bias, &conv.activation)
                }
                Op::Linear { weight, bias, outputs, activation } => {
                    (weight, vec![*outputs, h * w * c], bias, activation)
                }
                Op::Spread { weight, bias, out_channels, activation } => {
                    (weight, vec![c, *out_channels, 2, 2], bias, activation)
                }
                Op::LayerNorm { weight, bias, .. } => {
                    wanted.push((bias.clone(), vec![c]));
                    (weight, vec![c], &None, &Activation::None)
                }
                Op::Prepend { weight } => {
                    wanted.push((weight.clone(), vec![c]));
                    continue;
                }
                Op::Add { activation: Activation::Prelu(slopes) } => {
                    wanted.push((slopes.clone(), vec![c]));
                    continue;
                }
                _ => continue,
            };
            wanted.push((weight.clone(), shape));
            wanted.extend(bias.iter().map(|name| (name.clone(), vec![out[3]])));
            if let Activation::Prelu(slopes) = activation {
                wanted.push((slopes.clone(), vec![out[3]]));
            }
        }
        Ok(wanted)
    }
}

/// The shape that an operation makes, or none where it cannot take these operands.
fn shape_after(op: &Op, operands: &[Shape]) -> Option<Shape> {
    let (&first, rest) = operands.split_first()?;
    let [n, h, w, c] = first;
    let alone = rest.is_empty();
    match op {
        Op::Input => None,
        Op::Affine { .. } => alone.then_some(first),
        Op::Conv(conv) => {
            let divides = conv.groups > 0 && c % conv.groups == 0 && conv.out_channels % conv.groups == 0;
            let high = window(h + conv.pad.top + conv.pad.bottom, conv.kernel.0, conv.stride.0)?;
            let wide = window(w + conv.pad.left + conv.pad.right, conv.kernel.1, conv.stride.1)?;
            (alone && divides).then_some([n, high, wide, conv.out_channels])
        }
        Op::Add { .. } => (rest == [first]).then_some(first),
        Op::Scale => (rest == [[n, 1, 1, c]]).then_some(first),
        Op::MaxPool { kernel, pad, .. } if [pad.top, pad.bottom, pad.left, pad.right].iter().max() >= Some(kernel) => {
            None
        }
        Op::MaxPool { kernel, stride, pad } => {
            let (h, w) = (h + pad.top + pad.bottom, w + pad.left + pad.right);
            alone.then_some([n, window(h, *kernel, *stride)?, window(w, *kernel, *stride)?, c])
        }
        Op::AveragePool { kernel: (kh, kw) } => alone.then_some([n, window(h, *kh, *kh)?, window(w, *kw, *kw)?, c]),
        Op::GlobalAverage => alone.then_some([n, 1, 1, c]),
        Op::Upsample { factor } => (alone && *factor > 0).then_some([n, h * factor, w * factor, c]),
        Op::Concat => {
            let same = rest.iter().all(|other| other[..3] == first[..3]);
            same.then_some([n, h, w, operands.iter().map(|s| s[3]).sum()])
        }
        Op::Turn => alone.then_some([n, h, c, w]),
        Op::Prepend { .. } => alone.then_some([n, h, w + 1, c]),
        Op::First => (alone && w > 0).then_some([n, h, 1, c]),
        Op::ExtraChannels { to } => (alone && *to >= c).then_some([n, h, w, *to]),
        Op::Spread { out_channels, .. } => alone.then_some([n, 2 * h, 2 * w, *out_channels]),
        Op::LayerNorm { .. } | Op::Softmax => alone.then_some(first),
        Op::Attention { heads } => {
            let divides = *heads > 0 && c.is_multiple_of(3 * heads);
            (alone && divides).then_some([n, h, w, c / 3])
        }
        Op::Linear { outputs, .. } => alone.then_some([n, 1, 1, *outputs]),
    }
}

/// How many windows fit, or none where not even one does.
fn window(side: usize, kernel: usize, stride: usize) -> Option<usize> {
    Some(side.checked_sub(kernel)?.checked_div(stride)? + 1)
}
