//! The served executable under siege and over time.
//!
//!     cargo run --release --example siege -- --binary FILE slow [--sockets 2000] [--seconds 20]
//!     cargo run --release --example siege -- --binary FILE soak [--requests 200000] [--erase-every 1]
//!     cargo run --release --example siege -- --binary FILE clips [--clips 20000] [--seed 1] FOLDER…
//!
//! `slow`: what honest clients get done while thousands of sockets say nothing, whisper a head, or whisper a body, against what
//! they get done without; fails below 95 % of what the attackers, who share the machine, leave of the processors. `soak`: mixed requests; fails if memory or descriptors grow. `clips`: damaged clips, asked about like whole ones;
//! fails if one is answered late, not at all or with 5xx, or if memory or descriptors grow.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a tool for measurements"
)]

mod attackers;
mod damaged;
mod honest;
#[path = "../clips/mutate.rs"]
mod mutate;
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
        /// With 1 no record is kept but in the audit log and the list of events; with 20 it shows what records cost
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
        erase_every: u64,
    },
    Clips {
        /// With whole clips
        #[arg(required = true)]
        folders: Vec<PathBuf>,
        #[arg(long, default_value_t = 20_000)]
        clips: u64,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

fn main() {
    let Arguments { binary, what } = Arguments::parse();
    let server = server::Server::start(&binary);
    match what {
        What::Slow { sockets, seconds } => slow(&server, sockets, seconds),
        What::Soak { requests, clients, erase_every } => soak(&server, requests, clients, erase_every),
        What::Clips { folders, clips, seed } => damaged_clips(&server, &folders, clips, seed),
    }
}

/// Windows take turns, so that whatever else the machine does falls on both.
fn slow(server: &server::Server, sockets: usize, seconds: u64) {
    let cores = std::thread::available_parallelism().unwrap().get() as f64;
    let (mut free, mut besieged, mut left) = (0, 0, 0.0);
    for round in 0..2 {
        let calm = honest::done_in(server, 4, seconds);
        let siege = attackers::Siege::lay(server, sockets);
        let held = siege.wait_until_standing(sockets);
        let before = siege.used();
        let under = honest::done_in(server, 4, seconds);
        // Where the attackers have a machine of their own, they do not take this of the server's.
        let taken = (siege.used() - before).as_secs_f64() / (cores * seconds as f64);
        let told = siege.lift();
        println!(
            "round {round}: {calm} without, {under} with {held} sockets held ({told}), {:.1} % of the processors used by the attackers",
            100.0 * taken
        );
        free += calm;
        left += calm as f64 * (1.0 - taken);
        besieged += under;
    }
    let share = 100.0 * besieged as f64 / free as f64;
    let own = 100.0 * besieged as f64 / left;
    println!(
        "honest clients kept {share:.1} % of their goodput, {own:.1} % of what the attackers left of the processors; {}",
        server.state()
    );
    assert!(own >= 95.0, "below 95 %");
}

fn soak(server: &server::Server, requests: u64, clients: usize, erase_every: u64) {
    let warm = requests / 10;
    honest::mixed(server, clients, warm, erase_every);
    let before = server.state();
    println!("after {warm} requests: {before}");
    let mut at = warm;
    while at < requests {
        honest::mixed(server, clients, warm, erase_every);
        at += warm;
        println!("after {at} requests: {}", server.state());
    }
    let after = server.state();
    assert!(after.descriptors <= before.descriptors + 8, "descriptors grow");
    assert!(after.resident_kib <= before.resident_kib + 32 * 1024, "memory grows");
}

fn damaged_clips(server: &server::Server, folders: &[PathBuf], clips: u64, seed: u64) {
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files
        .filter(|path| path.is_file() && path.extension().is_none_or(|extension| extension != "framehash"))
        .collect();
    files.sort();
    let corpus: Vec<Vec<u8>> = files.iter().map(|path| std::fs::read(path).unwrap()).collect();
    // Every path has been taken, and every thread has its memory.
    damaged::send(server, &corpus, clips / 20, seed);
    let before = server.state();
    let sent = damaged::send(server, &corpus, clips, seed + 1);
    let after = server.state();
    println!("{} clips from {} whole ones; before: {before}; after: {after}", sent.clips, corpus.len());
    println!("slowest {:.1} s; answers:", sent.slowest.as_secs_f64());
    for (answer, count) in &sent.answers {
        println!("  {count:6}  {answer}");
    }
    assert!(sent.slowest < damaged::ANSWERED_WITHIN, "a clip held up its client");
    assert!(after.descriptors <= before.descriptors + 8, "descriptors grow");
    assert!(after.resident_kib <= before.resident_kib + 64 * 1024, "memory grows");
}
