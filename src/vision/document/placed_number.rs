//! A cédula's number read where a front has it, on photos on which the general reader reads none: by a reader of printed
//! numbers alone, along strips that lie closely above one another. What it reads the same on several of them is told, as sure as
//! the least sure digit of the clearest strip; the number's own check digit is then asked as of any other (see `Field::is_sure`).

use image::RgbImage;

use super::mrz::{self, Glyph, Steps};
use super::number;
use super::placed::cut;
use super::read::{self, Written};
use crate::domain::document::{Field, FieldName};
use crate::vision::nets::{Net, NetError};

/// Left and right ends of the strips, in parts of the width: the number stands at the left on the model of 2014, in the
/// middle on that of 2026.
const WINDOWS: [(f64, f64); 2] = [(0.01, 0.53), (0.34, 0.80)];
/// Middles of strips, in parts of the height.
const FROM: f64 = 0.14;
const TO: f64 = 0.42;
const HEIGHT: f64 = 0.085;
const STEP: f64 = 0.007;
/// The reader's input for a strip: about as many pixels for each symbol as it was trained with.
const WIDTH: f64 = 272.0;
/// A reading counts that so many strips agree on, and more than on any other.
const AGREEING_MIN: usize = 2;
/// Where the dashes stand; the reader has the filler for them.
const DASHES: [usize; 2] = [3, 11];
const DIGITS: usize = 11;

/// What stands where a front has its number.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Placed {
    #[default]
    Nothing,
    /// A number, but which is not clear.
    Unclear,
    Read(Field),
}

/// The number on an upright front laid flat.
pub fn read(net: &Net, picture: &RgbImage) -> Result<Placed, NetError> {
    let count = ((TO - FROM) / STEP).round() as u32;
    let mut readings: Vec<Reading> = Vec::new();
    let mut alike = 0;
    for window in WINDOWS {
        let look =
            |step| mrz::read::steps_of_width(net, &cut(picture, window, FROM + STEP * f64::from(step), HEIGHT), WIDTH);
        let looks = (0..=count).map(look).collect::<Result<Vec<_>, NetError>>()?;
        for near in looks.windows(3) {
            let Some(mean) = Steps::mean(&near.iter().collect::<Vec<_>>()) else { continue };
            let symbols = mean.symbols();
            alike += usize::from(is_like_one(&symbols));
            let Some(digits) = digits(symbols) else { continue };
            let text: String = digits.iter().map(|glyph| glyph.symbol).collect();
            match readings.iter_mut().find(|reading| reading.text == text) {
                Some(reading) => reading.strips.push(digits),
                None => readings.push(Reading { text, strips: vec![digits] }),
            }
        }
    }
    readings.sort_by_key(|reading| std::cmp::Reverse(reading.strips.len()));
    let agreeing = |reading: Option<&Reading>| reading.map_or(0, |reading| reading.strips.len());
    let (first, next) = (agreeing(readings.first()), agreeing(readings.get(1)));
    Ok(match readings.first() {
        Some(reading) if first >= AGREEING_MIN && first > next => Placed::Read(reading.field()),
        _ if alike >= AGREEING_MIN => Placed::Unclear,
        _ => Placed::Nothing,
    })
}

/// Eleven digits and the strips that gave them.
struct Reading {
    text: String,
    strips: Vec<Vec<Glyph>>,
}

impl Reading {
    /// As the clearest strip shows it.
    fn field(&self) -> Field {
        let least = |strip: &&Vec<Glyph>| strip.iter().map(|glyph| glyph.confidence).fold(1.0, f32::min);
        let clearest = self.strips.iter().max_by(|a, b| least(a).total_cmp(&least(b)));
        let glyph = |glyph: &Glyph| read::Glyph {
            char: glyph.symbol,
            confidence: f64::from(glyph.confidence),
            second: glyph.second.map(|symbol| (symbol, 0.0)),
            at: 0.0,
        };
        let written = Written::of(clearest.into_iter().flatten().map(glyph).collect());
        number::dashed(&written, FieldName::Number)
    }
}

