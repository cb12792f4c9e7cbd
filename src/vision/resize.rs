//! Making pictures smaller by averaging: each new pixel is the mean of the area it covers.
//!
//! The same definition as OpenCV's INTER_AREA, which the detector's published results were made with. Never enlarges.

use std::borrow::Cow;

use image::RgbImage;

/// Which source pixels one new pixel covers, and how much of it each makes up.
struct Span {
    start: usize,
    shares: Vec<f32>,
}

/// A rectangle of a photo, wholly inside it.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

/// `photo` with each side divided by `factor`, rounded to whole pixels. A factor of 1 or less changes nothing.
///
/// The factor is kept exactly and both ways alike: where the sides do not divide evenly, the last pixels cover less.
pub fn shrink(photo: &RgbImage, factor: f64) -> Cow<'_, RgbImage> {
    if factor.is_nan() || factor <= 1.0 {
        return Cow::Borrowed(photo);
    }
    Cow::Owned(shrink_part(photo, Part { left: 0, top: 0, width: photo.width(), height: photo.height() }, factor))
}

/// A part of `photo` by itself, with each side divided by `factor`, which is more than 1.
pub fn shrink_part(photo: &RgbImage, part: Part, factor: f64) -> RgbImage {
    let length = |from: u32| ((f64::from(from) / factor).round_ties_even() as u32).max(1);
    let (width, height) = (length(part.width), length(part.height));
    let columns = spans(part.width, width, factor);
    let rows = spans(part.height, height, factor);
    let (stride, left) = (photo.width() as usize * 3, part.left as usize * 3);
    let mut out = Vec::with_capacity(width as usize * height as usize * 3);
    let mut sums = vec![0_f32; part.width as usize * 3];
    for row in &rows {
        sums.fill(0.0);
        let lines = photo.as_raw().chunks_exact(stride).skip(part.top as usize + row.start);
        for (line, share) in lines.zip(&row.shares) {
            let line = line.get(left..).unwrap_or_default();
            sums.iter_mut().zip(line).for_each(|(sum, value)| *sum += share * f32::from(*value));
        }
        for column in &columns {
            let mut mean = [0_f32; 3];
            let covered = sums.chunks_exact(3).skip(column.start);
            for (pixel, share) in covered.zip(&column.shares) {
                mean.iter_mut().zip(pixel).for_each(|(mean, sum)| *mean += share * sum);
            }
            out.extend(mean.map(|value| value.round_ties_even().clamp(0.0, 255.0) as u8));
        }
    }
    // The length is that of the loops above.
    RgbImage::from_raw(width, height, out).unwrap_or_else(|| RgbImage::new(width, height))
}

/// One plane of samples made smaller to exactly `to`, each side by its own factor. Never enlarges.
///
/// A plane of the wrong length comes back shorter than asked for.
pub fn shrink_plane(plane: &[u8], from: (u32, u32), to: (u32, u32)) -> Vec<u8> {
    if to.0 >= from.0 && to.1 >= from.1 {
        return plane.to_vec();
    }
    let to = (to.0.clamp(1, from.0), to.1.clamp(1, from.1));
    let columns = spans(from.0, to.0, f64::from(from.0) / f64::from(to.0));
    let rows = spans(from.1, to.1, f64::from(from.1) / f64::from(to.1));
    let mut out = Vec::with_capacity(to.0 as usize * to.1 as usize);
    let mut sums = vec![0_f32; from.0 as usize];
    for row in &rows {
        sums.fill(0.0);
        for (line, share) in plane.chunks_exact(from.0 as usize).skip(row.start).zip(&row.shares) {
            sums.iter_mut().zip(line).for_each(|(sum, value)| *sum += share * f32::from(*value));
        }
        for column in &columns {
            let covered = sums.get(column.start..).unwrap_or_default();
            let mean: f32 = covered.iter().zip(&column.shares).map(|(sum, share)| sum * share).sum();
            out.push((mean + 0.5) as u8);
        }
    }
    out
}

fn spans(from: u32, to: u32, factor: f64) -> Vec<Span> {
    let span = |i: u32| {
        let begin = f64::from(i) * factor;
        let end = (begin + factor).min(f64::from(from));
        let first = begin.floor();
        let shares = (0..)
            .map(|k| first + f64::from(k))
            .take_while(|pixel| *pixel < end)
            .map(|pixel| ((pixel + 1.0).min(end) - pixel.max(begin)).max(0.0) / (end - begin))
            .map(|share| share as f32)
            .collect();
        Span { start: first as usize, shares }
    };
    (0..to).map(span).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn whole_and_broken_factors_average_what_they_cover() {
        let photo = RgbImage::from_fn(4, 2, |x, y| Rgb([(x * 10 + y * 100) as u8; 3]));
        assert_eq!(shrink(&photo, 2.0).as_raw(), &[55, 55, 55, 75, 75, 75]);
        let line = RgbImage::from_fn(3, 1, |x, _| Rgb([(x * 90) as u8; 3]));
        // (0 + 90 / 2) / 1.5 and (90 / 2 + 180) / 1.5
        assert_eq!(shrink(&line, 1.5).as_raw(), &[30, 30, 30, 150, 150, 150]);
    }

    #[test]
    fn a_part_shrinks_as_if_it_were_cut_out() {
        let photo = RgbImage::from_fn(40, 30, |x, y| Rgb([(x * 6) as u8, (y * 8) as u8, (x * y) as u8]));
        let part = Part { left: 7, top: 5, width: 21, height: 13 };
        let cut = image::imageops::crop_imm(&photo, 7, 5, 21, 13).to_image();
        for factor in [1.5, 2.0, 3.7] {
            assert_eq!(shrink_part(&photo, part, factor), *shrink(&cut, factor));
        }
    }

    #[test]
    fn a_plane_shrinks_each_side_by_its_own_factor() {
        let plane = [0, 100, 10, 110, 20, 120, 30, 130];
        assert_eq!(shrink_plane(&plane, (4, 2), (2, 2)), [50, 60, 70, 80]);
        assert_eq!(shrink_plane(&plane, (2, 4), (2, 2)), [5, 105, 25, 125]);
        assert_eq!(shrink_plane(&plane, (4, 2), (8, 9)), plane);
        assert_eq!(shrink_plane(&[7; 35], (7, 5), (3, 2)), [7; 6]);
    }

    #[test]
    fn never_enlarges_and_keeps_flat_pictures_flat() {
        let photo = RgbImage::from_pixel(37, 23, Rgb([7, 99, 255]));
        assert_eq!(*shrink(&photo, 0.5), photo);
        assert_eq!(*shrink(&photo, f64::NAN), photo);
        assert_eq!(shrink(&photo, 3.3).dimensions(), (11, 7));
        assert_eq!(shrink(&photo, 1e9).dimensions(), (1, 1));
        assert!(shrink(&photo, 3.3).pixels().all(|pixel| *pixel == Rgb([7, 99, 255])));
    }
}
