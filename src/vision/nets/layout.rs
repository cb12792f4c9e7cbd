//! The net that tells an identity document by its layout, trained by `models/train/layout.py`: plain 3 × 3 layers, then one
//! that looks at the whole, so that where things stand counts.
//!
//! Input RGB −1 to 1, a document laid flat and brought to 192 by 128 whatever its proportions. Output `[n, 1, 1, 6]`: the
//! probability that it is none of the known sides upright, then of each.

use super::NetError;
use super::builder::Builder;
use super::graph::{Activation, Conv, Graph, Op, Pad, Side, Value};

pub const WIDE: usize = 192;
pub const HIGH: usize = 128;

/// Nothing known, and five sides.
pub const CLASSES: usize = 6;

pub fn describe() -> Result<Graph, NetError> {
    let (mut net, image) = Builder::new("layout net", (Side::Exactly(HIGH), Side::Exactly(WIDE)), 3);
    let x = down(&mut net, image, "stem", 16);
    let x = down(&mut net, x, "down1", 32);
    let x = down(&mut net, x, "down2", 64);
    let x = keep(&mut net, x, "keep2", 64);
    let x = down(&mut net, x, "down3", 96);
    let x = keep(&mut net, x, "keep3", 96);
    let x = down(&mut net, x, "down4", 64);
    let whole = Conv { kernel: (HIGH / 32, WIDE / 32), pad: Pad::NONE, ..Conv::pointwise("whole", 96) };
    let x = net.conv(x, whole.activate(Activation::Relu));
    let x = net.conv(x, Conv::pointwise("head", CLASSES));
    let chances = net.push(Op::Softmax, &[x]);
    net.build(vec![chances])
}

fn down(net: &mut Builder, x: Value, name: &str, out: usize) -> Value {
    net.conv(x, Conv::square(name, out, 3).stride(2).activate(Activation::Relu))
}

/// A layer with a shortcut around it.
fn keep(net: &mut Builder, x: Value, name: &str, channels: usize) -> Value {
    let more = net.conv(x, Conv::square(name, channels, 3));
    net.add_then(x, more, Activation::Relu)
}
