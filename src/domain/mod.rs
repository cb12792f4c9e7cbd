//! The nouns and their laws. No input or output, no clock, no randomness: everything here is a value.

pub mod account;
pub mod address;
pub mod attempt;
pub mod audit;
pub mod base64;
pub mod block;
pub mod challenge;
pub mod clip;
pub mod document;
pub mod event;
pub mod evidence;
pub mod hex;
pub mod id;
pub mod job;
pub mod key;
pub mod liveness;
pub mod refusal;
pub mod replay;
pub mod score;
pub mod target;
pub mod time;
pub mod user;
pub mod webhook;
pub mod workflow;
