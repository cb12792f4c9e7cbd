//! A passport's data page (TD3, ICAO Doc 9303 part 4) with fictitious data, the visa page above it where it lies open.

use twoface::vision::evaluate::documents::truth::{Class, Side};

use crate::canvas::{Canvas, Colour};
use crate::cedula::{arms, printed_zone, worn};
use crate::dice::Dice;
use crate::flat::{Flat, Known, guilloche, signature};
use crate::people::Person;
use crate::stock::Stock;
use crate::zone;

/// ID-3, 125 × 88 mm.
pub const SIZE: (u32, u32) = (1420, 1000);
const ROUNDING: f64 = 0.0254;

struct Issuer {
    state: &'static str,
    name: &'static str,
    nationality: &'static str,
    authority: &'static str,
}

const DOMINICAN: Issuer = Issuer {
    state: "DOM",
    name: "REPÚBLICA DOMINICANA",
    nationality: "DOMINICANA",
    authority: "DIRECCIÓN GENERAL DE PASAPORTES",
};

const OTHERS: [Issuer; 5] = [
    Issuer {
        state: "COL",
        name: "REPÚBLICA DE COLOMBIA",
        nationality: "COLOMBIANA",
        authority: "GOBERNACIÓN DE CALDAS",
    },
    Issuer { state: "VEN", name: "REPÚBLICA DE VENEZUELA", nationality: "VENEZOLANA", authority: "SAIME" },
    Issuer { state: "ESP", name: "ESPAÑA", nationality: "ESPAÑOLA", authority: "DGP" },
    Issuer { state: "CUB", name: "REPÚBLICA DE CUBA", nationality: "CUBANA", authority: "DIIE" },
    Issuer { state: "UTO", name: "UTOPIA", nationality: "UTOPIAN", authority: "ADMINISTRATION" },
];

