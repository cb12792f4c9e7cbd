//! Faces: found, chosen, aligned, embedded, judged as samples. One step per file; each step's network only computes, and
//! what goes into it and comes out of it is decided here.

pub mod align;
pub mod choose;
pub mod detect;
pub mod embed;
pub mod quality;
pub mod search;

use crate::domain::evidence::{Box2, Landmarks, Point};

/// A face as the detector reports it, in the pixels of the picture that it was shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    pub r#box: Box2,
    pub landmarks: Landmarks,
    /// 0–1.
    pub confidence: f64,
}

impl Found {
    /// The same face in a picture whose sides are this many times as long.
    fn scaled(self, x: f64, y: f64) -> Found {
        let Box2 { x: left, y: top, width, height } = self.r#box;
        Found {
            r#box: Box2 { x: left * x, y: top * y, width: width * x, height: height * y },
            landmarks: Landmarks::from_points(
                self.landmarks.points().map(|point| Point { x: point.x * x, y: point.y * y }),
            ),
            confidence: self.confidence,
        }
    }

    /// The line from the right eye to the left against the horizontal, clockwise, in degrees from −180 to 180.
    pub fn roll_degrees(&self) -> f64 {
        let Landmarks { right_eye, left_eye, .. } = self.landmarks;
        (left_eye.y - right_eye.y).atan2(left_eye.x - right_eye.x).to_degrees()
    }
}
