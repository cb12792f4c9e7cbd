//! What the machine-readable zone says as fields, whether the sources agree, and what a person should look at.
//!
//! A repaired symbol never raises a suspicion: it is what the check digit wanted, not what was seen.

use jiff::civil::Date;

use super::barcode;
use super::capture::Capture;
use super::mrz::{self, Mrz, PartialDate, Sex};
use super::read::alphabet::bare;
use super::zone::{self, Understood};
use super::{number, warnings};
use crate::domain::document::{Barcode, CrossCheck, Field, FieldName, SURE_MIN, Source, Warning, has_valid_digit};
use crate::domain::user::DocumentType;
use FieldName::*;

/// Values read less surely than this contradict nobody.
const HEARD_MIN: f64 = 0.85;
/// A zone's number without a digit that holds is at most this sure.
const UNCHECKED_MAX: f64 = 0.5;
/// Nobody has become this old.
const AGE_MAX: i16 = 125;

/// The zone's fields.
pub fn of_zone(read: &Understood) -> Vec<Field> {
    let mrz = &read.mrz;
    let field = |name, value: String, from: &[mrz::Field], checked: bool| Field {
        name,
        value,
        confidence: read.confidence(from),
        source: Source::Mrz,
        doubtful: Vec::new(),
        repaired: from.iter().any(|field| mrz.is_repaired(*field)),
        checked: checked && from.iter().all(|field| !mrz.is_repaired(*field)),
    };
    let composite = mrz.checks.composite.is_some_and(|check| check.passes);
    let whole = mrz.checks.document_number.passes && composite;
    let date = |date: Option<PartialDate>| date.map(|date| date.to_string());
    let mut fields = Vec::new();
    use mrz::Field as At;
    match mrz::cedula_number(mrz) {
        Some(cedula) => {
            let own = cedula.stands_in == At::DocumentNumber;
            let from: &[At] = if own { &[At::DocumentNumber, At::OptionalData] } else { &[At::OptionalData] };
            fields.push(field(Number, number::with_dashes(&cedula.number), from, if own { whole } else { composite }));
            if !own {
                fields.push(field(
                    CardSerial,
                    mrz.document_number.clone(),
                    &[At::DocumentNumber, At::OptionalData],
                    whole,
                ));
            }
        }
        None if mrz.issuing_state.code == "DOM" && mrz.format == mrz::Format::Td1 => {}
        None => fields.push(field(Number, mrz.document_number.clone(), &[At::DocumentNumber], whole)),
    }
    if mrz.format == mrz::Format::Td3 && !mrz.optional_data.is_empty() {
        let checked = mrz.checks.optional_data.is_some_and(|check| check.passes);
        fields.push(field(PersonalNumber, mrz.optional_data.clone(), &[At::OptionalData], checked));
    }
    fields.push(field(Surnames, mrz.names.surnames.clone(), &[At::Names], false));
    fields.push(field(GivenNames, mrz.names.given_names.clone(), &[At::Names], false));
    fields
        .extend(date(mrz.birth_date.date).map(|v| field(BirthDate, v, &[At::BirthDate], mrz.checks.birth_date.passes)));
    fields.extend(
        date(mrz.expiry_date.date).map(|v| field(ExpiryDate, v, &[At::ExpiryDate], mrz.checks.expiry_date.passes)),
    );
    let sex = mrz.sex.and_then(|sex| match sex {
        Sex::Female => Some("F"),
        Sex::Male => Some("M"),
        Sex::Unspecified => None,
    });
    fields.extend(sex.map(|sex| field(FieldName::Sex, sex.to_owned(), &[At::Sex], false)));
    fields.push(field(Nationality, mrz.nationality.code.clone(), &[At::Nationality], false));
    fields.push(field(IssuingState, mrz.issuing_state.code.clone(), &[At::IssuingState], false));
    // A number whose digit does not hold was misread, or it is false: it confirms nobody.
    for number in fields.iter_mut().filter(|field| field.name == Number && !field.checked) {
        number.confidence = number.confidence.min(UNCHECKED_MAX);
    }
    fields.retain(|field| !field.value.is_empty());
    fields
}

