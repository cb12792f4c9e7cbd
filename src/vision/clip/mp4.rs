//! MP4 and QuickTime, whole or in fragments.
//!
//! The boxes of the video track alone are read, by a library: what phones write for sound and metadata is of no concern
//! and cannot spoil a clip. Every offset into the file is checked before it is followed.

use std::borrow::Cow;
use std::num::NonZeroU32;

use shiguredo_mp4::boxes::{
    AvccBox, ElstEntry, HdlrBox, HvccBox, MoofBox, MvexBox, MvhdBox, SampleEntry, StblBox, TrakBox, TrexBox, UnknownBox,
};
use shiguredo_mp4::{BoxHeader, BoxType, Decode, aux::SampleTableAccessor};

use super::colour::{Colour, Matrix};
use super::track::{Codec, Packet, ParameterSets, Track, unsupported};
use crate::domain::evidence::ClipFault;

/// A minute at 240 frames a second, the fastest that phones record, has 14,400.
const SAMPLES_MAX: u32 = 20_000;

/// Reads the first video track.
pub fn read(file: &[u8]) -> Result<Track<'_>, ClipFault> {
    let movie = boxes(file).find(|one| one.kind == *b"moov").ok_or(ClipFault::Damaged)?;
    let video = boxes(movie.payload)
        .filter(|one| one.kind == *b"trak" && is_video(one.payload))
        .find_map(|one| TrakBox::decode(one.whole).ok().map(|(track, _)| track))
        .ok_or(ClipFault::Damaged)?;
    let media = video.mdia_box;
    let timescale = i64::from(media.mdhd_box.timescale.get());
    let table = media.minf_box.stbl_box;
    let entry = table.stsd_box.entries.first().ok_or(ClipFault::Damaged)?;
    let (codec, colour) = describe(entry)?;

    let mut samples = whole(file, table)?;
    if let Some(fragments) = boxes(movie.payload).find(|one| one.kind == *b"mvex") {
        let defaults = MvexBox::decode(fragments.whole).map_err(damaged)?.0.trex_boxes;
        let defaults = defaults.into_iter().find(|one| one.track_id == video.tkhd_box.track_id);
        fragmented(file, video.tkhd_box.track_id, defaults.as_ref(), &mut samples)?;
    }
    let movie_scale = boxes(movie.payload)
        .find(|one| one.kind == *b"mvhd")
        .and_then(|one| MvhdBox::decode(one.whole).ok())
        .map_or(timescale, |(header, _)| i64::from(header.timescale.get()));
    let edits = video.edts_box.and_then(|one| one.elst_box).map(|one| one.entries).unwrap_or_default();
    let shown = Shown::of(&edits, timescale, movie_scale);
    let packets = samples
        .into_iter()
        .map(|(at, data)| Packet { at: microseconds(at, timescale), shown: shown.holds(at), data: Cow::Borrowed(data) })
        .collect();
    let rotation_degrees = rotation(&video.tkhd_box.matrix);
    let container = if file.get(8..12) == Some(b"qt  ") { "mov" } else { "mp4" };
    Ok(Track { container, codec, rotation_degrees, colour, packets })
}

fn damaged<E>(_: E) -> ClipFault {
    ClipFault::Damaged
}

/// One box.
#[derive(Clone, Copy)]
struct Part<'a> {
    kind: [u8; 4],
    /// Where the box starts in what was walked.
    offset: usize,
    whole: &'a [u8],
    payload: &'a [u8],
}

/// The boxes that lie side by side in `data`, as far as they are whole. The last may run to the end of the data.
fn boxes(data: &[u8]) -> impl Iterator<Item = Part<'_>> {
    let mut offset = 0;
    std::iter::from_fn(move || {
        let rest = data.get(offset..).filter(|rest| !rest.is_empty())?;
        let (header, header_size) = BoxHeader::decode(rest).ok()?;
        let size = match usize::try_from(header.box_size.get()).ok()? {
            0 => rest.len(),
            size => size,
        };
        let whole = rest.get(..size)?;
        let payload = whole.get(header_size..)?;
        let kind = match header.box_type {
            BoxType::Normal(kind) => kind,
            BoxType::Uuid(_) => *b"uuid",
        };
        let part = Part { kind, offset, whole, payload };
        offset += size;
        Some(part)
    })
}

fn is_video(track: &[u8]) -> bool {
    let media = boxes(track).find(|one| one.kind == *b"mdia");
    let handler = media.and_then(|media| boxes(media.payload).find(|one| one.kind == *b"hdlr"));
    // Version, flags and "component type" come before the handler's type.
    handler.and_then(|handler| handler.payload.get(8..12)).is_some_and(|kind| kind == HdlrBox::HANDLER_TYPE_VIDE)
}

type Samples<'a> = Vec<(i64, &'a [u8])>;

