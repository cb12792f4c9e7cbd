//! A machine-readable zone read where a document of its size must have it: on blurred and small photos the text detector sees no
//! lines there, though the reader made for them still reads them.
//!
//! What is found so is believed only if every check digit holds as it was read, the composite among them: it was searched for at
//! many places, and a repair would be one search more.

use image::{RgbImage, imageops};
use jiff::civil::Date;

use super::mrz::{self, Format, Glyph, Steps};
use super::zone::{self, Understood};
use crate::vision::nets::{Net, NetError};

/// Where a format's lines may stand, in parts of the document's height; from ICAO Doc 9303 parts 4 and 5, with room for edges
/// that were found a little too far in or out.
struct Layout {
    format: Format,
    /// Middles of lines.
    from: f64,
    to: f64,
    /// Of a strip that holds one line.
    height: f64,
    /// Between the middles of two lines.
    pitch: std::ops::RangeInclusive<f64>,
}

const LAYOUTS: [Layout; 2] = [
    // TD1: three lines in the lower 23.2 of 54 mm.
    Layout { format: Format::Td1, from: 0.54, to: 0.96, height: 0.088, pitch: 0.06..=0.12 },
    // TD3: two lines in the lower 23.2 of 88 mm.
    Layout { format: Format::Td3, from: 0.74, to: 0.98, height: 0.06, pitch: 0.05..=0.10 },
];
/// Strips are this part of their height apart.
const STEP: f64 = 0.2;
/// Left and right of it nothing is printed.
const WINDOW: (f64, f64) = (0.025, 0.975);
/// Placings that are tried, the surest first.
const TRIES: usize = 6;
/// Mean confidence of a strip's symbols below which it is no line.
const SURE_MIN: f32 = 0.5;

/// One strip as it was read.
struct Strip {
    middle: f64,
    steps: Steps,
    symbols: Vec<Glyph>,
    sure: f32,
}

/// What stands where zones stand.
#[derive(Default)]
pub struct Placed {
    /// If all of its check digits hold.
    pub zone: Option<Understood>,
    /// What it looks like otherwise, and what it faintly looks like.
    pub likeness: Option<zone::Likeness>,
    pub faint: Option<zone::Likeness>,
}

/// The zone of an upright document laid flat. `classes` is what the text reader's classes mean.
pub fn read(
    (own, general): (&Net, &Net),
    classes: &[String],
    picture: &RgbImage,
    today: Date,
) -> Result<Placed, NetError> {
    let mut placed = Placed::default();
    for layout in &LAYOUTS {
        let strips = strips(own, picture, layout)?;
        for place in places(&strips, layout) {
            let unbound: Vec<_> = place.iter().map(|strip| strip.symbols.clone()).collect();
            placed.likeness = placed.likeness.or(zone::likeness_of(&unbound));
            placed.faint = placed.faint.or(zone::faintly_like(&unbound));
            // Where the fields stand is known, and so which symbols can.
            let alphabets = (0..).map(|line| layout.format.alphabets(line));
            let bound = place.iter().zip(alphabets).map(|(strip, alphabets)| strip.steps.symbols_within(&alphabets));
            let Some(symbols) = bound.collect::<Option<Vec<_>>>() else { continue };
            let Some(mrz) = believed(&symbols, today) else { continue };
            let second = |strip: &&Strip| {
                mrz::read::line_by_text_reader(general, classes, &cut(picture, WINDOW, strip.middle, layout.height))
            };
            let second = place.iter().map(second).collect::<Result<Vec<_>, _>>()?;
            return Ok(Placed { zone: Some(Understood { mrz, symbols, second: Some(second) }), ..placed });
        }
    }
    Ok(placed)
}

/// What the symbols say if every check digit holds as they were read, and the composite is one of them.
fn believed(symbols: &[Vec<Glyph>], today: Date) -> Option<mrz::Mrz> {
    let mrz = mrz::repair(symbols, today).ok()?;
    (mrz.repaired.is_empty() && mrz.checks.all_pass() && mrz.checks.composite.is_some()).then_some(mrz)
}

fn strips(net: &Net, picture: &RgbImage, layout: &Layout) -> Result<Vec<Strip>, NetError> {
    let step = STEP * layout.height;
    let count = ((layout.to - layout.from) / step).floor() as usize;
    let middle = |number: usize| layout.from + step * number as f64;
    let length = layout.format.line_length();
    let look = |number| mrz::read::steps_of(net, &cut(picture, WINDOW, middle(number), layout.height), length);
    let looks = (0..=count).map(look).collect::<Result<Vec<_>, NetError>>()?;
    // Neighbours see the same line: their mean errs less than any.
    let read = |number: usize| {
        let near: Vec<&Steps> = looks.get(number.saturating_sub(1)..=(number + 1).min(count))?.iter().collect();
        let steps = Steps::mean(&near)?;
        let symbols = steps.symbols_of_length(length)?;
        let sure = symbols.iter().map(|glyph| glyph.confidence).sum::<f32>() / symbols.len().max(1) as f32;
        (sure >= SURE_MIN).then(|| Strip { middle: middle(number), steps, symbols, sure })
    };
    Ok((0..=count).filter_map(read).collect())
}

