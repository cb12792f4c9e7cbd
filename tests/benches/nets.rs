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
        let weights = subject.weights();
        let mut group = criterion.benchmark_group(subject.name);
        let [n, h, w, c] = subject.input;
        let input = Tensor::rand(0f32, subject.largest, (n, h, w, c), &Device::Cpu).unwrap();
        for isa in Isa::available() {
            let net = Net::load_planned((subject.describe)().unwrap(), &weights, isa).unwrap();
            group.bench_function(isa.name(), |bencher| bencher.iter(|| net.run(&input).unwrap()));
        }
    }
}

/// Prints each layer's best time of 50 and what that is in arithmetic, beside what the processor does at most. Products of a
/// Winograd layer are those of the plain convolution, so that it may pass the peak.
fn layers(_: &mut Criterion) {
    let start = Instant::now();
    for isa in Isa::available() {
        println!("{}: {:.1} GFLOP/s at most on one core", isa.name(), peak(isa, &start));
    }
    for subject in &SUBJECTS {
        let [n, h, w, c] = subject.input;
        let input = Tensor::rand(0f32, subject.largest, (n, h, w, c), &Device::Cpu).unwrap();
        let net = Net::load((subject.describe)().unwrap(), &subject.weights(), &Device::Cpu).unwrap();
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
        let (products, seconds) = best.iter().fold((0, 0.0), |(p, s), c| (p + c.products, s + c.seconds));
        for cost in best.iter().filter(|cost| cost.seconds > 0.0) {
            let rate = 2e-9 * cost.products as f64 / cost.seconds;
            println!("  {:42} {:8.3} ms {rate:7.1} GFLOP/s", cost.layer, cost.seconds * 1e3);
        }
        println!("  {:42} {:8.3} ms {:7.1} GFLOP/s", "together", seconds * 1e3, 2e-9 * products as f64 / seconds);
    }
}

/// Multiplications and additions a second, in thousands of millions, with everything in registers; the best of ten.
fn peak(isa: Isa, start: &Instant) -> f64 {
    const ROUNDS: usize = 1_000_000;
    let rates = (0..10).map(|_| {
        let before = start.elapsed().as_secs_f64();
        let operations = isa.exhaust(ROUNDS);
        1e-9 * operations as f64 / (start.elapsed().as_secs_f64() - before)
    });
    rates.fold(0.0, f64::max)
}

criterion_group!(benches, layers, nets);
criterion_main!(benches);
