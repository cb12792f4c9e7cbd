//! The text of an upright document, and what follows from it.

use image::RgbImage;
use jiff::civil::Date;

use super::classify::{self, Marks};
use super::placed::Placed;
use super::portrait::Cut;
use super::read::{self, Line};
use super::rectify::Flat;
use super::zone::{self, Understood};
use super::{Nets, barcode, cedula, mrz, number, passport, placed, placed_number, sides, timed};
use crate::domain::document::{Barcode, CheckDigit, DocumentTimes, Field, FieldName, Kind, MrzSeen, SURE_MIN, Side};
use crate::domain::user::DocumentType;
use crate::vision::nets::NetError;

/// From this mean confidence of its characters on, a text was at least read the right way up.
const LEGIBLE: f64 = 0.85;
/// A document of which most was seen has at least so many lines.
const LINES_MANY: usize = 8;

pub(super) struct Page {
    pub(super) lines: Vec<Line>,
    pub(super) zone: Option<Understood>,
    likeness: Option<zone::Likeness>,
    faint: Option<zone::Likeness>,
    layout: sides::Seen,
    /// Whether edges were found and little between them can be read.
    hidden: bool,
    /// Where the general reader read none surely.
    placed_number: placed_number::Placed,
    /// Pieces of text that run up or down.
    sideways: usize,
    size: (u32, u32),
}

impl Page {
    pub(super) fn read(
        nets: Nets,
        flat: &Flat,
        layout: sides::Seen,
        today: Date,
        times: &mut DocumentTimes,
    ) -> Result<Page, NetError> {
        let picture = &flat.picture;
        let places = timed(&mut times.detect_text, || read::detect::text(nets.text_detector, picture))?;
        // What runs up or down is not read: serials beside barcodes, or everything on a document that lies on its side.
        let (sideways, places): (Vec<_>, Vec<_>) = places.into_iter().partition(|place| place.is_upright());
        let lines =
            timed(&mut times.read_text, || read::recognise::lines(nets.text_reader, nets.alphabet, picture, &places))?;
        let rows = zone::rows(&lines, picture.width());
        let zone = timed(&mut times.read_mrz, || zone::understand(nets.mrz_reader, picture, &rows, today))?;
        // Where edges were found, the places of a zone's lines are known; among much legible text it would have been found, and a
        // layout's own words.
        let hidden = flat.corners.is_some() && (lines.len() < LINES_MANY || legibility(&lines) < LEGIBLE);
        let front = hidden && layout.is_likely() && (layout.class, layout.side) == (DocumentType::Cedula, Side::Front);
        let placed = match zone {
            None if hidden && !front => timed(&mut times.read_mrz, || {
                placed::read((nets.far_mrz_reader, nets.text_reader), nets.alphabet, picture, today)
            })?,
            zone => Placed { zone, ..Placed::default() },
        };
        let likeness = zone::likeness(&rows).or(placed.likeness);
        let (zone, faint) = (placed.zone, placed.faint);
        let sure = printed_number(&lines).is_some_and(|field| field.confidence >= SURE_MIN);
        let placed_number = if front && !sure {
            timed(&mut times.read_text, || placed_number::read(nets.number_reader, picture))?
        } else {
            placed_number::Placed::Nothing
        };
        let (sideways, size) = (sideways.len(), picture.dimensions());
        Ok(Page { lines, zone, likeness, faint, layout, hidden, placed_number, sideways, size })
    }

