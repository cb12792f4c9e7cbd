//! Pixels to facts. Nothing here knows sessions, thresholds or HTTP, and nothing outside knows tensors.

mod kernels;
pub mod nets;
