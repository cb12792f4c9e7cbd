//! A challenge: what a person is asked to do before the camera, in an order that nobody could know beforehand.

use serde::{Deserialize, Serialize};

use super::clip::{ClipExamined, Side};
use super::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Blink,
    Smile,
    /// To the person's own left.
    TurnLeft,
    TurnRight,
}

impl Step {
    pub const ALL: [Step; 4] = [Step::Blink, Step::Smile, Step::TurnLeft, Step::TurnRight];
}

/// Issued to one session, to be answered once and before it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Challenge {
    pub nonce: String,
    pub steps: Vec<Step>,
    pub expires_at: Timestamp,
}

impl Challenge {
    pub fn is_answered_by(&self, nonce: &str, now: Timestamp) -> bool {
        self.nonce == nonce && now < self.expires_at
    }
}

/// What a person did that a challenge asks for, and when: it began, and was over.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Done {
    step: Step,
    start: f64,
    end: f64,
}

/// Whether the clip shows the steps in their order. Turns and the smile come exactly as often as asked, so that a clip with
/// everything in it answers nothing; everybody blinks now and then, so of blinks it only matters that one was in its place.
pub fn is_followed(steps: &[Step], clip: &ClipExamined) -> bool {
    let deliberate = deliberate(clip);
    let asked = steps.iter().filter(|step| **step != Step::Blink);
    if !deliberate.iter().map(|done| done.step).eq(asked.copied()) {
        return false;
    }
    let mut deliberate = deliberate.iter().peekable();
    let mut over = f64::NEG_INFINITY;
    for step in steps {
        if *step == Step::Blink {
            let until = deliberate.peek().map_or(f64::INFINITY, |next| next.start);
            // What counts is when the lids were closed.
            let Some(blink) = clip.blinks.iter().find(|blink| blink.peak > over && blink.peak < until) else {
                return false;
            };
            over = blink.peak;
        } else if let Some(done) = deliberate.next() {
            over = over.max(done.start);
        }
    }
    true
}

/// Turns and smiles in the order in which they began. Smiles with a short break are one.
fn deliberate(clip: &ClipExamined) -> Vec<Done> {
    const BREAK_SECONDS: f64 = 1.0;
    let mut done: Vec<Done> = Vec::new();
    for span in &clip.smile.spans {
        match done.last_mut() {
            Some(last) if span.start - last.end <= BREAK_SECONDS => last.end = span.end,
            _ => done.push(Done { step: Step::Smile, start: span.start, end: span.end }),
        }
    }
    done.extend(clip.turns.iter().map(|turn| {
        let step = if turn.side == Side::Left { Step::TurnLeft } else { Step::TurnRight };
        Done { step, start: turn.start, end: turn.end }
    }));
    done.sort_by(|a, b| a.start.total_cmp(&b.start));
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clip::{Blink, Span, Turn};

    fn clip(blinks: &[f64], smiles: &[(f64, f64)], turns: &[(Side, f64)]) -> ClipExamined {
        let mut clip = ClipExamined::empty();
        clip.blinks =
            blinks.iter().map(|at| Blink { start: at - 0.1, end: at + 0.1, peak: *at, aperture: 0.2 }).collect();
        clip.smile.spans = smiles.iter().map(|(start, end)| Span { start: *start, end: *end }).collect();
        let turn =
            |(side, at): &(Side, f64)| Turn { side: *side, start: *at, end: at + 1.0, peak: at + 0.5, degrees: 30.0 };
        clip.turns = turns.iter().map(turn).collect();
        clip
    }

    #[test]
    fn the_order_decides() {
        use Step::{Blink, Smile, TurnLeft, TurnRight};
        let turns = [(Side::Left, 1.0), (Side::Right, 3.0)];
        let seen = clip(&[5.0], &[(6.0, 7.0)], &turns);
        assert!(is_followed(&[TurnLeft, TurnRight, Blink, Smile], &seen));
        assert!(!is_followed(&[TurnRight, TurnLeft, Blink, Smile], &seen));
        assert!(!is_followed(&[TurnLeft, TurnRight, Smile, Blink], &seen));
        assert!(!is_followed(&[Blink, TurnLeft, TurnRight, Smile], &seen));
        let blinking = clip(&[0.5, 2.2, 5.0, 8.0], &[(6.0, 6.6), (7.0, 7.5)], &turns);
        assert!(is_followed(&[TurnLeft, TurnRight, Smile, Blink], &blinking), "one may blink more often");
        assert!(is_followed(&[Blink, TurnLeft, TurnRight, Smile], &blinking));
    }

    #[test]
    fn a_clip_with_everything_in_it_answers_nothing() {
        use Step::{Blink, Smile, TurnLeft, TurnRight};
        let turns = [(Side::Left, 1.0), (Side::Right, 3.0), (Side::Left, 5.0), (Side::Right, 7.0)];
        let seen = clip(&[0.5, 2.5, 4.5, 6.5, 8.5], &[(2.0, 2.8), (6.0, 6.8)], &turns);
        for steps in [[TurnLeft, TurnRight, Blink, Smile], [Blink, TurnRight, Smile, TurnLeft]] {
            assert!(!is_followed(&steps, &seen));
        }
        assert!(!is_followed(&Step::ALL, &ClipExamined::empty()));
    }

    #[test]
    fn a_nonce_is_good_until_it_expires() {
        let now = Timestamp::from_millis(1000);
        let challenge =
            Challenge { nonce: "n".into(), steps: Step::ALL.to_vec(), expires_at: Timestamp::from_millis(2000) };
        assert!(challenge.is_answered_by("n", now));
        assert!(!challenge.is_answered_by("m", now));
        assert!(!challenge.is_answered_by("n", Timestamp::from_millis(2000)));
    }
}
