//! The neural networks. Each is described once, in the file named after its paper; how it is executed is this module's
//! own business: no caller can tell, and no description knows pre- or post-processing.

pub mod blendshapes;
pub mod builder;
pub mod corners;
pub mod facemesh;
pub mod graph;
pub mod layout;
pub mod mini_xception;
pub mod minifasnet;
pub mod mrz_ctc;
mod plain;
mod plan;
pub mod pplcnet;
mod ppocr;
pub mod ppocr_det;
pub mod ppocr_rec;
pub mod sface;
#[cfg(test)]
mod tests;
mod weights;
pub mod yunet;

use candle_core::{Device, Tensor};

use graph::Graph;
use plain::PlainNet;
pub use plan::LayerCost;
#[cfg(test)]
pub(super) use plan::PANIC_IN;
use plan::Plan;
use weights::Weights;

pub use super::kernels::Isa;
use crate::crypto;

/// A network with its weights, ready to run; many threads may run one at a time.
pub struct Net {
    graph: Graph,
    executor: Executor,
    device: Device,
    weights: [u8; 32],
}

enum Executor {
    Plain(PlainNet),
    Plan(Plan),
}

impl Net {
    /// `weights` is a safetensors file, f32 or f16, with the tensors that the description names (others are ignored).
    pub fn load(description: Graph, weights: &[u8], device: &Device) -> Result<Net, NetError> {
        match device {
            Device::Cpu => Net::load_planned(description, weights, Isa::best()),
            _ => Net::load_plain(description, weights, device),
        }
    }

    /// With the plain executor, whatever the device: what the plan is compared with.
    pub fn load_plain(description: Graph, weights: &[u8], device: &Device) -> Result<Net, NetError> {
        let read = Weights::read(&description, weights)?;
        let executor = Executor::Plain(PlainNet::load(&description, &read, device)?);
        Ok(Net { graph: description, executor, device: device.clone(), weights: crypto::sha256(weights) })
    }

    /// For the CPU with these instructions, whatever others it has.
    pub fn load_planned(description: Graph, weights: &[u8], isa: Isa) -> Result<Net, NetError> {
        let read = Weights::read(&description, weights)?;
        let executor = Executor::Plan(Plan::compile(&description, &read, isa)?);
        Ok(Net { graph: description, executor, device: Device::Cpu, weights: crypto::sha256(weights) })
    }

    /// `input` is f32 `[n, h, w, c]`; it and the outputs are in the processor's memory, wherever the network runs. Gives the outputs in the description's order: maps as
    /// `[n, h, w, c]`, the result of a last linear layer as `[n, c]`.
    pub fn run(&self, input: &Tensor) -> Result<Vec<Tensor>, NetError> {
        let (n, h, w, c) = input.dims4()?;
        let wanted = self.graph.input_channels;
        if c != wanted {
            return Err(NetError::Input(format!("{} takes {wanted} channels, not {c}", self.graph.name)));
        }
        let shapes = self.graph.shapes(n, h, w)?;
        match &self.executor {
            Executor::Plain(net) => {
                let outputs = net.run(&self.graph, &input.to_device(&self.device)?)?;
                outputs.into_iter().map(|output| Ok(output.to_device(&Device::Cpu)?)).collect()
            }
            Executor::Plan(plan) => {
                let outputs = self.graph.outputs.iter().filter_map(|v| shapes.get(v.0).copied());
                plan.run(input, outputs)
            }
        }
    }

    /// Runs once and tells where the time went, by a clock that the caller brings; nothing on the plain executor.
    pub fn costs(&self, input: &Tensor, now: impl Fn() -> f64) -> Result<Vec<LayerCost>, NetError> {
        let (n, h, w, _) = input.dims4()?;
        self.graph.shapes(n, h, w)?;
        match &self.executor {
            Executor::Plain(_) => Ok(Vec::new()),
            Executor::Plan(plan) => Ok(plan.costs(&input.flatten_all()?.to_vec1::<f32>()?, [n, h, w], now)),
        }
    }

    pub fn name(&self) -> &'static str {
        self.graph.name
    }

    /// SHA-256 of the weights that it was loaded with.
    pub fn weights(&self) -> &[u8; 32] {
        &self.weights
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
