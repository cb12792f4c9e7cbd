//! The Dominican identity card, models of 2014 and 2026, front and back, with fictitious data.
//!
//! The model of 2026 is laid out as on the issuer's published specimen; of the model of 2014 the order of the lines is
//! known and the geometry is a likeness.

use ab_glyph::FontVec;
use image::RgbImage;
use qrcode::{EcLevel, QrCode};
use twoface::vision::evaluate::documents::truth::{Barcode, Class, Side};

use crate::canvas::{Canvas, Colour, Part, text_width};
use crate::dice::Dice;
use crate::flat::{Flat, Known, grey, guilloche, signature};
use crate::people::Person;
use crate::stock::{Stock, Typeface};
use crate::zone;

/// ID-1, 85.60 × 53.98 mm.
pub const SIZE: (u32, u32) = (1400, 883);
/// 3.18 mm (ISO/IEC 7810).
const ROUNDING: f64 = 0.0371;
const BLACK: Colour = [22, 22, 26];
const LABEL: Colour = [60, 62, 70];

/// One field of text: heights are of the capitals, in parts of the card's height.
struct Writer<'a> {
    canvas: Canvas,
    face: &'a Typeface,
}

impl Writer<'_> {
    fn label(&mut self, part: Part, text: &str) {
        let high = (part[3] - part[1]) * 0.72 * self.canvas.height();
        self.canvas.fit(&self.face.regular, high, [part[0], part[1], part[2] + 0.06, part[3]], LABEL, text);
    }

    fn bold(&mut self, part: Part, high: f64, text: &str) {
        let high = high * self.canvas.height();
        self.canvas.fit(&self.face.bold, high, part, BLACK, text);
    }

    fn regular(&mut self, part: Part, high: f64, text: &str) {
        let high = high * self.canvas.height();
        self.canvas.fit(&self.face.regular, high, part, BLACK, text);
    }

    /// In two lines where one would be narrow.
    fn names(&mut self, part: Part, high: f64, words: &[&str]) {
        let joined = words.join(" ");
        let wide = (part[2] - part[0]) * self.canvas.width();
        if words.len() < 2 || text_width(&self.face.bold, high * self.canvas.height(), &joined) <= wide {
            return self.bold(part, high, &joined);
        }
        let middle = (part[1] + part[3]) / 2.0 + 0.004;
        self.bold([part[0], part[1], part[2], middle], high, words[0]);
        self.bold([part[0], middle, part[2], part[3]], high, &words[1..].join(" "));
    }
}

fn paper(dice: &mut Dice, from: Colour, to: Colour) -> Canvas {
    let mut canvas = Canvas::new(SIZE.0, SIZE.1, from);
    let most = if dice.chance(0.3) { 32.0 } else { 8.0 };
    let tint = [(); 3].map(|()| dice.range(-most, most) as f32);
    let (across, down) = (dice.range(0.3, 1.0), dice.range(0.0, 0.7));
    canvas.paint(|u, v, own| {
        let share = ((u * across + v * down) / (across + down)) as f32;
        let mut out = own;
        for ((out, to), tint) in out.iter_mut().zip(to).zip(tint) {
            *out += (f32::from(to) - *out) * share + tint;
        }
        out
    });
    canvas
}

