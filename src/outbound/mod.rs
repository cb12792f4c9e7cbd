//! The only part that opens connections of its own accord: webhooks, to places on the configured list.
//!
//! Nothing here decides what is sent or when; `service` does, and asks for it through `domain::webhook::Courier`.

mod resolve;
mod send;

pub use send::{CannotSend, Outbound};
