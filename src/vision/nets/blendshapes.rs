//! The blendshapes of MediaPipe's face landmarker (Google, 2023): 52 movements of a face from 146 points of its mesh, by
//! the blocks of I. Tolstikhin et al., "MLP-Mixer: An all-MLP Architecture for Vision", 2021.
//!
//! Input `[n, 1, 2, 146]`: x of every point and then y of every point, their mean taken out and divided by the mean
//! distance from it, in the order of the published subset of the mesh. Output `[n, 1, 1, 52]`: 0–1 each.

use super::NetError;
use super::builder::Builder;
use super::graph::{Activation, Conv, Graph, Op, Side, Value};

/// Points of the mesh that the network looks at.
pub const POINTS: usize = 146;

/// Movements that it tells.
pub const SHAPES: usize = 52;

/// What the points become: tokens, of this many numbers each.
const TOKENS: usize = 96;
const WIDTH: usize = 64;

/// Numbers between the two layers that mix tokens, and between the two that mix within a token.
const BETWEEN_TOKENS: usize = 384;
const BETWEEN_CHANNELS: usize = 256;

const BLOCKS: usize = 4;

/// 1e-6 as a half, which is how the published file holds it.
const EPSILON: f32 = 1.013_279e-6;

pub fn describe() -> Result<Graph, NetError> {
    let (mut net, points) = Builder::new("blendshapes", (Side::Exactly(1), Side::Exactly(2)), POINTS);
    let x = net.conv(points, Conv::pointwise("points", TOKENS));
    let x = net.push(Op::Turn, &[x]);
    let x = net.conv(x, Conv::pointwise("embed", WIDTH));
    // What the network concludes gathers in one more token, the first.
    let mut x = net.push(Op::Prepend { weight: "token".into() }, &[x]);
    for block in 0..BLOCKS {
        x = mix(&mut net, x, &format!("blocks.{block}"));
    }
    let first = net.push(Op::First, &[x]);
    let shapes = net.conv(first, Conv::pointwise("head", SHAPES).activate(Activation::Sigmoid));
    net.build(vec![shapes])
}

/// Mixes among the tokens, then within each.
fn mix(net: &mut Builder, x: Value, name: &str) -> Value {
    let y = net.layer_norm(x, &format!("{name}.norm1"), EPSILON);
    let y = net.push(Op::Turn, &[y]);
    let y = perceive(net, y, &format!("{name}.tokens"), BETWEEN_TOKENS, TOKENS + 1);
    let y = net.push(Op::Turn, &[y]);
    let x = net.add(x, y);
    let y = net.layer_norm(x, &format!("{name}.norm2"), EPSILON);
    let y = perceive(net, y, &format!("{name}.channels"), BETWEEN_CHANNELS, WIDTH);
    net.add(x, y)
}

fn perceive(net: &mut Builder, x: Value, name: &str, between: usize, out: usize) -> Value {
    let x = net.conv(x, Conv::pointwise(&format!("{name}1"), between).activate(Activation::Relu));
    net.conv(x, Conv::pointwise(&format!("{name}2"), out))
}
