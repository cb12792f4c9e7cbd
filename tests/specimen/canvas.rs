//! Drawing on a picture: areas, lines, text, pictures.

use ab_glyph::{Font as _, FontVec, PxScale, ScaleFont as _, point};
use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

pub type Colour = [u8; 3];

/// Left, top, right, bottom in parts of the picture.
pub type Part = [f64; 4];

pub struct Canvas {
    pub pixels: RgbImage,
}

impl Canvas {
    pub fn new(width: u32, height: u32, colour: Colour) -> Canvas {
        Canvas { pixels: RgbImage::from_pixel(width.max(1), height.max(1), Rgb(colour)) }
    }

    pub fn width(&self) -> f64 {
        f64::from(self.pixels.width())
    }

    pub fn height(&self) -> f64 {
        f64::from(self.pixels.height())
    }

    /// Mixes a colour into one pixel; outside the picture nothing happens.
    pub fn blend(&mut self, x: i64, y: i64, colour: Colour, share: f32) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return };
        let Some(pixel) = self.pixels.get_pixel_mut_checked(x, y) else { return };
        for (to, from) in pixel.0.iter_mut().zip(colour) {
            let mixed = f32::from(*to) + (f32::from(from) - f32::from(*to)) * share.clamp(0.0, 1.0);
            *to = (mixed + 0.5) as u8;
        }
    }

    /// Every pixel anew, from where it is (in parts of the picture) and what it was.
    pub fn paint(&mut self, by: impl Fn(f64, f64, [f32; 3]) -> [f32; 3]) {
        let (width, height) = (self.width(), self.height());
        for (x, y, pixel) in self.pixels.enumerate_pixels_mut() {
            let (u, v) = ((f64::from(x) + 0.5) / width, (f64::from(y) + 0.5) / height);
            pixel.0 = by(u, v, pixel.0.map(f32::from)).map(|value| (value + 0.5).clamp(0.0, 255.0) as u8);
        }
    }

    pub fn rectangle(&mut self, [left, top, right, bottom]: [f64; 4], colour: Colour, share: f32) {
        for y in top.round() as i64..bottom.round() as i64 {
            for x in left.round() as i64..right.round() as i64 {
                self.blend(x, y, colour, share);
            }
        }
    }

    /// With rounded ends.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), thickness: f64, colour: Colour, share: f32) {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let square = (dx * dx + dy * dy).max(1e-9);
        let reach = thickness / 2.0 + 1.0;
        let (top, bottom) = (from.1.min(to.1) - reach, from.1.max(to.1) + reach);
        let (left, right) = (from.0.min(to.0) - reach, from.0.max(to.0) + reach);
        for y in top.floor().max(0.0) as i64..=bottom.ceil().min(self.height()) as i64 {
            for x in left.floor().max(0.0) as i64..=right.ceil().min(self.width()) as i64 {
                let (px, py) = (x as f64 + 0.5 - from.0, y as f64 + 0.5 - from.1);
                let along = ((px * dx + py * dy) / square).clamp(0.0, 1.0);
                let apart = (px - along * dx).hypot(py - along * dy);
                let covered = (thickness / 2.0 - apart + 0.5).clamp(0.0, 1.0) as f32;
                if covered > 0.0 {
                    self.blend(x, y, colour, covered * share);
                }
            }
        }
    }

    pub fn path(&mut self, points: &[(f64, f64)], thickness: f64, colour: Colour, share: f32) {
        for pair in points.windows(2) {
            self.line(pair[0], pair[1], thickness, colour, share);
        }
    }

    pub fn ellipse(&mut self, centre: (f64, f64), radii: (f64, f64), colour: Colour, share: f32) {
        for y in (centre.1 - radii.1 - 1.0).floor() as i64..=(centre.1 + radii.1 + 1.0).ceil() as i64 {
            for x in (centre.0 - radii.0 - 1.0).floor() as i64..=(centre.0 + radii.0 + 1.0).ceil() as i64 {
                let (dx, dy) = ((x as f64 + 0.5 - centre.0) / radii.0, (y as f64 + 0.5 - centre.1) / radii.1);
                let inside = (1.0 - dx.hypot(dy)) * radii.0.min(radii.1) + 0.5;
                self.blend(x, y, colour, inside.clamp(0.0, 1.0) as f32 * share);
            }
        }
    }

    /// One line of text with its left end and its capitals' top at `(x, y)`; gives its width.
    pub fn text(&mut self, font: &FontVec, capitals: f64, (x, y): (f64, f64), colour: Colour, text: &str) -> f64 {
        let scale = scale_for(font, capitals);
        let scaled = font.as_scaled(scale);
        let baseline = (y + capitals) as f32;
        let mut pen = x as f32;
        let mut last = None;
        for character in text.chars() {
            let id = scaled.glyph_id(character);
            pen += last.map_or(0.0, |last| scaled.kern(last, id));
            let glyph = id.with_scale_and_position(scale, point(pen, baseline));
            if let Some(outline) = font.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                let (left, top) = (bounds.min.x as i64, bounds.min.y as i64);
                outline.draw(|dx, dy, covered| self.blend(left + i64::from(dx), top + i64::from(dy), colour, covered));
            }
            pen += scaled.h_advance(id);
            last = Some(id);
        }
        f64::from(pen) - x
    }

    /// Text in a part of the picture, as large as `capitals` (pixels) allows, smaller if the part is too narrow.
    pub fn fit(&mut self, font: &FontVec, capitals: f64, part: Part, colour: Colour, text: &str) {
        let (left, top) = (part[0] * self.width(), part[1] * self.height());
        let wide = (part[2] - part[0]) * self.width();
        let natural = text_width(font, capitals, text);
        let shrunk = if natural > wide { capitals * wide / natural } else { capitals };
        self.text(font, shrunk, (left, top + (capitals - shrunk) / 2.0), colour, text);
    }

    /// Characters at a fixed pitch, each in the middle of its place.
    pub fn pitched(&mut self, font: &FontVec, capitals: f64, at: (f64, f64), pitch: f64, colour: Colour, text: &str) {
        for (index, character) in text.chars().enumerate() {
            let own = text_width(font, capitals, &character.to_string());
            let x = at.0 + (index as f64 + 0.5) * pitch - own / 2.0;
            self.text(font, capitals, (x, at.1), colour, &character.to_string());
        }
    }

    /// A picture scaled into a rectangle in pixels, wholly or partly mixed in.
    pub fn picture(&mut self, picture: &RgbImage, [left, top, right, bottom]: [f64; 4], share: f32) {
        let (wide, high) = ((right - left).round().max(1.0) as u32, (bottom - top).round().max(1.0) as u32);
        let scaled = imageops::resize(picture, wide, high, FilterType::Triangle);
        for (x, y, pixel) in scaled.enumerate_pixels() {
            self.blend(left.round() as i64 + i64::from(x), top.round() as i64 + i64::from(y), pixel.0, share);
        }
    }

    /// Dark where `dark` says so, over a rectangle in pixels, cut into columns and rows.
    pub fn modules(&mut self, area: [f64; 4], (columns, rows): (usize, usize), dark: impl Fn(usize, usize) -> bool) {
        let cell = |value: usize, count: usize, from: f64, to: f64| from + (to - from) * value as f64 / count as f64;
        for row in 0..rows {
            for column in (0..columns).filter(|column| dark(*column, row)) {
                let x = [column, column + 1].map(|value| cell(value, columns, area[0], area[2]));
                let y = [row, row + 1].map(|value| cell(value, rows, area[1], area[3]));
                self.rectangle([x[0], y[0], x[1], y[1]], [12, 12, 14], 1.0);
            }
        }
    }

    /// The pixels of a part, from parts of the picture.
    pub fn area(&self, part: Part) -> [f64; 4] {
        [part[0] * self.width(), part[1] * self.height(), part[2] * self.width(), part[3] * self.height()]
    }
}

/// How wide a line of text is.
pub fn text_width(font: &FontVec, capitals: f64, text: &str) -> f64 {
    let scaled = font.as_scaled(scale_for(font, capitals));
    let ids: Vec<_> = text.chars().map(|character| scaled.glyph_id(character)).collect();
    let kerned: f32 = ids.windows(2).map(|pair| scaled.kern(pair[0], pair[1])).sum();
    f64::from(kerned + ids.iter().map(|id| scaled.h_advance(*id)).sum::<f32>())
}

/// The scale at which a capital H is so many pixels high.
fn scale_for(font: &FontVec, capitals: f64) -> PxScale {
    let unit = PxScale::from(100.0);
    let glyph = font.glyph_id('H').with_scale(unit);
    let high = font.outline_glyph(glyph).map_or(70.0, |outline| outline.px_bounds().height());
    PxScale::from(100.0 * capitals as f32 / high.max(1.0))
}
