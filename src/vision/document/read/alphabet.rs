//! The alphabets in which lines are read, and what two spellings of one text share.

/// Maps the recogniser's characters to those that may stand in a line; `None` for what may not.
pub type Alphabet = fn(char) -> Option<char>;

/// What is printed on Dominican documents: ASCII, the accents and signs of Spanish. An accent of another language is taken
/// for the one that Spanish has.
pub fn spanish(c: char) -> Option<char> {
    Some(match c {
        ' '..='~'
        | 'Á'
        | 'É'
        | 'Í'
        | 'Ó'
        | 'Ú'
        | 'Ü'
        | 'Ñ'
        | 'á'
        | 'é'
        | 'í'
        | 'ó'
        | 'ú'
        | 'ü'
        | 'ñ'
        | 'º'
        | '°'
        | 'ª' => c,
        'À' | 'Â' | 'Ã' => 'Á',
        'È' | 'Ê' => 'É',
        'Ì' | 'Î' => 'Í',
        'Ò' | 'Ô' => 'Ó',
        'Ù' | 'Û' => 'Ú',
        'Ń' => 'Ñ',
        '–' | '—' => '-',
        _ => return None,
    })
}

/// Numbers with dashes. Letters that a printed digit is taken for count as that digit.
pub fn digits(c: char) -> Option<char> {
    Some(match c {
        '0'..='9' | '-' => c,
        'O' | 'o' | 'Q' | 'D' => '0',
        'I' | 'l' | '|' | 'i' => '1',
        'Z' | 'z' => '2',
        'S' | 's' => '5',
        'B' => '8',
        '–' | '—' | '_' | '~' => '-',
        _ => return None,
    })
}

/// The alphabet of machine-readable zones (ICAO Doc 9303, part 3).
pub fn mrz(c: char) -> Option<char> {
    match c {
        '0'..='9' | 'A'..='Z' | '<' => Some(c),
        'a'..='z' => Some(c.to_ascii_uppercase()),
        '«' | '(' | '[' | '{' => Some('<'),
        _ => None,
    }
}

/// A letter without its accent, in upper case; what is no letter stays.
pub fn folded(c: char) -> char {
    match c {
        'Á' | 'À' | 'Â' | 'Ä' | 'Ã' | 'Å' | 'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' => 'A',
        'É' | 'È' | 'Ê' | 'Ë' | 'é' | 'è' | 'ê' | 'ë' => 'E',
        'Í' | 'Ì' | 'Î' | 'Ï' | 'í' | 'ì' | 'î' | 'ï' => 'I',
        'Ó' | 'Ò' | 'Ô' | 'Ö' | 'Õ' | 'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'O',
        'Ú' | 'Ù' | 'Û' | 'Ü' | 'ú' | 'ù' | 'û' | 'ü' => 'U',
        'Ñ' | 'ñ' => 'N',
        'Ç' | 'ç' => 'C',
        other => other.to_ascii_uppercase(),
    }
}

/// The letters and digits of a text, folded; what two spellings of one phrase share.
pub fn bare(text: &str) -> String {
    text.chars().map(folded).filter(|c| c.is_ascii_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_compared_without_accents_and_marks() {
        assert_eq!(bare("Cédula de Identidad"), "CEDULADEIDENTIDAD");
        assert_eq!(bare("PEÑA-Núñez, 7º"), "PENANUNEZ7");
    }
}
