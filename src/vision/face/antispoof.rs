//! Whether one picture of a face looks like a face or like a picture of one: a classifier's opinion, with no certificate.
//!
//! It was trained on the surroundings as much as on the face, so it is shown the face's box enlarged 2.7 times.

use candle_core::{Device, Tensor};
use image::RgbImage;

use crate::domain::evidence::Box2;
use crate::domain::liveness::{FaceLiveness, Reality};
use crate::vision::nets::minifasnet::SIDE;
use crate::vision::nets::{Net, NetError};

/// By how much the box is enlarged: the value in the published weights' name.
const ENLARGED: f64 = 2.7;
/// Of eleven published demonstration clips the mean was 0.56 or more on all five of people and 0.03 or less on all six
/// that were filmed from screens; between the two bounds nothing is claimed.
pub const REAL_FROM: f64 = 0.5;
pub const SPOOF_BELOW: f64 = 0.2;

/// The probability that the face in `box` is real.
pub fn real(net: &Net, picture: &RgbImage, r#box: &Box2) -> Result<Option<f64>, NetError> {
    let Some(region) = enlarged(r#box, picture) else { return Ok(None) };
    let input = Tensor::from_vec(cut(picture, &region), (1, SIDE, SIDE, 3), &Device::Cpu)?;
    let output = net.run(&input)?.into_iter().next();
    let logits = output.ok_or_else(|| NetError::Graph("the classifier has one output".into()))?;
    let logits = logits.flatten_all()?.to_vec1::<f32>()?;
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|logit| f64::from(logit - highest).exp()).collect();
    // In the order of printed, real, shown on a screen.
    let real = powers.get(1).copied().unwrap_or(0.0) / powers.iter().sum::<f64>();
    Ok(real.is_finite().then_some(real))
}

/// What a probability is called.
pub fn verdict(score: f64) -> Reality {
    match score {
        score if score >= REAL_FROM => Reality::Real,
        score if score < SPOOF_BELOW => Reality::Spoof,
        _ => Reality::Unknown,
    }
}

pub fn judged(score: f64) -> FaceLiveness {
    FaceLiveness { verdict: verdict(score), score }
}

/// The box about its centre, no larger than the picture, pushed inside where it reaches over the edge.
fn enlarged(r#box: &Box2, picture: &RgbImage) -> Option<Box2> {
    let (width, height) = (f64::from(picture.width()) - 1.0, f64::from(picture.height()) - 1.0);
    if !(r#box.width >= 1.0 && r#box.height >= 1.0 && width >= 1.0 && height >= 1.0) {
        return None;
    }
    let scale = ENLARGED.min(width / r#box.width).min(height / r#box.height);
    let (w, h) = (r#box.width * scale, r#box.height * scale);
    let inside = |middle: f64, side: f64, limit: f64| (middle - side / 2.0).min(limit - side).max(0.0);
    let x = inside(r#box.x + r#box.width / 2.0, w, width);
    let y = inside(r#box.y + r#box.height / 2.0, h, height);
    (x.is_finite() && y.is_finite()).then_some(Box2 { x, y, width: w, height: h })
}

/// Blue, green, red, 0–255, neither shifted nor scaled (in another order or range fakes pass), interpolated bilinearly.
fn cut(picture: &RgbImage, region: &Box2) -> Vec<f32> {
    // As the publisher cuts: whole pixels, both ends included.
    let (left, top) = (region.x.floor(), region.y.floor());
    let (right, bottom) = ((region.x + region.width).floor(), (region.y + region.height).floor());
    let (across, down) = ((right - left + 1.0) / SIDE as f64, (bottom - top + 1.0) / SIDE as f64);
    let mut values = Vec::with_capacity(SIDE * SIDE * 3);
    for row in 0..SIDE {
        let y = (top + (row as f64 + 0.5) * down - 0.5).clamp(top, bottom);
        for column in 0..SIDE {
            let x = (left + (column as f64 + 0.5) * across - 0.5).clamp(left, right);
            let [red, green, blue] = between(picture, x, y);
            values.extend([blue, green, red]);
        }
    }
    values
}

/// The colour between the four pixels around a point; beyond the picture its border goes on.
pub fn between(picture: &RgbImage, x: f64, y: f64) -> [f32; 3] {
    let (width, height) = (picture.width().saturating_sub(1), picture.height().saturating_sub(1));
    let (x, y) = (x.clamp(0.0, f64::from(width)), y.clamp(0.0, f64::from(height)));
    let (left, top) = (x as u32, y as u32);
    let (right, bottom) = ((left + 1).min(width), (top + 1).min(height));
    let (across, down) = ((x - f64::from(left)) as f32, (y - f64::from(top)) as f32);
    let pixel = |x, y| picture.get_pixel_checked(x, y).map_or([0.0; 3], |pixel| pixel.0.map(f32::from));
    let mix = |a: [f32; 3], b: [f32; 3], share: f32| {
        let mut out = a;
        out.iter_mut().zip(b).for_each(|(a, b)| *a += (b - *a) * share);
        out
    };
    let upper = mix(pixel(left, top), pixel(right, top), across);
    let lower = mix(pixel(left, bottom), pixel(right, bottom), across);
    mix(upper, lower, down)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn the_enlarged_box_stays_inside_and_keeps_its_size() {
        let picture = RgbImage::new(401, 301);
        let boxed = |x, y, width, height| enlarged(&Box2 { x, y, width, height }, &picture).unwrap();
        assert_eq!(boxed(150.0, 100.0, 100.0, 100.0), Box2 { x: 65.0, y: 15.0, width: 270.0, height: 270.0 });
        let corner = boxed(0.0, 0.0, 100.0, 100.0);
        assert_eq!((corner.x, corner.y, corner.width), (0.0, 0.0, 270.0));
        let large = boxed(50.0, 50.0, 150.0, 200.0);
        assert_eq!((large.y, large.height, large.width), (0.0, 300.0, 225.0));
        assert!(enlarged(&Box2 { x: 0.0, y: 0.0, width: f64::NAN, height: 3.0 }, &picture).is_none());
    }

    #[test]
    fn colours_are_blue_first_and_unscaled() {
        let picture = RgbImage::from_pixel(100, 100, Rgb([200, 100, 50]));
        let values = cut(&picture, &Box2 { x: 10.0, y: 10.0, width: 60.0, height: 60.0 });
        assert_eq!(values.len(), SIDE * SIDE * 3);
        assert!(values.as_chunks::<3>().0.iter().all(|pixel| *pixel == [50.0, 100.0, 200.0]));
    }

    #[test]
    fn scores_are_named_by_the_declared_bounds() {
        assert_eq!(verdict(0.5), Reality::Real);
        assert_eq!(verdict(0.2), Reality::Unknown);
        assert_eq!(verdict(0.19), Reality::Spoof);
        assert_eq!(verdict(f64::NAN), Reality::Unknown);
    }
}
