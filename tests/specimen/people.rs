//! Fictitious people and what documents say of them. Any likeness with a living person's data is chance.

use crate::dice::Dice;

const GIVEN: [(&str, char); 44] = [
    ("MARÍA", 'F'),
    ("ANA", 'F'),
    ("ROSA", 'F'),
    ("CARMEN", 'F'),
    ("YULISSA", 'F'),
    ("ALTAGRACIA", 'F'),
    ("INÉS", 'F'),
    ("BELÉN", 'F'),
    ("BEGOÑA", 'F'),
    ("ESPERANZA", 'F'),
    ("SOFÍA", 'F'),
    ("LUCÍA", 'F'),
    ("MERCEDES", 'F'),
    ("XIOMARA", 'F'),
    ("WENDY", 'F'),
    ("KAREN", 'F'),
    ("MAYRA", 'F'),
    ("ZOILA", 'F'),
    ("FRANCISCA", 'F'),
    ("JACQUELINE", 'F'),
    ("DILENIA", 'F'),
    ("YAJAIRA", 'F'),
    ("JOSÉ", 'M'),
    ("JUAN", 'M'),
    ("LUIS", 'M'),
    ("RAMÓN", 'M'),
    ("RAÚL", 'M'),
    ("JESÚS", 'M'),
    ("MARTÍN", 'M'),
    ("ÁNGEL", 'M'),
    ("ÓSCAR", 'M'),
    ("ÉDGAR", 'M'),
    ("WILKIN", 'M'),
    ("FÉLIX", 'M'),
    ("HÉCTOR", 'M'),
    ("KELVIN", 'M'),
    ("STARLIN", 'M'),
    ("PEDRO", 'M'),
    ("FAUSTO", 'M'),
    ("GREGORIO", 'M'),
    ("QUENEDY", 'M'),
    ("YOHANNY", 'M'),
    ("IVÁN", 'M'),
    ("MÁXIMO", 'M'),
];

const SURNAMES: [&str; 56] = [
    "RODRÍGUEZ",
    "PÉREZ",
    "MARTÍNEZ",
    "GARCÍA",
    "REYES",
    "SÁNCHEZ",
    "DÍAZ",
    "PEÑA",
    "NÚÑEZ",
    "MUÑOZ",
    "JIMÉNEZ",
    "HERNÁNDEZ",
    "DE LA CRUZ",
    "DE LOS SANTOS",
    "DEL ROSARIO",
    "ROSARIO",
    "ALMONTE",
    "POLANCO",
    "TAVÁREZ",
    "UREÑA",
    "CASTAÑO",
    "BÁEZ",
    "ÁLVAREZ",
    "ACEVEDO",
    "BRITO",
    "CABRERA",
    "DOMÍNGUEZ",
    "ENCARNACIÓN",
    "ESTÉVEZ",
    "FELIZ",
    "FERRERAS",
    "GÓMEZ",
    "GUZMÁN",
    "HIDALGO",
    "INFANTE",
    "JÁQUEZ",
    "KELLY",
    "LIRIANO",
    "LÓPEZ",
    "MEJÍA",
    "MONTÁS",
    "NIÑO",
    "OZUNA",
    "PAULINO",
    "QUEZADA",
    "RAMÍREZ",
    "SURIEL",
    "TEJADA",
    "URBÁEZ",
    "VÁSQUEZ",
    "VENTURA",
    "WILLIAMS",
    "XAVIER",
    "YBERT",
    "ZORRILLA",
    "AGÜERO",
];

const PLACES: [&str; 16] = [
    "SANTO DOMINGO",
    "SANTIAGO",
    "LA VEGA",
    "SAN FRANCISCO DE MACORÍS",
    "SAN CRISTÓBAL",
    "PUERTO PLATA",
    "LA ROMANA",
    "HIGÜEY",
    "BANÍ",
    "AZUA",
    "BARAHONA",
    "MOCA",
    "BONAO",
    "SAMANÁ",
    "JARABACOA",
    "DAJABÓN",
];

const OCCUPATIONS: [&str; 14] = [
    "ESTUDIANTE",
    "INGENIERO CIVIL",
    "ABOGADA",
    "COMERCIANTE",
    "EMPLEADO PRIVADO",
    "MÉDICO",
    "MAESTRA",
    "AGRICULTOR",
    "CHOFER",
    "AMA DE CASA",
    "CONTADOR",
    "ELECTRICISTA",
    "ENFERMERA",
    "DISEÑADORA",
];

const SECTORS: [&str; 12] = [
    "VILLA JUANA",
    "LOS MINA",
    "GAZCUE",
    "NACO",
    "CRISTO REY",
    "LAS CAOBAS",
    "EL MILLÓN",
    "BELLA VISTA",
    "PIANTINI",
    "LOS JARDINES",
    "ENSANCHE LA FE",
    "PANTOJA",
];

const STREETS: [&str; 10] = [
    "CALLE DUARTE",
    "AV. INDEPENDENCIA",
    "CALLE EL CONDE",
    "AV. MELLA",
    "CALLE LAS FLORES",
    "CALLE PRIMERA",
    "AV. LOS PRÓCERES",
    "CALLE SÁNCHEZ",
    "CALLE 30 DE MARZO",
    "CALLE BEGOÑA",
];

