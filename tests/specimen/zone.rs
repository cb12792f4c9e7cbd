//! Machine-readable zones as they are printed (ICAO Doc 9303, parts 3 to 5). Written apart from the product's own, so that
//! the truth does not share its mistakes.

use crate::people::Person;

/// Three lines of thirty; the cédula's number stands where the model has it.
pub fn cedula_2026(person: &Person) -> Vec<String> {
    let (head, tail) = person.serial.split_at(9);
    let optional = format!("<{tail}{}<{}<", digit(&person.serial), person.cedula_digits());
    card(person, head, &optional)
}

/// The eleven digits as a long document number: nine, a filler, the other two with the check digit of all eleven.
pub fn cedula_2014(person: &Person) -> Vec<String> {
    let number = person.cedula_digits();
    let (head, tail) = number.split_at(9);
    card(person, head, &format!("<{tail}{}", digit(&number)))
}

fn card(person: &Person, number: &str, rest: &str) -> Vec<String> {
    let first = filled(&format!("IDDOM{number}{rest}"), 30);
    let (birth, expiry) = (checked(&person.birth.short()), checked(&person.expiry.short()));
    let composite = digit(&format!("{}{birth}{expiry}{}", &first[5..], "<".repeat(11)));
    let second = format!("{birth}{}{expiry}DOM{}{composite}", person.sex, "<".repeat(11));
    vec![first, second, names(person, 30)]
}

/// Two lines of forty-four.
pub fn passport(person: &Person, number: &str, state: &str) -> Vec<String> {
    let number = checked(&filled(number, 9));
    let (birth, expiry) = (checked(&person.birth.short()), checked(&person.expiry.short()));
    let personal = if state == "DOM" { person.cedula_digits() } else { String::new() };
    let personal = checked(&filled(&personal, 14));
    let composite = digit(&format!("{number}{birth}{expiry}{personal}"));
    let second = format!("{number}{state}{birth}{}{expiry}{personal}{composite}", person.sex);
    vec![format!("P<{state}{}", names(person, 39)), second]
}

/// Surnames, two fillers, given names; what does not fit is cut.
fn names(person: &Person, length: usize) -> String {
    let part = |names: String| names.chars().map(transliterate).collect::<String>();
    filled(&format!("{}<<{}", part(person.surname_line()), part(person.given_names())), length)
}

/// Doc 9303 part 3, section 6: Ñ is N and Ü is UE or UXX or U; issuers of Spanish names print U.
fn transliterate(letter: char) -> char {
    match letter {
        'Á' => 'A',
        'É' => 'E',
        'Í' => 'I',
        'Ó' => 'O',
        'Ú' | 'Ü' => 'U',
        'Ñ' => 'N',
        'A'..='Z' => letter,
        _ => '<',
    }
}

fn filled(text: &str, length: usize) -> String {
    let fillers = std::iter::repeat('<');
    text.chars().chain(fillers).take(length).collect()
}

fn checked(text: &str) -> String {
    format!("{text}{}", digit(text))
}

/// Weights 7, 3, 1; letters count from ten, fillers are zero.
fn digit(text: &str) -> u32 {
    let value = |c: char| c.to_digit(36).unwrap_or(0);
    let weighed = text.chars().zip([7, 3, 1].into_iter().cycle()).map(|(c, weight)| value(c) * weight);
    weighed.sum::<u32>() % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specimen of Doc 9303 part 4: number, birth, expiry and personal number with their digits.
    #[test]
    fn the_published_specimen_has_the_digits_that_are_computed() {
        for (text, expected) in [("L898902C3", 6), ("740812", 2), ("120415", 9), ("ZE184226B<<<<<", 1)] {
            assert_eq!(digit(text), expected, "{text}");
        }
        assert_eq!(digit("L898902C3674081221204159ZE184226B<<<<<1"), 0);
    }
}
