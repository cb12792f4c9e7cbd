//! Our side of the comparison with other engines: runs a network as often as it is told, on standard input.
//!
//! `load NAME` picks a subject of `common.rs`; `input FILE` and `output FILE` give and take raw little-endian f32;
//! `run COUNT` runs; each is answered with a line. The other side reads this process's CPU clock from outside.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // A bench may fail.

#[path = "../common.rs"]
#[allow(dead_code, reason = "each program uses a part of it")]
mod common;

use std::io::BufRead;

use candle_core::{Device, Tensor};
use common::SUBJECTS;
use twoface::vision::nets::{Isa, Net};

fn main() {
    println!("pid {} {}", std::process::id(), Isa::best().name());
    let mut net: Option<(Net, [usize; 4])> = None;
    let mut input: Option<Tensor> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.unwrap();
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match verb {
            "load" => {
                let subject = SUBJECTS.iter().find(|s| s.name == rest).unwrap_or_else(|| panic!("no net {rest}"));
                let Some(weights) = subject.weights() else {
                    println!("no weights");
                    continue;
                };
                let loaded = Net::load((subject.describe)().unwrap(), &weights, &Device::Cpu).unwrap();
                net = Some((loaded, subject.input));
            }
            "input" => {
                let bytes = std::fs::read(rest).unwrap();
                let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
                let [n, h, w, c] = net.as_ref().unwrap().1;
                input = Some(Tensor::from_vec(values, (n, h, w, c), &Device::Cpu).unwrap());
            }
            "output" => {
                let outputs = net.as_ref().unwrap().0.run(input.as_ref().unwrap()).unwrap();
                let values = outputs.iter().flat_map(|t| t.flatten_all().unwrap().to_vec1::<f32>().unwrap());
                std::fs::write(rest, values.flat_map(f32::to_le_bytes).collect::<Vec<u8>>()).unwrap();
            }
            "run" => {
                for _ in 0..rest.parse::<usize>().unwrap() {
                    net.as_ref().unwrap().0.run(input.as_ref().unwrap()).unwrap();
                }
            }
            _ => panic!("what is {line}?"),
        }
        println!("done");
    }
}