const MONTHS: [&str; 12] = [
    "ENERO",
    "FEBRERO",
    "MARZO",
    "ABRIL",
    "MAYO",
    "JUNIO",
    "JULIO",
    "AGOSTO",
    "SEPTIEMBRE",
    "OCTUBRE",
    "NOVIEMBRE",
    "DICIEMBRE",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    pub year: u32,
    pub month: u32,
    pub day: u32,
}

impl Date {
    fn draw(dice: &mut Dice, from: u32, to: u32) -> Date {
        let year = from + dice.below(u64::from(to - from) + 1) as u32;
        Date { year, month: 1 + dice.below(12) as u32, day: 1 + dice.below(28) as u32 }
    }

    pub fn iso(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// As in a machine-readable zone.
    pub fn short(self) -> String {
        format!("{:02}{:02}{:02}", self.year % 100, self.month, self.day)
    }

    /// `05 MARZO 1994`
    pub fn spelled(self) -> String {
        format!("{:02} {} {}", self.day, self.month_name(), self.year)
    }

    pub fn dashed(self) -> String {
        format!("{:02}-{:02}-{}", self.day, self.month, self.year)
    }

    pub fn month_name(self) -> &'static str {
        MONTHS[self.month as usize - 1]
    }
}

/// Everything that any of the documents prints.
pub struct Person {
    pub given: Vec<&'static str>,
    pub surnames: Vec<&'static str>,
    pub sex: char,
    pub birth: Date,
    pub issued: Date,
    pub expiry: Date,
    /// `000-0000000-0`
    pub cedula: String,
    pub previous_cedula: String,
    /// Of the card itself: two letters, eight digits.
    pub serial: String,
    pub place: &'static str,
    pub occupation: &'static str,
    pub civil_status: &'static str,
    pub blood: &'static str,
    pub street: String,
    pub sector: &'static str,
    pub municipality: &'static str,
    pub college: String,
    pub college_place: &'static str,
    pub birth_record: String,
    pub postal_code: String,
}

impl Person {
    pub fn draw(dice: &mut Dice) -> Person {
        let sex = dice.pick(&['F', 'M']);
        let names: Vec<&'static str> = GIVEN.iter().filter(|(_, of)| *of == sex).map(|(name, _)| *name).collect();
        let mut given = vec![dice.pick(&names)];
        let second = dice.pick(&names);
        if dice.chance(0.7) && second != given[0] {
            given.push(second);
        }
        let surnames = vec![dice.pick(&SURNAMES), dice.pick(&SURNAMES)];
        let birth = Date::draw(dice, 1940, 2006);
        let issued = Date::draw(dice, 2016, 2025);
        // One in ten has expired.
        let expiry = if dice.chance(0.1) { Date::draw(dice, 2019, 2024) } else { Date::draw(dice, 2027, 2035) };
        let issued = issued.min(Date { year: expiry.year - 2, ..issued });
        Person {
            given,
            surnames,
            sex,
            birth,
            issued,
            expiry,
            cedula: cedula(dice),
            previous_cedula: cedula(dice),
            serial: format!("{}{}", dice.letters(2), dice.digits(8)),
            place: dice.pick(&PLACES),
            occupation: dice.pick(&OCCUPATIONS),
            civil_status: dice.pick(&["SOLTERO", "CASADO", "UNIÓN LIBRE", "VIUDO"]),
            blood: dice.pick(&["O+", "O-", "A+", "A-", "B+", "AB+"]),
            street: format!("{} #{}", dice.pick(&STREETS), 1 + dice.below(240)),
            sector: dice.pick(&SECTORS),
            municipality: dice.pick(&PLACES),
            college: format!("{}{}", dice.digits(4), dice.letters(1)),
            college_place: dice.pick(&STREETS),
            birth_record: format!(
                "{}-{}-{}-{}-{}-{}",
                dice.digits(3),
                dice.digits(2),
                dice.digits(4),
                dice.digits(3),
                dice.digits(5),
                birth.year
            ),
            postal_code: dice.digits(5),
        }
    }

    pub fn given_names(&self) -> String {
        self.given.join(" ")
    }

    pub fn surname_line(&self) -> String {
        self.surnames.join(" ")
    }

    pub fn cedula_digits(&self) -> String {
        self.cedula.chars().filter(char::is_ascii_digit).collect()
    }
}

/// One in forty fails its last digit, as hundreds of old numbers do.
fn cedula(dice: &mut Dice) -> String {
    let office = dice.pick(&["001", "402", "031", "223", "054", "402"]);
    let body = dice.digits(7);
    let right = luhn(&format!("{office}{body}"));
    let last = if dice.chance(0.025) { (right + 1 + dice.below(9) as u32) % 10 } else { right };
    format!("{office}-{body}-{last}")
}

/// The digit that makes the sum of alternately once and twice weighed digits a multiple of ten.
fn luhn(ten: &str) -> u32 {
    let weighed = ten.chars().filter_map(|c| c.to_digit(10)).enumerate().map(|(place, digit)| {
        let product = digit * if place % 2 == 0 { 1 } else { 2 };
        product / 10 + product % 10
    });
    (10 - weighed.sum::<u32>() % 10) % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_numbers_have_the_digit_that_is_computed() {
        for (ten, last) in [("4020057193", 9), ("0010000000", 9), ("0011391820", 5)] {
            assert_eq!(luhn(ten), last, "{ten}");
        }
    }
}
