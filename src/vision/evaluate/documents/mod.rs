//! How well documents are found and read on a set of photos whose truth is known.

pub mod truth;
