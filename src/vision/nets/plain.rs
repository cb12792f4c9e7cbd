//! The plain executor: one candle operation after another, on any device. It is the CUDA path, and what the planned
//! CPU path is compared with. Inside, maps are NCHW, as candle's convolutions want them.

use candle_core::{D, Device, Tensor};

use super::NetError;
use super::graph::{Activation, Conv, Graph, Op, Pad, Value};
use super::weights::Weights;
use crate::vision::kernels::DepthwisePlanes;

pub struct PlainNet {
    tensors: std::collections::HashMap<String, Tensor>,
}

impl PlainNet {
    pub fn load(graph: &Graph, weights: &Weights, device: &Device) -> Result<PlainNet, NetError> {
        let mut tensors = std::collections::HashMap::new();
        for (name, _) in graph.tensors()? {
            let (shape, values) = weights.shape_and_values(&name)?;
            tensors.insert(name, Tensor::from_slice(values, shape, device)?);
        }
        Ok(PlainNet { tensors })
    }

    /// The caller has checked the input's shape against the graph.
    pub fn run(&self, graph: &Graph, input: &Tensor) -> Result<Vec<Tensor>, NetError> {
        let mut values: Vec<Tensor> = Vec::with_capacity(graph.nodes.len());
        for node in &graph.nodes {
            let operand = |i: usize| {
                let value = node.inputs.get(i).and_then(|v| values.get(v.0));
                value.ok_or_else(|| NetError::Graph(format!("{}: {:?} lacks operand {i}", graph.name, node.op)))
            };
            let made = match &node.op {
                Op::Input => input.permute((0, 3, 1, 2))?.contiguous()?,
                Op::Affine { scale, shift } => operand(0)?.affine(f64::from(*scale), f64::from(*shift))?,
                Op::Conv(conv) => self.conv(conv, operand(0)?)?,
                Op::Add { activation } => self.activate(&(operand(0)? + operand(1)?)?, activation)?,
                Op::Scale => operand(0)?.broadcast_mul(operand(1)?)?,
                Op::MaxPool { kernel, stride, pad: by } => {
                    // What is repeated of the border is in the same window as the border itself.
                    let x = operand(0)?.pad_with_same(2, by.top, by.bottom)?.pad_with_same(3, by.left, by.right)?;
                    x.max_pool2d_with_stride(*kernel, *stride)?
                }
                Op::AveragePool { kernel } => operand(0)?.avg_pool2d(*kernel)?,
                Op::GlobalAverage => operand(0)?.mean_keepdim((2, 3))?,
                Op::Upsample { factor } => {
                    let x = operand(0)?;
                    let (_, _, h, w) = x.dims4()?;
                    x.upsample_nearest2d(h * factor, w * factor)?
                }
                Op::Concat => {
                    let parts: Result<Vec<&Tensor>, NetError> = (0..node.inputs.len()).map(operand).collect();
                    Tensor::cat(&parts?, 1)?
                }
                Op::Turn => operand(0)?.transpose(1, 3)?.contiguous()?,
                Op::Prepend { weight } => {
                    let x = operand(0)?;
                    let (n, c, h, _) = x.dims4()?;
                    let pixel = self.tensor(weight)?.reshape((1, c, 1, 1))?.broadcast_as((n, c, h, 1))?;
                    Tensor::cat(&[&pixel, x], 3)?
                }
                Op::First => operand(0)?.narrow(3, 0, 1)?.contiguous()?,
                Op::ExtraChannels { to } => {
                    let x = operand(0)?;
                    x.pad_with_zeros(1, 0, to - x.dim(1)?)?
                }
                Op::Spread { weight, bias, activation, .. } => {
                    let y = operand(0)?.conv_transpose2d(self.tensor(weight)?, 0, 0, 2, 1)?;
                    self.activate(&self.add_bias(&y, bias.as_deref())?, activation)?
                }
                Op::LayerNorm { weight, bias, epsilon } => {
                    let x = operand(0)?;
                    let x = x.broadcast_sub(&x.mean_keepdim(1)?)?;
                    let spread = (x.sqr()?.mean_keepdim(1)? + f64::from(*epsilon))?.sqrt()?;
                    let x = x.broadcast_div(&spread)?.broadcast_mul(&self.tensor(weight)?.reshape((1, (), 1, 1))?)?;
                    self.add_bias(&x, Some(bias))?
                }
                Op::Attention { heads } => attention(operand(0)?, *heads)?,
                Op::Softmax => softmax(operand(0)?, 1)?,
                Op::Linear { weight, bias, activation, .. } => {
                    let x = operand(0)?.flatten_from(1)?.matmul(&self.tensor(weight)?.t()?)?;
                    let x = x.unsqueeze(D::Minus1)?.unsqueeze(D::Minus1)?;
                    self.activate(&self.add_bias(&x, bias.as_deref())?, activation)?
                }
            };
            values.push(made);
        }
        graph.outputs.iter().map(|v| output(graph, &values, *v)).collect()
    }

