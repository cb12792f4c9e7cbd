//! SFace, the face embedder: Y. Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face
//! Recognition", 2021; the MobileFaceNet-like trunk of the OpenCV zoo's release.
//!
//! Input RGB 0–255, 112 by 112, aligned. Output `[n, 128]`, not normalised: its norm tells the photo's quality.

use super::NetError;
use super::builder::Builder;
use super::graph::{Activation, Conv, Graph, Side};

/// Length of an embedding.
pub const EMBEDDING: usize = 128;

/// Side of the aligned crop.
pub const SIDE: usize = 112;

/// Stride of the depthwise and width of the pointwise convolution of each pair.
const PAIRS: [(usize, usize); 13] = [
    (1, 64),
    (2, 128),
    (1, 128),
    (2, 256),
    (1, 256),
    (2, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (1, 512),
    (2, 1024),
    (1, 1024),
];

pub fn describe() -> Result<Graph, NetError> {
    let prelu = |i: usize| Activation::Prelu(format!("prelu.{i}.weight"));
    let (mut net, image) = Builder::new("SFace", (Side::Exactly(SIDE), Side::Exactly(SIDE)), 3);
    let x = net.affine(image, 1.0 / 128.0, -127.5 / 128.0);
    let mut channels = 32;
    let mut x = net.conv(x, Conv::square("conv.0", channels, 3).activate(prelu(0)));
    for (pair, (stride, out)) in PAIRS.into_iter().enumerate() {
        let (dw, pw) = (2 * pair + 1, 2 * pair + 2);
        let depthwise = Conv::depthwise(&format!("conv.{dw}"), channels, 3).stride(stride);
        x = net.conv(x, depthwise.activate(prelu(dw)));
        x = net.conv(x, Conv::pointwise(&format!("conv.{pw}"), out).activate(prelu(pw)));
        channels = out;
    }
    let embedding = net.linear(x, "fc", EMBEDDING);
    net.build(vec![embedding])
}
