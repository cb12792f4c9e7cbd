//! What a reviewer needs of an attempt's stages: the two photos, the score and how seldom it comes up by chance, liveness, what
//! was read from the document, and every warning. Found wherever in the stages it lies, a workflow's steps included.

use serde_json::{Map, Value};

use crate::admin::reply::StageSeen;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// 0–100.
    pub score: Option<f64>,
    pub false_match_rate: Option<f64>,
    /// The rate is beyond what was measured.
    pub extrapolated: bool,
    pub is_match: Option<bool>,
    /// The score from which faces count as the same.
    pub threshold: Option<f64>,
    pub liveness: Option<String>,
    /// Sentences, or slugs where there is no sentence.
    pub warnings: Vec<String>,
    pub fields: Vec<FieldRead>,
    /// Names of fields that two sources on the document have differently.
    pub disagreements: Vec<String>,
}

/// A field as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldRead {
    pub name: String,
    pub value: String,
    pub source: String,
    /// 0–1.
    pub confidence: f64,
}

/// The files to look at side by side: the last selfie, and the portrait that was cut out of a document, or the document itself.
pub fn photos(stages: &[StageSeen]) -> [Option<String>; 2] {
    let last = |names: &[&str]| {
        names.iter().find_map(|name| {
            let files = stages.iter().rev().flat_map(|stage| &stage.files);
            let file = files.into_iter().find(|file| file.field == *name && file.removed_at.is_none())?;
            Some(file.stored_as.clone())
        })
    };
    [last(&["face", "selfie"]), last(&["portrait", "document", "file"])]
}

pub fn of(stages: &[StageSeen]) -> Evidence {
    let mut found = Evidence::default();
    for stage in stages {
        look(&stage.details, &mut found);
        let result = stage.output.get("result").and_then(Value::as_f64);
        if stage.details.get("falseMatchRate").is_some() && result.is_some() {
            found.score = result;
        }
    }
    found.warnings.dedup();
    found
}

fn look(value: &Value, found: &mut Evidence) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| look(one, found)),
        Value::Object(all) => {
            compared(all, found);
            read(all, found);
            if let Some(verdict) = all.get("liveness").and_then(|liveness| liveness.get("verdict")) {
                found.liveness = verdict.as_str().map(str::to_owned);
            }
            all.values().for_each(|one| look(one, found));
        }
        _ => {}
    }
}

/// A comparison's own numbers.
fn compared(all: &Map<String, Value>, found: &mut Evidence) {
    let rate = all.get("falseMatchRate").and_then(Value::as_f64);
    // A threshold has a rate and a cosine as well, but no threshold of its own.
    let (Some(rate), Some(threshold)) = (rate, all.get("threshold")) else { return };
    found.false_match_rate = Some(rate);
    found.extrapolated = all.get("falseMatchRateExtrapolated").and_then(Value::as_bool).unwrap_or(false);
    found.is_match = all.get("match").and_then(Value::as_bool);
    found.threshold = threshold.get("score").and_then(Value::as_f64);
    found.score = all.get("score").and_then(Value::as_f64).or(found.score);
}

/// A document's fields, checks and warnings.
fn read(all: &Map<String, Value>, found: &mut Evidence) {
    if let Some(Value::Object(fields)) = all.get("fields") {
        for (name, field) in fields {
            let text = |key: &str| field.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let confidence = field.get("confidence").and_then(Value::as_f64);
            let (Some(confidence), false) = (confidence, found.fields.iter().any(|known| known.name == *name)) else {
                continue;
            };
            found.fields.push(FieldRead {
                name: name.clone(),
                value: text("value"),
                source: text("source"),
                confidence,
            });
        }
    }
    for check in all.get("crossChecks").and_then(Value::as_array).into_iter().flatten() {
        if check.get("agree").and_then(Value::as_bool) == Some(false) {
            found.disagreements.extend(check.get("field").and_then(Value::as_str).map(str::to_owned));
        }
    }
    for warning in all.get("warnings").and_then(Value::as_array).into_iter().flatten() {
        let text = warning.get("message").or_else(|| warning.get("warning")).unwrap_or(warning);
        found.warnings.extend(text.as_str().map(str::to_owned));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::reply::JobSeen;
    use crate::domain::id::Id;
    use crate::domain::job::InputFile;
    use crate::domain::time::Timestamp;
    use serde_json::json;

    fn stage(output: Value, details: Value, files: &[&str]) -> StageSeen {
        let id = Id::from_bytes([1; 12]);
        let at = Timestamp::from_millis(0);
        StageSeen {
            job: JobSeen {
                id,
                account: String::new(),
                attempt: id,
                operation: String::new(),
                status: String::new(),
                created_at: at,
                started_at: None,
                finished_at: None,
                recoveries: 0,
            },
            parameters: Map::new(),
            files: files
                .iter()
                .map(|field| InputFile {
                    field: (*field).to_owned(),
                    stored_as: format!("{field}-file"),
                    sha256: String::new(),
                    bytes: 1,
                    removed_at: None,
                })
                .collect(),
            output,
            details,
        }
    }

    #[test]
    fn a_comparison_and_a_document_are_found_wherever_they_lie() {
        let comparison = json!({
            "match": true, "cosine": 0.5, "falseMatchRate": 1e-5,
            "threshold": { "falseMatchRate": 1e-4, "cosine": 0.4, "score": 65.0 },
            "face": { "faces": [{ "liveness": { "verdict": "real", "score": 0.9 } }] },
        });
        let document = json!({ "steps": [{
            "fields": { "number": { "value": "402", "confidence": 0.9, "source": "MRZ" } },
            "crossChecks": [{ "field": "birthDate", "between": ["MRZ", "VIZ"], "agree": false }],
            "warnings": [{ "warning": "blurred", "message": "The photo is blurred." }],
        }] });
        let stages = [
            stage(json!({ "code": 200, "result": 81.5 }), comparison, &["document", "face"]),
            stage(json!({ "code": 200, "result": true }), document, &["file", "portrait"]),
        ];
        let seen = of(&stages);
        assert_eq!((seen.score, seen.false_match_rate, seen.threshold), (Some(81.5), Some(1e-5), Some(65.0)));
        assert_eq!((seen.is_match, seen.liveness.as_deref()), (Some(true), Some("real")));
        assert_eq!((seen.fields.len(), seen.disagreements.as_slice()), (1, &["birthDate".to_owned()][..]));
        assert_eq!(seen.warnings, ["The photo is blurred."]);
        assert_eq!(photos(&stages), [Some("face-file".into()), Some("portrait-file".into())]);
        assert_eq!(photos(&stages[..1]), [Some("face-file".into()), Some("document-file".into())]);
        assert_eq!(of(&[stage(Value::Null, Value::Null, &[])]), Evidence::default());
    }
}
