//! Pixels to facts. Nothing here knows sessions, thresholds or HTTP, and nothing outside knows tensors.

pub mod clip;
mod device;
pub mod document;
pub mod evaluate;
pub mod face;
pub mod image;
mod jpeg;
mod kernels;
pub mod nets;
pub mod networks;
pub mod resize;
pub mod specimen;
pub mod watch;
pub mod weights;

use crate::clock::Stopwatch;
use crate::domain::clip::ClipExamined;
use crate::domain::document::DocumentSeen;
use crate::domain::evidence::{
    Box2, Comparison, Embedder, Examiner, FACES_REPORTED_MAX, FaceEmbedded, FaceSeen, ModelUsed, PhotoSeen, StepTimes,
    Unusable, UnusableReason,
};
use crate::domain::score::ScoreTable;
use crate::domain::time::Timestamp;
use ::image::RgbImage;
pub use device::Device;
use face::embed::Embedded;
use face::{Found, align, antispoof, embed, quality, search};
use nets::NetError;
use networks::Networks;
use watch::Watcher;
use weights::{Golden, Models, WeightsError};

/// The models, loaded once and used from any number of threads, one photo or pair per thread at a time.
pub struct Engine {
    networks: Networks,
    photo_scores: ScoreTable,
    document_scores: ScoreTable,
    models: Vec<ModelUsed>,
    document_models: Vec<ModelUsed>,
    clips: clip::Decoder,
    golden: Golden,
    /// Where the weights come from, if not from this build.
    bundle: Option<String>,
}

/// By their names in the manifest, those that find, compare and watch faces.
const MODELS_FOR_FACES: [&str; 6] = ["yunet", "sface", "facemesh", "blendshapes", "minifasnet", "mini_xception"];

/// Why the engine cannot start.
#[derive(Debug)]
pub enum LoadError {
    Weights(WeightsError),
    Net(NetError),
    /// Which device, and why it cannot be used.
    Device(Device, String),
}

impl std::fmt::Display for LoadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LoadError::Weights(error) => error.fmt(f),
            LoadError::Net(error) => error.fmt(f),
            LoadError::Device(device, why) => write!(f, "{device} cannot be used: {why}"),
        }
    }
}

impl std::error::Error for LoadError {}

impl From<WeightsError> for LoadError {
    fn from(error: WeightsError) -> Self {
        LoadError::Weights(error)
    }
}

impl From<NetError> for LoadError {
    fn from(error: NetError) -> Self {
        LoadError::Net(error)
    }
}

/// One photo after every step up to alignment.
struct Prepared {
    seen: PhotoSeen,
    /// As the faces were found in it.
    upright: RgbImage,
    /// The chosen face, aligned; `None` if the photo shows none.
    chosen: Option<(Found, RgbImage)>,
}

impl Engine {
    /// Loads the models that belong to this build, on whichever device is best, and checks every file.
    pub fn load() -> Result<Engine, LoadError> {
        Self::load_on(Device::Auto)
    }

    pub fn load_on(device: Device) -> Result<Engine, LoadError> {
        Self::with(&Models::open()?, device)
    }

    pub fn with(models: &Models, device: Device) -> Result<Engine, LoadError> {
        let device = device.open()?;
        Ok(Engine {
            networks: Networks::load(models, &device)?,
            photo_scores: models.manifest.scores.photo_photo.knots.clone(),
            document_scores: models.manifest.scores.document_photo.knots.clone(),
            models: used(models, &MODELS_FOR_FACES),
            document_models: used(models, &document::MODELS),
            clips: clip::Decoder::new(clip::Settings::default()),
            golden: models.manifest.golden,
            bundle: None,
        })
    }

    /// The same engine, with clips decoded by these settings.
    pub fn with_clips(mut self, settings: clip::Settings) -> Engine {
        self.clips = clip::Decoder::new(settings);
        self
    }

    /// The same engine, said to come from a bundle.
    pub fn of_bundle(self, bundle: String) -> Engine {
        Engine { bundle: Some(bundle), ..self }
    }

    /// What known photos give, as whoever made the weights measured it.
    pub fn golden(&self) -> Golden {
        self.golden
    }

    /// What decodes clips.
    pub fn clips(&self) -> &clip::Decoder {
        &self.clips
    }

    /// Runs every network once, so that the first client does not pay for first touches, and a fault shows before it.
    fn run_once(&self) -> Result<(), LoadError> {
        self.networks.run_once()?;
        let grey = RgbImage::from_pixel(align::SIDE, align::SIDE, ::image::Rgb([128; 3]));
        let embedded = embed::faces(&self.networks.face_embedder, &[&grey, &grey])?;
        if embedded.len() != 2 || embedded.iter().any(|one| !one.norm.is_finite() || one.norm <= 0.0) {
            return Err(NetError::Graph("the embedder gives no embedding".into()).into());
        }
        Ok(())
    }

