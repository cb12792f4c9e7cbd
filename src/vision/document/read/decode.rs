//! From the recogniser's probabilities to text (CTC: A. Graves et al., 2006): at each step the likeliest class, repetitions
//! taken once, blanks dropped.
//!
//! A line can be read again with a narrower alphabet, as a number or a machine-readable zone must be.

use super::alphabet::Alphabet;

/// Classes kept per step. The others have no probability worth the name: with 533 classes the eighth is below 0.001.
const KEPT: usize = 8;

/// For each step along the line the likeliest characters with their probabilities; the blank, `None`, is always among them.
#[derive(Clone, Debug, Default)]
pub struct Steps(Vec<Vec<(Option<char>, f32)>>);

/// A line's text and its characters.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    pub text: String,
    pub glyphs: Vec<Glyph>,
}

/// One character.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glyph {
    pub char: char,
    /// Probability, 0–1.
    pub confidence: f64,
    /// What it might be instead.
    pub second: Option<(char, f64)>,
    /// Place along the line, 0–1.
    pub at: f64,
}

impl Written {
    /// The least confident character's confidence; 0 for no text.
    pub fn confidence(&self) -> f64 {
        self.glyphs.iter().map(|glyph| glyph.confidence).reduce(f64::min).unwrap_or(0.0)
    }

    /// Characters `range` of it, without spaces at the ends.
    pub fn part(&self, range: std::ops::Range<usize>) -> Written {
        let glyphs = self.glyphs.get(range).unwrap_or_default();
        let start = glyphs.iter().position(|glyph| glyph.char != ' ').unwrap_or(glyphs.len());
        let end = glyphs.iter().rposition(|glyph| glyph.char != ' ').map_or(start, |last| last + 1);
        Written::of(glyphs.get(start..end).unwrap_or_default().to_vec())
    }

    pub fn of(glyphs: Vec<Glyph>) -> Written {
        Written { text: glyphs.iter().map(|glyph| glyph.char).collect(), glyphs }
    }
}

impl Steps {
    /// From a matrix of probabilities, a row for each step; `classes` is what each column means, the blank first.
    pub fn keep(probabilities: &[f32], classes: &[String]) -> Steps {
        let meaning = |class: usize| classes.get(class).and_then(|text| text.chars().next()).filter(|_| class != 0);
        let step = |row: &[f32]| kept(row).into_iter().map(|(class, p)| (meaning(class), p)).collect();
        Steps(probabilities.chunks_exact(classes.len().max(1)).map(step).collect())
    }

    /// The text in a narrower alphabet, to whose characters the network's are mapped; what maps to none is not read, but its
    /// probability is missing from whatever is read in its place.
    pub fn read(&self, alphabet: Alphabet) -> Written {
        let length = self.0.len().max(1) as f64;
        let mut glyphs: Vec<Glyph> = Vec::new();
        let mut before: Option<char> = None;
        for (step, classes) in self.0.iter().enumerate() {
            let ranked = ranked(classes, alphabet);
            let Some((best, confidence)) = ranked.first().copied() else { continue };
            if let Some(char) = best {
                let second = ranked.iter().skip(1).find_map(|(c, p)| c.map(|c| (c, *p)));
                let glyph = Glyph { char, confidence, second, at: (step as f64 + 0.5) / length };
                match glyphs.last_mut() {
                    // The same character goes on: its surest step speaks for it.
                    Some(last) if before == Some(char) => {
                        if confidence > last.confidence {
                            *last = glyph;
                        }
                    }
                    _ => glyphs.push(glyph),
                }
            }
            before = best;
        }
        Written::of(glyphs)
    }
}

/// The alphabet's characters of one step with their probabilities, the likeliest first; `None` is the blank.
fn ranked(classes: &[(Option<char>, f32)], alphabet: Alphabet) -> Vec<(Option<char>, f64)> {
    let mut ranked: Vec<(Option<char>, f64)> = Vec::with_capacity(classes.len());
    for (read, probability) in classes {
        let mapped = read.and_then(alphabet);
        if read.is_some() && mapped.is_none() {
            continue;
        }
        let probability = f64::from(*probability);
        match ranked.iter_mut().find(|(c, _)| *c == mapped) {
            Some((_, sum)) => *sum += probability,
            None => ranked.push((mapped, probability)),
        }
    }
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked
}

