//! What the barcodes of a cédula say.

use crate::domain::document::Barcode;

/// A cédula's number in a barcode: eleven digits that stand alone.
pub fn number(barcode: &Barcode) -> Option<&str> {
    barcode
        .text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .find(|part| part.len() == 11 && part.bytes().all(|b| b.is_ascii_digit()))
}
