//! Error rates from cosines with known truth (terms as in ISO/IEC 19795-1).
//!
//! A pair without a cosine, because no face was found, is wrong at every threshold: a genuine one as a non-match, an impostor
//! one as a match.

/// One comparison.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    pub same: bool,
    pub cosine: Option<f32>,
}

impl Trial {
    /// Whether the decision "same person from `threshold` on" is right.
    pub fn right_at(&self, threshold: f64) -> bool {
        self.cosine.is_some_and(|cosine| (f64::from(cosine) >= threshold) == self.same)
    }
}

/// Comparisons, sorted by truth.
#[derive(Clone, Debug, Default)]
pub struct Trials {
    genuine: Vec<f32>,
    impostor: Vec<f32>,
}

impl Trials {
    pub fn of(trials: impl Iterator<Item = Trial>) -> Trials {
        let mut all = Trials::default();
        trials.for_each(|trial| all.add(trial));
        all
    }

    pub fn add(&mut self, trial: Trial) {
        match trial.same {
            true => self.genuine.push(trial.cosine.unwrap_or(f32::NEG_INFINITY)),
            false => self.impostor.push(trial.cosine.unwrap_or(f32::INFINITY)),
        }
    }

    /// Cosines of the impostor pairs with two faces, the largest first.
    pub fn found_impostors(&self) -> Vec<f32> {
        let mut found: Vec<f32> = self.impostor.iter().copied().filter(|cosine| cosine.is_finite()).collect();
        found.sort_by(|a, b| b.total_cmp(a));
        found
    }

    /// The cosine that makes the fewest wrong decisions; of several equally good, the middle one. `None` without both kinds.
    pub fn best_threshold(&self) -> Option<f64> {
        if self.genuine.is_empty() || self.impostor.is_empty() {
            return None;
        }
        let tag = |cosines: &[f32], same: bool| cosines.iter().map(|c| (*c, same)).collect::<Vec<_>>();
        let mut all = [tag(&self.genuine, true), tag(&self.impostor, false)].concat();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Going up, each genuine pair left behind is one more error and each impostor pair one fewer.
        let mut errors = self.impostor.len();
        let mut steps = Vec::new();
        for (low, high) in all.iter().zip(all.iter().skip(1)) {
            errors = if low.1 { errors + 1 } else { errors - 1 };
            if low.0 < high.0 && low.0.is_finite() && high.0.is_finite() {
                steps.push((errors, (f64::from(low.0) + f64::from(high.0)) / 2.0));
            }
        }
        let fewest = steps.iter().map(|step| step.0).min()?;
        let best: Vec<f64> = steps.into_iter().filter(|step| step.0 == fewest).map(|step| step.1).collect();
        best.get(best.len() / 2).copied()
    }

    /// `None` without both kinds.
    pub fn curve(mut self) -> Option<Curve> {
        self.genuine.sort_by(|a, b| b.total_cmp(a));
        self.impostor.sort_by(|a, b| b.total_cmp(a));
        let Trials { genuine, impostor } = self;
        (!genuine.is_empty() && !impostor.is_empty()).then_some(Curve { genuine, impostor })
    }
}

/// How the two error rates trade against each other. Both lists hold the largest cosine first.
#[derive(Debug)]
pub struct Curve {
    genuine: Vec<f32>,
    impostor: Vec<f32>,
}

impl Curve {
    pub fn genuine(&self) -> usize {
        self.genuine.len()
    }

    pub fn impostor(&self) -> usize {
        self.impostor.len()
    }

    /// Share of genuine pairs above every cosine that would let a larger share of impostors in than `rate`. `None` where
    /// the rate allows not even one impostor pair of so many.
    pub fn true_match_rate_at(&self, rate: f64) -> Option<f64> {
        let first_refused = self.first_refused(rate)?;
        let accepted = self.genuine.partition_point(|cosine| *cosine > first_refused);
        Some(accepted as f64 / self.genuine.len() as f64)
    }

