//! One photo of a document held against its truth.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use super::truth::{Class, Side as TrueSide, Specimen};
use crate::domain::document::{DocumentSeen, Evidence, FieldName, NumberSeen, Side, Source, has_valid_digit};
use crate::domain::evidence::Point;
use crate::domain::user::{DocumentNumber, DocumentType};
use crate::vision::document::barcode;

/// What was right and wrong about one photo.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    pub file: String,
    pub model: String,
    pub level: super::truth::Level,
    /// For a document: class and side. For anything else: recognised as neither.
    pub kind_right: bool,
    /// `None` where the side says no number.
    pub number_exact: Option<bool>,
    /// How validate-identity answers to the document's own number.
    pub own_number: Option<&'static str>,
    /// Other numbers that were taken for it: none may be.
    pub false_accepts: Vec<String>,
    pub others_tried: usize,
    pub mrz_exact: Option<bool>,
    /// Every symbol, read or not.
    pub mrz_read: bool,
    /// Printed fields, by the name that the truth has for them.
    pub printed: BTreeMap<String, bool>,
    /// Whether each was read, by its format.
    pub barcodes: Vec<(String, bool)>,
    pub quad_overlap: Option<f64>,
    pub quad: Option<[Point; 4]>,
    pub warnings: Vec<String>,
    /// What spoke for which class and side.
    pub evidence: Vec<Evidence>,
    pub milliseconds: f64,
    /// What was read where it was wrong: truth and reading.
    pub wrong: BTreeMap<String, (String, String)>,
}

/// The names of printed fields, as the truth has them.
const PRINTED: &[(&str, FieldName)] = &[
    ("number", FieldName::Number),
    ("surnames", FieldName::Surnames),
    ("given_names", FieldName::GivenNames),
    ("birth_date", FieldName::BirthDate),
    ("place_of_birth", FieldName::BirthPlace),
    ("sex", FieldName::Sex),
    ("nationality", FieldName::Nationality),
    ("issue_date", FieldName::IssueDate),
    ("expiry_date", FieldName::ExpiryDate),
    ("issuing_state", FieldName::IssuingState),
    ("occupation", FieldName::Occupation),
    ("civil_status", FieldName::CivilStatus),
    ("blood_type", FieldName::BloodType),
    ("college", FieldName::PollingStation),
    ("college_place", FieldName::PollingPlace),
    ("address", FieldName::Address),
    ("sector", FieldName::Sector),
    ("municipality", FieldName::Municipality),
    ("previous_number", FieldName::PreviousNumber),
    ("postal_code", FieldName::PostalCode),
    ("birth_record", FieldName::BirthRecord),
    ("personal_number", FieldName::PersonalNumber),
    ("authority", FieldName::Authority),
];

/// The number that a photo's side says, from print or zone.
pub fn number(truth: &Specimen) -> Option<String> {
    let printed = truth.fields.get("number").cloned();
    // On a cédula's back it stands in the zone; its barcode has it too, or the card's QR.
    let coded = truth.barcodes.iter().find_map(|code| {
        let code = crate::domain::document::Barcode { format: code.format.clone(), text: code.text.clone() };
        barcode::number(&code).map(str::to_owned)
    });
    printed.or(coded).map(|number| canonical(&number))
}

/// Whether a specimen gives reason for a warning: it had expired on that day, or its number's own digit does not hold.
pub fn is_due(truth: &Specimen, slug: &str, today: Date) -> bool {
    match slug {
        "expired" => expiry(truth).is_some_and(|date| date < today),
        "number_check_digit" => {
            truth.class == Class::Cedula && number(truth).is_some_and(|number| !has_valid_digit(&number))
        }
        _ => false,
    }
}

/// As printed, or as a card's zone has it.
fn expiry(truth: &Specimen) -> Option<Date> {
    let printed = truth.fields.get("expiry_date").cloned();
    let coded = || {
        let date = truth.mrz.get(1).filter(|_| truth.mrz.len() == 3)?.get(8..14)?;
        Some(format!("20{}-{}-{}", date.get(..2)?, date.get(2..4)?, date.get(4..)?))
    };
    printed.or_else(coded)?.parse().ok()
}

pub fn class(truth: &Specimen) -> Option<DocumentType> {
    match truth.class {
        Class::Cedula => Some(DocumentType::Cedula),
        Class::Passport => Some(DocumentType::Passport),
        Class::Neither => None,
    }
}

