//! How well faces are recognised on a set of photos with known identities, and what score table follows from it.
//!
//! Nothing is tuned on what it is reported on: a threshold comes from the other folds, a score table is checked on people it
//! was not fitted to. A photo in which no face is found counts as an error wherever it is used.

pub mod clip_labels;
pub mod clips;
pub mod documents;
pub mod fit;
pub mod measure;
pub mod mrz_lines;
pub mod pairs;
pub mod plot;
pub mod prepare;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::Engine;
use measure::{Curve, Trials};
use pairs::{Pair, identity};
use prepare::Photos;

/// False match rates at which the share of true matches is reported.
const RATES: [(&str, f64); 4] = [("1e-2", 1e-2), ("1e-3", 1e-3), ("1e-4", 1e-4), ("1e-5", 1e-5)];

/// What is to be measured.
pub struct Plan<'a> {
    pub pairs: &'a [Pair],
    /// Folder of the photos that the pairs name.
    pub images: &'a Path,
    /// Every pair of the photos instead of the listed ones.
    pub all_pairs: bool,
    /// Width in pixels of the face in the portrait that one side of each pair is turned into.
    pub document_face_width: Option<u32>,
    /// Fit a score table too.
    pub fit: bool,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    pub images: usize,
    /// Photos (and portraits made from them) in which no face was found.
    pub not_detected: usize,
    pub genuine: usize,
    pub impostor: usize,
    /// Share of right decisions on the listed pairs, each at the threshold that is best on the other folds.
    pub accuracy: f64,
    pub folds: Vec<Fold>,
    /// Equal error rate of the pairs measured.
    pub eer: f64,
    /// Share of genuine pairs accepted; null where fewer than one false match is expected at that rate.
    pub tar_at_fmr: BTreeMap<&'static str, Option<f64>>,
    pub cosine_at_fmr: BTreeMap<&'static str, Option<f64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fit: Option<fit::Fitted>,
    #[serde(skip)]
    pub curve: Curve,
}

/// One fold's part in the accuracy.
#[derive(Debug, Serialize)]
pub struct Fold {
    pub fold: u32,
    pub pairs: usize,
    pub accuracy: f64,
    /// The cosine from which a pair counted as the same person, from the other folds.
    pub threshold: f64,
}

/// Why nothing could be measured.
#[derive(Debug)]
pub enum EvaluateError {
    Pairs(String),
    List(String),
    Read { file: String, error: std::io::Error },
    TooFew(&'static str),
    Engine,
}

impl std::fmt::Display for EvaluateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EvaluateError::Pairs(what) => write!(f, "the list of pairs: {what}"),
            EvaluateError::List(what) => write!(f, "the list of lines: {what}"),
            EvaluateError::Read { file, error } => write!(f, "{file} cannot be read: {error}"),
            EvaluateError::TooFew(what) => f.write_str(what),
            EvaluateError::Engine => f.write_str("a network could not be run"),
        }
    }
}

impl std::error::Error for EvaluateError {}

/// Measures. `progress` is told after each photo how many are done and how many there are.
pub fn run(
    engine: &Engine,
    plan: &Plan<'_>,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Report, EvaluateError> {
    let photos = prepare::photos(engine, plan, progress)?;
    let listed = listed_trials(plan.pairs, &photos);
    let folds = accuracy(&listed)?;
    let right: f64 = folds.iter().map(|fold| fold.accuracy * fold.pairs as f64).sum();
    let trials = if plan.all_pairs { all_trials(&photos, |_| true) } else { Trials::of(listed.iter().map(|t| t.1)) };
    let curve = trials.curve().ok_or(EvaluateError::TooFew("there are no genuine or no impostor pairs"))?;
    let at_rates = |of: fn(&Curve, f64) -> Option<f64>| RATES.map(|(name, rate)| (name, of(&curve, rate))).into();
    Ok(Report {
        images: photos.len(),
        not_detected: photos.not_detected(),
        genuine: curve.genuine(),
        impostor: curve.impostor(),
        accuracy: right / listed.len().max(1) as f64,
        folds,
        eer: curve.equal_error_rate(),
        tar_at_fmr: at_rates(Curve::true_match_rate_at),
        cosine_at_fmr: at_rates(Curve::cosine_at),
        fit: if plan.fit { Some(fit_score(plan.pairs, &photos)?) } else { None },
        curve,
    })
}

/// Fold, and cosine with the truth, of each listed pair.
fn listed_trials(pairs: &[Pair], photos: &Photos) -> Vec<(u32, measure::Trial)> {
    let trial = |pair: &Pair| {
        let cosine = photos.cosine(&pair.a, &pair.b);
        (pair.fold, measure::Trial { same: pair.same, cosine })
    };
    pairs.iter().map(trial).collect()
}

/// Every pair of the photos that `take` accepts. With document portraits a pair counts both ways: each side is once the
/// portrait.
fn all_trials(photos: &Photos, take: impl Fn(&str) -> bool) -> Trials {
    let names: Vec<&str> = photos.names().filter(|name| take(name)).collect();
    let mut trials = Trials::default();
    for (place, a) in names.iter().enumerate() {
        let others = if photos.two_sided() { 0 } else { place + 1 };
        for b in names.iter().skip(others).filter(|b| *b != a) {
            trials.add(measure::Trial { same: identity(a) == identity(b), cosine: photos.cosine(a, b) });
        }
    }
    trials
}

fn accuracy(trials: &[(u32, measure::Trial)]) -> Result<Vec<Fold>, EvaluateError> {
    let names: std::collections::BTreeSet<u32> = trials.iter().map(|(fold, _)| *fold).collect();
    let of_fold = |name: u32| {
        let others = Trials::of(trials.iter().filter(|(fold, _)| *fold != name).map(|(_, trial)| *trial));
        let own: Vec<_> = trials.iter().filter(|(fold, _)| *fold == name).map(|(_, trial)| *trial).collect();
        let too_few = EvaluateError::TooFew("a threshold needs at least two folds with pairs of both kinds");
        let threshold = others.best_threshold().ok_or(too_few)?;
        let right = own.iter().filter(|trial| trial.right_at(threshold)).count();
        Ok(Fold { fold: name, pairs: own.len(), accuracy: right as f64 / own.len() as f64, threshold })
    };
    names.into_iter().map(of_fold).collect()
}

/// Fitted on each fold and checked on the others, then on all.
fn fit_score(pairs: &[Pair], photos: &Photos) -> Result<fit::Fitted, EvaluateError> {
    let mut fold_of = BTreeMap::new();
    for pair in pairs {
        fold_of.insert(pair.a.as_str(), pair.fold);
        fold_of.insert(pair.b.as_str(), pair.fold);
    }
    let folds: std::collections::BTreeSet<u32> = fold_of.values().copied().collect();
    let impostors = |take: &dyn Fn(u32) -> bool| {
        let trials = all_trials(photos, |name| fold_of.get(name).is_some_and(|fold| take(*fold)));
        trials.found_impostors()
    };
    let too_few = || EvaluateError::TooFew("a score table needs at least 30,000 impostor pairs in each fold");
    let mut checks = Vec::new();
    for fold in folds {
        let table = fit::table(&impostors(&|other| other == fold)).ok_or_else(too_few)?;
        checks.push(fit::check(fold, &table, &impostors(&|other| other != fold)));
    }
    let all = impostors(&|_| true);
    let table = fit::table(&all).ok_or_else(too_few)?;
    Ok(fit::Fitted { impostor_pairs: all.len(), observed_at_1e5: fit::counted_threshold(&all, 1e-5), table, checks })
}
