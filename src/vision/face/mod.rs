//! Faces: found, chosen, aligned, embedded, judged as samples. One step per file; each step's network only computes, and
//! what goes into it and comes out of it is decided here.

pub mod align;
pub mod antispoof;
pub mod choose;
pub mod detect;
pub mod embed;
pub mod expression;
pub mod mesh;
pub mod quality;
pub mod search;
pub mod shapes;

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
    /// The same face in a picture whose sides are `factor` times as long.
    pub(crate) fn scaled(self, factor: f64) -> Found {
        let Box2 { x, y, width, height } = self.r#box;
        // Landmarks are pixel centres at whole numbers, as alignment takes them; a box's sides lie between pixels.
        let centre = |value: f64| (value + 0.5) * factor - 0.5;
        let points = self.landmarks.points().map(|point| Point { x: centre(point.x), y: centre(point.y) });
        Found {
            r#box: Box2 { x: x * factor, y: y * factor, width: width * factor, height: height * factor },
            landmarks: Landmarks::from_points(points),
            confidence: self.confidence,
        }
    }

    /// The line from the right eye to the left against the horizontal, clockwise, in degrees from −180 to 180.
    pub fn roll_degrees(&self) -> f64 {
        let Landmarks { right_eye, left_eye, .. } = self.landmarks;
        (left_eye.y - right_eye.y).atan2(left_eye.x - right_eye.x).to_degrees()
    }
}
