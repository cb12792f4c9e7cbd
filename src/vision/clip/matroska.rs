//! Matroska and WebM, finished or as a browser streams it.

use std::borrow::Cow;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use matroska_demuxer::{DemuxError, Frame, MatrixCoefficients, MatroskaFile, Range, TrackEntry, TrackType};
use shiguredo_mp4::Decode;
use shiguredo_mp4::boxes::{AvccBox, HvccBox};

use super::colour::{Colour, Matrix};
use super::mp4;
use super::track::{Codec, Packet, Track, unsupported};
use crate::domain::evidence::ClipFault;

/// A file that is read so often at most: damaged indexes can lead the library round and round in a few hundred bytes.
struct Patient<'a> {
    file: Cursor<&'a [u8]>,
    left: usize,
}

impl<'a> Patient<'a> {
    /// A whole file is read about once, most of it many bytes at a time.
    fn with(file: &'a [u8]) -> Self {
        Self { file: Cursor::new(file), left: 10_000 + 4 * file.len() }
    }

    fn once_more(&mut self) -> io::Result<()> {
        self.left = self.left.checked_sub(1).ok_or(io::ErrorKind::QuotaExceeded)?;
        Ok(())
    }
}

impl Read for Patient<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.once_more()?;
        self.file.read(to)
    }
}

impl Seek for Patient<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.once_more()?;
        self.file.seek(to)
    }
}

/// Reads the first video track.
pub fn read(file: &[u8]) -> Result<Track<'_>, ClipFault> {
    let mut reader = MatroskaFile::open(Patient::with(file)).map_err(|_| ClipFault::Damaged)?;
    let video = reader.tracks().iter().find(|track| track.track_type() == TrackType::Video);
    let video = video.ok_or(ClipFault::Damaged)?;
    let number = video.track_number().get();
    let codec = codec(video)?;
    let colour = colour(video);
    let container = if reader.ebml_header().doc_type().starts_with("webm") { "webm" } else { "matroska" };
    let scale = i128::from(reader.info().timestamp_scale().get());

    let mut packets = Vec::new();
    let mut frame = Frame::default();
    // Bounded by the file: each frame is a part of it.
    while next(&mut reader, &mut frame)? {
        if frame.track == number {
            let at = (i128::from(frame.timestamp) * scale / 1000).min(1 << 62) as i64;
            let data = Cow::Owned(std::mem::take(&mut frame.data));
            packets.push(Packet { at, shown: !frame.is_invisible, data });
        }
    }
    Ok(Track { container, codec, rotation_degrees: 0, colour, packets })
}

fn next(reader: &mut MatroskaFile<Patient<'_>>, frame: &mut Frame) -> Result<bool, ClipFault> {
    match reader.next_frame(frame) {
        Ok(more) => Ok(more),
        // A recording whose page was closed ends inside a block: what came before it is whole.
        Err(DemuxError::ElementSizeExceedsStream { .. } | DemuxError::IoError(_)) => Ok(false),
        Err(_) => Err(ClipFault::Damaged),
    }
}

fn codec(video: &TrackEntry) -> Result<Codec, ClipFault> {
    if video.content_encodings().is_some_and(|encodings| !encodings.is_empty()) {
        return Err(ClipFault::Codec("compressed or encrypted Matroska".to_owned()));
    }
    let header = video.codec_private().unwrap_or_default();
    match video.codec_id() {
        "V_VP8" => Ok(Codec::Vp8),
        "V_VP9" => Ok(Codec::Vp9),
        "V_MJPEG" => Ok(Codec::Mjpeg),
        "V_MPEG4/ISO/AVC" => {
            let header = AvccBox::decode(&boxed(*b"avcC", header)).map_err(|_| ClipFault::Damaged)?.0;
            Ok(Codec::H264(mp4::avc(&header)))
        }
        "V_MPEGH/ISO/HEVC" => {
            let header = HvccBox::decode(&boxed(*b"hvcC", header)).map_err(|_| ClipFault::Damaged)?.0;
            Ok(Codec::Hevc(mp4::hevc(&header)))
        }
        // The header is a Windows BITMAPINFOHEADER, whose fifth field is the codec.
        "V_MS/VFW/FOURCC" => match header.get(16..20) {
            Some(b"MJPG") => Ok(Codec::Mjpeg),
            code => Err(unsupported(&String::from_utf8_lossy(code.unwrap_or_default()))),
        },
        other => Err(unsupported(other)),
    }
}

/// The same header is a box in MP4.
fn boxed(kind: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 8).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), kind.as_slice(), payload].concat()
}

fn colour(video: &TrackEntry) -> Option<Colour> {
    let stated = video.video()?.colour()?;
    let matrix = match stated.matrix_coefficients()? {
        MatrixCoefficients::Bt709 => Matrix::Bt709,
        MatrixCoefficients::Bt470bg | MatrixCoefficients::Smpte170 => Matrix::Bt601,
        MatrixCoefficients::Bt2020Ncl | MatrixCoefficients::Bt2020Cl => Matrix::Bt2020,
        _ => return None,
    };
    Some(Colour { matrix, full_range: stated.range() == Some(Range::Full) })
}
