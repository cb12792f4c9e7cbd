//! From what was measured frame by frame to what the clip showed.

use super::blink::{self, Eyes};
use super::fuse::{self, typical};
use super::series::median;
use super::smile::{self, Mouth};
use super::turn::{self, Head};
use super::{Frame, Sample, Watcher, flat, motion, screen};
use crate::domain::clip::{ClipExamined, Curves, Doubt, Fingerprint, FramesSeen, Light, PersonSeen, Span};
use crate::domain::evidence::{ClipSeen, Embedding};
use crate::domain::liveness::Cues;

/// A face that is away for longer is told; one that is away for this long has left.
const ABSENCE_SECONDS: f64 = 0.5;
const LEFT_SECONDS: f64 = 1.0;
/// Of two faces as large as this the smaller may be the one that is meant.
const OTHER_WIDTH: f64 = 0.5;
/// With fewer frames blinks are missed: at 15 a second none of 67 was, at 10 one in ten. A little less than 15, because
/// times are rounded and frames dropped.
pub const PER_SECOND_MIN: f64 = 14.0;
const SECONDS_MIN: f64 = 1.0;
/// As for a photo.
const EYE_DISTANCE_MIN: f64 = 24.0;
/// About half of what a photo is advised to be taken again for: the eyes of twelve published clips were told well with
/// exposures of 60 to 146 and sharpness from 64 on, and nothing worse was there to measure.
const EXPOSURE: (f64, f64) = (30.0, 225.0);
const SHARPNESS_MIN: f64 = 20.0;

pub fn conclude(watcher: Watcher<'_>, video: ClipSeen, decode: f64) -> ClipExamined {
    let Watcher { tracker, scenes, mut spent, frames, samples, embeddings, poses, .. } = watcher;
    spent.times.decode = decode;
    let times: Vec<f64> = frames.iter().map(|frame| frame.at).collect();
    let gaps = || times.windows(2).filter_map(|two| Some(Span { start: *two.first()?, end: *two.last()? }));
    let frames_seen = FramesSeen {
        analysed: watcher.analysed,
        with_face: frames.len(),
        per_second: per_second(&times),
        longest_gap: gaps().map(|gap| gap.seconds()).fold(0.0, f64::max),
    };
    let person = PersonSeen {
        faces_max: tracker.faces_max,
        largest_other: tracker.largest_other(),
        cuts: watcher.cuts,
        absences: gaps().filter(|gap| gap.seconds() > ABSENCE_SECONDS).collect(),
        lowest_cosine: lowest_cosine(&embeddings),
        samples: embeddings.len(),
    };
    let light = light(&samples);
    let parallax = flat::parallax(&poses);
    let cues = Cues {
        parallax: parallax.map(|(rest, _)| rest),
        parallax_turn: parallax.map(|(_, turn)| turn),
        moire: typical(&watcher.moire),
        flicker: screen::flicker(&watcher.bands),
    };
    ClipExamined {
        doubts: doubts(&frames_seen, &person, &light, seconds(&times)),
        blinks: blink::find(&eyes(&frames)),
        smile: smile::find(&mouths(&frames)),
        turns: turn::find(&heads(&frames)),
        liveness: fuse::fuse(&watcher.liveness, cues),
        curves: curves(&frames),
        milliseconds: spent.times,
        embedding: mean(&embeddings),
        fingerprint: (!frames.is_empty())
            .then(|| Fingerprint { picture: scenes.fingerprint(), motion: motion::of(&frames) }),
        video,
        frames: frames_seen,
        person,
        light,
    }
}

pub fn eyes(frames: &[Frame]) -> Vec<Eyes> {
    let eyes = |frame: &Frame| Eyes {
        at: frame.at,
        shape: frame.blink,
        right: frame.right_aperture,
        left: frame.left_aperture,
        yaw_degrees: frame.yaw_degrees,
    };
    frames.iter().map(eyes).collect()
}

