//! The one integration binary: each module speaks to a real server over TLS.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod documented;
mod harness;

mod accounts;
mod attempts;
mod audit;
mod clips;
mod conformance;
mod documents;
mod events;
mod faces;
mod film;
mod filmed;
mod gate;
mod jobs;
mod keys;
mod legacy;
mod limits;
mod metrics;
mod models;
mod once;
mod openapi;
mod real;
mod receiver;
mod script;
mod sessions;
mod tls;
mod users;
mod webhooks;
mod workflows;
