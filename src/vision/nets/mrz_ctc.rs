//! A reader of machine-readable lines of our own (models/train/mrz): convolutions down to one row, then three blocks that
//! look along it, and a CTC head (A. Graves et al., "Connectionist Temporal Classification", 2006). 0.27 M parameters.
//!
//! Input grey 0–255, 32 high, any width that is a multiple of 4. Output `[n, 1, width / 4, 38]`: the probability of each
//! class at each step. Class 0 is CTC's blank; then `0` to `9`, `A` to `Z`, `<`.

use super::NetError;
use super::builder::Builder;
use super::graph::{Activation, Conv, Graph, Op, Pad, Side};

/// Height of the line.
pub const HEIGHT: usize = 32;

/// Pixels of the line per step of the output.
pub const STEP: usize = 4;

/// Blank and 37 symbols.
pub const CLASSES: usize = 38;

/// Channels where only one row is left.
const WIDE: usize = 128;

pub fn describe() -> Result<Graph, NetError> {
    let (mut net, image) = Builder::new("MRZ reader", (Side::Exactly(HEIGHT), Side::MultipleOf(STEP)), 1);
    let relu = |conv: Conv| conv.activate(Activation::Relu);
    let lower = |name, channels| Conv { stride: (2, 1), ..Conv::square(name, channels, 3) };
    let x = net.affine(image, 1.0 / 127.5, -1.0);
    let x = net.conv(x, relu(Conv::square("stem", 16, 5).stride(2)));
    let x = net.conv(x, relu(Conv::square("down", 32, 3).stride(2)));
    let x = net.conv(x, relu(Conv::square("look1", 48, 3)));
    let x = net.conv(x, relu(lower("lower1", 64)));
    let y = net.conv(x, Conv::square("look2", 64, 3));
    let x = net.add_then(x, y, Activation::Relu);
    let x = net.conv(x, relu(lower("lower2", 96)));
    let pad = Pad { top: 0, bottom: 0, left: 1, right: 1 };
    let mut x = net.conv(x, relu(Conv { kernel: (2, 3), pad, ..Conv::pointwise("flatten", WIDE) }));
    for block in 0..3 {
        let pad = Pad { top: 0, bottom: 0, left: 4, right: 4 };
        let along = Conv { kernel: (1, 9), pad, groups: WIDE, ..Conv::pointwise(&format!("along.{block}"), WIDE) };
        let y = net.conv(x, relu(along));
        let y = net.conv(y, Conv::pointwise(&format!("across.{block}"), WIDE));
        x = net.add_then(x, y, Activation::Relu);
    }
    let x = net.conv(x, Conv::pointwise("head", CLASSES));
    let probabilities = net.push(Op::Softmax, &[x]);
    net.build(vec![probabilities])
}
