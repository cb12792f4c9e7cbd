//! A fictitious identity card with a given portrait, for demonstrations: so that a *document* is compared and not a second selfie.

use std::io::Cursor;

use font8x8::UnicodeFonts as _;
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

use super::Engine;
use crate::domain::evidence::Examiner as _;

/// ID-1 (ISO/IEC 7810), 85.60 × 53.98 mm, at about 300 dots per inch.
const CARD: (u32, u32) = (1012, 638);
/// Portrait of the card, left, top, width and height.
const PORTRAIT: (u32, u32, u32, u32) = (50, 160, 300, 400);
const INK: Rgb<u8> = Rgb([28, 38, 66]);
/// How much of the photo around the face goes onto the card, in face widths and heights.
const MARGIN: f64 = 0.35;

/// A JPEG of the card, with the largest face of `photo` in grey as its portrait.
pub fn card(engine: &Engine, photo: &[u8]) -> Result<Vec<u8>, String> {
    let seen = engine.detect_faces(photo).map_err(|unusable| format!("{unusable:?}"))?;
    let face = seen.faces.first().ok_or("there is no face in the photo")?.r#box;
    let decoded = image::load_from_memory(photo).map_err(|error| error.to_string())?.to_rgb8();
    let left = (face.x - face.width * MARGIN).max(0.0) as u32;
    let top = (face.y - face.height * MARGIN).max(0.0) as u32;
    let width = ((face.width * (1.0 + 2.0 * MARGIN)) as u32).min(decoded.width().saturating_sub(left)).max(1);
    // The portrait's own proportions, so that the face is not stretched.
    let height = (width * PORTRAIT.3 / PORTRAIT.2).min(decoded.height().saturating_sub(top)).max(1);
    let crop = imageops::crop_imm(&decoded, left, top, width, height).to_image();
    let scale = (f64::from(PORTRAIT.2) / f64::from(width)).min(f64::from(PORTRAIT.3) / f64::from(height));
    let size = ((f64::from(width) * scale) as u32, (f64::from(height) * scale) as u32);
    let small = imageops::resize(&crop, size.0.max(1), size.1.max(1), FilterType::Triangle);

    let mut card = background();
    for (x, y, pixel) in small.enumerate_pixels() {
        let [r, g, b] = pixel.0.map(f64::from);
        let grey = (0.299 * r + 0.587 * g + 0.114 * b) as u8;
        put(&mut card, PORTRAIT.0 + x, PORTRAIT.1 + y, Rgb([grey, grey, grey]));
    }
    write(&mut card, 50, 40, 4, "SPECIMEN REPUBLIC");
    write(&mut card, 50, 92, 3, "IDENTITY CARD - NOT VALID");
    for (line, text) in
        ["NUMBER  000-0000000-0", "SURNAME SAMPLE", "NAME    PERSON", "BORN    01 JAN 1970", "EXPIRES 31 DEC 2099"]
            .iter()
            .enumerate()
    {
        write(&mut card, 390, 190 + 60 * line as u32, 3, text);
    }
    let mut jpeg = Cursor::new(Vec::new());
    card.write_to(&mut jpeg, image::ImageFormat::Jpeg).map_err(|error| error.to_string())?;
    Ok(jpeg.into_inner())
}

/// Fine waves in two tints, as security printing has.
fn background() -> RgbImage {
    RgbImage::from_fn(CARD.0, CARD.1, |x, y| {
        let wave = (f64::from(x) / 9.0).sin() * 6.0 + f64::from(y);
        if (wave as u32 / 4).is_multiple_of(2) { Rgb([214, 226, 236]) } else { Rgb([226, 234, 228]) }
    })
}

fn write(card: &mut RgbImage, left: u32, top: u32, scale: u32, text: &str) {
    for (column, letter) in text.chars().enumerate() {
        let Some(rows) = font8x8::BASIC_FONTS.get(letter) else { continue };
        for (row, bits) in rows.iter().enumerate() {
            for bit in (0..8_u32).filter(|bit| bits >> bit & 1 == 1) {
                let x = left + (column as u32 * 8 + bit) * scale;
                let y = top + row as u32 * scale;
                for (dx, dy) in (0..scale).flat_map(|dx| (0..scale).map(move |dy| (dx, dy))) {
                    put(card, x + dx, y + dy, INK);
                }
            }
        }
    }
}

fn put(card: &mut RgbImage, x: u32, y: u32, colour: Rgb<u8>) {
    if let Some(pixel) = card.get_pixel_mut_checked(x, y) {
        *pixel = colour;
    }
}
