//! Every warning with its sentence, and how often it is raised on genuine specimens.

use crate::domain::document::Warning;

/// Slug, sentence, and the share of specimens without reason for it on which it was raised: 1,400 test photos of fictitious
/// documents at three levels, `twoface evaluate documents`. `None` where that tells nothing: no copies and no screens were there to
/// be found, and specimens are blurred and lit by design.
const ALL: &[(&str, &str, Option<f64>)] = &[
    ("mrz_check_digit", "A check digit of the machine-readable zone does not hold.", Some(0.0)),
    ("mrz_viz_mismatch", "The machine-readable zone and the printed text differ.", Some(0.002)),
    ("barcode_mismatch", "A barcode and the other sources differ.", Some(0.0)),
    ("expired", "The document had expired when the job was stored.", Some(0.0)),
    ("impossible_dates", "The dates on the document cannot all be true.", Some(0.0)),
    (
        "number_check_digit",
        "The number's own check digit does not hold; hundreds of valid old numbers fail it.",
        Some(0.003),
    ),
    ("screen", "The photo may show a screen.", None),
    ("grey_copy", "The document's background has no colour: it may be a copy.", None),
    ("cut_off", "An edge of the document lies outside the photo.", Some(0.003)),
    ("glare", "Light is reflected on the document.", None),
    ("blurred", "The photo is blurred.", None),
    ("too_dark", "The photo is too dark.", Some(0.001)),
];

/// The slugs of all warnings.
pub fn slugs() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(slug, ..)| *slug)
}

pub fn describe(slug: &'static str) -> Warning {
    let (message, rate) =
        ALL.iter().find(|(other, ..)| *other == slug).map_or(("", None), |(_, text, rate)| (*text, *rate));
    Warning {
        warning: slug.to_owned(),
        message: message.to_owned(),
        false_alarm_rate: rate,
        experimental: rate.is_none(),
    }
}
