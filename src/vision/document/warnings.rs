//! Every warning with its sentence, and how often it is raised on genuine specimens.

use crate::domain::document::Warning;

/// Slug, sentence, and the share of genuine specimens on which it was raised, as `twoface evaluate documents` measured it;
/// `None` where there is no set of real cases to tell how much it is worth.
const ALL: &[(&str, &str, Option<f64>)] = &[
    ("mrz_check_digit", "A check digit of the machine-readable zone does not hold.", None),
    ("mrz_viz_mismatch", "The machine-readable zone and the printed text differ.", None),
    ("barcode_mismatch", "A barcode and the other sources differ.", None),
    ("expired", "The document had expired when the job was stored.", None),
    ("impossible_dates", "The dates on the document cannot all be true.", None),
    ("number_check_digit", "The number's own check digit does not hold; hundreds of valid old numbers fail it.", None),
    ("screen", "The photo may show a screen.", None),
    ("grey_copy", "The document's background has no colour: it may be a copy.", None),
    ("cut_off", "An edge of the document lies outside the photo.", None),
    ("glare", "Light is reflected on the document.", None),
    ("blurred", "The photo is blurred.", None),
    ("too_dark", "The photo is too dark.", None),
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