/// The likeliest classes of one step, the likeliest first, with the blank among them.
fn kept(row: &[f32]) -> Vec<(usize, f32)> {
    let mut best: Vec<(usize, f32)> = Vec::with_capacity(KEPT + 1);
    for (class, probability) in row.iter().enumerate() {
        let full = best.len() == KEPT;
        if class != 0 && (*probability < 1e-4 || (full && best.last().is_some_and(|last| last.1 >= *probability))) {
            continue;
        }
        if full && let Some(at) = best.iter().rposition(|(class, _)| *class != 0) {
            best.remove(at);
        }
        let at = best.partition_point(|(_, other)| other >= probability);
        best.insert(at, (class, *probability));
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vision::document::read::alphabet;

    const ALPHABET: &str = "_ABNOXÑI01358 ";

    /// Steps in which each character has the given probability and the rest goes to a second one.
    fn steps(script: &[(Option<char>, f32, char)]) -> Steps {
        let class = |c: char| ALPHABET.chars().position(|other| other == c).unwrap();
        let classes: Vec<String> = ALPHABET.chars().map(String::from).collect();
        let mut matrix = Vec::new();
        for (best, probability, second) in script {
            let mut row = vec![0_f32; classes.len()];
            row[best.map_or(0, class)] += probability;
            row[class(*second)] += 1.0 - probability;
            matrix.extend(row);
        }
        Steps::keep(&matrix, &classes)
    }

    #[test]
    fn repetitions_are_one_character_and_blanks_part_two() {
        let read = steps(&[
            (Some('Ñ'), 0.6, 'N'),
            (Some('Ñ'), 0.9, 'N'),
            (Some('O'), 0.8, '0'),
            (None, 0.9, '0'),
            (Some('O'), 0.7, '0'),
        ])
        .read(alphabet::spanish);
        assert_eq!(read.text, "ÑOO");
        assert!((read.glyphs[0].confidence - 0.9).abs() < 1e-6);
        assert_eq!(read.glyphs[1].second.unwrap().0, '0');
        assert!((read.confidence() - 0.7).abs() < 1e-6);
        assert_eq!(Written::default().confidence(), 0.0);
    }

    #[test]
    fn a_narrower_alphabet_takes_the_likeliest_that_it_has() {
        let line = steps(&[(Some('O'), 0.8, '0'), (None, 1.0, 'X'), (Some('1'), 0.9, 'I')]);
        let read = line.read(alphabet::digits);
        assert_eq!(read.text, "01");
        assert!((read.glyphs[0].confidence - 1.0).abs() < 1e-6, "an O among digits is a zero");
        let letter = steps(&[(Some('X'), 0.95, '3'), (None, 1.0, 'X')]).read(alphabet::digits);
        assert!(letter.text == "3" && letter.confidence() < 0.1, "what is no digit is no sure digit: {letter:?}");
        assert_eq!(Steps::default().read(alphabet::digits), Written::default());
    }

    #[test]
    fn the_blank_is_kept_and_no_more_than_a_few() {
        let row: Vec<f32> = (0..533).map(|i| if i == 0 { 1e-6 } else { 1.0 / (10.0 + i as f32) }).collect();
        let best = kept(&row);
        assert_eq!(best.len(), KEPT);
        assert_eq!(best[0].0, 1);
        assert!(best.iter().any(|(class, _)| *class == 0));
    }

    #[test]
    fn a_part_has_no_spaces_at_its_ends() {
        let glyph = |char| Glyph { char, confidence: 0.9, second: None, at: 0.5 };
        let line = Written::of("SEXO: M ".chars().map(glyph).collect());
        assert_eq!(line.part(5..8).text, "M");
        assert_eq!(line.part(7..8).text, "");
        assert_eq!(line.part(7..99).text, "");
    }
}
