//! Every network against what its original answers to the same made-up input, under the program that it was published
//! for (`tests/golden/nets.py`). Relative to an output's largest number, 1e-4 is allowed.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use serde::Deserialize;
use twoface::vision::nets::graph::Graph;
use twoface::vision::nets::{
    Isa, Net, NetError, blendshapes, facemesh, mini_xception, minifasnet, pplcnet, ppocr_det, ppocr_rec, yunet,
};
use twoface::vision::weights::Models;

#[derive(Deserialize)]
struct Case {
    shape: [usize; 4],
    side: u32,
    low: f32,
    high: f32,
    line: u32,
    outputs: Vec<Kept>,
}

/// Every `step`-th number of an output.
#[derive(Deserialize)]
struct Kept {
    size: usize,
    step: usize,
    largest: f32,
    values: Vec<f32>,
}

type Describe = fn() -> Result<Graph, NetError>;

const NETS: [(&str, Describe); 8] = [
    ("yunet", yunet::describe),
    ("facemesh", facemesh::describe),
    ("blendshapes", blendshapes::describe),
    ("minifasnet", minifasnet::describe),
    ("mini_xception", mini_xception::describe),
    ("ppocr_det", ppocr_det::describe),
    ("ppocr_rec", ppocr_rec::describe),
    ("pplcnet", pplcnet::describe),
];

/// As in `nets.py`.
fn made_up(case: &Case) -> Vec<f32> {
    let [_, height, width, channels] = case.shape.map(|n| n as u32);
    let hash = |y: u32, x: u32, c: u32| {
        let v = (y / case.side * 131 + x / case.side * 31 + c * 17 + 7).wrapping_mul(2_654_435_761);
        let v = (v ^ v >> 15).wrapping_mul(2_246_822_519);
        ((v ^ v >> 13) >> 8) as f32 / (1 << 24) as f32
    };
    let value = |y: u32, x: u32, c: u32| match y.checked_div(case.line) {
        None => hash(y, x, c),
        Some(band) if band % 3 == 1 && hash(y, x, 0) < 0.5 => 0.0,
        Some(_) => 1.0,
    };
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
    let values = pixels.flat_map(|(y, x)| (0..channels).map(move |c| (y, x, c)));
    values.map(|(y, x, c)| value(y, x, c) * (case.high - case.low) + case.low).collect()
}

/// What the blendshapes want of points, and the original does itself.
fn centred(points: &mut [f32]) {
    let (x, y) = points.split_at_mut(blendshapes::POINTS);
    for axis in [&mut *x, &mut *y] {
        let mean = axis.iter().sum::<f32>() / axis.len() as f32;
        axis.iter_mut().for_each(|v| *v -= mean);
    }
    let distances = x.iter().zip(y.iter()).map(|(x, y)| x.hypot(*y));
    let mean = distances.sum::<f32>() / x.len() as f32;
    points.iter_mut().for_each(|v| *v /= mean);
}

fn input(name: &str, case: &Case) -> Tensor {
    let mut values = made_up(case);
    if name == "blendshapes" {
        centred(&mut values);
    }
    Tensor::from_vec(values, &case.shape[..], &Device::Cpu).unwrap()
}

#[test]
fn every_network_answers_like_its_original() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/nets.json");
    let cases: BTreeMap<String, Case> = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(cases.len(), NETS.len());
    let models = Models::open().unwrap();
    for (name, describe) in NETS {
        let case = &cases[name];
        let (input, weights) = (input(name, case), models.weights(name).unwrap());
        let mut nets =
            vec![("plain".to_owned(), Net::load_plain(describe().unwrap(), &weights, &Device::Cpu).unwrap())];
        for isa in Isa::available() {
            nets.push((isa.name().to_owned(), Net::load_planned(describe().unwrap(), &weights, isa).unwrap()));
        }
        for (executor, net) in &nets {
            let outputs = net.run(&input).unwrap();
            assert_eq!(outputs.len(), case.outputs.len(), "{name}");
            for (index, (output, kept)) in outputs.iter().zip(&case.outputs).enumerate() {
                let values = output.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                assert_eq!(values.len(), kept.size, "{name}, output {index}");
                let pairs = values.iter().step_by(kept.step).zip(&kept.values);
                let apart = pairs.fold(0f32, |most, (a, b)| most.max((a - b).abs())) / kept.largest;
                println!("{name}, output {index}, {executor}: {apart:.1e} apart");
                assert!(apart <= 1e-4, "{name}, output {index}, {executor}: {apart:.1e} apart");
            }
        }
    }
}
