//! The nouns and their laws. No input or output, no clock, no randomness: everything here is a value.

pub mod evidence;
pub mod hex;
pub mod id;
pub mod score;
pub mod time;
