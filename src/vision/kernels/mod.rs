//! The inner loops. Numbers in, numbers out: nothing here knows networks, files or photos.
//!
//! Each kernel has a plain twin in safe code and, where the processor has them, twins in wider instructions; tests hold
//! them together. Nothing else in the program is `unsafe`.
#![allow(unsafe_code)]
// Elsewhere than on x86-64 only the plain twins are entered, and what belongs to the others lies idle.
#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, unused_imports, unused_mut, unused_variables))]

pub mod attention;
mod buffer;
mod depthwise;
mod gemm;
mod isa;
mod linear;
mod peak;
mod planes;
mod pool;
pub mod simple;
#[cfg(test)]
mod tests;
mod vector;
mod winograd;

pub use attention::attention_scratch;
pub use buffer::Buffer;
pub use depthwise::{Filters, depthwise};
pub use gemm::{Panels, Pixels, multiply};
pub use isa::Isa;
pub use linear::{Matrix, multiply_rows};
pub use planes::DepthwisePlanes;
pub use pool::max_pool;
pub use winograd::{Winograd, winograd};
