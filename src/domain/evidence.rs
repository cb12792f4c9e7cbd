//! What the models saw, as facts without verdicts, and the one trait by which the service asks for them.
//!
//! Nothing here decides whether a person passes: thresholds belong to the service's operations.

use serde::{Deserialize, Serialize};

use super::clip::ClipExamined;
use super::document::DocumentSeen;
use super::id::Id;
use super::liveness::FaceLiveness;
use super::score::{Cosine, ScoreTable};
use super::time::Timestamp;

/// Examines photos and clips. Implemented by the vision engine, and scripted by tests that are not about vision.
pub trait Examiner: Send + Sync {
    /// Every usable face in one photo.
    fn detect_faces(&self, file: &[u8]) -> Result<PhotoSeen, Unusable>;

    /// The face of a document's portrait against a selfie.
    fn compare_faces(&self, document: &[u8], face: &[u8]) -> Result<Comparison, Unusable>;

    /// The one face of a selfie, embedded.
    fn embed_face(&self, face: &[u8]) -> Result<FaceEmbedded, Unusable>;

    /// What a photo shows of an identity document. Expiry and two-digit years are held against `now`.
    fn examine_document(&self, file: &[u8], now: Timestamp) -> Result<DocumentSeen, Unusable>;
    /// The one person in a clip: what was done, and whether it looks real.
    fn examine_clip(&self, clip: &[u8]) -> Result<ClipExamined, Unusable>;

    /// Runs every model once. An error is ours, and says which model cannot run.
    fn warm_up(&self) -> Result<(), String>;

    /// What examines, so that a verdict can be traced to it years later.
    fn models(&self) -> &[ModelUsed];

    /// Which network its embeddings bear.
    fn embedder(&self) -> Embedder;

    /// The bundle that its networks come from; `None`: they are the program's own.
    fn bundle(&self) -> Option<&str> {
        None
    }

    /// How cosines become scores when one side is a document portrait.
    fn document_scores(&self) -> &ScoreTable;

    /// How cosines become scores when both sides are photos or frames.
    fn photo_scores(&self) -> &ScoreTable;
}

/// Faces described per photo. A crowd is counted, not described: nobody compares it, and each face costs time.
pub const FACES_REPORTED_MAX: usize = 20;

/// A model by name and the SHA-256 of its weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUsed {
    pub name: String,
    pub sha256: String,
}

/// A photo as it was decoded, and the faces found in it, the chosen one first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhotoSeen {
    /// `jpeg`, `png` or `webp`, by content.
    pub format: String,
    /// Pixels after EXIF orientation, before any search for rotated faces.
    pub width: u32,
    pub height: u32,
    /// Clockwise turn (0, 90, 180, 270) after which the faces were found. Boxes and landmarks are in the turned photo's pixels.
    pub rotation_degrees: u16,
    /// How many faces were found. Of more than [`FACES_REPORTED_MAX`] only that many are described.
    pub face_count: usize,
    pub faces: Vec<FaceSeen>,
}

/// One face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaceSeen {
    pub r#box: Box2,
    pub landmarks: Landmarks,
    /// Detector's confidence, 0–1.
    pub confidence: f64,
    pub quality: Option<FaceQuality>,
    /// Not of a document's portrait, which is a print by nature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness: Option<FaceLiveness>,
}

/// Left, top, width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Box2 {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// Five points; right and left are the person's own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Landmarks {
    pub right_eye: Point,
    pub left_eye: Point,
    pub nose: Point,
    pub right_mouth_corner: Point,
    pub left_mouth_corner: Point,
}

impl Landmarks {
    /// In the detector's order: right eye, left eye, nose, right and left corner of the mouth.
    pub fn from_points(points: [Point; 5]) -> Self {
        let [right_eye, left_eye, nose, right_mouth_corner, left_mouth_corner] = points;
        Self { right_eye, left_eye, nose, right_mouth_corner, left_mouth_corner }
    }

    /// The inverse of [`Landmarks::from_points`].
    pub fn points(&self) -> [Point; 5] {
        [self.right_eye, self.left_eye, self.nose, self.right_mouth_corner, self.left_mouth_corner]
    }
}

