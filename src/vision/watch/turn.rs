//! Turns of the head: away from the camera to one side, and back.

use super::series::runs;
use crate::domain::clip::{Side, Turn};

/// A turn begins and ends here, in degrees off the camera's axis, and must reach further at its furthest. First guesses, not
/// tuned: people who speak to a camera move within about ten degrees.
const BEGINS_DEGREES: f64 = 12.0;
const REACHES_DEGREES: f64 = 22.0;
/// A face in profile may be lost for this long within a turn.
const GAP_SECONDS_MAX: f64 = 1.0;
/// Shorter is a landmark that jumped.
const TURN_SECONDS_MIN: f64 = 0.15;

/// The head in one frame: when, and how far it was turned, positive to the person's own left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Head {
    pub at: f64,
    pub yaw_degrees: f64,
}

/// The turns in these frames, which are in order of time.
pub fn find(frames: &[Head]) -> Vec<Turn> {
    let times: Vec<f64> = frames.iter().map(|head| head.at).collect();
    let towards = |side: Side| {
        let yaw = move |head: &Head| if side == Side::Left { head.yaw_degrees } else { -head.yaw_degrees };
        let turned = move |index: usize| frames.get(index).is_some_and(|head| yaw(head) > BEGINS_DEGREES);
        runs(&times, GAP_SECONDS_MAX, turned).into_iter().filter_map(move |(first, last)| {
            let furthest = frames.get(first..=last)?.iter().max_by(|a, b| yaw(a).total_cmp(&yaw(b)))?;
            let (start, end) = (frames.get(first)?.at, frames.get(last)?.at);
            let is_turn = yaw(furthest) >= REACHES_DEGREES && end - start >= TURN_SECONDS_MIN;
            is_turn.then_some(Turn { side, start, end, peak: furthest.at, degrees: yaw(furthest) })
        })
    };
    let mut turns: Vec<Turn> = towards(Side::Left).chain(towards(Side::Right)).collect();
    turns.sort_by(|a, b| a.start.total_cmp(&b.start));
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn film(yaw: impl Fn(f64) -> f64) -> Vec<Head> {
        (0..120).map(|index| f64::from(index) / 20.0).map(|at| Head { at, yaw_degrees: yaw(at) }).collect()
    }

    #[test]
    fn turns_are_told_apart_by_side_and_in_order() {
        let turns = find(&film(|at| 35.0 * (at * std::f64::consts::PI / 2.0).sin()));
        let sides: Vec<Side> = turns.iter().map(|turn| turn.side).collect();
        assert_eq!(sides, [Side::Left, Side::Right, Side::Left]);
        assert!((turns[0].peak - 1.0).abs() < 0.06 && turns[0].degrees > 34.0, "{turns:?}");
    }

    #[test]
    fn a_glance_and_a_jump_of_the_landmarks_are_no_turn() {
        assert!(find(&film(|at| 15.0 * at.sin())).is_empty());
        assert!(find(&film(|at| if (1.0..1.06).contains(&at) { 60.0 } else { 0.0 })).is_empty());
        assert!(find(&[]).is_empty());
    }
}
