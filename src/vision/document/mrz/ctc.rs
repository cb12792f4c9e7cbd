//! From a probability per step and class to symbols: as many as seem likely, or exactly as many as a line has.
#![allow(clippy::indexing_slicing)] // Steps, counts and classes run over the extents of the tables they index.

use super::format::{Alphabet, SYMBOLS};
use super::repair::Glyph;

/// Blank, then the symbols in the order of [`SYMBOLS`].
const CLASSES: usize = 38;
const BLANK: usize = 0;

/// How likely each class is at each step along a line.
pub struct Steps {
    /// Step after step, [`CLASSES`] each.
    probabilities: Vec<f32>,
}

impl Steps {
    /// None unless whole steps are given.
    pub fn new(probabilities: Vec<f32>) -> Option<Steps> {
        probabilities.len().is_multiple_of(CLASSES).then_some(Steps { probabilities })
    }

    /// The mean of several looks at one line; none unless they have the same steps.
    pub fn mean(looks: &[&Steps]) -> Option<Steps> {
        let mut sums = vec![0.0; looks.first()?.probabilities.len()];
        for look in looks {
            if look.probabilities.len() != sums.len() {
                return None;
            }
            sums.iter_mut().zip(&look.probabilities).for_each(|(sum, p)| *sum += p / looks.len() as f32);
        }
        Some(Steps { probabilities: sums })
    }

    fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.probabilities.chunks_exact(CLASSES)
    }

    pub fn count(&self) -> usize {
        self.probabilities.len() / CLASSES
    }

    /// What the likeliest class of each step says.
    pub fn symbols(&self) -> Vec<Glyph> {
        let best = |row: &[f32]| (0..CLASSES).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(BLANK);
        self.along(&self.rows().map(best).collect::<Vec<_>>())
    }

    /// What the likeliest way through the steps says that gives exactly `length` symbols; none if there are too few steps.
    pub fn symbols_of_length(&self, length: usize) -> Option<Vec<Glyph>> {
        Some(self.along(&self.path(length, |_, _| true)?))
    }

    /// The same where it is known which symbols may stand at each place.
    pub fn symbols_within(&self, alphabets: &[Alphabet]) -> Option<Vec<Glyph>> {
        let may = |alphabet: &Alphabet| {
            let mut classes = [false; CLASSES];
            SYMBOLS.chars().zip(&mut classes[1..]).for_each(|(symbol, may)| *may = alphabet.has(symbol));
            classes
        };
        let places: Vec<[bool; CLASSES]> = alphabets.iter().map(may).collect();
        Some(self.along(&self.path(places.len(), |place, class| places[place][class])?))
    }

    /// The likeliest class of each step, under the condition that they give `length` symbols (Viterbi).
    ///
    /// A state is how many symbols there were and which class the step has. A symbol is a new one after a blank or another
    /// symbol, and the same one after itself.
    fn path(&self, length: usize, may: impl Fn(usize, usize) -> bool) -> Option<Vec<usize>> {
        const NEVER: f32 = f32::NEG_INFINITY;
        let states = (length + 1) * CLASSES;
        let mut score = vec![NEVER; states];
        score[BLANK] = 0.0;
        // Which class the step before had, for each step and state.
        let mut came_from: Vec<u8> = Vec::with_capacity(self.count() * states);
        for row in self.rows() {
            let log: Vec<f32> = row.iter().map(|p| p.max(1e-12).ln()).collect();
            // The two likeliest classes for each count of symbols.
            let leaders: Vec<[usize; 2]> = score.chunks_exact(CLASSES).map(two_best).collect();
            let mut next = vec![NEVER; states];
            for count in 0..=length {
                let here = count * CLASSES;
                for class in 0..CLASSES {
                    // Staying at this count: a blank after anything, a symbol after itself.
                    let stays = if class == BLANK { leaders[count][0] } else { class };
                    let mut best = (score[here + stays], stays);
                    if class != BLANK && count > 0 {
                        let [first, second] = leaders[count - 1];
                        let before = if first == class { second } else { first };
                        let advances = score[here - CLASSES + before];
                        if advances > best.0 {
                            best = (advances, before);
                        }
                    }
                    // A symbol cannot stand before the first was counted.
                    let possible = class == BLANK || count.checked_sub(1).is_some_and(|place| may(place, class));
                    next[here + class] = if possible { best.0 + log[class] } else { NEVER };
                    came_from.push(best.1 as u8);
                }
            }
            score = next;
        }
        let [mut class, _] = two_best(&score[length * CLASSES..]);
        if score[length * CLASSES + class] == NEVER {
            return None;
        }
        let mut count = length;
        let mut path = vec![BLANK; self.count()];
        for (step, place) in path.iter_mut().enumerate().rev() {
            *place = class;
            let before = usize::from(came_from[step * states + count * CLASSES + class]);
            if class != BLANK && before != class {
                count -= 1;
            }
            class = before;
        }
        Some(path)
    }

    /// The symbols of a path, each with its confidence where it is likeliest, and what else it may be.
    fn along(&self, path: &[usize]) -> Vec<Glyph> {
        let mut glyphs = Vec::new();
        let mut rows = self.rows();
        for run in path.chunk_by(|a, b| a == b) {
            let class = run[0];
            let mut seen = [0_f32; CLASSES];
            for row in rows.by_ref().take(run.len()) {
                seen.iter_mut().zip(row).for_each(|(most, p)| *most = most.max(*p));
            }
            if class == BLANK {
                continue;
            }
            let others = (1..CLASSES).filter(|other| *other != class && seen[*other] > 0.0);
            let second = others.max_by(|a, b| seen[*a].total_cmp(&seen[*b]));
            let symbol = |class: usize| SYMBOLS.as_bytes().get(class - 1).map(|byte| char::from(*byte));
            if let Some(best) = symbol(class) {
                glyphs.push(Glyph { symbol: best, confidence: seen[class], second: second.and_then(symbol) });
            }
        }
        glyphs
    }
}

