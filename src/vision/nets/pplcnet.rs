//! PP-LCNet x1.0: C. Cui et al., "PP-LCNet: A Lightweight CPU Convolutional Neural Network", 2021; here with the head
//! that PaddlePaddle trained to tell how a document lies.
//!
//! Input RGB 0–1, ImageNet mean and deviation taken out, 224 by 224 from the centre. Output `[n, 1, 1, 4]`: how probably
//! the document is turned by 0, 90, 180 and 270 degrees clockwise.

use super::NetError;
use super::builder::Builder;
use super::graph::{Activation, Conv, Graph, Op, Side};

/// Side of the input.
pub const SIDE: usize = 224;

/// Turns that the network tells apart, a quarter each.
pub const TURNS: usize = 4;

struct Block {
    kernel: usize,
    stride: usize,
    channels: usize,
    squeezes: bool,
}

const fn block(kernel: usize, stride: usize, channels: usize) -> Block {
    Block { kernel, stride, channels, squeezes: false }
}

/// The depthwise convolution of each block, and the channels after its pointwise one.
const BLOCKS: [Block; 13] = [
    block(3, 1, 32),
    block(3, 2, 64),
    block(3, 1, 64),
    block(3, 2, 128),
    block(3, 1, 128),
    block(3, 2, 256),
    block(5, 1, 256),
    block(5, 1, 256),
    block(5, 1, 256),
    block(5, 1, 256),
    block(5, 1, 256),
    Block { squeezes: true, ..block(5, 2, 512) },
    Block { squeezes: true, ..block(5, 1, 512) },
];

pub fn describe() -> Result<Graph, NetError> {
    let (mut net, image) = Builder::new("PP-LCNet", (Side::Exactly(SIDE), Side::Exactly(SIDE)), 3);
    let swish = |conv: Conv| conv.activate(Activation::HardSwish);
    let mut channels = 16;
    let mut x = net.conv(image, swish(Conv::square("stem", channels, 3).stride(2)));
    for (index, block) in BLOCKS.iter().enumerate() {
        let name = format!("blocks.{index}");
        let around = Conv::depthwise(&format!("{name}.dw"), channels, block.kernel).stride(block.stride);
        x = net.conv(x, swish(around));
        if block.squeezes {
            let hidden = Conv::pointwise(&format!("{name}.squeeze1"), channels / 4).activate(Activation::Relu);
            let gate = Conv::pointwise(&format!("{name}.squeeze2"), channels);
            // The published file has these five digits of a sixth.
            let gate = net.squeeze(x, hidden, gate.activate(Activation::HardSigmoid { slope: 0.16667 }));
            x = net.scale(x, gate);
        }
        x = net.conv(x, swish(Conv::pointwise(&format!("{name}.pw"), block.channels)));
        channels = block.channels;
    }
    let x = net.push(Op::GlobalAverage, &[x]);
    let x = net.conv(x, swish(Conv { bias: None, ..Conv::pointwise("last", 1280) }));
    let x = net.conv(x, Conv::pointwise("head", TURNS));
    let turns = net.push(Op::Softmax, &[x]);
    net.build(vec![turns])
}
