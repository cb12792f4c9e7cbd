//! Things that lie about on a table, none of them an identity document.

use image::RgbImage;

use crate::canvas::{Canvas, Colour};
use crate::dice::Dice;
use crate::geometry::{Homography, Quad};
use crate::stock::Stock;

const WORDS: [&str; 30] = [
    "factura",
    "total",
    "cliente",
    "servicio",
    "entrega",
    "fecha",
    "señor",
    "pago",
    "cantidad",
    "precio",
    "número",
    "dirección",
    "contrato",
    "cuenta",
    "banco",
    "compra",
    "empresa",
    "reunión",
    "informe",
    "proyecto",
    "semana",
    "the",
    "order",
    "item",
    "please",
    "of",
    "and",
    "delivery",
    "price",
    "notice",
];

/// So many words.
pub fn words(dice: &mut Dice, count: u64) -> String {
    (0..count).map(|_| dice.pick(&WORDS)).collect::<Vec<_>>().join(" ")
}

/// A sheet with lines of print.
pub fn sheet(stock: &Stock, dice: &mut Dice, (width, height): (u32, u32)) -> RgbImage {
    let shade = 205 + dice.below(50) as u8;
    let mut canvas = Canvas::new(width, height, [shade, shade, shade.saturating_sub(dice.below(14) as u8)]);
    let font = dice.choose(&stock.other);
    let high = canvas.height() * dice.range(0.009, 0.02);
    let margin = 0.08 * canvas.width();
    let ink: Colour = [(); 3].map(|()| dice.below(70) as u8);
    let mut y = margin;
    if dice.chance(0.6) {
        let title = words(dice, 3).to_uppercase();
        canvas.text(font, high * 2.0, (margin, y), ink, &title);
        y += high * 5.0;
    }
    while y < canvas.height() - margin {
        if dice.chance(0.85) {
            let count = (canvas.width() / (high * 9.0)) as u64;
            let line = words(dice, count.clamp(1, 14));
            let end = [margin / canvas.width(), 0.0, 0.95, 1.0];
            canvas.fit(font, high, [end[0], y / canvas.height(), end[2], 1.0], ink, &line);
        }
        y += high * 2.3;
    }
    canvas.pixels
}

pub fn papers(canvas: &mut Canvas, stock: &Stock, dice: &mut Dice, count: u64) {
    let unit = canvas.width().max(canvas.height());
    for _ in 0..1 + dice.below(count) {
        let size = dice.range(0.25, 0.8) * unit;
        let page = sheet(stock, dice, (((size * 0.75) as u32).clamp(40, 900), (size as u32).clamp(50, 1200)));
        lay(canvas, dice, &page);
    }
}

/// Somewhere on the picture, turned anyhow, with a thin shadow.
pub fn lay(canvas: &mut Canvas, dice: &mut Dice, thing: &RgbImage) {
    let centre = (dice.range(-0.05, 1.05) * canvas.width(), dice.range(-0.05, 1.05) * canvas.height());
    let angle = dice.range(0.0, std::f64::consts::TAU);
    let (half_w, half_h) = (f64::from(thing.width()) / 2.0, f64::from(thing.height()) / 2.0);
    let corner =
        |x: f64, y: f64| (centre.0 + x * angle.cos() - y * angle.sin(), centre.1 + x * angle.sin() + y * angle.cos());
    let quad =
        Quad([corner(-half_w, -half_h), corner(half_w, -half_h), corner(half_w, half_h), corner(-half_w, half_h)]);
    let drop = canvas.width().max(canvas.height()) * 0.004;
    over(canvas, &quad.moved(drop, drop), |_, _| Some(([20, 20, 20], 0.3)));
    let Some(map) = Homography::from_to(&quad, &Quad::rectangle(half_w * 2.0, half_h * 2.0)) else { return };
    over(canvas, &quad, |x, y| {
        let (u, v) = map.apply(x, y);
        let (column, row) = (u.max(0.0) as u32, v.max(0.0) as u32);
        thing.get_pixel_checked(column, row).map(|pixel| (pixel.0, 1.0))
    });
}

