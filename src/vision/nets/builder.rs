//! Writing a network's description down, operation by operation, in the order of execution.

use super::NetError;
use super::graph::{Activation, Conv, Graph, Node, Op, Pad, Side, Value};

/// Builds a graph in the order of execution.
pub struct Builder {
    graph: Graph,
}

impl Builder {
    pub fn new(name: &'static str, (height, width): (Side, Side), input_channels: usize) -> (Builder, Value) {
        let nodes = vec![Node { op: Op::Input, inputs: Vec::new() }];
        (Builder { graph: Graph { name, height, width, input_channels, nodes, outputs: Vec::new() } }, Value(0))
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
        self.add_then(a, b, Activation::None)
    }

    pub fn add_then(&mut self, a: Value, b: Value, activation: Activation) -> Value {
        self.push(Op::Add { activation }, &[a, b])
    }

    /// Windows wholly inside the map.
    pub fn max_pool(&mut self, x: Value, kernel: usize, stride: usize) -> Value {
        self.push(Op::MaxPool { kernel, stride, pad: Pad::NONE }, &[x])
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

    /// Weighs channels by what they are on average over the map: a hidden layer of `hidden`, then one of `gate`.
    pub fn squeeze(&mut self, x: Value, hidden: Conv, gate: Conv) -> Value {
        let mean = self.push(Op::GlobalAverage, &[x]);
        let hidden = self.conv(mean, hidden);
        self.conv(hidden, gate)
    }

    pub fn scale(&mut self, x: Value, by: Value) -> Value {
        self.push(Op::Scale, &[x, by])
    }

    /// With the tensors `{name}.weight` and `{name}.bias`.
    pub fn layer_norm(&mut self, x: Value, name: &str, epsilon: f32) -> Value {
        let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
        self.push(Op::LayerNorm { weight, bias, epsilon }, &[x])
    }

    /// With the tensors `{name}.weight` and `{name}.bias`.
    pub fn spread(&mut self, x: Value, name: &str, out_channels: usize, activation: Activation) -> Value {
        let (weight, bias) = (format!("{name}.weight"), Some(format!("{name}.bias")));
        self.push(Op::Spread { weight, bias, out_channels, activation }, &[x])
    }

    /// Checks every shape at the probe size.
    pub fn build(mut self, outputs: Vec<Value>) -> Result<Graph, NetError> {
        self.graph.outputs = outputs;
        // Channels that come from columns have trained weights for one number of them.
        let turns = self.graph.nodes.iter().any(|node| node.op == Op::Turn);
        if turns && !matches!(self.graph.width, Side::Exactly(_)) {
            return Err(NetError::Graph(format!("{}: turns maps of any width", self.graph.name)));
        }
        let (height, width) = self.graph.probe_size();
        let shapes = self.graph.shapes(1, height, width)?;
        match self.graph.outputs.iter().find(|v| shapes.get(v.0).is_none()) {
            Some(missing) => Err(NetError::Graph(format!("{}: no node {}", self.graph.name, missing.0))),
            None => Ok(self.graph),
        }
    }
}
