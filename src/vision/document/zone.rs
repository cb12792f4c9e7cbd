//! The machine-readable zone on a document: which lines it is, read symbol by symbol and understood.

use image::{RgbImage, imageops};
use jiff::civil::Date;

use super::mrz::{self, Format, Glyph, Mrz};
use super::read::{Line, TextBox, Written, alphabet, order};
use crate::domain::evidence::Point;
use crate::vision::nets::{Net, NetError};

/// A line of the zone runs across at least this share of the document.
const WIDTH_SHARE_MIN: f64 = 0.55;
/// A shorter line is none: TD1's have thirty symbols.
const SYMBOLS_MIN: usize = 24;
/// Lines of one zone have like heights, and stand nearer than this many heights.
const HEIGHT_RATIO_MAX: f64 = 1.6;
const PITCH_MAX: f64 = 3.6;
/// A field that two readers read differently and that no check digit guards is at most this sure.
const DIFFERING_MAX: f64 = 0.6;
/// Of what is no zone, or cannot be read, one digit in ten holds by chance.
const HOLDING_MIN: usize = 2;
/// A passport's lines are read with at least so many of their symbols.
const LONG_MIN: usize = 38;
/// Symbols in a line of each format.
const LENGTHS: [(usize, usize); 3] = [(30, 3), (44, 2), (36, 2)];

/// A row that may belong to a zone.
#[derive(Clone, Debug)]
pub struct Row {
    pub place: TextBox,
    pub written: Written,
}

/// The lowest rows that look like a zone, from top to bottom; empty if there is none.
pub fn rows(lines: &[Line], width: u32) -> Vec<Row> {
    let level = lines.iter().filter(|line| !line.place.is_upright());
    let candidates: Vec<Row> = order::rows(level).iter().filter_map(|row| candidate(row, f64::from(width))).collect();
    let mut zone: Vec<Row> = Vec::new();
    for row in candidates.into_iter().rev() {
        let belongs = zone.last().is_none_or(|below| {
            let ratio = row.place.height / below.place.height;
            let gap = below.place.centre.y - row.place.centre.y;
            (1.0 / HEIGHT_RATIO_MAX..HEIGHT_RATIO_MAX).contains(&ratio) && gap < PITCH_MAX * below.place.height
        });
        if !belongs || zone.len() == 3 {
            break;
        }
        zone.push(row);
    }
    zone.reverse();
    zone
}

/// The pieces that look like parts of a zone's line, as one.
fn candidate(row: &[&Line], width: f64) -> Option<Row> {
    let pieces: Vec<(&Line, Written)> = row
        .iter()
        .map(|line| (*line, line.steps.read(alphabet::mrz)))
        .filter(|(line, read)| is_piece(line, read))
        .collect();
    let count: usize = pieces.iter().map(|(_, read)| read.glyphs.len()).sum();
    let has_filler = pieces.iter().any(|(_, read)| read.text.contains('<'));
    let (first, _) = pieces.first()?;
    let left = pieces.iter().map(|(line, _)| line.place.left()).fold(f64::INFINITY, f64::min);
    let right = pieces.iter().map(|(line, _)| line.place.right()).fold(0.0, f64::max);
    let fits = count >= SYMBOLS_MIN && has_filler && right - left >= WIDTH_SHARE_MIN * width;
    let longest = pieces.iter().map(|(line, _)| line).max_by(|a, b| a.place.width.total_cmp(&b.place.width))?;
    let middle = f64::midpoint(left, right);
    // On the longest piece's line, at the middle of them all.
    let y = longest.centre().y + (middle - longest.centre().x) * longest.place.angle.tan();
    let place = TextBox { centre: Point { x: middle, y }, width: right - left, ..longest.place };
    let place = if pieces.len() == 1 { first.place } else { place };
    let glyphs = pieces.into_iter().flat_map(|(_, read)| read.glyphs).collect();
    fits.then(|| Row { place, written: Written::of(glyphs) })
}

/// Almost every character of it has a place in a zone's alphabet.
fn is_piece(line: &Line, read: &Written) -> bool {
    let printed = line.written.glyphs.iter().filter(|glyph| glyph.char != ' ').count();
    read.glyphs.len() * 10 >= printed * 8 && !line.written.text.contains(['a', 'e', 'o', 'í', 'ó'])
}

/// A zone and the symbols that it was understood from.
#[derive(Clone, Debug)]
pub struct Understood {
    pub mrz: Mrz,
    pub symbols: Vec<Vec<Glyph>>,
    /// The same lines as another reader saw them.
    pub second: Option<Vec<Vec<Glyph>>>,
}

