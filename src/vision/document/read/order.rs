//! Reading order: pieces that stand side by side are one row, rows go from top to bottom.

use super::Line;

/// Pieces whose middles are nearer than this, in heights of the lower one, stand on one row.
const ROW_SHARE: f64 = 0.6;

/// Rows of lines, each from left to right.
pub fn rows<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Vec<Vec<&'a Line>> {
    let mut sorted: Vec<&Line> = lines.into_iter().collect();
    sorted.sort_by(|a, b| a.centre().y.total_cmp(&b.centre().y));
    let mut rows: Vec<Vec<&Line>> = Vec::new();
    for line in sorted {
        let beside = |other: &&Line| {
            (line.centre().y - other.centre().y).abs() < ROW_SHARE * line.place.height.min(other.place.height)
        };
        match rows.last_mut() {
            Some(row) if row.last().is_some_and(beside) => row.push(line),
            _ => rows.push(vec![line]),
        }
    }
    for row in &mut rows {
        row.sort_by(|a, b| a.place.left().total_cmp(&b.place.left()));
    }
    rows
}
