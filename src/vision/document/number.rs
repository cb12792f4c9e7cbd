//! A cédula's number in printed text: `000-0000000-0`, read again as digits alone.

use super::fields;
use super::read::{Line, Written, alphabet};
use crate::domain::document::{Field, FieldName, Source};

/// Digits of a number, and where its dashes stand.
const DIGITS: usize = 11;
const DASHES: [usize; 2] = [3, 10];
/// Of the eleven so many are read as digits even where any letter may stand, and so few as letters.
const READ_DIGITS_MIN: usize = 8;
const READ_LETTERS_MAX: usize = 3;

/// Where digits stand in a number: with both dashes, with one of them (a dash is thin and goes missing first), with none.
const PATTERNS: [&[bool]; 4] = [
    &[true, true, true, false, true, true, true, true, true, true, true, false, true],
    &[true, true, true, false, true, true, true, true, true, true, true, true],
    &[true, true, true, true, true, true, true, true, true, true, false, true],
    &[true; DIGITS],
];

/// The number in a line, if there is one: three, seven and one digits parted by dashes, or eleven digits in a row.
pub fn find(line: &Line, name: FieldName) -> Option<Field> {
    // Read as digits alone, the letters of a word that look like digits would be taken for a number.
    if !is_numeric(&line.written) {
        return None;
    }
    let written = line.steps.read(alphabet::digits);
    let at = place(&written)?;
    Some(dashed(&written.part(at.0..at.1), name))
}

/// Whether the line as it stands is digits for the most part.
fn is_numeric(written: &Written) -> bool {
    let digits = written.glyphs.iter().filter(|glyph| glyph.char.is_ascii_digit()).count();
    let letters = written.glyphs.iter().filter(|glyph| glyph.char.is_alphabetic()).count();
    digits >= READ_DIGITS_MIN && letters <= READ_LETTERS_MAX
}

fn place(written: &Written) -> Option<(usize, usize)> {
    let is_digit: Vec<bool> = written.glyphs.iter().map(|glyph| glyph.char.is_ascii_digit()).collect();
    let runs = |pattern: &[bool]| is_digit.windows(pattern.len()).position(|window| window == pattern);
    let whole = |start: usize, length: usize| {
        let free = |at: Option<usize>| at.and_then(|at| is_digit.get(at)) != Some(&true);
        (free(start.checked_sub(1)) && free(Some(start + length))).then_some((start, start + length))
    };
    PATTERNS.iter().find_map(|pattern| runs(pattern).and_then(|start| whole(start, pattern.len())))
}

/// The field with dashes where they belong, whatever was read of them.
pub(super) fn dashed(written: &Written, name: FieldName) -> Field {
    let digits = Written::of(written.glyphs.iter().filter(|glyph| glyph.char.is_ascii_digit()).copied().collect());
    let mut field = fields::printed(name, &digits);
    field.value = with_dashes(&digits.text);
    for doubt in &mut field.doubtful {
        doubt.position += DASHES.iter().filter(|dash| doubt.position >= **dash).count();
    }
    field
}

/// Eleven digits as a cédula prints them.
pub fn with_dashes(digits: &str) -> String {
    let mut text = String::with_capacity(DIGITS + 2);
    for (at, digit) in digits.chars().enumerate() {
        if DASHES.contains(&at) {
            text.push('-');
        }
        text.push(digit);
    }
    text
}

/// A number from a source that holds its eleven digits bare.
pub fn bare(digits: &str, source: Source, confidence: f64) -> Option<Field> {
    let fits = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| Field {
        name: FieldName::Number,
        value: with_dashes(digits),
        confidence,
        source,
        doubtful: Vec::new(),
        repaired: false,
        checked: false,
    })
}