pub fn front_2026(stock: &Stock, dice: &mut Dice) -> Flat {
    let person = Person::draw(dice);
    let face = dice.choose(&stock.sans);
    let mut canvas = paper(dice, [236, 232, 220], [212, 226, 232]);
    guilloche(&mut canvas, dice, [150, 170, 190], 0.35);
    guilloche(&mut canvas, dice, [205, 180, 120], 0.3);
    arms(&mut canvas, [0.04, 0.03, 0.12, 0.16]);
    let portrait = [0.06, 0.18, 0.36, 0.76];
    let photo = grey(dice.choose(&stock.faces));
    let area = canvas.area(portrait);
    canvas.picture(&photo, area, 1.0);
    ghost(&mut canvas, &photo, [0.77, 0.17, 0.84, 0.32]);
    let bust = canvas.area([0.72, 0.46, 0.95, 0.98]);
    canvas.ellipse(((bust[0] + bust[2]) / 2.0, bust[1] + 120.0), (90.0, 110.0), [120, 150, 200], 0.25);
    canvas.ellipse(((bust[0] + bust[2]) / 2.0, bust[3]), (160.0, 190.0), [120, 150, 200], 0.25);
    canvas.ellipse((0.88 * 1400.0, 0.82 * 883.0), (95.0, 72.0), [235, 235, 240], 0.5);
    canvas.ellipse((0.352 * 1400.0, 0.09 * 883.0), (22.0, 40.0), [196, 156, 60], 0.9);
    signature(&mut canvas, dice, [0.13, 0.77, 0.30, 0.91]);
    let mut to = Writer { canvas, face };
    to.bold([0.13, 0.05, 0.33, 0.09], 0.034, "REPÚBLICA");
    to.bold([0.13, 0.105, 0.33, 0.15], 0.034, "DOMINICANA");
    to.bold([0.385, 0.065, 0.66, 0.11], 0.034, "Junta Central Electoral");
    to.bold([0.69, 0.06, 0.98, 0.09], 0.03, "CÉDULA DE IDENTIDAD");
    to.bold([0.76, 0.11, 0.98, 0.14], 0.03, "Y ELECTORAL");
    to.label([0.37, 0.165, 0.52, 0.20], "Número de cédula");
    to.bold([0.37, 0.235, 0.66, 0.29], 0.05, &person.cedula);
    to.label([0.37, 0.325, 0.44, 0.355], "Nombre");
    to.names([0.37, 0.368, 0.69, 0.45], 0.034, &person.given);
    to.label([0.37, 0.46, 0.44, 0.49], "Apellido");
    to.names([0.37, 0.507, 0.69, 0.59], 0.034, &person.surnames);
    to.label([0.37, 0.598, 0.48, 0.63], "Nacionalidad");
    to.bold([0.37, 0.642, 0.68, 0.68], 0.031, "DOMINICANA");
    to.label([0.37, 0.692, 0.535, 0.73], "Fecha de nacimiento");
    to.bold([0.37, 0.738, 0.68, 0.78], 0.031, &person.birth.spelled());
    to.label([0.37, 0.787, 0.535, 0.825], "Lugar de nacimiento");
    to.bold([0.37, 0.832, 0.70, 0.87], 0.031, person.place);
    to.label([0.37, 0.882, 0.53, 0.92], "Ocupación u oficio");
    to.bold([0.37, 0.927, 0.72, 0.97], 0.031, person.occupation);
    to.label([0.71, 0.598, 0.81, 0.63], "Estado civil");
    to.bold([0.71, 0.642, 0.86, 0.68], 0.031, person.civil_status);
    to.bold([0.89, 0.642, 0.97, 0.69], 0.033, person.blood);
    to.label([0.71, 0.692, 0.75, 0.725], "Sexo");
    to.bold([0.71, 0.738, 0.76, 0.775], 0.033, &person.sex.to_string());
    to.label([0.06, 0.818, 0.10, 0.845], "Firma");
    to.bold([0.06, 0.928, 0.35, 0.96], 0.027, &format!("Vigencia hasta {}", person.expiry.dashed()));
    let access = dice.digits(6);
    let mut canvas = to.canvas;
    upright(&mut canvas, [0.915, 0.16, 0.955, 0.43], &face.bold, &access);
    worn(&mut canvas, dice);
    let mut known = Known::document(
        Class::Cedula,
        Side::Front,
        "2026",
        &[
            ("number", &person.cedula),
            ("given_names", &person.given_names()),
            ("surnames", &person.surname_line()),
            ("nationality", "DOMINICANA"),
            ("birth_date", &person.birth.iso()),
            ("place_of_birth", person.place),
            ("occupation", person.occupation),
            ("civil_status", person.civil_status),
            ("blood_type", person.blood),
            ("sex", &person.sex.to_string()),
            ("expiry_date", &person.expiry.iso()),
            ("access_number", &access),
        ],
    );
    known.portrait = Some(portrait);
    Flat { pixels: canvas.pixels, above: 0, rounding: ROUNDING, known }
}

