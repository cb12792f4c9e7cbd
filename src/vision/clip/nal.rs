//! H.264 and HEVC, whose packets are units with a length before each.
//!
//! Pictures are decoded in one order and shown in another; the decoders give them in the order they are shown.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rust_h264::decoder::{ChromaFormat, Frame, OrderedDecoder};
use rust_h264::error::DecodeError as H264Error;
use rust_h264::nal::{NalUnit, NalUnitType, parse_avcc, parse_sps_info};
use rust_h265::{DecodeError as HevcError, DecodeLimits, PixelData, parse_hvcc};

use super::SIDE_MAX;
use super::colour::{Colour, Matrix};
use super::decode::Sink;
use super::picture::{Picture, check_size};
use super::track::{Packet, ParameterSets};
use crate::domain::evidence::ClipFault;

/// Decodes H.264.
pub fn h264(sets: &ParameterSets, packets: &[Packet<'_>], sink: &mut Sink<'_>) -> Result<(), ClipFault> {
    let mut decoder = OrderedDecoder::<(i64, bool)>::new();
    let header = joined(sets);
    let length_size = usize::from(sets.length_size);
    let none = (0, false);
    for unit in parse_avcc(&header, 4) {
        let first = feed_h264(&mut decoder, &unit, none, sink);
        first?;
    }
    for packet in packets {
        for unit in parse_avcc(&packet.data, length_size) {
            feed_h264(&mut decoder, &unit, (packet.at, packet.shown), sink)?;
        }
    }
    decoder.flush_with_meta().into_iter().try_for_each(|(frame, shown)| show_h264(frame, shown, sink))
}

fn feed_h264(
    decoder: &mut OrderedDecoder<(i64, bool)>,
    unit: &NalUnit<'_>,
    shown: (i64, bool),
    sink: &mut Sink<'_>,
) -> Result<(), ClipFault> {
    if unit.nal_unit_type == NalUnitType::Sps {
        let info = parse_sps_info(unit).map_err(h264_fault)?;
        check_size((info.width, info.height))?;
        // Cropping is applied last: the coded size is what memory is taken for, in whole macroblocks.
        if info.coded_width > SIDE_MAX + 64 || info.coded_height > SIDE_MAX + 64 {
            return Err(ClipFault::TooManyPixels { width: info.coded_width, height: info.coded_height });
        }
        let matrix = Matrix::of_code(u64::from(info.matrix));
        sink.says(matrix.map(|matrix| Colour { matrix, full_range: info.full_range }));
    }
    let frames = decoder.decode_nal_with_meta(unit, shown).map_err(h264_fault)?;
    frames.into_iter().try_for_each(|(frame, shown)| show_h264(frame, shown, sink))
}

fn show_h264(frame: Frame, (at, shown): (i64, bool), sink: &mut Sink<'_>) -> Result<(), ClipFault> {
    if !shown {
        return Ok(());
    }
    let size = (frame.width, frame.height);
    let rows = match frame.chroma_format {
        ChromaFormat::Yuv422 => frame.height,
        _ => frame.height / 2,
    };
    let chroma = (frame.width / 2, rows);
    let depth = frame.bit_depth;
    let planes = [frame.y, frame.u, frame.v].map(|plane| if depth > 8 { from_bytes(&plane, depth) } else { plane });
    sink.show(Picture::yuv(size, chroma, planes)?, at)
}

fn h264_fault(error: H264Error) -> ClipFault {
    match error {
        H264Error::Unsupported(_) => ClipFault::Codec("H.264 in a profile that phones do not record".to_owned()),
        _ => ClipFault::Damaged,
    }
}

/// Decodes HEVC.
pub fn hevc(sets: &ParameterSets, packets: &[Packet<'_>], sink: &mut Sink<'_>) -> Result<(), ClipFault> {
    let side = u64::from(SIDE_MAX);
    let limits = DecodeLimits { max_picture_pixels: side * side, ..DecodeLimits::default() };
    let mut decoder = rust_h265::Decoder::with_limits(limits).with_display_order();
    for unit in parse_hvcc(&joined(sets), 4) {
        decoder.decode_nal(&unit).map_err(hevc_fault)?;
    }
    // Pictures come out in the order of their times, one for each packet.
    let mut times = BinaryHeap::new();
    let mut next = |times: &mut BinaryHeap<_>, frame| match times.pop() {
        Some(Reverse((at, true))) => show_hevc(frame, at, sink),
        _ => Ok(()),
    };
    for packet in packets {
        times.push(Reverse((packet.at, packet.shown)));
        for unit in parse_hvcc(&packet.data, sets.length_size) {
            decoder.decode_nal(&unit).map_err(hevc_fault)?;
            while let Some(frame) = decoder.next_output() {
                next(&mut times, frame)?;
            }
        }
    }
    while let Some(frame) = decoder.flush() {
        next(&mut times, frame)?;
    }
    Ok(())
}

fn show_hevc(frame: rust_h265::Frame, at: i64, sink: &mut Sink<'_>) -> Result<(), ClipFault> {
    let size = (frame.width, frame.height);
    let chroma = if frame.chroma_format_idc == 1 { (frame.width / 2, frame.height / 2) } else { size };
    let depth = frame.bit_depth;
    let planes = [frame.y, frame.u, frame.v].map(|plane| match plane {
        PixelData::U8(plane) => plane,
        PixelData::U16(plane) => plane.iter().map(|sample| to_byte(*sample, depth)).collect(),
    });
    sink.show(Picture::yuv(size, chroma, planes)?, at)
}

fn hevc_fault(error: HevcError) -> ClipFault {
    match error {
        HevcError::Unsupported(_) => ClipFault::Codec("HEVC in a profile that phones do not record".to_owned()),
        HevcError::ResourceLimit(_) => ClipFault::TooManyPixels { width: 0, height: 0 },
        _ => ClipFault::Damaged,
    }
}

/// The container's units as a packet with lengths of four bytes.
fn joined(sets: &ParameterSets) -> Vec<u8> {
    let lengths = sets.units.iter().map(|unit| u32::try_from(unit.len()).unwrap_or(0).to_be_bytes());
    lengths.zip(&sets.units).flat_map(|(length, unit)| length.into_iter().chain(unit.iter().copied())).collect()
}

fn to_byte(sample: u16, depth: u8) -> u8 {
    (sample >> depth.saturating_sub(8)).min(255) as u8
}

/// Samples of two bytes, the low one first.
pub fn from_bytes(plane: &[u8], depth: u8) -> Vec<u8> {
    plane
        .chunks_exact(2)
        .map(|two| {
            to_byte(u16::from_le_bytes([two.first().copied().unwrap_or(0), two.last().copied().unwrap_or(0)]), depth)
        })
        .collect()
}
