//! From the picture of one line to its symbols, by the reader of our own and, for a second opinion, by the general one.
//!
//! Neither takes a letter for the digit that looks like it because of where it stands: what is read is what is seen.

use candle_core::{Device, Tensor};
use image::imageops::{FilterType, resize};
use image::{ImageBuffer, Luma, RgbImage};

use super::ctc::Steps;
use super::format::{Format, SYMBOLS};
use super::repair::Glyph;
use crate::vision::nets::{Net, NetError, mrz_ctc, ppocr_rec};

/// Pixels from symbol to symbol that the reader was trained about (models/train/mrz/shards.py: 9.3 to 18).
const PITCH: f64 = 13.0;
const PITCHES: std::ops::Range<f64> = 10.0..16.5;

/// Symbols are about as far from one another as they are high (OCR-B: 0.99), and a line's picture about 1.4 times as high
/// as its symbols: this brings one to about [`PITCH`] where nothing else is known.
const SQUEEZE: f64 = 0.6;

/// Widths of input. A longer line than a zone has is none.
const WIDTH_MIN: usize = 96;
const WIDTH_MAX: usize = 800;

/// Shares of the pixels that count as black and white.
const DARKEST: f64 = 0.02;
const BRIGHTEST: f64 = 0.98;

/// Symbols that a line may seem to have too many or too few of, before it is taken for no line of a zone.
const SLACK: usize = 2;

/// The symbols of a line whose length is not known: a zone's length if it comes near one.
pub fn line(net: &Net, picture: &RgbImage) -> Result<Vec<Glyph>, NetError> {
    let aspect = f64::from(picture.width()) / f64::from(picture.height().max(1));
    let width = mrz_ctc::HEIGHT as f64 * aspect * SQUEEZE;
    let (mut steps, taken) = look(net, picture, width)?;
    let mut symbols = steps.symbols();
    let pitch = taken as f64 / symbols.len().max(1) as f64;
    if symbols.len() > 4 && !PITCHES.contains(&pitch) {
        (steps, _) = look(net, picture, PITCH * symbols.len() as f64)?;
        symbols = steps.symbols();
    }
    let lengths = Format::ALL.map(Format::line_length);
    let near = lengths.into_iter().filter(|length| symbols.len().abs_diff(*length) <= SLACK);
    let near = near.min_by_key(|length| symbols.len().abs_diff(*length));
    Ok(near.and_then(|length| steps.symbols_of_length(length)).unwrap_or(symbols))
}

/// The `length` symbols of a line; fewer only if the picture is too small to hold them.
pub fn line_of(net: &Net, picture: &RgbImage, length: usize) -> Result<Vec<Glyph>, NetError> {
    let (steps, _) = look(net, picture, PITCH * length as f64)?;
    Ok(steps.symbols_of_length(length).unwrap_or_else(|| steps.symbols()))
}

/// How likely each symbol is at each step of a line whose picture is stretched to `width`. Pictures of one width have the same
/// steps.
pub fn steps_of_width(net: &Net, picture: &RgbImage, width: f64) -> Result<Steps, NetError> {
    Ok(look(net, picture, width)?.0)
}

/// The same of a line of `length` symbols.
pub fn steps_of(net: &Net, picture: &RgbImage, length: usize) -> Result<Steps, NetError> {
    steps_of_width(net, picture, PITCH * length as f64)
}

/// Runs the reader on the line, stretched to about `width`. Gives the width taken, too.
fn look(net: &Net, picture: &RgbImage, width: f64) -> Result<(Steps, usize), NetError> {
    let step = mrz_ctc::STEP;
    // A float becomes the nearest whole number that there is.
    let width = ((width / step as f64).round() as usize * step).clamp(WIDTH_MIN, WIDTH_MAX);
    let grey = grey(picture);
    if grey.is_empty() {
        return Ok((steps(Vec::new())?, width));
    }
    let grey = resize(&grey, width as u32, mrz_ctc::HEIGHT as u32, FilterType::Triangle);
    let input = Tensor::from_vec(spread(grey.as_raw()), (1, mrz_ctc::HEIGHT, width, 1), &Device::Cpu)?;
    let outputs = net.run(&input)?;
    let all = outputs.first().ok_or_else(|| NetError::Graph("the MRZ reader has one output".into()))?;
    Ok((steps(all.flatten_all()?.to_vec1::<f32>()?)?, width))
}

fn steps(probabilities: Vec<f32>) -> Result<Steps, NetError> {
    Steps::new(probabilities).ok_or_else(|| NetError::Graph("a reader gives other classes than symbols".into()))
}

/// Brightness as television weighs the colours (ITU-R BT.601), which the training pictures have.
fn grey(picture: &RgbImage) -> ImageBuffer<Luma<u8>, Vec<u8>> {
    let weigh = |[r, g, b]: [u8; 3]| (299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) + 500) / 1000;
    let values = picture.pixels().map(|pixel| weigh(pixel.0) as u8).collect();
    ImageBuffer::from_raw(picture.width(), picture.height(), values).unwrap_or_default()
}

