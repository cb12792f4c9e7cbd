//! Printed phrases found in what was read, a few characters wrong or missing.
//!
//! Phrases are compared bare: no accents, marks or spaces, in upper case.

use super::read::alphabet::folded;
use super::read::{Glyph, Written};

/// Of the characters of a phrase one in this many may be wrong.
const CHARACTERS_PER_ERROR: usize = 5;

/// Where a phrase stands in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Of the line's characters, the first of the phrase and the first after it.
    pub start: usize,
    pub end: usize,
    pub errors: usize,
}

/// The best place of `phrase` (bare) in a line, if at most one character in five is wrong. Phrases of fewer than five
/// characters must be exact.
pub fn find(line: &Written, phrase: &str) -> Option<Found> {
    let places: Vec<(usize, char)> = bare_places(&line.glyphs);
    let phrase: Vec<char> = phrase.chars().collect();
    let most = phrase.len() / CHARACTERS_PER_ERROR;
    let (start, end, errors) = best_match(&places.iter().map(|(_, c)| *c).collect::<Vec<_>>(), &phrase)?;
    let first = places.get(start)?.0;
    let last = places.get(end.checked_sub(1)?)?.0;
    (errors <= most).then_some(Found { start: first, end: last + 1, errors })
}

/// The line's letters and digits, bare, each with its place.
fn bare_places(glyphs: &[Glyph]) -> Vec<(usize, char)> {
    let folded = glyphs.iter().enumerate().map(|(place, glyph)| (place, folded(glyph.char)));
    folded.filter(|(_, c)| c.is_ascii_alphanumeric()).collect()
}

/// The part of `text` with the smallest edit distance to `phrase` (P. Sellers, "The theory and computation of evolutionary
/// distances", 1980): first character, first after it, distance.
fn best_match(text: &[char], phrase: &[char]) -> Option<(usize, usize, usize)> {
    if phrase.is_empty() || text.is_empty() {
        return None;
    }
    // Per length of phrase: the distance, and where the match began. A match may begin anywhere at no cost.
    let mut before: Vec<(usize, usize)> = (0..=phrase.len()).map(|length| (length, 0)).collect();
    let mut best = before.last().map(|(errors, _)| (0, 0, *errors))?;
    for (at, c) in text.iter().enumerate() {
        let mut now = vec![(0, at + 1)];
        for ((wanted, diagonal), above) in phrase.iter().zip(&before).zip(before.iter().skip(1)) {
            let left = now.last().copied().unwrap_or((0, at));
            let changed = (diagonal.0 + usize::from(wanted != c), diagonal.1);
            let cheapest = [changed, (above.0 + 1, above.1), (left.0 + 1, left.1)].into_iter().min_by_key(|(e, _)| *e);
            now.extend(cheapest);
        }
        if let Some((errors, start)) = now.last()
            && *errors < best.2
        {
            best = (*start, at + 1, *errors);
        }
        before = now;
    }
    (best.1 > best.0).then_some(best)
}

/// Edit distance of two texts (V. Levenshtein, 1966).
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let cheapest = (diagonal + usize::from(x != *y)).min(left + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = cheapest;
            left = cheapest;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Written {
        let glyph = |char| Glyph { char, confidence: 0.9, second: None, at: 0.0 };
        Written::of(text.chars().map(glyph).collect())
    }

    #[test]
    fn a_phrase_is_found_with_errors_and_told_where() {
        let text = line("JUNTA CENTPAL ELECTORAL 2014");
        let found = find(&text, "JUNTACENTRALELECTORAL").unwrap();
        assert_eq!(found, Found { start: 0, end: 23, errors: 1 });
        let text = line("SEXO: M  SANGRE: O+");
        assert_eq!(find(&text, "SANGRE").map(|found| (found.start, found.end)), Some((9, 15)));
        assert_eq!(find(&text, "SEXO").map(|found| (found.start, found.end)), Some((0, 4)));
        assert_eq!(find(&line("SEX0 M"), "SEXO"), None, "four letters must be exact");
        assert_eq!(find(&line("Cédula de ldentidad"), "CEDULADEIDENTIDAD").map(|found| found.errors), Some(1));
        assert_eq!(find(&line("something else"), "CEDULADEIDENTIDAD"), None);
        assert_eq!(find(&line(""), "X"), None);
        assert_eq!(find(&line("X"), ""), None);
    }

    #[test]
    fn distances() {
        for (a, b, expected) in [("", "", 0), ("A", "", 1), ("KITTEN", "SITTING", 3), ("MARZO", "MARZ0", 1)] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
