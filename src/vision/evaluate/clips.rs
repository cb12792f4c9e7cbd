//! How well blinks and smiles are told on clips with labels, at the clips' own frame rate and at half and a third of it, and
//! what passive liveness says of them.
//!
//! A blink window reaches 1.2 seconds around a labelled blink; closures of more than a second, and those within 0.2 seconds of
//! the clip's ends, are not scored. A blink-free window is 1.5 to 3 seconds without anything that was labelled a blink or
//! unclear. Each window is cut out and asked what a client asks: did a blink occur.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::clip_labels::{BlinkLabel, Labels};
use crate::clock::Stopwatch;
use crate::domain::clip::{ClipTimes, Span};
use crate::domain::evidence::{Examiner as _, UnusableReason};
use crate::domain::liveness::Reality;
use crate::vision::Engine;
use crate::vision::watch::conclude::{PER_SECOND_MIN, eyes, per_second};
use crate::vision::watch::{Frame, Watcher, blink};

/// Every frame, every second, every third.
const EVERY: [usize; 3] = [1, 2, 3];
const AROUND_SECONDS: f64 = 1.2;
const BLINK_SECONDS_MAX: f64 = 1.0;
const END_SECONDS: f64 = 0.2;
const FREE_SECONDS: (f64, f64) = (1.5, 3.0);

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    pub rates: Vec<Rate>,
    /// By the label of the clips, and of the photos if some were given.
    pub liveness: BTreeMap<String, Verdicts>,
    pub clips: Vec<Clip>,
    /// Clips that the server would refuse, and why; nothing above counts them.
    pub refused: BTreeMap<String, String>,
    /// Of all clips, in seconds and milliseconds.
    pub video_seconds: f64,
    pub milliseconds: ClipTimes,
}

/// Yes or no against the labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcomes {
    pub found: usize,
    pub missed: usize,
    pub false_alarms: usize,
    pub rightly_none: usize,
}

impl Outcomes {
    fn count(&mut self, label: bool, said: bool) {
        match (label, said) {
            (true, true) => self.found += 1,
            (true, false) => self.missed += 1,
            (false, true) => self.false_alarms += 1,
            (false, false) => self.rightly_none += 1,
        }
    }

    pub fn all(&self) -> usize {
        self.found + self.missed + self.false_alarms + self.rightly_none
    }
}

/// At one frame rate.
#[derive(Debug, Default, Serialize)]
pub struct Rate {
    pub every: usize,
    /// The lowest of any clip.
    pub per_second_lowest: f64,
    pub blink: Outcomes,
    /// Windows without a blink found whose frames are so few that the server would not say no but that it cannot tell.
    pub blink_inconclusive: usize,
    pub smile: Outcomes,
}

/// How often each verdict was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    pub real: usize,
    pub unknown: usize,
    pub spoof: usize,
}

impl Verdicts {
    fn count(&mut self, verdict: Reality) {
        match verdict {
            Reality::Real => self.real += 1,
            Reality::Unknown => self.unknown += 1,
            Reality::Spoof => self.spoof += 1,
        }
    }

    pub fn all(&self) -> usize {
        self.real + self.unknown + self.spoof
    }
}

/// One clip at its own frame rate.
#[derive(Debug, Serialize)]
pub struct Clip {
    pub file: String,
    pub seconds: f64,
    pub per_second: f64,
    pub doubts: Vec<crate::domain::clip::Doubt>,
    pub blinks: Vec<f64>,
    pub smile: bool,
    pub strongest_smile: f64,
    pub liveness: Reality,
    pub liveness_score: f64,
}

/// Measures every labelled clip in `folder`.
pub fn run(engine: &Engine, labels: &Labels, folder: &Path, progress: &dyn Fn(usize, usize)) -> Result<Report, String> {
    let rate = |every| Rate { every, per_second_lowest: f64::INFINITY, ..Rate::default() };
    let mut report = Report {
        rates: EVERY.map(rate).into(),
        liveness: BTreeMap::new(),
        clips: Vec::new(),
        refused: BTreeMap::new(),
        video_seconds: 0.0,
        milliseconds: ClipTimes::default(),
    };
    for (done, clip) in labels.clips.iter().enumerate() {
        progress(done, labels.clips.len());
        let path = folder.join(&clip.file);
        let bytes = std::fs::read(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let (watchers, video, decode) = match watch(engine, &bytes) {
            Ok(watched) => watched,
            Err(UnusableReason::EngineFailed) => return Err(format!("{}: a network cannot be run", clip.file)),
            Err(why) => {
                report.refused.insert(clip.file.clone(), format!("{why:?}"));
                continue;
            }
        };
        let seconds = video.duration_milliseconds / 1e3;
        let windows = clip.blinks.as_ref().map(|blinks| windows(blinks, seconds)).unwrap_or_default();
        for (index, (watcher, rate)) in watchers.into_iter().zip(&mut report.rates).enumerate() {
            score_blinks(rate, watcher.frames(), &windows);
            let seen = watcher.finish(video.clone(), decode);
            let smiles = !seen.smile.spans.is_empty();
            if let Some(label) = clip.smile {
                rate.smile.count(label, smiles);
            }
            rate.per_second_lowest = rate.per_second_lowest.min(seen.frames.per_second);
            if index > 0 {
                continue;
            }
            report.liveness.entry(clip.liveness.clone()).or_default().count(seen.liveness.verdict);
            report.video_seconds += seconds;
            add(&mut report.milliseconds, &seen.milliseconds);
            report.clips.push(Clip {
                file: clip.file.clone(),
                seconds,
                per_second: seen.frames.per_second,
                blinks: seen.blinks.iter().map(|blink| blink.peak).collect(),
                smile: smiles,
                strongest_smile: seen.smile.strongest,
                liveness: seen.liveness.verdict,
                liveness_score: seen.liveness.score,
                doubts: seen.doubts,
            });
        }
    }
    Ok(report)
}

/// What passive liveness says of the first face of each photo in a folder, counted under the folder's name.
pub fn photos(engine: &Engine, folder: &Path, report: &mut Report) -> Result<(), String> {
    let cannot = |error: std::io::Error| format!("{} cannot be read: {error}", folder.display());
    let verdicts = report.liveness.entry(format!("photos in {}", folder.display())).or_default();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let bytes = std::fs::read(entry.map_err(cannot)?.path()).map_err(cannot)?;
        let Ok(seen) = engine.detect_faces(&bytes) else { continue };
        if let Some(liveness) = seen.faces.first().and_then(|face| face.liveness) {
            verdicts.count(liveness.verdict);
        }
    }
    Ok(())
}

