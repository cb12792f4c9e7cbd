//! Changing a misread symbol, where the document itself says which one it must be.
//!
//! A symbol is changed only to what the reader itself thought second most likely, only in a field with a check digit that
//! failed, only if that digit and the composite digit then both hold, and only if no other such change would do. So
//! nothing is ever repaired on visas, which have no composite digit, nor in names, nationality, sex or free space.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::format::Field;
use super::{Checks, Mrz, NotMrz, Zone, parse};

/// One symbol as a reader saw it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Glyph {
    pub symbol: char,
    /// The reader's probability, 0 to 1.
    pub confidence: f32,
    /// What it would have taken otherwise.
    pub second: Option<char>,
}

/// A symbol that was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repair {
    /// The field that the symbol stands in, or whose check digit it is.
    pub field: Field,
    /// From zero, like the column.
    pub line: usize,
    pub column: usize,
    pub read: char,
    pub changed_to: char,
}

/// A field with the digit that guards it.
const GUARDED: [(Field, Field); 4] = [
    (Field::DocumentNumber, Field::DocumentNumberCheck),
    (Field::BirthDate, Field::BirthDateCheck),
    (Field::ExpiryDate, Field::ExpiryDateCheck),
    (Field::OptionalData, Field::OptionalDataCheck),
];

/// What the lines say, repaired where that is allowed and needed; otherwise exactly what [`parse`] says.
pub fn repair(lines: &[Vec<Glyph>], today: Date) -> Result<Mrz, NotMrz> {
    let texts: Vec<String> = lines.iter().map(|line| line.iter().map(|glyph| glyph.symbol).collect()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let as_read = parse(&texts, today)?;
    let zone = Zone::of(&texts)?;
    if as_read.checks.composite.is_none() || as_read.checks.all_pass() {
        return Ok(as_read);
    }
    let Some((mended, changes)) = only_way(&zone, lines, &as_read.checks) else { return Ok(as_read) };
    let texts = mended.lines();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    Ok(Mrz { repaired: changes, ..parse(&texts, today)? })
}

/// The zone with one change in each field whose digit fails, if there is exactly one way that makes all digits hold.
fn only_way(zone: &Zone, lines: &[Vec<Glyph>], checks: &Checks) -> Option<(Zone, Vec<Repair>)> {
    let failing: Vec<(Field, Field)> = GUARDED.into_iter().filter(|(field, _)| !holds(checks, *field)).collect();
    let mut ways = vec![(zone.clone(), Vec::new())];
    for (field, check) in failing {
        // Each field has at most 15 symbols, so four fields give at most a few thousand ways.
        let longer = ways.iter().flat_map(|(zone, changes)| {
            changed(zone, lines, field, check).map(move |(zone, change)| {
                let changes: Vec<Repair> = changes.iter().copied().chain([change]).collect();
                (zone, changes)
            })
        });
        ways = longer.collect();
    }
    let all_hold = |zone: &Zone| zone.checks(&zone.document_number()).all_pass();
    let mut ways = ways.into_iter().filter(|(zone, changes)| !changes.is_empty() && all_hold(zone));
    let way = ways.next()?;
    ways.next().is_none().then_some(way)
}

/// Every zone that differs in one symbol of this field or of its digit, and in which that digit holds.
fn changed(zone: &Zone, lines: &[Vec<Glyph>], field: Field, check: Field) -> impl Iterator<Item = (Zone, Repair)> {
    let spans = [field, check].into_iter().filter_map(|part| zone.format.span(part));
    let places = spans.flat_map(|span| (span.start..span.start + span.length).map(move |column| (span, column)));
    let candidates: Vec<_> = places
        .filter_map(|(span, column)| {
            let glyph = lines.get(span.line)?.get(column)?;
            let second = glyph.second.filter(|second| *second != glyph.symbol && span.field.alphabet().has(*second))?;
            let mut other = zone.clone();
            *other.symbols.get_mut(span.line)?.get_mut(column)? = second;
            let holds = holds(&other.checks(&other.document_number()), field);
            let repair = Repair { field, line: span.line, column, read: glyph.symbol, changed_to: second };
            holds.then_some((other, repair))
        })
        .collect();
    candidates.into_iter()
}

fn holds(checks: &Checks, field: Field) -> bool {
    match field {
        Field::DocumentNumber => checks.document_number.passes,
        Field::BirthDate => checks.birth_date.passes,
        Field::ExpiryDate => checks.expiry_date.passes,
        Field::OptionalData => checks.optional_data.is_none_or(|check| check.passes),
        _ => true,
    }
}
