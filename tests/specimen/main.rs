//! Fictitious identity documents with known truth, for training, tuning and measuring: `cargo run --example specimen`.
//!
//! Seeds, not files, are the data set: the same command draws the same photos anywhere.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a development tool that fails by stopping"
)]

mod background;
mod canvas;
mod cedula;
mod dice;
mod flat;
mod passport;
mod people;
mod stock;
mod zone;

use std::io::Cursor;
use std::path::{Path, PathBuf};

use clap::Parser;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use twoface::vision::evaluate::documents::truth::{FILE, Level, Specimen, Truth};

use dice::Dice;
use flat::Flat;
use stock::{Split, Stock};

type Draw = fn(&Stock, &mut Dice) -> Flat;

/// Every kind of document, drawn equally often.
const DOCUMENTS: [Draw; 5] =
    [cedula::front_2026, cedula::back_2026, cedula::front_2014, cedula::back_2014, passport::data_page];

/// Draws fictitious identity documents with known truth.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// The documents alone, flat, as they were drawn
    Flat(Common),
}

#[derive(clap::Args)]
struct Common {
    /// Which fonts, faces, backgrounds and seeds
    #[arg(long)]
    split: Split,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long)]
    count: u64,
    /// Folder of the fonts (Debian's packages lie under /usr/share/fonts)
    #[arg(long, default_value = "/usr/share/fonts")]
    fonts: PathBuf,
    /// Folder of the portraits
    #[arg(long, default_value = "tests/golden")]
    faces: PathBuf,
    /// Folder to fill
    #[arg(long)]
    out: PathBuf,
}

fn main() {
    if let Err(error) = run(&Arguments::parse()) {
        eprintln!("specimen: {error}");
        std::process::exit(1);
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    match &arguments.command {
        Command::Flat(common) => {
            let stock = Stock::load(common.split, &common.fonts, &common.faces)?;
            fill(common, |index| {
                let seed = common.seed + index;
                let flat = draw(&stock, index, seed);
                let file = format!("{index:05}.jpg");
                let page = flat.document();
                let (width, height) = page.dimensions();
                let mut specimen = flat.known.specimen(file, Level::Flat, seed, (width, height));
                let (right, bottom) = (f64::from(width), f64::from(height));
                specimen.corners = Some([[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]]);
                (specimen, jpeg(&page, 92))
            })
        }
    }
}

/// Documents take turns by kind.
fn draw(stock: &Stock, index: u64, seed: u64) -> Flat {
    DOCUMENTS[(index % DOCUMENTS.len() as u64) as usize](stock, &mut stock.split.dice(seed))
}

/// Writes `count` photos and the truth of all.
fn fill(common: &Common, make: impl Fn(u64) -> (Specimen, Vec<u8>)) -> Result<(), String> {
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    std::fs::create_dir_all(&common.out).map_err(|error| failed(&common.out, error))?;
    let mut photos = Vec::new();
    for index in 0..common.count {
        let (specimen, file) = make(index);
        let path = common.out.join(&specimen.file);
        std::fs::write(&path, file).map_err(|error| failed(&path, error))?;
        photos.push(specimen);
    }
    let truth = Truth { split: common.split.name().into(), photos };
    let text = serde_json::to_vec(&truth).map_err(|error| error.to_string())?;
    let path = common.out.join(FILE);
    std::fs::write(&path, text).map_err(|error| failed(&path, error))
}

fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture
        .write_with_encoder(JpegEncoder::new_with_quality(&mut file, quality))
        .expect("memory takes what it is given");
    file.into_inner()
}
