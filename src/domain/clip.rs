//! What was seen in a clip of one person, as facts without verdicts: whom it shows, what that person did and when, and
//! whether the picture was good enough to tell.
//!
//! Times are seconds from the clip's first frame.

use serde::{Deserialize, Serialize};

use super::evidence::{ClipSeen, Embedding};
use super::liveness::Liveness;

/// Everything that was measured on one clip.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClipExamined {
    pub video: ClipSeen,
    pub frames: FramesSeen,
    pub person: PersonSeen,
    pub light: Light,
    /// Why less can be told from this clip than from a good one.
    pub doubts: Vec<Doubt>,
    pub blinks: Vec<Blink>,
    pub smile: SmileSeen,
    pub turns: Vec<Turn>,
    pub liveness: Liveness,
    pub curves: Curves,
    pub milliseconds: ClipTimes,
    /// Mean of the embeddings of the sampled frames, for comparing with a selfie.
    #[serde(skip)]
    pub embedding: Option<Embedding>,
    #[serde(skip)]
    pub fingerprint: Option<Fingerprint>,
}

impl ClipExamined {
    /// A clip of no frames.
    pub fn empty() -> Self {
        Self {
            video: ClipSeen::default(),
            frames: FramesSeen::default(),
            person: PersonSeen::default(),
            light: Light::default(),
            doubts: Vec::new(),
            blinks: Vec::new(),
            smile: SmileSeen::default(),
            turns: Vec::new(),
            liveness: Liveness::default(),
            curves: Curves::default(),
            milliseconds: ClipTimes::default(),
            embedding: None,
            fingerprint: None,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FramesSeen {
    /// Frames that were looked at.
    pub analysed: usize,
    /// Of them, those with the followed face.
    pub with_face: usize,
    pub per_second: f64,
    /// The longest time between two frames with the face.
    pub longest_gap: f64,
}

/// Who was followed, and who else was there.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PersonSeen {
    /// The most faces in one frame; looked for in key frames only.
    pub faces_max: usize,
    /// Width of the largest other face by that of the followed one; 0 where there was none.
    pub largest_other: f64,
    /// When the picture changed so much at once that the clip must have been cut there.
    pub cuts: Vec<f64>,
    /// When the face was away, between two times at which it was there.
    pub absences: Vec<Span>,
    /// The lowest cosine between two sampled frames; `None` if fewer than two could be embedded.
    pub lowest_cosine: Option<f64>,
    pub samples: usize,
}

/// Medians over the sampled frames with a face; the face alone, not its surroundings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Light {
    /// Mean luminance of the aligned face, 0–255.
    pub exposure: f64,
    /// Variance of the Laplacian of the aligned face.
    pub sharpness: f64,
    /// Distance between the eyes, in pixels of the frame as it was analysed.
    pub eye_distance: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    TooDark,
    TooBright,
    TooBlurred,
    TooSmall,
    TooShort,
    TooFewFrames,
    SeveralPeople,
    Cut,
    FaceLeft,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Span {
    pub start: f64,
    pub end: f64,
}

impl Span {
    pub fn seconds(&self) -> f64 {
        self.end - self.start
    }

    pub fn overlaps(&self, other: &Span) -> bool {
        self.start <= other.end && other.start <= self.end
    }
}

/// The lids closed and opened again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Blink {
    pub start: f64,
    pub end: f64,
    /// When the lids were closest.
    pub peak: f64,
    /// The eyes' aperture then, as a share of what it was around.
    pub aperture: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SmileSeen {
    /// When the person smiled long enough to count.
    pub spans: Vec<Span>,
    /// The strongest sustained level of the mesh's smile, 0–1, and that of the person's own neutral frames.
    pub strongest: f64,
    pub neutral: f64,
    /// From neutral to strongest.
    pub rise: f64,
    /// How probably the face was happy at the strongest, 0–1.
    pub happy: f64,
    /// How much wider the mouth was at the strongest than in the neutral frames, 0.1 = 10 %.
    pub wider: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The person's own.
    Left,
    Right,
}

/// The head turned aside and came back towards the camera.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Turn {
    pub side: Side,
    pub start: f64,
    pub end: f64,
    pub peak: f64,
    /// The furthest, positive on either side.
    pub degrees: f64,
}

/// One number for each analysed frame with the face; `seconds` tells when.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Curves {
    pub seconds: Vec<f32>,
    /// Height of the eyes' opening by their width.
    pub aperture: Vec<f32>,
    /// The models' coefficient of closed lids, 0–1.
    pub blink: Vec<f32>,
    /// The mesh's level of smiling, 0–1.
    pub smile: Vec<f32>,
    /// Degrees, positive when the person looks to their own left.
    pub yaw: Vec<f32>,
}

/// Where the time went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClipTimes {
    pub decode: f64,
    pub detect: f64,
    pub landmarks: f64,
    pub expression: f64,
    pub embed: f64,
    pub liveness: f64,
}

/// How many moments of a clip a fingerprint describes: of its picture, and of the face's movements.
pub const FINGERPRINT_MOMENTS: usize = 32;
pub const MOTION_MOMENTS: usize = 48;

/// What a clip looks like and how its face moves, in numbers that survive another encoding of the same clip.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Moment by moment, whether each part of the picture is darker than the one on its right.
    pub picture: Vec<u64>,
    /// Each kind of movement moment by moment.
    pub motion: Vec<i8>,
}

impl Fingerprint {
    /// How far two clips are apart: in the picture (0–1, the share of bits that differ) and in movement (0 for the same, about
    /// 1 for movements that have nothing to do with each other, and for none). What cannot be compared is 1 apart.
    pub fn distances(&self, other: &Fingerprint) -> (f64, f64) {
        if self.picture.len() != other.picture.len() || self.motion.len() != other.motion.len() {
            return (1.0, 1.0);
        }
        let bits: u32 = self.picture.iter().zip(&other.picture).map(|(a, b)| (a ^ b).count_ones()).sum();
        let picture = f64::from(bits) / (self.picture.len().max(1) * 64) as f64;
        // Each kind of movement counts alike, so that one blink at the same moment does not outweigh all the rest; one in
        // which neither clip moves more than landmarks tremble says nothing.
        let kinds = self.motion.chunks(MOTION_MOMENTS).zip(other.motion.chunks(MOTION_MOMENTS));
        let apart: Vec<f64> = kinds.filter_map(|(a, b)| apart(a, b)).collect();
        (picture, if apart.is_empty() { 1.0 } else { apart.iter().sum::<f64>() / apart.len() as f64 })
    }
}

/// Mean square of a movement, in its own parts, below which landmarks only tremble.
const TREMBLE: f64 = 4.0;

fn apart(a: &[i8], b: &[i8]) -> Option<f64> {
    let square = |value: i32| f64::from(value * value);
    let pairs = || a.iter().zip(b).map(|(a, b)| (i32::from(*a), i32::from(*b)));
    let both: f64 = pairs().map(|(a, b)| square(a) + square(b)).sum();
    let moved = both / a.len().max(1) as f64 >= 2.0 * TREMBLE;
    moved.then(|| pairs().map(|(a, b)| square(a - b)).sum::<f64>() / both)
}
