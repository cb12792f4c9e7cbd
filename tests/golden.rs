//! Real photos with known answers, made with the original networks by other programs (`tests/golden/make.py`).
//!
//! Numbers are compared within a tolerance that is stated beside each; bytes are not compared.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may")]

#[path = "golden/networks.rs"]
mod networks;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use twoface::domain::evidence::{Embedder, Embedding, Examiner};
use twoface::vision::Engine;
use twoface::vision::face::mesh;

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
        let cosine =
            embedded.embedding.cosine(&Embedding { by: Embedder::FIRST, numbers: expected.embedding }).unwrap().0;
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

#[test]
fn a_photo_on_its_side_or_its_head_is_turned_and_says_so() {
    for name in ["grace_hopper.jpg", "hopper_128.png", "obama_2012_portrait.jpg", "eileen_collins_astronaut.png"] {
        let upright = twoface::vision::image::decode(&photo(name)).unwrap().pixels;
        for degrees in [0, 90, 180, 270] {
            let mut file = Vec::new();
            let turned = twoface::vision::face::search::turn(upright.clone(), degrees);
            turned.write_to(&mut std::io::Cursor::new(&mut file), image::ImageFormat::Png).unwrap();
            let comparison = engine().compare_faces(&file, &photo(name)).unwrap();
            assert_eq!(comparison.document.rotation_degrees, (360 - degrees) % 360, "{name} turned by {degrees}");
            assert_eq!(comparison.document.width, turned.width());
            assert!(comparison.cosine.0 > 0.98, "{name} turned by {degrees}: {}", comparison.cosine.0);
        }
    }
}

#[test]
fn a_very_large_face_is_found_whole() {
    let small = twoface::vision::image::decode(&photo("hopper_128.png")).unwrap().pixels;
    // The face alone, 53 of its 128 pixels wide, fills most of the picture.
    let close = image::imageops::crop_imm(&small, 30, 15, 66, 70).to_image();
    let close = image::imageops::resize(&close, 1320, 1400, image::imageops::FilterType::CatmullRom);
    let mut file = Vec::new();
    close.write_to(&mut std::io::Cursor::new(&mut file), image::ImageFormat::Png).unwrap();
    let comparison = engine().compare_faces(&file, &photo("hopper_128.png")).unwrap();
    assert_eq!(comparison.document.face_count, 1);
    assert!(comparison.document.faces[0].r#box.width > 700.0, "{:?}", comparison.document.faces[0].r#box);
    assert!(comparison.cosine.0 > 0.9, "{}", comparison.cosine.0);
}

#[test]
fn a_crowd_is_counted_and_its_chosen_face_comes_first() {
    let face = twoface::vision::image::decode(&photo("hopper_128.png")).unwrap().pixels;
    let small = image::imageops::thumbnail(&face, 64, 64);
    let mut crowd = image::RgbImage::from_pixel(640, 640, image::Rgb([90, 90, 90]));
    (0..100).for_each(|i| image::imageops::replace(&mut crowd, &small, i % 10 * 64, i / 10 * 64));
    image::imageops::replace(&mut crowd, &face, 256, 192);
    let mut file = Vec::new();
    crowd.write_to(&mut std::io::Cursor::new(&mut file), image::ImageFormat::Png).unwrap();
    let seen = engine().detect_faces(&file).unwrap();
    assert!(seen.face_count > 80, "{}", seen.face_count);
    assert_eq!(seen.faces.len(), twoface::domain::evidence::FACES_REPORTED_MAX);
    let chosen = &seen.faces[0];
    assert!((chosen.r#box.x - 295.0).abs() < 4.0, "{:?}", chosen.r#box);
    assert!(chosen.quality.as_ref().unwrap().embedding_norm.is_some());
    assert!(seen.faces[1].quality.as_ref().unwrap().embedding_norm.is_none());
}

#[test]
fn pictures_without_a_face_say_so() {
    use twoface::domain::evidence::{Unusable, UnusableReason};
    let plain = image::RgbImage::from_fn(300, 200, |x, y| image::Rgb([x as u8, y as u8, (x ^ y) as u8]));
    let tiny = image::RgbImage::from_pixel(1, 1, image::Rgb([9, 9, 9]));
    let thin = image::RgbImage::from_pixel(8000, 1, image::Rgb([9, 9, 9]));
    for picture in [plain, tiny, thin] {
        let mut file = Vec::new();
        picture.write_to(&mut std::io::Cursor::new(&mut file), image::ImageFormat::Png).unwrap();
        let expected = Unusable { field: "document", why: UnusableReason::NoFace };
        assert_eq!(engine().compare_faces(&file, &photo("hopper_128.png")).unwrap_err(), expected);
        let expected = Unusable { field: "face", why: UnusableReason::NoFace };
        assert_eq!(engine().compare_faces(&photo("hopper_128.png"), &file).unwrap_err(), expected);
    }
}

#[test]
fn a_good_portrait_needs_no_retake() {
    for (name, expected) in golden().faces {
        let seen = engine().detect_faces(&photo(&name)).unwrap();
        let quality = seen.faces[0].quality.clone().unwrap();
        println!("{name}: {quality:?}");
        assert!((quality.embedding_norm.unwrap() - expected.norm).abs() < 0.5, "{name}");
        assert!(quality.yaw_degrees.abs() < 40.0 && quality.pitch_degrees.abs() < 30.0, "{name}");
        assert!(quality.roll_degrees.abs() < 15.0, "{name}");
    }
}

/// On obama_2009_congress.jpg he looks past the camera to his own right, which is the left of the picture.
#[test]
fn a_turned_head_is_turned_to_the_persons_own_side() {
    let seen = twoface::vision::image::decode(&photo("obama_2009_congress.jpg")).unwrap().pixels;
    let yaw = |picture: &image::RgbImage| {
        let found = engine().search(picture).unwrap();
        let region = mesh::Region::around(&found.faces[0]);
        mesh::of(&engine().networks().face_mesh, picture, &region).unwrap().unwrap().yaw_degrees()
    };
    let (as_seen, in_a_mirror) = (yaw(&seen), yaw(&image::imageops::flip_horizontal(&seen)));
    assert!(as_seen < -10.0 && in_a_mirror > 10.0, "{as_seen} and {in_a_mirror}, left is positive");
    assert!((as_seen + in_a_mirror).abs() < 6.0, "{as_seen} and {in_a_mirror}");
}

#[test]
fn many_threads_may_use_one_engine_and_agree() {
    engine().warm_up().unwrap();
    let (a, b) = (photo("hopper_128.png"), photo("grace_hopper.jpg"));
    let compare = || engine().compare_faces(&a, &b).unwrap().cosine;
    let expected = compare();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(compare)).collect();
        threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), expected));
    });
}
