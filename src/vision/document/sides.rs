//! Which side of which document a picture shows, told by its layout: on photos on which hardly a word can be read, the
//! portrait, the zone and the blocks of text still stand where one document has them and others do not.

use candle_core::{Device, Tensor};
use image::{RgbImage, imageops};

use crate::domain::document::Side::{self, Back, Front};
use crate::domain::user::DocumentType::{self, Cedula, Passport};
use crate::vision::nets::{Net, NetError, layout};
use crate::vision::resize;

/// What the net's classes mean, after the first, which is nothing of these.
const SIDES: [(DocumentType, Side, &str); layout::CLASSES - 1] = [
    (Cedula, Front, "2014"),
    (Cedula, Back, "2014"),
    (Cedula, Front, "2026"),
    (Cedula, Back, "2026"),
    (Passport, Front, "passport"),
];

/// What a picture seems to show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    pub class: DocumentType,
    pub side: Side,
    pub model: &'static str,
    /// 0–1.
    pub probability: f64,
}

/// From these probabilities on a layout speaks for its side, and is taken for known.
const LIKELY: f64 = 0.7;
const SURE: f64 = 0.95;

impl Seen {
    pub fn is_likely(&self) -> bool {
        self.probability >= LIKELY
    }

    pub fn is_sure(&self) -> bool {
        self.probability >= SURE
    }
}

/// For a picture and its three turns, by quarters clockwise: the likeliest side that it then shows upright.
pub fn turned(net: &Net, picture: &RgbImage) -> Result<[Seen; 4], NetError> {
    let (wide, high) = (layout::WIDE as u32, layout::HIGH as u32);
    let lying = resized(picture, wide, high);
    let standing = imageops::rotate90(&resized(picture, high, wide));
    let turns = [&lying, &standing, &imageops::rotate180(&lying), &imageops::rotate180(&standing)];
    let values: Vec<f32> =
        turns.iter().flat_map(|turn| turn.as_raw().iter().map(|value| f32::from(*value) / 127.5 - 1.0)).collect();
    let outputs = net.run(&Tensor::from_vec(values, (turns.len(), layout::HIGH, layout::WIDE, 3), &Device::Cpu)?)?;
    let chances = outputs.first().ok_or_else(|| NetError::Graph("the layout net has one output".into()))?;
    let chances = chances.flatten_all()?.to_vec1::<f32>()?;
    let likeliest = |turn: usize| {
        let own = chances.iter().skip(turn * layout::CLASSES + 1).take(SIDES.len());
        let best = own.zip(SIDES).max_by(|a, b| a.0.total_cmp(b.0));
        let (probability, (class, side, model)) = best.unwrap_or((&0.0, SIDES[0]));
        Seen { class, side, model, probability: f64::from(*probability) }
    };
    Ok([0, 1, 2, 3].map(likeliest))
}

/// At this size, whatever its proportions.
fn resized(picture: &RgbImage, wide: u32, high: u32) -> RgbImage {
    let factor = (f64::from(picture.width()) / f64::from(wide)).min(f64::from(picture.height()) / f64::from(high));
    let near = resize::shrink(picture, (factor / 1.5).max(1.0));
    imageops::resize(near.as_ref(), wide, high, imageops::FilterType::Triangle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vision::weights::Models;

    #[test]
    fn a_side_is_told_in_the_turn_in_which_it_is_upright_and_a_portrait_is_none() {
        let weights = Models::open().unwrap().weights("layout").unwrap();
        let net = Net::load(layout::describe().unwrap(), &weights, &Device::Cpu).unwrap();
        let open = |file: &str| {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/").to_owned() + file;
            image::open(path).unwrap().to_rgb8()
        };
        let documents = [
            ("specimens/cedula_2026_front.jpg", (Cedula, Front, "2026")),
            ("specimens/cedula_2026_back.jpg", (Cedula, Back, "2026")),
            ("specimens/passport.jpg", (Passport, Front, "passport")),
        ];
        for (file, wanted) in documents {
            let sharp = open(file);
            for (blur, picture) in [(0.0, sharp.clone()), (6.0, imageops::blur(&sharp, 6.0))] {
                let seen = turned(&net, &picture).unwrap();
                assert!(seen[0].is_sure() && (seen[0].class, seen[0].side, seen[0].model) == wanted, "{file} {seen:?}");
                assert!(seen[1..].iter().all(|turn| !turn.is_likely()), "{file}, {blur}: {seen:?}");
                let seen = turned(&net, &imageops::rotate270(&picture)).unwrap();
                assert!(seen[1].is_sure() && !seen[3].is_likely(), "{file}, standing: {seen:?}");
            }
        }
        for file in ["grace_hopper.jpg", "obama_2010_blueroom.jpg", "eileen_collins_astronaut.png"] {
            let seen = turned(&net, &open(file)).unwrap();
            assert!(seen.iter().all(|turn| !turn.is_likely()), "{file} {seen:?}");
        }
    }
}
