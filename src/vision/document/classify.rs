//! What a document is, by points for everything that speaks for a class and a side. What leads by too little is neither.

use super::phrases;
use super::read::Line;
use super::sides::Seen;
use super::zone::Likeness;
use crate::domain::document::{Evidence, Kind, Side, has_valid_digit};
use crate::domain::user::DocumentType::{self, Cedula, Passport};
use Side::{Back, Front};

/// A class and side needs this many points, and this many more than the next.
const POINTS_MIN: f64 = 3.5;
const LEAD_MIN: f64 = 1.0;

/// Phrases (bare), what they speak for, and how strongly. Of phrases that begin alike only the first found counts.
const PHRASES: &[(&str, DocumentType, Side, f64)] = &[
    ("CEDULADEIDENTIDAD", Cedula, Front, 2.0),
    ("JUNTACENTRALELECTORAL", Cedula, Front, 2.0),
    ("YELECTORAL", Cedula, Front, 1.0),
    ("NUMERODECEDULA", Cedula, Front, 1.5),
    ("VIGENCIAHASTA", Cedula, Front, 1.0),
    ("FECHADEEXPIRACION", Cedula, Front, 0.5),
    ("OCUPACION", Cedula, Front, 1.0),
    ("ESTADOCIVIL", Cedula, Front, 1.0),
    ("LUGARDENACIMIENTO", Cedula, Front, 0.5),
    ("FECHADENACIMIENTO", Cedula, Front, 0.5),
    ("COLEGIOELECTORAL", Cedula, Back, 2.0),
    ("UBICACIONDELCOLEGIO", Cedula, Back, 1.5),
    ("DIRECCIONDERESIDENCIA", Cedula, Back, 1.5),
    ("CEDULAANTERIOR", Cedula, Back, 1.5),
    ("CEDULAANT", Cedula, Back, 1.0),
    ("REGISTRODENACIMIENTO", Cedula, Back, 1.5),
    ("CODIGOPOSTAL", Cedula, Back, 0.5),
    ("MUNICIPIO", Cedula, Back, 0.5),
    ("PRESIDENTEJCE", Cedula, Back, 1.0),
    ("PASAPORTE", Passport, Front, 1.5),
    ("PASSPORT", Passport, Front, 1.5),
    ("COUNTRYCODE", Passport, Front, 0.5),
    ("SURNAME", Passport, Front, 0.5),
    ("GIVENNAMES", Passport, Front, 0.5),
    ("NATIONALITY", Passport, Front, 0.5),
    ("DATEOFBIRTH", Passport, Front, 0.5),
    ("DATEOFEXPIRY", Passport, Front, 0.5),
    ("PLACEOFBIRTH", Passport, Front, 0.5),
];

/// What else was seen.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// `TD1`, `TD3`, …, the first two letters of the zone, the issuing state, and whether its check digits hold.
    pub zone: Option<Zone>,
    /// What the zone looks like where it cannot be read.
    pub likeness: Option<Likeness>,
    /// What it faintly looks like.
    pub faint: Option<Likeness>,
    /// What its layout seems to be, where little can be read.
    pub layout: Option<Seen>,
    /// A cédula's number among the printed text.
    pub number: Option<String>,
    /// One stands where a front has it, but cannot be read.
    pub unclear_number: bool,
    /// The share of the document's height that its largest face takes.
    pub face_share: Option<f64>,
    /// Width by height of the document.
    pub aspect: Option<f64>,
    /// A barcode with a cédula's number.
    pub barcode_number: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    pub format: String,
    pub code: String,
    pub state: String,
    pub checks: bool,
}

/// For a layout that is known, and for one that is likely. With a face and the right proportions it is still not enough: another
/// country's card may look like that, so that something must have been read.
const LAYOUT: (f64, f64) = (2.5, 1.25);
/// A portrait's face takes at least this share of the document's height.
const FACE_SHARE_MIN: f64 = 0.18;
/// Width by height of ID-1 and ID-3 (ISO/IEC 7810), and how far a document's may be from it.
const ASPECTS: [(f64, DocumentType); 2] = [(1.586, Cedula), (1.42, Passport)];
const ASPECT_ERROR_MAX: f64 = 0.06;

