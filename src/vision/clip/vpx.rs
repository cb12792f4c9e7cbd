//! VP8 and VP9. A frame's size is in its header, which is read before the frame is decoded.

use oximedia_codec::traits::{DecoderConfig, VideoDecoder};
use oximedia_codec::vp8::Vp8Decoder;
use rusty_vp9::{BitReader, Error as Vp9Error, Vp9Decoder, parse_uncompressed_header};

use super::colour::{Colour, Matrix};
use super::decode::Sink;
use super::nal::from_bytes;
use super::picture::{Picture, check_size};
use super::track::Packet;
use crate::domain::evidence::ClipFault;

/// Decodes VP8 (RFC 6386).
pub fn vp8(packets: &[Packet<'_>], sink: &mut Sink<'_>) -> Result<(), ClipFault> {
    // Always BT.601 in limited range (RFC 6386, 9.2), whatever the picture's size.
    sink.says(Some(Colour { matrix: Matrix::Bt601, full_range: false }));
    let mut decoder = Vp8Decoder::new(DecoderConfig::default()).map_err(|_| ClipFault::Damaged)?;
    for packet in packets {
        // A frame that the encoder dropped.
        if packet.data.is_empty() {
            continue;
        }
        if let Some(size) = vp8_size(&packet.data) {
            check_size(size)?;
            sink.expect(size)?;
        }
        decoder.send_packet(&packet.data, 0).map_err(|_| ClipFault::Damaged)?;
        while let Some(frame) = decoder.receive_frame().map_err(|_| ClipFault::Damaged)? {
            let [y, u, v] = <[_; 3]>::try_from(frame.planes).map_err(|_| ClipFault::Damaged)?;
            let chroma = (u.width, u.height);
            if packet.shown {
                sink.show(Picture::yuv((frame.width, frame.height), chroma, [y.data, u.data, v.data])?, packet.at)?;
            }
        }
    }
    Ok(())
}

/// Of a key frame: after the frame tag and the start code, 14 bits each (RFC 6386, 9.1).
fn vp8_size(packet: &[u8]) -> Option<(u32, u32)> {
    let [tag, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = packet else { return None };
    let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    (tag & 1 == 0).then(|| (side(*w0, *w1), side(*h0, *h1)))
}

/// Decodes VP9.
pub fn vp9(packets: &[Packet<'_>], sink: &mut Sink<'_>) -> Result<(), ClipFault> {
    let mut decoder = Vp9Decoder::new();
    // Its word for the end of what was pushed is then another than that for a hidden frame, after which more may follow.
    decoder.flush();
    for packet in packets {
        for frame in superframe(&packet.data) {
            let header = parse_uncompressed_header(&mut BitReader::new(frame), &[(0, 0); 8]);
            // An inter frame that takes its size from a reference says 0 here.
            if let Ok(header) = header
                && header.width > 0
            {
                check_size((header.width, header.height))?;
                sink.expect((header.width, header.height))?;
                if header.key_frame {
                    sink.says(vp9_colour(header.color_space));
                }
            }
        }
        decoder.push(&packet.data, None).map_err(vp9_fault)?;
        loop {
            match decoder.next_frame() {
                Ok(frame) => {
                    if packet.shown {
                        sink.show(vp9_picture(frame)?, packet.at)?;
                    }
                }
                Err(Vp9Error::Again) => {}
                Err(Vp9Error::Eof) => break,
                Err(error) => return Err(vp9_fault(error)),
            }
        }
    }
    Ok(())
}

fn vp9_picture(frame: rusty_vp9::DecodedFrame) -> Result<Picture, ClipFault> {
    let depth = u8::try_from(frame.bit_depth).map_err(|_| ClipFault::Damaged)?;
    let half = |side: u32, shift: u32| if shift == 1 { side.div_ceil(2) } else { side };
    let chroma = (half(frame.width, frame.subsampling_x), half(frame.height, frame.subsampling_y));
    let planes = <[Vec<u8>; 3]>::try_from(frame.planes).map_err(|_| ClipFault::Damaged)?;
    let planes = planes.map(|plane| if depth > 8 { from_bytes(&plane, depth) } else { plane });
    Picture::yuv((frame.width, frame.height), chroma, planes)
}

/// From the header's color_space (VP9 bitstream specification, 7.2.2).
fn vp9_colour(code: u32) -> Option<Colour> {
    let matrix = match code {
        1 | 3 => Matrix::Bt601,
        2 | 4 => Matrix::Bt709,
        5 => Matrix::Bt2020,
        _ => return None,
    };
    Some(Colour { matrix, full_range: false })
}

/// The frames of a packet, whose sizes stand in an index at its end (VP9 bitstream specification, annex B).
fn superframe(packet: &[u8]) -> Vec<&[u8]> {
    split(packet).unwrap_or_else(|| vec![packet])
}

fn split(packet: &[u8]) -> Option<Vec<&[u8]>> {
    let marker = *packet.last().filter(|marker| *marker & 0xe0 == 0xc0)?;
    let (count, bytes) = (usize::from(marker & 7) + 1, usize::from(marker >> 3 & 3) + 1);
    let index_start = packet.len().checked_sub(2 + bytes * count)?;
    let index = packet.get(index_start..).filter(|index| index.first() == Some(&marker))?;
    let mut rest = packet;
    index
        .get(1..1 + bytes * count)?
        .chunks_exact(bytes)
        .map(|size| {
            let size = size.iter().rev().fold(0_usize, |size, byte| size << 8 | usize::from(*byte));
            let (frame, tail) = rest.split_at_checked(size)?;
            rest = tail;
            Some(frame)
        })
        .collect()
}

fn vp9_fault(error: Vp9Error) -> ClipFault {
    match error {
        Vp9Error::Unsupported(_) => ClipFault::Codec("VP9 in a profile that browsers do not record".to_owned()),
        _ => ClipFault::Damaged,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_superframe_is_split_by_its_index() {
        let marker = 0xc0 | 1;
        let packet = [&[1, 2, 3, 9, 9][..], &[marker, 3, 2, marker]].concat();
        assert_eq!(superframe(&packet), [&[1, 2, 3][..], &[9, 9]]);
        assert_eq!(superframe(&[1, 2, 3]), [&[1, 2, 3]]);
        let lying = [&[1, 2, 3][..], &[marker, 200, 2, marker]].concat();
        assert_eq!(superframe(&lying), [lying.as_slice()]);
        assert_eq!(superframe(&[]), [&[] as &[u8]]);
    }
}
