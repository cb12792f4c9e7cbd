//! The trunk that detector and recogniser of PP-OCRv6 (PaddlePaddle, 2025, "small") share: a stem that brings the image
//! to a quarter of its size, then blocks that mix pixels depthwise and channels pointwise.

use super::builder::Builder;
use super::graph::{Activation, Conv, Op, Pad, Value};

/// What one block does.
#[derive(Clone, Copy)]
pub struct Block {
    pub channels: usize,
    /// Rows, columns.
    pub stride: (usize, usize),
    pub squeezes: bool,
}

/// A block that keeps the size.
pub const fn block(channels: usize, squeezes: bool) -> Block {
    Block { channels, stride: (1, 1), squeezes }
}

/// A block that brings it down.
pub const fn down(channels: usize, stride: (usize, usize)) -> Block {
    Block { channels, stride, squeezes: false }
}

/// `narrow` channels after the first convolution, twice as many at the end. Gives the last map of every stage.
pub fn trunk(net: &mut Builder, image: Value, narrow: usize, stages: &[&[Block]]) -> Vec<Value> {
    let mut x = stem(net, image, narrow);
    let mut channels = 2 * narrow;
    let mut ends = Vec::new();
    for (stage, blocks) in stages.iter().enumerate() {
        for (index, block) in blocks.iter().enumerate() {
            x = mix(net, x, &format!("backbone.blocks.{stage}.blocks.{index}"), channels, *block);
            channels = block.channels;
        }
        ends.push(x);
    }
    ends
}

/// The even windows look right and down only.
const AFTER: Pad = Pad { top: 0, bottom: 1, left: 0, right: 1 };

fn stem(net: &mut Builder, image: Value, narrow: usize) -> Value {
    let conv =
        |name: &str, out, kernel| Conv::square(&format!("backbone.{name}"), out, kernel).activate(Activation::Relu);
    let even = |name: &str, out| Conv { pad: AFTER, ..conv(name, out, 2) };
    let x = net.conv(image, conv("stem1", narrow, 3).stride(2));
    let a = net.conv(x, even("stem2a", narrow / 2));
    let a = net.conv(a, even("stem2b", narrow));
    let b = net.push(Op::MaxPool { kernel: 2, stride: 1, pad: AFTER }, &[x]);
    let x = net.concat(&[b, a]);
    let x = net.conv(x, conv("stem3", narrow, 3).stride(2));
    net.conv(x, conv("stem4", 2 * narrow, 1))
}

fn mix(net: &mut Builder, x: Value, name: &str, channels: usize, block: Block) -> Value {
    let around = Conv { stride: block.stride, ..Conv::depthwise(&format!("{name}.token_conv"), channels, 3) };
    let mut x = net.conv(x, around);
    if block.squeezes {
        let squeeze = format!("{name}.token_squeeze_excitation");
        let hidden = Conv::pointwise(&format!("{squeeze}.fc0"), channels / 4).activate(Activation::Relu);
        let gate = Conv::pointwise(&format!("{squeeze}.fc2"), channels);
        let gate = net.squeeze(x, hidden, gate.activate(Activation::HardSigmoid { slope: 1.0 / 6.0 }));
        x = net.scale(x, gate);
    }
    let wide = Conv::pointwise(&format!("{name}.channel_conv1"), 2 * channels).activate(Activation::Gelu);
    let y = net.conv(x, wide);
    let y = net.conv(y, Conv::pointwise(&format!("{name}.channel_conv2"), block.channels));
    // What is kept beside the channels' mixture has been mixed with its neighbours already.
    if channels == block.channels && block.stride == (1, 1) { net.add(x, y) } else { y }
}