/// Class and side with everything that spoke for any.
pub fn kind(lines: &[Line], marks: &Marks) -> Kind {
    let mut evidence: Vec<Evidence> = Vec::new();
    let mut add = |what: &str, class, side, points| {
        evidence.push(Evidence { what: what.to_owned(), class, side, points });
    };
    for (phrase, class, side, points) in PHRASES {
        if lines.iter().any(|line| phrases::find(&line.written, phrase).is_some()) {
            add(&format!("phrase_{}", phrase.to_ascii_lowercase()), *class, *side, *points);
        }
    }
    if let Some(zone) = &marks.zone {
        let sure = if zone.checks { 1.0 } else { 0.5 };
        match zone.format.as_str() {
            "TD3" if zone.code.starts_with('P') => add("mrz_td3_passport", Passport, Front, 4.0 * sure),
            "TD1" if zone.state == "DOM" && zone.code.starts_with('I') => {
                add("mrz_td1_dominican", Cedula, Back, 4.0 * sure)
            }
            _ => {}
        }
    }
    match marks.faint.filter(|_| marks.zone.is_none() && marks.likeness.is_none()) {
        Some(Likeness::DominicanCard) => add("mrz_lines_faint", Cedula, Back, 1.0),
        Some(Likeness::Passport) => add("mrz_lines_faint", Passport, Front, 1.0),
        None => {}
    }
    match marks.likeness {
        Some(Likeness::DominicanCard) if marks.zone.is_none() => add("mrz_lines_dominican", Cedula, Back, 3.5),
        Some(Likeness::Passport) if marks.zone.is_none() => add("mrz_lines_passport", Passport, Front, 3.0),
        _ => {}
    }
    if let Some(layout) = marks.layout.filter(Seen::is_likely) {
        add("layout", layout.class, layout.side, if layout.is_sure() { LAYOUT.0 } else { LAYOUT.1 });
    }
    if let Some(number) = &marks.number {
        add("cedula_number", Cedula, Front, if has_valid_digit(number) { 1.5 } else { 0.5 });
    }
    if marks.unclear_number {
        add("cedula_number_unclear", Cedula, Front, 0.5);
    }
    if marks.barcode_number {
        add("barcode_cedula_number", Cedula, Back, 2.0);
    }
    if marks.face_share.is_some_and(|share| share >= FACE_SHARE_MIN) {
        add("portrait", Cedula, Front, 0.5);
        add("portrait", Passport, Front, 0.5);
    }
    if let Some(aspect) = marks.aspect {
        let near = ASPECTS.into_iter().filter(|(wanted, _)| (aspect / wanted - 1.0).abs() < ASPECT_ERROR_MAX);
        for (_, class) in near {
            add("aspect", class, Front, 0.25);
            if class == Cedula {
                add("aspect", class, Back, 0.25);
            }
        }
    }
    decide(evidence)
}

fn decide(evidence: Vec<Evidence>) -> Kind {
    let total = |class, side| {
        evidence.iter().filter(|one| (one.class, one.side) == (class, side)).map(|one| one.points).sum::<f64>()
    };
    let mut ranked =
        [(Cedula, Front), (Cedula, Back), (Passport, Front)].map(|(class, side)| (total(class, side), class, side));
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    let [(best, class, side), (next, ..), _] = ranked;
    let lead = best - next;
    let known = best >= POINTS_MIN && lead >= LEAD_MIN;
    Kind {
        class: known.then_some(class),
        side: known.then_some(side),
        model: None,
        confidence: ((best / (2.0 * POINTS_MIN)).min(lead / (2.0 * LEAD_MIN))).clamp(0.0, 1.0),
        evidence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(format: &str, code: &str, state: &str) -> Marks {
        let zone = Zone { format: format.into(), code: code.into(), state: state.into(), checks: true };
        Marks { zone: Some(zone), ..Marks::default() }
    }

    #[test]
    fn a_zone_decides_by_itself_and_a_foreign_card_is_neither() {
        let seen = |marks: &Marks| (kind(&[], marks).class, kind(&[], marks).side);
        assert_eq!(seen(&zone("TD3", "P<", "COL")), (Some(Passport), Some(Front)));
        assert_eq!(seen(&zone("TD1", "ID", "DOM")), (Some(Cedula), Some(Back)));
        assert_eq!(seen(&zone("TD1", "I<", "ESP")), (None, None));
        assert_eq!(seen(&zone("MRV-A", "V<", "USA")), (None, None));
        assert_eq!(seen(&Marks::default()), (None, None));
    }

    #[test]
    fn a_layout_is_heard_and_decides_nothing_until_something_was_read() {
        let layout = Seen { class: Cedula, side: Front, model: "2014", probability: 0.99 };
        let looks = Marks { layout: Some(layout), face_share: Some(0.3), aspect: Some(1.586), ..Marks::default() };
        assert_eq!(kind(&[], &looks).class, None);
        let seen = kind(&[], &Marks { unclear_number: true, ..looks.clone() });
        assert_eq!((seen.class, seen.side), (Some(Cedula), Some(Front)));
        let unsure = Marks { layout: Some(Seen { probability: 0.8, ..layout }), unclear_number: true, ..looks };
        assert_eq!(kind(&[], &unsure).class, None);
    }

    #[test]
    fn little_evidence_or_as_much_for_another_is_neither() {
        let number = Marks { number: Some("402-0057193-9".into()), face_share: Some(0.3), ..Marks::default() };
        assert_eq!(kind(&[], &number).class, None, "a number and a face make no card");
        let mut both = zone("TD3", "P<", "DOM");
        both.barcode_number = true;
        let seen = kind(&[], &both);
        assert_eq!(seen.class, Some(Passport));
        assert_eq!(seen.evidence.len(), 2);
    }
}
