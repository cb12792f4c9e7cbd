//! Real photos with known answers, made with the original networks by other programs (`tests/golden/make.py`).
//!
//! Numbers are compared within a tolerance that is stated beside each; bytes are not compared.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

use std::path::{Path, PathBuf};

use serde::Deserialize;
use twoface::domain::evidence::{Embedding, Examiner};
use twoface::vision::Engine;
use twoface::vision::face::embed::cosine;

#[derive(Deserialize)]
struct Golden {
    faces: std::collections::BTreeMap<String, Face>,
    pairs: Vec<(String, String, f64)>,
}

#[derive(Deserialize)]
struct Face {
    width: u32,
    height: u32,
    /// Size at which the detector saw the photo; box and landmarks are in its pixels.
    shown: (u32, u32),
    count: usize,
    r#box: [f64; 4],
    landmarks: [[f64; 2]; 5],
    confidence: f64,
    norm: f64,
    embedding: Vec<f32>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn golden() -> Golden {
    serde_json::from_slice(&std::fs::read(folder().join("golden.json")).unwrap()).unwrap()
}

fn engine() -> &'static Engine {
    static ENGINE: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();
    ENGINE.get_or_init(|| Engine::load().unwrap())
}

fn photo(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

#[test]
fn boxes_and_landmarks_are_within_a_pixel_of_the_original_detector() {
    for (name, expected) in golden().faces {
        let seen = engine().detect_faces(&photo(&name)).unwrap();
        assert_eq!((seen.width, seen.height, seen.rotation_degrees), (expected.width, expected.height, 0), "{name}");
        assert_eq!(seen.face_count, expected.count, "{name}");
        let factor = f64::from(expected.width.max(expected.height)) / f64::from(expected.shown.0.max(expected.shown.1));
        let face = &seen.faces[0];
        let found = [face.r#box.x, face.r#box.y, face.r#box.width, face.r#box.height];
        let points = face.landmarks.points();
        let found = found.into_iter().chain(points.iter().flat_map(|point| [point.x, point.y]));
        let expected_values = expected.r#box.into_iter().chain(expected.landmarks.into_iter().flatten());
        for (found, expected) in found.zip(expected_values) {
            assert!((found / factor - expected).abs() < 1.0, "{name}: {} against {expected}", found / factor);
        }
        assert!((face.confidence - expected.confidence).abs() < 0.005, "{name}: {}", face.confidence);
    }
}

#[test]
fn embeddings_of_the_same_crops_agree_with_the_original_network() {
    for (name, expected) in golden().faces {
        let crop = folder().join("aligned").join(&name).with_extension("png");
        let crop = twoface::vision::image::decode(&std::fs::read(crop).unwrap()).unwrap().pixels;
        let embedded = &engine().embed(&[&crop]).unwrap()[0];
        let cosine = cosine(&embedded.embedding, &Embedding(expected.embedding)).0;
        println!("{name}: cosine {cosine:.7}, norm {:.4} against {}", embedded.norm, expected.norm);
        assert!(cosine >= 0.9999, "{name}: {cosine}");
        assert!((embedded.norm - expected.norm).abs() < 0.05, "{name}: norm {}", embedded.norm);
    }
}

#[test]
fn pairs_of_photos_compare_as_with_the_original_networks() {
    for (a, b, expected) in golden().pairs {
        let comparison = engine().compare_faces(&photo(&a), &photo(&b)).unwrap();
        println!("{a} {b}: {:.4} against {expected:.4}", comparison.cosine.0);
        // The alignment differs: the reference takes it from the reduced photo, we from the full one.
        assert!((comparison.cosine.0 - expected).abs() < 0.06, "{a} {b}: {} against {expected}", comparison.cosine.0);
    }
}
