//! `twoface evaluate mrz-lines`: how well lines of machine-readable zones are read, for a person or a program to read.

use std::path::PathBuf;

use crate::vision::Engine;
use crate::vision::evaluate::mrz_lines::{self, Measured};

/// Measure the reading of machine-readable lines on pictures of single lines.
#[derive(Debug, clap::Args)]
pub struct LinesArgs {
    /// List of lines: CSV with the columns file,text
    #[arg(long, value_name = "FILE")]
    pub lines: PathBuf,
    /// Folder of the pictures that the list names
    #[arg(long, value_name = "DIR")]
    pub images: PathBuf,
}

/// Runs the evaluation and prints its result to standard output.
pub fn run(args: &LinesArgs, json: bool) -> Result<(), Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(&args.lines)
        .map_err(|error| format!("{} cannot be read: {error}", args.lines.display()))?;
    let lines = mrz_lines::parse(&text)?;
    let bar = super::bar("lines");
    let report = mrz_lines::run(&Engine::load()?, &lines, &args.images, &|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(());
    }
    println!("{} lines                                    exact    symbols wrong   ms a line", report.lines);
    println!("{}", row("our reader of machine-readable lines", &report.mrz_reader));
    println!("{}", row("general text reader, zone's symbols only", &report.text_reader));
    Ok(())
}

fn row(name: &str, measured: &Measured) -> String {
    let (exact, wrong) = (measured.exact_share() * 100.0, measured.symbol_error_rate() * 100.0);
    let each = measured.milliseconds / measured.read.len().max(1) as f64;
    format!("{name:<42} {exact:>6.2} %  {wrong:>12.2} %   {each:>9.1}")
}
