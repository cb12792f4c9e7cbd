//! What a container gives: the video's coded frames in the order they are decoded, each with its time.

use std::borrow::Cow;

use super::colour::Colour;
use crate::domain::evidence::ClipFault;

/// The video track of a clip.
pub struct Track<'a> {
    pub container: &'static str,
    pub codec: Codec,
    /// Clockwise turn that makes the picture upright: 0, 90, 180 or 270.
    pub rotation_degrees: u16,
    /// As the container says; what the coded video itself says comes second.
    pub colour: Option<Colour>,
    pub packets: Vec<Packet<'a>>,
}

pub struct Packet<'a> {
    /// When it is shown, in microseconds from any start.
    pub at: i64,
    /// Whether it is shown at all: an edit list may hide frames that others are made from.
    pub shown: bool,
    pub data: Cow<'a, [u8]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Codec {
    H264(ParameterSets),
    Hevc(ParameterSets),
    Vp8,
    Vp9,
    Mjpeg,
}

/// What H.264 and HEVC need before the first frame, from the container's header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParameterSets {
    /// Bytes of the length before each unit of a packet: 1, 2 or 4.
    pub length_size: u8,
    /// The units themselves.
    pub units: Vec<Vec<u8>>,
}

impl Codec {
    pub fn name(&self) -> &'static str {
        match self {
            Codec::H264(_) => "h264",
            Codec::Hevc(_) => "hevc",
            Codec::Vp8 => "vp8",
            Codec::Vp9 => "vp9",
            Codec::Mjpeg => "mjpeg",
        }
    }
}

/// The fault of a codec that is not decoded, by the name people know it by.
///
/// `code` is the container's own: four letters in MP4 and AVI, a path in Matroska.
pub fn unsupported(code: &str) -> ClipFault {
    let known = match code {
        "mp4v" | "XVID" | "DIVX" | "DX50" | "FMP4" | "V_MPEG4/ISO/ASP" | "V_MPEG4/ISO/SP" => "MPEG-4 Part 2",
        "s263" | "h263" | "H263" => "H.263",
        "av01" | "V_AV1" | "AV01" => "AV1",
        "apch" | "apcn" | "apcs" | "apco" | "ap4h" | "ap4x" | "V_PRORES" => "ProRes",
        "V_MPEG1" | "mpg1" => "MPEG-1",
        "V_MPEG2" | "mpg2" | "m2v1" => "MPEG-2",
        "vvc1" | "vvi1" => "VVC",
        "encv" => "encrypted video",
        "V_THEORA" => "Theora",
        "V_UNCOMPRESSED" | "raw " | "2vuy" => "uncompressed video",
        other => other,
    };
    let name: String = known.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(32).collect();
    ClipFault::Codec(if name.trim().is_empty() { "unknown".to_owned() } else { name })
}