/// The samples of the sample table; none in a fragmented file.
fn whole(file: &[u8], table: StblBox) -> Result<Samples<'_>, ClipFault> {
    if table.stts_box.entries.is_empty() {
        return Ok(Vec::new());
    }
    let table = SampleTableAccessor::new(table).map_err(damaged)?;
    if table.sample_count() > SAMPLES_MAX {
        return Err(ClipFault::Damaged);
    }
    (1..=table.sample_count())
        .map_while(NonZeroU32::new)
        .map(|index| {
            let sample = table.get_sample(index).ok_or(ClipFault::Damaged)?;
            let start = usize::try_from(sample.data_offset()).map_err(damaged)?;
            let data = slice(file, start, sample.data_size() as usize)?;
            let decoded_at = i64::try_from(sample.timestamp()).map_err(damaged)?;
            Ok((decoded_at.saturating_add(sample.composition_time_offset().unwrap_or(0)), data))
        })
        .collect()
}

fn slice(file: &[u8], start: usize, length: usize) -> Result<&[u8], ClipFault> {
    start.checked_add(length).and_then(|end| file.get(start..end)).ok_or(ClipFault::Damaged)
}

/// Adds the samples of every fragment, as browsers record them.
fn fragmented<'a>(
    file: &'a [u8],
    track: u32,
    defaults: Option<&TrexBox>,
    samples: &mut Samples<'a>,
) -> Result<(), ClipFault> {
    let mut clock = 0_i64;
    for fragment in boxes(file).filter(|one| one.kind == *b"moof") {
        let (header, _) = MoofBox::decode(fragment.whole).map_err(damaged)?;
        // Without a base of its own, a track's data follows that of the track before it (ISO/IEC 14496-12, 8.8.8).
        let mut follows = fragment.offset;
        for run in &header.traf_boxes {
            let own = &run.tfhd_box;
            let base = match own.base_data_offset {
                Some(base) => usize::try_from(base).map_err(damaged)?,
                None if own.default_base_is_moof => fragment.offset,
                None => follows,
            };
            let is_ours = own.track_id == track;
            if let Some(time) = run.tfdt_box.as_ref().filter(|_| is_ours) {
                clock = i64::try_from(time.base_media_decode_time).map_err(damaged)?;
            }
            let duration = own.default_sample_duration.or(defaults.map(|all| all.default_sample_duration));
            let size = own.default_sample_size.or(defaults.map(|all| all.default_sample_size));
            let mut at = base;
            for part in &run.trun_boxes {
                if let Some(offset) = part.data_offset {
                    at = base.checked_add_signed(offset as isize).ok_or(ClipFault::Damaged)?;
                }
                for sample in &part.samples {
                    let size = sample.size.or(size).unwrap_or(0) as usize;
                    if is_ours {
                        let shown_at = clock.saturating_add(sample.composition_time_offset.unwrap_or(0));
                        samples.push((shown_at, slice(file, at, size)?));
                        clock = clock.saturating_add(i64::from(sample.duration.or(duration).unwrap_or(0)));
                    }
                    at = at.checked_add(size).ok_or(ClipFault::Damaged)?;
                }
            }
            follows = at;
        }
    }
    Ok(())
}

/// The part of the media that an edit list shows.
struct Shown {
    start: i64,
    end: i64,
}

impl Shown {
    /// Of one edit, as phones write when a clip was trimmed and encoders to skip what precedes the first frame. Lists of
    /// several are passed over, and everything is shown: nothing of the evidence is lost by that.
    fn of(edits: &[ElstEntry], timescale: i64, movie_scale: i64) -> Shown {
        let everything = Shown { start: i64::MIN, end: i64::MAX };
        let mut real = edits.iter().filter(|edit| edit.media_time >= 0);
        let (Some(edit), None) = (real.next(), real.next()) else { return everything };
        let length = i128::from(edit.edit_duration) * i128::from(timescale) / i128::from(movie_scale.max(1));
        // A movie's clock is coarser than its track's: one tick more.
        let slack = i128::from(timescale / movie_scale.max(1)) + 1;
        let end = i128::from(edit.media_time) + length + slack;
        // A fragmented file's edit has no length: it was written before the end was known.
        let end = if edit.edit_duration == 0 { i64::MAX } else { i64::try_from(end).unwrap_or(i64::MAX) };
        Shown { start: edit.media_time, end }
    }

    fn holds(&self, at: i64) -> bool {
        (self.start..self.end).contains(&at)
    }
}

fn microseconds(time: i64, timescale: i64) -> i64 {
    (i128::from(time) * 1_000_000 / i128::from(timescale)).clamp(-(1 << 62), 1 << 62) as i64
}

