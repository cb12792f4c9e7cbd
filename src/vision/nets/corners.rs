//! The net that finds a document in a photo, trained by `models/train/corners.py`: an encoder of plain 3 × 3 layers and a
//! decoder that joins what each size saw (as in T.-Y. Lin et al., "Feature Pyramid Networks for Object Detection", 2017).
//!
//! Input RGB −1 to 1, the whole photo brought to 256 by 192 or 192 by 256 whatever its proportions. Output one map at a
//! quarter of the size: channel 0 how much of a cell the document covers, channel 1 a bell around each corner, both 0–1.

use super::NetError;
use super::builder::Builder;
use super::graph::{Activation, Conv, Graph, Side, Value};

/// Sides of the input; the longer lies along the photo's longer side.
pub const LONG: usize = 256;
pub const SHORT: usize = 192;

/// Pixels of the input per cell of the output.
pub const STRIDE: usize = 4;

pub fn describe() -> Result<Graph, NetError> {
    let (mut net, image) = Builder::new("corner net", (Side::MultipleOf(32), Side::MultipleOf(32)), 3);
    let x = down(&mut net, image, "stem", 16);
    let at_4 = down(&mut net, x, "down1", 32);
    let x = down(&mut net, at_4, "down2", 64);
    let at_8 = keep(&mut net, x, "keep2", 64);
    let x = down(&mut net, at_8, "down3", 96);
    let at_16 = keep(&mut net, x, "keep3", 96);
    let x = down(&mut net, at_16, "down4", 96);
    let x = keep(&mut net, x, "keep4", 96);
    let at_32 = keep(&mut net, x, "wide4", 96);

    let x = side(&mut net, at_32, "side4", 48);
    let x = join(&mut net, x, at_16, ("side3", 48), ("join3", 48));
    let x = join(&mut net, x, at_8, ("side2", 48), ("join2", 32));
    let x = join(&mut net, x, at_4, ("side1", 32), ("join1", 32));
    let maps = net.conv(x, Conv::pointwise("head", 2).activate(Activation::Sigmoid));
    net.build(vec![maps])
}

fn down(net: &mut Builder, x: Value, name: &str, out: usize) -> Value {
    net.conv(x, Conv::square(name, out, 3).stride(2).activate(Activation::Relu))
}

/// A layer with a shortcut around it.
fn keep(net: &mut Builder, x: Value, name: &str, channels: usize) -> Value {
    let more = net.conv(x, Conv::square(name, channels, 3));
    net.add_then(x, more, Activation::Relu)
}

fn side(net: &mut Builder, x: Value, name: &str, out: usize) -> Value {
    net.conv(x, Conv::pointwise(name, out).activate(Activation::Relu))
}

/// The coarser map enlarged, plus the finer one.
fn join(net: &mut Builder, coarse: Value, fine: Value, beside: (&str, usize), after: (&str, usize)) -> Value {
    let large = net.upsample(coarse, 2);
    let fine = side(net, fine, beside.0, beside.1);
    let sum = net.add(large, fine);
    net.conv(sum, Conv::square(after.0, after.1, 3).activate(Activation::Relu))
}
