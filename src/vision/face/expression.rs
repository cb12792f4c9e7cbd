//! How probably a face is happy: a second opinion on smiles, from the picture instead of the mesh.

use candle_core::{Device, Tensor};
use image::RgbImage;

use super::antispoof::between;
use super::mesh::Region;
use crate::vision::nets::mini_xception::{EXPRESSIONS, SIDE};
use crate::vision::nets::{Net, NetError};

/// Side of the square that is shown, by that of the mesh's region around the same face.
const SHARE: f64 = 0.8;

/// 0–1.
pub fn happy(net: &Net, picture: &RgbImage, region: &Region) -> Result<f64, NetError> {
    let input = Tensor::from_vec(cut(picture, region), (1, SIDE, SIDE, 1), &Device::Cpu)?;
    let output = net.run(&input)?.into_iter().next();
    let output = output.ok_or_else(|| NetError::Graph("the expression net has one output".into()))?;
    let shares = output.flatten_all()?.to_vec1::<f32>()?;
    let happy = EXPRESSIONS.iter().zip(shares).find(|(name, _)| **name == "happy").map_or(0.0, |(_, share)| share);
    Ok(if happy.is_finite() { f64::from(happy) } else { 0.0 })
}

/// Grey (ITU-R BT.601 luma), −1 to 1, the eyes level. Each value is the mean of four points: the square is about twice as
/// large as the input.
fn cut(picture: &RgbImage, region: &Region) -> Vec<f32> {
    let mut values = Vec::with_capacity(SIDE * SIDE);
    let scale = region.side * SHARE / SIDE as f64;
    let (sin, cos) = region.roll.sin_cos();
    for row in 0..SIDE {
        for column in 0..SIDE {
            let mut grey = 0.0;
            for (dx, dy) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
                let x = (column as f64 + dx - SIDE as f64 / 2.0) * scale;
                let y = (row as f64 + dy - SIDE as f64 / 2.0) * scale;
                let (x, y) = (region.centre.x + x * cos - y * sin, region.centre.y + x * sin + y * cos);
                let [red, green, blue] = between(picture, x, y);
                grey += 0.299 * red + 0.587 * green + 0.114 * blue;
            }
            values.push((grey / 4.0 / 255.0 - 0.5) * 2.0);
        }
    }
    values
}
