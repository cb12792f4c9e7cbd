//! The whole way from bytes to frames, in this process. The worker does this in its sandbox; tests of what is not
//! hostile may call it directly.

use super::colour::Colour;
use super::picture::{Picture, check_size};
use super::sample::Sampler;
use super::track::{Codec, Track};
use super::{BYTES_MAX, Frame, avi, gif, matroska, mjpeg, mp4, nal, vpx};
use crate::domain::evidence::{ClipFault, ClipSeen};
use crate::vision::image;

/// Takes each frame; a fault ends the decoding and is passed on.
pub type Taker<'a> = &'a mut dyn FnMut(Frame) -> Result<(), ClipFault>;

/// Takes each picture that a player would show, at its own size, and the time in microseconds.
pub type PictureTaker<'a> = &'a mut dyn FnMut(Picture, i64) -> Result<(), ClipFault>;

/// Decodes a clip and hands on the frames to be analysed.
pub fn in_process(file: &[u8], each: Taker<'_>) -> Result<ClipSeen, ClipFault> {
    let clip = Clip::open(file)?;
    let (start, end) = clip.span()?;
    let mut sampler = Sampler::new(start, end)?;
    let mut analysed = 0;
    let mut upright = (0, 0);
    let rotation = clip.rotation_degrees();
    let stated = clip.colour();
    let mut take = |picture: Picture, at: i64, said: Option<Colour>| {
        upright = if rotation % 180 == 0 { (picture.width, picture.height) } else { (picture.height, picture.width) };
        if sampler.takes(at) {
            let pixels = picture.frame(stated.or(said), rotation);
            each(Frame { at_milliseconds: (at - start) as f64 / 1e3, pixels })?;
            analysed += 1;
        }
        Ok(())
    };
    let mut sink = Sink::new(&mut take);
    clip.decode(&mut sink)?;
    let frame_count = sink.count;
    if analysed == 0 {
        return Err(ClipFault::Damaged);
    }
    Ok(ClipSeen {
        container: clip.container().to_owned(),
        codec: clip.codec().to_owned(),
        width: upright.0,
        height: upright.1,
        rotation_degrees: rotation,
        duration_milliseconds: (end - start) as f64 / 1e3,
        frame_count,
        analysed_frames: analysed,
    })
}

/// Decodes every picture: for comparing with other decoders.
pub fn pictures(file: &[u8], each: PictureTaker<'_>) -> Result<(), ClipFault> {
    let clip = Clip::open(file)?;
    let mut take = |picture, at, _| each(picture, at);
    clip.decode(&mut Sink::new(&mut take))
}

/// A file by what it holds.
enum Clip<'a> {
    Video(Track<'a>),
    Gif { file: &'a [u8], times: Vec<i64> },
}

impl<'a> Clip<'a> {
    fn open(file: &'a [u8]) -> Result<Clip<'a>, ClipFault> {
        if file.len() > BYTES_MAX {
            return Err(ClipFault::TooManyBytes);
        }
        let at = |offset: usize, text: &[u8]| file.get(offset..).is_some_and(|rest| rest.starts_with(text));
        // QuickTime's older files begin with another box than `ftyp`.
        let boxes: [&[u8; 4]; 6] = [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"];
        if at(0, b"\x1a\x45\xdf\xa3") {
            matroska::read(file).map(Clip::Video)
        } else if at(0, b"RIFF") && at(8, b"AVI ") {
            avi::read(file).map(Clip::Video)
        } else if at(0, b"GIF87a") || at(0, b"GIF89a") {
            check_size(gif::size(file)?)?;
            gif::times(file).map(|times| Clip::Gif { file, times })
        } else if boxes.iter().any(|kind| at(4, *kind)) && !image::is_still(file) {
            mp4::read(file).map(Clip::Video)
        } else {
            let stream = mjpeg::read(file).map(Clip::Video);
            stream.ok_or_else(|| ClipFault::NotAClip(image::looks_like(file)))
        }
    }

    fn container(&self) -> &'static str {
        match self {
            Clip::Video(track) => track.container,
            Clip::Gif { .. } => "gif",
        }
    }

    fn codec(&self) -> &'static str {
        match self {
            Clip::Video(track) => track.codec.name(),
            Clip::Gif { .. } => "gif",
        }
    }

    fn rotation_degrees(&self) -> u16 {
        match self {
            Clip::Video(track) => track.rotation_degrees,
            Clip::Gif { .. } => 0,
        }
    }

    fn colour(&self) -> Option<Colour> {
        match self {
            Clip::Video(track) => track.colour,
            Clip::Gif { .. } => None,
        }
    }

    /// When the first and the last frame are shown.
    fn span(&self) -> Result<(i64, i64), ClipFault> {
        let times: Vec<i64> = match self {
            Clip::Video(track) => track.packets.iter().filter(|packet| packet.shown).map(|packet| packet.at).collect(),
            Clip::Gif { times, .. } => times.clone(),
        };
        times.iter().min().copied().zip(times.iter().max().copied()).ok_or(ClipFault::Damaged)
    }

    fn decode(&self, sink: &mut Sink<'_>) -> Result<(), ClipFault> {
        match self {
            Clip::Video(track) => match &track.codec {
                Codec::H264(sets) => nal::h264(sets, &track.packets, sink),
                Codec::Hevc(sets) => nal::hevc(sets, &track.packets, sink),
                Codec::Vp8 => vpx::vp8(&track.packets, sink),
                Codec::Vp9 => vpx::vp9(&track.packets, sink),
                Codec::Mjpeg => track.packets.iter().filter(|packet| packet.shown).try_for_each(|packet| {
                    let size = mjpeg::size(&packet.data)?;
                    check_size(size)?;
                    sink.expect(size)?;
                    sink.show(Picture::rgb(mjpeg::decode(&packet.data)?), packet.at)
                }),
            },
            Clip::Gif { file, times } => {
                let mut times = times.iter().copied();
                gif::decode(file, &mut |canvas| {
                    let at = times.next().ok_or(ClipFault::Damaged)?;
                    sink.show(Picture::rgb(canvas), at)
                })
            }
        }
    }
}

type Take<'a> = &'a mut dyn FnMut(Picture, i64, Option<Colour>) -> Result<(), ClipFault>;

/// Where the codecs put their pictures. All must be of one size.
pub struct Sink<'a> {
    take: Take<'a>,
    size: Option<(u32, u32)>,
    colour: Option<Colour>,
    count: u32,
}

impl<'a> Sink<'a> {
    fn new(take: Take<'a>) -> Sink<'a> {
        Sink { take, size: None, colour: None, count: 0 }
    }

    /// What the coded video says of its colour.
    pub fn says(&mut self, colour: Option<Colour>) {
        self.colour = colour.or(self.colour);
    }

    /// The size that a header announces.
    pub fn expect(&mut self, size: (u32, u32)) -> Result<(), ClipFault> {
        if *self.size.get_or_insert(size) == size { Ok(()) } else { Err(ClipFault::SizeChanges) }
    }

    /// The next picture in the order of time.
    pub fn show(&mut self, picture: Picture, at: i64) -> Result<(), ClipFault> {
        self.expect((picture.width, picture.height))?;
        self.count += 1;
        (self.take)(picture, at, self.colour)
    }
}
