//! Smiles: a level of smiling that lasts, and how far it rose from the person's own neutral face.
//!
//! The level is the mesh's (mouth corners rising), with the threshold that was declared for clips. How probably the picture
//! is happy is a second opinion that may help a milder smile over it, where the mouth also widened over this person's own
//! neutral frames; alone it decides nothing, because it takes grimaces and speech for joy.

use super::series::{median, quantile};
use crate::domain::clip::{SmileSeen, Span};

/// A smile lasts. Of the frames in a window of this length all but a fifth must reach the level.
const SUSTAINED_SECONDS: f64 = 0.4;
const SUSTAINED_SHARE: f64 = 0.2;
/// On 30 published clips it found all 13 smiles and one that was none.
const LEVEL: f64 = 0.5;
/// The milder level, and what must come with it: the mean of both opinions, the rise, and how much wider the mouth is.
/// Guesses, of which the first was made after clips had been seen: at 0.3 a grimace passed.
const MILD_LEVEL: f64 = 0.4;
const MILD_MEAN: f64 = 0.5;
const MILD_RISE: f64 = 0.25;
const MILD_WIDER: f64 = 0.06;
/// The frames of a clip that count as the person's neutral ones: those with the lowest level.
const NEUTRAL_SHARE: f64 = 0.2;
/// Frames further apart say nothing of what was between them.
const GAP_SECONDS_MAX: f64 = 0.35;

/// The mouth in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mouth {
    pub at: f64,
    /// The mesh's smile, and how probably the picture is happy, 0–1 each.
    pub level: f64,
    pub happy: f64,
    /// By the distance between the eyes' outer corners.
    pub width: f64,
}

/// The smiles in these frames, which are in order of time.
pub fn find(frames: &[Mouth]) -> SmileSeen {
    let neutral_below = quantile(frames.iter().map(|mouth| mouth.level), NEUTRAL_SHARE);
    let neutral = median(frames.iter().map(|mouth| mouth.level).filter(|level| *level <= neutral_below));
    let neutral_width =
        median(frames.iter().filter(|mouth| mouth.level <= neutral_below).map(|mouth| mouth.width)).max(1e-6);

    let mut seen = SmileSeen { neutral, ..SmileSeen::default() };
    for window in windows(frames) {
        let level = quantile(window.iter().map(|mouth| mouth.level), SUSTAINED_SHARE);
        let wider = median(window.iter().map(|mouth| mouth.width)) / neutral_width - 1.0;
        let happy = quantile(window.iter().map(|mouth| mouth.happy), SUSTAINED_SHARE);
        let agreed = level >= MILD_LEVEL && (level + happy) / 2.0 >= MILD_MEAN;
        let mild = agreed && level - neutral >= MILD_RISE && wider >= MILD_WIDER;
        if level > seen.strongest {
            (seen.strongest, seen.happy, seen.wider) = (level, happy, wider);
        }
        if let (true, Some(first), Some(last)) = (level >= LEVEL || mild, window.first(), window.last()) {
            match seen.spans.last_mut() {
                Some(span) if span.end >= first.at => span.end = last.at,
                _ => seen.spans.push(Span { start: first.at, end: last.at }),
            }
        }
    }
    seen.rise = seen.strongest - neutral;
    seen
}

/// From every frame on, the frames of the sustained time, if none is missing among them.
fn windows(frames: &[Mouth]) -> impl Iterator<Item = &[Mouth]> {
    frames.iter().enumerate().filter_map(|(start, first)| {
        let rest = frames.get(start..)?;
        let count = rest.partition_point(|mouth| mouth.at < first.at + SUSTAINED_SECONDS);
        // The first frame past the time shows that the clip went on that long.
        rest.get(count)?;
        let window = rest.get(..count)?;
        let whole = window.windows(2).all(|two| two.iter().map(|m| m.at).reduce(|a, b| b - a) <= Some(GAP_SECONDS_MAX));
        whole.then_some(window)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn film(level: impl Fn(f64) -> f64, width: impl Fn(f64) -> f64) -> Vec<Mouth> {
        let frame = |index: u32| {
            let at = f64::from(index) / 20.0;
            Mouth { at, level: level(at), happy: 0.9, width: width(at) }
        };
        (0..80).map(frame).collect()
    }

    #[test]
    fn a_smile_that_lasts_counts_and_tells_its_rise() {
        let seen = find(&film(|at| if at < 2.0 { 0.1 } else { 0.8 }, |at| if at < 2.0 { 0.5 } else { 0.6 }));
        assert_eq!(seen.spans.len(), 1);
        assert!((seen.spans[0].start - 2.0).abs() < 0.11 && seen.spans[0].end > 3.8, "{seen:?}");
        assert!((seen.rise - 0.7).abs() < 1e-9 && (seen.wider - 0.2).abs() < 1e-9, "{seen:?}");
        let throughout = find(&film(|_| 0.9, |_| 0.6));
        assert!(throughout.spans.len() == 1 && throughout.rise == 0.0, "there is no neutral face to rise from");
    }

    #[test]
    fn a_grimace_of_a_moment_and_a_neutral_face_do_not_count() {
        assert!(find(&film(|at| if (1.0..1.2).contains(&at) { 0.9 } else { 0.1 }, |_| 0.5)).spans.is_empty());
        assert!(find(&film(|_| 0.3, |_| 0.5)).spans.is_empty(), "however happy it looks");
        assert!(find(&[]).spans.is_empty());
    }

    #[test]
    fn a_mild_smile_counts_where_the_mouth_widens() {
        let mild = |at: f64| if at < 2.0 { 0.05 } else { 0.45 };
        assert!(find(&film(mild, |_| 0.5)).spans.is_empty());
        let wider = |at: f64| if at < 2.0 { 0.5 } else { 0.55 };
        assert_eq!(find(&film(mild, wider)).spans.len(), 1);
        let mut joyless = film(mild, wider);
        joyless.iter_mut().for_each(|mouth| mouth.happy = 0.1);
        assert!(find(&joyless).spans.is_empty());
    }
}
