//! A second reader's word on what no check digit guards: names, states and the sex.

use serde::{Deserialize, Serialize};

use super::Mrz;
use super::format::{FILLER, Field};
use super::repair::Glyph;

/// Fields that may be misread with every check digit holding.
pub const UNGUARDED: [Field; 5] =
    [Field::DocumentCode, Field::IssuingState, Field::Names, Field::Nationality, Field::Sex];

/// Whether two readers of the same lines saw the same in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Agreement {
    Same,
    Different,
    /// The second reader's line has another length, so nothing says where its field stands.
    NotCompared,
}

/// What `second`, the same lines as another reader saw them, says of a field.
///
/// A reader counts the fillers of a long run wrongly more often than it misreads a letter; so a line too long or too
/// short is compared only in the fields at its beginning and in the names, up to the fillers at their end.
pub fn agreement(mrz: &Mrz, second: &[Vec<Glyph>], field: Field) -> Agreement {
    let lines = mrz.format.span(field).and_then(|span| Some((span, mrz.lines.get(span.line)?, second.get(span.line)?)));
    let Some((span, ours, theirs)) = lines else { return Agreement::NotCompared };
    let ours: Vec<char> = ours.chars().collect();
    let theirs: Vec<char> = theirs.iter().map(|glyph| glyph.symbol).collect();
    let is_last = span.start + span.length == ours.len();
    // Document code and issuing state begin the first line; before the names stands nothing but they.
    let near_the_beginning = span.line == 0 && span.start + span.length <= 5 || field == Field::Names;
    if ours.len() != theirs.len() && !near_the_beginning {
        return Agreement::NotCompared;
    }
    let text = |line: &[char]| {
        // The last field of a line goes on to wherever that line ends.
        let length = if is_last { usize::MAX } else { span.length };
        let text: String = line.iter().skip(span.start).take(length).collect();
        text.trim_end_matches(FILLER).to_owned()
    };
    if text(&ours) == text(&theirs) { Agreement::Same } else { Agreement::Different }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vision::document::mrz::parse;

    const LINES: [&str; 2] =
        ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"];

    fn says(lines: [&str; 2], field: Field) -> Agreement {
        let mrz = parse(&LINES, "2026-11-25".parse().unwrap()).unwrap();
        let glyph = |symbol| Glyph { symbol, confidence: 0.9, second: None };
        let second = lines.map(|line| line.chars().map(glyph).collect::<Vec<_>>());
        agreement(&mrz, &second, field)
    }

    #[test]
    fn the_same_lines_agree_and_another_letter_does_not() {
        for field in UNGUARDED {
            assert_eq!(says(LINES, field), Agreement::Same, "{field:?}");
        }
        let other = [LINES[0].replace("ANNA", "AMNA"), LINES[1].replace("UTO", "U7O")];
        let other = [other[0].as_str(), other[1].as_str()];
        assert_eq!(says(other, Field::Names), Agreement::Different);
        assert_eq!(says(other, Field::Nationality), Agreement::Different);
        assert_eq!(says(other, Field::IssuingState), Agreement::Same);
    }

    #[test]
    fn a_miscounted_run_of_fillers_does_not_keep_names_from_being_compared() {
        let short = [LINES[0].trim_end_matches("<<<"), &LINES[1][1..]];
        assert_eq!(says(short, Field::Names), Agreement::Same);
        assert_eq!(says(short, Field::IssuingState), Agreement::Same);
        assert_eq!(says(short, Field::Nationality), Agreement::NotCompared);
        let cut = ["P<UTOERIKSSON<<ANNA<MARI<<", LINES[1]];
        assert_eq!(says(cut, Field::Names), Agreement::Different);
        assert_eq!(says(["", ""], Field::Names), Agreement::Different);
    }
}