    fn tensor(&self, name: &str) -> Result<&Tensor, NetError> {
        self.tensors.get(name).ok_or_else(|| NetError::Weights(format!("no tensor {name}")))
    }

    fn add_bias(&self, x: &Tensor, bias: Option<&str>) -> Result<Tensor, NetError> {
        match bias {
            Some(name) => Ok(x.broadcast_add(&self.tensor(name)?.reshape((1, (), 1, 1))?)?),
            None => Ok(x.clone()),
        }
    }

    fn conv(&self, conv: &Conv, x: &Tensor) -> Result<Tensor, NetError> {
        let weight = self.tensor(&conv.weight)?;
        let x = pad(x, conv.pad)?;
        let depthwise = conv.is_depthwise(x.dim(1)?);
        let y = match (depthwise, x.device()) {
            (true, Device::Cpu) => {
                let kernel = weight.flatten_all()?.to_vec1::<f32>()?;
                x.apply_op1_no_bwd(&DepthwisePlanes { kernel, size: conv.kernel, stride: conv.stride })?
            }
            (true, _) => shifted_sums(&x, weight, conv)?,
            (false, _) => dense(&x, weight, conv)?,
        };
        self.activate(&self.add_bias(&y, conv.bias.as_deref())?, &conv.activation)
    }

    fn activate(&self, x: &Tensor, activation: &Activation) -> Result<Tensor, NetError> {
        Ok(match activation {
            Activation::None => x.clone(),
            Activation::Relu => x.relu()?,
            Activation::Prelu(slopes) => {
                let slopes = self.tensor(slopes)?.reshape((1, (), 1, 1))?;
                (x.relu()? - x.neg()?.relu()?.broadcast_mul(&slopes)?)?
            }
            Activation::Sigmoid => sigmoid(x)?,
            Activation::HardSigmoid { slope } => x.affine(f64::from(*slope), 0.5)?.clamp(0f32, 1f32)?,
            Activation::HardSwish => (x * x.affine(1.0 / 6.0, 0.5)?.clamp(0f32, 1f32)?)?,
            Activation::Silu => (x * sigmoid(x)?)?,
            Activation::Gelu => x.gelu_erf()?,
        })
    }
}

/// Maps go out as NHWC; what a last linear layer made, as rows.
fn output(graph: &Graph, values: &[Tensor], value: Value) -> Result<Tensor, NetError> {
    let (Some(made), Some(node)) = (values.get(value.0), graph.nodes.get(value.0)) else {
        return Err(NetError::Graph(format!("{}: no node {}", graph.name, value.0)));
    };
    match node.op {
        Op::Linear { .. } => Ok(made.flatten_from(1)?),
        _ => Ok(made.permute((0, 2, 3, 1))?.contiguous()?),
    }
}

fn sigmoid(x: &Tensor) -> candle_core::Result<Tensor> {
    (x.neg()?.exp()? + 1.0)?.recip()
}

fn pad(x: &Tensor, pad: Pad) -> candle_core::Result<Tensor> {
    if pad == Pad::NONE {
        return Ok(x.clone());
    }
    x.pad_with_zeros(2, pad.top, pad.bottom)?.pad_with_zeros(3, pad.left, pad.right)?.contiguous()
}

