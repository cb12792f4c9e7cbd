//! PP-OCRv6 small text recogniser (PaddlePaddle, 2025): the shared trunk on a line of text, then two blocks of the
//! transformer in Y. Du et al., "SVTR: Scene Text Recognition with a Single Visual Model", 2022, and a CTC head.
//!
//! Input BGR, (value / 255 − 0.5) / 0.5, 48 high, any width that is a multiple of 8. Output `[n, 1, width / 8, classes]`:
//! the probability of each class at each step, class 0 being CTC's blank.

use super::NetError;
use super::builder::Builder;
use super::graph::{Activation, Conv, Graph, Op, Pad, Side, Value};
use super::ppocr::{Block, block, down, trunk};

/// Height of the line.
pub const HEIGHT: usize = 48;

/// Blank, and every Latin letter, digit and mark of the published alphabet.
pub const LATIN_CLASSES: usize = 533;

const STAGES: [&[Block]; 4] = [
    &[block(96, true)],
    &[block(96, false), block(96, false)],
    &[
        down(192, (2, 1)),
        block(192, true),
        block(192, false),
        block(192, true),
        block(192, false),
        block(192, true),
        block(192, false),
    ],
    &[down(384, (2, 1)), block(384, true), block(384, false)],
];

/// Numbers per step within the transformer, and its heads.
const WIDTH: usize = 120;
const HEADS: usize = 8;

pub fn describe() -> Result<Graph, NetError> {
    let (mut net, image) = Builder::new("PP-OCRv6 recogniser", (Side::Exactly(HEIGHT), Side::MultipleOf(8)), 3);
    let ends = trunk(&mut net, image, 48, &STAGES);
    let last = *ends.last().ok_or_else(|| NetError::Graph("PP-OCRv6 recogniser: no stages".into()))?;
    // Three rows are left of the line; every step is the average of three by two.
    let x = net.push(Op::AveragePool { kernel: (3, 2) }, &[last]);
    let conv = |i: usize| Conv::pointwise(&format!("head.encoder.conv_block.{i}"), WIDTH).activate(Activation::Silu);
    let skipped = net.conv(x, conv(0));
    let x = net.conv(x, conv(1));
    let pad = Pad { top: 0, bottom: 0, left: 3, right: 3 };
    let near = net.conv(x, Conv { kernel: (1, 7), pad, groups: WIDTH, ..conv(2) });
    let mut x = net.add(x, near);
    for block in 0..2 {
        x = transform(&mut net, x, &format!("head.encoder.svtr_block.{block}"));
    }
    let x = net.layer_norm(x, "head.encoder.norm", 1e-6);
    let x = net.add(x, skipped);
    let x = net.conv(x, Conv::pointwise("head.head", LATIN_CLASSES));
    let probabilities = net.push(Op::Softmax, &[x]);
    net.build(vec![probabilities])
}

fn transform(net: &mut Builder, x: Value, name: &str) -> Value {
    let y = net.layer_norm(x, &format!("{name}.layer_norm1"), 1e-6);
    let y = net.conv(y, Conv::pointwise(&format!("{name}.self_attn.qkv"), 3 * WIDTH));
    let y = net.push(Op::Attention { heads: HEADS }, &[y]);
    let y = net.conv(y, Conv::pointwise(&format!("{name}.self_attn.projection"), WIDTH));
    let x = net.add(x, y);
    let y = net.layer_norm(x, &format!("{name}.layer_norm2"), 1e-6);
    let y = net.conv(y, Conv::pointwise(&format!("{name}.mlp.fc1"), 2 * WIDTH).activate(Activation::Silu));
    let y = net.conv(y, Conv::pointwise(&format!("{name}.mlp.fc2"), WIDTH));
    net.add(x, y)
}
