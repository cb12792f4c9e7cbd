//! The inner loops. Numbers in, numbers out: nothing here knows networks, files or photos.

mod planes;

pub use planes::DepthwisePlanes;
