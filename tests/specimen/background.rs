//! What lies under a document: surfaces, and the things that lie about on them.
//!
//! Each split has families of its own. Lengths are in parts of the picture's longer side, so that a small picture shows
//! the same table as a large one.

use image::RgbImage;

use crate::canvas::{Canvas, Colour};
use crate::clutter;
use crate::dice::Dice;
use crate::noise::Noise;
use crate::stock::Stock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    // Training.
    Plain,
    Wood,
    Cloth,
    Stripes,
    Keyboard,
    Papers,
    Coins,
    Cards,
    // Tuning.
    Concrete,
    Gingham,
    Letters,
    // Test.
    Marble,
    Tiles,
    Terrazzo,
    Planks,
    Newspaper,
    Desk,
    Dots,
    Bricks,
}

pub fn draw(family: Family, stock: &Stock, dice: &mut Dice, (width, height): (u32, u32)) -> RgbImage {
    let mut canvas = Canvas::new(width, height, dice.colour(20, 235));
    let unit = canvas.width().max(canvas.height());
    match family {
        Family::Plain => plain(&mut canvas, dice),
        Family::Wood => wood(&mut canvas, dice),
        Family::Cloth => cloth(&mut canvas, dice),
        Family::Stripes => stripes(&mut canvas, dice),
        Family::Keyboard => clutter::keyboard(&mut canvas, stock, dice),
        Family::Papers => {
            wood(&mut canvas, dice);
            clutter::papers(&mut canvas, stock, dice, 5);
        }
        Family::Coins => {
            cloth(&mut canvas, dice);
            clutter::coins(&mut canvas, dice);
            clutter::papers(&mut canvas, stock, dice, 1);
        }
        Family::Cards => {
            plain(&mut canvas, dice);
            clutter::cards(&mut canvas, stock, dice, 5);
        }
        Family::Concrete => cloudy(&mut canvas, dice, 14.0, 45.0),
        Family::Gingham => gingham(&mut canvas, dice),
        Family::Letters => {
            cloudy(&mut canvas, dice, 5.0, 30.0);
            clutter::papers(&mut canvas, stock, dice, 4);
        }
        Family::Marble => marble(&mut canvas, dice),
        Family::Tiles => grid(&mut canvas, dice, 0.0),
        Family::Bricks => grid(&mut canvas, dice, 0.5),
        Family::Terrazzo => terrazzo(&mut canvas, dice),
        Family::Planks => planks(&mut canvas, dice),
        Family::Newspaper => clutter::newspaper(&mut canvas, stock, dice),
        Family::Desk => {
            marble(&mut canvas, dice);
            clutter::newspaper_sheet(&mut canvas, stock, dice);
            clutter::notes(&mut canvas, stock, dice);
            clutter::cards(&mut canvas, stock, dice, 2);
            clutter::pens(&mut canvas, dice);
        }
        Family::Dots => dots(&mut canvas, dice),
    }
    muted(&mut canvas, dice);
    grain(&mut canvas, dice, unit);
    canvas.pixels
}

/// Most tables are less colourful than chance is, and some are as pale as a document.
fn muted(canvas: &mut Canvas, dice: &mut Dice) {
    let colourful = if dice.chance(0.65) { dice.range(0.0, 0.4) as f32 } else { 1.0 };
    let pale = if dice.chance(0.2) { dice.range(0.4, 0.85) as f32 } else { 0.0 };
    canvas.paint(|_, _, own| {
        let grey = own[0] * 0.3 + own[1] * 0.59 + own[2] * 0.11;
        own.map(|value| {
            let muted = grey + (value - grey) * colourful;
            muted + (238.0 - muted) * pale
        })
    });
}

/// No surface is perfectly even.
fn grain(canvas: &mut Canvas, dice: &mut Dice, unit: f64) {
    let noise = Noise::new(dice);
    let depth = dice.range(2.0, 9.0) as f32;
    let often = unit / 2.5;
    let aspect = canvas.height() / canvas.width();
    canvas.paint(|u, v, own| {
        let by = (noise.at(u * often, v * aspect * often) - 0.5) * depth;
        own.map(|value| value + by)
    });
}

