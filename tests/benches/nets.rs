//! Time of each network, for every instruction set of this processor, and layer by layer: `cargo bench --bench nets`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::disallowed_methods)] // A bench may fail.

mod common;

use std::time::Instant;

use candle_core::{Device, Tensor};
use common::SUBJECTS;
use criterion::{Criterion, criterion_group, criterion_main};
use twoface::vision::nets::{Isa, LayerCost, Net};

fn nets(criterion: &mut Criterion) {
    for subject in &SUBJECTS {
        let Some(weights) = subject.weights() else { continue };
        let mut group = criterion.benchmark_group(subject.name);
        let [n, h, w, c] = subject.input;
        let input = Tensor::rand(0f32, subject.largest, (n, h, w, c), &Device::Cpu).unwrap();
        for isa in Isa::available() {
            let net = Net::load_planned((subject.describe)().unwrap(), &weights, isa).unwrap();
            group.bench_function(isa.name(), |bencher| bencher.iter(|| net.run(&input).unwrap()));
        }
    }
}

/// Prints each layer's best time of 50 and what that is in arithmetic.
fn layers(_: &mut Criterion) {
    for subject in &SUBJECTS {
        let Some(weights) = subject.weights() else { continue };
        let [n, h, w, c] = subject.input;
        let input = Tensor::rand(0f32, subject.largest, (n, h, w, c), &Device::Cpu).unwrap();
        let net = Net::load((subject.describe)().unwrap(), &weights, &Device::Cpu).unwrap();
        let start = Instant::now();
        let mut best: Vec<LayerCost> = Vec::new();
        for _ in 0..50 {
            let costs = net.costs(&input, || start.elapsed().as_secs_f64()).unwrap();
            if best.is_empty() {
                best = costs;
            } else {
                best.iter_mut().zip(costs).for_each(|(b, c)| b.seconds = b.seconds.min(c.seconds));
            }
        }
        println!("\n{} by layer, {}", subject.name, Isa::best().name());
        for cost in best.iter().filter(|cost| cost.seconds > 0.0) {
            let rate = 2e-9 * cost.products as f64 / cost.seconds;
            println!("  {:42} {:8.3} ms {rate:7.1} GFLOP/s", cost.layer, cost.seconds * 1e3);
        }
    }
}

criterion_group!(benches, layers, nets);
criterion_main!(benches);
