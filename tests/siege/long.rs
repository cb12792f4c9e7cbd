//! The served executable under siege and over time.
//!
//!     cargo run --release --example siege -- --binary FILE slow [--sockets 2000] [--seconds 20]
//!     cargo run --release --example siege -- --binary FILE soak [--requests 200000]
//!
//! `slow`: what honest clients get done while thousands of sockets say nothing, whisper a head, or whisper a body, against what
//! they get done without; fails below 95 %. `soak`: mixed requests; fails if memory or descriptors grow.

#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "a tool for measurements")]

mod attackers;
mod honest;
mod server;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
struct Arguments {
    /// The executable to serve with
    #[arg(long)]
    binary: PathBuf,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Slow {
        #[arg(long, default_value_t = 2000)]
        sockets: usize,
        /// Of each of the four windows, two of them under siege
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    Soak {
        #[arg(long, default_value_t = 200_000)]
        requests: u64,
        #[arg(long, default_value_t = 4)]
        clients: usize,
    },
}

fn main() {
    let Arguments { binary, what } = Arguments::parse();
    let server = server::Server::start(&binary);
    match what {
        What::Slow { sockets, seconds } => slow(&server, sockets, seconds),
        What::Soak { requests, clients } => soak(&server, requests, clients),
    }
}

/// Windows take turns, so that whatever else the machine does falls on both.
fn slow(server: &server::Server, sockets: usize, seconds: u64) {
    let (mut free, mut besieged) = (0, 0);
    for round in 0..2 {
        let calm = honest::done_in(server, 4, seconds);
        let siege = attackers::Siege::lay(server, sockets);
        let held = siege.wait_until_standing(sockets);
        let under = honest::done_in(server, 4, seconds);
        let told = siege.lift();
        println!("round {round}: {calm} without, {under} with {held} sockets held ({told})");
        free += calm;
        besieged += under;
    }
    let share = 100.0 * besieged as f64 / free as f64;
    println!("honest clients kept {share:.1} % of their goodput; {}", server.state());
    assert!(share >= 95.0, "below 95 %");
}

fn soak(server: &server::Server, requests: u64, clients: usize) {
    let warm = requests / 10;
    honest::mixed(server, clients, warm);
    let before = server.state();
    println!("after {warm} requests: {before}");
    let mut at = warm;
    while at < requests {
        honest::mixed(server, clients, warm);
        at += warm;
        println!("after {at} requests: {}", server.state());
    }
    let after = server.state();
    assert!(after.descriptors <= before.descriptors + 8, "descriptors grow");
    assert!(after.resident_kib <= before.resident_kib + 64 * 1024, "memory grows");
}
