//! What the barcodes of a cédula say.

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::{GrayImage, RgbImage, imageops};
use rxing::{BarcodeFormat, DecodeHints};

use crate::domain::document::Barcode;

/// Cédulas bear a QR or one of the others; each further kind costs time and invents codes.
const KINDS: [(BarcodeFormat, &str); 3] =
    [(BarcodeFormat::QR_CODE, "qr"), (BarcodeFormat::CODE_128, "code128"), (BarcodeFormat::PDF_417, "pdf417")];
/// Pictures up to this many pixels a side are looked at twice as large as well: narrow bars are a pixel wide in them.
const ENLARGED_FROM_MAX: u32 = 1600;
/// A document has a few; a photo full of them is no document.
const BARCODES_MAX: usize = 8;

/// The barcodes on a document that lies flat.
pub fn read(picture: &RgbImage) -> Vec<Barcode> {
    let luma = image::DynamicImage::ImageRgb8(picture.clone()).into_luma8();
    let (width, height) = luma.dimensions();
    let twice = (width.max(height) <= ENLARGED_FROM_MAX)
        .then(|| imageops::resize(&luma, width * 2, height * 2, imageops::FilterType::CatmullRom));
    let mut found: Vec<Barcode> = Vec::new();
    for luma in std::iter::once(luma).chain(twice) {
        for code in detect(luma) {
            if !found.contains(&code) && found.len() < BARCODES_MAX {
                found.push(code);
            }
        }
    }
    found
}

/// The library reads what strangers send: where it fails, in whatever way, there is no barcode.
fn detect(luma: GrayImage) -> Vec<Barcode> {
    let (width, height) = luma.dimensions();
    let mut hints = DecodeHints {
        PossibleFormats: Some(KINDS.iter().map(|(format, _)| *format).collect()),
        TryHarder: Some(true),
        ..DecodeHints::default()
    };
    let detected = catch_unwind(AssertUnwindSafe(|| {
        rxing::helpers::detect_multiple_in_luma_with_hints(luma.into_raw(), width, height, &mut hints)
    }));
    let results = detected.ok().and_then(Result::ok).unwrap_or_default();
    let named = results.iter().filter_map(|result| {
        let (_, format) = KINDS.iter().find(|(format, _)| format == result.getBarcodeFormat())?;
        Some(Barcode { format: (*format).to_owned(), text: result.getText().to_owned() })
    });
    named.collect()
}

/// A cédula's number in a barcode: eleven digits that stand alone.
pub fn number(barcode: &Barcode) -> Option<&str> {
    barcode
        .text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .find(|part| part.len() == 11 && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_and_slivers_have_no_barcode() {
        let mut state = 9_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        for (width, height) in [(1, 1), (3, 200), (200, 2), (160, 120)] {
            let noise = RgbImage::from_fn(width, height, |_, _| image::Rgb([next(), next(), next()]));
            assert_eq!(read(&noise), []);
        }
    }
}
