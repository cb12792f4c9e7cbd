//! The networks that benches know, by the names of their weights.

use std::path::Path;

use twoface::vision::nets::graph::Graph;
use twoface::vision::nets::{
    NetError, blendshapes, facemesh, mini_xception, minifasnet, pplcnet, ppocr_det, ppocr_rec, sface, yunet,
};

/// A network with the shape of input that it is measured on.
#[allow(dead_code)] // Each bench uses its own part.
pub struct Subject {
    pub name: &'static str,
    pub weights: &'static str,
    pub describe: fn() -> Result<Graph, NetError>,
    pub input: [usize; 4],
    /// The largest value of an input: some networks take pixels as they are, some scaled to about one.
    pub largest: f32,
}

const fn subject(
    name: &'static str,
    weights: &'static str,
    describe: fn() -> Result<Graph, NetError>,
    input: [usize; 4],
    largest: f32,
) -> Subject {
    Subject { name, weights, describe, input, largest }
}

pub const SUBJECTS: [Subject; 11] = [
    subject("yunet 640", "yunet_2023mar", yunet::describe, [1, 640, 640, 3], 255.0),
    subject("yunet 320", "yunet_2023mar", yunet::describe, [1, 320, 320, 3], 255.0),
    subject("sface", "sface_f16", sface::describe, [1, 112, 112, 3], 255.0),
    subject("sface pair", "sface_f16", sface::describe, [2, 112, 112, 3], 255.0),
    subject("face mesh", "facemesh", facemesh::describe, [1, 256, 256, 3], 1.0),
    subject("minifasnet", "minifasnet_v2", minifasnet::describe, [1, 80, 80, 3], 255.0),
    subject("blendshapes", "blendshapes", blendshapes::describe, [1, 1, 2, 146], 1.0),
    subject("expression", "mini_xception", mini_xception::describe, [1, 64, 64, 1], 1.0),
    subject("orientation", "pplcnet_x1_0_doc_ori", pplcnet::describe, [1, 224, 224, 3], 1.0),
    subject("ocr detector", "ppocrv6_det_small", ppocr_det::describe, [1, 736, 736, 3], 1.0),
    subject("ocr reader", "ppocrv6_rec_small_latin", ppocr_rec::describe, [1, 48, 320, 3], 1.0),
];

impl Subject {
    /// The weights, or none where this program does not carry them (yet).
    pub fn weights(&self) -> Option<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
        std::fs::read(folder.join(format!("{}.safetensors", self.weights))).ok()
    }
}