fn canonical(number: &str) -> String {
    number.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// `others`: the numbers of all documents of the set.
pub fn outcome(truth: &Specimen, seen: &DocumentSeen, others: &[String], milliseconds: f64) -> Outcome {
    let side = truth.side.map(|side| match side {
        TrueSide::Front => Side::Front,
        TrueSide::Back => Side::Back,
    });
    let mut wrong = BTreeMap::new();
    let mut judge = |name: &str, truth: &str, read: Option<&str>| {
        let right = read == Some(truth);
        if !right {
            wrong.insert(name.to_owned(), (truth.to_owned(), read.unwrap_or("-").to_owned()));
        }
        right
    };
    let own = number(truth);
    let read = seen.fields_named(FieldName::Number).first().map(|field| canonical(&field.value));
    let number_exact = own.as_ref().map(|own| judge("number", own, read.as_deref()));
    let zone = seen.mrz.as_ref().map(|zone| zone.lines.join("\n")).unwrap_or_default();
    let mrz_exact = (!truth.mrz.is_empty()).then(|| judge("mrz", &truth.mrz.join("\n"), Some(&zone)));
    let mut printed = BTreeMap::new();
    for (key, name) in PRINTED {
        let Some(value) = truth.fields.get(*key) else { continue };
        let found = seen.fields.iter().find(|field| field.name == *name && field.source == Source::Viz);
        let right = judge(&format!("printed {key}"), value, found.map(|field| field.value.as_str()));
        printed.insert((*key).to_owned(), right);
    }
    let is_read = |text: &str| seen.barcodes.iter().any(|found| found.text == text);
    let barcodes = truth.barcodes.iter().map(|code| (code.format.clone(), is_read(&code.text))).collect();
    let kind_right = (seen.kind.class, seen.kind.side) == (class(truth), side);
    if !kind_right {
        let read = format!("{:?} {:?}", seen.kind.class, seen.kind.side);
        wrong.insert("kind".to_owned(), (format!("{:?} {:?}", class(truth), side), read));
    }
    let (false_accepts, others_tried) = false_accepts(truth, seen, own.as_deref(), others);
    Outcome {
        file: truth.file.clone(),
        model: truth.model.clone(),
        level: truth.level,
        kind_right,
        number_exact,
        own_number: own.as_ref().zip(class(truth)).map(|(own, class)| answer(seen, own, class)),
        false_accepts,
        others_tried,
        mrz_exact,
        mrz_read: seen.mrz.is_some(),
        printed,
        barcodes,
        quad_overlap: truth.corners.map(|corners| overlap(&corners, seen.photo.quad)),
        quad: seen.photo.quad,
        evidence: seen.kind.evidence.clone(),
        warnings: seen.warnings.iter().map(|warning| warning.warning.clone()).collect(),
        milliseconds,
        wrong,
    }
}

/// How validate-identity would answer.
fn answer(seen: &DocumentSeen, number: &str, class: DocumentType) -> &'static str {
    match (DocumentNumber::parse(number), seen.kind.class) {
        (_, None) => "no document",
        (_, Some(other)) if other != class => "other document",
        (None, _) => "no number",
        (Some(number), _) => match seen.compare_number(&number, class) {
            NumberSeen::Same(_) => "same",
            NumberSeen::Other(_) => "other",
            NumberSeen::Doubtful(_) => "doubtful",
            NumberSeen::Nothing => "unreadable",
        },
    }
}

/// Every number of the set, every number one character away and every one with two neighbours exchanged, asked for as either
/// kind of document. Gives those that were wrongly taken for the document's, and how many were tried.
fn false_accepts(truth: &Specimen, seen: &DocumentSeen, own: Option<&str>, others: &[String]) -> (Vec<String>, usize) {
    let mut tried = 0;
    let mut accepted = Vec::new();
    let near = own.map(neighbours).unwrap_or_default();
    for class_asked in [DocumentType::Cedula, DocumentType::Passport] {
        for number in others.iter().chain(&near) {
            let is_right = Some(number.as_str()) == own && Some(class_asked) == class(truth);
            if is_right {
                continue;
            }
            tried += 1;
            if answer(seen, number, class_asked) == "same" {
                accepted.push(number.clone());
            }
        }
    }
    (accepted, tried)
}

fn neighbours(number: &str) -> Vec<String> {
    let symbols: Vec<char> = number.chars().collect();
    let alphabet = |old: char| if old.is_ascii_digit() { '0'..='9' } else { 'A'..='Z' };
    let mut all: Vec<Vec<char>> = Vec::new();
    for (at, old) in symbols.iter().enumerate() {
        for new in alphabet(*old).filter(|new| new != old) {
            let changed = symbols.iter().enumerate().map(|(i, c)| if i == at { new } else { *c });
            all.push(changed.collect());
        }
        let mut exchanged = symbols.clone();
        if at + 1 < exchanged.len() {
            exchanged.swap(at, at + 1);
        }
        if exchanged != symbols {
            all.push(exchanged);
        }
    }
    all.into_iter().map(String::from_iter).collect()
}

/// Intersection over union of the true and the found quadrilateral; 0 where none was found.
fn overlap(truth: &[[f64; 2]; 4], found: Option<[Point; 4]>) -> f64 {
    let truth = truth.map(|[x, y]| Point { x, y });
    found.map_or(0.0, |found| crate::vision::document::geometry::overlap(&truth, &found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_differ_in_one_character_or_have_two_exchanged() {
        let near = neighbours("12A");
        assert_eq!(near.len(), 9 + 9 + 25 + 2);
        assert!(
            near.contains(&"21A".to_owned()) && near.contains(&"02A".to_owned()) && !near.contains(&"12A".to_owned())
        );
    }
}
