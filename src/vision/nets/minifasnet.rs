//! MiniFASNet-V2, the passive anti-spoof classifier of Minivision's Silent-Face-Anti-Spoofing (2020), in its pruned
//! form for faces enlarged 2.7 times.
//!
//! Input BGR 0–255, 80 by 80. Output `[n, 3]`: logits of printed, real, shown on a screen.

use super::NetError;
use super::builder::Builder;
use super::graph::{Activation, Conv, Graph, Op, Pad, Side, Value};

/// Side of the input.
pub const SIDE: usize = 80;

/// Stride, expanded width and output width of every block; pruning left the odd widths.
const BLOCKS: [(usize, usize, usize); 15] = [
    (2, 103, 64),
    (1, 13, 64),
    (1, 13, 64),
    (1, 13, 64),
    (1, 13, 64),
    (2, 231, 128),
    (1, 231, 128),
    (1, 52, 128),
    (1, 26, 128),
    (1, 77, 128),
    (1, 26, 128),
    (1, 26, 128),
    (2, 308, 128),
    (1, 26, 128),
    (1, 26, 128),
];

pub fn describe() -> Result<Graph, NetError> {
    let (mut net, image) = Builder::new("MiniFASNet-V2", (Side::Exactly(SIDE), Side::Exactly(SIDE)), 3);
    let x = net.conv(image, leaky(0, Conv::square(&name(0), 32, 3).stride(2)));
    let mut x = net.conv(x, leaky(1, Conv::depthwise(&name(1), 32, 3)));
    for (block, sizes) in BLOCKS.into_iter().enumerate() {
        x = self::block(&mut net, x, 2 + 3 * block, sizes);
    }
    let x = net.conv(x, leaky(47, Conv::pointwise(&name(47), 512)));
    let x = net.conv(x, Conv { pad: Pad::NONE, ..Conv::depthwise(&name(48), 512, 5) });
    let x = net.linear(x, "fc1", 128);
    let last = Op::Linear { weight: "fc2.weight".into(), bias: None, outputs: 3, activation: Activation::None };
    let logits = net.push(last, &[x]);
    net.build(vec![logits])
}

/// Expand, look around, project; blocks that keep the size add what came in.
fn block(net: &mut Builder, x: Value, first: usize, (stride, inner, out): (usize, usize, usize)) -> Value {
    let wide = net.conv(x, leaky(first, Conv::pointwise(&name(first), inner)));
    let around = leaky(first + 1, Conv::depthwise(&name(first + 1), inner, 3).stride(stride));
    let around = net.conv(wide, around);
    let narrow = net.conv(around, Conv::pointwise(&name(first + 2), out));
    if stride == 1 { net.add(x, narrow) } else { narrow }
}

fn name(layer: usize) -> String {
    format!("conv.{layer}")
}

fn leaky(layer: usize, conv: Conv) -> Conv {
    conv.activate(Activation::Prelu(format!("prelu.{layer}.weight")))
}
