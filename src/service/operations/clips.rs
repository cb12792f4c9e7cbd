//! Clips: whether the person blinked, smiled, did what a challenge asked; and whether it was the same live person all along.

use serde_json::{Value, json};

use super::liveness::{self, is_refused};
use super::{Concluded, Work, invalid};
use crate::config::{Config, LivenessRequired};
use crate::domain::challenge::{self, Step};
use crate::domain::clip::{ClipExamined, Doubt, Fingerprint};
use crate::domain::evidence::{Embedding, Examiner, Unusable, UnusableReason};
use crate::domain::job::{Operation, Outcome, Verdict};
use crate::domain::score::Cosine;
use crate::service::past::PastClip;

/// Two frames of one recording are taken to show two people only where strangers would hardly be less alike: light and
/// expression differ less between them than between photos, and a person is not to be refused for a grimace.
const SAME_PERSON_FMR: f64 = 1e-3;
/// How far two encodings of one clip may be apart, in the picture and in movement.
const REPLAY_PICTURE: f64 = 0.2;
const REPLAY_MOTION: f64 = 0.3;

/// `check_smile`, `check_blink` and `check_challenge`.
pub(super) fn check(examiner: &dyn Examiner, config: &Config, work: &Work) -> Concluded {
    let seen = match examiner.examine_clip(work.file("clip")) {
        Ok(seen) => seen,
        Err(unusable) => return invalid(work, &unusable).into(),
    };
    let outcome = concluded(examiner, config, work, &seen);
    Concluded { fingerprint: seen.fingerprint, ..outcome.into() }
}

fn concluded(examiner: &dyn Examiner, config: &Config, work: &Work, seen: &ClipExamined) -> Outcome {
    if seen.frames.with_face == 0 {
        return invalid(work, &Unusable { field: "clip", why: UnusableReason::NoFace });
    }
    let person = Person::of(examiner, config, work.past.selfie.as_ref(), seen);
    let replayed = seen.fingerprint.as_ref().and_then(|print| replayed(print, work));
    let enforced = config.liveness.required == LivenessRequired::Enforce;
    let is_challenge = work.operation == Operation::CheckChallenge;
    let (done, otherwise) = match work.operation {
        Operation::CheckBlink => (!seen.blinks.is_empty(), "no_blink"),
        Operation::CheckSmile => (!seen.smile.spans.is_empty(), "no_smile"),
        _ => (challenge::is_followed(&steps(work), seen), "not_as_asked"),
    };
    let reasons: Vec<&str> = [
        (otherwise, !done),
        ("person_changed", person.changed),
        ("not_the_selfie", is_challenge && person.is_selfie == Some(false)),
        ("not_live", is_refused(config, seen.liveness.verdict)),
        ("replayed", replayed.is_some() && (is_challenge || enforced)),
    ]
    .into_iter()
    .filter(|(_, holds)| *holds)
    .map(|(reason, _)| reason)
    .collect();
    let details = details(examiner, config, seen, &person, replayed, &reasons);
    if let Some(doubt) = inconclusive(seen, done) {
        return Outcome::invalid(advice(doubt), "inconclusive", details);
    }
    let verdict = if reasons.is_empty() { Verdict::Succeeded } else { Verdict::Failed };
    Outcome::answered(verdict, json!(reasons.is_empty()), details)
}

/// Why no answer can be given. What was seen in a clip with few frames was seen; only that something was *not* seen says
/// nothing. In a dark, blurred or cut clip neither does.
fn inconclusive(seen: &ClipExamined, done: bool) -> Option<Doubt> {
    let only_if_missed = [Doubt::TooShort, Doubt::TooFewFrames, Doubt::FaceLeft];
    seen.doubts.iter().copied().find(|doubt| !(done && only_if_missed.contains(doubt)))
}