/// Blends what `colour` gives for each pixel of a quadrilateral.
fn over(canvas: &mut Canvas, quad: &Quad, colour: impl Fn(f64, f64) -> Option<(Colour, f32)>) {
    let [left, top, right, bottom] = quad.bounds();
    for y in top.max(0.0) as i64..bottom.ceil().min(canvas.height()) as i64 {
        for x in left.max(0.0) as i64..right.ceil().min(canvas.width()) as i64 {
            let (px, py) = (x as f64 + 0.5, y as f64 + 0.5);
            let covered = (quad.depth(px, py) + 0.5).clamp(0.0, 1.0) as f32;
            if covered > 0.0
                && let Some((colour, share)) = colour(px, py)
            {
                canvas.blend(x, y, colour, share * covered);
            }
        }
    }
}

pub fn coins(canvas: &mut Canvas, dice: &mut Dice) {
    let unit = canvas.width().max(canvas.height());
    for _ in 0..4 + dice.below(14) {
        let centre = (dice.range(0.0, canvas.width()), dice.range(0.0, canvas.height()));
        let radius = dice.range(0.025, 0.05) * unit;
        let metal: Colour = dice.pick(&[[190, 190, 185], [200, 170, 90], [150, 95, 60]]);
        canvas.ellipse((centre.0 + radius * 0.1, centre.1 + radius * 0.1), (radius, radius), [15, 15, 15], 0.4);
        canvas.ellipse(centre, (radius, radius), metal, 1.0);
        canvas.ellipse(centre, (radius * 0.85, radius * 0.85), metal.map(|value| value - 30), 0.7);
        canvas.ellipse((centre.0, centre.1 - radius * 0.1), (radius * 0.4, radius * 0.5), metal, 0.8);
    }
}

/// Cards of shops and banks: one colour, a few words, perhaps a chip.
pub fn card(stock: &Stock, dice: &mut Dice, width: u32) -> RgbImage {
    let height = (f64::from(width) / 1.586) as u32;
    let (a, b) = (dice.colour(10, 245), dice.colour(10, 245));
    let mut canvas = Canvas::new(width, height, a);
    let bend = dice.range(0.0, 1.0);
    canvas.paint(|u, v, own| {
        let share = ((u * bend + v * (1.0 - bend)) * 0.6) as f32;
        [0, 1, 2].map(|i| own[i] + (f32::from(b[i]) - own[i]) * share)
    });
    let bright = a.iter().map(|value| u32::from(*value)).sum::<u32>() < 380;
    let ink = if bright { [240, 240, 240] } else { [20, 20, 30] };
    let font = dice.choose(&stock.other);
    let high = canvas.height();
    let title = words(dice, 2).to_uppercase();
    canvas.fit(font, high * 0.09, [0.07, 0.08, 0.9, 0.2], ink, &title);
    if dice.chance(0.6) {
        let chip = canvas.area([0.08, 0.36, 0.20, 0.54]);
        canvas.rectangle(chip, [212, 180, 90], 1.0);
        let number: Vec<String> = (0..4).map(|_| dice.digits(4)).collect();
        canvas.fit(font, high * 0.08, [0.08, 0.62, 0.92, 0.72], ink, &number.join(" "));
    }
    let owner = words(dice, 2).to_uppercase();
    canvas.fit(font, high * 0.055, [0.08, 0.80, 0.7, 0.88], ink, &owner);
    if dice.chance(0.4) {
        canvas.ellipse((f64::from(width) * 0.82, high * 0.8), (high * 0.1, high * 0.1), dice.colour(60, 250), 0.8);
        canvas.ellipse((f64::from(width) * 0.89, high * 0.8), (high * 0.1, high * 0.1), dice.colour(60, 250), 0.7);
    }
    canvas.pixels
}

pub fn cards(canvas: &mut Canvas, stock: &Stock, dice: &mut Dice, count: u64) {
    let unit = canvas.width().max(canvas.height());
    for _ in 0..1 + dice.below(count) {
        let width = (dice.range(0.3, 0.5) * unit) as u32;
        let thing = card(stock, dice, width.max(30));
        lay(canvas, dice, &thing);
    }
}