pub fn back_2026(stock: &Stock, dice: &mut Dice) -> Flat {
    let person = Person::draw(dice);
    let face = dice.choose(&stock.sans);
    let mut canvas = paper(dice, [226, 232, 236], [236, 228, 212]);
    guilloche(&mut canvas, dice, [140, 165, 190], 0.35);
    guilloche(&mut canvas, dice, [190, 150, 150], 0.22);
    ghost(&mut canvas, &grey(dice.choose(&stock.faces)), [0.16, 0.17, 0.235, 0.31]);
    canvas.ellipse((0.352 * 1400.0, 0.485 * 883.0), (70.0, 45.0), [150, 165, 150], 0.6);
    canvas.ellipse((0.485 * 1400.0, 0.44 * 883.0), (58.0, 95.0), [196, 156, 60], 0.5);
    signature(&mut canvas, dice, [0.02, 0.41, 0.22, 0.55]);
    let mut to = Writer { canvas, face };
    to.label([0.02, 0.03, 0.15, 0.06], "Cédula anterior");
    to.bold([0.02, 0.08, 0.19, 0.12], 0.03, &person.previous_cedula);
    to.label([0.02, 0.33, 0.21, 0.37], "Registro de nacimiento");
    to.bold([0.02, 0.373, 0.34, 0.41], 0.028, &person.birth_record);
    let sector = format!("Sector {}", person.sector);
    let lines: [(&str, bool); 13] = [
        ("Colegio electoral", false),
        (&person.college, true),
        ("Ubicación del colegio", false),
        (person.college_place, true),
        (&sector, true),
        (person.municipality, true),
        ("Dirección de residencia", false),
        (&person.street, true),
        ("APTO 2", true),
        ("Sector", false),
        (person.sector, true),
        ("Municipio", false),
        (person.municipality, true),
    ];
    for (index, (text, value)) in lines.into_iter().enumerate() {
        let top = 0.03 + 0.0415 * index as f64;
        let part = [0.55, top, 0.885, top + 0.036];
        if value { to.bold(part, 0.026, text) } else { to.label(part, text) }
    }
    let mut canvas = to.canvas;
    let qr = format!("{}|{}|{}|{}", person.cedula_digits(), person.serial, person.surname_line(), person.given_names());
    quick_response(&mut canvas, [0.365, 0.03, 0.53, 0.31], &qr);
    bars(&mut canvas, [0.925, 0.05, 0.98, 0.47], &person.serial);
    upright(&mut canvas, [0.893, 0.22, 0.922, 0.47], &face.regular, &person.serial);
    let mrz = zone::cedula_2026(&person);
    printed_zone(&mut canvas, stock, [0.05, 0.95], &[0.70, 0.78, 0.86], &mrz);
    worn(&mut canvas, dice);
    let mut known = Known::document(
        Class::Cedula,
        Side::Back,
        "2026",
        &[
            ("previous_number", &person.previous_cedula),
            ("birth_record", &person.birth_record),
            ("college", &person.college),
            ("college_place", &format!("{} {sector} {}", person.college_place, person.municipality)),
            ("address", &format!("{} APTO 2", person.street)),
            ("sector", person.sector),
            ("municipality", person.municipality),
            ("card_serial", &person.serial),
        ],
    );
    known.mrz = mrz;
    known.barcodes = vec![barcode("qr", &qr), barcode("code128", &person.serial)];
    Flat { pixels: canvas.pixels, above: 0, rounding: ROUNDING, known }
}

