//! Motion JPEG: one photo after another, in a container or bare.

use std::borrow::Cow;
use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;
use image::{DynamicImage, ImageDecoder, RgbImage};

use super::track::{Codec, Packet, Track};
use crate::domain::evidence::ClipFault;
use crate::vision::jpeg;

/// A bare stream has no times; this is what players take.
const BARE_FRAME_MICROSECONDS: i64 = 40_000;

/// Reads a file of photos laid end to end. `None` if it is a single photo.
pub fn read(file: &[u8]) -> Option<Track<'_>> {
    let mut packets = Vec::new();
    let mut rest = file;
    while rest.starts_with(b"\xff\xd8\xff") {
        let Ok(frame) = jpeg::whole(rest) else { break };
        let (data, tail) = rest.split_at_checked(frame.end)?;
        let at = packets.len() as i64 * BARE_FRAME_MICROSECONDS;
        packets.push(Packet { at, shown: true, data: Cow::Borrowed(data) });
        rest = tail;
    }
    (packets.len() > 1).then_some(Track {
        container: "mjpeg",
        codec: Codec::Mjpeg,
        rotation_degrees: 0,
        colour: None,
        packets,
    })
}

/// Width and height by the header.
pub fn size(packet: &[u8]) -> Result<(u32, u32), ClipFault> {
    jpeg::size(packet).ok_or(ClipFault::Damaged)
}

/// One frame. What was cut off is refused, as in a photo.
pub fn decode(packet: &[u8]) -> Result<RgbImage, ClipFault> {
    let whole = jpeg::whole(packet).map_err(|_| ClipFault::Damaged)?;
    let photo = packet.get(..whole.end).unwrap_or(packet);
    let decoder = JpegDecoder::new(Cursor::new(photo)).map_err(|_| ClipFault::Damaged)?;
    if decoder.dimensions() != (whole.width, whole.height) {
        return Err(ClipFault::Damaged);
    }
    DynamicImage::from_decoder(decoder).map(DynamicImage::into_rgb8).map_err(|_| ClipFault::Damaged)
}
