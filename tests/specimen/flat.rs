//! A thing lying flat, before it is photographed: its picture and what is known of it.

use std::collections::BTreeMap;

use image::RgbImage;
use twoface::vision::evaluate::documents::truth::{Barcode, Class, Level, Side, Specimen};

use crate::canvas::{Canvas, Part};
use crate::dice::Dice;

pub struct Flat {
    pub pixels: RgbImage,
    /// Rows of the picture above the document itself: the page on which an opened passport's data page hangs.
    pub above: u32,
    /// Of the corners, in parts of the picture's width.
    pub rounding: f64,
    pub known: Known,
}

/// What a truth file tells of it.
#[derive(Clone)]
pub struct Known {
    pub class: Class,
    pub side: Option<Side>,
    pub model: String,
    pub fields: BTreeMap<String, String>,
    pub mrz: Vec<String>,
    pub barcodes: Vec<Barcode>,
    pub portrait: Option<Part>,
}

impl Known {
    pub fn neither(what: &str) -> Known {
        Known {
            class: Class::Neither,
            side: None,
            model: what.to_owned(),
            fields: BTreeMap::new(),
            mrz: Vec::new(),
            barcodes: Vec::new(),
            portrait: None,
        }
    }

    pub fn document(class: Class, side: Side, model: &str, fields: &[(&str, &str)]) -> Known {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Known { class, side: Some(side), model: model.to_owned(), fields, ..Known::neither("") }
    }

    /// With what only the photo knows left open.
    pub fn specimen(self, file: String, level: Level, seed: u64, (width, height): (u32, u32)) -> Specimen {
        Specimen {
            file,
            class: self.class,
            side: self.side,
            model: self.model,
            level,
            seed,
            width,
            height,
            corners: None,
            rotation_degrees: 0,
            fields: self.fields,
            mrz: self.mrz,
            barcodes: self.barcodes,
            portrait: self.portrait,
        }
    }
}

impl Flat {
    /// The document alone.
    pub fn document(&self) -> RgbImage {
        let (width, height) = self.pixels.dimensions();
        image::imageops::crop_imm(&self.pixels, 0, self.above, width, height - self.above).to_image()
    }
}

/// Fine waving lines, as security printing has them.
pub fn guilloche(canvas: &mut Canvas, dice: &mut Dice, colour: [u8; 3], share: f32) {
    let (width, height) = (canvas.width(), canvas.height());
    let pitch = dice.range(0.016, 0.03) * height;
    let waves: [(f64, f64, f64); 2] = [(); 2].map(|()| {
        (dice.range(0.5, 2.0) * pitch, dice.range(3.0, 14.0) / width, dice.range(0.0, std::f64::consts::TAU))
    });
    let (slope, thickness) = (dice.range(-0.2, 0.2), dice.range(0.8, 1.8));
    let lines = (height * 1.5 / pitch) as i64;
    for line in -(lines / 4)..lines {
        let points: Vec<(f64, f64)> = (0..=120)
            .map(|step| {
                let x = width * f64::from(step) / 120.0;
                let wave: f64 = waves.iter().map(|(high, often, phase)| high * (x * often + phase).sin()).sum();
                (x, line as f64 * pitch + slope * x + wave)
            })
            .collect();
        canvas.path(&points, thickness, colour, share);
    }
}

/// A person's name written by hand: loops around a line.
pub fn signature(canvas: &mut Canvas, dice: &mut Dice, part: Part) {
    let [left, top, right, bottom] = canvas.area(part);
    let (a, b, c) = (dice.range(9.0, 16.0), dice.range(18.0, 30.0), dice.range(0.0, 6.0));
    let points: Vec<(f64, f64)> = (0..=160)
        .map(|step| {
            let t = f64::from(step) / 160.0;
            let x = left + (right - left) * (t * 0.88 + 0.06 + 0.05 * (t * b + c).cos());
            let y = (top + bottom) / 2.0 + (bottom - top) * 0.4 * (t * a + c).sin() * (1.0 - t * 0.6);
            (x, y)
        })
        .collect();
    canvas.path(&points, canvas.width() / 420.0, [25, 25, 70], 0.9);
}

/// Grey, as laser engraving makes it.
pub fn grey(picture: &RgbImage) -> RgbImage {
    let mut out = picture.clone();
    for pixel in out.pixels_mut() {
        let [r, g, b] = pixel.0.map(f32::from);
        pixel.0 = [(0.299 * r + 0.587 * g + 0.114 * b) as u8; 3];
    }
    out
}
