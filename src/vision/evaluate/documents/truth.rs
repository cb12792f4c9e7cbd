//! `truth.json`: what is known of each photo in a folder of specimens.
//!
//! Coordinates are pixels of the photo as stored, with whole numbers at the pixels' top left edges, so that a photo's
//! own corners are (0, 0) and (width, height). Written by `tests/specimen`, read by the evaluation.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The file's name in the folder.
pub const FILE: &str = "truth.json";

/// The whole file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// `train`, `tune` or `test`: which fonts, faces, backgrounds and seeds were drawn from.
    pub split: String,
    pub photos: Vec<Specimen>,
}

/// One photo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Specimen {
    /// Relative to the folder.
    pub file: String,
    pub class: Class,
    /// Of a document; a passport's data page counts as its front.
    pub side: Option<Side>,
    /// `2014`, `2026` or `passport`; of what is no document, what it is (`receipt`, `bank card`, …).
    pub model: String,
    pub level: Level,
    /// Draws this photo again.
    pub seed: u64,
    pub width: u32,
    pub height: u32,
    /// Corners of the document in its reading order: top left, top right, bottom right, bottom left of the upright
    /// document. A rounded card's corners are where its straight edges would meet.
    pub corners: Option<[[f64; 2]; 4]>,
    /// Clockwise turn of the photo (0, 90, 180, 270) that brings the document nearest to upright.
    pub rotation_degrees: u16,
    /// What is printed, by name: `number`, `surnames`, `given_names`, `birth_date`, `sex`, `nationality`, `expiry_date`, …
    /// Dates are `YYYY-MM-DD` whatever their print; a cédula's number has its hyphens; text is as printed, lines joined by one
    /// space.
    pub fields: BTreeMap<String, String>,
    /// Lines of the machine-readable zone; empty where there is none.
    pub mrz: Vec<String>,
    pub barcodes: Vec<Barcode>,
    /// Left, top, right, bottom in parts of the document's width and height.
    pub portrait: Option<[f64; 4]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Class {
    Cedula,
    Passport,
    Neither,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Side {
    Front,
    Back,
}

/// How hard the photo is to read. `Flat` is the drawing itself, never photographed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Flat,
    Easy,
    Medium,
    Hard,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Barcode {
    /// `qr` or `code128`.
    pub format: String,
    pub text: String,
}

impl Truth {
    /// Reads the folder's `truth.json`; the error is a sentence.
    pub fn read(folder: &Path) -> Result<Truth, String> {
        let path = folder.join(FILE);
        let text =
            std::fs::read_to_string(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }
}
