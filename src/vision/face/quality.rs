//! How good a sample a face is, from its landmarks, its aligned picture and, where it was computed, its embedding's norm.
//!
//! Facts and advice only: nothing is refused here.

use image::RgbImage;

use super::Found;
use crate::domain::evidence::{FaceQuality, Landmarks, Point};

/// About the 1st percentile on LFW; pairs that were wrongly rejected there have a median norm of 10.2, the rest 11.8.
const NORM_MIN: f64 = 9.2;
/// Variance of the Laplacian: below the 1st percentile of the 1,583 LFW development photos.
const SHARPNESS_MIN: f64 = 40.0;
/// Mean luminance: outside the 1st and 99th percentile of the same photos, rounded outwards.
const EXPOSURE: (f64, f64) = (50.0, 205.0);
/// The embedder was trained on faces that mostly look ahead; beyond it, landmarks of the far side are guesses.
const TURN_MAX_DEGREES: f64 = 35.0;
/// The template's eyes are 35 pixels apart; below 24 the aligned face is enlarged by half or more.
const EYE_DISTANCE_MIN: f64 = 24.0;

/// `aligned` is the face as [`super::align`] makes it; `norm` that of its embedding.
pub fn assess(found: &Found, aligned: &RgbImage, norm: Option<f64>) -> FaceQuality {
    let grey = luminance(aligned);
    let exposure = grey.iter().sum::<f64>() / (grey.len().max(1) as f64);
    let clipped = grey.iter().filter(|value| **value <= 2.0 || **value >= 253.0).count() as f64;
    let sharpness = laplacian_variance(&grey, aligned.width() as usize);
    let (yaw_degrees, pitch_degrees) = turn(&found.landmarks);
    let eye_distance_pixels = distance(found.landmarks.right_eye, found.landmarks.left_eye);
    let reasons: Vec<String> = [
        ("low_norm", norm.is_some_and(|norm| norm < NORM_MIN)),
        ("blurred", sharpness < SHARPNESS_MIN),
        ("too_dark", exposure < EXPOSURE.0),
        ("too_bright", exposure > EXPOSURE.1),
        ("turned_away", yaw_degrees.abs().max(pitch_degrees.abs()) > TURN_MAX_DEGREES),
        ("too_small", eye_distance_pixels < EYE_DISTANCE_MIN),
    ]
    .into_iter()
    .filter(|(_, holds)| *holds)
    .map(|(reason, _)| reason.to_owned())
    .collect();
    FaceQuality {
        embedding_norm: norm,
        sharpness,
        exposure,
        clipped: clipped / (grey.len().max(1) as f64),
        yaw_degrees,
        pitch_degrees,
        roll_degrees: found.roll_degrees(),
        eye_distance_pixels,
        retake_advised: !reasons.is_empty(),
        reasons,
    }
}

/// ITU-R BT.601 luma, 0–255.
fn luminance(picture: &RgbImage) -> Vec<f64> {
    picture
        .pixels()
        .map(|p| 0.299 * f64::from(p.0[0]) + 0.587 * f64::from(p.0[1]) + 0.114 * f64::from(p.0[2]))
        .collect()
}

/// Of the four-neighbour Laplacian over all pixels with four neighbours: high where there is fine detail.
fn laplacian_variance(grey: &[f64], width: usize) -> f64 {
    let rows: Vec<&[f64]> = grey.chunks_exact(width.max(1)).collect();
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for three in rows.windows(3) {
        let [above, row, below] = three else { continue };
        for ((middle, up), down) in row.windows(3).zip(above.iter().skip(1)).zip(below.iter().skip(1)) {
            let [left, centre, right] = middle else { continue };
            let value = up + down + left + right - 4.0 * centre;
            count += 1.0;
            sum += value;
            squares += value * value;
        }
    }
    if count > 0.0 { squares / count - (sum / count) * (sum / count) } else { 0.0 }
}

/// Yaw and pitch in degrees, roughly, by where the nose lies between eyes and mouth once the roll is taken out. Yaw is
/// positive when the person looks to their own left, pitch when they look up.
fn turn(landmarks: &Landmarks) -> (f64, f64) {
    let Landmarks { right_eye, left_eye, nose, right_mouth_corner, left_mouth_corner } = *landmarks;
    let (eyes, mouth) = (middle(right_eye, left_eye), middle(right_mouth_corner, left_mouth_corner));
    let span = distance(right_eye, left_eye).max(1e-6);
    let height = distance(eyes, mouth).max(1e-6);
    let across = Point { x: (left_eye.x - right_eye.x) / span, y: (left_eye.y - right_eye.y) / span };
    let offset = Point { x: nose.x - eyes.x, y: nose.y - eyes.y };
    // A nose tip stands out by about half the distance between the eyes, which is the sine's unit here.
    let sideways = (offset.x * across.x + offset.y * across.y) / span / 0.5;
    // Looking ahead, the nose tip lies half way between eyes and mouth (0.50 in the alignment template).
    let down = (offset.y * across.x - offset.x * across.y) / height;
    let degrees = |sine: f64| sine.clamp(-1.0, 1.0).asin().to_degrees();
    (degrees(sideways), degrees((0.5 - down) / 0.5))
}

fn middle(a: Point, b: Point) -> Point {
    Point { x: (a.x + b.x) / 2.0, y: (a.y + b.y) / 2.0 }
}

fn distance(a: Point, b: Point) -> f64 {
    (a.x - b.x).hypot(a.y - b.y)
}
