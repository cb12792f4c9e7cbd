//! `twoface evaluate clips`: blinks, smiles and liveness on clips with labels, for a person or a program to read.

use std::path::PathBuf;

use crate::domain::clip::ClipTimes;
use crate::vision::Engine;
use crate::vision::evaluate::clip_labels;
use crate::vision::evaluate::clips::{self, Outcomes, Report};

/// Measure how blinks, smiles and liveness are told on labelled clips.
#[derive(Debug, clap::Args)]
pub struct ClipsArgs {
    /// Folder of the clips
    #[arg(long, value_name = "DIR")]
    pub clips: PathBuf,
    /// List of the clips: CSV with the columns file,blinks,smile,liveness
    #[arg(long, value_name = "FILE")]
    pub labels: PathBuf,
    /// List of moments: CSV with the columns file,start_s,end_s,label; label is blink, unclear or not_a_blink
    #[arg(long, value_name = "FILE")]
    pub events: PathBuf,
    /// Folder of photos of real people, or of attacks, to count liveness on as well
    #[arg(long, value_name = "DIR")]
    pub photos: Vec<PathBuf>,
}

/// Runs the evaluation and prints its result to standard output.
pub fn run(args: &ClipsArgs, json: bool) -> Result<(), Box<dyn std::error::Error>> {
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
    };
    let labels = clip_labels::parse(&read(&args.labels)?, &read(&args.events)?)?;
    let engine = Engine::load()?;
    let bar = super::bar("clips");
    let mut report = clips::run(&engine, &labels, &args.clips, &|done, all| {
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    for folder in &args.photos {
        clips::photos(&engine, folder, &mut report)?;
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", human(&report));
    }
    Ok(())
}

fn human(report: &Report) -> String {
    let mut text = format!("{} clips, {:.0} seconds\n\n", report.clips.len(), report.video_seconds);
    text += "frames        lowest    blink windows: found missed false none  errors  cannot tell    smiles: found missed false none\n";
    for rate in &report.rates {
        let frames = match rate.every {
            1 => "all".to_owned(),
            every => format!("1 of {every}"),
        };
        let Outcomes { found, missed, false_alarms, rightly_none } = rate.blink;
        let errors = format!("{} of {}", missed + false_alarms, rate.blink.all());
        text += &format!(
            "{frames:10} {:5.1} a second              {found:5} {missed:6} {false_alarms:5} {rightly_none:4}  {errors:>8} {:10}",
            rate.per_second_lowest, rate.blink_inconclusive
        );
        let Outcomes { found, missed, false_alarms, rightly_none } = rate.smile;
        text += &format!("             {found:5} {missed:6} {false_alarms:5} {rightly_none:4}\n");
    }
    text += "\nliveness, by label                                             n  real  unknown  spoof\n";
    for (label, verdicts) in &report.liveness {
        let label: String = label.chars().take(60).collect();
        let (real, unknown, spoof) = (verdicts.real, verdicts.unknown, verdicts.spoof);
        text += &format!("  {label:60} {:3}  {real:4}  {unknown:7}  {spoof:5}\n", verdicts.all());
    }
    text += "\nclip                   seconds  a second  blinks  smile  liveness      doubts\n";
    for clip in &report.clips {
        text += &format!(
            "  {:20} {:7.1}  {:8.1}  {:6}  {:.2} {}  {:.2} {:?}  {:?}\n",
            clip.file,
            clip.seconds,
            clip.per_second,
            clip.blinks.len(),
            clip.strongest_smile,
            if clip.smile { "yes" } else { "no " },
            clip.liveness_score,
            clip.liveness,
            clip.doubts
        );
    }
    for (file, why) in &report.refused {
        text += &format!("  {file:20} refused, and not counted: {why}\n");
    }
    text + &times(&report.milliseconds, report.video_seconds)
}

/// Milliseconds for each second of video, at the clips' own frame rates.
fn times(times: &ClipTimes, seconds: f64) -> String {
    let steps = [
        ("decode", times.decode),
        ("detect", times.detect),
        ("landmarks", times.landmarks),
        ("expression", times.expression),
        ("embed", times.embed),
        ("liveness", times.liveness),
    ];
    let all: f64 = steps.iter().map(|(_, time)| time).sum();
    let mut text = format!("\nmilliseconds for a second of video: {:.0}\n", all / seconds.max(1e-9));
    for (step, time) in steps {
        text += &format!("  {step:10} {:6.1}  {:4.1} %\n", time / seconds.max(1e-9), 100.0 * time / all.max(1e-9));
    }
    text
}
