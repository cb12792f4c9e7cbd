//! What a cosine between two face embeddings is worth: the score that clients see, and how often strangers reach it.
//!
//! The score is strictly increasing in the cosine, 50 exactly at the threshold for FMR 1e-3 and 80 exactly at the one for
//! FMR 1e-5. Between two knots the score and the logarithm of the rate are straight lines in the cosine, so both have exact
//! inverses. A table that breaks any of this cannot be made: reading one checks it.

use serde::{Deserialize, Serialize};

/// Cosine of the angle between two embeddings, −1 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Cosine(pub f64);

/// Similarity as the contract speaks of it, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Similarity(pub f64);

/// One measured point: at `cosine`, a share `fmr` of comparisons of strangers score at least as high.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Knot {
    pub cosine: f64,
    /// False match rate (ISO/IEC 19795-1), above 0 and at most 1.
    pub fmr: f64,
    /// The score given at this cosine, 0–100.
    pub score: f64,
    /// Beyond the data: the rate was extrapolated, not counted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub extrapolated: bool,
}

/// A false match rate, and whether data or a fitted tail stands behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FalseMatchRate {
    /// Share of comparisons of strangers that score at least as high, above 0 and at most 1.
    pub rate: f64,
    pub extrapolated: bool,
}

/// Score 50 is given at this rate, and score 80 at the next: the contract's meaning of the two numbers.
pub const FMR_AT_50: f64 = 1e-3;
pub const FMR_AT_80: f64 = 1e-5;
/// The rate of the default decision threshold.
pub const FMR_DEFAULT_MATCH: f64 = 1e-4;

/// A calibration: knots of strictly increasing cosine and score and strictly decreasing FMR, from cosine −1 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Knot>", into = "Vec<Knot>")]
pub struct ScoreTable(Vec<Knot>);

/// Why a list of knots is no calibration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotATable {
    /// A number is not finite, or a rate is not above 0 and at most 1.
    OutOfRange,
    /// The ends are not cosine −1 at score 0 and cosine 1 at score 100.
    Ends,
    /// Cosine or score does not rise, or the rate does not fall, from one knot to the next.
    Order,
    /// There is no knot with FMR 1e-3 and score 50, or none with FMR 1e-5 and score 80.
    Anchors,
}

impl std::fmt::Display for NotATable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            NotATable::OutOfRange => "a score table's numbers are finite and its rates above 0 and at most 1",
            NotATable::Ends => "a score table goes from cosine -1 (score 0) to cosine 1 (score 100)",
            NotATable::Order => "along a score table cosine and score rise and the rate falls, strictly",
            NotATable::Anchors => "a score table has a knot of FMR 1e-3 at score 50 and one of FMR 1e-5 at score 80",
        })
    }
}

impl std::error::Error for NotATable {}

impl TryFrom<Vec<Knot>> for ScoreTable {
    type Error = NotATable;

    fn try_from(knots: Vec<Knot>) -> Result<Self, NotATable> {
        let in_range =
            |knot: &Knot| knot.cosine.is_finite() && knot.score.is_finite() && knot.fmr > 0.0 && knot.fmr <= 1.0;
        if !knots.iter().all(in_range) {
            return Err(NotATable::OutOfRange);
        }
        let is_end = |knot: Option<&Knot>, cosine, score| knot.is_some_and(|k| k.cosine == cosine && k.score == score);
        if !is_end(knots.first(), -1.0, 0.0) || !is_end(knots.last(), 1.0, 100.0) {
            return Err(NotATable::Ends);
        }
        let in_order = |(a, b): (&Knot, &Knot)| a.cosine < b.cosine && a.score < b.score && a.fmr > b.fmr;
        if !knots.iter().zip(knots.iter().skip(1)).all(in_order) {
            return Err(NotATable::Order);
        }
        let has = |fmr, score| knots.iter().any(|knot| knot.fmr == fmr && knot.score == score);
        if !has(FMR_AT_50, 50.0) || !has(FMR_AT_80, 80.0) {
            return Err(NotATable::Anchors);
        }
        Ok(Self(knots))
    }
}

impl From<ScoreTable> for Vec<Knot> {
    fn from(table: ScoreTable) -> Self {
        table.0
    }
}

impl ScoreTable {
    pub fn knots(&self) -> &[Knot] {
        &self.0
    }

    /// The score of a cosine, 0–100. Cosines beyond ±1, which rounding can produce, count as ±1.
    pub fn similarity(&self, cosine: Cosine) -> Similarity {
        let (below, above, cosine) = self.around(cosine);
        Similarity(between(cosine, (below.cosine, below.score), (above.cosine, above.score)))
    }

