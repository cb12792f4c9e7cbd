//! How a clip's face moved, in numbers by which the same recording is known again: nobody moves twice the same way, while a
//! picture alone is as much alike between two recordings of one person on one chair.

use super::Frame;
use crate::domain::clip::MOTION_MOMENTS;

/// A number of one frame.
type Measure = fn(&Frame) -> f64;

/// What is followed, and what of it counts as much as anything else: numbers become whole multiples of an eighth of it.
/// Opening of the eyes, width of the mouth, turn of the head, and place and size of the face in the picture.
const UNITS: [(Measure, f64); 6] = [
    (|frame| (frame.right_aperture + frame.left_aperture) / 2.0, 0.05),
    (|frame| frame.mouth_width, 0.05),
    (|frame| frame.yaw_degrees, 5.0),
    (|frame| frame.nose.x, 0.03),
    (|frame| frame.nose.y, 0.03),
    (|frame| frame.eye_span, 0.02),
];
const PARTS: f64 = 8.0;

/// Each kind of movement at moments evenly spread over the clip, about its mean; nothing of a clip without a face.
pub fn of(frames: &[Frame]) -> Vec<i8> {
    let (Some(first), Some(last)) = (frames.first(), frames.last()) else { return Vec::new() };
    let moment = |frame: &Frame| {
        let share = (frame.at - first.at) / (last.at - first.at).max(1e-6);
        ((share * MOTION_MOMENTS as f64) as usize).min(MOTION_MOMENTS - 1)
    };
    UNITS
        .iter()
        .flat_map(|(of, unit)| {
            let mean = frames.iter().map(of).sum::<f64>() / frames.len() as f64;
            let mut sums = vec![(0.0, 0.0); MOTION_MOMENTS];
            for frame in frames {
                if let Some((sum, count)) = sums.get_mut(moment(frame)) {
                    *sum += (of(frame) - mean) / unit * PARTS;
                    *count += 1.0;
                }
            }
            // A moment without a frame is as the one before it.
            let mut before = 0.0;
            sums.into_iter().map(move |(sum, count)| {
                before = if count > 0.0 { sum / count } else { before };
                // A cast of a float to an integer ends at the integer's limits.
                before.round() as i8
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clip::Fingerprint;
    use crate::domain::evidence::Point;

    fn film(rate: f64, shift: f64) -> Fingerprint {
        let frame = |index: u32| {
            let at = f64::from(index) / rate;
            let wave = |speed: f64| ((at + shift) * speed).sin();
            Frame {
                at,
                blink: 0.0,
                right_aperture: 0.3 + 0.1 * wave(3.0),
                left_aperture: 0.3 + 0.1 * wave(3.0),
                smile: 0.0,
                happy: 0.0,
                mouth_width: 0.5 + 0.05 * wave(1.7),
                yaw_degrees: 8.0 * wave(0.9),
                nose: Point { x: 0.5 + 0.05 * wave(1.1), y: 0.5 },
                eye_span: 0.2,
            }
        };
        let frames: Vec<Frame> = (0..(4.0 * rate) as u32).map(frame).collect();
        Fingerprint { picture: vec![7; 32], motion: of(&frames) }
    }

    #[test]
    fn the_same_movement_is_known_at_another_frame_rate_and_another_is_not() {
        let original = film(30.0, 0.0);
        let (_, same) = original.distances(&film(15.0, 0.0));
        let (_, other) = original.distances(&film(30.0, 2.0));
        assert!(same < 0.05 && other > 0.5, "{same} {other}");
    }

    #[test]
    fn a_picture_that_does_not_move_is_like_nothing() {
        let still = Fingerprint { picture: vec![7; 32], motion: vec![0; 6 * MOTION_MOMENTS] };
        assert_eq!(still.distances(&still), (0.0, 1.0));
        assert_eq!(of(&[]), Vec::<i8>::new());
    }
}