/// How good a sample this face is for recognition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaceQuality {
    /// Norm of the embedding before normalisation: the best single signal measured; a retake is advised below 9.2. Only of
    /// the photo's chosen face: the others are not embedded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedding_norm: Option<f64>,
    /// Variance of the Laplacian of the aligned grey face.
    pub sharpness: f64,
    /// Mean luminance of the aligned face, 0–255.
    pub exposure: f64,
    /// Share of the aligned face's pixels that are burnt out or black, 0–1.
    pub clipped: f64,
    /// Degrees, estimated from the five landmarks; yaw and pitch roughly.
    pub yaw_degrees: f64,
    pub pitch_degrees: f64,
    pub roll_degrees: f64,
    /// Distance between the eyes in pixels of the photo.
    pub eye_distance_pixels: f64,
    pub retake_advised: bool,
    /// Why, as stable slugs: `low_norm`, `blurred`, `too_dark`, `too_bright`, `turned_away`, `too_small`.
    pub reasons: Vec<String>,
}

/// Which network made an embedding: the first bytes of the SHA-256 of its weights. Numbers of two networks do not compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Embedder([u8; 8]);

impl Embedder {
    /// The one of the first release, whose embeddings were stored without saying so.
    pub const FIRST: Embedder = Embedder([0xcb, 0x8c, 0xe0, 0x91, 0xc9, 0x73, 0xc5, 0xcc]);

    /// `sha256`: of the weights.
    pub fn of(sha256: &[u8; 32]) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = *sha256;
        Self([a, b, c, d, e, f, g, h])
    }
}

/// A face as 128 numbers of unit length, and what made them. Never leaves the server.
#[derive(Clone, PartialEq)]
pub struct Embedding {
    pub by: Embedder,
    pub numbers: Vec<f32>,
}

impl std::fmt::Debug for Embedding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Embedding({} numbers)", self.numbers.len())
    }
}

/// A clip as it was decoded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClipSeen {
    /// `mp4`, `mov`, `webm`, `matroska`, `avi`, `gif` or `mjpeg`, by content.
    pub container: String,
    /// `h264`, `hevc`, `vp8`, `vp9`, `mjpeg` or `gif`.
    pub codec: String,
    /// Pixels of the upright picture, as a player shows it.
    pub width: u32,
    pub height: u32,
    /// Clockwise turn (0, 90, 180, 270) that the container asks for. It was applied.
    pub rotation_degrees: u16,
    /// From the first frame to the last.
    pub duration_milliseconds: f64,
    /// Frames that a player would show, and how many of them were examined.
    pub frame_count: u32,
    pub analysed_frames: u32,
}

impl ClipSeen {
    /// Examined frames a second; 0 of a single frame.
    pub fn analysed_per_second(&self) -> f64 {
        let steps = f64::from(self.analysed_frames.saturating_sub(1));
        if self.duration_milliseconds > 0.0 { steps / self.duration_milliseconds * 1e3 } else { 0.0 }
    }
}

impl Embedding {
    pub const DIMENSIONS: usize = 128;
    /// Of a row that holds the numbers alone.
    const UNNAMED_BYTES: usize = Self::DIMENSIONS * 4;

    /// As it is stored: what made it, then little-endian f32. The numbers alone are the first embedder's.
    pub fn to_bytes(&self) -> Vec<u8> {
        let numbers = self.numbers.iter().flat_map(|number| number.to_le_bytes());
        self.by.0.into_iter().chain(numbers).collect()
    }

    pub fn from_bytes(bytes: &[u8]) -> Self {
        let (by, numbers) = match bytes.split_first_chunk() {
            Some((by, numbers)) if bytes.len() != Self::UNNAMED_BYTES => (Embedder(*by), numbers),
            _ => (Embedder::FIRST, bytes),
        };
        Self { by, numbers: numbers.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number)).collect() }
    }

    /// Of two embeddings of unit length; `None` if two networks made them, or one is cut short.
    pub fn cosine(&self, other: &Embedding) -> Option<Cosine> {
        if self.by != other.by || self.numbers.len() != other.numbers.len() {
            return None;
        }
        let dot: f64 = self.numbers.iter().zip(&other.numbers).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
        Some(Cosine(if dot.is_finite() { dot.clamp(-1.0, 1.0) } else { -1.0 }))
    }
}

