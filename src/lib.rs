//! twoface: identity verification on your own server.

pub mod clock;
pub mod crypto;
pub mod domain;
pub mod evaluate;
pub mod store;
pub mod vision;
