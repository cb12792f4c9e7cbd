//! The console: events in, state and actions out; each pane as a picture; the real executable in a terminal beside a real server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod commands;
mod large;
mod made_up;
mod pictures;
mod screen;
#[path = "../served/mod.rs"]
mod served;
mod session;
mod socket;
mod updates;
