//! Documents: found on the photo, laid flat and upright, read, understood, held against themselves. One step per file; what
//! comes out are facts, and nothing here says whether anybody passes.

pub mod barcode;
pub mod capture;
pub mod cedula;
pub mod classify;
pub mod crosscheck;
mod dates;
mod engine;
mod fields;
pub mod geometry;
mod labels;
mod layout;
pub mod locate;
pub mod mrz;
mod number;
mod orient;
mod outline;
mod page;
mod passport;
mod phrases;
mod placed;
mod placed_number;
pub mod portrait;
pub mod read;
pub mod rectify;
mod refine;
mod screen;
mod sides;
pub mod warnings;
pub mod zone;

use image::RgbImage;
use jiff::civil::Date;

use super::image::Photo;
use super::nets::{Net, NetError};
use crate::clock::Stopwatch;
use crate::domain::document::{Barcode, DocumentSeen, DocumentTimes, Kind, PhotoRead, Portrait, Side};
use crate::domain::evidence::{Box2, Point};
use crate::domain::user::DocumentType;
use capture::Capture;
pub use engine::day_of;
use page::Page;
use portrait::Cut;
use rectify::Flat;

/// By their names in the manifest, the models that documents are examined with.
pub const MODELS: [&str; 10] = [
    "corners",
    "layout",
    "mrz_ctc",
    "mrz_far_ctc",
    "number_ctc",
    "ppocr_det",
    "ppocr_rec",
    "pplcnet",
    "yunet",
    "sface",
];

/// The networks that reading a document takes.
#[derive(Clone, Copy)]
pub struct Nets<'a> {
    pub corners: &'a Net,
    pub layout: &'a Net,
    pub orientation: &'a Net,
    pub text_detector: &'a Net,
    pub text_reader: &'a Net,
    pub mrz_reader: &'a Net,
    pub far_mrz_reader: &'a Net,
    pub number_reader: &'a Net,
    /// What the text reader's classes mean.
    pub alphabet: &'a [String],
    pub face_detector: &'a Net,
    pub face_embedder: &'a Net,
}

/// What `photo` shows. Expiry and two-digit years are held against `today`.
pub fn examine(nets: Nets, photo: Photo, decode_ms: f64, today: Date) -> Result<DocumentSeen, NetError> {
    let mut times = DocumentTimes { decode: decode_ms, ..DocumentTimes::default() };
    let size = photo.pixels.dimensions();
    let Look { flat, page, face, mut kind, barcodes } = upright(nets, &photo.pixels, today, &mut times)?;
    let mut fields = timed(&mut times.read_text, || page.fields(nets, &flat.picture, &mut kind))?;
    if kind.class.is_some() {
        fields.extend(page.zone.as_ref().map(crosscheck::of_zone).unwrap_or_default());
        if kind.class == Some(DocumentType::Cedula) {
            fields.extend(crosscheck::of_barcodes(&barcodes));
        }
    }
    let face = face.filter(|_| kind.class.is_some() && kind.side == Some(Side::Front));
    let area = face.as_ref().map(|cut| in_parts(&cut.area, &flat.picture));
    let portrait = timed(&mut times.portrait, || face.map(|cut| cut_out(nets, &flat, &cut, size)).transpose())?;
    let cross_checks = crosscheck::between(&fields, page.zone.as_ref().map(|zone| &zone.mrz));
    let warnings = timed(&mut times.judge, || {
        let capture = Capture::measure(&flat.picture, area, flat.corners, size);
        let (class, zone) = (kind.class, page.zone.as_ref());
        let seen = crosscheck::Seen { class, fields: &fields, cross_checks: &cross_checks, zone, capture: &capture };
        crosscheck::warnings(&seen, today)
    });
    Ok(DocumentSeen {
        photo: PhotoRead {
            format: photo.format.to_owned(),
            width: size.0,
            height: size.1,
            quad: flat.corners,
            rotation_degrees: flat.rotation_degrees,
            lines: page.lines.len(),
            legibility: page.legibility(),
        },
        mrz: page.described_zone(),
        kind,
        fields,
        barcodes,
        portrait: portrait.flatten(),
        cross_checks,
        warnings,
        milliseconds: times,
        models: Vec::new(),
    })
}

/// A document laid flat in one of the ways that it may lie, and what it then says.
struct Look {
    flat: Flat,
    page: Page,
    face: Option<Cut>,
    kind: Kind,
    barcodes: Vec<Barcode>,
}

