//! `twoface doctor`: whether this machine and this configuration can serve, and what to do where they cannot. Changes nothing.
//!
//! Every figure is measured here and now; what could not be looked at is said to be unknown, not good.

use std::error::Error;

use serde::Serialize;

use crate::config::Config;

pub mod bench;
mod keeping;
mod machine;
mod models;

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Good,
    /// It serves, but somebody should know.
    Warning,
    /// It cannot serve, or not safely.
    Bad,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    pub about: &'static str,
    pub level: Level,
    pub seen: String,
    /// What to do; empty where nothing is to be done.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub advice: &'static str,
}

impl Finding {
    fn good(about: &'static str, seen: impl Into<String>) -> Self {
        Self { about, level: Level::Good, seen: seen.into(), advice: "" }
    }

    fn warning(about: &'static str, seen: impl Into<String>, advice: &'static str) -> Self {
        Self { about, level: Level::Warning, seen: seen.into(), advice }
    }

    fn bad(about: &'static str, seen: impl Into<String>, advice: &'static str) -> Self {
        Self { about, level: Level::Bad, seen: seen.into(), advice }
    }
}

/// Looks at everything and prints it. An error if anything is bad.
pub fn run(config: &Config, json: bool) -> Result<(), Box<dyn Error>> {
    let mut findings = Vec::new();
    let mut tell = |finding: Finding| {
        if !json {
            print(&finding);
        }
        findings.push(finding);
    };
    machine::processor(config).into_iter().for_each(&mut tell);
    machine::memory(config).into_iter().for_each(&mut tell);
    machine::disk(config).into_iter().for_each(&mut tell);
    tell(machine::clock());
    keeping::folder_and_key(config).into_iter().for_each(&mut tell);
    tell(keeping::certificate(config));
    tell(keeping::audit(config));
    tell(keeping::store(config));
    tell(machine::sandbox(config));
    models::self_test(config).into_iter().for_each(&mut tell);
    if json {
        println!("{}", serde_json::to_string_pretty(&findings)?);
    }
    match findings.iter().filter(|finding| finding.level == Level::Bad).count() {
        0 => Ok(()),
        count => Err(format!("{count} findings keep this machine from serving safely").into()),
    }
}

fn print(finding: &Finding) {
    let mark = match finding.level {
        Level::Good => "good   ",
        Level::Warning => "warning",
        Level::Bad => "BAD    ",
    };
    println!("{mark}  {:<12} {}", finding.about, finding.seen);
    if !finding.advice.is_empty() {
        println!("{:22} → {}", "", finding.advice);
    }
}
