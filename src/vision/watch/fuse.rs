//! From the classifier's opinion on sampled frames and the cues over time to one verdict on a clip.
//!
//! The classifier leads; a cue only takes trust away, and never gives it: a screen that does not flicker is still a screen.

use super::series::{median, quantile};
use crate::domain::liveness::{Cues, Liveness, Reality};
use crate::vision::face::antispoof;

/// A turning head leaves over more than this, in eye spans; a flat picture that is tilted leaves over what landmarks tremble.
const FLAT_BELOW: f64 = 0.012;
/// Peaks over their surroundings, and swings of luminance, above those of any clip of a person that was measured.
const MOIRE_FROM: f64 = 400.0;
const FLICKER_FROM: f64 = 0.03;
/// What a cue makes of the score.
const DOUBTED: f64 = 0.5;

/// `scores` are the classifier's, one a sampled frame.
pub fn fuse(scores: &[f64], cues: Cues) -> Liveness {
    let mean = scores.iter().sum::<f64>() / scores.len().max(1) as f64;
    let cue = |value: Option<f64>, found: fn(f64) -> bool| value.is_some_and(found);
    let found = [
        cue(cues.parallax, |parallax| parallax < FLAT_BELOW),
        cue(cues.moire, |moire| moire >= MOIRE_FROM),
        cue(cues.flicker, |flicker| flicker >= FLICKER_FROM),
    ];
    let score = found.iter().filter(|found| **found).fold(mean, |score, _| score * DOUBTED);
    let verdict = if scores.is_empty() { Reality::Unknown } else { antispoof::verdict(score) };
    Liveness {
        verdict,
        score: if scores.is_empty() { 0.5 } else { score },
        classifier: (!scores.is_empty()).then_some(mean),
        classifier_lowest: (!scores.is_empty()).then(|| quantile(scores.iter().copied(), 0.0)),
        samples: scores.len(),
        cues,
    }
}

/// The middle of what the sampled frames showed.
pub fn typical(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| median(values.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classifier_leads_and_cues_only_take_away() {
        let verdict = |scores: &[f64], cues| fuse(scores, cues).verdict;
        assert_eq!(verdict(&[0.9, 0.95, 0.7], Cues::default()), Reality::Real);
        assert_eq!(verdict(&[0.1, 0.0], Cues::default()), Reality::Spoof);
        assert_eq!(verdict(&[0.4], Cues::default()), Reality::Unknown);
        assert_eq!(verdict(&[], Cues::default()), Reality::Unknown);
        let flat = Cues { parallax: Some(0.001), parallax_turn: Some(30.0), ..Cues::default() };
        assert_eq!(verdict(&[0.9], flat), Reality::Unknown);
        let screen = Cues { moire: Some(1e4), flicker: Some(0.1), ..flat };
        assert_eq!(verdict(&[0.9], screen), Reality::Spoof);
        let round = Cues { parallax: Some(0.1), parallax_turn: Some(30.0), ..Cues::default() };
        assert_eq!(verdict(&[0.1], round), Reality::Spoof, "depth does not make a mask a person");
    }
}