fn mix(a: Colour, b: Colour, share: f32) -> [f32; 3] {
    let mut out = a.map(f32::from);
    out.iter_mut().zip(b).for_each(|(out, b)| *out += (f32::from(b) - *out) * share);
    out
}

/// A colour and one near it.
fn pair(dice: &mut Dice, apart: f64) -> (Colour, Colour) {
    let first = dice.colour(25, 235);
    let by = dice.range(-apart, apart);
    (first, first.map(|value| (f64::from(value) + by).clamp(0.0, 255.0) as u8))
}

fn plain(canvas: &mut Canvas, dice: &mut Dice) {
    let (a, b) = pair(dice, 50.0);
    let (x, y) = (dice.range(-1.0, 1.0), dice.range(-1.0, 1.0));
    canvas.paint(|u, v, _| mix(a, b, (0.5 + (u - 0.5) * x + (v - 0.5) * y) as f32));
}

fn cloudy(canvas: &mut Canvas, dice: &mut Dice, often: f64, depth: f64) {
    let (a, b) = pair(dice, depth);
    let noise = Noise::new(dice);
    canvas.paint(|u, v, _| mix(a, b, noise.cloud(u * often, v * often, 4)));
}

fn wood(canvas: &mut Canvas, dice: &mut Dice) {
    let light: Colour = dice.pick(&[[196, 154, 108], [150, 100, 60], [110, 72, 45], [222, 190, 150], [90, 84, 80]]);
    let dark = light.map(|value| (f64::from(value) * dice.range(0.55, 0.8)) as u8);
    let noise = Noise::new(dice);
    let (rings, stretch) = (dice.range(6.0, 20.0), dice.range(6.0, 14.0));
    let turned = dice.chance(0.5);
    canvas.paint(|u, v, _| {
        let (u, v) = if turned { (v, u) } else { (u, v) };
        let bend = f64::from(noise.cloud(u * 2.0, v * stretch, 3));
        let ring = ((v + bend * 0.35) * rings * 6.0).sin() as f32 * 0.5 + 0.5;
        mix(light, dark, ring * 0.6 + noise.at(u * 12.0, v * 260.0) * 0.4)
    });
}

fn cloth(canvas: &mut Canvas, dice: &mut Dice) {
    let (a, b) = pair(dice, 60.0);
    let noise = Noise::new(dice);
    let threads = dice.range(60.0, 160.0) * std::f64::consts::TAU;
    let aspect = canvas.height() / canvas.width();
    canvas.paint(|u, v, _| {
        let weave = (u * threads).sin() * (v * aspect * threads).sin() * 0.25 + 0.5;
        let fold = noise.cloud(u * 3.0, v * 3.0, 2);
        mix(a, b, weave as f32 * 0.5 + fold * 0.8 - 0.15)
    });
}

fn stripes(canvas: &mut Canvas, dice: &mut Dice) {
    let (a, b) = (dice.colour(20, 240), dice.colour(20, 240));
    let (often, angle) = (dice.range(4.0, 40.0), dice.range(0.0, 3.1));
    let aspect = canvas.height() / canvas.width();
    let hard = dice.range(1.0, 12.0);
    canvas.paint(|u, v, _| {
        let along = u * angle.cos() + v * aspect * angle.sin();
        let wave = ((along * often * std::f64::consts::TAU).sin() * hard).clamp(-1.0, 1.0);
        mix(a, b, (wave * 0.5 + 0.5) as f32)
    });
}

fn gingham(canvas: &mut Canvas, dice: &mut Dice) {
    let (light, dark) = ([240, 240, 235], dice.colour(20, 180));
    let often = dice.range(8.0, 26.0);
    let aspect = canvas.height() / canvas.width();
    canvas.paint(|u, v, _| {
        let band = |t: f64| f32::from(u8::from((t * often).fract() < 0.5)) * 0.5;
        mix(light, dark, band(u) + band(v * aspect))
    });
}

