//! Aligned faces to embeddings: red, green, blue in, 128 numbers of unit length out, and their length before that.

use candle_core::{Device, Tensor};
use image::RgbImage;

use super::align::SIDE;
use crate::domain::evidence::{Embedder, Embedding};
use crate::vision::nets::{Net, NetError};

/// An embedding, and its norm before it was brought to unit length.
pub struct Embedded {
    pub embedding: Embedding,
    pub norm: f64,
}

/// All faces as one batch, in their order. Each is 112 by 112, as [`super::align`] makes them.
pub fn faces(net: &Net, aligned: &[&RgbImage]) -> Result<Vec<Embedded>, NetError> {
    let side = SIDE as usize;
    let values: Vec<f32> = aligned.iter().flat_map(|face| face.as_raw()).map(|value| f32::from(*value)).collect();
    // The network's first layer brings 0–255 to about ±1 itself.
    let input = Tensor::from_vec(values, (aligned.len(), side, side, 3), &Device::Cpu)?;
    let output = net.run(&input)?.into_iter().next();
    let rows = output.ok_or_else(|| NetError::Graph("the embedder has one output".into()))?.to_vec2::<f32>()?;
    let by = Embedder::of(net.weights());
    Ok(rows.into_iter().map(|row| unit(by, row)).collect())
}

fn unit(by: Embedder, row: Vec<f32>) -> Embedded {
    let norm = row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    // No face gives all zeros; should numbers ever fail, zeros are like nobody.
    let scale = if norm.is_finite() && norm > 0.0 { 1.0 / norm } else { 0.0 };
    let numbers = row.into_iter().map(|value| (f64::from(value) * scale) as f32).collect();
    Embedded { embedding: Embedding { by, numbers }, norm }
}
