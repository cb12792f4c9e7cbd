//! AVI, as far as it holds motion JPEG: the one codec of the cameras that still write it.
//!
//! A tree of RIFF chunks: four letters, a little-endian length, the content, and a byte of padding to an even length.

use std::borrow::Cow;

use super::track::{Codec, Packet, Track, unsupported};
use crate::domain::evidence::ClipFault;

/// Reads the first video stream.
pub fn read(file: &[u8]) -> Result<Track<'_>, ClipFault> {
    let content = file.get(12..).ok_or(ClipFault::Damaged)?;
    let header = list(content, b"hdrl").ok_or(ClipFault::Damaged)?;
    let streams = chunks(header).filter_map(|chunk| chunk.list(b"strl"));
    let (number, stream) = streams
        .enumerate()
        .find(|(_, stream)| chunk(stream, b"strh").is_some_and(|header| header.starts_with(b"vids")))
        .ok_or(ClipFault::Damaged)?;

    let header = chunk(stream, b"strh").ok_or(ClipFault::Damaged)?;
    let (scale, rate) = (number_at(header, 20)?, number_at(header, 24)?);
    if scale == 0 || rate == 0 {
        return Err(ClipFault::Damaged);
    }
    let code = chunk(stream, b"strf").and_then(|format| format.get(16..20)).ok_or(ClipFault::Damaged)?;
    if !code.eq_ignore_ascii_case(b"MJPG") {
        return Err(unsupported(&String::from_utf8_lossy(code)));
    }

    let mut frames = Vec::new();
    collect(list(content, b"movi").ok_or(ClipFault::Damaged)?, number, &mut frames);
    let packets = frames
        .into_iter()
        .enumerate()
        // An empty chunk is a frame that the camera dropped: the one before it stays on.
        .filter(|(_, data)| !data.is_empty())
        .map(|(index, data)| {
            let at = index as i128 * 1_000_000 * i128::from(scale) / i128::from(rate);
            Packet { at: at.min(1 << 62) as i64, shown: true, data: Cow::Borrowed(data) }
        })
        .collect();
    Ok(Track { container: "avi", codec: Codec::Mjpeg, rotation_degrees: 0, colour: None, packets })
}

/// The frames of one stream, whose chunks are named by its number and `dc` or `db`. Some files group them in `rec ` lists.
fn collect<'a>(movie: &'a [u8], stream: usize, frames: &mut Vec<&'a [u8]>) {
    let number = format!("{stream:02}");
    for chunk in chunks(movie) {
        if let Some(group) = chunk.list(b"rec ") {
            // One level: a list in a list is nobody's.
            frames.extend(chunks(group).filter(|one| is_frame(one, &number)).map(|one| one.content));
        } else if is_frame(&chunk, &number) {
            frames.push(chunk.content);
        }
    }
}

fn is_frame(chunk: &Chunk<'_>, number: &str) -> bool {
    chunk.name.starts_with(number.as_bytes()) && matches!(chunk.name.get(2..), Some(b"dc" | b"db"))
}

struct Chunk<'a> {
    name: &'a [u8],
    content: &'a [u8],
}

impl<'a> Chunk<'a> {
    /// The content of a list of that kind.
    fn list(&self, kind: &[u8; 4]) -> Option<&'a [u8]> {
        if self.name == b"LIST" { self.content.strip_prefix(kind) } else { None }
    }
}

/// The chunks that lie side by side in `data`; the last may be cut off.
fn chunks(data: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    let mut rest = data;
    std::iter::from_fn(move || {
        let (name, tail) = rest.split_at_checked(4)?;
        let (length, tail) = tail.split_at_checked(4)?;
        let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
        let content = tail.get(..length.min(tail.len()))?;
        rest = tail.get(length.checked_add(length % 2)?..).unwrap_or_default();
        Some(Chunk { name, content })
    })
}

fn chunk<'a>(data: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    chunks(data).find(|one| one.name == name).map(|one| one.content)
}

fn list<'a>(data: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    chunks(data).find_map(|one| one.list(kind))
}

fn number_at(data: &[u8], at: usize) -> Result<u32, ClipFault> {
    let bytes = data.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    bytes.map(u32::from_le_bytes).ok_or(ClipFault::Damaged)
}
