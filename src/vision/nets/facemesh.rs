//! The face mesh with irises of MediaPipe's face landmarker (Google, 2023), 478 points; its building block is that of
//! V. Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", 2019.
//!
//! Input RGB 0–1, 256 by 256. Outputs: 1,434 numbers (x, y, z of each point, in pixels of the input), the logit of a
//! face being there, and one score that is 0–1 already. Tensors are named after the operation's number in the
//! published graph, which this description therefore counts.

use super::NetError;
use super::builder::Builder;
use super::graph::{Activation, Conv, Graph, Op, Pad, Side, Value};

/// Side of the input.
pub const SIDE: usize = 256;

/// Points of the mesh, of three numbers each.
pub const POINTS: usize = 478;

/// Channels of each stage; from one to the next the resolution halves.
const STAGES: [usize; 7] = [16, 32, 64, 128, 128, 128, 128];

/// Blocks of each stage, not counting the one that comes down to its resolution.
const BLOCKS: usize = 4;

pub fn describe() -> Result<Graph, NetError> {
    let (net, image) = Builder::new("face mesh", (Side::Exactly(SIDE), Side::Exactly(SIDE)), 3);
    let mut mesh = Mesh { net, operation: 0 };
    // The publisher's "same" padding of an even side puts the odd row and column after the map.
    let lopsided = Pad { top: 0, bottom: 1, left: 0, right: 1 };
    let stem = mesh.named(Conv { kernel: (3, 3), pad: lopsided, ..Conv::pointwise("", 16) }.stride(2), Leak::Next);
    let mut x = mesh.net.conv(image, stem);
    let mut before = None;
    for channels in STAGES {
        if let Some(before) = before {
            x = mesh.down(x, before, channels);
        }
        before = Some(channels);
        for _ in 0..BLOCKS {
            x = mesh.block(x, channels);
        }
    }
    let mut outputs = Vec::new();
    for (outputs_here, activation) in [(1, Activation::Sigmoid), (1, Activation::None), (3 * POINTS, Activation::None)]
    {
        let head = mesh.named(Conv { kernel: (2, 2), ..Conv::pointwise("", outputs_here) }, Leak::No);
        outputs.push(mesh.net.conv(x, head.activate(activation)));
    }
    outputs.reverse();
    mesh.net.build(outputs)
}

struct Mesh {
    net: Builder,
    /// The number that the next operation has in the published graph.
    operation: usize,
}

enum Leak {
    No,
    /// By the operation that comes next.
    Next,
}

impl Mesh {
    fn number(&mut self) -> usize {
        self.operation += 1;
        self.operation - 1
    }

    fn named(&mut self, conv: Conv, leak: Leak) -> Conv {
        let number = self.number();
        let activation = match leak {
            Leak::No => Activation::None,
            Leak::Next => self.leak(),
        };
        let (weight, bias) = (format!("op{number}.weight"), Some(format!("op{number}.bias")));
        Conv { weight, bias, activation, ..conv }
    }

    fn leak(&mut self) -> Activation {
        Activation::Prelu(format!("op{}.slope", self.number()))
    }

    /// Narrow to half the channels, look around, widen, and add.
    fn block(&mut self, x: Value, channels: usize) -> Value {
        let narrow = self.named(Conv::pointwise("", channels / 2), Leak::Next);
        let inner = self.net.conv(x, narrow);
        self.widen(inner, x, channels)
    }

    /// The same at half the resolution: narrowed by twos, beside the largest of each four.
    fn down(&mut self, x: Value, before: usize, channels: usize) -> Value {
        let number = self.number();
        let mut beside = self.net.max_pool(x, 2, 2);
        self.number();
        if before < channels {
            beside = self.net.push(Op::ExtraChannels { to: channels }, &[beside]);
            self.number();
        }
        let narrow = Conv { kernel: (2, 2), ..Conv::pointwise(&format!("op{number}"), channels / 2) };
        let leak = self.leak();
        let inner = self.net.conv(x, narrow.stride(2).activate(leak));
        self.widen(inner, beside, channels)
    }

    fn widen(&mut self, inner: Value, beside: Value, channels: usize) -> Value {
        let around = self.named(Conv::depthwise("", channels / 2, 3), Leak::No);
        let inner = self.net.conv(inner, around);
        let wide = self.named(Conv::pointwise("", channels), Leak::No);
        let wide = self.net.conv(inner, wide);
        self.number();
        let leak = self.leak();
        self.net.add_then(beside, wide, leak)
    }
}