pub fn front_2014(stock: &Stock, dice: &mut Dice) -> Flat {
    let person = Person::draw(dice);
    let face = dice.choose(&stock.sans);
    let mut canvas = paper(dice, [206, 222, 236], [238, 226, 214]);
    guilloche(&mut canvas, dice, [120, 150, 200], 0.4);
    guilloche(&mut canvas, dice, [205, 120, 120], 0.22);
    arms(&mut canvas, [0.03, 0.03, 0.11, 0.17]);
    let portrait = [0.69, 0.24, 0.96, 0.77];
    let photo = dice.choose(&stock.faces).clone();
    let area = canvas.area(portrait);
    canvas.picture(&photo, area, 1.0);
    ghost(&mut canvas, &grey(&photo), [0.52, 0.62, 0.61, 0.80]);
    signature(&mut canvas, dice, [0.70, 0.78, 0.95, 0.95]);
    let mut to = Writer { canvas, face };
    to.bold([0.14, 0.035, 0.62, 0.08], 0.04, "REPÚBLICA DOMINICANA");
    to.regular([0.14, 0.092, 0.62, 0.13], 0.034, "JUNTA CENTRAL ELECTORAL");
    to.bold([0.14, 0.145, 0.66, 0.19], 0.036, "CÉDULA DE IDENTIDAD Y ELECTORAL");
    to.bold([0.04, 0.225, 0.45, 0.28], 0.052, &person.cedula);
    let sex = format!("SEXO: {}   SANGRE: {}   ESTADO CIVIL: {}", person.sex, person.blood, person.civil_status);
    let lines = [
        ("LUGAR DE NACIMIENTO:", person.place.to_owned()),
        ("FECHA DE NACIMIENTO:", person.birth.spelled()),
        ("NACIONALIDAD:", "REPÚBLICA DOMINICANA".to_owned()),
        ("", sex),
        ("OCUPACIÓN:", person.occupation.to_owned()),
        ("FECHA DE EXPIRACIÓN:", person.expiry.spelled()),
    ];
    for (index, (label, value)) in lines.iter().enumerate() {
        let top = 0.325 + 0.068 * index as f64;
        let high = 0.029;
        let width = text_width(&face.regular, high * to.canvas.height(), label) / to.canvas.width();
        to.regular([0.04, top, 0.66, top + 0.05], high, label);
        let from = if label.is_empty() { 0.04 } else { 0.04 + width + 0.012 };
        to.bold([from, top, 0.67, top + 0.05], high, value);
    }
    to.bold([0.04, 0.80, 0.66, 0.85], 0.042, &person.given_names());
    to.bold([0.04, 0.88, 0.66, 0.93], 0.042, &person.surname_line());
    let mut canvas = to.canvas;
    worn(&mut canvas, dice);
    let mut known = Known::document(
        Class::Cedula,
        Side::Front,
        "2014",
        &[
            ("number", &person.cedula),
            ("place_of_birth", person.place),
            ("birth_date", &person.birth.iso()),
            ("nationality", "REPÚBLICA DOMINICANA"),
            ("sex", &person.sex.to_string()),
            ("blood_type", person.blood),
            ("civil_status", person.civil_status),
            ("occupation", person.occupation),
            ("expiry_date", &person.expiry.iso()),
            ("given_names", &person.given_names()),
            ("surnames", &person.surname_line()),
        ],
    );
    known.portrait = Some(portrait);
    Flat { pixels: canvas.pixels, above: 0, rounding: ROUNDING, known }
}

pub fn back_2014(stock: &Stock, dice: &mut Dice) -> Flat {
    let person = Person::draw(dice);
    let face = dice.choose(&stock.sans);
    let mut canvas = paper(dice, [232, 226, 214], [210, 222, 234]);
    guilloche(&mut canvas, dice, [150, 150, 180], 0.4);
    guilloche(&mut canvas, dice, [120, 160, 190], 0.25);
    signature(&mut canvas, dice, [0.62, 0.50, 0.82, 0.62]);
    let mut to = Writer { canvas, face };
    let lines: [(&str, &str); 7] = [
        ("CÉDULA ANT.", &person.previous_cedula),
        ("COLEGIO ELECTORAL", &person.college),
        ("UBICACIÓN DEL COLEGIO", person.college_place),
        ("DIRECCIÓN DE RESIDENCIA", &person.street),
        ("SECTOR", person.sector),
        ("MUNICIPIO", person.municipality),
        ("CÓDIGO POSTAL", &person.postal_code),
    ];
    for (index, (label, value)) in lines.into_iter().enumerate() {
        let top = 0.04 + 0.082 * index as f64;
        to.label([0.04, top, 0.40, top + 0.03], label);
        to.bold([0.04, top + 0.033, 0.60, top + 0.07], 0.029, value);
    }
    to.label([0.62, 0.04, 0.80, 0.07], "REGISTRO DE NACIMIENTO");
    to.bold([0.62, 0.075, 0.86, 0.11], 0.025, &person.birth_record);
    to.label([0.64, 0.625, 0.80, 0.655], "PRESIDENTE JCE");
    let mut canvas = to.canvas;
    bars(&mut canvas, [0.89, 0.05, 0.965, 0.60], &person.cedula_digits());
    let mrz = zone::cedula_2014(&person);
    printed_zone(&mut canvas, stock, [0.05, 0.95], &[0.70, 0.78, 0.86], &mrz);
    worn(&mut canvas, dice);
    let mut known = Known::document(
        Class::Cedula,
        Side::Back,
        "2014",
        &[
            ("previous_number", &person.previous_cedula),
            ("college", &person.college),
            ("college_place", person.college_place),
            ("address", &person.street),
            ("sector", person.sector),
            ("municipality", person.municipality),
            ("postal_code", &person.postal_code),
            ("birth_record", &person.birth_record),
        ],
    );
    known.mrz = mrz;
    known.barcodes = vec![barcode("code128", &person.cedula_digits())];
    Flat { pixels: canvas.pixels, above: 0, rounding: ROUNDING, known }
}

fn barcode(format: &str, text: &str) -> Barcode {
    Barcode { format: format.to_owned(), text: text.to_owned() }
}