/// From the upper left of a track's matrix, 16.16 fixed-point: x' = a·x + c·y, y' = b·x + d·y.
fn rotation(matrix: &[i32; 9]) -> u16 {
    let [a, b, _, c, d, ..] = matrix.map(i32::signum);
    match (a, b, c, d) {
        (0, 1, -1, 0) => 90,
        (-1, 0, 0, -1) => 180,
        (0, -1, 1, 0) => 270,
        _ => 0,
    }
}

/// The codec, and the colour that the container states.
fn describe(entry: &SampleEntry) -> Result<(Codec, Option<Colour>), ClipFault> {
    Ok(match entry {
        SampleEntry::Avc1(one) => (Codec::H264(avc(&one.avcc_box)), colour(&one.unknown_boxes)),
        SampleEntry::Hev1(one) => (Codec::Hevc(hevc(&one.hvcc_box)), colour(&one.unknown_boxes)),
        SampleEntry::Hvc1(one) => (Codec::Hevc(hevc(&one.hvcc_box)), colour(&one.unknown_boxes)),
        SampleEntry::Vp08(one) => (Codec::Vp8, colour(&one.unknown_boxes)),
        SampleEntry::Vp09(one) => (Codec::Vp9, colour(&one.unknown_boxes)),
        SampleEntry::Av01(_) => return Err(unsupported("av01")),
        SampleEntry::Unknown(one) => by_name(one)?,
        _ => return Err(ClipFault::Damaged),
    })
}

/// Entries that the library does not know.
fn by_name(entry: &UnknownBox) -> Result<(Codec, Option<Colour>), ClipFault> {
    // The fields of a picture entry before its boxes (ISO/IEC 14496-12, 12.1.3).
    const FIELDS: usize = 78;
    let children = || boxes(entry.payload.get(FIELDS..).unwrap_or_default());
    let code = match entry.box_type {
        BoxType::Normal(code) => code,
        BoxType::Uuid(_) => *b"uuid",
    };
    match &code {
        b"avc3" => {
            let header = children().find(|one| one.kind == *b"avcC").ok_or(ClipFault::Damaged)?;
            Ok((Codec::H264(avc(&AvccBox::decode(header.whole).map_err(damaged)?.0)), None))
        }
        b"jpeg" | b"mjpa" | b"mjpg" => Ok((Codec::Mjpeg, None)),
        other => Err(unsupported(&String::from_utf8_lossy(other))),
    }
}

/// From the box of H.264's decoder configuration.
pub fn avc(header: &AvccBox) -> ParameterSets {
    let units = header.sps_list.iter().chain(&header.pps_list).cloned().collect();
    ParameterSets { length_size: header.length_size_minus_one.get() + 1, units }
}

/// From the box of HEVC's decoder configuration.
pub fn hevc(header: &HvccBox) -> ParameterSets {
    let units = header.nalu_arrays.iter().flat_map(|array| array.nalus.iter().cloned()).collect();
    ParameterSets { length_size: header.length_size_minus_one.get() + 1, units }
}

/// From a `colr` box, which names the matrix and, in its form `nclx`, the range.
fn colour(boxes: &[UnknownBox]) -> Option<Colour> {
    let payload = &boxes.iter().find(|one| one.box_type == BoxType::Normal(*b"colr"))?.payload;
    let kind = payload.get(..4).filter(|kind| matches!(*kind, b"nclx" | b"nclc"))?;
    let code = payload.get(8..10)?.try_into().ok().map(u16::from_be_bytes)?;
    let full_range = kind == b"nclx" && payload.get(10)? & 0x80 != 0;
    Some(Colour { matrix: Matrix::of_code(u64::from(code))?, full_range })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: i32 = 1 << 16;

    #[test]
    fn the_matrix_tells_the_turn() {
        let turn = |a, b, c, d| rotation(&[a, b, 0, c, d, 0, 0, 0, 1 << 30]);
        assert_eq!(turn(ONE, 0, 0, ONE), 0);
        assert_eq!(turn(0, ONE, -ONE, 0), 90);
        assert_eq!(turn(-ONE, 0, 0, -ONE), 180);
        assert_eq!(turn(0, -ONE, ONE, 0), 270);
    }

    #[test]
    fn an_edit_shows_a_part_and_several_show_all() {
        let edit = |media_time, edit_duration| ElstEntry {
            edit_duration,
            media_time,
            media_rate: shiguredo_mp4::FixedPointNumber::new(1, 0),
        };
        let shown = Shown::of(&[edit(-1, 500), edit(3000, 2000)], 30_000, 1000);
        assert!(!shown.holds(2999) && shown.holds(3000) && shown.holds(62_999) && !shown.holds(63_100));
        assert!(Shown::of(&[edit(3000, 0)], 30_000, 1000).holds(i64::MAX - 1));
        assert!(Shown::of(&[edit(0, 10), edit(90, 10)], 30_000, 1000).holds(5_000_000));
        assert!(Shown::of(&[], 30_000, 1000).holds(-5));
    }
}
