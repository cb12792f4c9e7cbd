//! The structure of a JPEG file, read without decoding: its size, and whether it is whole.
//!
//! Decoders fill what is missing with grey and call it success. A photo that was cut off must be refused instead, so the
//! markers are walked to the end of the first image here (ITU-T T.81, annex B). The walk reads each byte once and allocates
//! nothing. What follows the first image (further pictures of an MPO file, a phone's video) is not looked at.

/// What the markers tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    pub width: u32,
    pub height: u32,
    /// Where the first image ends in the file.
    pub end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

/// Passes over the image that a progressive file may ask for, and pixels that they may visit in all. Encoders write about
/// 10 passes; a small file of thousands over 40 megapixels would keep a thread busy for minutes.
const SCANS_MAX: u64 = 64;
const VISITS_MAX: u64 = 600_000_000;

const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;

/// Width and height from the frame header; `None` if the file ends before one. Cheap: the walk stops there.
pub fn size(file: &[u8]) -> Option<(u32, u32)> {
    let mut at = Cursor { rest: file };
    at.marker().filter(|marker| *marker == START_OF_IMAGE)?;
    loop {
        let marker = at.marker()?;
        let segment = at.segment(marker)?;
        if is_frame(marker) {
            return frame_size(segment);
        }
        if marker == START_OF_SCAN || marker == END_OF_IMAGE {
            return None;
        }
    }
}

/// Walks to the end of the first image.
pub fn whole(file: &[u8]) -> Result<Frame, Broken> {
    walk(file).ok_or(Broken)
}

fn walk(file: &[u8]) -> Option<Frame> {
    let mut at = Cursor { rest: file };
    at.marker().filter(|marker| *marker == START_OF_IMAGE)?;
    let mut found = None;
    let mut scans = 0;
    loop {
        let marker = at.marker()?;
        if marker == END_OF_IMAGE {
            break;
        }
        let segment = at.segment(marker)?;
        if is_frame(marker) {
            found = Some(frame_size(segment)?);
        }
        if marker == START_OF_SCAN {
            scans += 1;
            let (width, height) = found?;
            if scans > SCANS_MAX || scans * u64::from(width) * u64::from(height) > VISITS_MAX {
                return None;
            }
            at.entropy_coded()?;
        }
    }
    let (width, height) = found.filter(|_| scans > 0)?;
    Some(Frame { width, height, end: file.len() - at.rest.len() })
}

/// SOF0 to SOF15 without DHT (C4), JPG (C8) and DAC (CC), which share the range.
fn is_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc)
}

/// A frame header is precision, height, width, components.
fn frame_size(segment: &[u8]) -> Option<(u32, u32)> {
    let [_precision, h1, h0, w1, w0, ..] = segment else { return None };
    let (width, height) = (u16::from_be_bytes([*w1, *w0]), u16::from_be_bytes([*h1, *h0]));
    // A height of 0 would be given later by a DNL segment; no camera writes that and decoders disagree about it.
    (width > 0 && height > 0).then_some((u32::from(width), u32::from(height)))
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// The next marker. Fill bytes before it are legal; other stray bytes are passed over, as decoders do.
    fn marker(&mut self) -> Option<u8> {
        loop {
            let start = self.rest.iter().position(|byte| *byte == 0xff)?;
            self.rest = self.rest.get(start..)?;
            let code = self.rest.iter().position(|byte| *byte != 0xff)?;
            let marker = *self.rest.get(code)?;
            self.rest = self.rest.get(code + 1..)?;
            if marker != 0 {
                return Some(marker);
            }
        }
    }

    /// The content of a marker's segment; empty for markers that stand alone.
    fn segment(&mut self, marker: u8) -> Option<&'a [u8]> {
        if matches!(marker, 0x01 | 0xd0..=0xd9) {
            return Some(&[]);
        }
        let (high, low) = (*self.rest.first()?, *self.rest.get(1)?);
        let length = usize::from(u16::from_be_bytes([high, low]));
        let segment = self.rest.get(2..length)?;
        self.rest = self.rest.get(length..)?;
        Some(segment)
    }

    /// Skips the coded data of a scan: up to a marker that is neither a stuffed zero nor a restart.
    fn entropy_coded(&mut self) -> Option<()> {
        loop {
            let start = self.rest.iter().position(|byte| *byte == 0xff)?;
            self.rest = self.rest.get(start..)?;
            match self.rest.get(1)? {
                0x00 | 0xd0..=0xd7 => self.rest = self.rest.get(2..)?,
                0xff => self.rest = self.rest.get(1..)?,
                _ => return Some(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Vec<u8> {
        let mut file = Vec::new();
        let pixels = image::GrayImage::from_fn(40, 24, |x, y| image::Luma([(x * 6 + y) as u8]));
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 80).encode_image(&pixels).unwrap();
        file
    }

    #[test]
    fn a_whole_file_tells_its_size_and_end() {
        let mut file = small();
        let length = file.len();
        file.extend_from_slice(b"what follows is not looked at");
        assert_eq!(size(&file), Some((40, 24)));
        assert_eq!(whole(&file), Ok(Frame { width: 40, height: 24, end: length }));
    }

    #[test]
    fn every_shorter_file_is_broken() {
        let file = small();
        for length in 0..file.len() {
            assert_eq!(whole(&file[..length]), Err(Broken), "{length} of {} bytes", file.len());
        }
    }

    #[test]
    fn endless_scans_are_refused() {
        let file = small();
        let scan = file.windows(2).position(|pair| pair == [0xff, START_OF_SCAN]).unwrap();
        let (head, body) = file.split_at(scan);
        let body = &body[..body.len() - 2];
        let with = |scans: u64| [head, &body.repeat(scans as usize), &[0xff, END_OF_IMAGE]].concat();
        assert!(whole(&with(SCANS_MAX)).is_ok());
        assert_eq!(whole(&with(SCANS_MAX + 1)), Err(Broken));
    }
}
