//! How good a sample a face is, from its landmarks, its aligned picture and, where it was computed, its embedding's norm.
//!
//! Facts and advice only: nothing is refused here.

use image::RgbImage;

use super::Found;
use crate::domain::evidence::{FaceQuality, Landmarks, Point};

/// About the 1st percentile on LFW; pairs that were wrongly rejected there have a median norm of 10.2, the rest 11.8.
const NORM_MIN: f64 = 9.2;
/// Variance of the Laplacian: the 1st percentile of the 1,583 LFW development photos is 37.0.
const SHARPNESS_MIN: f64 = 37.0;
/// Mean luminance: 99.8 % of the same photos lie between 49 and 179.
const EXPOSURE: (f64, f64) = (50.0, 180.0);
/// Of the same photos 1 % look further to one side (the 1st and 99th percentile are −47° and 39°).
const YAW_MAX_DEGREES: f64 = 45.0;
/// 99.9 % of the same photos lie within 17° up and down.
const PITCH_MAX_DEGREES: f64 = 20.0;
/// The template's eyes are 35 pixels apart; below 24 the aligned face is enlarged by half or more.
const EYE_DISTANCE_MIN: f64 = 24.0;
/// Where the nose tip lies between the line of the eyes (0) and that of the mouth (1) when a person looks ahead: the median
/// of the same photos.
const NOSE_AHEAD: f64 = 0.57;

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
        ("turned_away", yaw_degrees.abs() > YAW_MAX_DEGREES || pitch_degrees.abs() > PITCH_MAX_DEGREES),
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
    let down = (offset.y * across.x - offset.x * across.y) / height;
    let degrees = |sine: f64| sine.clamp(-1.0, 1.0).asin().to_degrees();
    (degrees(sideways), degrees((NOSE_AHEAD - down) / 0.5))
}

fn middle(a: Point, b: Point) -> Point {
    Point { x: (a.x + b.x) / 2.0, y: (a.y + b.y) / 2.0 }
}

fn distance(a: Point, b: Point) -> f64 {
    (a.x - b.x).hypot(a.y - b.y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::evidence::Box2;
    use image::Rgb;

    fn found(points: [(f64, f64); 5]) -> Found {
        let landmarks = Landmarks::from_points(points.map(|(x, y)| Point { x, y }));
        Found { r#box: Box2 { x: 0.0, y: 0.0, width: 100.0, height: 120.0 }, landmarks, confidence: 0.9 }
    }

    const AHEAD: [(f64, f64); 5] = [(30.0, 40.0), (70.0, 40.0), (50.0, 62.8), (35.0, 80.0), (65.0, 80.0)];

    fn checkered(dark: u8, bright: u8) -> RgbImage {
        RgbImage::from_fn(112, 112, |x, y| Rgb([if (x / 3 + y / 3) % 2 == 0 { dark } else { bright }; 3]))
    }

    fn reasons(points: [(f64, f64); 5], aligned: &RgbImage, norm: Option<f64>) -> Vec<String> {
        assess(&found(points), aligned, norm).reasons
    }

    #[test]
    fn each_fault_is_named_and_a_good_face_has_none() {
        let good = checkered(90, 140);
        assert_eq!(reasons(AHEAD, &good, Some(12.0)), Vec::<String>::new());
        assert_eq!(reasons(AHEAD, &good, None), Vec::<String>::new());
        assert_eq!(reasons(AHEAD, &good, Some(9.0)), ["low_norm"]);
        assert_eq!(reasons(AHEAD, &checkered(110, 111), None), ["blurred"]);
        assert_eq!(reasons(AHEAD, &checkered(0, 60), None), ["too_dark"]);
        assert_eq!(reasons(AHEAD, &checkered(180, 255), None), ["too_bright"]);
        let mut turned = AHEAD;
        turned[2].0 = 69.0;
        assert_eq!(reasons(turned, &good, None), ["turned_away"]);
        let small = AHEAD.map(|(x, y)| (x / 2.0, y / 2.0));
        assert_eq!(reasons(small, &good, None), ["too_small"]);
    }

    #[test]
    fn angles_have_the_signs_that_are_promised() {
        let ahead = assess(&found(AHEAD), &checkered(90, 140), None);
        assert!(ahead.yaw_degrees.abs() < 0.1 && ahead.pitch_degrees.abs() < 0.1 && ahead.roll_degrees.abs() < 0.1);
        let mut to_their_left_and_up = AHEAD;
        to_their_left_and_up[2] = (55.0, 58.0);
        let turned = assess(&found(to_their_left_and_up), &checkered(90, 140), None);
        assert!(turned.yaw_degrees > 5.0 && turned.pitch_degrees > 5.0, "{turned:?}");
    }

    #[test]
    fn landmarks_in_one_point_give_finite_numbers() {
        let quality = assess(&found([(5.0, 5.0); 5]), &RgbImage::new(1, 1), Some(f64::NAN));
        assert!(quality.yaw_degrees.is_finite() && quality.pitch_degrees.is_finite() && quality.sharpness == 0.0);
    }
}
