//! Evidence about a presentation attack: a photo or a screen held before the camera instead of a person.
//!
//! It comes with its measured error rates, and is no certified detection in the sense of ISO/IEC 30107-3.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reality {
    Real,
    Spoof,
    #[default]
    Unknown,
}

/// A single picture of a face, judged by the classifier alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaceLiveness {
    pub verdict: Reality,
    /// 0–1, high where the face is real.
    pub score: f64,
}

/// A clip, judged by the classifier on sampled frames and by how the picture changes over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Liveness {
    pub verdict: Reality,
    /// 0–1, high where the person is real.
    pub score: f64,
    /// Mean and lowest score of the classifier, and over how many frames.
    pub classifier: Option<f64>,
    pub classifier_lowest: Option<f64>,
    pub samples: usize,
    pub cues: Cues,
}

/// What a flat copy or a screen may give away; each `None` where the clip shows too little to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cues {
    /// How far rigid points of the face moved other than a flat picture's would, in distances between the eyes.
    pub parallax: Option<f64>,
    /// Turn of the head over which that was seen, in degrees.
    pub parallax_turn: Option<f64>,
    /// Height of the sharpest isolated peak in the face's spectrum over its surroundings: a screen's grid against the sensor's.
    pub moire: Option<f64>,
    /// Luminance of the whole picture swinging from frame to frame, as a share of it: a screen refreshed while it was filmed.
    pub flicker: Option<f64>,
}
