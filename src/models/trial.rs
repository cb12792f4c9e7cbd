//! Whether networks answer on known photos as whoever made them measured, and whether those answers tell people apart.

use crate::clock::Clock;
use crate::config::Config;
use crate::domain::evidence::Examiner as _;
use crate::vision::{Engine, specimen};

/// Public-domain photos; source and licence of each in tests/golden/README.md. Two are of one person, one is of another.
pub(crate) const SELFIE: &[u8] = include_bytes!("../../tests/golden/obama_2012_portrait.jpg");
pub(crate) const PORTRAIT: &[u8] = include_bytes!("../../tests/golden/obama_2009_congress.jpg");
pub(crate) const STRANGER: &[u8] = include_bytes!("../../tests/golden/grace_hopper.jpg");

/// How far a cosine may be from the golden one, which the original networks gave: the alignment differs by as much.
const TOLERANCE: f64 = 0.06;

/// Runs every network once, then compares known photos and reads a specimen. The text says what is wrong.
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
    let card = specimen::card(engine, PORTRAIT)?;
    let read = engine.examine_document(&card, Clock::system().now());
    match read.map_err(|why| format!("a known document is refused: {why:?}"))?.photo.lines {
        0 => Err("nothing is read on a known document".to_owned()),
        _ => Ok(()),
    }
}
