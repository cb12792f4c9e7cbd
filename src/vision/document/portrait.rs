//! The holder's portrait: the largest face of an upright document, cut out and made comparable.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{RgbImage, imageops};

use crate::domain::evidence::{Box2, Embedding};
use crate::vision::face::{Found, align, detect, embed};
use crate::vision::nets::{Net, NetError};
use crate::vision::resize;

/// Longest side shown to the detector, in pixels.
const SIDE: u32 = 640;
/// How much around the face belongs to the portrait, in face widths and heights: about what ICAO portraits show.
const MARGIN: (f64, f64) = (0.45, 0.5);
const JPEG_QUALITY: u8 = 92;

/// A portrait on the upright document, in its pixels.
pub struct Cut {
    pub face: Found,
    pub area: Box2,
}

/// The largest face; its ghost is smaller.
pub fn find(detector: &Net, document: &RgbImage) -> Result<Option<Cut>, NetError> {
    let factor = (f64::from(document.width().max(document.height())) / f64::from(SIDE)).max(1.0);
    let faces = detect::faces(detector, &resize::shrink(document, factor))?;
    let largest = faces.into_iter().max_by(|a, b| a.r#box.height.total_cmp(&b.r#box.height));
    Ok(largest.map(|face| face.scaled(factor)).map(|face| Cut { face, area: around(&face.r#box, document) }))
}

fn around(face: &Box2, document: &RgbImage) -> Box2 {
    let span = |from: f64, length: f64, margin: f64, limit: u32| {
        let start = (from - margin * length).clamp(0.0, f64::from(limit));
        (start, (from + (1.0 + margin) * length).clamp(start, f64::from(limit)) - start)
    };
    let (x, width) = span(face.x, face.width, MARGIN.0, document.width());
    let (y, height) = span(face.y, face.height, MARGIN.1, document.height());
    Box2 { x, y, width, height }
}

/// The portrait as a JPEG. `None` for an empty area.
pub fn jpeg(document: &RgbImage, area: &Box2) -> Option<Vec<u8>> {
    let (width, height) = (area.width as u32, area.height as u32);
    if width == 0 || height == 0 {
        return None;
    }
    let cut = imageops::crop_imm(document, area.x as u32, area.y as u32, width, height).to_image();
    let mut bytes = Cursor::new(Vec::new());
    cut.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)).ok()?;
    Some(bytes.into_inner())
}

/// The face as numbers; `None` if its landmarks lie in one point.
pub fn embedding(embedder: &Net, document: &RgbImage, face: &Found) -> Result<Option<Embedding>, NetError> {
    let Some(aligned) = align::face(document, &face.landmarks) else { return Ok(None) };
    Ok(embed::faces(embedder, &[&aligned])?.into_iter().next().map(|embedded| embedded.embedding))
}
