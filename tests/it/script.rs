//! Documents as scripted photos show them: `document cedula front number=402-0057193-9@0.99 portrait blurred`.

use twoface::domain::document::{
    DocumentSeen, DocumentTimes, Doubt, Evidence, Field, FieldName, Kind, PhotoRead, Portrait, Side, Source, Warning,
};
use twoface::domain::evidence::{Box2, Embedder, Embedding, ModelUsed};
use twoface::domain::user::DocumentType;

/// What stands in a scripted portrait's file.
pub const PORTRAIT: &[u8] = b"the portrait, as a JPEG";

pub fn document(text: &str) -> DocumentSeen {
    let mut words = text.split(' ').skip(1);
    let class = DocumentType::parse(&words.next().unwrap_or_default().to_uppercase());
    let side = class.and_then(|_| Side::parse(&words.next().unwrap_or_default().to_uppercase()));
    let mut seen = DocumentSeen {
        photo: PhotoRead { format: "jpeg".into(), width: 100, height: 60, ..PhotoRead::default() },
        kind: Kind {
            class,
            side,
            model: None,
            confidence: 0.9,
            evidence: class
                .zip(side)
                .map(|(class, side)| Evidence { what: "script".into(), class, side, points: 5.0 })
                .into_iter()
                .collect(),
        },
        fields: Vec::new(),
        mrz: None,
        barcodes: Vec::new(),
        portrait: None,
        cross_checks: Vec::new(),
        warnings: Vec::new(),
        milliseconds: DocumentTimes::default(),
        models: vec![ModelUsed { name: "script".into(), sha256: "0".repeat(64) }],
    };
    for word in words {
        match word.split_once('=') {
            Some(("number", value)) => seen.fields.push(number(value, Source::Viz, FieldName::Number)),
            Some(("zone", value)) => {
                seen.fields.push(Field { checked: true, ..number(value, Source::Mrz, FieldName::Number) })
            }
            Some(("previous", value)) => seen.fields.push(number(value, Source::Viz, FieldName::PreviousNumber)),
            _ if word == "portrait" => seen.portrait = Some(portrait()),
            _ => seen.warnings.push(Warning {
                warning: word.into(),
                message: "As the script says.".into(),
                false_alarm_rate: None,
                experimental: true,
            }),
        }
    }
    seen
}

/// As the embedder of the first release would make it.
pub fn embedding(numbers: Vec<f32>) -> Embedding {
    Embedding { by: Embedder::FIRST, numbers }
}

/// The face of who is named in the text, `person 7`, of unit length as the model's; all who are not named share one that is not.
/// Where it says `other network`, the same numbers from another embedder.
pub fn face(text: &str) -> Embedding {
    let Some((before, number)) = text.split_once("person ") else { return embedding(vec![0.25; 128]) };
    let by = if before.contains("other network") { Embedder::of(&[9; 32]) } else { Embedder::FIRST };
    let number: u64 = number.parse().unwrap();
    let mut state = number + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    let numbers: Vec<f32> = (0..128).map(|_| next()).collect();
    let norm = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
    Embedding { by, numbers: numbers.iter().map(|number| number / norm).collect() }
}

fn portrait() -> Portrait {
    Portrait {
        r#box: Box2 { x: 5.0, y: 10.0, width: 30.0, height: 40.0 },
        confidence: 0.9,
        jpeg: PORTRAIT.to_vec(),
        embedding: Some(embedding(vec![0.25; 128])),
    }
}

/// `VALUE@CONFIDENCE`; below 0.9 the fifth character is in doubt.
fn number(text: &str, source: Source, name: FieldName) -> Field {
    let (value, confidence) = text.split_once('@').unwrap_or((text, "0.99"));
    let confidence: f64 = confidence.parse().unwrap();
    let doubt = Doubt { position: 4, read: value.chars().nth(4).unwrap(), confidence, perhaps: Some('8') };
    let doubtful = if confidence < 0.9 { vec![doubt] } else { Vec::new() };
    Field { name, value: value.into(), confidence, source, doubtful, repaired: false, checked: false }
}