    pub(super) fn kind(&self, flat: &Flat, face: Option<&Cut>, barcodes: &[Barcode]) -> Kind {
        let zone = self.zone.as_ref().map(|read| classify::Zone {
            format: name_of(read.mrz.format).to_owned(),
            code: read.mrz.document_code.clone(),
            state: read.mrz.issuing_state.code.clone(),
            checks: read.mrz.checks.all_pass(),
        });
        let (width, height) = (f64::from(self.size.0), f64::from(self.size.1));
        let number = printed_number(&self.lines).or_else(|| self.placed_number()).map(|field| field.value);
        classify::kind(
            &self.lines,
            &Marks {
                zone,
                likeness: self.likeness,
                faint: self.faint,
                layout: Some(self.layout).filter(|_| self.hidden),
                number,
                unclear_number: self.placed_number == placed_number::Placed::Unclear,
                face_share: face.map(|cut| cut.face.r#box.height / height),
                aspect: flat.corners.map(|_| width / height),
                barcode_number: barcodes.iter().any(|code| barcode::number(code).is_some()),
            },
        )
    }

    fn placed_number(&self) -> Option<Field> {
        match &self.placed_number {
            placed_number::Placed::Read(field) => Some(field.clone()),
            _ => None,
        }
    }

    /// The printed fields of what it is; a cédula's model is entered into `kind`.
    pub(super) fn fields(&self, nets: Nets, picture: &RgbImage, kind: &mut Kind) -> Result<Vec<Field>, NetError> {
        match (kind.class, kind.side) {
            (Some(DocumentType::Cedula), Some(side)) => {
                let layout = Some(self.layout.model).filter(|_| self.layout.is_likely());
                let card = cedula::card(&self.lines, side, layout);
                kind.model = Some(card.model().to_owned());
                let (mut found, missing) = cedula::read(card, &self.lines, self.size);
                let places: Vec<_> = missing.iter().map(|(_, place)| *place).collect();
                let forced = read::recognise::lines(nets.text_reader, nets.alphabet, picture, &places)?;
                found.extend(missing.iter().zip(&forced).filter_map(|((name, _), line)| cedula::forced(*name, line)));
                if let Some(placed) = self.placed_number().filter(|_| side == Side::Front) {
                    // Read alike by both, it is told once, by the surer one.
                    let alike = |field: &Field| field.name == placed.name && field.value == placed.value;
                    if !found.iter().any(|field| alike(field) && field.confidence >= placed.confidence) {
                        found.retain(|field| !alike(field));
                        found.push(placed);
                    }
                }
                Ok(found)
            }
            (Some(DocumentType::Passport), _) => Ok(passport::read(&self.lines)),
            _ => Ok(Vec::new()),
        }
    }

    /// Mean confidence of all characters; 0 where there are none.
    pub(super) fn legibility(&self) -> f64 {
        legibility(&self.lines)
    }

    /// Whether another way of lying cannot be the right one: this one reads well, or there is nothing to read.
    pub(super) fn is_the_right_way_up(&self) -> bool {
        let reads_well = self.legibility() >= LEGIBLE && self.lines.len() > 2 * self.sideways;
        reads_well || self.lines.len() + self.sideways < 3
    }

    /// Whether too little could be read to tell how the document lies; a zone may still be read the other way up.
    pub(super) fn is_poor(&self) -> bool {
        self.legibility() < LEGIBLE
    }

    pub(super) fn described_zone(&self) -> Option<MrzSeen> {
        let read = self.zone.as_ref()?;
        let check = |(over, valid): (&str, bool)| CheckDigit { over: over.to_owned(), valid };
        Some(MrzSeen {
            format: name_of(read.mrz.format).to_owned(),
            lines: read.mrz.lines.clone(),
            confidence: read.least(),
            check_digits: zone::checks(&read.mrz).into_iter().map(check).collect(),
            repaired: read.mrz.repaired.iter().map(|repair| (repair.line, repair.column)).collect(),
        })
    }
}

fn legibility(lines: &[Line]) -> f64 {
    let glyphs = lines.iter().flat_map(|line| &line.written.glyphs);
    let (sum, count) = glyphs.fold((0.0, 0_u32), |(sum, count), glyph| (sum + glyph.confidence, count + 1));
    sum / f64::from(count.max(1))
}

/// A cédula's number among the lines.
fn printed_number(lines: &[Line]) -> Option<Field> {
    lines.iter().find_map(|line| number::find(line, FieldName::Number))
}

fn name_of(format: mrz::Format) -> &'static str {
    match format {
        mrz::Format::Td1 => "TD1",
        mrz::Format::Td2 => "TD2",
        mrz::Format::Td3 => "TD3",
        mrz::Format::MrvA => "MRV-A",
        mrz::Format::MrvB => "MRV-B",
    }
}
