//! Why a clip was not decoded, in a sentence that says what to send instead.

use crate::domain::evidence::ClipFault;

/// What can be decoded, for the sentences that ask for another clip.
const CLIPS_READ: &str = "Send an MP4 or MOV with H.264 or HEVC, a WebM with VP8 or VP9, a GIF or motion JPEG";

/// Slug and sentence.
pub fn say(field: &str, fault: &ClipFault) -> (&'static str, String) {
    match fault {
        ClipFault::NotAClip(None) => {
            ("unknown_format", format!("The file in `{field}` is not a clip that can be read. {CLIPS_READ}."))
        }
        ClipFault::NotAClip(Some(seen)) => {
            ("unknown_format", format!("The file in `{field}` looks like {seen}, not like a clip. {CLIPS_READ}."))
        }
        ClipFault::Codec(codec) => {
            ("unsupported_codec", format!("The clip in `{field}` holds {codec}, which is not decoded. {CLIPS_READ}."))
        }
        ClipFault::Damaged => {
            ("damaged_file", format!("The clip in `{field}` is damaged or was cut off. Record it again."))
        }
        ClipFault::TooManyBytes => {
            ("too_large", format!("The clip in `{field}` has more than 10 MB. Record a shorter one, or at 720p."))
        }
        ClipFault::TooManyPixels { width: 0, height: 0 } => (
            "too_many_pixels",
            format!("The clip in `{field}` has more than 1920 pixels a side. Record at 1080p or less."),
        ),
        ClipFault::TooManyPixels { width, height } => (
            "too_many_pixels",
            format!(
                "The clip in `{field}` is {width}×{height} pixels. At most 1920 a side can be read: record at 1080p or less."
            ),
        ),
        ClipFault::TooLong { seconds } => (
            "too_long",
            format!("The clip in `{field}` runs {seconds} seconds. At most 60 are examined: record a shorter one."),
        ),
        ClipFault::SizeChanges => (
            "size_changes",
            format!("The frames of the clip in `{field}` change their size. Keep the phone upright while you record."),
        ),
        ClipFault::TooSlow => (
            "video_too_slow",
            format!("The clip in `{field}` takes too long to decode. Record a shorter one, or at 720p."),
        ),
        ClipFault::Unreadable => {
            ("video_unreadable", format!("The clip in `{field}` could not be decoded. Record it again."))
        }
        ClipFault::NoDecoder => (
            "examination_failed",
            format!("The clip in `{field}` could not be examined because of a defect of this server. Try again later."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_codec_is_named_and_another_asked_for() {
        let (slug, sentence) = say("clip", &ClipFault::Codec("MPEG-4 Part 2".to_owned()));
        assert_eq!(slug, "unsupported_codec");
        assert!(sentence.contains("`clip`") && sentence.contains("MPEG-4 Part 2"), "{sentence}");
        assert!(sentence.contains("H.264") && sentence.contains("WebM"), "{sentence}");
    }

    #[test]
    fn every_fault_names_the_field_and_what_to_do() {
        let faults = [
            ClipFault::NotAClip(None),
            ClipFault::NotAClip(Some("PDF")),
            ClipFault::Damaged,
            ClipFault::TooManyBytes,
            ClipFault::TooManyPixels { width: 0, height: 0 },
            ClipFault::TooManyPixels { width: 3840, height: 2160 },
            ClipFault::TooLong { seconds: 75 },
            ClipFault::SizeChanges,
            ClipFault::TooSlow,
            ClipFault::Unreadable,
            ClipFault::NoDecoder,
        ];
        for fault in faults {
            let (slug, sentence) = say("clip", &fault);
            assert!(sentence.contains("`clip`") && sentence.ends_with('.'), "{sentence}");
            let advice = ["Send", "Record", "record", "Keep", "Try"];
            assert!(advice.iter().any(|verb| sentence.contains(verb)), "{sentence}");
            assert!(slug.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{slug}");
        }
    }
}
