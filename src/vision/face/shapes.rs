//! Movements of a face (lids closing, mouth corners rising) from the points of its mesh.

use candle_core::{Device, Tensor};

use super::mesh::Mesh;
use crate::domain::evidence::Point;
use crate::vision::nets::blendshapes::POINTS;
use crate::vision::nets::{Net, NetError};

/// The published subset of the mesh that the network looks at, in its order.
const SUBSET: [usize; POINTS] = [
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
    154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251,
    263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318,
    321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386,
    387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
];

/// Where the output has eyeBlinkLeft, eyeBlinkRight, mouthSmileLeft and mouthSmileRight.
const EYE_BLINK: [usize; 2] = [9, 10];
const MOUTH_SMILE: [usize; 2] = [44, 45];

/// 0–1 each, the mean of both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shapes {
    pub blink: f64,
    pub smile: f64,
}

pub fn of(net: &Net, mesh: &Mesh) -> Result<Shapes, NetError> {
    let input = Tensor::from_vec(input(mesh), (1, 1, 2, POINTS), &Device::Cpu)?;
    let output = net.run(&input)?.into_iter().next();
    let shapes = output.ok_or_else(|| NetError::Graph("the blendshapes have one output".into()))?;
    let shapes = shapes.flatten_all()?.to_vec1::<f32>()?;
    let mean = |places: [usize; 2]| {
        places.iter().filter_map(|place| shapes.get(*place)).map(|value| f64::from(*value)).sum::<f64>() / 2.0
    };
    Ok(Shapes { blink: mean(EYE_BLINK), smile: mean(MOUTH_SMILE) })
}

/// All x, then all y, about their mean, in mean distances from it: neither place nor size of the face matters.
fn input(mesh: &Mesh) -> Vec<f32> {
    let points: Vec<Point> = SUBSET.iter().map(|index| mesh.at(*index)).collect();
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.x / count, y + point.y / count));
    let spread = points.iter().map(|point| (point.x - x).hypot(point.y - y)).sum::<f64>() / count;
    let scaled = |value: f64| (value / spread.max(1e-6)) as f32;
    points.iter().map(|point| scaled(point.x - x)).chain(points.iter().map(|point| scaled(point.y - y))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vision::nets::facemesh;

    #[test]
    fn place_and_size_of_the_face_do_not_matter() {
        let points = |scale: f64, shift: f64| {
            let one =
                |i: usize| [(i as f64 * 7.3 % 100.0) * scale + shift, (i as f64 * 3.1 % 90.0) * scale + shift, 0.0];
            Mesh::from_points((0..facemesh::POINTS).map(one).collect())
        };
        let (near, far) = (input(&points(2.0, 30.0)), input(&points(0.5, -4.0)));
        assert_eq!(near.len(), 2 * POINTS);
        assert!(near.iter().zip(&far).all(|(a, b)| (a - b).abs() < 1e-5));
        let mean_x: f32 = near.iter().take(POINTS).sum::<f32>() / POINTS as f32;
        assert!(mean_x.abs() < 1e-5);
    }
}