/// A cédula's number and serial in its barcodes.
pub fn of_barcodes(barcodes: &[Barcode]) -> Vec<Field> {
    // Error correction vouches for every character. The one check symbol of Code 128 lets a misread code in a hundred pass, so that
    // the number's own digit must hold as well.
    let confidence = |code: &Barcode| if code.format == "code128" { SURE_MIN } else { 1.0 };
    let read = |code| number::bare(barcode::number(code)?, Source::Barcode, confidence(code));
    barcodes.iter().filter_map(read).take(1).collect()
}

/// Every field that two sources say, each pair of sources once.
pub fn between(fields: &[Field], zone: Option<&Mrz>) -> Vec<CrossCheck> {
    let heard = |field: &&Field| !field.repaired && field.confidence >= HEARD_MIN;
    let fields: Vec<&Field> = fields.iter().filter(heard).collect();
    let pairs = fields.iter().enumerate().flat_map(|(i, a)| fields.iter().skip(i + 1).map(move |b| (*a, *b)));
    let pairs = pairs.filter(|(a, b)| a.name == b.name && a.source != b.source);
    pairs
        .filter_map(|(a, b)| {
            Some(CrossCheck { field: a.name, between: (a.source, b.source), agree: agree(a, b, zone)? })
        })
        .collect()
}

/// `None` where the two are not comparable.
fn agree(a: &Field, b: &Field, zone: Option<&Mrz>) -> Option<bool> {
    match a.name {
        Number | PersonalNumber | BirthDate | ExpiryDate | FieldName::Sex | CardSerial => {
            Some(bare(&a.value) == bare(&b.value))
        }
        Surnames | GivenNames => {
            let printed = if a.source == Source::Viz { a } else { b };
            let zone = zone?;
            let other = |name| if name == a.name { printed.value.as_str() } else { "" };
            // One of the two names is compared with itself.
            let (surnames, given) = match a.name {
                Surnames => (other(Surnames).to_owned(), zone.names.given_names.clone()),
                _ => (zone.names.surnames.clone(), other(GivenNames).to_owned()),
            };
            Some(zone.names.agree_with(&surnames, &given))
        }
        _ => None,
    }
}

/// All that is known when it is judged.
pub struct Seen<'a> {
    pub class: Option<DocumentType>,
    pub fields: &'a [Field],
    pub cross_checks: &'a [CrossCheck],
    pub zone: Option<&'a Understood>,
    pub capture: &'a Capture,
}

/// What a person should look at.
pub fn warnings(seen: &Seen, today: Date) -> Vec<Warning> {
    let mut slugs: Vec<&'static str> = seen.capture.warnings();
    if seen.zone.is_some_and(surely_wrong_digit) {
        slugs.push("mrz_check_digit");
    }
    for check in seen.cross_checks.iter().filter(|check| !check.agree) {
        slugs.push(match (check.between.0, check.between.1) {
            (Source::Barcode, _) | (_, Source::Barcode) => "barcode_mismatch",
            _ => "mrz_viz_mismatch",
        });
    }
    let sure = |name| {
        seen.fields.iter().filter(move |field| field.name == name && !field.repaired && field.confidence >= HEARD_MIN)
    };
    let dates = |name| sure(name).filter_map(|field| field.value.parse::<PartialDate>().ok()?.whole());
    if dates(ExpiryDate).any(|date| date < today) {
        slugs.push("expired");
    }
    let first_day = Date::new(today.year() - AGE_MAX, 1, 1).unwrap_or(today);
    let born_impossibly = dates(BirthDate).any(|birth| {
        birth > today || birth < first_day || dates(ExpiryDate).chain(dates(IssueDate)).any(|other| other <= birth)
    });
    if born_impossibly || dates(IssueDate).any(|issued| issued > today || dates(ExpiryDate).any(|end| end <= issued)) {
        slugs.push("impossible_dates");
    }
    if seen.class == Some(DocumentType::Cedula) && sure(Number).any(|field| !has_valid_digit(&field.value)) {
        slugs.push("number_check_digit");
    }
    let mut once: Vec<&str> = Vec::new();
    slugs.retain(|slug| {
        let new = !once.contains(slug);
        once.push(slug);
        new
    });
    slugs.into_iter().map(warnings::describe).collect()
}

/// A digit that fails although every symbol was read surely and none was repaired.
fn surely_wrong_digit(read: &Understood) -> bool {
    let surely = read.mrz.repaired.is_empty() && read.mrz.misplaced.is_empty() && read.least() >= HEARD_MIN;
    surely && zone::checks(&read.mrz).iter().any(|(_, holds)| !holds)
}
