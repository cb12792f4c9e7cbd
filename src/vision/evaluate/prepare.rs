//! Every photo embedded once, on two threads, and the document portraits that are made from the photos.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ::image::codecs::jpeg::JpegEncoder;
use ::image::{RgbImage, imageops};

use super::{EvaluateError, Plan};
use crate::domain::evidence::{Embedding, UnusableReason};
use crate::vision::face::{align, search};
use crate::vision::{Engine, image, resize};

/// A developer's machine is used by others too.
const THREADS: usize = 2;
/// Of the simulated portrait: about what a printed and photographed identity card leaves.
const PORTRAIT_JPEG_QUALITY: u8 = 30;

/// A photo's embedding, and its portrait's if portraits are made. `None`: no face was found.
pub struct Side {
    pub photo: Option<Embedding>,
    pub portrait: Option<Option<Embedding>>,
}

/// All photos by name.
pub struct Photos(BTreeMap<String, Side>);

impl Photos {
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn not_detected(&self) -> usize {
        let missing =
            |side: &Side| usize::from(side.photo.is_none()) + usize::from(matches!(side.portrait, Some(None)));
        self.0.values().map(missing).sum()
    }

    /// Whether it matters which of two photos comes first.
    pub fn two_sided(&self) -> bool {
        self.0.values().any(|side| side.portrait.is_some())
    }

    /// Of `a`'s portrait, where portraits are made, with `b`'s photo. `None` where a face was not found.
    pub fn cosine(&self, a: &str, b: &str) -> Option<f32> {
        let a = self.0.get(a)?;
        let a = a.portrait.as_ref().unwrap_or(&a.photo).as_ref()?;
        let b = self.0.get(b)?.photo.as_ref()?;
        Some(a.numbers.iter().zip(&b.numbers).map(|(a, b)| a * b).sum())
    }
}

/// Embeds every photo that the pairs name.
pub fn photos(
    engine: &Engine,
    plan: &Plan<'_>,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Photos, EvaluateError> {
    let names: BTreeSet<&str> = plan.pairs.iter().flat_map(|pair| [pair.a.as_str(), pair.b.as_str()]).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let sides = Mutex::new(BTreeMap::new());
    let work = || -> Result<(), EvaluateError> {
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            let side = side(engine, &plan.images.join(name), plan.document_face_width)?;
            let mut sides = sides.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            sides.insert((*name).to_owned(), side);
            drop(sides);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, names.len());
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Err(EvaluateError::Engine)))
    })?;
    Ok(Photos(sides.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)))
}

fn side(engine: &Engine, path: &Path, document_face_width: Option<u32>) -> Result<Side, EvaluateError> {
    let file = std::fs::read(path).map_err(|error| EvaluateError::Read { file: path.display().to_string(), error })?;
    let Ok(photo) = image::decode(&file) else {
        return Ok(Side { photo: None, portrait: document_face_width.map(|_| None) });
    };
    let portrait = match document_face_width {
        Some(width) => Some(match portrait(engine, &photo.pixels, width)? {
            Some(portrait) => embedding(engine, &portrait)?,
            None => None,
        }),
        None => None,
    };
    Ok(Side { photo: embedding(engine, &photo.pixels)?, portrait })
}

/// `None` if no face is found.
fn embedding(engine: &Engine, photo: &RgbImage) -> Result<Option<Embedding>, EvaluateError> {
    let found = found(engine, photo)?;
    let Some(chosen) = found.faces.first() else { return Ok(None) };
    let upright = search::turn(photo.clone(), found.rotation_degrees);
    let Some(aligned) = align::face(&upright, &chosen.landmarks) else { return Ok(None) };
    let embedded = engine.embed(&[&aligned]).map_err(|_| EvaluateError::Engine)?;
    Ok(embedded.into_iter().next().map(|one| one.embedding))
}

/// The photo as a document's portrait: its face `width` pixels wide (never enlarged), grey, strongly compressed.
fn portrait(engine: &Engine, photo: &RgbImage, width: u32) -> Result<Option<RgbImage>, EvaluateError> {
    let found = found(engine, photo)?;
    let Some(chosen) = found.faces.first() else { return Ok(None) };
    let upright = search::turn(photo.clone(), found.rotation_degrees);
    let small = resize::shrink(&upright, chosen.r#box.width / f64::from(width));
    let mut file = Vec::new();
    let encoder = JpegEncoder::new_with_quality(Cursor::new(&mut file), PORTRAIT_JPEG_QUALITY);
    if imageops::grayscale(small.as_ref()).write_with_encoder(encoder).is_err() {
        return Ok(None);
    }
    Ok(image::decode(&file).ok().map(|portrait| portrait.pixels))
}

fn found(engine: &Engine, photo: &RgbImage) -> Result<search::Search, EvaluateError> {
    engine.search(photo).map_err(|why| {
        debug_assert_eq!(why, UnusableReason::EngineFailed);
        EvaluateError::Engine
    })
}