fn marble(canvas: &mut Canvas, dice: &mut Dice) {
    let (a, _) = pair(dice, 0.0);
    let vein = a.map(|value| if value > 128 { value - 90 } else { value + 90 });
    let noise = Noise::new(dice);
    let (often, turn) = (dice.range(1.5, 4.0), dice.range(0.0, 3.0));
    canvas.paint(|u, v, _| {
        let cloud = noise.cloud(u * often * 2.0, v * often * 2.0, 5);
        let line = ((u * turn.cos() + v * turn.sin()) * often * 3.0 + f64::from(cloud) * 9.0).sin().abs();
        mix(a, vein, ((1.0 - line as f32).powi(6) * 0.9 + cloud * 0.25).min(1.0))
    });
}

/// Tiles, or bricks where each row is moved by a part of one.
fn grid(canvas: &mut Canvas, dice: &mut Dice, moved: f64) {
    let (a, b) = pair(dice, 40.0);
    let joint = dice.colour(60, 210);
    let noise = Noise::new(dice);
    let columns = dice.range(3.0, 9.0);
    let rows = columns * dice.range(0.8, 2.2) * canvas.height() / canvas.width();
    let wide = dice.range(0.03, 0.08);
    canvas.paint(|u, v, _| {
        let row = (v * rows).floor();
        let x = u * columns + row * moved;
        let (tile_x, tile_y) = (x.fract(), (v * rows).fract());
        let edge = tile_x.min(1.0 - tile_x).min(tile_y.min(1.0 - tile_y) * rows / columns.max(rows)) < wide * 0.5;
        let own = noise.at(x.floor() * 7.3, row * 3.1);
        if edge { joint.map(f32::from) } else { mix(a, b, own * 0.7 + noise.cloud(u * 30.0, v * 30.0, 2) * 0.3) }
    });
}

fn terrazzo(canvas: &mut Canvas, dice: &mut Dice) {
    canvas.paint(|_, _, own| own);
    let unit = canvas.width().max(canvas.height());
    for _ in 0..dice.below(260) + 180 {
        let centre = (dice.range(0.0, canvas.width()), dice.range(0.0, canvas.height()));
        let radii = (dice.range(0.004, 0.02) * unit, dice.range(0.004, 0.02) * unit);
        let colour = dice.colour(30, 240);
        canvas.ellipse(centre, radii, colour, 0.85);
    }
}

fn planks(canvas: &mut Canvas, dice: &mut Dice) {
    let light: Colour = dice.pick(&[[205, 178, 140], [128, 96, 70], [170, 165, 160], [70, 52, 42]]);
    let dark = light.map(|value| (f64::from(value) * 0.7) as u8);
    let noise = Noise::new(dice);
    let count = dice.range(3.0, 8.0);
    let turned = dice.chance(0.5);
    canvas.paint(|u, v, _| {
        let (u, v) = if turned { (v, u) } else { (u, v) };
        let plank = (v * count).floor();
        let within = (v * count).fract();
        let tone = noise.at(plank * 5.7, 1.5);
        let streak = noise.cloud(u * 4.0 + plank * 9.0, v * 90.0, 3);
        if within < 0.02 {
            dark.map(|value| f32::from(value) * 0.4)
        } else {
            mix(light, dark, tone * 0.5 + streak * 0.6)
        }
    });
}

fn dots(canvas: &mut Canvas, dice: &mut Dice) {
    let colour = dice.colour(20, 240);
    let unit = canvas.width().max(canvas.height());
    let pitch = dice.range(0.03, 0.09) * unit;
    let radius = pitch * dice.range(0.15, 0.4);
    for row in 0..(canvas.height() / pitch) as i64 + 2 {
        for column in 0..(canvas.width() / pitch) as i64 + 2 {
            let shift = if row % 2 == 0 { 0.0 } else { 0.5 };
            let centre = ((column as f64 + shift) * pitch, row as f64 * pitch);
            canvas.ellipse(centre, (radius, radius), colour, 0.9);
        }
    }
}
