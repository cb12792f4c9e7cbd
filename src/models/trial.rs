//! Whether networks answer on known photos as whoever made them measured, and whether those answers tell people apart.

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::document::{FieldName, Source};
use crate::domain::evidence::Examiner as _;
use crate::vision::Engine;

/// Public-domain photos; source and licence of each in tests/golden/README.md. Two are of one person, one is of another.
pub(crate) const SELFIE: &[u8] = include_bytes!("../../tests/golden/obama_2012_portrait.jpg");
pub(crate) const PORTRAIT: &[u8] = include_bytes!("../../tests/golden/obama_2009_congress.jpg");
pub(crate) const STRANGER: &[u8] = include_bytes!("../../tests/golden/grace_hopper.jpg");

/// Fictitious, as the folder's README says.
const PASSPORT: &[u8] = include_bytes!("../../tests/golden/specimens/passport.jpg");
const PASSPORT_NUMBER: &str = "XQ9475455";

/// How far a cosine may be from the golden one, which the original networks gave: the alignment differs by as much.
const TOLERANCE: f64 = 0.06;

/// Runs every network once, then compares known photos and reads a known passport, its zone and its print. The text says what is wrong.
pub fn run(engine: &Engine, config: &Config) -> Result<(), String> {
    engine.warm_up()?;
    let golden = engine.golden();
    let accepted_from = engine.document_scores().cosine_at_fmr(config.faces.match_at_fmr).0;
    let pairs = [("one person", PORTRAIT, golden.same_person), ("two people", STRANGER, golden.strangers)];
    for (whose, document, expected) in pairs {
        let compared = engine.compare_faces(document, SELFIE);
        let found = compared.map_err(|why| format!("a known photo is refused: {why:?}"))?.cosine.0;
        if (found - expected).abs() > TOLERANCE {
            return Err(format!("known photos of {whose} give {found:.3}, not {expected:.3}"));
        }
        if (found >= accepted_from) != (whose == "one person") {
            return Err(format!(
                "known photos of {whose} give {found:.3}, and from {accepted_from:.3} two photos count as one person's"
            ));
        }
    }
    let seen = engine.examine_document(PASSPORT, Clock::system().now());
    let seen = seen.map_err(|why| format!("a known document is refused: {why:?}"))?;
    for source in [Source::Mrz, Source::Viz] {
        let number = seen.fields.iter().find(|field| field.name == FieldName::Number && field.source == source);
        let number = number.map(|field| field.value.as_str());
        if number != Some(PASSPORT_NUMBER) {
            return Err(format!(
                "a known passport has the number {number:?}, by its {source:?}, not {PASSPORT_NUMBER}"
            ));
        }
    }
    Ok(())
}