    /// How often strangers reach this cosine.
    pub fn false_match_rate(&self, cosine: Cosine) -> FalseMatchRate {
        let (below, above, cosine) = self.around(cosine);
        let exact = [below, above].into_iter().find(|knot| knot.cosine == cosine);
        let rate = exact.map_or_else(
            || between(cosine, (below.cosine, below.fmr.ln()), (above.cosine, above.fmr.ln())).exp(),
            |knot| knot.fmr,
        );
        FalseMatchRate { rate, extrapolated: exact.map_or(above.extrapolated, |knot| knot.extrapolated) }
    }

    /// The threshold at which strangers pass at this rate. Rates outside the table give its ends.
    pub fn cosine_at_fmr(&self, fmr: f64) -> Cosine {
        let (below, above) = self.segment(|knot| knot.fmr >= fmr);
        let exact = [below, above].into_iter().find(|knot| knot.fmr == fmr);
        let along = |fmr: f64| between(fmr.ln(), (below.fmr.ln(), below.cosine), (above.fmr.ln(), above.cosine));
        // A rate of 0 or below asks for more than any threshold gives.
        let cosine = exact.map_or_else(|| if fmr > 0.0 { along(fmr) } else { 1.0 }, |knot| knot.cosine);
        Cosine(cosine.clamp(-1.0, 1.0))
    }

    /// The score at which strangers pass at this rate.
    pub fn similarity_at_fmr(&self, fmr: f64) -> Similarity {
        self.similarity(self.cosine_at_fmr(fmr))
    }

    /// The cosine that is given this score: the inverse of [`ScoreTable::similarity`].
    pub fn cosine_at_similarity(&self, similarity: Similarity) -> Cosine {
        let score = if similarity.0.is_nan() { 0.0 } else { similarity.0.clamp(0.0, 100.0) };
        let (below, above) = self.segment(|knot| knot.score <= score);
        Cosine(between(score, (below.score, below.cosine), (above.score, above.cosine)))
    }

    /// The two knots around a cosine, and the cosine brought into the table. What is not a number matches nobody.
    fn around(&self, cosine: Cosine) -> (Knot, Knot, f64) {
        let cosine = if cosine.0.is_nan() { -1.0 } else { cosine.0.clamp(-1.0, 1.0) };
        let (below, above) = self.segment(|knot| knot.cosine <= cosine);
        (below, above, cosine)
    }

    /// The last knot that `is_below` holds for, and the one after it; the outermost segment beyond the ends.
    fn segment(&self, is_below: impl Fn(&Knot) -> bool) -> (Knot, Knot) {
        let last_segment = self.0.len().saturating_sub(2);
        let index = self.0.partition_point(is_below).saturating_sub(1).min(last_segment);
        match self.0.get(index..) {
            Some([below, above, ..]) => (*below, *above),
            // A table has two ends, so there is always a segment; this one would match nobody.
            _ => (START, END),
        }
    }
}

const START: Knot = Knot { cosine: -1.0, fmr: 1.0, score: 0.0, extrapolated: true };
const END: Knot = Knot { cosine: 1.0, fmr: f64::MIN_POSITIVE, score: 100.0, extrapolated: true };

