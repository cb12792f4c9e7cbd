//! A network's trained numbers, read from safetensors (f32 or f16) and checked against its description.
//!
//! Every tensor that the graph names is present, has the shape that the graph expects, and is held as f32.

use std::collections::HashMap;

use candle_core::safetensors::SliceSafetensors;
use candle_core::{DType, Device};

use super::NetError;
use super::graph::Graph;

/// Trained numbers nearer to zero than this are zero here. They change nothing that could be seen beside the others, which are
/// around a hundredth; but a tenth of the text detector's are too small to be normal floats, and with one of those in its hands
/// an Intel processor takes a hundred times as long (measured: 3.7 s for one layer instead of 3 ms).
const LEAST: f32 = 1e-15;

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
            let mut values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
            if let Some(wrong) = values.iter().find(|v| !v.is_finite()) {
                return Err(NetError::Weights(format!("{}: {name} contains {wrong}", graph.name)));
            }
            values.iter_mut().filter(|v| v.abs() < LEAST).for_each(|v| *v = 0.0);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vision::nets::builder::Builder;
    use crate::vision::nets::graph::{Conv, Side};

    #[test]
    fn what_is_next_to_nothing_is_nothing() {
        let (mut net, x) = Builder::new("small", (Side::Exactly(1), Side::Exactly(1)), 3);
        let x = net.conv(x, Conv { bias: None, ..Conv::pointwise("only", 1) });
        let header = br#"{"only.weight":{"dtype":"F32","shape":[1,3,1,1],"data_offsets":[0,12]}} "#;
        let numbers = [1e-40f32, -2e-16, 3e-15].map(f32::to_le_bytes).concat();
        let file = [&(header.len() as u64).to_le_bytes()[..], header, &numbers].concat();
        let weights = Weights::read(&net.build(vec![x]).unwrap(), &file).unwrap();
        assert_eq!(weights.values("only.weight").unwrap(), [0.0, 0.0, 3e-15]);
    }
}
