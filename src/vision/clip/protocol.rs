//! What the worker says to the server: a head and its payload, again and again, and in the end what was seen or why not.
//!
//! The worker may have been taken over by what it decodes. Every number it sends is checked here before it is used.

use std::io;

use image::RgbImage;

use super::{FRAME_SIDE_MAX, FRAMES_MAX, Frame, SECONDS_MAX};
use crate::domain::evidence::{ClipFault, ClipSeen};

/// "2FC1": the format of this page.
const MAGIC: u32 = 0x3246_4331;
/// Magic, kind, length, each four bytes, the low byte first.
pub const HEAD_BYTES: usize = 12;
/// The largest payload: a frame.
const PAYLOAD_MAX: usize = FRAME_BYTES + (FRAME_SIDE_MAX * FRAME_SIDE_MAX * 3) as usize;
/// A frame's own head: time in microseconds, width, height.
const FRAME_BYTES: usize = 16;
/// Names and reasons are short.
const TEXT_MAX: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Frame,
    Seen,
    Fault,
    /// The sandbox could not be built; the reason, for the log.
    NoSandbox,
}

/// The worker said something that it never says.
#[derive(Debug, PartialEq, Eq)]
pub struct Babble;

/// One whole message of the worker.
#[derive(Debug, PartialEq)]
pub enum Said {
    Frame(Frame),
    Seen(ClipSeen),
    Fault(ClipFault),
    NoSandbox(String),
}

/// Head of a message.
pub fn head(kind: Kind, length: usize) -> [u8; HEAD_BYTES] {
    let kind = kind as u32;
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let mut bytes = [0; HEAD_BYTES];
    let words = [MAGIC, kind, length].map(u32::to_le_bytes);
    bytes.iter_mut().zip(words.as_flattened()).for_each(|(to, from)| *to = *from);
    bytes
}

/// Kind and length of the payload that follows a head.
pub fn read_head(head: &[u8; HEAD_BYTES]) -> Result<(Kind, usize), Babble> {
    let (words, _) = head.as_chunks::<4>();
    let [magic, kind, length] = words else { return Err(Babble) };
    let kind = match u32::from_le_bytes(*kind) {
        0 => Kind::Frame,
        1 => Kind::Seen,
        2 => Kind::Fault,
        3 => Kind::NoSandbox,
        _ => return Err(Babble),
    };
    let length = u32::from_le_bytes(*length) as usize;
    let most = if kind == Kind::Frame { PAYLOAD_MAX } else { TEXT_MAX };
    if u32::from_le_bytes(*magic) == MAGIC && length <= most { Ok((kind, length)) } else { Err(Babble) }
}

/// The payload of a frame, without its pixels.
pub fn frame_head(frame: &Frame) -> [u8; FRAME_BYTES] {
    let mut bytes = [0; FRAME_BYTES];
    let at = ((frame.at_milliseconds * 1e3) as u64).to_le_bytes();
    let sides = [frame.pixels.width(), frame.pixels.height()].map(u32::to_le_bytes);
    let fields = at.iter().chain(sides.as_flattened());
    bytes.iter_mut().zip(fields).for_each(|(to, from)| *to = *from);
    bytes
}

/// Reads payloads in the order they come.
#[derive(Default)]
pub struct Reader {
    last_at: Option<u64>,
    size: Option<(u32, u32)>,
    frames: u32,
}

impl Reader {
    pub fn read(&mut self, kind: Kind, payload: Vec<u8>) -> Result<Said, Babble> {
        match kind {
            Kind::Frame => self.frame(payload).map(Said::Frame).ok_or(Babble),
            Kind::Seen => self.seen(&payload).map(Said::Seen).ok_or(Babble),
            Kind::Fault => fault(&payload).map(Said::Fault).ok_or(Babble),
            Kind::NoSandbox => Ok(Said::NoSandbox(String::from_utf8_lossy(&payload).into_owned())),
        }
    }

