//! Which way up a document lies, by the orientation net: one vote, which what is read may overrule.

use candle_core::{Device, Tensor};
use image::{RgbImage, imageops};

use crate::vision::nets::{Net, NetError, pplcnet};
use crate::vision::resize;

/// The net sees the middle of a picture whose shorter side is this.
const SHORTER: f64 = 256.0;
/// ImageNet's, RGB.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// Quarters to turn the picture clockwise, the likeliest first. A document whose longer side stands upright was turned.
pub fn likeliest(net: &Net, picture: &RgbImage) -> Result<[u8; 4], NetError> {
    let outputs = net.run(&input(picture)?)?;
    let chances =
        outputs.first().map(Tensor::flatten_all).transpose()?.map(|flat| flat.to_vec1::<f32>()).transpose()?;
    let chances = chances.unwrap_or_default();
    let stands = picture.height() > picture.width();
    let mut turns = [0, 1, 2, 3];
    // The net says how far the picture was turned clockwise; three more quarters bring it back from one.
    let chance = |quarters: &u8| chances.get(usize::from((4 - quarters) % 4)).copied().unwrap_or(0.0);
    let wrong_way = |quarters: &u8| (quarters % 2 == 1) != stands;
    turns.sort_by(|a, b| wrong_way(a).cmp(&wrong_way(b)).then(chance(b).total_cmp(&chance(a))));
    Ok(turns)
}

fn input(picture: &RgbImage) -> Result<Tensor, NetError> {
    let shorter = f64::from(picture.width().min(picture.height()));
    let small = if shorter > SHORTER {
        resize::shrink(picture, shorter / SHORTER).into_owned()
    } else {
        let side = |length: u32| (f64::from(length) * SHORTER / shorter.max(1.0)).round().min(4096.0) as u32;
        let (width, height) = (side(picture.width()), side(picture.height()));
        imageops::resize(picture, width, height, imageops::FilterType::Triangle)
    };
    let side = pplcnet::SIDE as u32;
    let (left, top) = (small.width().saturating_sub(side) / 2, small.height().saturating_sub(side) / 2);
    let mut values = Vec::with_capacity(pplcnet::SIDE * pplcnet::SIDE * 3);
    for y in 0..side {
        for x in 0..side {
            let pixel = small.get_pixel_checked(left + x, top + y).map_or([0; 3], |pixel| pixel.0);
            let scaled = pixel.iter().zip(MEAN).zip(DEVIATION);
            values.extend(scaled.map(|((value, mean), deviation)| (f32::from(*value) / 255.0 - mean) / deviation));
        }
    }
    Ok(Tensor::from_vec(values, (1, pplcnet::SIDE, pplcnet::SIDE, 3), &Device::Cpu)?)
}
