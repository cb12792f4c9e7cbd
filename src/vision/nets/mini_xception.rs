//! mini_XCEPTION, seven expressions of a face: O. Arriaga, M. Valdenegro-Toro, P. Plöger, "Real-time Convolutional Neural
//! Networks for Emotion and Gender Classification", 2017, as trained on FER2013.
//!
//! Input grey, (value / 255 − 0.5) · 2, 64 by 64. Output `[n, 1, 1, 7]`: how probably the face is angry, disgusted,
//! fearful, happy, sad, surprised, neutral.

use super::NetError;
use super::builder::Builder;
use super::graph::{Activation, Conv, Graph, Op, Pad, Side, Value};

/// Side of the input.
pub const SIDE: usize = 64;

/// Expressions, in the order of the output.
pub const EXPRESSIONS: [&str; 7] = ["angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral"];

pub fn describe() -> Result<Graph, NetError> {
    let (mut net, image) = Builder::new("mini_XCEPTION", (Side::Exactly(SIDE), Side::Exactly(SIDE)), 1);
    let bare = |name: &str, out| Conv { pad: Pad::NONE, ..Conv::square(name, out, 3) }.activate(Activation::Relu);
    let x = net.conv(image, bare("stem1", 32).stride(2));
    let x = net.conv(x, bare("stem2", 64));
    let (pooled, side) = halve(&mut net, (x, x), 0, 64, 128);
    let raw = net.add(pooled, side);
    let positive = net.add_then(pooled, side, Activation::Relu);
    let (pooled, side) = halve(&mut net, (raw, positive), 1, 128, 256);
    let x = net.add(pooled, side);
    let x = net.conv(x, Conv::square("head", EXPRESSIONS.len(), 3));
    let x = net.push(Op::GlobalAverage, &[x]);
    let expressions = net.push(Op::Softmax, &[x]);
    net.build(vec![expressions])
}

/// Half the size: two separable convolutions of `positive` and the largest of each nine of what they make; beside them,
/// every other pixel of `raw`, widened. The caller adds the two.
fn halve(net: &mut Builder, (raw, positive): (Value, Value), block: usize, from: usize, to: usize) -> (Value, Value) {
    let name = |part: &str| format!("blocks.{block}.{part}");
    let side = net.conv(raw, Conv::pointwise(&name("side"), to).stride(2));
    let around = |part: &str, channels| Conv { bias: None, ..Conv::depthwise(&name(part), channels, 3) };
    let x = net.conv(positive, around("separable1.dw", from));
    let x = net.conv(x, Conv::pointwise(&name("separable1.pw"), to).activate(Activation::Relu));
    let x = net.conv(x, around("separable2.dw", to));
    let x = net.conv(x, Conv::pointwise(&name("separable2.pw"), to));
    (net.push(Op::MaxPool { kernel: 3, stride: 2, pad: Pad::all(1) }, &[x]), side)
}