    fn frame(&mut self, mut payload: Vec<u8>) -> Option<Frame> {
        let (words, _) = payload.get(..FRAME_BYTES)?.as_chunks::<4>();
        let [low, high, width, height] = words else { return None };
        let [low, high, width, height] = [low, high, width, height].map(|word| u32::from_le_bytes(*word));
        let at = u64::from(high) << 32 | u64::from(low);
        let sides = 1..=FRAME_SIDE_MAX;
        let sound = sides.contains(&width)
            && sides.contains(&height)
            && *self.size.get_or_insert((width, height)) == (width, height)
            && self.last_at.is_none_or(|last| at > last)
            && at <= (SECONDS_MAX + 1) * 1_000_000
            && self.frames < FRAMES_MAX;
        if !sound || payload.len() != FRAME_BYTES + (width * height * 3) as usize {
            return None;
        }
        self.last_at = Some(at);
        self.frames += 1;
        payload.drain(..FRAME_BYTES);
        let pixels = RgbImage::from_raw(width, height, payload)?;
        Some(Frame { at_milliseconds: at as f64 / 1e3, pixels })
    }

    fn seen(&self, payload: &[u8]) -> Option<ClipSeen> {
        let seen: ClipSeen = serde_json::from_slice(payload).ok()?;
        let known = ["mp4", "mov", "webm", "matroska", "avi", "gif", "mjpeg", "h264", "hevc", "vp8", "vp9"];
        let sound = [&seen.container, &seen.codec].iter().all(|name| known.contains(&name.as_str()))
            && seen.rotation_degrees < 360
            && (0.0..=(SECONDS_MAX + 1) as f64 * 1e3).contains(&seen.duration_milliseconds)
            && seen.analysed_frames == self.frames
            && seen.analysed_frames > 0
            && seen.frame_count >= seen.analysed_frames;
        sound.then_some(seen)
    }
}

/// A fault as text: its name, and what belongs to it.
pub fn fault_text(fault: &ClipFault) -> String {
    match fault {
        ClipFault::NotAClip(what) => format!("not_a_clip {}", what.unwrap_or_default()),
        ClipFault::Codec(name) => format!("codec {name}"),
        ClipFault::Damaged => "damaged ".to_owned(),
        ClipFault::TooManyBytes => "too_many_bytes ".to_owned(),
        ClipFault::TooManyPixels { width, height } => format!("too_many_pixels {width} {height}"),
        ClipFault::TooLong { seconds } => format!("too_long {seconds}"),
        ClipFault::SizeChanges => "size_changes ".to_owned(),
        ClipFault::TooSlow | ClipFault::Unreadable | ClipFault::NoDecoder => "unreadable ".to_owned(),
    }
}

fn fault(payload: &[u8]) -> Option<ClipFault> {
    /// What a file may look like; texts of the worker's own go no further.
    const LOOKS: [&str; 11] = ["GIF", "SVG", "PDF", "BMP", "TIFF", "HEIC", "AVIF", "JPEG", "PNG", "WebP", "text"];
    let (name, rest) = std::str::from_utf8(payload).ok()?.split_once(' ')?;
    Some(match name {
        "not_a_clip" => ClipFault::NotAClip(LOOKS.into_iter().find(|look| *look == rest)),
        "codec" if !rest.is_empty() && rest.len() <= 64 && rest.chars().all(|c| c == ' ' || c.is_ascii_graphic()) => {
            ClipFault::Codec(rest.to_owned())
        }
        "damaged" => ClipFault::Damaged,
        "too_many_bytes" => ClipFault::TooManyBytes,
        "too_many_pixels" => {
            let (width, height) = rest.split_once(' ')?;
            ClipFault::TooManyPixels { width: width.parse().ok()?, height: height.parse().ok()? }
        }
        "too_long" => ClipFault::TooLong { seconds: rest.parse().ok()? },
        "size_changes" => ClipFault::SizeChanges,
        "unreadable" => ClipFault::Unreadable,
        _ => return None,
    })
}

/// Writes a frame without copying its pixels.
pub fn write_frame(out: &mut dyn io::Write, frame: &Frame) -> io::Result<()> {
    let own = frame_head(frame);
    let pixels = frame.pixels.as_raw();
    out.write_all(&head(Kind::Frame, own.len() + pixels.len()))?;
    out.write_all(&own)?;
    out.write_all(pixels)
}

