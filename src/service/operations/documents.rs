//! Documents: is it what the client says, and is its number the expected one.

use serde_json::{Map, Value, json};

use super::{Concluded, Work, invalid};
use crate::domain::document::{DocumentSeen, Field, FieldName, NumberSeen, Side};
use crate::domain::evidence::Examiner;
use crate::domain::job::{Outcome, Verdict};
use crate::domain::user::{DocumentNumber, DocumentType};

/// `true` when the photo shows that document and that side.
pub(super) fn validate_type(examiner: &dyn Examiner, work: &Work) -> Concluded {
    examined(examiner, work, |seen, details| {
        let wanted = (Some(class_asked(work)), Some(side_asked(work)));
        if seen.kind.class.is_none() && is_illegible(seen) {
            return Outcome::invalid(&advice(seen, "The photo cannot be read."), "unreadable_photo", details);
        }
        answered(wanted == (seen.kind.class, seen.kind.side), details)
    })
}

/// `true` when the number on the document is the expected one.
pub(super) fn validate_identity(examiner: &dyn Examiner, work: &Work) -> Concluded {
    examined(examiner, work, |seen, mut details| {
        let class = class_asked(work);
        let expected = work.parameters.get("documentId").and_then(Value::as_str).and_then(DocumentNumber::parse);
        let compared = match (expected, seen.kind.class) {
            // Checked when the job was stored.
            (None, _) | (_, None) => NumberSeen::Nothing,
            (Some(_), Some(other)) if other != class => {
                note(&mut details, json!({ "reason": "other_document" }));
                return answered(false, details);
            }
            (Some(expected), Some(_)) => seen.compare_number(&expected, class),
        };
        match compared {
            NumberSeen::Same(field) => {
                note(&mut details, json!({ "read": field }));
                answered(true, details)
            }
            NumberSeen::Other(field) => {
                note(&mut details, json!({ "reason": "other_number", "read": field }));
                answered(false, details)
            }
            unsure => no_number(seen, unsure, details),
        }
    })
}

/// No number was read surely.
fn no_number(seen: &DocumentSeen, unsure: NumberSeen, mut details: Value) -> Outcome {
    if let NumberSeen::Doubtful(field) = unsure {
        let sentence = doubt(&field);
        note(&mut details, json!({ "reason": "doubtful", "read": field }));
        return Outcome::invalid(&advice(seen, &sentence), "number_doubtful", details);
    }
    let (error, sentence) = match seen.kind.class {
        None => ("no_document", "No cédula or passport was recognised in the photo."),
        Some(_) => ("number_unreadable", "The document's number cannot be read."),
    };
    Outcome::invalid(&advice(seen, sentence), error, details)
}

/// Reads the number, as surely as `validate_identity` would.
pub(super) fn read_number(examiner: &dyn Examiner, work: &Work) -> Concluded {
    let mut number = None;
    let concluded = examined(examiner, work, |seen, mut details| {
        let class = class_asked(work);
        match seen.kind.class {
            Some(other) if other != class => {
                note(&mut details, json!({ "reason": "other_document" }));
                return answered(false, details);
            }
            _ => {}
        }
        match seen.number(class) {
            NumberSeen::Same(field) => {
                number = DocumentNumber::parse(&field.value);
                note(&mut details, json!({ "read": field }));
                Outcome::answered(Verdict::Succeeded, json!(field.value), details)
            }
            unsure => no_number(seen, unsure, details),
        }
    });
    Concluded { numbers: number.into_iter().chain(concluded.numbers).collect(), ..concluded }
}

/// Examines the photo, and keeps what came out of it beside the verdict.
fn examined(examiner: &dyn Examiner, work: &Work, conclude: impl FnOnce(&DocumentSeen, Value) -> Outcome) -> Concluded {
    let seen = work.document(examiner);
    let seen = match seen.as_ref() {
        Ok(seen) => seen,
        Err(unusable) => return invalid(work, unusable).into(),
    };
    let outcome = conclude(seen, details(seen));
    let is_number = |field: &&Field| matches!(field.name, FieldName::Number | FieldName::PreviousNumber);
    let numbers =
        seen.fields.iter().filter(is_number).filter_map(|field| DocumentNumber::parse(&field.value)).collect();
    let (face, files) = match &seen.portrait {
        Some(portrait) => (portrait.embedding.clone(), vec![("portrait", portrait.jpeg.clone())]),
        None => (None, Vec::new()),
    };
    let findings = seen.warnings.iter().map(|warning| warning.warning.clone()).collect();
    Concluded { face, files, numbers, findings, ..outcome.into() }
}

