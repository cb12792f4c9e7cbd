//! The largest of each window, for one output row of square pooling.
#![allow(clippy::indexing_slicing)] // Kernels check their slices once on entry; an index out of bounds is a bug here.

use super::isa::{Isa, Kind};
use super::vector::Vector;

/// `rows` are the input rows under the window; pixels of all rows are `channels` floats apart.
pub fn max_pool(isa: Isa, rows: &[&[f32]], stride: usize, channels: usize, out: &mut [f32]) {
    let count = out.len() / channels;
    let Some(last) = count.checked_sub(1) else { return };
    for row in rows {
        let _ = &row[..(last * stride + rows.len()) * channels];
    }
    match (isa.0, rows) {
        // SAFETY (both): the `Isa` proves the instructions; the rows were checked above, and are whole vectors.
        #[cfg(target_arch = "x86_64")]
        (Kind::Avx512, [above, below]) if channels.is_multiple_of(16) => unsafe {
            avx512([above, below], stride, channels, out)
        },
        #[cfg(target_arch = "x86_64")]
        (Kind::Avx2, [above, below]) if channels.is_multiple_of(8) => unsafe {
            avx2([above, below], stride, channels, out)
        },
        _ => scalar(rows, stride, channels, out),
    }
}

/// The plain twin, and any other window.
fn scalar(rows: &[&[f32]], stride: usize, channels: usize, out: &mut [f32]) {
    for (pixel, out) in out.chunks_exact_mut(channels).enumerate() {
        out.fill(f32::NEG_INFINITY);
        for row in rows {
            for column in 0..rows.len() {
                let values = &row[(pixel * stride + column) * channels..][..channels];
                out.iter_mut().zip(values).for_each(|(o, &x)| *o = if x > *o { x } else { *o });
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn avx2(rows: [&[f32]; 2], stride: usize, channels: usize, out: &mut [f32]) {
    // SAFETY: the caller's, and the instructions are enabled here.
    unsafe { two_by_two::<super::vector::Ymm>(rows, stride, channels, out) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma,f16c")]
unsafe fn avx512(rows: [&[f32]; 2], stride: usize, channels: usize, out: &mut [f32]) {
    // SAFETY: the caller's, and the instructions are enabled here.
    unsafe { two_by_two::<super::vector::Zmm>(rows, stride, channels, out) }
}

/// # Safety
/// `V`'s instructions exist; `channels` is a multiple of `LANES`, and both rows hold the windows of all pixels of `out`.
#[inline(always)]
unsafe fn two_by_two<V: Vector>(rows: [&[f32]; 2], stride: usize, channels: usize, out: &mut [f32]) {
    let (above, below, made) = (rows[0].as_ptr(), rows[1].as_ptr(), out.as_mut_ptr());
    // SAFETY: the caller's.
    unsafe {
        for pixel in 0..out.len() / channels {
            let from = pixel * stride * channels;
            for channel in (0..channels).step_by(V::LANES) {
                let at = from + channel;
                let left = V::load(above.add(at)).max(V::load(below.add(at)));
                let right = V::load(above.add(at + channels)).max(V::load(below.add(at + channels)));
                left.max(right).store(made.add(pixel * channels + channel));
            }
        }
    }
}