/// What the rows say, if they are a zone: one format's number of lines, each near its length. Read by the net made for such
/// lines; the general reader, which has read them already, is the second opinion, and the first where it alone can be
/// understood.
pub fn understand(net: &Net, picture: &RgbImage, rows: &[Row], today: Date) -> Result<Option<Understood>, NetError> {
    let mut best: Option<Understood> = None;
    for (length, count) in LENGTHS {
        let Some(lines) = rows.len().checked_sub(count).and_then(|first| rows.get(first..)) else { continue };
        let near = |row: &Row| row.written.glyphs.len().abs_diff(length) <= length / 4;
        if !lines.iter().all(near) {
            continue;
        }
        let cut: Vec<RgbImage> = lines.iter().map(|row| cut_out(picture, &row.place)).collect();
        let ours: Result<Vec<_>, _> = cut.iter().map(|line| mrz::read::line_of(net, line, length)).collect();
        let second: Option<Vec<Vec<Glyph>>> = lines.iter().map(|row| fit(&row.written, length)).collect();
        for (symbols, other) in [(Some(ours?), second.clone()), (second, None)] {
            let symbols = symbols.filter(|lines| lines.iter().all(|line| line.len() == length));
            let Some(symbols) = symbols.map(|lines| in_place(lines, count, length)) else { continue };
            let Ok(mrz) = mrz::repair(&symbols, today) else { continue };
            let read = Understood { mrz, symbols, second: other };
            if best.as_ref().is_none_or(|best| standing(&read.mrz) > standing(&best.mrz)) {
                best = Some(read);
            }
        }
    }
    Ok(best.filter(|read| holding(&read.mrz) >= HOLDING_MIN))
}

/// The line's picture, with what the text detector leaves at its ends.
fn cut_out(picture: &RgbImage, place: &TextBox) -> RgbImage {
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    let (left, top) = (place.left().clamp(0.0, width - 1.0), place.top().clamp(0.0, height - 1.0));
    let (right, bottom) = (place.right().clamp(left + 1.0, width), place.bottom().clamp(top + 1.0, height));
    imageops::crop_imm(picture, left as u32, top as u32, (right - left) as u32, (bottom - top) as u32).to_image()
}

/// What the rows look like where they cannot be understood: three that begin as a Dominican card's, or two that begin as a
/// passport's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    DominicanCard,
    Passport,
}

pub fn likeness(rows: &[Row]) -> Option<Likeness> {
    let first = rows.first()?.written.text.chars();
    like(rows.len(), first, rows.iter().all(|row| row.written.glyphs.len() >= LONG_MIN))
}

/// The same of lines whose symbols were read one by one.
pub(super) fn likeness_of(lines: &[Vec<Glyph>]) -> Option<Likeness> {
    let first = lines.first()?.iter().map(|glyph| glyph.symbol);
    like(lines.len(), first, lines.iter().all(|line| line.len() >= LONG_MIN))
}

/// Lines of a zone's length of which too little is read for that: most of the first letters are those of a Dominican card, or a
/// passport's first two are not both others. Says something only beside other evidence.
pub(super) fn faintly_like(lines: &[Vec<Glyph>]) -> Option<Likeness> {
    let first: String = lines.first()?.iter().map(|glyph| coarse(glyph.symbol)).take(5).collect();
    let alike = |wanted: &str| wanted.chars().zip(first.chars()).filter(|(a, b)| a == b).count();
    match lines.len() {
        3 if alike("IOOOM") >= 3 => Some(Likeness::DominicanCard),
        2 if alike("P<") >= 1 => Some(Likeness::Passport),
        _ => None,
    }
}

fn like(lines: usize, first: impl Iterator<Item = char>, long: bool) -> Option<Likeness> {
    let first: String = first.map(coarse).take(5).collect();
    match lines {
        3 if first == "IOOOM" => Some(Likeness::DominicanCard),
        2 if long && first.starts_with("P<") => Some(Likeness::Passport),
        _ => None,
    }
}

/// Symbols that blur together as one: `IDDOM` becomes `IOOOM`.
fn coarse(symbol: char) -> char {
    match symbol {
        '0' | 'D' | 'Q' => 'O',
        '1' | 'L' | 'T' => 'I',
        other => other,
    }
}

impl Understood {
    /// The least sure symbol's confidence in these fields; less where no check digit guards one and the readers differ.
    pub fn confidence(&self, fields: &[mrz::Field]) -> f64 {
        let differ = |field: &mrz::Field| {
            let second = self.second.as_ref().filter(|_| mrz::UNGUARDED.contains(field));
            second.is_some_and(|second| mrz::agreement(&self.mrz, second, *field) == mrz::Agreement::Different)
        };
        let most = if fields.iter().any(differ) { DIFFERING_MAX } else { 1.0 };
        self.seen(fields).min(most)
    }

