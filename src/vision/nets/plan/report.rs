//! What a plan consists of, in words and numbers, for benches.
#![allow(clippy::indexing_slicing)] // Indices are those of the plan's own layers.

use super::lower::{Kind, Lowered};
use super::schedule::Schedule;

/// One layer's share of a run.
#[derive(Clone, Debug)]
pub struct LayerCost {
    pub layer: String,
    /// Multiplications with additions.
    pub products: usize,
    pub seconds: f64,
}

/// Every layer in words, with its multiplications.
pub fn describe(plan: &Lowered, schedule: &Schedule) -> Vec<LayerCost> {
    let line = |index: usize| {
        let layer = &plan.layers[index];
        let to = schedule.places[index];
        let channels_in = layer.inputs.first().map_or(0, |&i| plan.layers[i].channels);
        let pixels = schedule.batch * to.height * to.width;
        let (kind, taps) = match &layer.kind {
            Kind::Input => ("input".into(), 0),
            Kind::Dense(d) => {
                (format!("{}×{} convolution", d.kernel.0, d.kernel.1), d.kernel.0 * d.kernel.1 * channels_in)
            }
            Kind::Depthwise { filters: f, .. } => (format!("{}×{} depthwise", f.size.0, f.size.1), f.size.0 * f.size.1),
            Kind::Linear(_) => {
                let from = schedule.places[layer.inputs[0]];
                ("linear".into(), from.height * from.width * channels_in)
            }
            Kind::Winograd(_) => ("3×3 convolution (Winograd)".into(), 9 * channels_in),
            Kind::Spread { .. } => ("spread".into(), channels_in),
            Kind::Attention { heads } => (format!("attention, {heads} heads"), 2 * to.height * to.width),
            Kind::Scale => ("scale".into(), 0),
            Kind::LayerNorm { .. } => ("normalise".into(), 0),
            Kind::Softmax => ("softmax".into(), 0),
            Kind::AveragePool { .. } | Kind::GlobalAverage => ("average".into(), 0),
            Kind::Affine { .. } => ("affine".into(), 0),
            Kind::Add { .. } => ("add".into(), 0),
            Kind::AddUpsampled { .. } => ("enlarge and add".into(), 0),
            Kind::MaxPool { .. } => ("pool".into(), 0),
            Kind::Upsample { .. } => ("enlarge".into(), 0),
            Kind::Concat { .. } => ("join".into(), 0),
            Kind::Turn => ("turn".into(), 0),
            Kind::Prepend { .. } => ("prepend".into(), 0),
            Kind::First => ("first pixel".into(), 0),
        };
        let layer_text = format!("{kind} {channels_in}→{} at {}×{}", layer.channels, to.height, to.width);
        LayerCost { layer: layer_text, products: pixels * layer.channels * taps, seconds: 0.0 }
    };
    (0..plan.layers.len()).map(line).collect()
}
