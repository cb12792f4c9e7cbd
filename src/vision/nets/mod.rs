//! The neural networks. Each is described once, in the file named after its paper; how it is executed is this module's
//! own business: no caller can tell, and no description knows pre- or post-processing.

pub mod graph;
mod plain;
pub mod sface;
mod weights;
pub mod yunet;

use candle_core::{Device, Tensor};

use graph::Graph;
use plain::PlainNet;
use weights::Weights;

/// A network with its weights, ready to run; many threads may run one at a time.
pub struct Net {
    graph: Graph,
    plain: PlainNet,
}

impl Net {
    /// `weights` is a safetensors file, f32 or f16, with exactly the tensors that the description names (others are
    /// ignored).
    pub fn load(description: Graph, weights: &[u8], device: &Device) -> Result<Net, NetError> {
        let weights = Weights::read(&description, weights)?;
        let plain = PlainNet::load(&description, &weights, device)?;
        Ok(Net { graph: description, plain })
    }

    /// `input` is f32 `[n, h, w, c]` on the network's device. Gives the outputs in the description's order: maps as
    /// `[n, h, w, c]`, the result of a last linear layer as `[n, c]`.
    pub fn run(&self, input: &Tensor) -> Result<Vec<Tensor>, NetError> {
        let (n, h, w, c) = input.dims4()?;
        if c != self.graph.input_channels {
            return Err(NetError::Input(format!(
                "{} takes {} channels, not {c}",
                self.graph.name, self.graph.input_channels
            )));
        }
        self.graph.shapes(n, h, w)?;
        self.plain.run(&self.graph, input)
    }

    pub fn name(&self) -> &'static str {
        self.graph.name
    }
}

/// Why a network could not be loaded or run. None of these is the photo's fault.
#[derive(Debug)]
pub enum NetError {
    /// The description contradicts itself.
    Graph(String),
    /// The file is not the one that the description wants.
    Weights(String),
    /// The input's shape is not one that the network takes.
    Input(String),
    Tensor(candle_core::Error),
}

impl std::fmt::Display for NetError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NetError::Graph(what) => write!(f, "network description: {what}"),
            NetError::Weights(what) => write!(f, "network weights: {what}"),
            NetError::Input(what) => write!(f, "network input: {what}"),
            NetError::Tensor(error) => write!(f, "tensor: {error}"),
        }
    }
}

impl std::error::Error for NetError {}

impl From<candle_core::Error> for NetError {
    fn from(error: candle_core::Error) -> Self {
        NetError::Tensor(error)
    }
}
