//! What people photograph that is no cédula and no passport.

use crate::canvas::{Canvas, Colour};
use crate::clutter;
use crate::dice::Dice;
use crate::flat::{Flat, Known, guilloche};
use crate::people::Person;
use crate::stock::Stock;

type Draw = fn(&Stock, &mut Dice) -> Canvas;

const KINDS: [(&str, Draw); 9] = [
    ("receipt", receipt),
    ("business card", business_card),
    ("bank card", |stock, dice| Canvas { pixels: clutter::card(stock, dice, 1200) }),
    ("loyalty card", loyalty_card),
    ("membership card", membership_card),
    ("book cover", book_cover),
    ("portrait", portrait),
    ("screen", screen),
    ("letter", |stock, dice| Canvas { pixels: clutter::sheet(stock, dice, (1000, 1300)) }),
];

/// One of each in turn; none stands for a scene with nothing in it.
pub fn draw(stock: &Stock, index: u64, dice: &mut Dice) -> Option<Flat> {
    let kind = index % (KINDS.len() as u64 + 1);
    (kind < KINDS.len() as u64).then(|| thing(stock, kind, dice))
}

/// One of each in turn.
pub fn thing(stock: &Stock, index: u64, dice: &mut Dice) -> Flat {
    let (name, draw) = KINDS[(index % KINDS.len() as u64) as usize];
    let canvas = draw(stock, dice);
    let rounding = if name.ends_with("card") { 0.037 } else { 0.002 };
    Flat { pixels: canvas.pixels, above: 0, rounding, known: Known::neither(name) }
}

fn receipt(stock: &Stock, dice: &mut Dice) -> Canvas {
    let mut canvas = Canvas::new(600, 900 + dice.below(500) as u32, [246, 246, 243]);
    let font = dice.choose(&stock.other);
    let ink: Colour = [50, 50, 60];
    let shop = clutter::words(dice, 2).to_uppercase();
    canvas.text(font, 30.0, (60.0, 50.0), ink, &shop);
    let tax = format!("RNC {}-{}-{}", dice.digits(3), dice.digits(5), dice.digits(1));
    canvas.text(font, 18.0, (60.0, 110.0), ink, &tax);
    let mut y = 170.0;
    while y < canvas.height() - 120.0 {
        let item = clutter::words(dice, 2);
        canvas.text(font, 17.0, (50.0, y), ink, &item);
        let price = format!("{}.{}", dice.below(900) + 1, dice.digits(2));
        canvas.text(font, 17.0, (460.0, y), ink, &price);
        y += 36.0;
    }
    let total = format!("TOTAL RD$ {}.{}", dice.below(9000) + 100, dice.digits(2));
    canvas.text(font, 26.0, (50.0, y + 10.0), ink, &total);
    canvas
}

fn business_card(stock: &Stock, dice: &mut Dice) -> Canvas {
    let mut canvas = Canvas::new(1050, 600, dice.colour(215, 255));
    let face = dice.choose(&stock.sans);
    let person = Person::draw(dice);
    let accent = dice.colour(20, 180);
    canvas.rectangle([0.0, 0.0, 60.0, 600.0], accent, 1.0);
    let name = format!("{} {}", person.given[0], person.surnames[0]);
    canvas.fit(&face.bold, 44.0, [0.12, 0.18, 0.9, 0.3], [25, 25, 30], &name);
    canvas.fit(&face.regular, 26.0, [0.12, 0.32, 0.9, 0.4], accent, person.occupation);
    let phone = format!("Tel. 809-{}-{}", dice.digits(3), dice.digits(4));
    canvas.fit(&face.regular, 24.0, [0.12, 0.62, 0.9, 0.7], [60, 60, 60], &phone);
    canvas.fit(&face.regular, 24.0, [0.12, 0.72, 0.9, 0.8], [60, 60, 60], &person.street);
    canvas
}

fn loyalty_card(stock: &Stock, dice: &mut Dice) -> Canvas {
    let mut canvas = Canvas { pixels: clutter::card(stock, dice, 1200) };
    canvas.rectangle([150.0, 480.0, 900.0, 660.0], [250, 250, 250], 1.0);
    let mut x = 180.0;
    while x < 870.0 {
        let wide = dice.range(2.0, 10.0);
        canvas.rectangle([x, 495.0, x + wide, 620.0], [10, 10, 10], 1.0);
        x += wide + dice.range(3.0, 9.0);
    }
    canvas
}