/// The straight line through two points; exact at both.
fn between(x: f64, from: (f64, f64), to: (f64, f64)) -> f64 {
    if x == to.0 {
        return to.1;
    }
    from.1 + (to.1 - from.1) * ((x - from.0) / (to.0 - from.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn knot(cosine: f64, fmr: f64, score: f64) -> Knot {
        Knot { cosine, fmr, score, extrapolated: fmr < 5e-5 }
    }

    fn knots() -> Vec<Knot> {
        vec![
            knot(-1.0, 1.0, 0.0),
            knot(0.08, 0.1, 20.0),
            knot(0.36, 1e-3, 50.0),
            knot(0.42, 1e-4, 65.0),
            knot(0.47, 1e-5, 80.0),
            knot(1.0, 1e-20, 100.0),
        ]
    }

    fn table() -> ScoreTable {
        knots().try_into().unwrap()
    }

    #[test]
    fn the_anchors_are_exact() {
        let table = table();
        assert_eq!(table.similarity(Cosine(0.36)), Similarity(50.0));
        assert_eq!(table.similarity(Cosine(0.47)), Similarity(80.0));
        assert_eq!(table.similarity(Cosine(-1.0)), Similarity(0.0));
        assert_eq!(table.similarity(Cosine(1.0)), Similarity(100.0));
        assert_eq!(table.similarity_at_fmr(1e-3), Similarity(50.0));
        assert_eq!(table.similarity_at_fmr(1e-5), Similarity(80.0));
        assert_eq!(table.cosine_at_fmr(1e-4), Cosine(0.42));
        assert_eq!(table.false_match_rate(Cosine(0.36)), FalseMatchRate { rate: 1e-3, extrapolated: false });
        assert_eq!(table.false_match_rate(Cosine(0.47)), FalseMatchRate { rate: 1e-5, extrapolated: true });
        assert!(table.false_match_rate(Cosine(0.45)).extrapolated);
        assert!(!table.false_match_rate(Cosine(0.40)).extrapolated);
    }

    #[test]
    fn what_is_outside_or_no_number_gives_the_ends() {
        let table = table();
        assert_eq!(table.similarity(Cosine(1.000_000_1)), Similarity(100.0));
        assert_eq!(table.similarity(Cosine(f64::NAN)), Similarity(0.0));
        assert_eq!(table.similarity(Cosine(f64::NEG_INFINITY)), Similarity(0.0));
        assert_eq!(table.cosine_at_fmr(0.0), Cosine(1.0));
        assert_eq!(table.cosine_at_fmr(2.0), Cosine(-1.0));
        assert_eq!(table.cosine_at_similarity(Similarity(f64::NAN)), Cosine(-1.0));
        assert_eq!(table.cosine_at_similarity(Similarity(101.0)), Cosine(1.0));
    }

    #[test]
    fn a_list_that_breaks_a_rule_is_no_table() {
        let broken = |change: fn(&mut Vec<Knot>)| {
            let mut knots = knots();
            change(&mut knots);
            ScoreTable::try_from(knots)
        };
        assert_eq!(broken(|k| k.clear()), Err(NotATable::Ends));
        assert_eq!(broken(|k| k.truncate(5)), Err(NotATable::Ends));
        assert_eq!(broken(|k| k.swap(1, 2)), Err(NotATable::Order));
        assert_eq!(broken(|k| k[2].fmr = 0.1), Err(NotATable::Order));
        assert_eq!(broken(|k| k[2].fmr = 0.0), Err(NotATable::OutOfRange));
        assert_eq!(broken(|k| k[2].cosine = f64::NAN), Err(NotATable::OutOfRange));
        assert_eq!(broken(|k| k[2].score = 49.0), Err(NotATable::Anchors));
    }

    #[test]
    fn a_table_is_written_as_its_knots_and_checked_when_read() {
        let text = serde_json::to_string(&table()).unwrap();
        assert_eq!(serde_json::from_str::<ScoreTable>(&text).unwrap(), table());
        assert!(serde_json::from_str::<ScoreTable>("[]").is_err());
    }

    /// Any valid table: random steps between the fixed knots.
    fn any_table() -> impl Strategy<Value = ScoreTable> {
        (prop::collection::vec(0.01_f64..1.0, 6), 1e-60_f64..1e-6).prop_map(|(steps, end)| {
            let total: f64 = steps.iter().sum();
            let mut cosine = -1.0;
            let mut knots = vec![knot(-1.0, 1.0, 0.0)];
            let inner = [(0.3, 12.0), (0.1, 20.0), (1e-3, 50.0), (1e-4, 65.0), (1e-5, 80.0)];
            for ((fmr, score), step) in inner.into_iter().zip(&steps) {
                cosine += 2.0 * step / total;
                knots.push(knot(cosine, fmr, score));
            }
            knots.push(knot(1.0, end, 100.0));
            ScoreTable::try_from(knots).unwrap()
        })
    }

    proptest! {
        #[test]
        fn score_rises_and_rate_falls_with_the_cosine(table in any_table(), a in -1.0_f64..=1.0, b in -1.0_f64..=1.0) {
            prop_assume!((a - b).abs() > 1e-9);
            let (low, high) = (Cosine(a.min(b)), Cosine(a.max(b)));
            prop_assert!(table.similarity(low) < table.similarity(high));
            prop_assert!(table.false_match_rate(low).rate > table.false_match_rate(high).rate);
            prop_assert!((0.0..=100.0).contains(&table.similarity(low).0));
        }

        #[test]
        fn every_way_there_has_its_way_back(table in any_table(), cosine in -1.0_f64..=1.0) {
            let back = table.cosine_at_similarity(table.similarity(Cosine(cosine)));
            prop_assert!((back.0 - cosine).abs() < 1e-9);
            let back = table.cosine_at_fmr(table.false_match_rate(Cosine(cosine)).rate);
            prop_assert!((back.0 - cosine).abs() < 1e-9);
        }

        #[test]
        fn the_anchors_are_exact_in_every_table(table in any_table()) {
            prop_assert_eq!(table.similarity_at_fmr(1e-3), Similarity(50.0));
            prop_assert_eq!(table.similarity_at_fmr(1e-5), Similarity(80.0));
        }
    }
}
