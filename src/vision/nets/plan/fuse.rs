//! Which nodes of a graph run as part of others: residuals, enlargements that are only read once, and output heads that
//! sit on the same map.
#![allow(clippy::indexing_slicing)] // Indices are those of a graph that was checked when it was built.

use super::super::graph::{Activation, Graph, Op, Pad};
use super::lower::After;

/// Output heads: several pointwise convolutions of one map, each followed by a depthwise one that is an output.
pub struct Branches {
    pub input: usize,
    pub pointwise: Vec<usize>,
    /// In the same order: the depthwise node, and the activation that is left for the copying out.
    pub after: Vec<(usize, After)>,
}

/// Which nodes run as part of others. All by node.
pub struct Fusions {
    /// For a convolution: the node that is added to it, and the addition that it thereby is.
    pub residual: Vec<Option<usize>>,
    pub added_into: Vec<Option<usize>>,
    /// For an addition: base, what is enlarged on the way, factor.
    pub upsampled: Vec<Option<(usize, usize, usize)>>,
    /// For a concatenation: for each part, what is enlarged on the way, and the factor.
    pub enlarged: Vec<Option<Vec<(usize, usize)>>>,
    pub skipped: Vec<bool>,
    pub branches: Vec<Branches>,
}

impl Fusions {
    pub fn find(graph: &Graph) -> Fusions {
        let count = graph.nodes.len();
        let mut fusions = Fusions {
            residual: vec![None; count],
            added_into: vec![None; count],
            upsampled: vec![None; count],
            enlarged: vec![None; count],
            skipped: vec![false; count],
            branches: Vec::new(),
        };
        let mut readers: Vec<Vec<usize>> = vec![Vec::new(); count];
        for (index, node) in graph.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|v| readers[v.0].push(index));
        }
        fusions.additions(graph, &readers);
        fusions.concatenations(graph, &readers);
        fusions.heads(graph, &readers);
        fusions
    }

    /// Residuals, which their convolution adds on the way out, and enlarged maps, which the addition reads small.
    fn additions(&mut self, graph: &Graph, readers: &[Vec<usize>]) {
        for (index, node) in graph.nodes.iter().enumerate() {
            let Op::Add { activation } = &node.op else { continue };
            let (a, b) = (node.inputs[0].0, node.inputs[1].0);
            for (base, last) in [(a, b), (b, a)] {
                match &graph.nodes[last].op {
                    Op::Upsample { factor } if only_reader(graph, readers, last, index) => {
                        if *activation != Activation::None {
                            continue;
                        }
                        self.upsampled[index] = Some((base, graph.nodes[last].inputs[0].0, *factor));
                        self.skipped[last] = true;
                        break;
                    }
                    Op::Conv(conv) if conv.groups == 1 && conv.activation == Activation::None && base < last => {
                        if !only_reader(graph, readers, last, index) {
                            continue;
                        }
                        self.residual[last] = Some(base);
                        self.added_into[last] = Some(index);
                        break;
                    }
                    _ => {}
                }
            }
        }
    }

    fn concatenations(&mut self, graph: &Graph, readers: &[Vec<usize>]) {
        for (index, node) in graph.nodes.iter().enumerate() {
            if node.op != Op::Concat {
                continue;
            }
            let part = |value: &super::super::graph::Value| match graph.nodes[value.0].op {
                Op::Upsample { factor } if only_reader(graph, readers, value.0, index) => {
                    (graph.nodes[value.0].inputs[0].0, factor)
                }
                _ => (value.0, 1),
            };
            let parts: Vec<(usize, usize)> = node.inputs.iter().map(part).collect();
            for (value, _) in node.inputs.iter().zip(&parts).filter(|(value, part)| value.0 != part.0) {
                self.skipped[value.0] = true;
            }
            self.enlarged[index] = Some(parts);
        }
    }

    /// Pairs of pointwise and depthwise that end in outputs, gathered by the map that they read.
    fn heads(&mut self, graph: &Graph, readers: &[Vec<usize>]) {
        let is_output = |node: usize| graph.outputs.iter().any(|v| v.0 == node);
        for (index, node) in graph.nodes.iter().enumerate() {
            let (Op::Conv(pw), [depthwise]) = (&node.op, readers[index].as_slice()) else { continue };
            let Op::Conv(dw) = &graph.nodes[*depthwise].op else { continue };
            let plain = pw.kernel == (1, 1) && pw.stride == (1, 1) && pw.groups == 1 && pw.pad == Pad::NONE;
            let after = match dw.activation {
                Activation::None => After::Nothing,
                Activation::Sigmoid => After::Sigmoid,
                _ => continue,
            };
            let ends = is_output(*depthwise) && readers[*depthwise].is_empty() && !is_output(index);
            if !(plain && ends && pw.activation == Activation::None && dw.groups == pw.out_channels) {
                continue;
            }
            if dw.out_channels != dw.groups {
                continue;
            }
            let input = node.inputs[0].0;
            let alike = |b: &&mut Branches| {
                let Op::Conv(other) = &graph.nodes[b.after[0].0].op else { return false };
                b.input == input && (other.kernel, other.stride, other.pad) == (dw.kernel, dw.stride, dw.pad)
            };
            match self.branches.iter_mut().find(alike) {
                Some(branches) => {
                    branches.pointwise.push(index);
                    branches.after.push((*depthwise, after));
                }
                None => {
                    self.branches.push(Branches { input, pointwise: vec![index], after: vec![(*depthwise, after)] })
                }
            }
        }
    }
}

fn only_reader(graph: &Graph, readers: &[Vec<usize>], node: usize, reader: usize) -> bool {
    readers[node] == [reader] && graph.outputs.iter().all(|v| v.0 != node)
}