    fn seen(&self, fields: &[mrz::Field]) -> f64 {
        let spans = fields.iter().filter_map(|field| self.mrz.format.span(*field));
        let symbols = spans.flat_map(|span| {
            self.symbols.get(span.line).into_iter().flat_map(move |line| line.iter().skip(span.start).take(span.length))
        });
        symbols.map(|glyph| f64::from(glyph.confidence)).reduce(f64::min).unwrap_or(0.0)
    }

    /// The least sure symbol's confidence of all.
    pub fn least(&self) -> f64 {
        self.symbols.iter().flatten().map(|glyph| f64::from(glyph.confidence)).reduce(f64::min).unwrap_or(0.0)
    }
}

/// More digits that hold first, then fewer repairs.
fn standing(mrz: &Mrz) -> (usize, std::cmp::Reverse<usize>, std::cmp::Reverse<usize>) {
    (holding(mrz), std::cmp::Reverse(mrz.repaired.len()), std::cmp::Reverse(mrz.misplaced.len()))
}

fn holding(mrz: &Mrz) -> usize {
    checks(mrz).iter().filter(|(_, holds)| *holds).count()
}

/// The check digits by name, and whether each holds.
pub fn checks(mrz: &Mrz) -> Vec<(&'static str, bool)> {
    let checks = &mrz.checks;
    let own = [
        ("document_number", checks.document_number.passes),
        ("birth_date", checks.birth_date.passes),
        ("expiry_date", checks.expiry_date.passes),
    ];
    let more = [("optional_data", checks.optional_data), ("composite", checks.composite)];
    own.into_iter().chain(more.into_iter().filter_map(|(name, check)| Some((name, check?.passes)))).collect()
}

/// Letters that print reads as digits, and digits that it reads as letters: in OCR-B they differ by little.
const ALIKE: [(char, char); 6] = [('O', '0'), ('I', '1'), ('Z', '2'), ('S', '5'), ('G', '6'), ('B', '8')];

/// Where a field holds letters alone or digits alone, the like symbol of the other kind is read as what can stand there. That
/// is not a repair: no check digit is asked.
fn in_place(mut lines: Vec<Vec<Glyph>>, count: usize, length: usize) -> Vec<Vec<Glyph>> {
    let is_visa = lines.first().and_then(|line| line.first()).is_some_and(|glyph| glyph.symbol == 'V');
    let format = match (count, length, is_visa) {
        (3, ..) => Format::Td1,
        (_, 44, false) => Format::Td3,
        (_, 44, true) => Format::MrvA,
        (_, _, false) => Format::Td2,
        (_, _, true) => Format::MrvB,
    };
    for span in format.spans() {
        let alphabet = span.field.alphabet();
        let symbols =
            lines.get_mut(span.line).into_iter().flat_map(|line| line.iter_mut().skip(span.start).take(span.length));
        for glyph in symbols.filter(|glyph| !alphabet.has(glyph.symbol)) {
            let alike = ALIKE.iter().find_map(|(letter, digit)| match glyph.symbol {
                symbol if symbol == *letter => Some(*digit),
                symbol if symbol == *digit => Some(*letter),
                _ => None,
            });
            if let Some(symbol) = alike.filter(|symbol| alphabet.has(*symbol)) {
                *glyph = Glyph { symbol, second: None, ..*glyph };
            }
        }
    }
    lines
}

/// The symbols of a line of `length`; a run of fillers may have lost or won a few.
fn fit(written: &Written, length: usize) -> Option<Vec<Glyph>> {
    let symbol = |glyph: &super::read::Glyph| Glyph {
        symbol: glyph.char,
        confidence: glyph.confidence as f32,
        second: glyph.second.map(|(char, _)| char),
    };
    let mut glyphs: Vec<Glyph> = written.glyphs.iter().map(symbol).collect();
    if glyphs.len().abs_diff(length) > length / 5 {
        return None;
    }
    // The longest run of fillers is where they are lost or won; its symbols are all alike.
    let runs = glyphs.chunk_by(|a, b| a.symbol == b.symbol).scan(0, |at, run| {
        let start = *at;
        *at += run.len();
        Some((start, run.len(), run.first().is_some_and(|glyph| glyph.symbol == '<')))
    });
    let (start, run, _) = runs.filter(|(.., filler)| *filler).max_by_key(|(_, length, _)| *length)?;
    while glyphs.len() < length {
        glyphs.insert(start, *glyphs.get(start)?);
    }
    let surplus = glyphs.len() - length;
    if surplus >= run {
        return None;
    }
    glyphs.drain(start..start + surplus);
    Some(glyphs)
}