/// Strips that may be the lines of one zone, evenly spaced, the surest first.
fn places<'a>(strips: &'a [Strip], layout: &Layout) -> Vec<Vec<&'a Strip>> {
    let mut all: Vec<Vec<&Strip>> = Vec::new();
    let tolerance = STEP * layout.height * 1.5;
    for (at, first) in strips.iter().enumerate() {
        let after = strips.get(at + 1..).unwrap_or_default();
        for (further, second) in after.iter().enumerate() {
            let pitch = second.middle - first.middle;
            if !layout.pitch.contains(&pitch) {
                continue;
            }
            if layout.format.line_count() == 2 {
                all.push(vec![first, second]);
                continue;
            }
            let third = after.get(further + 1..).unwrap_or_default();
            let even = third.iter().filter(|third| (third.middle - second.middle - pitch).abs() <= tolerance);
            all.extend(even.map(|third| vec![first, second, third]));
        }
    }
    let sure = |place: &[&Strip]| place.iter().map(|strip| strip.sure).sum::<f32>();
    all.sort_by(|a, b| sure(b).total_cmp(&sure(a)));
    all.truncate(TRIES);
    all
}

/// The strip around `middle`, from the left to the right end of the window.
pub(super) fn cut(picture: &RgbImage, (left, right): (f64, f64), middle: f64, height: f64) -> RgbImage {
    let (wide, high) = (f64::from(picture.width()), f64::from(picture.height()));
    let top = ((middle - height / 2.0) * high).max(0.0);
    let bottom = ((middle + height / 2.0) * high).min(high);
    let (left, width) = (left * wide, (right - left) * wide);
    imageops::crop_imm(picture, left as u32, top as u32, width as u32, (bottom - top).max(1.0) as u32).to_image()
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use jiff::civil::date;

    use super::*;
    use crate::vision::document::read;
    use crate::vision::networks::Networks;
    use crate::vision::weights::Models;

    /// From ICAO Doc 9303 part 5.
    const LINES: [&str; 3] =
        ["I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<"];

    /// Of the specimen, as it was drawn.
    const ZONE: [&str; 3] =
        ["IDDOMTP9055736<63<00108145632<", "5705034F2206231DOM<<<<<<<<<<<0", "NINO<MEJIA<<XIOMARA<<<<<<<<<<<"];

    #[test]
    fn a_zone_is_believed_as_it_was_read_and_refused_if_it_had_to_be_repaired() {
        let glyph = |symbol| Glyph { symbol, confidence: 0.9, second: None };
        let mut symbols: Vec<Vec<Glyph>> = LINES.iter().map(|line| line.chars().map(glyph).collect()).collect();
        let today = date(2026, 11, 26);
        assert!(believed(&symbols, today).is_some());
        symbols[0][6] = Glyph { symbol: '8', confidence: 0.6, second: Some('2') };
        let repaired = mrz::repair(&symbols, today).unwrap();
        assert!(repaired.checks.all_pass() && repaired.repaired.len() == 1, "there is one way to repair it");
        assert!(believed(&symbols, today).is_none());
    }

    #[test]
    fn a_blurred_cards_zone_is_read_where_the_text_detector_leads_to_none() {
        let networks = Networks::load(&Models::open().unwrap(), &Device::Cpu).unwrap();
        let readers = (&networks.far_mrz_reader, &networks.text_reader);
        let today = date(2026, 11, 26);
        let file = include_bytes!("../../../tests/golden/specimens/cedula_2026_back.jpg");
        let sharp = image::load_from_memory(file).unwrap().to_rgb8();
        let blurred = imageops::blur(&sharp, 7.0);
        let places = read::detect::text(&networks.text_detector, &blurred).unwrap();
        let seen = read::recognise::lines(&networks.text_reader, &networks.alphabet, &blurred, &places).unwrap();
        let rows = zone::rows(&seen, blurred.width());
        let detected = zone::understand(&networks.mrz_reader, &blurred, &rows, today).unwrap();
        assert!(detected.is_none(), "{} pieces of text were seen", places.len());
        let found = super::read(readers, &networks.alphabet, &blurred, today).unwrap().zone.unwrap();
        assert_eq!(found.mrz.lines, ZONE);
    }
}