fn softmax(x: &Tensor, axis: usize) -> candle_core::Result<Tensor> {
    let x = x.broadcast_sub(&x.max_keepdim(axis)?)?.exp()?;
    x.broadcast_div(&x.sum_keepdim(axis)?)
}

fn attention(x: &Tensor, heads: usize) -> candle_core::Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let (tokens, size) = (h * w, c / 3 / heads);
    // [n · heads, tokens, size] each.
    let x = x.reshape((n, 3, heads, size, tokens))?;
    let part = |i: usize| x.narrow(1, i, 1)?.reshape((n * heads, size, tokens))?.transpose(1, 2)?.contiguous();
    let (q, k, v) = (part(0)?, part(1)?, part(2)?);
    let scores = (q.matmul(&k.transpose(1, 2)?)? * (size as f64).sqrt().recip())?;
    let mixed = softmax(&scores, 2)?.matmul(&v)?;
    mixed.transpose(1, 2)?.contiguous()?.reshape((n, c / 3, h, w))
}

/// candle strides both axes alike, so unequal strides convolve at the finer one and then keep every so-many-th row.
fn dense(x: &Tensor, weight: &Tensor, conv: &Conv) -> Result<Tensor, NetError> {
    let (down, right) = conv.stride;
    if down == right {
        return Ok(x.conv2d(weight, 0, down, 1, conv.groups)?);
    }
    let y = x.conv2d(weight, 0, 1, 1, conv.groups)?;
    let y = every(&y, 2, down)?;
    Ok(every(&y, 3, right)?)
}

fn every(x: &Tensor, axis: usize, stride: usize) -> candle_core::Result<Tensor> {
    if stride == 1 {
        return Ok(x.clone());
    }
    let kept: Vec<u32> = (0..x.dim(axis)? as u32).step_by(stride).collect();
    let count = kept.len();
    x.contiguous()?.index_select(&Tensor::from_vec(kept, count, x.device())?, axis)
}

/// Depthwise as one multiply-add per tap over all channels: candle would start one convolution per channel.
fn shifted_sums(x: &Tensor, weight: &Tensor, conv: &Conv) -> Result<Tensor, NetError> {
    let (_, channels, h, w) = x.dims4()?;
    let (high, wide) = (h - conv.kernel.0 + 1, w - conv.kernel.1 + 1);
    let mut sum: Option<Tensor> = None;
    for ky in 0..conv.kernel.0 {
        let rows = every(&x.narrow(2, ky, high)?, 2, conv.stride.0)?;
        for kx in 0..conv.kernel.1 {
            let shifted = every(&rows.narrow(3, kx, wide)?, 3, conv.stride.1)?;
            let tap = weight.narrow(2, ky, 1)?.narrow(3, kx, 1)?.reshape((1, channels, 1, 1))?;
            let product = shifted.broadcast_mul(&tap)?;
            sum = Some(match sum {
                Some(sum) => (sum + product)?,
                None => product,
            });
        }
    }
    sum.ok_or_else(|| NetError::Graph(format!("{} has an empty kernel", conv.weight)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_depthwise_agree() {
        let device = Device::Cpu;
        for (kernel, stride) in [(3, (1, 1)), (3, (2, 2)), (3, (2, 1)), (5, (1, 2))] {
            let x = Tensor::randn(0f32, 1f32, (2, 5, 17, 14), &device).unwrap();
            let weight = Tensor::randn(0f32, 1f32, (5, 1, kernel, kernel), &device).unwrap();
            let conv = Conv { stride, ..Conv::depthwise("any", 5, kernel) };
            let x = pad(&x, conv.pad).unwrap();
            let op =
                DepthwisePlanes { kernel: weight.flatten_all().unwrap().to_vec1().unwrap(), size: conv.kernel, stride };
            let ours = x.apply_op1_no_bwd(&op).unwrap();
            let sums = shifted_sums(&x, &weight, &conv).unwrap();
            let looped = dense(&x, &weight, &conv).unwrap();
            for other in [sums, looped] {
                assert_eq!(ours.dims(), other.dims());
                let apart = (&ours - other).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
                assert!(apart < 1e-4, "{apart} apart with kernel {kernel} and stride {stride:?}");
            }
        }
    }
}
