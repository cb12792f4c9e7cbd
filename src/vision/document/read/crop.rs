//! A box of text as a straight strip of the recogniser's height.

use image::RgbImage;

use super::boxes::TextBox;
use crate::vision::nets::ppocr_rec::HEIGHT;

/// Strips wider than this are cut: no line of a document is 40 times as long as it is high.
const WIDTH_MAX: usize = 40 * HEIGHT;
/// Samples along each side of a pixel of the strip, at most.
const SAMPLES_MAX: usize = 4;

/// RGB values of a strip `width` wide and [`HEIGHT`] high, 0–255.
pub struct Strip {
    pub width: usize,
    pub values: Vec<f32>,
}

/// Cuts `place` out of the picture. Where the picture has more detail than the strip, several samples are averaged.
pub fn strip(picture: &RgbImage, place: &TextBox) -> Strip {
    let height = place.height.max(1.0);
    let width = ((place.width / height * HEIGHT as f64).round() as usize).clamp(8, WIDTH_MAX);
    let step = height / HEIGHT as f64;
    let samples = (step.ceil() as usize).clamp(1, SAMPLES_MAX);
    let (sin, cos) = place.angle.sin_cos();
    let mut values = Vec::with_capacity(width * HEIGHT * 3);
    for row in 0..HEIGHT {
        for column in 0..width {
            let mut sum = [0_f32; 3];
            for (i, j) in (0..samples).flat_map(|i| (0..samples).map(move |j| (i, j))) {
                let part = |index: usize| (index as f64 + 0.5) / samples as f64;
                let u = ((column as f64 + part(i)) / width as f64 - 0.5) * place.width;
                let v = ((row as f64 + part(j)) / HEIGHT as f64 - 0.5) * place.height;
                let (x, y) = (place.centre.x + u * cos - v * sin, place.centre.y + u * sin + v * cos);
                sum.iter_mut().zip(bilinear(picture, x, y)).for_each(|(sum, value)| *sum += value);
            }
            values.extend(sum.map(|sum| sum / (samples * samples) as f32));
        }
    }
    Strip { width, values }
}

/// The colour at a point between pixels, whose centres are whole numbers; the border goes on for ever.
fn bilinear(picture: &RgbImage, x: f64, y: f64) -> [f32; 3] {
    let (right, bottom) = (picture.width().saturating_sub(1), picture.height().saturating_sub(1));
    let (x, y) = (x.clamp(0.0, f64::from(right)), y.clamp(0.0, f64::from(bottom)));
    let (left, top) = (x as u32, y as u32);
    let (a, b) = ((x - f64::from(left)) as f32, (y - f64::from(top)) as f32);
    let pixel = |x: u32, y: u32| {
        picture.get_pixel_checked(x.min(right), y.min(bottom)).map_or([0.0; 3], |pixel| pixel.0.map(f32::from))
    };
    let corners = [
        (pixel(left, top), (1.0 - a) * (1.0 - b)),
        (pixel(left + 1, top), a * (1.0 - b)),
        (pixel(left, top + 1), (1.0 - a) * b),
        (pixel(left + 1, top + 1), a * b),
    ];
    let mut colour = [0.0; 3];
    for (values, share) in corners {
        colour.iter_mut().zip(values).for_each(|(sum, value)| *sum += share * value);
    }
    colour
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::evidence::Point;
    use image::Rgb;

    #[test]
    fn a_strip_follows_the_tilt_and_survives_boxes_outside() {
        let picture = RgbImage::from_fn(200, 100, |x, y| {
            // A bright line that falls one pixel in ten.
            if (i64::from(y) - 30 - i64::from(x) / 10).abs() <= 2 { Rgb([250; 3]) } else { Rgb([10; 3]) }
        });
        let angle = 0.1_f64.atan();
        let place = TextBox { centre: Point { x: 100.0, y: 40.0 }, width: 120.0, height: 24.0, angle, score: 1.0 };
        let cut = strip(&picture, &place);
        assert_eq!((cut.width, cut.values.len()), (240, 240 * HEIGHT * 3));
        let row = |y: usize| cut.values.chunks_exact(3).skip(y * 240).take(240).map(|p| p[0]).sum::<f32>() / 240.0;
        assert!(row(24) > 200.0 && row(4) < 20.0 && row(44) < 20.0, "{} {} {}", row(24), row(4), row(44));
        let outside = TextBox { centre: Point { x: -5e5, y: 9e9 }, width: 1e7, height: 1e-9, angle, score: 1.0 };
        assert_eq!(strip(&picture, &outside).width, WIDTH_MAX);
    }
}
