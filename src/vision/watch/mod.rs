//! Watching a clip: frames in the order of their times go in, one at a time, and what the person did comes out.
//!
//! What is measured on a frame is kept as numbers; no frame is. Every rule is a function of those numbers alone.

pub mod blink;
pub mod conclude;
pub mod flat;
pub mod fuse;
pub mod motion;
pub mod scene;
pub mod screen;
pub mod series;
pub mod smile;
pub mod track;
pub mod turn;

use image::RgbImage;

use super::face::align;
use super::face::embed::{self, Embedded};
use super::face::mesh::{Mesh, Region, part};
use super::face::{Found, antispoof, expression, quality, shapes};
use super::nets::NetError;
use super::networks::Networks;
use crate::clock::Stopwatch;
use crate::domain::clip::{ClipExamined, ClipTimes};
use crate::domain::evidence::{ClipSeen, Embedding, Point};
use flat::Pose;
use scene::{Scene, Scenes};
use track::Tracker;

/// Below it a frame is not measured. Of LFW's photos 1 % lie below.
const PRESENCE_MEASURED: f64 = 0.9;
/// The expression net is asked this often, and its answer holds until then.
const EXPRESSION_SECONDS: f64 = 0.1;
/// An embedding is taken this often, of a face that looks towards the camera.
const EMBED_SECONDS: f64 = 1.0;
const EMBED_YAW_MAX_DEGREES: f64 = 25.0;
/// At most so many: their cosines are taken in pairs.
const EMBEDDINGS_MAX: usize = 64;
/// Beyond it the mesh guesses what it does not see.
const POSE_YAW_MAX_DEGREES: f64 = 45.0;

/// Where the time goes.
#[derive(Default)]
pub struct Spent {
    pub times: ClipTimes,
}

/// The followed face in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    pub at: f64,
    pub blink: f64,
    pub right_aperture: f64,
    pub left_aperture: f64,
    /// The mesh's opinion, and the picture's.
    pub smile: f64,
    pub happy: f64,
    pub mouth_width: f64,
    pub yaw_degrees: f64,
    /// Tip of the nose and distance between the eyes' outer corners, by the picture's width and height.
    pub nose: Point,
    pub eye_span: f64,
}

/// What sampled frames told of light and sharpness.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sample {
    exposure: f64,
    sharpness: f64,
    eye_distance: f64,
}

/// Takes a clip's frames.
pub struct Watcher<'a> {
    nets: &'a Networks,
    tracker: Tracker,
    scenes: Scenes,
    spent: Spent,
    analysed: usize,
    first_at: Option<f64>,
    last_at: f64,
    frames: Vec<Frame>,
    samples: Vec<Sample>,
    bands: Vec<[f64; screen::BANDS]>,
    cuts: Vec<f64>,
    happy: Option<(f64, f64)>,
    next_embedding: f64,
    embeddings: Vec<Embedding>,
    liveness: Vec<f64>,
    moire: Vec<f64>,
    /// The poses furthest to either side so far.
    poses: Vec<Pose>,
}

impl<'a> Watcher<'a> {
    pub fn new(nets: &'a Networks) -> Self {
        Self {
            nets,
            tracker: Tracker::default(),
            scenes: Scenes::default(),
            spent: Spent::default(),
            analysed: 0,
            first_at: None,
            last_at: 0.0,
            frames: Vec::new(),
            samples: Vec::new(),
            bands: Vec::new(),
            cuts: Vec::new(),
            happy: None,
            next_embedding: 0.0,
            embeddings: Vec::new(),
            liveness: Vec::new(),
            moire: Vec::new(),
            poses: Vec::new(),
        }
    }

    /// Takes the next frame, shown at `at` seconds. One that is not later than the one before is passed over.
    pub fn push(&mut self, at: f64, picture: &RgbImage) -> Result<(), NetError> {
        let first_at = *self.first_at.get_or_insert(at);
        let at = at - first_at;
        if picture.width() == 0 || picture.height() == 0 || !at.is_finite() || (self.analysed > 0 && at <= self.last_at)
        {
            return Ok(());
        }
        self.last_at = at;
        self.analysed += 1;
        let scene = Scene::of(picture);
        let (grey, columns) = scene.grey();
        self.bands.push(screen::bands(grey, columns));
        let cut = self.scenes.push(at, scene);
        let step = self.tracker.step(self.nets, at, picture, cut, &mut self.spent)?;
        if cut || step.jumped {
            self.cuts.push(at);
        }
        let (Some(mesh), Some(region)) = (step.face, step.region) else { return Ok(()) };
        if mesh.presence < PRESENCE_MEASURED {
            return Ok(());
        }
        self.measure(at, picture, &mesh, &region)?;
        match step.detected {
            Some(found) => self.sample(at, picture, &found, mesh.yaw_degrees()),
            None => Ok(()),
        }
    }

