//! The outcomes of a whole set, by level.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use super::measure::{self, Outcome};
use super::truth::{Class, Specimen, Truth};
use crate::domain::document::DocumentTimes;

/// How many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Share {
    pub right: usize,
    pub of: usize,
}

impl Share {
    fn add(&mut self, right: bool) {
        self.right += usize::from(right);
        self.of += 1;
    }

    /// Per cent; `None` of nothing.
    pub fn percent(self) -> Option<f64> {
        (self.of > 0).then(|| 100.0 * self.right as f64 / self.of as f64)
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Of the specimens: `tune` or `test`.
    pub split: String,
    pub documents: usize,
    pub non_documents: usize,
    /// By level, and `all` together.
    pub levels: BTreeMap<String, Level>,
    /// Recognised as neither.
    pub neither: Share,
    /// Wrong numbers that were taken for a document's, among all that were tried.
    pub false_accepts: Share,
    /// Of the genuine specimens that give no reason for it, on how many each warning was raised.
    pub warnings: BTreeMap<String, Share>,
    pub milliseconds: Times,
    /// The process's largest memory so far, in MiB; `None` where the system does not tell.
    pub memory_peak_mib: Option<u64>,
}

/// One level of difficulty, and each model of document within it.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Level {
    pub kind: Share,
    pub number_exact: Share,
    /// Answers to the document's own number: `same`, `doubtful`, `unreadable`, `other`, …
    pub own_number: BTreeMap<String, usize>,
    pub mrz_exact: Share,
    pub quad: Share,
    pub barcodes: BTreeMap<String, Share>,
    pub printed: BTreeMap<String, Share>,
    pub kind_by_model: BTreeMap<String, Share>,
    pub number_by_model: BTreeMap<String, Share>,
    pub mrz_by_model: BTreeMap<String, Share>,
}

/// Of one photo, all photos sorted.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Times {
    pub p50: f64,
    pub p95: f64,
    /// Mean of each step.
    pub steps: DocumentTimes,
}

/// A quadrilateral is found when it overlaps the true one by more than this.
const OVERLAP_MIN: f64 = 0.9;

pub fn of(truth: &Truth, outcomes: &[Outcome], times: &[(f64, DocumentTimes)], today: Date) -> Report {
    let is_document = |photo: &Specimen| photo.class != Class::Neither;
    let documents = || truth.photos.iter().zip(outcomes).filter(|(photo, _)| is_document(photo));
    let mut levels: BTreeMap<String, Level> = BTreeMap::new();
    let mut warnings: BTreeMap<String, Share> = BTreeMap::new();
    for slug in crate::vision::document::warnings::slugs() {
        warnings.insert(slug.to_owned(), Share::default());
    }
    for (photo, outcome) in documents() {
        let name = serde_json::to_value(photo.level).ok().and_then(|name| name.as_str().map(str::to_owned));
        for level in ["all".to_owned(), name.unwrap_or_default()] {
            levels.entry(level).or_default().add(outcome);
        }
        for (slug, share) in warnings.iter_mut().filter(|(slug, _)| !measure::is_due(photo, slug, today)) {
            share.add(outcome.warnings.contains(slug));
        }
    }
    let mut neither = Share::default();
    for (_, outcome) in truth.photos.iter().zip(outcomes).filter(|(photo, _)| !is_document(photo)) {
        neither.add(outcome.kind_right);
    }
    let accepted = outcomes.iter().map(|outcome| outcome.false_accepts.len()).sum();
    let tried = outcomes.iter().map(|outcome| outcome.others_tried).sum();
    Report {
        split: truth.split.clone(),
        documents: documents().count(),
        non_documents: neither.of,
        levels,
        neither,
        false_accepts: Share { right: accepted, of: tried },
        warnings,
        milliseconds: Times::of(times),
        memory_peak_mib: memory_peak(),
    }
}

impl Level {
    fn add(&mut self, outcome: &Outcome) {
        self.kind.add(outcome.kind_right);
        self.kind_by_model.entry(outcome.model.clone()).or_default().add(outcome.kind_right);
        if let Some(exact) = outcome.number_exact {
            self.number_exact.add(exact);
            self.number_by_model.entry(outcome.model.clone()).or_default().add(exact);
        }
        if let Some(answer) = outcome.own_number {
            *self.own_number.entry(answer.to_owned()).or_default() += 1;
        }
        if let Some(exact) = outcome.mrz_exact {
            self.mrz_exact.add(exact);
            self.mrz_by_model.entry(outcome.model.clone()).or_default().add(exact);
        }
        if let Some(overlap) = outcome.quad_overlap {
            self.quad.add(overlap > OVERLAP_MIN);
        }
        for (format, read) in &outcome.barcodes {
            self.barcodes.entry(format.clone()).or_default().add(*read);
        }
        for (name, right) in &outcome.printed {
            self.printed.entry(name.clone()).or_default().add(*right);
        }
    }
}

impl Times {
    fn of(times: &[(f64, DocumentTimes)]) -> Times {
        let mut all: Vec<f64> = times.iter().map(|(whole, _)| *whole).collect();
        all.sort_by(f64::total_cmp);
        let at = |share: f64| all.get(((all.len() as f64 * share) as usize).min(all.len().saturating_sub(1)));
        let count = times.len().max(1) as f64;
        let mean = |of: fn(&DocumentTimes) -> f64| times.iter().map(|(_, steps)| of(steps)).sum::<f64>() / count;
        let steps = DocumentTimes {
            decode: mean(|t| t.decode),
            locate: mean(|t| t.locate),
            detect_text: mean(|t| t.detect_text),
            read_text: mean(|t| t.read_text),
            read_mrz: mean(|t| t.read_mrz),
            barcodes: mean(|t| t.barcodes),
            portrait: mean(|t| t.portrait),
            judge: mean(|t| t.judge),
        };
        Times { p50: at(0.5).copied().unwrap_or(0.0), p95: at(0.95).copied().unwrap_or(0.0), steps }
    }
}

/// As Linux counts it.
fn memory_peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().split(' ').next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}
