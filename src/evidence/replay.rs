//! Making recorded verdicts again: the same files, parameters, thresholds and moment, this program's models.
//!
//! What lay outside of the attempt is not in the bundle: earlier clips of the account, and who was enrolled.

use std::cell::Cell;
use std::fmt;

use serde::Serialize;

use super::bundle::Bundle;
use crate::config::Config;
use crate::domain::evidence::{Embedder, Embedding, Examiner};
use crate::domain::id::Id;
use crate::domain::job::{Job, JobState, Verdict};
use crate::domain::refusal::Stop;
use crate::domain::score::Cosine;
use crate::domain::user::DocumentNumber;
use crate::service::operations::people::{Alike, Count, Enrolled, People};
use crate::service::operations::{self, Work};
use crate::service::past::Past;

/// One job made again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Replayed {
    pub job: Id,
    /// Its operation or workflow.
    pub name: String,
    #[serde(flatten)]
    pub outcome: Comparison,
}

/// How the new verdict stands to the recorded one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "replay", rename_all = "camelCase")]
pub enum Comparison {
    /// The same verdict; `answer` says whether the answer is the same in every digit, too.
    Same {
        verdict: Verdict,
        same_answer: bool,
    },
    Different {
        recorded: Verdict,
        now: Verdict,
    },
    /// It was still queued when the bundle was made, or its files are gone.
    NotPossible {
        why: &'static str,
    },
}

impl Comparison {
    pub fn differs(&self) -> bool {
        matches!(self, Comparison::Different { .. })
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Comparison::Same { verdict, same_answer: true } => {
                write!(f, "{} again, with the same answer", verdict.number())
            }
            Comparison::Same { verdict, same_answer: false } => {
                write!(f, "{} again; the answer differs in its digits", verdict.number())
            }
            Comparison::Different { recorded, now } => write!(f, "WAS {}, NOW {}", recorded.number(), now.number()),
            Comparison::NotPossible { why } => write!(f, "not run: {why}"),
        }
    }
}

/// Runs every job of the bundle again.
pub fn run(examiner: &dyn Examiner, bundle: &Bundle) -> Result<Vec<Replayed>, String> {
    let config = settings(bundle)?;
    let jobs = bundle.manifest.jobs.iter();
    Ok(jobs
        .map(|job| {
            let outcome = one(examiner, &config, bundle, job).unwrap_or_else(|why| Comparison::NotPossible { why });
            Replayed { job: job.id, name: job.name().to_owned(), outcome }
        })
        .collect())
}

fn one(examiner: &dyn Examiner, config: &Config, bundle: &Bundle, job: &Job) -> Result<Comparison, &'static str> {
    let JobState::Finished { outcome: recorded, .. } = &job.state else {
        return Err("it was queued when the bundle was made");
    };
    let mut files = Vec::new();
    for file in &job.files {
        if file.removed_at.is_some() {
            return Err("its files were removed by retention");
        }
        files.push((file.field.clone(), bundle.files.get(&file.stored_as).ok_or("a file is missing")?.clone()));
    }
    let (past, nobody) = (Past::default(), Nobody::default());
    let now = operations::run(examiner, config, &Work::of(job, &files, &past, &nobody)).outcome;
    match recorded.verdict == now.verdict {
        true => Ok(Comparison::Same { verdict: now.verdict, same_answer: recorded.output == now.output }),
        false if nobody.asked.get() => Err("it depended on who was enrolled on the server"),
        false => Ok(Comparison::Different { recorded: recorded.verdict, now: now.verdict }),
    }
}

/// The people of an account that is not there; remembers whether a verdict asked for them.
#[derive(Default)]
struct Nobody {
    asked: Cell<bool>,
}

impl People for Nobody {
    fn enrolled(&self, _: &DocumentNumber) -> Result<Option<Enrolled>, Stop> {
        self.asked.set(true);
        Ok(None)
    }

    fn count(&self, _: Embedder) -> Count {
        Count::default()
    }

    fn is_complete(&self, _: Embedder) -> bool {
        true
    }

    fn alike(&self, _: &Embedding, _: Cosine, _: usize, _: &[DocumentNumber]) -> Result<Vec<Alike>, Stop> {
        self.asked.set(true);
        Ok(Vec::new())
    }

    fn is_face_blocked(&self, _: &Embedding, _: Cosine) -> Result<bool, Stop> {
        self.asked.set(true);
        Ok(false)
    }

    fn is_number_blocked(&self, _: &DocumentNumber) -> Result<bool, Stop> {
        self.asked.set(true);
        Ok(false)
    }
}

/// The configuration as it was, as far as a verdict depends on it.
fn settings(bundle: &Bundle) -> Result<Config, String> {
    let mut text = String::new();
    for section in ["faces", "liveness"] {
        text.push_str(&format!("[{section}]\n"));
        let prefix = format!("{section}.");
        for setting in &bundle.manifest.settings {
            if let Some(name) = setting.name.strip_prefix(&prefix) {
                text.push_str(&format!("{name} = {}\n", setting.value));
            }
        }
    }
    Config::parse(&text, std::iter::empty()).map_err(|error| format!("its settings cannot be used: {error}"))
}