fn advice(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::TooDark => "The face is too dark to tell. Film it again with light on the face.",
        Doubt::TooBright => "The face is too bright to tell. Film it again without a lamp or the sun on the face.",
        Doubt::TooBlurred => "The face is too blurred to tell. Wipe the lens, hold still and film it again.",
        Doubt::TooSmall => "The face is too small to tell. Come closer and film it again.",
        Doubt::TooShort => "The clip is too short to tell. Film about five seconds.",
        Doubt::TooFewFrames => {
            "The clip has too few frames a second to tell. Film in more light, with at least 15 a second."
        }
        Doubt::SeveralPeople => "More than one person is in the picture. Film one person alone.",
        Doubt::Cut => "The clip was cut. Send one recording as the camera made it.",
        Doubt::FaceLeft => "The face left the picture. Keep it in view from the beginning to the end.",
    }
}

/// Whether it was one person, and the one of the selfie.
struct Person {
    changed: bool,
    threshold: Cosine,
    selfie_cosine: Option<Cosine>,
    is_selfie: Option<bool>,
}

impl Person {
    fn of(examiner: &dyn Examiner, config: &Config, selfie: Option<&Embedding>, seen: &ClipExamined) -> Person {
        let scores = examiner.photo_scores();
        let threshold = scores.cosine_at_fmr(SAME_PERSON_FMR);
        let selfie_cosine = selfie.zip(seen.embedding.as_ref()).and_then(|(selfie, clip)| selfie.cosine(clip));
        let matching = scores.cosine_at_fmr(config.faces.match_at_fmr);
        Person {
            changed: seen.person.lowest_cosine.is_some_and(|lowest| lowest < threshold.0),
            threshold,
            selfie_cosine,
            is_selfie: selfie_cosine.map(|cosine| cosine.0 >= matching.0),
        }
    }
}

/// The clip of another session that this one is a copy of. Within a session one clip may well be sent for a smile and for a
/// blink; two challenges never have one answer.
fn replayed<'a>(print: &Fingerprint, work: &Work<'a>) -> Option<&'a PastClip> {
    let both_challenges =
        |past: &PastClip| work.operation == Operation::CheckChallenge && past.operation == Operation::CheckChallenge;
    let counts = |past: &&PastClip| past.attempt != work.job.attempt || both_challenges(past);
    work.past.clips.iter().filter(counts).find(|past| {
        let (picture, motion) = past.fingerprint.distances(print);
        picture <= REPLAY_PICTURE && motion <= REPLAY_MOTION
    })
}

fn steps(work: &Work) -> Vec<Step> {
    work.parameters.get("steps").and_then(|steps| serde_json::from_value(steps.clone()).ok()).unwrap_or_default()
}

fn details(
    examiner: &dyn Examiner,
    config: &Config,
    seen: &ClipExamined,
    person: &Person,
    replayed: Option<&PastClip>,
    reasons: &[&str],
) -> Value {
    let mut details = json!({
        "reasons": reasons,
        "blinkCount": seen.blinks.len(),
        "samePerson": {
            "throughout": !person.changed,
            "lowestCosine": seen.person.lowest_cosine,
            "threshold": person.threshold,
        },
        "selfie": person.selfie_cosine.map(|cosine| json!({ "samePerson": person.is_selfie, "cosine": cosine })),
        "replayOf": replayed.map(|past| json!({ "job": past.job, "at": past.at })),
        "clip": seen,
        "models": examiner.models(),
    });
    liveness::withhold(config, &mut details);
    details
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_in_few_frames_counts_and_what_was_seen_in_the_dark_does_not() {
        let mut seen = ClipExamined::empty();
        assert_eq!(inconclusive(&seen, false), None);
        seen.doubts = vec![Doubt::TooFewFrames];
        assert_eq!(inconclusive(&seen, true), None);
        assert_eq!(inconclusive(&seen, false), Some(Doubt::TooFewFrames));
        seen.doubts = vec![Doubt::TooDark, Doubt::TooFewFrames];
        assert_eq!(inconclusive(&seen, true), Some(Doubt::TooDark));
    }
}
