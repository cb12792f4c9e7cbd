//! Which face a photo is of.
//!
//! The rule: the largest face by the area of its box. Faces of at least half the largest area count as equally large, and of
//! those the one nearest to the photo's centre is chosen. The others follow, the largest first.

use super::Found;

/// Share of the largest area from which a face counts as equally large. Half the area is 0.7 times the distance to the
/// camera: people who stand together differ by as much, and the photo is of the one in its middle, not of the neighbour
/// who is half outside. On a document the second portrait ("ghost") is smaller than this.
const EQUALLY_LARGE: f64 = 0.5;

/// The faces with the chosen one first. `width` and `height` are the photo's.
pub fn in_order(mut faces: Vec<Found>, width: f64, height: f64) -> Vec<Found> {
    faces.sort_by(|a, b| area(b).total_cmp(&area(a)));
    let largest = faces.first().map_or(0.0, area);
    let off_centre = |face: &Found| {
        let x = face.r#box.x + face.r#box.width / 2.0 - width / 2.0;
        let y = face.r#box.y + face.r#box.height / 2.0 - height / 2.0;
        x.hypot(y)
    };
    let rivals = faces.iter().enumerate().take_while(|(_, face)| area(face) >= largest * EQUALLY_LARGE);
    let chosen = rivals.min_by(|(_, a), (_, b)| off_centre(a).total_cmp(&off_centre(b))).map(|(place, _)| place);
    if let Some(front) = chosen.and_then(|place| faces.get_mut(..=place)) {
        front.rotate_right(1);
    }
    faces
}

fn area(face: &Found) -> f64 {
    face.r#box.width * face.r#box.height
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::evidence::{Box2, Landmarks, Point};

    fn face(x: f64, side: f64) -> Found {
        let nowhere = Landmarks::from_points([Point { x: 0.0, y: 0.0 }; 5]);
        Found { r#box: Box2 { x, y: 45.0, width: side, height: side }, landmarks: nowhere, confidence: 0.9 }
    }

    fn lefts(faces: Vec<Found>) -> Vec<f64> {
        in_order(faces, 100.0, 100.0).iter().map(|face| face.r#box.x).collect()
    }

    #[test]
    fn the_largest_is_chosen_wherever_it_is() {
        assert_eq!(lefts(vec![face(45.0, 10.0), face(0.0, 20.0), face(80.0, 14.0)]), vec![0.0, 80.0, 45.0]);
    }

    #[test]
    fn of_equally_large_faces_the_most_central_is_chosen() {
        assert_eq!(lefts(vec![face(0.0, 20.0), face(41.0, 15.0), face(70.0, 19.8)]), vec![41.0, 0.0, 70.0]);
        assert_eq!(lefts(Vec::new()), Vec::<f64>::new());
    }
}
