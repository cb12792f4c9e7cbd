//! A network's trained numbers, read from safetensors (f32 or f16) and checked against its description.
//!
//! Every tensor that the graph names is present, has the shape that the graph expects, and is held as f32.

use std::collections::HashMap;

use candle_core::safetensors::SliceSafetensors;
use candle_core::{DType, Device};

use super::NetError;
use super::graph::Graph;

pub struct Weights {
    network: &'static str,
    tensors: HashMap<String, (Vec<usize>, Vec<f32>)>,
    /// The bits of those that the file holds as halves.
    halves: HashMap<String, Vec<u16>>,
}

impl Weights {
    pub fn read(graph: &Graph, bytes: &[u8]) -> Result<Weights, NetError> {
        let file = SliceSafetensors::new(bytes)?;
        let (mut tensors, mut halves) = (HashMap::new(), HashMap::new());
        for (name, shape) in graph.tensors()? {
            let tensor = file.load(&name, &Device::Cpu)?;
            // A matrix may be written down as a convolution of one by one, or the other way round.
            if bare(tensor.dims()) != bare(&shape) {
                let found = tensor.dims();
                return Err(NetError::Weights(format!("{}: {name} is {found:?}, not {shape:?}", graph.name)));
            }
            let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
            if let Some(wrong) = values.iter().find(|v| !v.is_finite()) {
                return Err(NetError::Weights(format!("{}: {name} contains {wrong}", graph.name)));
            }
            if tensor.dtype() == DType::F16 {
                let bits = file
                    .get(&name)?
                    .data()
                    .chunks_exact(2)
                    .map(|b| b.iter().rev().fold(0, |n, b| n << 8 | u16::from(*b)));
                halves.insert(name.clone(), bits.collect());
            }
            tensors.insert(name, (shape, values));
        }
        Ok(Weights { network: graph.name, tensors, halves })
    }

    pub fn shape_and_values(&self, name: &str) -> Result<(&[usize], &[f32]), NetError> {
        match self.tensors.get(name) {
            Some((shape, values)) => Ok((shape, values)),
            None => Err(NetError::Weights(format!("{}: no tensor {name}", self.network))),
        }
    }

    pub fn values(&self, name: &str) -> Result<&[f32], NetError> {
        Ok(self.shape_and_values(name)?.1)
    }

    /// The tensor's numbers as the file has them, if those are halves.
    pub fn halves(&self, name: &str) -> Option<&[u16]> {
        self.halves.get(name).map(Vec::as_slice)
    }
}

/// A shape without the ones at its end.
fn bare(shape: &[usize]) -> &[usize] {
    let length = shape.iter().rposition(|n| *n != 1).map_or(0, |last| last + 1);
    shape.get(..length).unwrap_or(shape)
}