    /// The cosine above which at most this share of impostor pairs lies.
    pub fn cosine_at(&self, rate: f64) -> Option<f64> {
        self.first_refused(rate).map(f64::from).filter(|cosine| cosine.is_finite())
    }

    fn first_refused(&self, rate: f64) -> Option<f32> {
        let allowed = (rate * self.impostor.len() as f64).floor() as usize;
        if allowed < 1 { None } else { self.impostor.get(allowed).copied() }
    }

    /// Where the two error rates meet; their mean at the threshold where they differ least.
    pub fn equal_error_rate(&self) -> f64 {
        let (mut best_gap, mut rate) = (f64::INFINITY, 1.0);
        for (refused, threshold) in self.genuine.iter().rev().enumerate() {
            let accepted = self.impostor.partition_point(|cosine| cosine >= threshold);
            let false_match = accepted as f64 / self.impostor.len() as f64;
            let false_non_match = refused as f64 / self.genuine.len() as f64;
            let gap = (false_match - false_non_match).abs();
            if gap < best_gap {
                (best_gap, rate) = (gap, (false_match + false_non_match) / 2.0);
            }
        }
        rate
    }

    /// Points (false match rate, true match rate) from strict to lenient, one for each impostor pair up to the first
    /// thousand and ever fewer after that, so that a logarithmic axis is served evenly.
    pub fn points(&self) -> Vec<(f64, f64)> {
        let mut points = Vec::new();
        let mut allowed = 0;
        while let Some(refused) = self.impostor.get(allowed) {
            let accepted = self.genuine.partition_point(|cosine| cosine > refused);
            points.push((allowed as f64 / self.impostor.len() as f64, accepted as f64 / self.genuine.len() as f64));
            allowed += 1 + allowed / 200;
        }
        points.push((1.0, 1.0));
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trials(genuine: &[f32], impostor: &[f32]) -> Trials {
        Trials { genuine: genuine.to_vec(), impostor: impostor.to_vec() }
    }

    #[test]
    fn a_threshold_makes_the_fewest_errors_and_failures_are_errors() {
        let separable = trials(&[0.8, 0.7, 0.9], &[0.1, 0.2, 0.3]);
        let threshold = separable.best_threshold().unwrap();
        assert!((threshold - 0.5).abs() < 1e-6);
        assert!(Trial { same: true, cosine: Some(0.7) }.right_at(threshold));
        assert!(!Trial { same: true, cosine: None }.right_at(threshold));
        assert!(!Trial { same: false, cosine: None }.right_at(threshold));
        assert_eq!(trials(&[], &[0.1]).best_threshold(), None);
    }

    #[test]
    fn rates_are_those_of_a_small_case_counted_by_hand() {
        let curve = trials(&[0.9, 0.8, 0.4, 0.7], &[0.5, 0.1, 0.2, 0.3, 0.0]).curve().unwrap();
        // One impostor pair in five may pass: everything above 0.3 does.
        assert_eq!(curve.true_match_rate_at(0.2), Some(1.0));
        assert_eq!(curve.cosine_at(0.2).map(|c| (c * 10.0).round()), Some(3.0));
        assert_eq!(curve.true_match_rate_at(0.1), None);
        // At 0.4 one impostor of five passes and no genuine pair is refused; at 0.7 none passes and one of four is refused.
        assert!((curve.equal_error_rate() - 0.1).abs() < 1e-9);
    }

    #[test]
    fn a_photo_without_a_face_costs_at_every_threshold() {
        let mut all = trials(&[0.9, 0.9, 0.9], &[0.1; 9]);
        all.add(Trial { same: true, cosine: None });
        all.add(Trial { same: false, cosine: None });
        let curve = all.curve().unwrap();
        assert_eq!(curve.true_match_rate_at(0.1), Some(0.75));
        assert!(curve.equal_error_rate() > 0.09);
    }
}
