//! The inner loops. Numbers in, numbers out: nothing here knows networks, files or photos.
//!
//! Each kernel has a plain twin in safe code and, where the processor has them, twins in wider instructions; tests hold
//! them together. Nothing else in the program is `unsafe`.
#![allow(unsafe_code)]

pub mod attention;
mod buffer;
mod depthwise;
mod gemm;
mod isa;
mod linear;
mod planes;
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
pub use winograd::{Winograd, winograd};
