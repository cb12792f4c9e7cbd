//! A decoded picture, and how it becomes a frame: made smaller, converted to RGB, turned upright.

use image::{RgbImage, imageops};

use super::colour::{Colour, ToRgb};
use super::{FRAME_SIDE_MAX, SIDE_MAX};
use crate::domain::evidence::ClipFault;
use crate::vision::resize;

/// As the codec gives it, at its own size; 8 bits a sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    pub planes: Planes,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Planes {
    Yuv {
        y: Vec<u8>,
        u: Vec<u8>,
        v: Vec<u8>,
        /// Width and height of `u` and `v`.
        chroma: (u32, u32),
    },
    Rgb(RgbImage),
}

impl Picture {
    pub fn rgb(pixels: RgbImage) -> Picture {
        Picture { width: pixels.width(), height: pixels.height(), planes: Planes::Rgb(pixels) }
    }

    /// From planes whose lengths are checked here, since a decoder made them of hostile input.
    pub fn yuv(size: (u32, u32), chroma: (u32, u32), [y, u, v]: [Vec<u8>; 3]) -> Result<Picture, ClipFault> {
        check_size(size)?;
        let (luma_area, chroma_area) = (area(size), area(chroma));
        if y.len() != luma_area || u.len() != chroma_area || v.len() != chroma_area || chroma_area == 0 {
            return Err(ClipFault::Damaged);
        }
        Ok(Picture { width: size.0, height: size.1, planes: Planes::Yuv { y, u, v, chroma } })
    }

    /// The frame for analysis, at most [`FRAME_SIDE_MAX`] a side.
    pub fn frame(&self, stated: Option<Colour>, rotation_degrees: u16) -> RgbImage {
        let small = match &self.planes {
            Planes::Rgb(pixels) => {
                let longest = pixels.width().max(pixels.height());
                resize::shrink(pixels, f64::from(longest) / f64::from(FRAME_SIDE_MAX)).into_owned()
            }
            Planes::Yuv { y, u, v, chroma } => {
                let colour = stated.unwrap_or_else(|| Colour::guess(self.width, self.height));
                convert((self.width, self.height), *chroma, [y, u, v], colour)
            }
        };
        match rotation_degrees {
            90 => imageops::rotate90(&small),
            180 => imageops::rotate180(&small),
            270 => imageops::rotate270(&small),
            _ => small,
        }
    }
}

/// Before anything is decoded: a picture of a size that phones record.
pub fn check_size((width, height): (u32, u32)) -> Result<(), ClipFault> {
    if width == 0 || height == 0 {
        return Err(ClipFault::Damaged);
    }
    if width > SIDE_MAX || height > SIDE_MAX {
        return Err(ClipFault::TooManyPixels { width, height });
    }
    Ok(())
}

fn area((width, height): (u32, u32)) -> usize {
    width as usize * height as usize
}

/// Planes are made smaller before they are converted: chroma has a quarter of the samples, and often no need of it.
fn convert(size: (u32, u32), chroma: (u32, u32), [y, u, v]: [&[u8]; 3], colour: Colour) -> RgbImage {
    let longest = size.0.max(size.1);
    let scale = (f64::from(FRAME_SIDE_MAX) / f64::from(longest)).min(1.0);
    let scaled = |side: u32| ((f64::from(side) * scale).round() as u32).clamp(1, FRAME_SIDE_MAX);
    let (width, height) = (scaled(size.0), scaled(size.1));
    let small_chroma = (chroma.0.min(width), chroma.1.min(height));
    let y = resize::shrink_plane(y, size, (width, height));
    let u = resize::shrink_plane(u, chroma, small_chroma);
    let v = resize::shrink_plane(v, chroma, small_chroma);

    let to_rgb = ToRgb::new(colour);
    // The chroma sample that covers each pixel.
    let columns: Vec<usize> = (0..width).map(|x| (x * small_chroma.0 / width) as usize).collect();
    let stride = small_chroma.0 as usize;
    let (mut wide_u, mut wide_v) = (vec![128; columns.len()], vec![128; columns.len()]);
    let mut out = vec![0; area((width, height)) * 3];
    let lines = y.chunks_exact(columns.len()).zip(out.chunks_exact_mut(columns.len() * 3));
    for (row, (line, to)) in lines.enumerate() {
        let start = row * small_chroma.1 as usize / height as usize * stride;
        widen(u.get(start..start + stride), &columns, &mut wide_u);
        widen(v.get(start..start + stride), &columns, &mut wide_v);
        let (to, _) = to.as_chunks_mut::<3>();
        for (((to, luma), u), v) in to.iter_mut().zip(line).zip(&wide_u).zip(&wide_v) {
            *to = to_rgb.pixel(*luma, *u, *v);
        }
    }
    // The lengths are those of the loops above.
    RgbImage::from_raw(width, height, out).unwrap_or_else(|| RgbImage::new(width, height))
}