/// Digits with a number's two dashes, if not as many as it has: one may run into the next.
fn is_like_one(symbols: &[Glyph]) -> bool {
    let parts: Vec<&[Glyph]> = symbols.split(|glyph| glyph.symbol == '<').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let digits = parts.iter().all(|part| part.iter().all(|glyph| glyph.symbol.is_ascii_digit()));
    digits && matches!(lengths.as_slice(), [3, 6..=8, 1])
}

/// The eleven digits, if that is what was read: with both dashes or with none.
fn digits(symbols: Vec<Glyph>) -> Option<Vec<Glyph>> {
    let is_dash = |glyph: &Glyph| glyph.symbol == '<';
    let dashes: Vec<usize> = symbols.iter().enumerate().filter(|(_, glyph)| is_dash(glyph)).map(|(at, _)| at).collect();
    let digits: Vec<Glyph> = symbols.into_iter().filter(|glyph| !is_dash(glyph)).collect();
    let well_formed = dashes.is_empty() || dashes == DASHES;
    let fits = digits.len() == DIGITS && digits.iter().all(|glyph| glyph.symbol.is_ascii_digit());
    (well_formed && fits).then_some(digits)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use image::imageops;

    use super::*;
    use crate::domain::document::{SURE_MIN, Source};
    use crate::vision::nets::mrz_ctc;
    use crate::vision::weights::Models;

    fn glyphs(text: &str) -> Vec<Glyph> {
        text.chars().map(|symbol| Glyph { symbol, confidence: 0.9, second: None }).collect()
    }

    #[test]
    fn a_number_has_eleven_digits_with_both_dashes_or_none() {
        let text =
            |said: &str| digits(glyphs(said)).map(|read| read.iter().map(|glyph| glyph.symbol).collect::<String>());
        assert_eq!(text("402<0057193<9").as_deref(), Some("40200571939"));
        assert_eq!(text("40200571939").as_deref(), Some("40200571939"));
        for other in ["402<00571939", "4020<057193<9", "402<0057193<", "402<OO57193<9", "", "402<0057193<99"] {
            assert_eq!(text(other), None, "{other}");
        }
        let alike = ["402<0057193<9", "402<057193<9", "402<00571193<9"];
        assert!(alike.into_iter().all(|said| is_like_one(&glyphs(said))));
        let other = ["", "<", "40200571939", "402<05719<9", "402<0057193", "40<0057193<9", "402<OO57193<9", "1<2<3<4"];
        assert!(!other.into_iter().any(|said| is_like_one(&glyphs(said))));
    }

    #[test]
    fn a_blurred_front_s_number_is_read_and_a_back_has_none() {
        let weights = Models::open().unwrap().weights("number_ctc").unwrap();
        let net = Net::load(mrz_ctc::describe().unwrap(), &weights, &Device::Cpu).unwrap();
        let open = |file: &str| {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/specimens/").to_owned() + file;
            image::open(path).unwrap().to_rgb8()
        };
        let front = imageops::blur(&open("cedula_2026_front.jpg"), 5.0);
        let Placed::Read(field) = super::read(&net, &front).unwrap() else { panic!("nothing was read") };
        assert_eq!((field.value.as_str(), field.source), (NUMBER, Source::Viz));
        assert!(field.confidence >= SURE_MIN && field.confidence <= 1.0, "{}", field.confidence);
        assert_eq!(super::read(&net, &open("cedula_2026_back.jpg")).unwrap(), Placed::Nothing);
        assert_eq!(super::read(&net, &RgbImage::new(1, 1)).unwrap(), Placed::Nothing);
    }

    /// Of the specimen, as it was drawn.
    const NUMBER: &str = "031-3748843-7";
}