/// OCR-B of size 1: at ID-1's width, thirty characters of 2.54 mm, capitals 2.6 mm high.
pub fn printed_zone(canvas: &mut Canvas, stock: &Stock, x: [f64; 2], tops: &[f64], lines: &[String]) {
    for (line, top) in lines.iter().zip(tops) {
        let count = line.chars().count() as f64;
        let pitch = (x[1] - x[0]) * canvas.width() / count;
        let capitals = pitch * 1.02;
        let at = (x[0] * canvas.width(), top * canvas.height());
        canvas.pitched(&stock.ocr_b, capitals, at, pitch, [18, 18, 20], line);
    }
}

/// A shield with a cross, for a coat of arms.
pub fn arms(canvas: &mut Canvas, part: Part) {
    let [left, top, right, bottom] = canvas.area(part);
    let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
    let (wide, high) = ((right - left) / 2.0, (bottom - top) / 2.0);
    canvas.ellipse((x, y), (wide, high), [40, 110, 60], 0.5);
    canvas.rectangle([x - wide * 0.6, y - high * 0.6, x - 3.0, y - 3.0], [20, 40, 130], 0.9);
    canvas.rectangle([x + 3.0, y - high * 0.6, x + wide * 0.6, y - 3.0], [190, 20, 40], 0.9);
    canvas.rectangle([x - wide * 0.6, y + 3.0, x - 3.0, y + high * 0.6], [190, 20, 40], 0.9);
    canvas.rectangle([x + 3.0, y + 3.0, x + wide * 0.6, y + high * 0.6], [20, 40, 130], 0.9);
}

fn ghost(canvas: &mut Canvas, photo: &RgbImage, part: Part) {
    let area = canvas.area(part);
    canvas.picture(photo, area, 0.4);
}

/// Text from bottom to top.
fn upright(canvas: &mut Canvas, part: Part, font: &FontVec, text: &str) {
    let [left, top, right, bottom] = canvas.area(part);
    let under = image::imageops::crop_imm(
        &canvas.pixels,
        left as u32,
        top as u32,
        (right - left) as u32,
        (bottom - top) as u32,
    );
    let mut strip = Canvas { pixels: image::imageops::rotate90(&under.to_image()) };
    let high = strip.height() * 0.62;
    strip.fit(font, high, [0.02, 0.15, 0.98, 0.85], BLACK, text);
    let turned = image::imageops::rotate270(&strip.pixels);
    image::imageops::replace(&mut canvas.pixels, &turned, left as i64, top as i64);
}

fn quick_response(canvas: &mut Canvas, part: Part, text: &str) {
    // Text of this length always fits.
    let Ok(code) = QrCode::with_error_correction_level(text, EcLevel::M) else { return };
    let [left, top, right, bottom] = canvas.area(part);
    let side = (right - left).min(bottom - top);
    let (modules, colours) = (code.width(), code.to_colors());
    canvas.rectangle([left, top, left + side, top + side], [250, 250, 250], 1.0);
    let quiet = side * 2.0 / (modules as f64 + 4.0);
    let area = [left + quiet, top + quiet, left + side - quiet, top + side - quiet];
    canvas.modules(area, (modules, modules), |column, row| colours[row * modules + column] == qrcode::Color::Dark);
}

/// Code 128, its bars lying one above another.
fn bars(canvas: &mut Canvas, part: Part, text: &str) {
    // Ɓ switches to the set of capitals and digits.
    let Ok(code) = barcoders::sym::code128::Code128::new(format!("Ɓ{text}")) else { return };
    let bits = code.encode();
    let [left, top, right, bottom] = canvas.area(part);
    canvas.rectangle([left, top, right, bottom], [250, 250, 250], 1.0);
    let quiet = (bottom - top) * 0.05;
    let area = [left + 4.0, top + quiet, right - 4.0, bottom - quiet];
    let count = bits.len();
    canvas.modules(area, (1, count), |_, row| bits[count - 1 - row] == 1);
}

/// Scratches: it has been in a pocket.
pub fn worn(canvas: &mut Canvas, dice: &mut Dice) {
    let (width, height) = (canvas.width(), canvas.height());
    for _ in 0..dice.below(6) {
        let from = (dice.range(0.0, width), dice.range(0.0, height));
        let to = (from.0 + dice.range(-200.0, 200.0), from.1 + dice.range(-90.0, 90.0));
        canvas.line(from, to, dice.range(0.8, 1.6), dice.colour(170, 240), 0.35);
    }
}
