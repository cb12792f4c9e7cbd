//! Values by the labels beside or above them.

use super::phrases::{self, Found};
use super::read::{Line, Written};
use crate::domain::document::FieldName;

/// What a label is called (bare), and what it labels.
pub type Label = (&'static str, FieldName);

/// A value under a label begins at most this far from where the label does, in heights of the label.
const INDENT_MAX: f64 = 2.5;
/// It stands at most this far below, in heights of the label, between the edges of the boxes.
const GAP_MAX: f64 = 1.6;

/// Values behind labels on one row: `SEXO: M  SANGRE: O+`. A value ends where the next label begins.
pub fn beside(row: &Written, labels: &[Label]) -> Vec<(FieldName, Written)> {
    let mut found: Vec<(Found, FieldName)> =
        labels.iter().filter_map(|(phrase, name)| Some((phrases::find(row, phrase)?, *name))).collect();
    found.retain(|(found, _)| is_whole(row, found));
    // Of labels that begin like each other the longer is the one that stands there.
    found.sort_by_key(|(found, _)| (found.start, std::cmp::Reverse(found.end)));
    found.dedup_by(|later, earlier| later.0.start < earlier.0.end);
    let ends: Vec<usize> = found.iter().map(|(found, _)| found.start).skip(1).chain([row.glyphs.len()]).collect();
    let values = found.iter().zip(ends).map(|((found, name), end)| (*name, row.part(found.end..end.max(found.end))));
    values.filter(|(_, value)| !value.text.trim_matches([':', ' ', '.']).is_empty()).collect()
}

/// Whether what was found begins and ends where words do: `IVÁN GREGORIO` holds no `SANGRE`.
fn is_whole(line: &Written, found: &Found) -> bool {
    let inside =
        |at: Option<usize>| at.and_then(|at| line.glyphs.get(at)).is_some_and(|glyph| glyph.char.is_alphanumeric());
    !inside(found.start.checked_sub(1)) && !inside(Some(found.end))
}

/// Whether the line is one of the labels and nothing more.
pub fn is_label(line: &Written, labels: &[Label]) -> bool {
    label_of(line, labels).is_some()
}

/// The label that the line is: found in it and all but filling it, or one of several in two languages.
pub fn label_of(line: &Written, labels: &[Label]) -> Option<FieldName> {
    let length = line.glyphs.iter().filter(|glyph| glyph.char.is_alphanumeric()).count();
    let fills = |phrase: &str| phrase.len() + 2 >= length || line.text.contains('/');
    let found = labels.iter().filter(|(phrase, _)| fills(phrase));
    let found = found.filter_map(|(phrase, name)| Some((phrases::find(line, phrase)?.errors, phrase.len(), *name)));
    found.min_by_key(|(errors, length, _)| (*errors, std::cmp::Reverse(*length))).map(|(_, _, name)| name)
}

/// Lines under each label, down to the next label or a gap.
pub fn under<'a>(lines: &'a [Line], labels: &[Label]) -> Vec<(FieldName, Vec<&'a Line>)> {
    let named: Vec<(usize, FieldName)> =
        lines.iter().enumerate().filter_map(|(index, line)| Some((index, label_of(&line.written, labels)?))).collect();
    let is_label = |index: usize| named.iter().any(|(other, _)| *other == index);
    let below = |label: &Line, size: f64| {
        let mut found: Option<&Line> = None;
        for (index, line) in lines.iter().enumerate() {
            let gap = line.place.top() - label.place.bottom();
            let fits = gap > -0.6 * size && gap < GAP_MAX * size && line.centre().y > label.centre().y + 0.5 * size;
            let aligned = (line.place.left() - label.place.left()).abs() < INDENT_MAX * size;
            if fits && aligned && found.is_none_or(|other| line.centre().y < other.centre().y) {
                if is_label(index) {
                    continue;
                }
                found = Some(line);
            }
        }
        found
    };
    let mut values = Vec::new();
    for (index, name) in &named {
        let Some(label) = lines.get(*index) else { continue };
        let Some(first) = below(label, label.place.height) else { continue };
        let mut value = vec![first];
        // Names and addresses may go on; the distance within a value is smaller than to the next label.
        while let Some(next) = value.last().and_then(|last| below(last, 0.5 * last.place.height))
            && value.len() < 3
        {
            value.push(next);
        }
        values.push((*name, value));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::evidence::Point;
    use crate::vision::document::read::{Glyph, Steps, TextBox};

    fn written(text: &str) -> Written {
        let glyph = |char| Glyph { char, confidence: 0.9, second: None, at: 0.0 };
        Written::of(text.chars().map(glyph).collect())
    }

    fn line(text: &str, x: f64, y: f64, height: f64) -> Line {
        let width = text.len() as f64 * height * 0.6;
        let place = TextBox { centre: Point { x: x + width / 2.0, y }, width, height, angle: 0.0, score: 0.9 };
        Line { place, written: written(text), steps: Steps::default() }
    }

    const LABELS: &[Label] = &[
        ("SEXO", FieldName::Sex),
        ("SANGRE", FieldName::BloodType),
        ("ESTADOCIVIL", FieldName::CivilStatus),
        ("APELLIDO", FieldName::Surnames),
        ("NOMBRE", FieldName::GivenNames),
    ];

    #[test]
    fn values_on_a_row_end_where_the_next_label_begins() {
        let values = beside(&written("SEXO: M  SANGRE: O+ ESTAD0 CIVIL: SOLTERO"), LABELS);
        let seen: Vec<(FieldName, &str)> =
            values.iter().map(|(name, value)| (*name, value.text.trim_matches([':', ' ']))).collect();
        let expected = [(FieldName::Sex, "M"), (FieldName::BloodType, "O+"), (FieldName::CivilStatus, "SOLTERO")];
        assert_eq!(seen, expected);
        assert!(beside(&written("nothing here"), LABELS).is_empty());
        assert!(beside(&written("IVÁN GREGORIO"), LABELS).is_empty());
    }

    #[test]
    fn values_stand_under_their_labels() {
        let lines = [
            line("Nombre", 100.0, 100.0, 10.0),
            line("MARIA", 102.0, 120.0, 16.0),
            line("KAREN", 102.0, 137.0, 16.0),
            line("Apellido", 100.0, 165.0, 10.0),
            line("PEREZ", 101.0, 185.0, 16.0),
            line("FAR AWAY", 400.0, 120.0, 16.0),
        ];
        let values = under(&lines, LABELS);
        let text = |value: &Vec<&Line>| value.iter().map(|line| line.text()).collect::<Vec<_>>().join(" ");
        let seen: Vec<(FieldName, String)> = values.iter().map(|(name, value)| (*name, text(value))).collect();
        assert_eq!(seen, [(FieldName::GivenNames, "MARIA KAREN".into()), (FieldName::Surnames, "PEREZ".into())]);
    }
}
