//! The networks that benches know, by the names of their weights.

use std::path::Path;

use twoface::vision::nets::graph::Graph;
use twoface::vision::nets::{NetError, sface, yunet};

/// A network with the shape of input that it is measured on.
pub struct Subject {
    pub name: &'static str,
    pub weights: &'static str,
    pub describe: fn() -> Result<Graph, NetError>,
    pub input: [usize; 4],
}

pub const SUBJECTS: [Subject; 4] = [
    Subject { name: "yunet 640", weights: "yunet_2023mar", describe: yunet::describe, input: [1, 640, 640, 3] },
    Subject { name: "yunet 320", weights: "yunet_2023mar", describe: yunet::describe, input: [1, 320, 320, 3] },
    Subject { name: "sface", weights: "sface_f16", describe: sface::describe, input: [1, 112, 112, 3] },
    Subject { name: "sface pair", weights: "sface_f16", describe: sface::describe, input: [2, 112, 112, 3] },
];

impl Subject {
    pub fn weights(&self) -> Vec<u8> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(format!("{}.safetensors", self.weights));
        std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }
}
