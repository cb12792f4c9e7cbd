//! The planned executor, for the CPU: a network is compiled once, at load, and then run on the calling thread alone.
//!
//! Invariants: a run allocates nothing but what it returns; a run that panics takes its workspace with it and leaves
//! the next unharmed; candle's and rayon's thread pools have no part in it.

mod execute;
mod fuse;
mod lower;
mod report;
mod rows;
mod schedule;

use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp1, Error, Layout, Shape, Tensor};

use super::NetError;
use super::graph::{Graph, Shape as Shape4};
use super::weights::Weights;
use crate::vision::kernels::Isa;
use execute::Workspace;
use lower::Lowered;
pub use report::LayerCost;
use schedule::Schedule;

pub struct Plan {
    lowered: Lowered,
    isa: Isa,
    /// Workspaces that no run is using.
    idle: Mutex<Vec<Workspace>>,
}

impl Plan {
    pub fn compile(graph: &Graph, weights: &Weights, isa: Isa) -> Result<Plan, NetError> {
        Ok(Plan { lowered: lower::lower(graph, weights, isa)?, isa, idle: Mutex::new(Vec::new()) })
    }

    /// The caller has checked the input's shape against the graph, and tells the shapes of the outputs.
    pub fn run(&self, input: &Tensor, outputs: impl Iterator<Item = Shape4>) -> Result<Vec<Tensor>, NetError> {
        // A custom operation gives one tensor: the outputs lie in it one after the other, and are told apart here.
        let all = input.contiguous()?.apply_op1_no_bwd(&Forward(self))?;
        let mut at = 0;
        let parts = self.lowered.outputs.iter().zip(outputs).map(|(output, [n, h, w, c])| {
            let part = all.narrow(0, at, n * h * w * c)?;
            at += n * h * w * c;
            Ok(if output.flat { part.reshape((n, c))? } else { part.reshape((n, h, w, c))? })
        });
        parts.collect()
    }

    fn forward(&self, input: &[f32], batch: usize, height: usize, width: usize) -> Vec<f32> {
        let mut space = self.borrow(batch, height, width);
        let mut out = vec![0f32; space.schedule.output];
        #[cfg(test)]
        assert!(!due(), "injected");
        execute::run(&self.lowered, self.isa, &mut space, input, &mut out, |_| {});
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(space);
        out
    }

    /// Runs once and tells what each layer is, how many multiplications it makes and how long it took by this clock.
    pub fn costs(&self, input: &[f32], [batch, height, width]: [usize; 3], now: impl Fn() -> f64) -> Vec<LayerCost> {
        let mut space = self.borrow(batch, height, width);
        let mut costs: Vec<LayerCost> = report::describe(&self.lowered, &space.schedule);
        let mut out = vec![0f32; space.schedule.output];
        let mut before = now();
        execute::run(&self.lowered, self.isa, &mut space, input, &mut out, |layer| {
            let after = now();
            if let Some(cost) = costs.get_mut(layer) {
                cost.seconds += after - before;
            }
            before = after;
        });
        costs
    }

    /// A workspace laid out for this size: one that already is, or else any idle one, or else a new one.
    fn borrow(&self, batch: usize, height: usize, width: usize) -> Workspace {
        let fits = |s: &Workspace| (s.schedule.batch, s.schedule.height, s.schedule.width) == (batch, height, width);
        let idle = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let at = idle.iter().position(fits).or(idle.len().checked_sub(1));
            at.map(|at| idle.swap_remove(at))
        };
        match idle {
            Some(space) if fits(&space) => space,
            Some(mut space) => {
                space.reschedule(Schedule::new(&self.lowered, batch, height, width));
                space
            }
            None => Workspace::new(Schedule::new(&self.lowered, batch, height, width)),
        }
    }
}

#[cfg(test)]
thread_local! {
    /// Set by a test that injects a panic into its thread: after how many runs.
    pub static PANIC_IN: std::cell::Cell<Option<usize>> = const { std::cell::Cell::new(None) };
}

#[cfg(test)]
fn due() -> bool {
    match PANIC_IN.take() {
        Some(0) => true,
        left => {
            PANIC_IN.set(left.map(|runs| runs - 1));
            false
        }
    }
}

/// The plan as candle sees it.
struct Forward<'a>(&'a Plan);

impl CustomOp1 for Forward<'_> {
    fn name(&self) -> &'static str {
        "planned-network"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let (batch, height, width, _) = layout.shape().dims4()?;
        let Some((start, end)) = layout.contiguous_offsets() else {
            return Err(Error::Msg("the input is not contiguous".into()));
        };
        let Some(input) = storage.as_slice::<f32>()?.get(start..end) else {
            return Err(Error::Msg("the input is shorter than its shape".into()));
        };
        let out = self.0.forward(input, batch, height, width);
        let length = out.len();
        Ok((CpuStorage::F32(out), Shape::from(length)))
    }
}
