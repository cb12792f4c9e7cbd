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
    Add,
    /// Square window, stride in both axes, windows wholly inside the map.
    MaxPool {
        kernel: usize,
        stride: usize,
    },
    /// Each pixel becomes a square of `factor` by `factor`.
    Upsample {
        factor: usize,
    },
    /// Along channels.
    Concat,
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

/// Which inputs a network takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputSize {
    Exactly {
        height: usize,
        width: usize,
    },
    /// Any size whose sides are multiples of this.
    MultipleOf(usize),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    pub name: &'static str,
    pub input_size: InputSize,
    pub input_channels: usize,
    pub nodes: Vec<Node>,
    pub outputs: Vec<Value>,
}

impl Graph {
    /// The shape of every value for an input of this batch, height and width.
    pub fn shapes(&self, batch: usize, height: usize, width: usize) -> Result<Vec<Shape>, NetError> {
        let fits = match self.input_size {
            InputSize::Exactly { height: h, width: w } => (height, width) == (h, w),
            InputSize::MultipleOf(m) => height > 0 && width > 0 && height.is_multiple_of(m) && width.is_multiple_of(m),
        };
        if !fits || batch == 0 {
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
        match self.input_size {
            InputSize::Exactly { height, width } => (height, width),
            InputSize::MultipleOf(m) => (m, m),
        }
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
        Op::Add => (rest == [first]).then_some(first),
        Op::MaxPool { kernel, stride } => {
            alone.then_some([n, window(h, *kernel, *stride)?, window(w, *kernel, *stride)?, c])
        }
        Op::Upsample { factor } => (alone && *factor > 0).then_some([n, h * factor, w * factor, c]),
        Op::Concat => {
            let same = rest.iter().all(|other| other[..3] == first[..3]);
            same.then_some([n, h, w, operands.iter().map(|s| s[3]).sum()])
        }
        Op::Linear { outputs, .. } => alone.then_some([n, 1, 1, *outputs]),
    }
}

/// How many windows fit, or none where not even one does.
fn window(side: usize, kernel: usize, stride: usize) -> Option<usize> {
    Some(side.checked_sub(kernel)?.checked_div(stride)? + 1)
}

/// Builds a graph in the order of execution.
pub struct Builder {
    graph: Graph,
}

impl Builder {
    pub fn new(name: &'static str, input_size: InputSize, input_channels: usize) -> (Builder, Value) {
        let nodes = vec![Node { op: Op::Input, inputs: Vec::new() }];
        (Builder { graph: Graph { name, input_size, input_channels, nodes, outputs: Vec::new() } }, Value(0))
    }

    /// Appends any operation.
    pub fn push(&mut self, op: Op, inputs: &[Value]) -> Value {
        self.graph.nodes.push(Node { op, inputs: inputs.to_vec() });
        Value(self.graph.nodes.len() - 1)
    }

    pub fn affine(&mut self, x: Value, scale: f32, shift: f32) -> Value {
        self.push(Op::Affine { scale, shift }, &[x])
    }

    pub fn conv(&mut self, x: Value, conv: Conv) -> Value {
        self.push(Op::Conv(conv), &[x])
    }

    pub fn add(&mut self, a: Value, b: Value) -> Value {
        self.push(Op::Add, &[a, b])
    }

    pub fn max_pool(&mut self, x: Value, kernel: usize, stride: usize) -> Value {
        self.push(Op::MaxPool { kernel, stride }, &[x])
    }

    pub fn upsample(&mut self, x: Value, factor: usize) -> Value {
        self.push(Op::Upsample { factor }, &[x])
    }

    pub fn concat(&mut self, parts: &[Value]) -> Value {
        self.push(Op::Concat, parts)
    }

    /// With the tensors `{name}.weight` and `{name}.bias`.
    pub fn linear(&mut self, x: Value, name: &str, outputs: usize) -> Value {
        let (weight, bias) = (format!("{name}.weight"), Some(format!("{name}.bias")));
        self.push(Op::Linear { weight, bias, outputs, activation: Activation::None }, &[x])
    }

    /// Checks every shape at the probe size.
    pub fn build(mut self, outputs: Vec<Value>) -> Result<Graph, NetError> {
        self.graph.outputs = outputs;
        let (height, width) = self.graph.probe_size();
        let shapes = self.graph.shapes(1, height, width)?;
        match self.graph.outputs.iter().find(|v| shapes.get(v.0).is_none()) {
            Some(missing) => Err(NetError::Graph(format!("{}: no node {}", self.graph.name, missing.0))),
            None => Ok(self.graph),
        }
    }
}
