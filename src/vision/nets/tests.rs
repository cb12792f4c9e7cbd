//! The two executors against each other, on a made-up network with every kind of node and on the shipped ones.

use std::panic::{AssertUnwindSafe, catch_unwind};

use candle_core::{Device, Tensor};

use super::builder::Builder;
use super::graph::{Activation, Conv, Graph, Op, Pad, Side};
use super::*;

fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A safetensors file with a random tensor, scaled to keep values near one, for every name that the graph reads.
fn random_weights(graph: &Graph, seed: u64) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (index, (name, shape)) in graph.tensors().unwrap().into_iter().enumerate() {
        let count: usize = shape.iter().product();
        let scale = (count as f32 / shape[0] as f32).sqrt().recip();
        let start = data.len();
        noise(seed + index as u64, count).iter().for_each(|v| data.extend((v * scale).to_le_bytes()));
        header.insert(name, serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]}));
    }
    let mut header = serde_json::to_vec(&header).unwrap();
    header.resize(header.len().next_multiple_of(8), b' ');
    [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()
}

fn image(seed: u64, (n, h, w, c): (usize, usize, usize, usize)) -> Tensor {
    let pixels: Vec<f32> = noise(seed, n * h * w * c).iter().map(|v| (v + 1.0) * 127.5).collect();
    Tensor::from_vec(pixels, (n, h, w, c), &Device::Cpu).unwrap()
}

fn flat(outputs: &[Tensor]) -> Vec<Vec<f32>> {
    outputs.iter().map(|t| t.flatten_all().unwrap().to_vec1().unwrap()).collect()
}

/// The plan with every instruction set within 1e-4 of the plain executor, relative to the largest value.
fn assert_agree(graph: &Graph, weights: &[u8], inputs: &[Tensor]) {
    let plain = Net::load_plain(graph.clone(), weights, &Device::Cpu).unwrap();
    for isa in Isa::available() {
        let plan = Net::load_planned(graph.clone(), weights, isa).unwrap();
        // The second round finds workspaces laid out for other sizes.
        for input in inputs.iter().chain(inputs) {
            let (expected, ours) = (plain.run(input).unwrap(), plan.run(input).unwrap());
            assert_eq!(expected.len(), ours.len());
            for (expected, ours) in expected.iter().zip(&ours) {
                assert_eq!(expected.dims(), ours.dims());
            }
            for (index, (expected, ours)) in flat(&expected).iter().zip(flat(&ours)).enumerate() {
                let largest = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
                let apart = expected.iter().zip(ours).fold(0f32, |m, (a, b)| m.max((a - b).abs()));
                let (name, shape) = (graph.name, input.dims());
                assert!(
                    apart <= 1e-4 * largest,
                    "{name} {shape:?}, output {index}, {}: {apart} of {largest}",
                    isa.name()
                );
            }
        }
    }
}

