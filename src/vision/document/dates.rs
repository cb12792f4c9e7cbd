//! Dates as they are printed: `05 MARZO 1994`, `05 MAR 1994`, `05-03-1994`.

use super::phrases::distance;
use super::read::alphabet::folded;
use super::read::{Glyph, Written};

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
/// As passports shorten them in English, where that differs from the Spanish.
const ENGLISH: [(&str, u32); 4] = [("JAN", 1), ("APR", 4), ("AUG", 8), ("DEC", 12)];

/// A date and how sure its least sure character is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Printed {
    pub year: u32,
    pub month: u32,
    pub day: u32,
    pub confidence: f64,
}

impl Printed {
    pub fn iso(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// The first date in the text that the calendar knows.
pub fn find(line: &Written) -> Option<Printed> {
    let words = words(&line.glyphs);
    let dates = words.windows(3).filter_map(|three| {
        let [day, month, year] = three else { return None };
        let (day_number, year_number) = (number(day, 1..=2)?, number(year, 4..=4)?);
        let (month_number, month_confidence) = month_of(month)?;
        let confidence = least(day).min(month_confidence).min(least(year));
        let date = Printed { year: year_number, month: month_number, day: day_number, confidence };
        exists(&date).then_some(date)
    });
    dates.into_iter().next()
}

/// Runs of digits and runs of letters.
fn words(glyphs: &[Glyph]) -> Vec<&[Glyph]> {
    let kind = |glyph: &Glyph| (glyph.char.is_ascii_digit(), folded(glyph.char).is_ascii_alphabetic());
    let runs = glyphs.chunk_by(|a, b| kind(a) == kind(b));
    runs.filter(|run| run.first().is_some_and(|glyph| kind(glyph) != (false, false))).collect()
}

fn number(word: &[Glyph], digits: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let text: String = word.iter().map(|glyph| glyph.char).collect();
    digits.contains(&text.len()).then(|| text.parse().ok()).flatten()
}

fn least(word: &[Glyph]) -> f64 {
    word.iter().map(|glyph| glyph.confidence).fold(1.0, f64::min)
}

/// A month by number or name, and how sure it is: a name's letters support each other, so their mean counts.
fn month_of(word: &[Glyph]) -> Option<(u32, f64)> {
    if let Some(month) = number(word, 2..=2) {
        return Some((month, least(word)));
    }
    let text: String = word.iter().map(|glyph| folded(glyph.char)).collect();
    let mean = word.iter().map(|glyph| glyph.confidence).sum::<f64>() / word.len().max(1) as f64;
    let named = |month: u32| Some((month, mean));
    if text.len() == 3 {
        let short = MONTHS.iter().zip(1..).find(|(name, _)| name.starts_with(&text));
        return short
            .map(|(_, month)| month)
            .or(ENGLISH.iter().find(|(name, _)| *name == text).map(|e| e.1))
            .and_then(named);
    }
    let mut ranked: Vec<(usize, u32)> =
        MONTHS.iter().zip(1..).map(|(name, month)| (distance(&text, name), month)).collect();
    ranked.sort_unstable();
    match ranked.as_slice() {
        // JUNIO and JULIO are one letter apart: the nearest must be alone.
        [(errors, month), (next, _), ..] if errors < next && *errors <= text.len() / 4 => named(*month),
        _ => None,
    }
}

fn exists(date: &Printed) -> bool {
    let leap = date.year.is_multiple_of(4) && (!date.year.is_multiple_of(100) || date.year.is_multiple_of(400));
    let days = match date.month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&date.day) && (1800..=2200).contains(&date.year)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let glyph = |char| Glyph { char, confidence: 0.9, second: None, at: 0.0 };
        find(&Written::of(text.chars().map(glyph).collect())).map(|date| date.iso())
    }

    #[test]
    fn dates_are_read_as_they_are_printed() {
        for text in ["05 MARZO 1994", "05MARZO1994", "5 mar 1994", "Vigencia hasta 05-03-1994", "05 MARZ0 1994x"] {
            let expected =
                if text.contains('0') && text.contains("MARZ0") { None } else { Some("1994-03-05".to_owned()) };
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(read("31 AGO 2031 12 DIC 2040"), Some("2031-08-31".to_owned()));
        assert_eq!(read("12 AUG 2031"), Some("2031-08-12".to_owned()));
        assert_eq!(read("01 SEPTIEMBPE 2001"), Some("2001-09-01".to_owned()));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "31 FEBRERO 2001", "29-02-2001", "12 JUIO 2001", "12 XYZ 2001", "1 2 3", "40 ENERO 2000"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read("29-02-2000"), Some("2000-02-29".to_owned()));
    }
}