fn class_asked(work: &Work) -> DocumentType {
    let asked = work.parameters.get("documentType").and_then(Value::as_str).and_then(DocumentType::parse);
    // Checked when the job was stored.
    asked.unwrap_or(DocumentType::Cedula)
}

fn side_asked(work: &Work) -> Side {
    work.parameters.get("side").and_then(Value::as_str).and_then(Side::parse).unwrap_or(Side::Front)
}

fn answered(holds: bool, details: Value) -> Outcome {
    Outcome::answered(if holds { Verdict::Succeeded } else { Verdict::Failed }, json!(holds), details)
}

fn note(details: &mut Value, number: Value) {
    if let Value::Object(all) = details {
        all.insert("number".to_owned(), number);
    }
}

/// Whether a photo that shows no known document might show one to a better camera.
fn is_illegible(seen: &DocumentSeen) -> bool {
    has_warning(seen, "blurred") || has_warning(seen, "too_dark")
}

fn has_warning(seen: &DocumentSeen, slug: &str) -> bool {
    seen.warnings.iter().any(|warning| warning.warning == slug)
}

/// The sentence, and what to do about it.
fn advice(seen: &DocumentSeen, sentence: &str) -> String {
    let mut steps: Vec<&str> = Vec::new();
    if has_warning(seen, "glare") {
        steps.push("avoid glare");
    }
    if has_warning(seen, "blurred") {
        steps.push("hold the camera still");
    }
    if has_warning(seen, "cut_off") {
        steps.push("keep all edges in view");
    }
    let steps = if steps.is_empty() { "avoid glare".to_owned() } else { steps.join(", ") };
    format!("{sentence} Take the photo again: come closer, hold the document straight, {steps}.")
}

/// Which characters are in doubt, by place, so that the person can look at them.
fn doubt(field: &Field) -> String {
    if field.repaired {
        return "The document's number can only be read by its check digit.".to_owned();
    }
    let places: Vec<String> = field.doubtful.iter().map(|doubt| (doubt.position + 1).to_string()).collect();
    match places.as_slice() {
        [] => "The document's number cannot be read surely.".to_owned(),
        [one] => format!("Character {one} of the document's number cannot be read surely."),
        [some @ .., last] => {
            format!("Characters {} and {last} of the document's number cannot be read surely.", some.join(", "))
        }
    }
}

fn details(seen: &DocumentSeen) -> Value {
    let mut fields: Map<String, Value> = Map::new();
    for name in seen.fields.iter().map(|field| field.name) {
        let key = json!(name).as_str().unwrap_or_default().to_owned();
        if fields.contains_key(&key) {
            continue;
        }
        let all = seen.fields_named(name);
        let Some((first, others)) = all.split_first() else { continue };
        let mut shown = described(first);
        if let (false, Value::Object(shown)) = (others.is_empty(), &mut shown) {
            shown.insert("others".to_owned(), others.iter().map(|field| described(field)).collect());
        }
        fields.insert(key, shown);
    }
    let portrait = seen.portrait.as_ref().map(|portrait| {
        json!({ "box": portrait.r#box, "confidence": portrait.confidence, "embedded": portrait.embedding.is_some() })
    });
    json!({
        "file": seen.photo,
        "document": seen.kind,
        "fields": fields,
        "mrz": seen.mrz,
        "barcodes": seen.barcodes,
        "portrait": portrait,
        "crossChecks": seen.cross_checks,
        "warnings": seen.warnings,
        "milliseconds": seen.milliseconds,
        "models": seen.models,
    })
}

/// A field without its name, which is its key.
fn described(field: &Field) -> Value {
    let mut value = json!(field);
    if let Value::Object(value) = &mut value {
        value.remove("name");
    }
    value
}