/// Keys in rows, over the whole picture.
pub fn keyboard(canvas: &mut Canvas, stock: &Stock, dice: &mut Dice) {
    let light = dice.chance(0.4);
    let (board, key): (Colour, Colour) =
        if light { ([190, 192, 196], [235, 236, 238]) } else { ([35, 36, 40], [62, 63, 68]) };
    canvas.paint(|_, _, _| board.map(f32::from));
    let unit = canvas.width().max(canvas.height());
    let pitch = dice.range(0.06, 0.11) * unit;
    let font = dice.choose(&stock.other);
    let ink: Colour = if light { [40, 40, 44] } else { [220, 220, 222] };
    for row in 0..(canvas.height() / pitch) as i64 + 1 {
        for column in -1..(canvas.width() / pitch) as i64 + 1 {
            let left = column as f64 * pitch + (row % 3) as f64 * pitch * 0.3;
            let top = row as f64 * pitch;
            canvas.rectangle([left, top, left + pitch * 0.86, top + pitch * 0.86], key, 1.0);
            let letter = dice.letters(1);
            canvas.text(font, pitch * 0.22, (left + pitch * 0.15, top + pitch * 0.15), ink, &letter);
        }
    }
}

/// Columns of print over the whole picture, with headlines and grey pictures.
pub fn newspaper(canvas: &mut Canvas, stock: &Stock, dice: &mut Dice) {
    let page = newspaper_page(stock, dice, canvas.pixels.dimensions());
    canvas.pixels = page;
}

/// One such page lying about.
pub fn newspaper_sheet(canvas: &mut Canvas, stock: &Stock, dice: &mut Dice) {
    let unit = canvas.width().max(canvas.height());
    let size = ((unit * 0.5) as u32, (unit * 0.65) as u32);
    let page = newspaper_page(stock, dice, size);
    lay(canvas, dice, &page);
}

fn newspaper_page(stock: &Stock, dice: &mut Dice, (width, height): (u32, u32)) -> RgbImage {
    let mut canvas = Canvas::new(width, height, [222, 218, 205]);
    let font = dice.choose(&stock.other);
    let columns = 3 + dice.below(3);
    let unit = canvas.width().max(canvas.height());
    let high = unit * dice.range(0.006, 0.011);
    for column in 0..columns {
        let left = (column as f64 + 0.06) / columns as f64;
        let right = (column as f64 + 0.94) / columns as f64;
        let mut y = unit * 0.02 * dice.unit();
        while y < canvas.height() {
            let part = [left, y / canvas.height(), right, 1.0];
            let roll = dice.unit();
            if roll < 0.03 {
                let end = y + high * dice.range(6.0, 16.0);
                let grey = 60 + dice.below(140) as u8;
                canvas.rectangle([left * canvas.width(), y, right * canvas.width(), end], [grey; 3], 0.9);
                y = end + high;
            } else if roll < 0.08 {
                let line = words(dice, 2).to_uppercase();
                canvas.fit(font, high * 2.2, part, [25, 25, 25], &line);
                y += high * 4.0;
            } else {
                let line = words(dice, 5);
                canvas.fit(font, high, part, [50, 50, 50], &line);
                y += high * 1.9;
            }
        }
    }
    canvas.pixels
}

/// Small square papers of one bright colour with a few written words.
pub fn notes(canvas: &mut Canvas, stock: &Stock, dice: &mut Dice) {
    let unit = canvas.width().max(canvas.height());
    for _ in 0..1 + dice.below(4) {
        let side = (dice.range(0.12, 0.25) * unit) as u32;
        let colour: Colour = dice.pick(&[[250, 235, 120], [250, 170, 190], [160, 220, 250], [180, 240, 170]]);
        let mut note = Canvas::new(side, side, colour);
        let font = dice.choose(&stock.other);
        for line in 0..3 {
            let text = words(dice, 2);
            let top = 0.15 + 0.22 * f64::from(line);
            note.fit(font, f64::from(side) * 0.07, [0.1, top, 0.9, 1.0], [40, 40, 90], &text);
        }
        lay(canvas, dice, &note.pixels);
    }
}

pub fn pens(canvas: &mut Canvas, dice: &mut Dice) {
    let unit = canvas.width().max(canvas.height());
    for _ in 0..1 + dice.below(3) {
        let from = (dice.range(0.0, canvas.width()), dice.range(0.0, canvas.height()));
        let (angle, length) = (dice.range(0.0, std::f64::consts::TAU), dice.range(0.25, 0.45) * unit);
        let to = (from.0 + angle.cos() * length, from.1 + angle.sin() * length);
        let thick = dice.range(0.010, 0.018) * unit;
        let colour = dice.colour(10, 220);
        canvas.line((from.0 + 4.0, from.1 + 5.0), (to.0 + 4.0, to.1 + 5.0), thick, [20, 20, 20], 0.35);
        canvas.line(from, to, thick, colour, 1.0);
        canvas.line(from, to, thick * 0.25, [240, 240, 240], 0.5);
    }
}
