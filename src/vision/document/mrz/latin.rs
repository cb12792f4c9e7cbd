//! How Latin letters are spelled with the twenty-six of the zone: ICAO Doc 9303-3, section 6, table A.

/// The spellings of a printed letter, the usual one first; none for what is no Latin letter.
///
/// Where Doc 9303 lets the issuer choose, all choices are here. For the umlauts the plain letter stands first, which is
/// what states of the Spanish language print; for Ñ it is `N`.
pub fn spellings(letter: char) -> &'static [&'static str] {
    // The capital of ß is two letters; all others have one.
    let capital = if letter == 'ß' { 'ẞ' } else { letter.to_uppercase().next().unwrap_or(letter) };
    match capital {
        'A' | 'À' | 'Á' | 'Â' | 'Ã' | 'Ā' | 'Ă' | 'Ą' => &["A"],
        'Ä' => &["A", "AE"],
        'Å' => &["A", "AA"],
        'Æ' => &["AE"],
        'B' => &["B"],
        'C' | 'Ç' | 'Ć' | 'Ĉ' | 'Ċ' | 'Č' => &["C"],
        'D' | 'Ð' | 'Ď' | 'Đ' => &["D"],
        'E' | 'È' | 'É' | 'Ê' | 'Ë' | 'Ē' | 'Ĕ' | 'Ė' | 'Ę' | 'Ě' => &["E"],
        'F' => &["F"],
        'G' | 'Ĝ' | 'Ğ' | 'Ġ' | 'Ģ' => &["G"],
        'H' | 'Ĥ' | 'Ħ' => &["H"],
        'I' | 'Ì' | 'Í' | 'Î' | 'Ï' | 'Ĩ' | 'Ī' | 'Ĭ' | 'Į' | 'İ' => &["I"],
        'Ĳ' => &["IJ"],
        'J' | 'Ĵ' => &["J"],
        'K' | 'Ķ' => &["K"],
        'L' | 'Ĺ' | 'Ļ' | 'Ľ' | 'Ŀ' | 'Ł' => &["L"],
        'M' => &["M"],
        'N' | 'Ń' | 'Ņ' | 'Ň' | 'Ŋ' => &["N"],
        'Ñ' => &["N", "NXX"],
        'O' | 'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ō' | 'Ŏ' | 'Ő' => &["O"],
        'Ö' => &["O", "OE"],
        'Ø' | 'Œ' => &["OE"],
        'P' => &["P"],
        'Q' => &["Q"],
        'R' | 'Ŕ' | 'Ŗ' | 'Ř' => &["R"],
        'S' | 'Ś' | 'Ŝ' | 'Ş' | 'Š' | 'Ș' => &["S"],
        'ẞ' => &["SS"],
        'T' | 'Ţ' | 'Ť' | 'Ŧ' | 'Ț' => &["T"],
        'Þ' => &["TH"],
        'U' | 'Ù' | 'Ú' | 'Û' | 'Ũ' | 'Ū' | 'Ŭ' | 'Ů' | 'Ű' | 'Ų' => &["U"],
        'Ü' => &["U", "UE", "UXX"],
        'V' => &["V"],
        'W' | 'Ŵ' => &["W"],
        'X' => &["X"],
        'Y' | 'Ý' | 'Ŷ' | 'Ÿ' => &["Y"],
        'Z' | 'Ź' | 'Ż' | 'Ž' => &["Z"],
        _ => &[],
    }
}

/// The words of a printed name: parted by spaces, hyphens, commas and the like; apostrophes, full stops and accents that
/// stand alone part nothing and vanish.
pub fn words(printed: &str) -> Vec<String> {
    let parts = |c: char| c.is_whitespace() || matches!(c, '-' | ',' | '/' | '<' | '‐' | '–' | '—');
    let letters = |word: &str| word.chars().filter(|c| !spellings(*c).is_empty()).collect::<String>();
    printed.split(parts).map(letters).filter(|word| !word.is_empty()).collect()
}