    /// Every network, for what is done step by step.
    pub fn networks(&self) -> &Networks {
        &self.networks
    }

    /// Where the photo's faces are, the chosen one first.
    pub fn search(&self, photo: &RgbImage) -> Result<search::Search, UnusableReason> {
        search::faces(&self.networks.face_detector, photo).map_err(|error| failed(&error))
    }

    /// Embeddings of aligned faces, as one batch.
    pub fn embed(&self, aligned: &[&RgbImage]) -> Result<Vec<Embedded>, UnusableReason> {
        embed::faces(&self.networks.face_embedder, aligned).map_err(|error| failed(&error))
    }

    fn prepare(&self, file: &[u8], times: &mut StepTimes) -> Result<Prepared, UnusableReason> {
        let step = Stopwatch::start();
        let photo = image::decode(file)?;
        times.decode += step.elapsed_ms();

        let step = Stopwatch::start();
        let found = self.search(&photo.pixels)?;
        times.detect += step.elapsed_ms();

        let step = Stopwatch::start();
        let (width, height) = photo.pixels.dimensions();
        let upright = search::turn(photo.pixels, found.rotation_degrees);
        // Landmarks in one point are no face, whatever the detector's confidence.
        let aligned = |face: &Found| align::face(&upright, &face.landmarks);
        let mut faces = found.faces.iter().take(FACES_REPORTED_MAX);
        let chosen = faces.next().map(|face| (*face, aligned(face)));
        let first = chosen.iter().map(|(face, aligned)| describe(face, aligned.as_ref(), &upright));
        let seen = PhotoSeen {
            format: photo.format.to_owned(),
            width,
            height,
            rotation_degrees: found.rotation_degrees,
            face_count: found.faces.len(),
            faces: first.chain(faces.map(|face| describe(face, aligned(face).as_ref(), &upright))).collect(),
        };
        let chosen = chosen.and_then(|(face, aligned)| Some((face, aligned?)));
        times.align += step.elapsed_ms();
        Ok(Prepared { seen, upright, chosen })
    }
}

impl Examiner for Engine {
    fn detect_faces(&self, file: &[u8]) -> Result<PhotoSeen, Unusable> {
        let unusable = |why| Unusable { field: "file", why };
        let mut photo = self.prepare(file, &mut StepTimes::default()).map_err(unusable)?;
        if let Some((_, aligned)) = &photo.chosen {
            let embedded = self.embed(&[aligned]).map_err(unusable)?;
            photo.judge(embedded.first());
        }
        photo.look_for_life(&self.networks).map_err(unusable)?;
        Ok(photo.seen)
    }

    fn compare_faces(&self, document: &[u8], face: &[u8]) -> Result<Comparison, Unusable> {
        let mut times = StepTimes::default();
        let mut document = self.prepare(document, &mut times).map_err(|why| Unusable { field: "document", why })?;
        let mut face = self.prepare(face, &mut times).map_err(|why| Unusable { field: "face", why })?;

        let step = Stopwatch::start();
        let in_face = |why| Unusable { field: "face", why };
        let no_face = |field| Unusable { field, why: UnusableReason::NoFace };
        let (_, portrait) = document.chosen.as_ref().ok_or_else(|| no_face("document"))?;
        let (_, selfie) = face.chosen.as_ref().ok_or_else(|| no_face("face"))?;
        let embedded = self.embed(&[portrait, selfie]).map_err(in_face)?;
        let [of_document, of_face] = embedded.as_slice() else { return Err(in_face(UnusableReason::EngineFailed)) };
        times.embed += step.elapsed_ms();

        document.judge(Some(of_document));
        face.judge(Some(of_face));
        face.look_for_life(&self.networks).map_err(in_face)?;
        let cosine = of_document.embedding.cosine(&of_face.embedding);
        Ok(Comparison {
            cosine: cosine.ok_or_else(|| in_face(UnusableReason::EngineFailed))?,
            document: document.seen,
            face: face.seen,
            face_embedding: of_face.embedding.clone(),
            milliseconds: times,
        })
    }

    fn embed_face(&self, face: &[u8]) -> Result<FaceEmbedded, Unusable> {
        let in_face = |why| Unusable { field: "face", why };
        let mut times = StepTimes::default();
        let mut face = self.prepare(face, &mut times).map_err(in_face)?;
        let step = Stopwatch::start();
        let (_, aligned) = face.chosen.as_ref().ok_or_else(|| in_face(UnusableReason::NoFace))?;
        let embedded = self.embed(&[aligned]).map_err(in_face)?;
        let [embedded] = embedded.as_slice() else { return Err(in_face(UnusableReason::EngineFailed)) };
        times.embed += step.elapsed_ms();
        face.judge(Some(embedded));
        face.look_for_life(&self.networks).map_err(in_face)?;
        Ok(FaceEmbedded { photo: face.seen, embedding: embedded.embedding.clone(), milliseconds: times })
    }

