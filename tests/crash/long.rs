//! The long forms of the crash tests: `cargo build --bin twoface && cargo run --example crash -- kill --cycles 1000 --seed 1`, and
//! `power`, `index`, `journal`.
//!
//! Each drives the real executable, prints what it did as plain lines, and fails on any loss.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod check;
mod damage;
mod dice;
mod disk;
mod index;
mod journal;
mod kill;
mod power;
mod server;
mod story;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use twoface::clock::Stopwatch;

use check::Fault;
use kill::Figures;

#[derive(Parser)]
#[command(name = "crash", about = "Kills, cuts the power of and damages a real server, and looks for what is lost")]
struct Arguments {
    form: Form,
    /// How many times; each form has its own default
    #[arg(long)]
    cycles: Option<u64>,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The executable; by default the one of the same build
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Form {
    /// kill -9 at random instants
    Kill,
    /// Power cuts on a disk that forgets what was not synced (needs root and /dev/fuse)
    Power,
    /// Damaged indexes: all of them recover
    Index,
    /// Damaged journals, checkpoints, sealed files and keys: all of them are told
    Journal,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let watch = Stopwatch::start();
    let result = run(&arguments);
    println!("seconds {:.0}", watch.elapsed().as_secs_f64());
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("crash: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing was lost.
fn run(arguments: &Arguments) -> Result<bool, String> {
    let binary = match &arguments.binary {
        Some(binary) => binary.clone(),
        None => beside()?,
    };
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let seed = arguments.seed;
    let cycles = |default| arguments.cycles.unwrap_or(default);
    match arguments.form {
        Form::Kill => {
            let figures = kill::run(&binary, folder.path(), seed, cycles(1000))?;
            println!("kill -9: {} cycles, {} of them during the start, seed {seed}", figures.cycles, figures.at_start);
            Ok(tell(&figures))
        }
        Form::Power => {
            let (figures, cut) = power::run(&binary, folder.path(), seed, cycles(300))?;
            println!("power cuts: {}, {} of them during the start, seed {seed}", figures.cycles, figures.at_start);
            println!(
                "unsynced sectors: {} kept, {} lost; names lost {}",
                cut.sectors_kept, cut.sectors_lost, cut.names_lost
            );
            Ok(tell(&figures))
        }
        Form::Index => {
            let figures = index::run(&binary, folder.path(), seed, cycles(500))?;
            println!("damaged indexes: {}, seed {seed}", figures.cycles);
            Ok(tell(&figures))
        }
        Form::Journal => {
            let told = journal::run(&binary, folder.path(), seed, cycles(500))?;
            println!("damaged journals, checkpoints, files and keys: {}, seed {seed}: {:?}", told.cycles, told.by_file);
            println!("judged through the executable: {}", told.served);
            println!("refused at the start: {}", told.at_start);
            println!("refused on read: {}", told.on_read);
            println!("served whole from elsewhere, told by fsck: {}", told.by_fsck);
            println!("not told: {}", told.unnoticed.len());
            println!("silently served: {}", told.wrong.len());
            told.unnoticed.iter().for_each(|what| println!("NOT TOLD {what}"));
            told.wrong.iter().for_each(|what| println!("WRONG {what}"));
            Ok(told.unnoticed.is_empty() && told.wrong.is_empty())
        }
    }
}

fn tell(figures: &Figures) -> bool {
    let count = |wanted: fn(&Fault) -> bool| figures.faults.iter().filter(|fault| wanted(fault)).count();
    println!("acknowledged effects: {}", figures.acknowledged);
    println!("sessions checked: {}, users at the end: {}", figures.checked, figures.users);
    println!("index built again: {}", figures.rebuilt);
    println!("lost: {}", count(|fault| matches!(fault, Fault::Lost(_))));
    println!("torn: {}", count(|fault| matches!(fault, Fault::Torn(_))));
    println!("unreadable: {}", count(|fault| matches!(fault, Fault::Refused(_))));
    figures.faults.iter().for_each(|fault| println!("{fault}"));
    figures.faults.is_empty()
}

/// The executable that was built with this example.
fn beside() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let binary = own.parent().and_then(Path::parent).map(|folder| folder.join("twoface"));
    binary.filter(|binary| binary.exists()).ok_or_else(|| "build it first: cargo build --bin twoface".into())
}
