//! What specimens are drawn with, and the split: fonts, faces and backgrounds that serve for training are used for
//! nothing else, and no seed serves two splits.

use std::path::{Path, PathBuf};

use ab_glyph::FontVec;
use image::RgbImage;

use crate::background::Family;
use crate::dice::Dice;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Split {
    Train,
    Tune,
    Test,
}

impl Split {
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Tune => "tune",
            Split::Test => "test",
        }
    }

    /// The dice of one specimen.
    pub fn dice(self, seed: u64) -> Dice {
        Dice::new(seed.wrapping_mul(3).wrapping_add(self as u64).wrapping_mul(0xD134_2543_DE82_EF95))
    }

    pub fn backgrounds(self) -> &'static [Family] {
        use Family::*;
        match self {
            Split::Train => &[Plain, Wood, Cloth, Stripes, Keyboard, Papers, Coins, Cards],
            Split::Tune => &[Concrete, Gingham, Letters],
            Split::Test => &[Marble, Tiles, Terrazzo, Planks, Newspaper, Desk, Dots, Bricks],
        }
    }

    /// Regular and bold of each family; the machine-readable zone's face is prescribed and so the same for all.
    fn sans(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Split::Train => &[
                ("LiberationSans-Regular", "LiberationSans-Bold"),
                ("DejaVuSans", "DejaVuSans-Bold"),
                ("NimbusSans-Regular", "NimbusSans-Bold"),
                ("Lato-Regular", "Lato-Bold"),
            ],
            Split::Tune => &[("FreeSans", "FreeSansBold"), ("RobotoCondensed-Regular", "RobotoCondensed-Bold")],
            Split::Test => &[
                ("OpenSans-Regular", "OpenSans-Bold"),
                ("Cantarell-Regular", "Cantarell-Bold"),
                ("NotoSans-Regular", "NotoSans-Bold"),
            ],
        }
    }

    /// For everything that is no identity document: books, receipts, newspapers.
    fn other(self) -> &'static [&'static str] {
        match self {
            Split::Train => &["LiberationSerif-Regular", "NimbusRoman-Bold", "DejaVuSansMono", "P052-Italic"],
            Split::Tune => &["FreeSerif", "FreeMono", "DejaVuSerif"],
            Split::Test => &["NotoSerif-Regular", "URWGothic-Demi", "NimbusMonoPS-Bold", "C059-Roman"],
        }
    }

    /// Public-domain photos of `tests/golden`: file, and the left, top, right and bottom of head and shoulders in it.
    fn faces(self) -> &'static [(&'static str, [f64; 4])] {
        match self {
            Split::Train => &[
                ("obama_2012_portrait.jpg", [0.244, 0.0, 0.837, 0.593]),
                ("obama_2009_congress.jpg", [0.012, 0.022, 1.0, 0.714]),
                ("obama_2010_blueroom.jpg", [0.345, 0.044, 0.739, 0.346]),
            ],
            Split::Tune => &[("grace_hopper.jpg", [0.183, 0.024, 0.864, 0.75])],
            Split::Test => &[
                ("biden_2010_blueroom.jpg", [0.244, 0.0, 0.922, 0.374]),
                ("eileen_collins_astronaut.png", [0.254, 0.012, 0.617, 0.466]),
            ],
        }
    }
}

pub struct Typeface {
    pub regular: FontVec,
    pub bold: FontVec,
}

/// Everything of one split, loaded.
pub struct Stock {
    pub split: Split,
    pub sans: Vec<Typeface>,
    pub other: Vec<FontVec>,
    pub ocr_b: FontVec,
    /// Head and shoulders, upright.
    pub faces: Vec<RgbImage>,
}

impl Stock {
    pub fn load(split: Split, fonts: &Path, faces: &Path) -> Result<Stock, String> {
        let mut files = Vec::new();
        list(fonts, 0, &mut files)?;
        let font = |name: &str| {
            let named = |path: &&PathBuf| {
                let font = path.extension().is_some_and(|end| end == "ttf" || end == "otf");
                font && path.file_stem().is_some_and(|stem| stem == name)
            };
            let path = files.iter().find(named).ok_or(format!("{} holds no font {name}", fonts.display()))?;
            let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
            FontVec::try_from_vec(bytes).map_err(|error| format!("{}: {error}", path.display()))
        };
        let typeface = |(regular, bold): &(&str, &str)| Ok(Typeface { regular: font(regular)?, bold: font(bold)? });
        let face = |(file, head): &(&str, [f64; 4])| {
            let path = faces.join(file);
            let photo = image::open(&path).map_err(|error| format!("{}: {error}", path.display()))?.to_rgb8();
            let (width, height) = (f64::from(photo.width()), f64::from(photo.height()));
            let [left, top, right, bottom] = [head[0] * width, head[1] * height, head[2] * width, head[3] * height];
            let size = ((right - left) as u32, (bottom - top) as u32);
            Ok(image::imageops::crop_imm(&photo, left as u32, top as u32, size.0, size.1).to_image())
        };
        Ok(Stock {
            split,
            sans: split.sans().iter().map(typeface).collect::<Result<_, String>>()?,
            other: split.other().iter().map(|name| font(name)).collect::<Result<_, String>>()?,
            ocr_b: font("OCRB")?,
            faces: split.faces().iter().map(face).collect::<Result<_, String>>()?,
        })
    }
}

/// Files below a folder, sorted; a few levels deep, as font packages are laid out.
fn list(folder: &Path, depth: usize, into: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && depth < 4 {
            list(&path, depth + 1, into)?;
        } else {
            into.push(path);
        }
    }
    Ok(())
}
