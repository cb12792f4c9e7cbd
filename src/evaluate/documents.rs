//! `twoface evaluate documents`: how well documents are found, told apart and read on photos whose truth is known.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::clock::Clock;
use crate::vision::Engine;
use crate::vision::evaluate::documents::{self, Level, Report, Share};

/// Measure document reading on a folder of photos with a truth.json, as the specimen generator writes it.
#[derive(Debug, clap::Args)]
pub struct DocumentsArgs {
    /// Folder with photos and truth.json
    #[arg(value_name = "DIR")]
    pub photos: PathBuf,
    /// Write what was right and wrong about each photo into this file, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub outcomes: Option<PathBuf>,
}

/// Runs the evaluation and prints its result to standard output.
pub fn run(args: &DocumentsArgs, json: bool) -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::load()?;
    let bar = super::bar("photos");
    let (report, outcomes) = documents::run(&engine, &args.photos, Clock::system().now(), &|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    if let Some(path) = &args.outcomes {
        let lines: Result<Vec<String>, _> = outcomes.iter().map(serde_json::to_string).collect();
        std::fs::write(path, lines?.join("\n") + "\n")
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?)
    } else {
        print!("{}", human(&report)?)
    }
    Ok(())
}

fn human(report: &Report) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    let (documents, others) = (report.documents, report.non_documents);
    writeln!(text, "{} photos of documents, {} of other things, split {}", documents, others, report.split)?;
    let names: Vec<&String> = report.levels.keys().collect();
    writeln!(text, "{:24}{}", "", names.iter().map(|name| format!("{name:>18}")).collect::<String>())?;
    let mut row = |name: &str, of: &dyn Fn(&Level) -> Share| {
        let cells = report.levels.values().map(|level| format!("{:>18}", shown(of(level)))).collect::<String>();
        writeln!(text, "{name:24}{cells}")
    };
    row("class and side", &|level| level.kind)?;
    row("number exact", &|level| level.number_exact)?;
    row("zone exact", &|level| level.mrz_exact)?;
    row("corners, overlap > 0.9", &|level| level.quad)?;
    for format in ["qr", "code128"] {
        row(&format!("barcode {format}"), &|level| level.barcodes.get(format).copied().unwrap_or_default())?;
    }
    let fields: std::collections::BTreeSet<&String> =
        report.levels.values().flat_map(|level| level.printed.keys()).collect();
    for field in fields {
        row(&format!("printed {field}"), &|level| level.printed.get(field).copied().unwrap_or_default())?;
    }
    for model in ["2026", "2014", "passport"] {
        row(&format!("class and side, {model}"), &|level| level.kind_by_model.get(model).copied().unwrap_or_default())?;
        row(&format!("number, {model}"), &|level| level.number_by_model.get(model).copied().unwrap_or_default())?;
        row(&format!("zone, {model}"), &|level| level.mrz_by_model.get(model).copied().unwrap_or_default())?;
    }
    writeln!(text, "\nanswers to the document's own number:")?;
    for (name, level) in &report.levels {
        writeln!(text, "  {name:8} {:?}", level.own_number)?;
    }
    let accepts = report.false_accepts;
    writeln!(text, "wrong numbers accepted     {} of {}", accepts.right, accepts.of)?;
    writeln!(text, "neither, on other things   {}", shown(report.neither))?;
    writeln!(text, "\nwarnings on genuine specimens without reason for them:")?;
    for (slug, share) in &report.warnings {
        writeln!(text, "  {slug:20} {}", shown(*share))?;
    }
    let times = &report.milliseconds;
    writeln!(
        text,
        "\none photo: {:.0} ms (median), {:.0} ms (95th percentile); mean of each step:",
        times.p50, times.p95
    )?;
    writeln!(text, "  {:?}", times.steps)?;
    if let Some(peak) = report.memory_peak_mib {
        writeln!(text, "memory peak {peak} MiB")?;
    }
    Ok(text)
}

fn shown(share: Share) -> String {
    share.percent().map_or("-".to_owned(), |percent| format!("{percent:.1} % of {}", share.of))
}