fn two_best(scores: &[f32]) -> [usize; 2] {
    let mut best = [0, 1];
    for (class, score) in scores.iter().enumerate() {
        if *score > scores[best[0]] {
            best = [class, best[0]];
        } else if class != best[0] && (*score > scores[best[1]] || best[1] == best[0]) {
            best[1] = class;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps that are sure of a class each, with some left for another.
    fn steps(classes: &[(usize, f32, usize)]) -> Steps {
        let row = |(class, share, other): &(usize, f32, usize)| {
            let mut row = vec![1e-6; CLASSES];
            row[*class] = *share;
            row[*other] = 1.0 - share;
            row
        };
        Steps::new(classes.iter().flat_map(row).collect()).unwrap()
    }

    fn text(glyphs: &[Glyph]) -> String {
        glyphs.iter().map(|glyph| glyph.symbol).collect()
    }

    const FILLER: usize = 37;

    #[test]
    fn runs_collapse_and_blanks_part_equal_symbols() {
        let steps = steps(&[(11, 0.9, 0), (11, 0.8, 9), (0, 0.9, 1), (11, 0.7, 14), (37, 0.9, 0), (37, 0.6, 12)]);
        let read = steps.symbols();
        assert_eq!(text(&read), "AA<");
        assert_eq!((read[0].confidence, read[0].second), (0.9, Some('8')));
        assert_eq!((read[1].confidence, read[1].second), (0.7, Some('D')));
        assert_eq!(read[2].second, Some('B'));
    }

    #[test]
    fn a_length_decides_how_often_a_filler_stands() {
        // Between the two fillers the blank is a little less likely than a third of the same.
        let doubtful = [(FILLER, 0.9, 0), (FILLER, 0.55, 0), (FILLER, 0.9, 0), (11, 0.9, 0)];
        let steps = steps(&doubtful);
        assert_eq!(text(&steps.symbols()), "<A");
        assert_eq!(text(&steps.symbols_of_length(2).unwrap()), "<A");
        assert_eq!(text(&steps.symbols_of_length(3).unwrap()), "<<A");
        assert_eq!(
            text(&steps.symbols_of_length(1).unwrap()),
            "<",
            "the letter is given up, being the one likelier blank"
        );
        assert!(steps.symbols_of_length(0).unwrap().is_empty());
        assert_eq!(steps.symbols_of_length(4).unwrap().len(), 4);
        assert!(steps.symbols_of_length(5).is_none());
    }

    #[test]
    fn a_place_decides_between_a_letter_and_the_digit_like_it() {
        let steps = steps(&[(12, 0.6, 9), (0, 0.9, 1), (12, 0.6, 9), (0, 0.9, 1), (9, 0.9, 0)]);
        assert_eq!(text(&steps.symbols_of_length(3).unwrap()), "BB8");
        let within = steps.symbols_within(&[Alphabet::Letters, Alphabet::Digits, Alphabet::Any]).unwrap();
        assert_eq!(text(&within), "B88");
        assert!((within[1].confidence - 0.4).abs() < 1e-6, "as sure as it was seen: {within:?}");
    }

    #[test]
    fn no_steps_no_symbols() {
        assert!(Steps::new(vec![0.0; 37]).is_none());
        let none = Steps::new(Vec::new()).unwrap();
        assert!(none.symbols().is_empty() && none.symbols_of_length(0).unwrap().is_empty());
        assert!(none.symbols_of_length(1).is_none());
    }

    #[test]
    fn two_best_are_two() {
        assert_eq!(two_best(&[3.0, 1.0, 2.0]), [0, 2]);
        assert_eq!(two_best(&[1.0, 3.0, 2.0]), [1, 2]);
        assert_eq!(two_best(&[1.0, 2.0, 3.0]), [2, 1]);
        assert_eq!(two_best(&[f32::NEG_INFINITY; 3]), [0, 1]);
    }
}