/// Every kind of node, strides that differ by axis, lopsided padding, odd channel counts.
fn menagerie() -> Graph {
    let (mut net, x) = Builder::new("menagerie", (Side::MultipleOf(16), Side::MultipleOf(16)), 3);
    let x = net.affine(x, 1.0 / 128.0, -1.0);
    let lopsided = Pad { top: 0, bottom: 1, left: 0, right: 1 };
    let stem = Conv { pad: lopsided, ..Conv::square("stem", 24, 3) };
    let x = net.conv(x, stem.stride(2).activate(Activation::Prelu("stem.slope".into())));
    let x = net.conv(x, Conv::depthwise("wide", 24, 5).activate(Activation::HardSwish));
    let trunk = net.conv(x, Conv::pointwise("mix", 40).activate(Activation::Relu));
    let side = net.conv(trunk, Conv::square("dense", 40, 3));
    let sum = net.add(trunk, side);
    let minimal = net.conv(trunk, Conv::square("minimal", 19, 3).activate(Activation::Prelu("minimal.slope".into())));
    let pooled = net.max_pool(sum, 2, 2);
    let slim = net.conv(pooled, Conv { stride: (2, 1), ..Conv::depthwise("slim", 40, 3) });
    let patchy = Conv { kernel: (2, 2), pad: Pad::NONE, ..Conv::pointwise("patch", 17) };
    let patchy = net.conv(slim, patchy.stride(2).activate(Activation::Gelu));
    let back = net.conv(pooled, Conv::pointwise("back", 40).activate(Activation::Silu));
    let large = net.upsample(back, 2);
    let joined = net.add(sum, large);
    let both = net.concat(&[joined, large, trunk]);
    let gate = net.conv(both, Conv::pointwise("gate", 5).activate(Activation::HardSigmoid { slope: 0.2 }));
    let alone = net.push(Op::Upsample { factor: 3 }, &[patchy]);
    let hidden = Conv::pointwise("hidden", 6).activate(Activation::Relu);
    let weighed = net.squeeze(trunk, hidden, Conv::pointwise("weigh", 40).activate(Activation::Sigmoid));
    let weighed = net.affine(weighed, 1.0, 1.0);
    let weighed = net.scale(trunk, weighed);
    let leaky = net.add_then(weighed, trunk, Activation::Prelu("leaky.slope".into()));
    let after = Pad { top: 0, bottom: 1, left: 0, right: 1 };
    let padded = net.push(Op::MaxPool { kernel: 2, stride: 1, pad: after }, &[leaky]);
    let around = net.push(Op::MaxPool { kernel: 3, stride: 2, pad: Pad::all(1) }, &[leaky]);
    let wider = net.push(Op::ExtraChannels { to: 51 }, &[padded]);
    let seven = net.conv(wider, Conv::depthwise("seven", 51, 7).activate(Activation::Relu));
    let again = net.conv(seven, Conv::pointwise("again", 51));
    let again = net.add_then(wider, again, Activation::Gelu);
    let spread = net.spread(again, "spread", 20, Activation::Prelu("spread.slope".into()));
    let single = net.spread(spread, "single", 1, Activation::Sigmoid);
    let tokens = net.push(Op::AveragePool { kernel: (2, 4) }, &[again]);
    let normal = net.layer_norm(tokens, "normal", 1e-6);
    let mixed = net.conv(normal, Conv::pointwise("qkv", 45));
    let mixed = net.push(Op::Attention { heads: 3 }, &[mixed]);
    let classes = net.push(Op::Softmax, &[mixed]);
    let mut outputs = vec![alone, gate, joined, minimal, spread, single, mixed, classes, around];
    for (name, channels, activation) in [("a", 1, Activation::Sigmoid), ("b", 3, Activation::None)] {
        let point = net.conv(joined, Conv::pointwise(&format!("{name}.pw"), channels));
        outputs.push(net.conv(point, Conv::depthwise(&format!("{name}.dw"), channels, 3).activate(activation)));
    }
    net.build(outputs).unwrap()
}

#[test]
fn executors_agree_on_every_kind_of_node() {
    let graph = menagerie();
    let weights = random_weights(&graph, 1);
    let inputs = [(1, 16, 32, 3), (3, 16, 16, 3), (2, 48, 32, 3), (1, 160, 144, 3)].map(|shape| image(7, shape));
    assert_agree(&graph, &weights, &inputs);
}

#[test]
fn executors_agree_on_maps_that_are_turned() {
    let (mut net, x) = Builder::new("turning", (Side::MultipleOf(2), Side::Exactly(5)), 19);
    let x = net.conv(x, Conv::pointwise("in", 33).activate(Activation::Relu));
    let turned = net.push(Op::Turn, &[x]);
    let x = net.conv(turned, Conv::pointwise("tokens", 18));
    let x = net.push(Op::Prepend { weight: "token".into() }, &[x]);
    let first = net.push(Op::First, &[x]);
    let graph = net.build(vec![turned, x, first]).unwrap();
    let inputs = [(1, 2, 5, 19), (3, 4, 5, 19)].map(|shape| image(9, shape));
    assert_agree(&graph, &random_weights(&graph, 18), &inputs);

    let (mut net, x) = Builder::new("any width", (Side::Exactly(1), Side::MultipleOf(4)), 3);
    let x = net.push(Op::Turn, &[x]);
    assert!(net.build(vec![x]).is_err(), "its channels would not be known");
}

