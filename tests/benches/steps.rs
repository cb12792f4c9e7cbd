//! Time of each step of a compare and of reading text, and whether two cores do better on one job or on two:
//! `cargo bench --bench steps`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods)] // A bench may fail.

use std::io::Cursor;
use std::time::Instant;

use candle_core::{Device, Tensor};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use image::RgbImage;
use image::imageops::FilterType;
use twoface::domain::evidence::Examiner;
use twoface::vision::Engine;
use twoface::vision::face::{align, detect, search};

const DOCUMENT: &[u8] = include_bytes!("../golden/obama_2009_congress.jpg");
const SELFIE: &[u8] = include_bytes!("../golden/obama_2012_portrait.jpg");

/// The photo's upper middle at this size, as a JPEG file.
fn photo(bytes: &[u8], width: u32, height: u32) -> Vec<u8> {
    let photo = image::load_from_memory(bytes).unwrap();
    let resized = photo.resize_to_fill(width, height, FilterType::Triangle).to_rgb8();
    let mut jpeg = Cursor::new(Vec::new());
    resized.write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    jpeg.into_inner()
}

fn pixels(file: &[u8]) -> RgbImage {
    twoface::vision::image::decode(file).unwrap().pixels
}

fn compare(criterion: &mut Criterion) {
    let engine = Engine::load().unwrap();
    let networks = engine.networks();
    let files = [photo(DOCUMENT, 600, 800), photo(SELFIE, 600, 800)];
    let large = photo(SELFIE, 3000, 4000);
    let photos = [pixels(&files[0]), pixels(&files[1])];
    let large_photo = pixels(&large);
    let mut group = criterion.benchmark_group("compare");
    group.sample_size(20);
    group.bench_function("decode, 600 x 800", |b| b.iter(|| pixels(&files[0])));
    group.bench_function("decode, 3000 x 4000", |b| b.iter(|| pixels(&large)));
    group.bench_function("find faces, 600 x 800", |b| b.iter(|| engine.search(&photos[0]).unwrap()));
    group.bench_function("find faces, 3000 x 4000", |b| b.iter(|| engine.search(&large_photo).unwrap()));
    let shown = image::imageops::resize(&photos[0], 480, 640, FilterType::Triangle);
    group.bench_function("one look of the detector, 480 x 640", |b| {
        b.iter(|| detect::faces(&networks.face_detector, &shown).unwrap())
    });
    group.bench_function("turn, 600 x 800", |b| {
        b.iter_batched(|| photos[0].clone(), |photo| search::turn(photo, 90), BatchSize::LargeInput)
    });
    for (name, photo) in [("align, 600 x 800", &photos[0]), ("align, 3000 x 4000", &large_photo)] {
        let face = engine.search(photo).unwrap().faces[0];
        group.bench_function(name, |b| b.iter(|| align::face(photo, &face.landmarks).unwrap()));
    }
    let aligned = photos.each_ref().map(|photo| {
        let found = engine.search(photo).unwrap();
        align::face(photo, &found.faces[0].landmarks).unwrap()
    });
    group.bench_function("embed two", |b| b.iter(|| engine.embed(&[&aligned[0], &aligned[1]]).unwrap()));
    group.bench_function("whole", |b| b.iter(|| engine.compare_faces(&files[0], &files[1]).unwrap()));
    group.bench_function("detect, whole", |b| b.iter(|| engine.detect_faces(&files[0]).unwrap()));
    group.finish();

    let mut group = criterion.benchmark_group("text");
    group.sample_size(20);
    let page = Tensor::rand(0f32, 1f32, (1, 640, 960, 3), &Device::Cpu).unwrap();
    let line = Tensor::rand(-1f32, 1f32, (1, 48, 320, 3), &Device::Cpu).unwrap();
    group.bench_function("find lines, 960 x 640", |b| b.iter(|| networks.text_detector.run(&page).unwrap()));
    group.bench_function("read a line, 320 x 48", |b| b.iter(|| networks.text_reader.run(&line).unwrap()));
    group.finish();
}

/// Prints what two cores do when each has a job, and when both share one: a job is the preparation of two photos, which can
/// be shared, and then the embedding, which cannot.
fn two_cores(_: &mut Criterion) {
    const JOBS: usize = 40;
    let engine = Engine::load().unwrap();
    let files = [photo(DOCUMENT, 600, 800), photo(SELFIE, 600, 800)];
    let prepare = |file: &[u8]| {
        let photo = pixels(file);
        let found = engine.search(&photo).unwrap();
        align::face(&photo, &found.faces[0].landmarks).unwrap()
    };
    let each_its_own = || {
        let job = || {
            let aligned = files.each_ref().map(|file| prepare(file));
            engine.embed(&[&aligned[0], &aligned[1]]).unwrap();
        };
        let half = || (0..JOBS / 2).for_each(|_| job());
        std::thread::scope(|scope| {
            scope.spawn(half);
            scope.spawn(half);
        });
    };
    let both_on_one = || {
        for _ in 0..JOBS {
            let (first, second) = std::thread::scope(|scope| {
                let other = scope.spawn(|| prepare(&files[1]));
                (prepare(&files[0]), other.join().unwrap())
            });
            engine.embed(&[&first, &second]).unwrap();
        }
    };
    let mut best = [f64::INFINITY; 2];
    for _ in 0..5 {
        for (best, run) in best.iter_mut().zip([&each_its_own as &dyn Fn(), &both_on_one]) {
            let start = Instant::now();
            run();
            *best = best.min(start.elapsed().as_secs_f64());
        }
    }
    let [each, shared] = best.map(|seconds| JOBS as f64 / seconds);
    println!("two cores: {each:.1} jobs/s with a job each, {shared:.1} jobs/s with both on one job (best of 5)");
}

criterion_group!(benches, two_cores, compare);
criterion_main!(benches);
