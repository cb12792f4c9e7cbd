//! `twoface evaluate quads`: how well documents are located on photos whose corners are known.

use std::path::PathBuf;

use crate::vision::Engine;
use crate::vision::evaluate::documents::quads::{self, Located, Report};

/// Measure how well documents are located, on a folder that `specimen photos` filled.
#[derive(Debug, clap::Args)]
pub struct QuadsArgs {
    /// Folder of the photos and their truth.json
    #[arg(long, value_name = "DIR")]
    pub photos: PathBuf,
}

/// Runs the evaluation and prints its result to standard output.
pub fn run(args: &QuadsArgs, json: bool) -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::load()?;
    let bar = super::bar("photos");
    let report = quads::run(&engine, &args.photos, &|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?)
    } else {
        print!("{}", human(&report))
    }
    Ok(())
}

fn human(report: &Report) -> String {
    let mut text = format!("split {}: documents, IoU > 0.9, IoU > 0.95, mean IoU, none found, ", report.split);
    text += "upright first, second\n";
    for (level, located) in &report.levels {
        text += &line(&format!("{level:?}").to_lowercase(), located);
    }
    text += &line("all", &report.all);
    text += &format!("without a document   {}, something found on {}\n", report.without, report.found_without);
    let ms = &report.milliseconds;
    text += &format!("locate               p50 {:.0} ms, p95 {:.0} ms\n", ms.locate_p50, ms.locate_p95);
    text + &format!("with laying flat     p50 {:.0} ms, p95 {:.0} ms\n", ms.whole_p50, ms.whole_p95)
}

fn line(name: &str, located: &Located) -> String {
    let percent = |share: f64| share * 100.0;
    format!(
        "{name:<8} {:>5}  {:>6.2} %  {:>6.2} %  {:.4}  {:.2} %  {:.2} %  {:.2} %\n",
        located.documents,
        percent(located.located),
        percent(located.closely),
        located.mean_overlap,
        percent(located.not_found),
        percent(located.upright_first),
        percent(located.upright_second),
    )
}