#[test]
fn executors_agree_on_the_detector() {
    let graph = yunet::describe().unwrap();
    let inputs = [(1, 320, 256, 3), (1, 32, 32, 3), (2, 96, 160, 3), (1, 64, 640, 3)].map(|shape| image(3, shape));
    assert_agree(&graph, &random_weights(&graph, 5), &inputs);
}

#[test]
fn executors_agree_on_the_embedder() {
    let graph = sface::describe().unwrap();
    let inputs = [(1, 112, 112, 3), (3, 112, 112, 3)].map(|shape| image(4, shape));
    assert_agree(&graph, &random_weights(&graph, 6), &inputs);
}

#[test]
fn executors_agree_on_the_other_networks() {
    let named = |graph: Result<Graph, NetError>, shapes: &[(usize, usize, usize, usize)], seed| {
        let graph = graph.unwrap();
        let inputs: Vec<Tensor> = shapes.iter().map(|shape| image(seed, *shape)).collect();
        let small: Vec<Tensor> = inputs.iter().map(|input| (input / 255.0).unwrap()).collect();
        assert_agree(&graph, &random_weights(&graph, seed), &small);
    };
    named(facemesh::describe(), &[(1, 256, 256, 3)], 11);
    named(corners::describe(), &[(1, 192, 256, 3), (2, 64, 32, 3)], 10);
    named(layout::describe(), &[(1, 128, 192, 3), (4, 128, 192, 3)], 19);
    named(minifasnet::describe(), &[(1, 80, 80, 3), (3, 80, 80, 3)], 12);
    named(blendshapes::describe(), &[(1, 1, 2, 146), (3, 1, 2, 146)], 15);
    named(mini_xception::describe(), &[(1, 64, 64, 1), (2, 64, 64, 1)], 16);
    named(pplcnet::describe(), &[(1, 224, 224, 3)], 17);
    named(mrz_ctc::describe(), &[(1, 32, 128, 1), (2, 32, 528, 1)], 18);
    // The larger one has maps that run in strips.
    named(ppocr_det::describe(), &[(1, 64, 96, 3), (1, 224, 256, 3)], 13);
    named(ppocr_rec::describe(), &[(1, 48, 136, 3), (2, 48, 64, 3)], 14);
}

#[test]
fn a_network_refuses_what_it_does_not_take() {
    let graph = yunet::describe().unwrap();
    let weights = random_weights(&graph, 2);
    let net = Net::load(graph.clone(), &weights, &Device::Cpu).unwrap();
    for shape in [(1, 33, 32, 3), (1, 0, 32, 3), (1, 32, 32, 1)] {
        assert!(net.run(&image(1, shape)).is_err(), "{shape:?}");
    }
    assert!(Net::load(graph.clone(), &weights[..weights.len() - 4], &Device::Cpu).is_err(), "a file cut short");
    let other = random_weights(&sface::describe().unwrap(), 2);
    assert!(matches!(Net::load(graph, &other, &Device::Cpu), Err(NetError::Tensor(_))), "another network's file");
}

#[test]
fn a_run_that_panics_leaves_the_next_unharmed() {
    let graph = yunet::describe().unwrap();
    let weights = random_weights(&graph, 9);
    let net = Net::load_planned(graph, &weights, Isa::best()).unwrap();
    let input = image(8, (1, 64, 96, 3));
    let before = flat(&net.run(&input).unwrap());
    let broken = catch_unwind(AssertUnwindSafe(|| {
        PANIC_IN.set(Some(0));
        net.run(&input)
    }));
    assert!(broken.is_err(), "the injected panic came through");
    assert_eq!(flat(&net.run(&input).unwrap()), before);
}

#[test]
fn many_threads_may_run_one_network() {
    let graph = yunet::describe().unwrap();
    let net = Net::load_planned(graph.clone(), &random_weights(&graph, 9), Isa::best()).unwrap();
    let inputs = [(1, 64, 96, 3), (1, 96, 64, 3), (1, 32, 160, 3)].map(|shape| image(8, shape));
    let expected = inputs.each_ref().map(|input| flat(&net.run(input).unwrap()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for (input, expected) in inputs.iter().zip(&expected).cycle().take(12) {
                    assert_eq!(&flat(&net.run(input).unwrap()), expected);
                }
            });
        }
    });
}