/// A face as it is kept of a user, or of somebody who is blocked.
#[derive(Clone, Debug, PartialEq)]
pub struct FaceKept {
    pub embedding: Embedding,
    /// Where its photo is, to embed it anew; `None`: the photo was never kept.
    pub selfie: Option<Selfie>,
}

/// The selfie that a job compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selfie {
    pub attempt: Id,
    pub job: Id,
}

impl FaceKept {
    const EMBEDDING_BYTES: usize = 8 + Embedding::UNNAMED_BYTES;

    /// As it is stored: the embedding, then the ids of the attempt and the job.
    pub fn to_bytes(&self) -> Vec<u8> {
        let ids = self.selfie.iter().flat_map(|selfie| [*selfie.attempt.as_bytes(), *selfie.job.as_bytes()]).flatten();
        self.embedding.to_bytes().into_iter().chain(ids).collect()
    }

    pub fn from_bytes(bytes: &[u8]) -> Self {
        let parts = bytes.split_at_checked(Self::EMBEDDING_BYTES);
        let selfie = parts.and_then(|(_, ids)| match ids.as_chunks::<12>() {
            ([attempt, job], []) => Some(Selfie { attempt: Id::from_bytes(*attempt), job: Id::from_bytes(*job) }),
            _ => None,
        });
        let embedding = match (parts, selfie) {
            (Some((embedding, _)), Some(_)) => embedding,
            _ => bytes,
        };
        Self { embedding: Embedding::from_bytes(embedding), selfie }
    }
}

/// Two faces side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub cosine: Cosine,
    pub document: PhotoSeen,
    pub face: PhotoSeen,
    /// The selfie's, for enrolment.
    pub face_embedding: Embedding,
    pub milliseconds: StepTimes,
}

/// A selfie's face.
#[derive(Clone, Debug, PartialEq)]
pub struct FaceEmbedded {
    pub photo: PhotoSeen,
    pub embedding: Embedding,
    pub milliseconds: StepTimes,
}

/// Where the time went, summed over the photos.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepTimes {
    pub decode: f64,
    pub detect: f64,
    pub align: f64,
    pub embed: f64,
}

/// Why a file could not be examined. Not an error of ours: the job ends as Invalid and says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// The form field that the file came in: `file`, `document`, `face`, `clip`.
    pub field: &'static str,
    pub why: UnusableReason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnusableReason {
    Empty,
    /// Not JPEG, PNG or WebP; what it looks like, if known (`GIF`, `SVG`, `PDF`, `text`).
    UnknownFormat(Option<&'static str>),
    /// The right format, but broken or cut off.
    Damaged,
    /// More than 8192 pixels a side, 40 megapixels or 256 MB decoded.
    TooManyPixels {
        width: u32,
        height: u32,
    },
    NoFace,
    /// Not the file's fault: a network could not be run. Logged where it happened.
    EngineFailed,
    /// The field asks for a clip.
    Clip(ClipFault),
}

/// Why a clip could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClipFault {
    /// No container that is read; what it looks like, if known.
    NotAClip(Option<&'static str>),
    /// The container was read, but its video is in a codec that is not decoded. The codec's name.
    Codec(String),
    /// Broken, cut off, or without a single frame.
    Damaged,
    /// More than 10 MB.
    TooManyBytes,
    /// More than 1920 pixels a side.
    TooManyPixels { width: u32, height: u32 },
    /// More than 60 seconds.
    TooLong { seconds: u64 },
    /// Its frames are not all of one size.
    SizeChanges,
    /// It could not be decoded in the time allowed.
    TooSlow,
    /// The decoder died of it.
    Unreadable,
    /// Not the clip's fault: the decoder or its sandbox could not be started. Logged where it happened.
    NoDecoder,
}
