//! The long forms of the clip tests; `README.md` beside this says how they are run.
//!
//! Each prints what it did as plain lines, and fails on any picture that differs and on anything that outlives its limit.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod hostile;
mod mutate;
mod parity;
mod speed;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "clips", about = "Decodes clips: against ffmpeg, against the clock, and damaged by the thousand")]
struct Arguments {
    /// The executable; by default the one of the same build
    #[arg(long, value_name = "FILE", global = true)]
    binary: Option<PathBuf>,
    #[command(subcommand)]
    form: Form,
}

#[derive(Subcommand)]
enum Form {
    /// Every picture of every clip that `make.sh` made, against ffmpeg's
    Parity { folder: PathBuf },
    /// Damaged clips through the server's decoder
    Hostile {
        /// Folders with whole clips; files in them are damaged, and first of all sent as they are
        #[arg(required = true)]
        folders: Vec<PathBuf>,
        #[arg(long, default_value_t = 20_000)]
        cycles: u64,
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Keeps the clip that is being decoded
        #[arg(long, value_name = "FILE")]
        current: Option<PathBuf>,
    },
    /// Time for a second of video, and the worker's memory
    Speed { clips: Vec<PathBuf> },
    /// What a photo would cost in a worker: start, walls, and the way of its pixels
    Photo { photos: Vec<PathBuf> },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let binary = arguments.binary.unwrap_or_else(beside);
    let good = match arguments.form {
        Form::Parity { folder } => compare(&folder),
        Form::Hostile { folders, cycles, seed, current } => damage(&binary, &folders, cycles, seed, current),
        Form::Speed { clips } => clips.iter().all(|clip| speed::clip(&binary, clip)),
        Form::Photo { photos } => photos.iter().all(|photo| speed::photo(&binary, photo)),
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `target/…/debug/twoface` from `target/…/debug/examples/clips`.
fn beside() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.parent().and_then(Path::parent).unwrap().join("twoface")
}

fn compare(folder: &Path) -> bool {
    let mut good = true;
    for clip in parity::clips(folder) {
        let name = clip.file_name().unwrap().display();
        match parity::compare(&clip) {
            Ok(parity::Compared { pictures, difference: None }) => println!("{name}: {pictures} pictures equal"),
            Ok(parity::Compared { pictures, difference: Some(most) }) => {
                println!("{name}: {pictures} pictures, brightness differs by {most:.2} on average at most");
            }
            Err(why) => {
                println!("{name}: DIFFERS: {why}");
                good = false;
            }
        }
    }
    good
}

fn damage(binary: &Path, folders: &[PathBuf], cycles: u64, seed: u64, current: Option<PathBuf>) -> bool {
    let mut names: Vec<PathBuf> =
        folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path()).collect();
    names.retain(|name| {
        name.is_file()
            && name.extension().is_none_or(|ending| !["framehash", "rgb24", "md", "csv"].iter().any(|no| ending == *no))
    });
    names.sort();
    let corpus: Vec<Vec<u8>> =
        names.iter().map(|name| fs::read(name).unwrap()).filter(|file| !file.is_empty()).collect();
    println!("clips {}", corpus.len());
    let plan = hostile::Plan { binary, cycles, seed, seconds_max: 30, current };
    let figures = hostile::run(&plan, &corpus);
    println!("{figures:#?}");
    figures.hangs == 0
        && figures.left_over == 0
        && figures.grown() < hostile::GROWTH_MAX
        && !figures.answers.contains_key("NoDecoder")
}
