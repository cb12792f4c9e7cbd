//! Our side of the comparison with other engines: runs a network, or the whole compare, as often as it is told, on standard
//! input.
//!
//! `load NAME` picks a subject of `common.rs`; `input FILE` and `output FILE` give and take raw little-endian f32; `run COUNT`
//! runs, `both COUNT` on two threads at once; `photos FILE FILE` takes two photos and tells the cosine, `compare COUNT` and
//! `compare both COUNT` compare them. Each is answered with a line. The other side reads this process's CPU clock from
//! outside.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // A bench may fail.

#[path = "../common.rs"]
#[allow(dead_code, reason = "each program uses a part of it")]
mod common;

use std::io::BufRead;

use candle_core::{Device, Tensor};
use common::SUBJECTS;
use twoface::domain::evidence::Examiner;
use twoface::vision::Engine;
use twoface::vision::nets::{Isa, Net};

#[derive(Default)]
struct State {
    net: Option<(Net, [usize; 4])>,
    input: Option<Tensor>,
    engine: Option<Engine>,
    photos: Vec<Vec<u8>>,
}

fn main() {
    println!("pid {} {}", std::process::id(), Isa::best().name());
    let mut state = State::default();
    for line in std::io::stdin().lock().lines() {
        let answer = state.obey(&line.unwrap());
        println!("done {answer}");
    }
}

impl State {
    fn obey(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["load", name @ ..] => {
                let name = name.join(" ");
                let subject = SUBJECTS.iter().find(|s| s.name == name).unwrap_or_else(|| panic!("no net {name}"));
                let net = Net::load((subject.describe)().unwrap(), &subject.weights(), &Device::Cpu).unwrap();
                self.net = Some((net, subject.input));
            }
            ["input", file] => {
                let bytes = std::fs::read(file).unwrap();
                let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
                let [n, h, w, c] = self.net.as_ref().unwrap().1;
                self.input = Some(Tensor::from_vec(values, (n, h, w, c), &Device::Cpu).unwrap());
            }
            ["output", file] => {
                let outputs = self.net.as_ref().unwrap().0.run(self.input.as_ref().unwrap()).unwrap();
                let values = outputs.iter().flat_map(|t| t.flatten_all().unwrap().to_vec1::<f32>().unwrap());
                std::fs::write(file, values.flat_map(f32::to_le_bytes).collect::<Vec<u8>>()).unwrap();
            }
            ["run", count] => self.run(count),
            ["both", count] => both(|| self.run(count)),
            ["photos", first, second] => {
                self.photos = [first, second].map(|file| std::fs::read(file).unwrap()).to_vec();
                let engine = self.engine.get_or_insert_with(|| Engine::load().unwrap());
                return format!("{:.4}", engine.compare_faces(&self.photos[0], &self.photos[1]).unwrap().cosine.0);
            }
            ["compare", "both", count] => both(|| self.compare(count)),
            ["compare", count] => self.compare(count),
            _ => panic!("what is {line}?"),
        }
        String::new()
    }

    fn run(&self, count: &str) {
        for _ in 0..count.parse::<usize>().unwrap() {
            self.net.as_ref().unwrap().0.run(self.input.as_ref().unwrap()).unwrap();
        }
    }

    fn compare(&self, count: &str) {
        for _ in 0..count.parse::<usize>().unwrap() {
            self.engine.as_ref().unwrap().compare_faces(&self.photos[0], &self.photos[1]).unwrap();
        }
    }
}

fn both(job: impl Fn() + Sync) {
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(&job);
        }
    });
}