    fn examine_document(&self, file: &[u8], now: Timestamp) -> Result<DocumentSeen, Unusable> {
        self.see_document(file, now).map_err(|why| Unusable { field: "file", why })
    }

    fn examine_clip(&self, clip: &[u8]) -> Result<ClipExamined, Unusable> {
        let in_clip = |why| Unusable { field: "clip", why };
        let mut watcher = Watcher::new(&self.networks);
        let step = Stopwatch::start();
        let mut watching = 0.0;
        let video = self.clips.decode(clip, &mut |frame| {
            let step = Stopwatch::start();
            let watched = watcher.push(frame.at_milliseconds / 1e3, &frame.pixels).map_err(|error| failed(&error));
            watching += step.elapsed_ms();
            watched
        });
        let video = video.map_err(in_clip)?;
        Ok(watcher.finish(video, step.elapsed_ms() - watching))
    }

    fn warm_up(&self) -> Result<(), String> {
        self.run_once().map_err(|error| error.to_string())
    }

    fn models(&self) -> &[ModelUsed] {
        &self.models
    }

    fn embedder(&self) -> Embedder {
        Embedder::of(self.networks.face_embedder.weights())
    }

    fn bundle(&self) -> Option<&str> {
        self.bundle.as_deref()
    }

    fn document_scores(&self) -> &ScoreTable {
        &self.document_scores
    }

    fn photo_scores(&self) -> &ScoreTable {
        &self.photo_scores
    }
}

impl Prepared {
    /// Whether each face looks like a person or like a picture of one.
    fn look_for_life(&mut self, networks: &Networks) -> Result<(), UnusableReason> {
        for face in &mut self.seen.faces {
            let real = antispoof::real(&networks.anti_spoof, &self.upright, &face.r#box);
            face.liveness = real.map_err(|error| failed(&error))?.map(antispoof::judged);
        }
        Ok(())
    }

    /// Judges the chosen face again, now that its embedding is known.
    fn judge(&mut self, embedded: Option<&Embedded>) {
        if let (Some(face), Some((chosen, aligned))) = (self.seen.faces.first_mut(), &self.chosen) {
            face.quality = Some(quality::assess(chosen, aligned, embedded.map(|one| one.norm)));
        }
    }
}

fn describe(found: &Found, aligned: Option<&RgbImage>, photo: &RgbImage) -> FaceSeen {
    FaceSeen {
        r#box: within(found.r#box, photo),
        landmarks: found.landmarks,
        confidence: found.confidence,
        quality: aligned.map(|aligned| quality::assess(found, aligned, None)),
        liveness: None,
    }
}

/// The part of a box that lies on the photo.
fn within(r#box: Box2, photo: &RgbImage) -> Box2 {
    let side = |from: f64, length: f64, limit: f64| {
        let start = from.clamp(0.0, limit);
        (start, (from + length).clamp(start, limit) - start)
    };
    let (x, width) = side(r#box.x, r#box.width, f64::from(photo.width()));
    let (y, height) = side(r#box.y, r#box.height, f64::from(photo.height()));
    Box2 { x, y, width, height }
}

/// The models called so, as they stand in the manifest.
fn used(models: &Models, names: &[&str]) -> Vec<ModelUsed> {
    let named = models.manifest.models.iter().filter(|model| names.contains(&model.name.as_str()));
    named.map(|model| ModelUsed { name: model.name.clone(), sha256: model.sha256.clone() }).collect()
}

pub(in crate::vision) fn failed(error: &NetError) -> UnusableReason {
    tracing::error!(%error, "a network could not be run");
    UnusableReason::EngineFailed
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::Path;

    use super::*;

    fn photo(name: &str) -> Vec<u8> {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
    }

    #[test]
    fn a_job_that_panics_leaves_the_next_unharmed() {
        let engine = Engine::load_on(Device::Cpu).unwrap();
        let (document, face) = (photo("hopper_128.png"), photo("grace_hopper.jpg"));
        let compare = || engine.compare_faces(&document, &face).map(|found| found.cosine.0);
        let before = compare().unwrap();
        // In its first run of a network and in its third, on this thread; then on one that ends with it.
        for runs_before in [0, 2] {
            nets::PANIC_IN.set(Some(runs_before));
            assert!(catch_unwind(AssertUnwindSafe(compare)).is_err(), "the injected panic came through");
            assert_eq!(compare().unwrap(), before);
        }
        let dead = std::thread::scope(|scope| {
            let job = || {
                nets::PANIC_IN.set(Some(1));
                compare()
            };
            scope.spawn(job).join()
        });
        assert!(dead.is_err(), "the injected panic came through");
        assert_eq!(compare().unwrap(), before);
    }
}