    /// What is measured in every frame.
    fn measure(&mut self, at: f64, picture: &RgbImage, mesh: &Mesh, region: &Region) -> Result<(), NetError> {
        let watch = Stopwatch::start();
        let shapes = shapes::of(&self.nets.blendshapes, mesh)?;
        self.spent.times.landmarks += watch.elapsed_ms();
        let watch = Stopwatch::start();
        let happy = match self.happy {
            Some((then, happy)) if at - then < EXPRESSION_SECONDS => happy,
            _ => {
                let happy = expression::happy(&self.nets.expression, picture, region)?;
                self.happy = Some((at, happy));
                happy
            }
        };
        self.spent.times.expression += watch.elapsed_ms();
        let (right_aperture, left_aperture) = mesh.apertures();
        let yaw_degrees = mesh.yaw_degrees();
        let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
        let nose = mesh.at(part::NOSE_TIP);
        self.frames.push(Frame {
            at,
            blink: shapes.blink,
            right_aperture,
            left_aperture,
            smile: shapes.smile,
            happy,
            mouth_width: mesh.mouth_width(),
            yaw_degrees,
            nose: Point { x: nose.x / width, y: nose.y / height },
            eye_span: mesh.eye_span() / width,
        });
        self.keep_pose(mesh, yaw_degrees);
        Ok(())
    }

    fn keep_pose(&mut self, mesh: &Mesh, yaw_degrees: f64) {
        let further = |side: f64| self.poses.iter().all(|pose| (yaw_degrees - pose.yaw_degrees) * side > 0.0);
        let outermost = self.poses.is_empty() || further(1.0) || further(-1.0);
        if !outermost || yaw_degrees.abs() > POSE_YAW_MAX_DEGREES {
            return;
        }
        let points = part::RIGID.map(|index| mesh.at(index)).to_vec();
        self.poses.push(Pose { yaw_degrees, eye_span: mesh.eye_span(), points });
        self.poses.sort_by(|a, b| a.yaw_degrees.total_cmp(&b.yaw_degrees));
        if self.poses.len() > 2 {
            self.poses.remove(1);
        }
    }

    /// What is measured in key frames.
    fn sample(&mut self, at: f64, picture: &RgbImage, found: &Found, yaw_degrees: f64) -> Result<(), NetError> {
        let Some(aligned) = align::face(picture, &found.landmarks) else { return Ok(()) };
        let watch = Stopwatch::start();
        if let Some(real) = antispoof::real(&self.nets.anti_spoof, picture, &found.r#box)? {
            self.liveness.push(real);
        }
        self.moire.extend(screen::moire(picture, &found.r#box));
        self.spent.times.liveness += watch.elapsed_ms();
        let watch = Stopwatch::start();
        let due = at >= self.next_embedding && yaw_degrees.abs() <= EMBED_YAW_MAX_DEGREES;
        let mut norm = None;
        if due && self.embeddings.len() < EMBEDDINGS_MAX {
            self.next_embedding = at + EMBED_SECONDS;
            let embedded = embed::faces(&self.nets.face_embedder, &[&aligned])?.pop();
            norm = embedded.as_ref().map(|embedded| embedded.norm);
            self.embeddings.extend(embedded.map(|Embedded { embedding, .. }| embedding));
        }
        self.spent.times.embed += watch.elapsed_ms();
        let quality = quality::assess(found, &aligned, norm);
        self.samples.push(Sample {
            exposure: quality.exposure,
            sharpness: quality.sharpness,
            eye_distance: quality.eye_distance_pixels,
        });
        Ok(())
    }

    /// The frames measured so far, for those who apply rules of their own.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// What the clip showed. `decode` is the time in milliseconds that its frames took to come.
    pub fn finish(self, video: ClipSeen, decode: f64) -> ClipExamined {
        conclude::conclude(self, video, decode)
    }
}
