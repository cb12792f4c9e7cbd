//! 1:N: a million enrolled faces, ten thousand probes. `cargo bench --bench people`; `PEOPLE` and `PROBES` set other numbers.
//!
//! Random faces that are as alike as strangers' are: cosines around 0 with a deviation of 0.088 = 1/√128, as of directions drawn at
//! random. Half of the probes are other photos of enrolled people (cosine about 0.6), half are of nobody. Every answer is compared
//! with that of comparing with everyone in f32.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods, reason = "a benchmark")]

use std::time::Instant;

use twoface::domain::evidence::{Embedder, Embedding};
use twoface::domain::id::Id;
use twoface::domain::score::Cosine;
use twoface::service::gallery::{DIMENSIONS, Gallery};

/// SplitMix64.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// About normally distributed: the sum of twelve.
    fn normal(&mut self) -> f32 {
        (0..12).map(|_| (self.next() >> 40) as f32 / (1_u64 << 24) as f32).sum::<f32>() - 6.0
    }

    fn face(&mut self) -> Vec<f32> {
        let numbers: Vec<f32> = (0..DIMENSIONS).map(|_| self.normal()).collect();
        unit(&numbers)
    }
}

fn unit(numbers: &[f32]) -> Vec<f32> {
    let norm = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
    numbers.iter().map(|number| number / norm).collect()
}

/// In sixteen sums, so that the comparison with everyone does not take hours.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    for (a, b) in a.chunks_exact(16).zip(b.chunks_exact(16)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

fn id(number: usize) -> Id {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&(number as u64).to_be_bytes());
    Id::from_bytes(bytes)
}

fn made(numbers: Vec<f32>) -> Embedding {
    Embedding { by: Embedder::FIRST, numbers }
}

fn number_of(id: Id) -> usize {
    u64::from_be_bytes(id.as_bytes()[4..].try_into().unwrap()) as usize
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn main() {
    let (people, probes) = (setting("PEOPLE", 1_000_000), setting("PROBES", 10_000));
    let mut numbers = Numbers(1);
    let account = id(usize::MAX);
    let flat: Vec<f32> = (0..people).flat_map(|_| numbers.face()).collect();
    let face = |number: usize| &flat[number * DIMENSIONS..(number + 1) * DIMENSIONS];

    let gallery = Gallery::default();
    let (before, start) = (resident_mib(), Instant::now());
    for number in 0..people {
        assert!(gallery.insert(account, id(number), &made(face(number).to_vec())));
    }
    let (load, memory) = (start.elapsed(), resident_mib() - before);
    println!("{people} faces: loaded in {:.2} s, {memory} MiB", load.as_secs_f64());

    let stored = |user: Id| Ok(Some(made(face(number_of(user)).to_vec())));
    let (mut milliseconds, mut wrong) = (Vec::with_capacity(probes), 0);
    for round in 0..probes {
        let noise = numbers.face();
        let probe = if round % 2 == 0 {
            let of = face(numbers.next() as usize % people);
            unit(&of.iter().zip(&noise).map(|(a, b)| a * 0.75 + b).collect::<Vec<f32>>())
        } else {
            noise
        };
        let probe = made(probe);
        let start = Instant::now();
        let found = gallery.search(account, &probe, Cosine(-1.0), 1, stored).unwrap();
        milliseconds.push(start.elapsed().as_secs_f64() * 1e3);
        let nearest =
            (0..people).map(|number| dot(face(number), &probe.numbers)).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        wrong += usize::from(nearest.map(|(number, _)| id(number)) != found.first().map(|one| one.user));
    }
    milliseconds.sort_by(f64::total_cmp);
    let at = |share: f64| milliseconds[((milliseconds.len() - 1) as f64 * share) as usize];
    println!("{probes} probes: p50 {:.1} ms, p99 {:.1} ms, slowest {:.1} ms", at(0.5), at(0.99), at(1.0));
    println!("another first than by comparing with everyone in f32: {wrong}");
}
