//! Operations of transformers: normalising and weighing the channels of a pixel, and attention among pixels.
#![allow(clippy::indexing_slicing)] // Bounds follow from the sizes that the caller plans with, and every access is checked.

use super::isa::versions;
use super::simple::exp;

versions! {
    /// Every pixel's channels to mean zero and variance one, then weighed and shifted. What lies between the channels
    /// and the next pixel becomes zero.
    pub fn layer_norm(x: &[f32], pitch: usize, weight: &[f32], bias: &[f32], epsilon: f32, out: &mut [f32]) {
        let channels = weight.len();
        for (x, out) in x.chunks_exact(pitch).zip(out.chunks_exact_mut(pitch)) {
            let mean = sum(&x[..channels], |x| x) / channels as f32;
            let variance = sum(&x[..channels], |x| (x - mean) * (x - mean)) / channels as f32;
            let scale = 1.0 / (variance + epsilon).sqrt();
            out[channels..].fill(0.0);
            for (((o, &x), &w), &b) in out.iter_mut().zip(x).zip(weight).zip(bias) {
                *o = (x - mean) * scale * w + b;
            }
        }
    }
}

versions! {
    /// Every pixel's channels to shares of one.
    pub fn softmax(x: &[f32], pitch: usize, channels: usize, out: &mut [f32]) {
        for (x, out) in x.chunks_exact(pitch).zip(out.chunks_exact_mut(pitch)) {
            out[..channels].copy_from_slice(&x[..channels]);
            out[channels..].fill(0.0);
            shares::<FUSED>(&mut out[..channels]);
        }
    }
}

/// Floats of scratch that [`attention`] takes for so many tokens and numbers per head.
pub fn attention_scratch(tokens: usize, size: usize) -> usize {
    (2 * size + 1) * tokens.next_multiple_of(16)
}

versions! {
    /// Attention among the pixels of one image: `x` has queries, keys and values side by side, `out` a third of that;
    /// `split` is the number of heads and the numbers of each.
    pub fn attention(
        x: &[f32],
        pitch: usize,
        split: (usize, usize),
        scratch: &mut [f32],
        out: &mut [f32],
        out_pitch: usize,
    ) {
        let (heads, size) = split;
        let tokens = x.len() / pitch;
        let wide = tokens.next_multiple_of(16);
        let scale = 1.0 / (size as f32).sqrt();
        let (keys, rest) = scratch.split_at_mut(size * wide);
        let (values, rest) = rest.split_at_mut(size * wide);
        let scores = &mut rest[..wide];
        for head in 0..heads {
            // Keys and values with the tokens side by side, so that vectors run over tokens.
            for (token, x) in x.chunks_exact(pitch).enumerate() {
                for i in 0..size {
                    keys[i * wide + token] = x[(heads + head) * size + i];
                    values[i * wide + token] = x[(2 * heads + head) * size + i];
                }
            }
            for (x, out) in x.chunks_exact(pitch).zip(out.chunks_exact_mut(out_pitch)) {
                scores.fill(0.0);
                for (query, keys) in x[head * size..][..size].iter().zip(keys.chunks_exact(wide)) {
                    let query = query * scale;
                    scores.iter_mut().zip(keys).for_each(|(s, &k)| *s += query * k);
                }
                shares::<FUSED>(&mut scores[..tokens]);
                scores[tokens..].fill(0.0);
                for (out, values) in out[head * size..][..size].iter_mut().zip(values.chunks_exact(wide)) {
                    *out = dot(&scores[..tokens], &values[..tokens]);
                }
            }
        }
    }
}

#[inline(always)]
fn shares<const FUSED: bool>(x: &mut [f32]) {
    let largest = x.iter().fold(f32::NEG_INFINITY, |m, &x| if x > m { x } else { m });
    x.iter_mut().for_each(|x| *x = exp::<FUSED>(*x - largest));
    let share = 1.0 / sum(x, |x| x);
    x.iter_mut().for_each(|x| *x *= share);
}

/// In sixteen sums, so that it vectorises; the order is the same for every instruction set.
#[inline(always)]
fn sum(x: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = x.as_chunks::<16>();
    let mut sums = [0f32; 16];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(s, &x)| *s += of(x));
    }
    rest.iter().fold(sums.iter().sum(), |s, &x| s + of(x))
}

#[inline(always)]
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let mut sums = [0f32; 16];
    for (a, b) in a.iter().zip(b) {
        sums.iter_mut().zip(a).zip(b).for_each(|((s, &a), &b)| *s += a * b);
    }
    a_rest.iter().zip(b_rest).fold(sums.iter().sum(), |s, (&a, &b)| s + a * b)
}
