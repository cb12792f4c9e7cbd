//! Documents: found on the photo, laid flat and upright, read, understood, held against themselves. One step per file; what
//! comes out are facts, and nothing here says whether anybody passes.

pub mod mrz;
