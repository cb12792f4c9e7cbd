//! The receiver operating characteristic as a picture: true matches over false ones, the latter on a logarithmic axis.

use ::image::{ImageResult, Rgb, RgbImage};
use font8x8::UnicodeFonts;

use super::measure::Curve;

const WIDTH: u32 = 1000;
const HEIGHT: u32 = 700;
/// Room for labels: left, right, top, bottom.
const MARGIN: (u32, u32, u32, u32) = (110, 40, 60, 90);
const BLACK: Rgb<u8> = Rgb([20, 20, 20]);
const GRID: Rgb<u8> = Rgb([215, 215, 215]);
const LINE: Rgb<u8> = Rgb([0, 90, 170]);

/// Writes the picture as PNG.
pub fn write(curve: &Curve, title: &str, path: &std::path::Path) -> ImageResult<()> {
    draw(&curve.points(), title).save_with_format(path, ::image::ImageFormat::Png)
}

/// What part of the rates is shown.
struct Axes {
    /// Powers of ten of the false match rate, from this one to 0.
    decades: i32,
    /// Lowest true match rate.
    low: f64,
}

impl Axes {
    fn x(&self, rate: f64) -> i64 {
        let span = f64::from(WIDTH - MARGIN.0 - MARGIN.1);
        let share = 1.0 + rate.max(1e-300).log10() / f64::from(self.decades);
        i64::from(MARGIN.0) + (share * span).round() as i64
    }

    fn y(&self, rate: f64) -> i64 {
        let span = f64::from(HEIGHT - MARGIN.2 - MARGIN.3);
        i64::from(HEIGHT - MARGIN.3) - ((rate - self.low) / (1.0 - self.low) * span).round() as i64
    }
}

fn draw(points: &[(f64, f64)], title: &str) -> RgbImage {
    let mut picture = RgbImage::from_pixel(WIDTH, HEIGHT, Rgb([255; 3]));
    let axes = scale(points);
    grid(&mut picture, &axes);
    let visible = |point: &&(f64, f64)| point.0 > 0.0 && axes.x(point.0) >= i64::from(MARGIN.0);
    let mut last = None;
    for (false_match, true_match) in points.iter().filter(visible) {
        let here = (axes.x(*false_match), axes.y(true_match.max(axes.low)));
        let from = last.unwrap_or(here);
        // A step: the true match rate holds until the next impostor pair passes.
        stroke(&mut picture, from, (here.0, from.1));
        stroke(&mut picture, (here.0, from.1), here);
        last = Some(here);
    }
    text(&mut picture, title, (i64::from(MARGIN.0), 20), 2);
    text(&mut picture, "false match rate", (WIDTH as i64 / 2 - 80, HEIGHT as i64 - 35), 2);
    text(&mut picture, "true match rate", (10, 38), 1);
    picture
}

/// Shows the rates that were measured, and of the true matches the part where the curve lies.
fn scale(points: &[(f64, f64)]) -> Axes {
    let smallest = points.iter().map(|point| point.0).find(|rate| *rate > 0.0).unwrap_or(1e-3);
    let decades = (-smallest.log10()).ceil().clamp(1.0, 9.0) as i32;
    let lowest = points.iter().filter(|point| point.0 > 0.0).map(|point| point.1).fold(1.0, f64::min);
    // Twentieths, and never so narrow that noise looks like a slope.
    let low = ((lowest * 20.0).floor() / 20.0).clamp(0.0, 0.9);
    Axes { decades, low }
}

fn grid(picture: &mut RgbImage, axes: &Axes) {
    let (left, right) = (i64::from(MARGIN.0), i64::from(WIDTH - MARGIN.1));
    let (top, bottom) = (i64::from(MARGIN.2), i64::from(HEIGHT - MARGIN.3));
    for decade in 0..=axes.decades {
        let x = axes.x(10_f64.powi(-decade));
        line(picture, (x, top), (x, bottom), GRID);
        let label = if decade == 0 { "1".to_owned() } else { format!("1e-{decade}") };
        text(picture, &label, (x - 8 * label.len() as i64, bottom + 12), 2);
    }
    for step in 0..=10 {
        let rate = axes.low + (1.0 - axes.low) * f64::from(step) / 10.0;
        let y = axes.y(rate);
        line(picture, (left, y), (right, y), GRID);
        text(picture, &format!("{rate:.3}"), (left - 90, y - 8), 2);
    }
    line(picture, (left, top), (left, bottom), BLACK);
    line(picture, (left, bottom), (right, bottom), BLACK);
}

/// Two pixels thick.
fn stroke(picture: &mut RgbImage, from: (i64, i64), to: (i64, i64)) {
    line(picture, from, to, LINE);
    line(picture, (from.0 + 1, from.1 + 1), (to.0 + 1, to.1 + 1), LINE);
}

/// Horizontal or vertical.
fn line(picture: &mut RgbImage, from: (i64, i64), to: (i64, i64), colour: Rgb<u8>) {
    for x in from.0.min(to.0)..=from.0.max(to.0) {
        for y in from.1.min(to.1)..=from.1.max(to.1) {
            dot(picture, x, y, colour);
        }
    }
}

fn text(picture: &mut RgbImage, text: &str, at: (i64, i64), size: i64) {
    for (place, letter) in text.chars().enumerate() {
        let rows = font8x8::BASIC_FONTS.get(letter).unwrap_or_default();
        for (row, bits) in rows.into_iter().enumerate() {
            for column in (0..8).filter(|column| bits & (1 << column) != 0) {
                let x = at.0 + (place as i64 * 8 + column) * size;
                let y = at.1 + row as i64 * size;
                (0..size).for_each(|dx| (0..size).for_each(|dy| dot(picture, x + dx, y + dy, BLACK)));
            }
        }
    }
}

fn dot(picture: &mut RgbImage, x: i64, y: i64, colour: Rgb<u8>) {
    let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return };
    if let Some(pixel) = picture.get_pixel_mut_checked(x, y) {
        *pixel = colour;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_drawn_inside_its_axes_whatever_the_rates() {
        for points in [vec![(0.0, 0.4), (1e-6, 0.5), (1e-3, 0.99), (1.0, 1.0)], vec![(1.0, 1.0)], Vec::new()] {
            let picture = draw(&points, "title");
            assert_eq!(picture.dimensions(), (WIDTH, HEIGHT));
            let drawn = |pixel: &(u32, u32, &Rgb<u8>)| *pixel.2 == LINE;
            let beyond = |x: u32, y: u32| x < MARGIN.0 || y < MARGIN.2 || x > WIDTH - MARGIN.1 + 1;
            assert!(!picture.enumerate_pixels().filter(drawn).any(|(x, y, _)| beyond(x, y)));
        }
    }
}