/// A row of chroma with a sample for every pixel.
fn widen(row: Option<&[u8]>, columns: &[usize], wide: &mut [u8]) {
    let row = row.unwrap_or_default();
    wide.iter_mut().zip(columns).for_each(|(to, column)| *to = row.get(*column).copied().unwrap_or(128));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vision::clip::colour::Matrix;
    use image::Rgb;

    const FULL: Colour = Colour { matrix: Matrix::Bt601, full_range: true };

    fn grey(width: u32, height: u32, at: impl Fn(u32, u32) -> u8) -> Picture {
        let chroma = (width.div_ceil(2), height.div_ceil(2));
        let y =
            (0..height).flat_map(|row| (0..width).map(move |column| (column, row))).map(|(x, y)| at(x, y)).collect();
        let flat = vec![128; (chroma.0 * chroma.1) as usize];
        Picture::yuv((width, height), chroma, [y, flat.clone(), flat]).unwrap()
    }

    #[test]
    fn the_turn_is_clockwise() {
        // White in the upper left corner alone.
        let picture = grey(6, 4, |x, y| if x < 2 && y < 2 { 255 } else { 0 });
        let corners = |turn| {
            let frame = picture.frame(Some(FULL), turn);
            let (right, bottom) = (frame.width() - 1, frame.height() - 1);
            [(0, 0), (right, 0), (right, bottom), (0, bottom)].map(|(x, y)| frame.get_pixel(x, y).0[0])
        };
        assert_eq!(corners(0), [255, 0, 0, 0]);
        assert_eq!(corners(90), [0, 255, 0, 0]);
        assert_eq!(corners(180), [0, 0, 255, 0]);
        assert_eq!(corners(270), [0, 0, 0, 255]);
        assert_eq!(picture.frame(Some(FULL), 90).dimensions(), (4, 6));
    }

    #[test]
    fn a_large_picture_is_made_smaller_with_its_shape_kept() {
        let picture = grey(1280, 720, |x, _| if x < 640 { 40 } else { 200 });
        let frame = picture.frame(Some(FULL), 0);
        assert_eq!(frame.dimensions(), (640, 360));
        assert_eq!(frame.get_pixel(100, 100), &Rgb([40; 3]));
        assert_eq!(frame.get_pixel(600, 300), &Rgb([200; 3]));
        assert_eq!(grey(1080, 1920, |_, _| 9).frame(None, 0).dimensions(), (360, 640));
        assert_eq!(grey(1920, 1, |_, _| 9).frame(None, 0).dimensions(), (640, 1));
    }

    #[test]
    fn chroma_lies_on_the_pixels_it_belongs_to() {
        // Left half red, right half blue, as 4:2:0.
        let u = [85, 85, 255, 255].repeat(2);
        let v = [255, 255, 107, 107].repeat(2);
        let y = [76, 76, 76, 76, 29, 29, 29, 29].repeat(4);
        let frame = Picture::yuv((8, 4), (4, 2), [y, u, v]).unwrap().frame(Some(FULL), 0);
        for x in 0..8 {
            let [r, _, b] = frame.get_pixel(x, 3).0;
            assert_eq!((r > 250, b > 250), (x < 4, x >= 4), "{x}: {:?}", frame.get_pixel(x, 3));
        }
    }

    #[test]
    fn planes_of_the_wrong_length_are_refused() {
        let planes = || [vec![0; 16], vec![0; 4], vec![0; 4]];
        assert!(Picture::yuv((4, 4), (2, 2), planes()).is_ok());
        assert_eq!(Picture::yuv((5, 4), (2, 2), planes()), Err(ClipFault::Damaged));
        assert_eq!(Picture::yuv((4, 4), (0, 0), planes()), Err(ClipFault::Damaged));
        let huge = ClipFault::TooManyPixels { width: 1921, height: 4 };
        assert_eq!(Picture::yuv((1921, 4), (2, 2), planes()), Err(huge));
    }
}
