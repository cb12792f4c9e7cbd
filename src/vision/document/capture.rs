//! How the photo was taken: what can be told from the upright document's pixels and from where it lies on the photo.

use image::RgbImage;

use super::screen;
use crate::domain::evidence::Point;
use crate::vision::resize;

/// What was measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Capture {
    /// The steepest edges in parts of the whole contrast, 0–1: low when nothing is sharp.
    pub sharpness: f64,
    /// Share of the document that is burnt out.
    pub burnt: f64,
    /// Middle brightness, 0–255.
    pub brightness: f64,
    /// Mean difference between the strongest and the weakest colour of a pixel, 0–255.
    pub chroma: f64,
    /// A corner of the document lies outside the photo.
    pub cut_off: bool,
    /// How far the strongest fine regular pattern stands out.
    pub periodicity: f64,
}

/// Width at which sharpness and colour are measured: as the text detector sees the document.
const WIDTH: u32 = 960;
/// Thresholds, set on tuning specimens.
const SHARPNESS_MIN: f64 = 0.10;
const BURNT_MAX: f64 = 0.03;
const BRIGHTNESS_MIN: f64 = 45.0;
const CHROMA_MIN: f64 = 5.0;
const PERIODICITY_MAX: f64 = 40.0;
/// All colours at or above it are burnt out.
const BURNT_FROM: u8 = 250;
/// A corner this far outside the photo, in parts of its longer side, is cut off.
const OUTSIDE_MIN: f64 = 0.004;

impl Capture {
    /// `corners` of the document on a photo of `size`; `portrait` is left out of the colours: it may be grey by design.
    pub fn measure(
        document: &RgbImage,
        portrait: Option<[f64; 4]>,
        corners: Option<[Point; 4]>,
        size: (u32, u32),
    ) -> Capture {
        let small = resize::shrink(document, f64::from(document.width()) / f64::from(WIDTH));
        let (width, height) = (f64::from(small.width()), f64::from(small.height()));
        let in_portrait = |x: u32, y: u32| {
            portrait.is_some_and(|[left, top, right, bottom]| {
                (left..right).contains(&(f64::from(x) / width)) && (top..bottom).contains(&(f64::from(y) / height))
            })
        };
        let mut histogram = [0_u64; 256];
        let (mut chroma, mut coloured, mut burnt) = (0_u64, 0_u64, 0_u64);
        for (x, y, pixel) in small.enumerate_pixels() {
            let [r, g, b] = pixel.0;
            let (low, high) = (r.min(g).min(b), r.max(g).max(b));
            burnt += u64::from(low >= BURNT_FROM);
            if !in_portrait(x, y) {
                chroma += u64::from(high - low);
                coloured += 1;
            }
            if let Some(bin) = histogram.get_mut(usize::from(grey(r, g, b))) {
                *bin += 1;
            }
        }
        let pixels = (small.width() as u64 * small.height() as u64).max(1);
        let outside = |p: &Point| {
            let slack = OUTSIDE_MIN * f64::from(size.0.max(size.1));
            p.x < -slack || p.y < -slack || p.x > f64::from(size.0) + slack || p.y > f64::from(size.1) + slack
        };
        Capture {
            sharpness: sharpness(&small, &histogram),
            burnt: burnt as f64 / pixels as f64,
            brightness: percentile(&histogram, 0.5),
            chroma: chroma as f64 / coloured.max(1) as f64,
            periodicity: screen::periodicity(document),
            cut_off: corners.is_some_and(|corners| corners.iter().any(outside)),
        }
    }

    pub fn warnings(&self) -> Vec<&'static str> {
        let raised = [
            (self.sharpness < SHARPNESS_MIN, "blurred"),
            (self.burnt > BURNT_MAX, "glare"),
            (self.brightness < BRIGHTNESS_MIN, "too_dark"),
            (self.chroma < CHROMA_MIN, "grey_copy"),
            (self.cut_off, "cut_off"),
            (self.periodicity > PERIODICITY_MAX, "screen"),
        ];
        raised.into_iter().filter(|(raised, _)| *raised).map(|(_, slug)| slug).collect()
    }
}

fn grey(r: u8, g: u8, b: u8) -> u8 {
    ((u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114) / 1000) as u8
}

fn percentile(histogram: &[u64; 256], share: f64) -> f64 {
    let wanted = histogram.iter().sum::<u64>() as f64 * share;
    let mut seen = 0;
    for (value, count) in histogram.iter().enumerate() {
        seen += count;
        if seen as f64 > wanted {
            return value as f64;
        }
    }
    255.0
}

/// The 98th percentile of the difference to the pixel two to the right or below, by the contrast between the 2nd and the
/// 98th percentile of brightness. Text has such edges everywhere; blur takes them first.
fn sharpness(picture: &RgbImage, histogram: &[u64; 256]) -> f64 {
    let contrast = percentile(histogram, 0.98) - percentile(histogram, 0.02);
    let width = picture.width() as usize;
    let luma: Vec<u8> = picture.pixels().map(|pixel| grey(pixel.0[0], pixel.0[1], pixel.0[2])).collect();
    let mut steps = [0_u64; 256];
    let mut count = |a: Option<&u8>, b: Option<&u8>| {
        if let (Some(a), Some(b)) = (a, b)
            && let Some(bin) = steps.get_mut(usize::from(a.abs_diff(*b)))
        {
            *bin += 1;
        }
    };
    for at in 0..luma.len() {
        if at % width + 2 < width {
            count(luma.get(at), luma.get(at + 2));
        }
        count(luma.get(at), luma.get(at + 2 * width));
    }
    percentile(&steps, 0.98) / contrast.max(1.0)
}