/// Writes any other message.
pub fn write(out: &mut dyn io::Write, kind: Kind, payload: &[u8]) -> io::Result<()> {
    out.write_all(&head(kind, payload.len()))?;
    out.write_all(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(frame: &Frame) -> (Kind, Vec<u8>) {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, frame).unwrap();
        let (kind, length) = read_head(bytes[..HEAD_BYTES].try_into().unwrap()).unwrap();
        assert_eq!(length, bytes.len() - HEAD_BYTES);
        (kind, bytes.split_off(HEAD_BYTES))
    }

    fn frame(at_milliseconds: f64, width: u32) -> Frame {
        Frame { at_milliseconds, pixels: RgbImage::from_fn(width, 3, |x, y| image::Rgb([x as u8, y as u8, 7])) }
    }

    #[test]
    fn what_is_sent_arrives() {
        let mut reader = Reader::default();
        for at in [0.0, 33.0, 66.001] {
            let (kind, payload) = sent(&frame(at, 5));
            assert_eq!(reader.read(kind, payload), Ok(Said::Frame(frame(at, 5))));
        }
        let faults = [
            ClipFault::NotAClip(Some("PDF")),
            ClipFault::NotAClip(None),
            ClipFault::Codec("MPEG-4 Part 2".to_owned()),
            ClipFault::Damaged,
            ClipFault::TooManyBytes,
            ClipFault::TooManyPixels { width: 3840, height: 2160 },
            ClipFault::TooLong { seconds: 61 },
            ClipFault::SizeChanges,
            ClipFault::Unreadable,
        ];
        for one in faults {
            assert_eq!(fault(fault_text(&one).as_bytes()), Some(one));
        }
    }

    #[test]
    fn a_worker_that_lies_is_not_believed() {
        let mut reader = Reader::default();
        let (kind, payload) = sent(&frame(5.0, 5));
        assert!(reader.read(kind, payload.clone()).is_ok());
        assert_eq!(reader.read(kind, payload.clone()), Err(Babble), "time stands still");
        assert_eq!(reader.read(kind, sent(&frame(9.0, 6)).1), Err(Babble), "another size");
        assert_eq!(reader.read(kind, sent(&frame(1e9, 5)).1), Err(Babble), "another day");
        assert_eq!(reader.read(kind, payload[..payload.len() - 1].to_vec()), Err(Babble), "cut off");
        assert_eq!(reader.read(kind, vec![]), Err(Babble));
        let seen = ClipSeen {
            container: "mp4".into(),
            codec: "h264".into(),
            width: 5,
            height: 3,
            rotation_degrees: 0,
            duration_milliseconds: 5.0,
            frame_count: 2,
            analysed_frames: 1,
        };
        let told = |seen: &ClipSeen| serde_json::to_vec(seen).unwrap();
        assert_eq!(reader.read(Kind::Seen, told(&seen)), Ok(Said::Seen(seen.clone())));
        let more = ClipSeen { analysed_frames: 2, ..seen.clone() };
        let named = ClipSeen { codec: "<b>".into(), ..seen };
        assert_eq!(reader.read(Kind::Seen, told(&more)), Err(Babble));
        assert_eq!(reader.read(Kind::Seen, told(&named)), Err(Babble));
        assert_eq!(reader.read(Kind::Fault, b"rm -rf".to_vec()), Err(Babble));
        assert_eq!(reader.read(Kind::Fault, b"codec a\nb".to_vec()), Err(Babble));
        assert_eq!(read_head(&[0; HEAD_BYTES]), Err(Babble));
        assert_eq!(read_head(&head(Kind::Frame, PAYLOAD_MAX + 1)), Err(Babble));
        assert_eq!(read_head(&head(Kind::Seen, TEXT_MAX + 1)), Err(Babble));
        assert_eq!(read_head(&head(Kind::Frame, PAYLOAD_MAX)), Ok((Kind::Frame, PAYLOAD_MAX)));
    }
}