pub fn data_page(stock: &Stock, dice: &mut Dice) -> Flat {
    let person = Person::draw(dice);
    let face = dice.choose(&stock.sans);
    let issuer = if dice.chance(0.75) { &DOMINICAN } else { dice.choose(&OTHERS) };
    let number = format!("{}{}", dice.letters(2), dice.digits(7));
    let tint: Colour = dice.pick(&[[228, 222, 232], [222, 232, 226], [234, 226, 214], [216, 226, 238]]);
    let mut canvas = Canvas::new(SIZE.0, SIZE.1, tint);
    guilloche(&mut canvas, dice, [150, 120, 170], 0.35);
    guilloche(&mut canvas, dice, [110, 160, 150], 0.3);
    canvas.ellipse((850.0, 480.0), (230.0, 230.0), [170, 170, 200], 0.2);
    arms(&mut canvas, [0.035, 0.03, 0.095, 0.12]);
    let portrait = [0.04, 0.20, 0.30, 0.68];
    let photo = dice.choose(&stock.faces);
    let area = canvas.area(portrait);
    canvas.picture(photo, area, 1.0);
    signature(&mut canvas, dice, [0.66, 0.60, 0.92, 0.72]);
    let mut field = |[x, y]: [f64; 2], wide: f64, label: &str, value: &str| {
        canvas.fit(&face.regular, 13.0, [x, y, x + wide, y + 0.02], [60, 60, 110], label);
        canvas.fit(&face.bold, 24.0, [x, y + 0.028, x + wide, y + 0.06], [20, 20, 24], value);
    };
    field([0.33, 0.135], 0.07, "Tipo/Type", "P");
    field([0.43, 0.135], 0.20, "Código del país/Country code", issuer.state);
    field([0.67, 0.135], 0.29, "No. de pasaporte/Passport No.", &number);
    field([0.33, 0.215], 0.60, "Apellidos/Surname", &person.surname_line());
    field([0.33, 0.295], 0.60, "Nombres/Given names", &person.given_names());
    field([0.33, 0.375], 0.30, "Nacionalidad/Nationality", issuer.nationality);
    let personal = if issuer.state == "DOM" { person.cedula.as_str() } else { "" };
    if !personal.is_empty() {
        field([0.67, 0.375], 0.29, "Cédula/Personal No.", personal);
    }
    field([0.33, 0.455], 0.30, "Fecha de nacimiento/Date of birth", &spaced(&person.birth.spelled()));
    field([0.67, 0.455], 0.10, "Sexo/Sex", &person.sex.to_string());
    field([0.33, 0.535], 0.45, "Lugar de nacimiento/Place of birth", person.place);
    field([0.33, 0.615], 0.30, "Fecha de expedición/Date of issue", &spaced(&person.issued.spelled()));
    field([0.33, 0.695], 0.30, "Fecha de vencimiento/Date of expiry", &spaced(&person.expiry.spelled()));
    field([0.67, 0.535], 0.30, "Autoridad/Authority", issuer.authority);
    canvas.fit(&face.bold, 34.0, [0.13, 0.035, 0.62, 0.08], [30, 30, 60], issuer.name);
    canvas.fit(&face.bold, 30.0, [0.66, 0.035, 0.97, 0.08], [30, 30, 60], "PASAPORTE / PASSPORT");
    let mrz = zone::passport(&person, &number, issuer.state);
    printed_zone(&mut canvas, stock, [0.035, 0.965], &[0.825, 0.895], &mrz);
    worn(&mut canvas, dice);
    let mut known = Known::document(
        Class::Passport,
        Side::Front,
        "passport",
        &[
            ("number", &number),
            ("issuing_state", issuer.state),
            ("surnames", &person.surname_line()),
            ("given_names", &person.given_names()),
            ("nationality", issuer.nationality),
            ("birth_date", &person.birth.iso()),
            ("sex", &person.sex.to_string()),
            ("place_of_birth", person.place),
            ("issue_date", &person.issued.iso()),
            ("expiry_date", &person.expiry.iso()),
            ("authority", issuer.authority),
        ],
    );
    if !personal.is_empty() {
        known.fields.insert("personal_number".into(), personal.into());
    }
    known.mrz = mrz;
    known.portrait = Some(portrait);
    let (pixels, above) = if dice.chance(0.4) { opened(canvas, dice, tint) } else { (canvas.pixels, 0) };
    Flat { pixels, above, rounding: ROUNDING, known }
}

/// `05 MARZO 1994` as it stands in passports, with the month cut to three letters.
fn spaced(date: &str) -> String {
    let mut words = date.split(' ');
    let (day, month, year) = (words.next(), words.next(), words.next());
    let month: String = month.unwrap_or_default().chars().take(3).collect();
    format!("{} {month} {}", day.unwrap_or_default(), year.unwrap_or_default())
}

/// With the page before it, and the fold between them.
fn opened(page: Canvas, dice: &mut Dice, tint: Colour) -> (image::RgbImage, u32) {
    let (width, height) = page.pixels.dimensions();
    let mut other = Canvas::new(width, height, tint);
    other.paint(|_, _, own| own.map(|value| value * 0.97));
    guilloche(&mut other, dice, dice.clone().colour(110, 190), 0.4);
    if dice.chance(0.5) {
        other.ellipse((f64::from(width) * 0.35, f64::from(height) * 0.5), (190.0, 150.0), [90, 60, 150], 0.3);
        other.ellipse((f64::from(width) * 0.35, f64::from(height) * 0.5), (178.0, 138.0), tint, 0.8);
    }
    let mut both = Canvas::new(width, height * 2, tint);
    image::imageops::replace(&mut both.pixels, &other.pixels, 0, 0);
    image::imageops::replace(&mut both.pixels, &page.pixels, 0, i64::from(height));
    let depth = dice.range(0.25, 0.5) as f32;
    both.paint(|_, v, own| {
        let from_fold = ((v - 0.5) * 2.0 * f64::from(height)).abs() as f32;
        let shade = 1.0 - depth * (-from_fold / 18.0).exp();
        own.map(|value| value * shade)
    });
    (both.pixels, height)
}
