//! What a cosine between two face embeddings is worth: the score that clients see, and how often strangers reach it.
//!
//! The score is strictly increasing in the cosine, 50 exactly at the threshold for FMR 1e-3 and 80 at FMR 1e-5.

use serde::{Deserialize, Serialize};

/// Cosine of the angle between two embeddings, −1 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Cosine(pub f64);

/// Similarity as the contract speaks of it, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Similarity(pub f64);

/// One measured point: at `cosine`, a share `fmr` of comparisons of strangers score at least as high.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Knot {
    pub cosine: f64,
    /// False match rate (ISO/IEC 19795-1).
    pub fmr: f64,
    /// The score given at this cosine, 0–100.
    pub score: f64,
    /// Beyond the data: the rate was extrapolated, not counted.
    #[serde(default)]
    pub extrapolated: bool,
}

/// A calibration: knots of strictly increasing cosine and score and strictly decreasing FMR, from cosine −1 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]

pub struct ScoreTable(Vec<Knot>);
