//! What the boxes say: strips of like width go through the network together.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use image::RgbImage;

use super::boxes::TextBox;
use super::crop::{self, Strip};
use super::decode::Steps;
use super::{Line, alphabet};
use crate::vision::nets::ppocr_rec::{HEIGHT, LATIN_CLASSES};
use crate::vision::nets::{Net, NetError};

/// Widths are rounded up to this, so that strips meet others of their width.
const WIDTH_STEP: usize = 32;
/// Strips in one run: bounds the memory, beyond it there is nothing to gain.
const BATCH_MAX: usize = 8;

/// Every box as a line of text, in the order of the boxes.
pub fn lines(net: &Net, classes: &[String], picture: &RgbImage, places: &[TextBox]) -> Result<Vec<Line>, NetError> {
    let mut by_width: BTreeMap<usize, Vec<(usize, Strip)>> = BTreeMap::new();
    for (index, place) in places.iter().enumerate() {
        let strip = crop::strip(picture, place);
        by_width.entry(strip.width.next_multiple_of(WIDTH_STEP)).or_default().push((index, strip));
    }
    let mut steps: BTreeMap<usize, Steps> = BTreeMap::new();
    for (width, strips) in &by_width {
        for batch in strips.chunks(BATCH_MAX) {
            for ((index, _), read) in batch.iter().zip(run(net, classes, *width, batch)?) {
                steps.insert(*index, read);
            }
        }
    }
    let line =
        |(place, steps): (&TextBox, Steps)| Line { place: *place, written: steps.read(alphabet::spanish), steps };
    Ok(places.iter().zip(steps.into_values()).map(line).collect())
}

/// Blue, green, red, −1 to 1; what a strip lacks to the common width is mid-grey, as in training.
fn run(net: &Net, classes: &[String], width: usize, batch: &[(usize, Strip)]) -> Result<Vec<Steps>, NetError> {
    let mut values = vec![0_f32; batch.len() * HEIGHT * width * 3];
    for (to, (_, strip)) in values.chunks_exact_mut(HEIGHT * width * 3).zip(batch) {
        let rows = strip.values.chunks_exact(strip.width * 3);
        for (to, from) in to.chunks_exact_mut(width * 3).zip(rows) {
            for (to, from) in to.chunks_exact_mut(3).zip(from.chunks_exact(3)) {
                to.iter_mut().zip(from.iter().rev()).for_each(|(to, from)| *to = from / 127.5 - 1.0);
            }
        }
    }
    let input = Tensor::from_vec(values, (batch.len(), HEIGHT, width, 3), &Device::Cpu)?;
    let outputs = net.run(&input)?;
    let all = outputs.first().ok_or_else(|| NetError::Graph("the recogniser has one output".into()))?;
    let all = all.flatten_all()?.to_vec1::<f32>()?;
    Ok(all.chunks_exact(width / 8 * LATIN_CLASSES).map(|part| Steps::keep(part, classes)).collect())
}