type Watched<'a> = (Vec<Watcher<'a>>, crate::domain::evidence::ClipSeen, f64);

/// Decodes once and watches at each rate, so that following the face is measured too.
fn watch<'a>(engine: &'a Engine, bytes: &[u8]) -> Result<Watched<'a>, UnusableReason> {
    let mut watchers: Vec<Watcher> = EVERY.iter().map(|_| Watcher::new(engine.networks())).collect();
    let whole = Stopwatch::start();
    let (mut watching, mut number) = (0.0, 0);
    let video = engine.clips().decode(bytes, &mut |frame| {
        let step = Stopwatch::start();
        for (watcher, every) in watchers.iter_mut().zip(EVERY) {
            if number % every == 0 {
                let pushed = watcher.push(frame.at_milliseconds / 1e3, &frame.pixels);
                pushed.map_err(|error| crate::vision::failed(&error))?;
            }
        }
        number += 1;
        watching += step.elapsed_ms();
        Ok(())
    })?;
    Ok((watchers, video, whole.elapsed_ms() - watching))
}

/// A part of a clip, and whether a blink is in it.
struct Window {
    span: Span,
    blink: bool,
}

fn windows(labels: &[BlinkLabel], seconds: f64) -> Vec<Window> {
    let scored = |label: &&BlinkLabel| {
        label.is_blink
            && label.span.seconds() <= BLINK_SECONDS_MAX
            && label.span.start >= END_SECONDS
            && label.span.end <= seconds - END_SECONDS
    };
    let around = |span: Span| Span { start: span.start - AROUND_SECONDS, end: span.end + AROUND_SECONDS };
    let mut windows: Vec<Window> =
        labels.iter().filter(scored).map(|label| Window { span: around(label.span), blink: true }).collect();
    let mut busy: Vec<Span> = labels.iter().filter(|label| label.may_be_blink).map(|label| label.span).collect();
    busy.push(Span { start: seconds + END_SECONDS, end: f64::INFINITY });
    busy.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut free_from = 0.0_f64;
    for span in busy {
        let free_until = span.start - END_SECONDS;
        while free_until - free_from >= FREE_SECONDS.0 {
            let end = free_until.min(free_from + FREE_SECONDS.1);
            windows.push(Window { span: Span { start: free_from, end }, blink: false });
            free_from = end;
        }
        free_from = free_from.max(span.end + END_SECONDS);
    }
    windows
}

fn score_blinks(rate: &mut Rate, frames: &[Frame], windows: &[Window]) {
    for Window { span, blink } in windows {
        let inside: Vec<Frame> =
            frames.iter().filter(|frame| frame.at >= span.start && frame.at <= span.end).copied().collect();
        let found = !blink::find(&eyes(&inside)).is_empty();
        let times: Vec<f64> = inside.iter().map(|frame| frame.at).collect();
        rate.blink_inconclusive += usize::from(!found && per_second(&times) < PER_SECOND_MIN);
        rate.blink.count(*blink, found);
    }
}

fn add(sum: &mut ClipTimes, times: &ClipTimes) {
    sum.decode += times.decode;
    sum.detect += times.detect;
    sum.landmarks += times.landmarks;
    sum.expression += times.expression;
    sum.embed += times.embed;
    sum.liveness += times.liveness;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(start: f64, end: f64, kind: &str) -> BlinkLabel {
        BlinkLabel { span: Span { start, end }, is_blink: kind == "blink", may_be_blink: kind != "not_a_blink" }
    }

    fn cut(labels: &[BlinkLabel], seconds: f64) -> Vec<(f64, f64, bool)> {
        let rounded = |value: f64| (value * 1e3).round() / 1e3;
        windows(labels, seconds).iter().map(|w| (rounded(w.span.start), rounded(w.span.end), w.blink)).collect()
    }

    #[test]
    fn windows_are_cut_as_declared() {
        assert_eq!(cut(&[], 7.0), [(0.0, 3.0, false), (3.0, 6.0, false)]);
        assert_eq!(cut(&[label(3.0, 3.2, "blink")], 6.0), [(1.8, 4.4, true), (0.0, 2.8, false), (3.4, 6.0, false)]);
        assert!(cut(&[label(0.1, 0.3, "blink")], 1.0).is_empty(), "too near the beginning, and nothing is left");
        assert!(cut(&[label(1.0, 3.0, "blink")], 4.0).is_empty(), "closed eyes are no blink");
        assert_eq!(cut(&[label(1.0, 1.1, "unclear")], 3.0), [(1.3, 3.0, false)]);
        assert_eq!(cut(&[label(1.0, 1.1, "not_a_blink")], 3.0), [(0.0, 3.0, false)]);
    }
}
