//! twoface: identity verification on your own server.
//!
//! ```text
//!    clients ── HTTPS ──► api ──┐              ┌── admin ◄── unix socket ── command line
//!                               ▼              ▼
//!                              service     the verbs: open, submit, run, settle, register, erase
//!                               │   ├──── calls `dyn domain::evidence::Examiner` ◄── implemented by vision (pixels → facts)
//!                               │   └──── calls `dyn domain::webhook::Courier` ◄── implemented by outbound (webhooks)
//!                               ▼
//!                              store       the only durable thing
//!                               ▼
//!                              domain      the nouns and their laws
//! ```
//!
//! `server` alone knows every part: it builds each and joins them.

pub mod archive;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod telemetry;

pub mod domain;

pub mod store;
pub mod vision;

pub mod service;

pub mod outbound;

pub mod admin;
pub mod api;
pub mod listen;
pub mod metrics;
pub mod systemd;
pub mod tls;

pub mod server;

pub mod cli;
pub mod client;
pub mod console;
pub mod demo;
pub mod docs;
pub mod doctor;
pub mod evaluate;
pub mod evidence;
pub mod models;
pub mod offline;
