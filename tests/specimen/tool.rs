//! Fictitious identity documents with known truth, for training, tuning and measuring: `cargo run --example specimen`.
//!
//! Seeds, not files, are the data set: the same command draws the same photos anywhere.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a development tool that fails by stopping"
)]

mod background;
mod canvas;
mod cedula;
mod clutter;
mod dice;
mod flat;
mod geometry;
mod light;
mod neither;
mod noise;
mod passport;
mod people;
mod photograph;
mod stock;
mod zone;

use std::io::Cursor;
use std::path::{Path, PathBuf};

use clap::Parser;
use image::codecs::jpeg::JpegEncoder;
use image::{RgbImage, imageops};
use twoface::vision::evaluate::documents::truth::{Class, FILE, Level, Specimen, Truth};
use twoface::vision::resize::shrink;

use dice::Dice;
use flat::{Flat, Known};
use geometry::Quad;
use photograph::{Framing, Photo, conditions, photograph};
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
    /// The documents alone, flat, as they were drawn, then what is none
    Flat(Flats),
    /// Photos of documents, then photos of what is none
    Photos(Photos),
    /// Small photos at every level, the documents from a set of this many drawings: much and quickly, for training
    Small(Small),
}

#[derive(clap::Args)]
struct Flats {
    #[command(flatten)]
    common: Common,
    /// How many things that are no document, beyond the `count` that are
    #[arg(long, default_value_t = 0)]
    neither: u64,
}

#[derive(clap::Args)]
struct Photos {
    #[command(flatten)]
    common: Common,
    /// Only this level; otherwise `count` documents at each
    #[arg(long, value_parser = level)]
    level: Option<Level>,
    /// How many photos without a document, beyond the `count` with one, at each level
    #[arg(long, default_value_t = 0)]
    neither: u64,
    /// Enlarge each photo to so many megapixels, as a phone would deliver it
    #[arg(long)]
    megapixels: Option<f64>,
}

#[derive(clap::Args)]
struct Small {
    #[command(flatten)]
    common: Common,
    #[arg(long, default_value_t = 300)]
    drawings: u64,
    /// Longest side of a photo
    #[arg(long, default_value_t = 256)]
    longest: u32,
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
        Command::Flat(given) => flats(given),
        Command::Photos(photos) => self::photos(photos),
        Command::Small(small) => self::small(small),
    }
}

fn flats(flats: &Flats) -> Result<(), String> {
    let common = &flats.common;
    let stock = common.stock()?;
    fill(common, common.count + flats.neither, |index| {
        let seed = common.seed + index;
        let dice = &mut common.split.dice(seed);
        let flat = match index.checked_sub(common.count) {
            None => draw(&stock, index, dice),
            Some(other) => neither::thing(&stock, other, dice),
        };
        let page = flat.document();
        let (width, height) = page.dimensions();
        let mut specimen = flat.known.specimen(name(index), Level::Flat, seed, (width, height));
        specimen.corners = Some(Quad::rectangle(f64::from(width), f64::from(height)).0.map(|(x, y)| [x, y]));
        (specimen, jpeg(&page, 92))
    })
}

fn photos(photos: &Photos) -> Result<(), String> {
    let common = &photos.common;
    let stock = common.stock()?;
    let levels = photos.level.map_or(vec![Level::Easy, Level::Medium, Level::Hard], |level| vec![level]);
    let each = common.count + photos.neither;
    fill(common, each * levels.len() as u64, |index| {
        let (seed, level) = (common.seed + index, levels[(index / each) as usize]);
        let dice = &mut common.split.dice(seed);
        let within = index % each;
        let flat = match within.checked_sub(common.count) {
            None => Some(draw(&stock, within, dice)),
            Some(other) => neither::draw(&stock, other, dice),
        };
        let given = conditions(level);
        let photo = photograph(flat.as_ref(), given, Framing::Whole, &stock, dice, None);
        let known = flat.map_or(Known::neither("scene"), |flat| flat.known);
        finish(photo, known, name(index), (level, seed), photos.megapixels, given.quality)
    })
}

/// One in twenty is as from a scanner, one in twenty cut off, one in seven without a document.
fn small(small: &Small) -> Result<(), String> {
    let common = &small.common;
    let stock = common.stock()?;
    let drawn = |index| draw(&stock, index, &mut common.split.dice(common.seed + index));
    let drawings: Vec<Flat> = (0..small.drawings).map(drawn).map(reduced).collect();
    let other = |index| neither::draw(&stock, index, &mut common.split.dice(common.seed + index)).map(reduced);
    let others: Vec<Option<Flat>> = (0..small.drawings / 4).map(other).collect();
    fill(common, common.count, |index| {
        let seed = common.seed + small.drawings + index;
        let dice = &mut common.split.dice(seed);
        let level = dice.pick(&[Level::Easy, Level::Medium, Level::Hard]);
        let roll = dice.unit();
        let framing = match roll {
            ..0.05 => Framing::Scan,
            ..0.10 => Framing::CutOff,
            _ => Framing::Whole,
        };
        let flat = if roll > 0.86 { dice.choose(&others).as_ref() } else { Some(dice.choose(&drawings)) };
        let photo = photograph(flat, conditions(level), framing, &stock, dice, Some(small.longest));
        let known = flat.map_or(Known::neither("scene"), |flat| flat.known.clone());
        finish(photo, known, name(index), (level, seed), None, 92)
    })
}

/// No larger than a small photo can show.
fn reduced(flat: Flat) -> Flat {
    let pixels = shrink(&flat.pixels, 3.0).into_owned();
    let above = (flat.above as f64 / 3.0).round() as u32;
    Flat { pixels, above, ..flat }
}

fn finish(
    photo: Photo,
    known: Known,
    file: String,
    (level, seed): (Level, u64),
    megapixels: Option<f64>,
    quality: u8,
) -> (Specimen, Vec<u8>) {
    let (width, height) = photo.pixels.dimensions();
    let scale = megapixels.map_or(1.0, |wanted| (wanted * 1e6 / (f64::from(width) * f64::from(height))).sqrt());
    let size = ((f64::from(width) * scale).round() as u32, (f64::from(height) * scale).round() as u32);
    let pixels = if megapixels.is_some() {
        imageops::resize(&photo.pixels, size.0, size.1, imageops::FilterType::Triangle)
    } else {
        photo.pixels
    };
    let document = known.class != Class::Neither;
    let mut specimen = known.specimen(file, level, seed, size);
    specimen.corners = photo.corners.filter(|_| document).map(|corners| corners.map(|at| at.map(|v| v * scale)));
    specimen.rotation_degrees = if document { photo.rotation_degrees } else { 0 };
    (specimen, jpeg(&pixels, quality))
}

fn name(index: u64) -> String {
    format!("{index:05}.jpg")
}

fn level(name: &str) -> Result<Level, String> {
    serde_json::from_value(name.into()).map_err(|_| "one of easy, medium, hard".into())
}

impl Common {
    fn stock(&self) -> Result<Stock, String> {
        Stock::load(self.split, &self.fonts, &self.faces)
    }
}

/// Documents take turns by kind.
fn draw(stock: &Stock, index: u64, dice: &mut Dice) -> Flat {
    DOCUMENTS[(index % DOCUMENTS.len() as u64) as usize](stock, dice)
}

/// Writes `count` photos and the truth of all.
fn fill(common: &Common, count: u64, make: impl Fn(u64) -> (Specimen, Vec<u8>)) -> Result<(), String> {
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    std::fs::create_dir_all(&common.out).map_err(|error| failed(&common.out, error))?;
    let mut photos = Vec::new();
    for index in 0..count {
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
