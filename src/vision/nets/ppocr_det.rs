//! PP-OCRv6 small text detector (PaddlePaddle, 2025): the shared trunk, a feature pyramid with large windows, and a head
//! that gives each pixel's probability of text (as in M. Liao et al., "Real-time Scene Text Detection with
//! Differentiable Binarization", 2020, of which only the probability is needed here).
//!
//! Input BGR, ImageNet mean and deviation taken out, sides multiples of 32. Output one map of the input's size, 0–1.

use super::NetError;
use super::builder::Builder;
use super::graph::{Activation, Conv, Graph, Side, Value};
use super::ppocr::{Block, block, down, trunk};

const STAGES: [&[Block]; 4] = [
    &[block(48, true), block(48, false)],
    &[down(96, (2, 2)), block(96, true), block(96, false)],
    &[down(192, (2, 2)), block(192, true), block(192, false), block(192, true), block(192, false)],
    &[down(384, (2, 2)), block(384, true), block(384, false)],
];

/// Channels of the pyramid, and of what each of its four levels hands to the head.
const PYRAMID: usize = 96;
const HANDED: usize = 24;

pub fn describe() -> Result<Graph, NetError> {
    let (mut net, image) = Builder::new("PP-OCRv6 detector", (Side::MultipleOf(32), Side::MultipleOf(32)), 3);
    let mut levels: Vec<Value> = Vec::new();
    for (level, map) in trunk(&mut net, image, 24, &STAGES).into_iter().enumerate() {
        let name = format!("neck.insert_conv.{level}");
        let x = net.conv(map, Conv { bias: None, ..Conv::pointwise(&format!("{name}.in_conv"), PYRAMID) });
        levels.push(emphasise(&mut net, x, &format!("{name}.squeeze_excitation_block"), PYRAMID));
    }
    // From coarse to fine, each level learns what the coarser one saw.
    let mut coarser: Option<Value> = None;
    let mut handed: Vec<Value> = Vec::new();
    for (level, own) in levels.into_iter().enumerate().rev() {
        let x = match coarser {
            Some(coarser) => {
                let large = net.upsample(coarser, 2);
                net.add(own, large)
            }
            None => own,
        };
        coarser = Some(x);
        let name = format!("neck.input_conv.{level}");
        let around = Conv::depthwise(&format!("{name}.depthwise_convolution"), PYRAMID, 7);
        let x = net.conv(x, around);
        let x = net.conv(x, Conv { bias: None, ..Conv::pointwise(&format!("{name}.pointwise_convolution"), HANDED) });
        let x = emphasise(&mut net, x, &format!("{name}.squeeze_excitation_module"), HANDED);
        handed.push(if level == 0 { x } else { net.upsample(x, 1 << level) });
    }
    let x = net.concat(&handed);
    let x = net.conv(x, Conv::square("head.conv_down", HANDED, 3).activate(Activation::Relu));
    let x = net.spread(x, "head.conv_up", HANDED, Activation::Relu);
    let probability = net.spread(x, "head.conv_final", 1, Activation::Sigmoid);
    net.build(vec![probability])
}

/// A map plus itself, weighed by channel: `x · (1 + gate)`.
fn emphasise(net: &mut Builder, x: Value, name: &str, channels: usize) -> Value {
    let hidden = Conv::pointwise(&format!("{name}.conv1"), channels / 4).activate(Activation::Relu);
    let gate = Conv::pointwise(&format!("{name}.conv2"), channels);
    let gate = net.squeeze(x, hidden, gate.activate(Activation::HardSigmoid { slope: 0.2 }));
    let more = net.affine(gate, 1.0, 1.0);
    net.scale(x, more)
}