pub fn mouths(frames: &[Frame]) -> Vec<Mouth> {
    frames
        .iter()
        .map(|frame| Mouth { at: frame.at, level: frame.smile, happy: frame.happy, width: frame.mouth_width })
        .collect()
}

fn heads(frames: &[Frame]) -> Vec<Head> {
    frames.iter().map(|frame| Head { at: frame.at, yaw_degrees: frame.yaw_degrees }).collect()
}

/// By the usual time between two frames, so that an absence does not look like a slow camera.
pub fn per_second(times: &[f64]) -> f64 {
    let step = median(times.windows(2).filter_map(|two| Some(two.last()? - two.first()?)));
    if step > 0.0 { 1.0 / step } else { 0.0 }
}

fn seconds(times: &[f64]) -> f64 {
    times.last().zip(times.first()).map_or(0.0, |(last, first)| last - first)
}

fn light(samples: &[Sample]) -> Light {
    let middle = |of: fn(&Sample) -> f64| median(samples.iter().map(of));
    Light {
        exposure: middle(|sample| sample.exposure),
        sharpness: middle(|sample| sample.sharpness),
        eye_distance: middle(|sample| sample.eye_distance),
    }
}

fn doubts(frames: &FramesSeen, person: &PersonSeen, light: &Light, seconds: f64) -> Vec<Doubt> {
    if frames.with_face == 0 {
        return Vec::new();
    }
    [
        (Doubt::TooDark, light.exposure < EXPOSURE.0),
        (Doubt::TooBright, light.exposure > EXPOSURE.1),
        (Doubt::TooBlurred, light.sharpness < SHARPNESS_MIN),
        (Doubt::TooSmall, light.eye_distance < EYE_DISTANCE_MIN),
        (Doubt::TooShort, seconds < SECONDS_MIN),
        (Doubt::TooFewFrames, frames.per_second < PER_SECOND_MIN),
        (Doubt::SeveralPeople, person.largest_other >= OTHER_WIDTH),
        (Doubt::Cut, !person.cuts.is_empty()),
        (Doubt::FaceLeft, person.absences.iter().any(|absence| absence.seconds() > LEFT_SECONDS)),
    ]
    .into_iter()
    .filter(|(_, holds)| *holds)
    .map(|(doubt, _)| doubt)
    .collect()
}

fn lowest_cosine(embeddings: &[Embedding]) -> Option<f64> {
    let pairs = embeddings.iter().enumerate().flat_map(|(i, a)| embeddings.iter().skip(i + 1).map(move |b| (a, b)));
    pairs.filter_map(|(a, b)| a.cosine(b)).map(|cosine| cosine.0).min_by(f64::total_cmp)
}

/// Of unit length again; `None` if there is none.
fn mean(embeddings: &[Embedding]) -> Option<Embedding> {
    let first = embeddings.first()?;
    let mut sum = first.numbers.clone();
    for embedding in embeddings.iter().skip(1) {
        sum.iter_mut().zip(&embedding.numbers).for_each(|(sum, value)| *sum += value);
    }
    let length = sum.iter().map(|value| value * value).sum::<f32>().sqrt();
    let numbers = sum.iter().map(|value| value / length).collect();
    (length.is_finite() && length > 0.0).then_some(Embedding { by: first.by, numbers })
}

/// Three decimals are what the numbers are worth, and keep the record small.
fn curves(frames: &[Frame]) -> Curves {
    let curve = |of: fn(&Frame) -> f64| frames.iter().map(|frame| ((of(frame) * 1e3).round() / 1e3) as f32).collect();
    Curves {
        seconds: curve(|frame| frame.at),
        aperture: curve(|frame| (frame.right_aperture + frame.left_aperture) / 2.0),
        blink: curve(|frame| frame.blink),
        smile: curve(|frame| frame.smile),
        yaw: curve(|frame| (frame.yaw_degrees * 10.0).round() / 10.0),
    }
}
