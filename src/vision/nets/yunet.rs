//! YuNet, the face detector: W. Wu, H. Peng, S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023.
//!
//! Input BGR 0–255 without mean or scale, any size whose sides are multiples of 32. Outputs at strides 8, 16, 32, in
//! this order at each: `cls` 1, `obj` 1 (both 0–1), `bbox` 4, `kps` 10 channels. Decoding them is not done here.

use super::NetError;
use super::builder::Builder;
use super::graph::{Activation, Conv, Graph, Side, Value};

/// Pixels of the input per cell of the output maps, finest first.
pub const STRIDES: [usize; 3] = [8, 16, 32];

/// How many output maps each stride has.
pub const MAPS_PER_STRIDE: usize = 4;

pub fn describe() -> Result<Graph, NetError> {
    let (mut net, image) = Builder::new("YuNet", (Side::MultipleOf(32), Side::MultipleOf(32)), 3);
    let x = net.conv(image, Conv::square("stem", 16, 3).stride(2).activate(Activation::Relu));
    let x = unit(&mut net, x, "model0.conv2", 16);
    let x = net.max_pool(x, 2, 2);
    let x = stage(&mut net, x, "model1", 16, 32);
    let x = stage(&mut net, x, "model2", 32, 64);
    let x = net.max_pool(x, 2, 2);
    let at_8 = stage(&mut net, x, "model3", 64, 64);
    let x = net.max_pool(at_8, 2, 2);
    let at_16 = stage(&mut net, x, "model4", 64, 64);
    let x = net.max_pool(at_16, 2, 2);
    let at_32 = stage(&mut net, x, "model5", 64, 64);

    // The neck hands coarse context down to the finer levels.
    let coarse = unit(&mut net, at_32, "neck.lateral2", 64);
    let x = net.upsample(coarse, 2);
    let x = net.add(at_16, x);
    let middle = unit(&mut net, x, "neck.lateral1", 64);
    let x = net.upsample(middle, 2);
    let x = net.add(at_8, x);
    let fine = unit(&mut net, x, "neck.lateral0", 64);

    let mut outputs = Vec::new();
    for (level, features) in [fine, middle, coarse].into_iter().enumerate() {
        for (kind, channels, activation) in [
            ("cls", 1, Activation::Sigmoid),
            ("obj", 1, Activation::Sigmoid),
            ("bbox", 4, Activation::None),
            ("kps", 10, Activation::None),
        ] {
            let name = format!("head.{kind}.{level}");
            outputs.push(separable(&mut net, features, &name, channels, activation));
        }
    }
    net.build(outputs)
}

/// Two units, the second of which may widen.
fn stage(net: &mut Builder, x: Value, name: &str, middle: usize, out: usize) -> Value {
    let x = unit(net, x, &format!("{name}.conv1"), middle);
    unit(net, x, &format!("{name}.conv2"), out)
}

/// The paper's "DWUnit".
fn unit(net: &mut Builder, x: Value, name: &str, out: usize) -> Value {
    separable(net, x, name, out, Activation::Relu)
}

/// Pointwise without activation, then depthwise.
fn separable(net: &mut Builder, x: Value, name: &str, out: usize, activation: Activation) -> Value {
    let x = net.conv(x, Conv::pointwise(&format!("{name}.pw"), out));
    net.conv(x, Conv::depthwise(&format!("{name}.dw"), out, 3).activate(activation))
}