/// The first way of lying in which it is recognised; otherwise the one that reads best. Where the edges that were found lead
/// to nothing, the photo as a whole is looked at.
fn upright(nets: Nets, photo: &RgbImage, today: Date, times: &mut DocumentTimes) -> Result<Look, NetError> {
    let located = timed(&mut times.locate, || locate::document(nets.corners, photo))?;
    let located = located.filter(|found| found.confidence >= rectify::CONFIDENCE_MIN);
    let edged = located.and_then(|found| timed(&mut times.locate, || rectify::lay_flat(photo, &found)));
    let edges = match edged {
        // A rectangle tells by its proportions which of its sides stand.
        Some(flat) => Some(lying_best(nets, &flat, 2, today, times)?),
        None => None,
    };
    match edges {
        Some(look) if look.kind.class.is_some() => Ok(look),
        Some(look) => {
            let whole = lying_best(nets, &rectify::whole(photo), 2, today, times)?;
            Ok(if whole.kind.class.is_some() { whole } else { look })
        }
        None => lying_best(nets, &rectify::whole(photo), 4, today, times),
    }
}

/// Of the `ways` likeliest ways of lying the first in which the document is recognised, or the one that reads best.
fn lying_best(nets: Nets, flat: &Flat, ways: usize, today: Date, times: &mut DocumentTimes) -> Result<Look, NetError> {
    let mut turns = timed(&mut times.locate, || orient::likeliest(nets.orientation, &flat.picture))?;
    let layouts = timed(&mut times.locate, || sides::turned(nets.layout, &flat.picture))?;
    let known = |quarters: u8| layouts.get(usize::from(quarters)).is_some_and(sides::Seen::is_sure);
    turns.sort_by_key(|quarters| !known(*quarters));
    let mut best: Option<Look> = None;
    for (quarters, layout) in turns.into_iter().filter_map(|q| Some((q, *layouts.get(usize::from(q))?))).take(ways) {
        let look = Look::at(nets, flat.turned(quarters), layout, today, times)?;
        let poor = flat.corners.is_some() && look.page.is_poor();
        let done = look.kind.class.is_some() || (look.page.is_the_right_way_up() && !poor);
        if best.as_ref().is_none_or(|best| look.standing() > best.standing()) {
            best = Some(look);
        }
        if done {
            break;
        }
    }
    best.ok_or_else(|| NetError::Graph("a document can lie in four ways".into()))
}

impl Look {
    fn at(
        nets: Nets,
        flat: Flat,
        layout: sides::Seen,
        today: Date,
        times: &mut DocumentTimes,
    ) -> Result<Look, NetError> {
        let page = Page::read(nets, &flat, layout, today, times)?;
        let face = timed(&mut times.portrait, || portrait::find(nets.face_detector, &flat.picture))?;
        let mut kind = page.kind(&flat, face.as_ref(), &[]);
        let mut barcodes = Vec::new();
        // Fronts and data pages have none.
        if kind.side != Some(Side::Front) && page.is_the_right_way_up() {
            barcodes = timed(&mut times.barcodes, || barcode::read(&flat.picture));
            kind = page.kind(&flat, face.as_ref(), &barcodes);
        }
        Ok(Look { flat, page, face, kind, barcodes })
    }

    /// What is recognised stands before what is only legible.
    fn standing(&self) -> f64 {
        self.kind.confidence + f64::from(u8::from(self.kind.class.is_some())) + self.page.legibility()
    }
}

fn timed<T>(milliseconds: &mut f64, step: impl FnOnce() -> T) -> T {
    let watch = Stopwatch::start();
    let result = step();
    *milliseconds += watch.elapsed_ms();
    result
}

fn in_parts(area: &Box2, picture: &RgbImage) -> [f64; 4] {
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    [area.x / width, area.y / height, (area.x + area.width) / width, (area.y + area.height) / height]
}

/// The portrait with its place on the photo. `None` if its area is empty.
fn cut_out(nets: Nets, flat: &Flat, cut: &Cut, size: (u32, u32)) -> Result<Option<Portrait>, NetError> {
    let Some(jpeg) = portrait::jpeg(&flat.picture, &cut.area) else { return Ok(None) };
    let [left, top, right, bottom] = in_parts(&cut.area, &flat.picture);
    let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
    let corners: Option<Vec<Point>> = corners.into_iter().map(|(u, v)| flat.on_photo(u, v, size)).collect();
    let Some(corners) = corners else { return Ok(None) };
    let low = |of: fn(&Point) -> f64| corners.iter().map(of).fold(f64::INFINITY, f64::min);
    let high = |of: fn(&Point) -> f64| corners.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
    let (x, y) = (low(|p| p.x), low(|p| p.y));
    Ok(Some(Portrait {
        r#box: Box2 { x, y, width: high(|p| p.x) - x, height: high(|p| p.y) - y },
        confidence: cut.face.confidence,
        jpeg,
        embedding: portrait::embedding(nets.face_embedder, &flat.picture, &cut.face)?,
    }))
}
