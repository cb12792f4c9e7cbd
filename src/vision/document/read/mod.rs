//! Reading printed text: where it stands, what it says, and how sure that is, character by character.
//!
//! Nothing here knows what a document is; what a line means is decided by its readers.

pub mod alphabet;
pub mod boxes;
mod crop;
mod decode;
pub mod detect;
pub mod order;
pub mod recognise;

pub use boxes::TextBox;
pub use decode::{Glyph, Steps, Written};

use crate::domain::evidence::Point;

/// One piece of printed text on a picture.
#[derive(Clone, Debug)]
pub struct Line {
    pub place: TextBox,
    /// As read with the whole alphabet.
    pub written: Written,
    /// The network's own probabilities, to be read again with a narrower alphabet.
    pub steps: Steps,
}

impl Line {
    pub fn text(&self) -> &str {
        &self.written.text
    }

    pub fn centre(&self) -> Point {
        self.place.centre
    }
}
