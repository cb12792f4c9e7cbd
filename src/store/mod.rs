//! The only durable thing.
//!
//! Everything above this layer sees [`Store::get`], [`Store::scan`], [`Store::commit`] and the sealed files; nothing above it
//! knows what lies beneath. A commit that has returned is on the disk.

pub mod tables;
