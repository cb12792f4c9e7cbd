//! How well lines of machine-readable zones are read, each from its picture, by both readers on the same pictures.
//!
//! Nothing but the picture is given to a reader: not the line's length, not its place in a zone. Nothing is repaired.

use std::path::Path;

use serde::Serialize;

use super::EvaluateError;
use crate::clock::Stopwatch;
use crate::vision::Engine;
use crate::vision::document::mrz::{Glyph, read};
use crate::vision::image;

/// A picture's file name and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub file: String,
    pub text: String,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    pub lines: usize,
    /// The reader of our own.
    pub mrz_reader: Measured,
    /// The general reader, restricted to a zone's symbols.
    pub text_reader: Measured,
}

#[derive(Debug, Default, Serialize)]
pub struct Measured {
    /// Lines without any error.
    pub exact: usize,
    /// Symbols to insert, remove or replace, of all that there are.
    pub wrong_symbols: usize,
    pub symbols: usize,
    pub milliseconds: f64,
    /// What was read, in the order of the list.
    pub read: Vec<String>,
}

impl Measured {
    pub fn exact_share(&self) -> f64 {
        self.exact as f64 / self.read.len().max(1) as f64
    }

    pub fn symbol_error_rate(&self) -> f64 {
        self.wrong_symbols as f64 / self.symbols.max(1) as f64
    }

    fn add(&mut self, truth: &str, read: &[Glyph], milliseconds: f64) {
        let read: String = read.iter().map(|glyph| glyph.symbol).collect();
        self.exact += usize::from(read == truth);
        self.wrong_symbols += distance(&read, truth);
        self.symbols += truth.chars().count();
        self.milliseconds += milliseconds;
        self.read.push(read);
    }
}

/// Reads the list: a CSV file with the columns `file,text`. Names are plain file names, so that no list reaches outside
/// the folder.
pub fn parse(text: &str) -> Result<Vec<Line>, EvaluateError> {
    let wrong = |what: String| EvaluateError::List(what);
    let mut rows = text.lines().map(str::trim).filter(|line| !line.is_empty());
    if rows.next() != Some("file,text") {
        return Err(wrong("the first line is not file,text".into()));
    }
    let line = |row: &str| {
        let (file, text) = row.split_once(',')?;
        let plain = !file.is_empty() && !file.contains(['/', '\\']) && file != "..";
        (plain && !text.is_empty()).then(|| Line { file: file.to_owned(), text: text.to_owned() })
    };
    rows.enumerate()
        .map(|(index, row)| line(row).ok_or_else(|| wrong(format!("entry {} is no line", index + 1))))
        .collect()
}

/// Reads every line with both. `progress` is told after each how many are done and how many there are.
pub fn run(
    engine: &Engine,
    lines: &[Line],
    images: &Path,
    progress: &dyn Fn(usize, usize),
) -> Result<Report, EvaluateError> {
    let networks = engine.networks();
    let mut report = Report { lines: lines.len(), mrz_reader: Measured::default(), text_reader: Measured::default() };
    for (index, line) in lines.iter().enumerate() {
        let path = images.join(&line.file);
        let unreadable = |error| EvaluateError::Read { file: path.display().to_string(), error };
        let bytes = std::fs::read(&path).map_err(unreadable)?;
        let picture = image::decode(&bytes).map_err(|_| unreadable(std::io::ErrorKind::InvalidData.into()))?.pixels;
        let step = Stopwatch::start();
        let ours = read::line(&networks.mrz_reader, &picture).map_err(|_| EvaluateError::Engine)?;
        report.mrz_reader.add(&line.text, &ours, step.elapsed_ms());
        let step = Stopwatch::start();
        let general = read::line_by_text_reader(&networks.text_reader, &networks.alphabet, &picture);
        report.text_reader.add(&line.text, &general.map_err(|_| EvaluateError::Engine)?, step.elapsed_ms());
        progress(index + 1, lines.len());
    }
    Ok(report)
}

/// Levenshtein's distance: how many symbols to insert, remove or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (count, symbol) in a.chars().enumerate() {
        let mut next = vec![count + 1];
        for ((other, pair), left) in b.iter().zip(row.windows(2)).zip(0..) {
            let [diagonal, above] = pair else { continue };
            let left = next.get(left).copied().unwrap_or(usize::MAX - 1);
            next.push((diagonal + usize::from(symbol != *other)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_and_what_is_no_list_is_refused() {
        let list = parse("file,text\na.png,P<DOM\r\n\nb.png,0123\n").unwrap();
        assert_eq!(list, [("a.png", "P<DOM"), ("b.png", "0123")].map(|(f, t)| Line { file: f.into(), text: t.into() }));
        for wrong in ["", "file", "file,text\na.png", "file,text\n../a.png,X", "file,text\na.png,", "file,text\n,X"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn distances_count_the_least_changes() {
        for (a, b, apart) in [("", "", 0), ("ABC", "ABC", 0), ("", "ABC", 3), ("ABC", "", 3), ("ABC", "AXC", 1)] {
            assert_eq!(distance(a, b), apart);
        }
        assert_eq!(distance("KITTEN", "SITTING"), 3);
        assert_eq!(distance("<<<A", "<<A"), 1);
    }
}
