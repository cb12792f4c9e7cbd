//! The engine's part in documents: the file decoded, its networks handed over, a failure logged.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Nets, examine};
use crate::clock::Stopwatch;
use crate::domain::document::DocumentSeen;
use crate::domain::evidence::UnusableReason;
use crate::domain::time::Timestamp;
use crate::vision::{Engine, failed, image};

impl Engine {
    /// What a file shows of a document. Expiry and two-digit years are held against the day of `now`, in UTC.
    pub(in crate::vision) fn see_document(&self, file: &[u8], now: Timestamp) -> Result<DocumentSeen, UnusableReason> {
        let step = Stopwatch::start();
        let photo = image::decode(file)?;
        let decode_ms = step.elapsed_ms();
        let nets = Nets {
            corners: &self.networks.document_corners,
            layout: &self.networks.document_layout,
            orientation: &self.networks.document_orientation,
            text_detector: &self.networks.text_detector,
            text_reader: &self.networks.text_reader,
            mrz_reader: &self.networks.mrz_reader,
            far_mrz_reader: &self.networks.far_mrz_reader,
            number_reader: &self.networks.number_reader,
            alphabet: &self.networks.alphabet,
            face_detector: &self.networks.face_detector,
            face_embedder: &self.networks.face_embedder,
        };
        let seen = examine(nets, photo, decode_ms, day_of(now)).map_err(|error| failed(&error))?;
        Ok(DocumentSeen { models: self.document_models.clone(), ..seen })
    }
}

/// The day of a time, in UTC; the calendar's last day for what lies beyond it.
pub fn day_of(now: Timestamp) -> Date {
    let time = jiff::Timestamp::from_millisecond(now.as_millis()).unwrap_or(jiff::Timestamp::MAX);
    time.to_zoned(TimeZone::UTC).date()
}
