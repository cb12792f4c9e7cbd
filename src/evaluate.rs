//! `twoface evaluate faces`: how well faces are recognised on a set of photos, for a person or a program to read.

pub mod clips;
pub mod documents;
pub mod lines;
pub mod quads;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

use crate::vision::Engine;
use crate::vision::evaluate::{self, Plan, Report, fit::Fitted, pairs, plot};

/// Measure face recognition on photos whose identities are known.
#[derive(Debug, clap::Args)]
pub struct FacesArgs {
    /// List of pairs: CSV with the columns fold,a,b,same
    #[arg(long, value_name = "FILE")]
    pub pairs: PathBuf,
    /// Folder of the photos that the list names, as IDENTITY_NUMBER.jpg
    #[arg(long, value_name = "DIR")]
    pub images: PathBuf,
    /// Error rates over all pairs of the photos, not only the listed ones
    #[arg(long)]
    pub all_pairs: bool,
    /// Turn one side of each pair into a document's portrait: face this many pixels wide, grey, strongly compressed
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(16..=1024))]
    pub simulate_document: Option<u32>,
    /// Draw the ROC curve into this PNG file
    #[arg(long, value_name = "FILE")]
    pub roc: Option<PathBuf>,
    /// Fit a score table, check it across folds and print it as it stands in models/manifest.toml
    #[arg(long)]
    pub fit: bool,
}

/// Runs the evaluation and prints its result to standard output.
pub fn run(args: &FacesArgs, json: bool) -> Result<(), Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string(&args.pairs)
        .map_err(|error| format!("{} cannot be read: {error}", args.pairs.display()))?;
    let pairs = pairs::parse(&text)?;
    let plan = Plan {
        pairs: &pairs,
        images: &args.images,
        all_pairs: args.all_pairs,
        document_face_width: args.simulate_document,
        fit: args.fit,
    };
    let engine = Engine::load()?;
    let bar = bar("photos");
    let report = evaluate::run(&engine, &plan, &|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    if let Some(path) = &args.roc {
        plot::write(&report.curve, &title(args, &report), path)?;
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?)
    } else {
        print!("{}", human(args, &report))
    }
    Ok(())
}

/// On standard error, and only where a person looks at it.
fn bar(what: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(&format!("{{wide_bar}} {{pos}}/{{len}} {what}, {{eta}} left"));
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn title(args: &FacesArgs, report: &Report) -> String {
    let kind =
        args.simulate_document.map_or("photo - photo".to_owned(), |width| format!("{width}-px portrait - photo"));
    format!("{kind}: {} genuine, {} impostor", report.genuine, report.impostor)
}

fn human(args: &FacesArgs, report: &Report) -> String {
    let mut text = format!("{}\n", title(args, report));
    text += &format!("photos             {}, {} without a face found\n", report.images, report.not_detected);
    text += &format!("accuracy           {:.2} %\n", report.accuracy * 100.0);
    for fold in &report.folds {
        let (name, accuracy, pairs) = (fold.fold, fold.accuracy * 100.0, fold.pairs);
        text += &format!("  fold {name}           {accuracy:.2} % of {pairs} pairs at cosine {:.4}\n", fold.threshold);
    }
    text += &format!("equal error rate   {:.2} %\n", report.eer * 100.0);
    for (name, rate) in &report.tar_at_fmr {
        let cosine = report.cosine_at_fmr.get(name).copied().flatten();
        text += &match (rate, cosine) {
            (Some(rate), Some(cosine)) => format!("TAR at FMR {name}    {:.2} %, cosine {cosine:.4}\n", rate * 100.0),
            _ => format!("TAR at FMR {name}    too few impostor pairs\n"),
        };
    }
    report.fit.as_ref().map_or(text.clone(), |fitted| text + &human_fit(fitted))
}

fn human_fit(fitted: &Fitted) -> String {
    let mut text = String::from("\nscore tables fitted on one fold, on the people of the others:\n");
    for check in &fitted.checks {
        text += &format!("  fitted on fold {}, {} impostor pairs\n", check.fitted_on_fold, check.impostor_pairs);
        for held in &check.rates {
            let how = if held.extrapolated { "extrapolated" } else { "counted" };
            let (predicted, cosine, observed, count) =
                (held.predicted_fmr, held.cosine, held.observed_fmr, held.observed_count);
            text += &format!(
                "    predicted FMR {predicted:.0e} ({how}) at cosine {cosine:.4}: observed {observed:.2e} ({count})\n"
            );
        }
    }
    text += &format!("\nscore table on all folds, {} impostor pairs", fitted.impostor_pairs);
    if let Some(cosine) = fitted.observed_at_1e5 {
        text += &format!(" (1e-5 of them lie above cosine {cosine:.4})");
    }
    format!("{text}:\n{}", fitted.toml())
}
