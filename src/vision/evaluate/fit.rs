//! From impostor cosines to a score table, and how far that table can be trusted.
//!
//! A threshold is counted where at least thirty impostor pairs lie above it (the "rule of 30" of G. Doddington, 1998: the
//! true rate is then within 30 % of the counted one, with 90 % confidence). Beyond, the tail is taken as exponential, with
//! the mean excess over the FMR 1e-3 threshold as its one parameter: the rate's logarithm goes on as a straight line. Tails
//! of cosines fall at least as fast, so the extrapolated rates err on the high side.

use serde::Serialize;

use crate::domain::score::{Cosine, Knot, ScoreTable};

/// False match rates and the scores given there: 15 points for each power of ten.
const COUNTED: [(f64, f64); 5] = [(0.5, 10.0), (1e-1, 20.0), (1e-2, 35.0), (1e-3, 50.0), (1e-4, 65.0)];
const LAST: (f64, f64) = (1e-5, 80.0);
/// Impostor pairs that must lie above a threshold for it to count as counted.
const COUNT_MIN: f64 = 30.0;
/// Above the threshold of this rate lies the tail.
const TAIL_RATE: f64 = 1e-3;

/// The table fitted on everything, and how tables fitted on one fold held on the others.
#[derive(Debug, Serialize)]
pub struct Fitted {
    pub impostor_pairs: usize,
    /// Where 1e-5 of the pairs were counted, too few to rely on: to compare with the table's extrapolated threshold.
    pub observed_at_1e5: Option<f64>,
    pub table: ScoreTable,
    pub checks: Vec<Check>,
}

/// One fold's table on the other folds' people.
#[derive(Debug, Serialize)]
pub struct Check {
    pub fitted_on_fold: u32,
    pub impostor_pairs: usize,
    pub rates: Vec<Held>,
}

#[derive(Debug, Serialize)]
pub struct Held {
    pub predicted_fmr: f64,
    pub extrapolated: bool,
    pub cosine: f64,
    pub observed_fmr: f64,
    pub observed_count: usize,
}

/// `impostors`: the largest first. `None` if there are fewer than the counted part of the table needs.
pub fn table(impostors: &[f32]) -> Option<ScoreTable> {
    let count = impostors.len() as f64;
    let start = counted_threshold(impostors, TAIL_RATE).filter(|_| count * TAIL_RATE >= COUNT_MIN)?;
    let excesses: Vec<f64> =
        impostors.iter().map(|cosine| f64::from(*cosine) - start).take_while(|excess| *excess > 0.0).collect();
    let mean_excess = excesses.iter().sum::<f64>() / excesses.len() as f64;
    let in_tail = |rate: f64| start + mean_excess * (TAIL_RATE / rate).ln();

    let mut knots = vec![Knot { cosine: -1.0, fmr: 1.0, score: 0.0, extrapolated: false }];
    for (fmr, score) in COUNTED.into_iter().chain([LAST]) {
        let extrapolated = fmr * count < COUNT_MIN;
        let cosine = if extrapolated { in_tail(fmr) } else { counted_threshold(impostors, fmr)? };
        knots.push(Knot { cosine: rounded(cosine), fmr, score, extrapolated });
    }
    // From the last knot on along the same line, to where it ends; the score climbs to 100 at the same photo.
    let last = knots.last()?.cosine;
    let end = LAST.0 * (-(1.0 - last) / mean_excess).exp();
    let end = format!("{:.1e}", end.max(1e-300)).parse().ok()?;
    knots.push(Knot { cosine: 1.0, fmr: end, score: 100.0, extrapolated: true });
    ScoreTable::try_from(knots).ok()
}

/// The smallest cosine at or above which no more than this share lies, by counting.
pub fn counted_threshold(impostors: &[f32], rate: f64) -> Option<f64> {
    let allowed = (rate * impostors.len() as f64).floor() as usize;
    impostors.get(allowed.checked_sub(1)?).map(|cosine| f64::from(*cosine))
}

/// How often people that the table was not fitted to reach its thresholds. `impostors`: the largest first.
pub fn check(fold: u32, table: &ScoreTable, impostors: &[f32]) -> Check {
    let rates = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5].map(|rate| {
        let cosine = table.cosine_at_fmr(rate).0;
        let count = impostors.partition_point(|impostor| f64::from(*impostor) >= cosine);
        let observed_fmr = count as f64 / impostors.len() as f64;
        let extrapolated = table.false_match_rate(Cosine(cosine)).extrapolated;
        Held { predicted_fmr: rate, extrapolated, cosine, observed_fmr, observed_count: count }
    });
    Check { fitted_on_fold: fold, impostor_pairs: impostors.len(), rates: rates.into() }
}

/// A ten-thousandth of a cosine changes a rate by less than half a percent.
fn rounded(cosine: f64) -> f64 {
    (cosine * 1e4).round() / 1e4
}

impl Fitted {
    /// The table as `models/manifest.toml` holds it.
    pub fn toml(&self) -> String {
        let line = |knot: &Knot| {
            let extrapolated = if knot.extrapolated { ", extrapolated = true" } else { "" };
            format!(
                "    {{ cosine = {:?}, fmr = {:e}, score = {:?}{extrapolated} }},\n",
                knot.cosine, knot.fmr, knot.score
            )
        };
        format!("knots = [\n{}]\n", self.table.knots().iter().map(line).collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cosines whose share above x is exactly exp(−x / 0.05).
    fn exponential(count: usize) -> Vec<f32> {
        (0..count).map(|i| (-0.05 * ((i as f64 + 0.5) / count as f64).ln()) as f32).collect()
    }

    #[test]
    fn an_exponential_tail_is_recovered_beyond_the_counts() {
        let table = table(&exponential(100_000)).unwrap();
        for (rate, extrapolated) in [(1e-2, false), (1e-3, false), (1e-4, true), (1e-5, true)] {
            let expected = 0.05 * (1.0_f64 / rate).ln();
            let cosine = table.cosine_at_fmr(rate);
            assert!((cosine.0 - expected).abs() < 0.01, "{rate}: {} against {expected}", cosine.0);
            assert_eq!(table.false_match_rate(cosine).extrapolated, extrapolated, "{rate}");
        }
        let held = check(1, &table, &exponential(1_000_000));
        assert!(held.rates.iter().all(|held| (held.observed_fmr / held.predicted_fmr).ln().abs() < 0.2), "{held:?}");
    }

    #[test]
    fn too_few_pairs_give_no_table() {
        assert!(table(&exponential(20_000)).is_none());
        assert!(table(&[]).is_none());
    }

    #[test]
    fn what_is_printed_for_the_manifest_reads_back() {
        #[derive(serde::Deserialize)]
        struct Read {
            knots: ScoreTable,
        }
        let table = table(&exponential(1_000_000)).unwrap();
        let fitted =
            Fitted { impostor_pairs: 1_000_000, observed_at_1e5: None, table: table.clone(), checks: Vec::new() };
        assert_eq!(toml::from_str::<Read>(&fitted.toml()).unwrap().knots, table);
    }
}
