//! From text to fields.

use super::read::{Glyph, Written};
use crate::domain::document::{Doubt, Field, FieldName, Source};

/// A character below it is reported as doubtful.
const DOUBT_BELOW: f64 = 0.9;

/// A field of printed text, as it was read.
pub fn printed(name: FieldName, written: &Written) -> Field {
    let glyphs = trimmed(&written.glyphs);
    let written = Written::of(glyphs.to_vec());
    Field {
        name,
        confidence: written.confidence(),
        doubtful: doubts(&written.glyphs),
        value: written.text,
        source: Source::Viz,
        repaired: false,
        checked: false,
    }
}

/// A value that was understood rather than copied: a date, a sex.
pub fn understood(name: FieldName, value: String, confidence: f64) -> Field {
    Field { name, value, confidence, source: Source::Viz, doubtful: Vec::new(), repaired: false, checked: false }
}

/// Several pieces as one text, with a space between them.
pub fn joined<'a>(pieces: impl IntoIterator<Item = &'a Written>) -> Written {
    let mut glyphs: Vec<Glyph> = Vec::new();
    for piece in pieces {
        if !glyphs.is_empty() && !piece.glyphs.is_empty() {
            glyphs.push(Glyph { char: ' ', confidence: 1.0, second: None, at: 0.0 });
        }
        glyphs.extend(piece.glyphs.iter().copied());
    }
    Written::of(glyphs)
}

fn doubts(glyphs: &[Glyph]) -> Vec<Doubt> {
    let doubtful = glyphs.iter().enumerate().filter(|(_, glyph)| glyph.confidence < DOUBT_BELOW);
    doubtful
        .map(|(position, glyph)| Doubt {
            position,
            read: glyph.char,
            confidence: glyph.confidence,
            perhaps: glyph.second.map(|(char, _)| char),
        })
        .collect()
}

/// Without the marks and spaces that stand around a value.
fn trimmed(glyphs: &[Glyph]) -> &[Glyph] {
    let is_around = |glyph: &Glyph| matches!(glyph.char, ' ' | ':' | '.' | ',' | ';' | '-' | '_' | '|' | '\'' | '`');
    let start = glyphs.iter().position(|glyph| !is_around(glyph)).unwrap_or(glyphs.len());
    let end = glyphs.iter().rposition(|glyph| !is_around(glyph)).map_or(start, |last| last + 1);
    glyphs.get(start..end).unwrap_or_default()
}