/// The darkest and brightest fiftieth clipped, the rest spread over 0 to 255.
fn spread(values: &[u8]) -> Vec<f32> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let at = |share: f64| {
        let place = share * sorted.len().saturating_sub(1) as f64;
        f32::from(sorted.get(place.round() as usize).copied().unwrap_or(0))
    };
    let (low, high) = (at(DARKEST), at(BRIGHTEST));
    // Flat pictures stay flat: eight grey levels are noise.
    let range = (high - low).max(8.0);
    values.iter().map(|value| 255.0 * ((f32::from(*value) - low) / range).clamp(0.0, 1.0)).collect()
}

/// The same line as the general reader of text sees it, when it may choose among a zone's symbols only. `classes` is what
/// its classes mean. Independent of the other: a name that both read alike is hardly misread.
pub fn line_by_text_reader(net: &Net, classes: &[String], picture: &RgbImage) -> Result<Vec<Glyph>, NetError> {
    if picture.is_empty() {
        return Ok(Vec::new());
    }
    let height = ppocr_rec::HEIGHT;
    let aspect = f64::from(picture.width()) / f64::from(picture.height());
    let width = ((height as f64 * aspect / 8.0).round() as usize * 8).clamp(48, 2400);
    let small = resize(picture, width as u32, height as u32, FilterType::Triangle);
    let values: Vec<f32> = small
        .pixels()
        .flat_map(|pixel| pixel.0.into_iter().rev())
        .map(|value| f32::from(value) / 127.5 - 1.0)
        .collect();
    let outputs = net.run(&Tensor::from_vec(values, (1, height, width, 3), &Device::Cpu)?)?;
    let all = outputs.first().ok_or_else(|| NetError::Graph("the text reader has one output".into()))?;
    let all = all.flatten_all()?.to_vec1::<f32>()?;
    let place = |symbol: char| classes.iter().position(|class| class.chars().eq([symbol]));
    let places: Option<Vec<usize>> = SYMBOLS.chars().map(place).collect();
    let places =
        places.ok_or_else(|| NetError::Graph("the text reader lacks a symbol of machine-readable zones".into()))?;
    // Class 0 is its blank, too.
    let pick = |row: &[f32]| {
        let picked: Vec<f32> = [0].iter().chain(&places).map(|at| row.get(*at).copied().unwrap_or(0.0)).collect();
        let sum: f32 = picked.iter().sum::<f32>().max(1e-12);
        picked.into_iter().map(move |p| p / sum).collect::<Vec<_>>()
    };
    Ok(steps(all.chunks_exact(classes.len().max(1)).flat_map(pick).collect())?.symbols())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::vision::document::mrz::{cedula_number, repair};
    use crate::vision::evaluate::mrz_lines;
    use crate::vision::image::decode;
    use crate::vision::weights::Models;

    fn reader() -> Net {
        let weights = Models::open().unwrap().weights("mrz_ctc").unwrap();
        Net::load(mrz_ctc::describe().unwrap(), &weights, &Device::Cpu).unwrap()
    }

    fn text(glyphs: &[Glyph]) -> String {
        glyphs.iter().map(|glyph| glyph.symbol).collect()
    }

    #[test]
    fn drawn_zones_are_read_from_the_picture_to_the_number() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/mrz"));
        let net = reader();
        let lines = mrz_lines::parse(&std::fs::read_to_string(folder.join("lines.csv")).unwrap()).unwrap();
        let mut zones = Vec::new();
        for one in &lines {
            let picture = decode(&std::fs::read(folder.join(&one.file)).unwrap()).unwrap().pixels;
            let read = line(&net, &picture).unwrap();
            assert_eq!(text(&read), one.text, "{}", one.file);
            assert_eq!(text(&line_of(&net, &picture, one.text.len()).unwrap()), one.text);
            assert!(
                read.iter().all(|glyph| glyph.confidence > 0.2 && glyph.confidence <= 1.0 && glyph.second.is_some())
            );
            zones.push(read);
        }
        let today = "2026-11-25".parse().unwrap();
        let [passport, card] = [&zones[..2], &zones[2..]].map(|lines| repair(lines, today).unwrap());
        assert!(passport.checks.all_pass() && card.checks.all_pass());
        assert_eq!(passport.document_number, "RD1234567");
        assert_eq!(card.names.surnames, "NUNEZ DE LA CRUZ");
        assert_eq!(cedula_number(&card).unwrap().number, "40200571939");
    }

    #[test]
    fn pictures_of_nothing_give_no_line() {
        let net = reader();
        for (width, height) in [(0, 0), (0, 9), (1, 1), (7, 900), (3000, 1), (640, 40)] {
            let grey = RgbImage::from_pixel(width, height, image::Rgb([90; 3]));
            assert!(line(&net, &grey).unwrap().len() < 20, "{width} by {height}");
            assert!(line_of(&net, &grey, 44).unwrap().len() <= 44);
        }
    }
}
