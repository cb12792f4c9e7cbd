//! Where text stands on a picture.

use candle_core::{Device, Tensor};
use image::RgbImage;

use super::boxes::{self, TextBox};
use crate::vision::nets::{Net, NetError};
use crate::vision::resize;

/// Longest side shown to the network: as published.
pub const SIDE: u32 = 960;
const MULTIPLE: usize = 32;
/// ImageNet's mean and deviation, in the order of the channels as they are shown (blue first), as published.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// A document has more pieces of text than this: where fewer are found, blur may have dissolved them.
const FEW: usize = 8;

/// Boxes of text in the picture's own pixels. Made small, blurred text is sharp again: where little is found, the network
/// looks once more at half the size.
pub fn text(net: &Net, picture: &RgbImage) -> Result<Vec<TextBox>, NetError> {
    let found = at(net, picture, SIDE)?;
    if found.len() >= FEW {
        return Ok(found);
    }
    let again = at(net, picture, SIDE / 2)?;
    Ok(if again.len() > found.len() { again } else { found })
}

fn at(net: &Net, picture: &RgbImage, side: u32) -> Result<Vec<TextBox>, NetError> {
    let factor = (f64::from(picture.width().max(picture.height())) / f64::from(side)).max(1.0);
    let small = resize::shrink(picture, factor);
    let (map, width) = probabilities(net, &small)?;
    Ok(boxes::find(&map, width).into_iter().map(|found| found.scaled(factor)).collect())
}

/// The map, and how many columns it has. What the picture lacks to whole multiples is the mean colour.
fn probabilities(net: &Net, picture: &RgbImage) -> Result<(Vec<f32>, usize), NetError> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (padded_width, padded_height) = (width.next_multiple_of(MULTIPLE), height.next_multiple_of(MULTIPLE));
    let mut values = vec![0_f32; padded_width * padded_height * 3];
    let lines = picture.as_raw().chunks_exact(width * 3);
    for (to, from) in values.chunks_exact_mut(padded_width * 3).zip(lines) {
        for (to, from) in to.chunks_exact_mut(3).zip(from.chunks_exact(3)) {
            let scales = MEAN.iter().zip(DEVIATION);
            for ((to, from), (mean, deviation)) in to.iter_mut().zip(from.iter().rev()).zip(scales) {
                *to = (f32::from(*from) / 255.0 - mean) / deviation;
            }
        }
    }
    let input = Tensor::from_vec(values, (1, padded_height, padded_width, 3), &Device::Cpu)?;
    let outputs = net.run(&input)?;
    let map = outputs.first().ok_or_else(|| NetError::Graph("the text detector has one map".into()))?;
    Ok((map.flatten_all()?.to_vec1::<f32>()?, padded_width))
}
