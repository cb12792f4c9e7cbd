//! Depthwise convolution on NCHW planes as a candle operation: the plain executor's own, since candle 0.11 runs grouped
//! convolution as one convolution per channel. The map comes already padded.
#![allow(clippy::indexing_slicing)] // Bounds follow from the shapes checked on entry.

use candle_core::{CpuStorage, CustomOp1, Error, Layout, Result, Shape};

pub struct DepthwisePlanes {
    /// `[channels, rows, columns]`, flat.
    pub kernel: Vec<f32>,
    /// Rows, columns; likewise the stride.
    pub size: (usize, usize),
    pub stride: (usize, usize),
}

impl CustomOp1 for DepthwisePlanes {
    fn name(&self) -> &'static str {
        "depthwise-planes"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (n, channels, h, w) = layout.shape().dims4()?;
        let (kh, kw) = self.size;
        let Some((start, end)) = layout.contiguous_offsets() else {
            return Err(Error::Msg("depthwise: the map is not contiguous".into()));
        };
        if self.kernel.len() != channels * kh * kw || kh == 0 || kw == 0 || h < kh || w < kw {
            return Err(Error::Msg(format!("depthwise: a {kh}×{kw} kernel does not fit {channels}×{h}×{w}")));
        }
        let x = &storage.as_slice::<f32>()?[start..end];
        let (high, wide) = ((h - kh) / self.stride.0 + 1, (w - kw) / self.stride.1 + 1);
        let mut y = vec![0f32; n * channels * high * wide];
        for (plane, out) in y.chunks_exact_mut(high * wide).enumerate() {
            let from = &x[plane * h * w..][..h * w];
            let taps = &self.kernel[plane % channels * kh * kw..][..kh * kw];
            for (row, out) in out.chunks_exact_mut(wide).enumerate() {
                for (tap, &weight) in taps.iter().enumerate() {
                    let line = &from[(row * self.stride.0 + tap / kw) * w + tap % kw..];
                    for (out, &value) in out.iter_mut().zip(line.iter().step_by(self.stride.1)) {
                        *out += weight * value;
                    }
                }
            }
        }
        Ok((CpuStorage::F32(y), Shape::from((n, channels, high, wide))))
    }
}