/// The hardest: a card with a photo, a name and a number that is no identity card.
fn membership_card(stock: &Stock, dice: &mut Dice) -> Canvas {
    let mut canvas = Canvas::new(1200, 757, dice.colour(190, 250));
    guilloche(&mut canvas, dice, [150, 170, 160], 0.3);
    let face = dice.choose(&stock.sans);
    let person = Person::draw(dice);
    let photo = dice.choose(&stock.faces);
    let area = canvas.area([0.06, 0.3, 0.33, 0.85]);
    canvas.picture(photo, area, 1.0);
    let (title, label) = dice.pick(&[
        ("GIMNASIO CENTRAL", "Socio"),
        ("UNIVERSIDAD DEL CARIBE", "Matrícula"),
        ("BIBLIOTECA MUNICIPAL", "Lector"),
        ("COOPERATIVA LA UNIÓN", "Miembro"),
        ("EMPRESA DE TRANSPORTE", "Empleado"),
    ]);
    canvas.rectangle([0.0, 0.0, 1200.0, 150.0], dice.colour(20, 140), 1.0);
    canvas.fit(&face.bold, 50.0, [0.06, 0.06, 0.94, 0.16], [245, 245, 245], title);
    let name = format!("{} {}", person.given_names(), person.surname_line());
    canvas.fit(&face.bold, 36.0, [0.38, 0.34, 0.95, 0.4], [20, 20, 25], &name);
    let number = format!("{label}: {}-{}", dice.digits(4), dice.digits(5));
    canvas.fit(&face.regular, 32.0, [0.38, 0.48, 0.95, 0.55], [20, 20, 25], &number);
    let until = format!("Válido hasta {}", person.expiry.dashed());
    canvas.fit(&face.regular, 28.0, [0.38, 0.62, 0.95, 0.68], [20, 20, 25], &until);
    canvas
}

fn book_cover(stock: &Stock, dice: &mut Dice) -> Canvas {
    let mut canvas = Canvas::new(900, 1300, dice.colour(10, 240));
    let font = dice.choose(&stock.other);
    for _ in 0..dice.below(9) {
        let centre = (dice.range(0.0, 900.0), dice.range(300.0, 1200.0));
        canvas.ellipse(centre, (dice.range(40.0, 300.0), dice.range(40.0, 300.0)), dice.colour(10, 240), 0.6);
    }
    let ink = dice.pick(&[[250, 250, 245], [15, 15, 20]]);
    for line in 0..3 {
        let title = clutter::words(dice, 2).to_uppercase();
        let top = 0.08 + 0.07 * f64::from(line);
        canvas.fit(font, 56.0, [0.08, top, 0.92, 1.0], ink, &title);
    }
    let author = clutter::words(dice, 2);
    canvas.fit(font, 34.0, [0.08, 0.9, 0.92, 1.0], ink, &author);
    canvas
}

fn portrait(stock: &Stock, dice: &mut Dice) -> Canvas {
    let photo = dice.choose(&stock.faces);
    let mut canvas = Canvas::new(800, 1000, [248, 248, 248]);
    let edge = dice.range(0.0, 40.0);
    canvas.picture(photo, [edge, edge, 800.0 - edge, 1000.0 - edge], 1.0);
    canvas
}

/// A window with a list and buttons.
fn screen(stock: &Stock, dice: &mut Dice) -> Canvas {
    let dark = dice.chance(0.4);
    let (paper, ink): (Colour, Colour) = if dark { ([30, 32, 38], [220, 220, 225]) } else { ([250; 3], [40; 3]) };
    let mut canvas = Canvas::new(1300, 820, paper);
    let face = dice.choose(&stock.sans);
    canvas.rectangle([0.0, 0.0, 1300.0, 60.0], dice.colour(40, 160), 1.0);
    let title = clutter::words(dice, 3);
    canvas.fit(&face.bold, 24.0, [0.03, 0.022, 0.9, 0.06], [245; 3], &title);
    for row in 0..14 {
        let top = 0.12 + 0.058 * f64::from(row);
        let line = clutter::words(dice, 6);
        canvas.fit(&face.regular, 18.0, [0.05, top, 0.7, 1.0], ink, &line);
        if row % 3 == 0 {
            let button = canvas.area([0.78, top, 0.94, top + 0.04]);
            canvas.rectangle(button, dice.colour(60, 200), 1.0);
        }
    }
    canvas
}
