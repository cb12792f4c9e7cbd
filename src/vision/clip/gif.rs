//! GIF: the times of its frames without decoding any, and the frames.

use std::io::Cursor;

use image::codecs::gif::GifDecoder;
use image::{AnimationDecoder, ImageDecoder, Limits, Rgb, RgbImage};

use super::SIDE_MAX;
use crate::domain::evidence::ClipFault;

/// What browsers show a frame for whose delay is 0 or 1 hundredth of a second.
const SHORT_DELAY_MICROSECONDS: i64 = 100_000;

/// Canvas size, from the first ten bytes.
pub fn size(file: &[u8]) -> Result<(u32, u32), ClipFault> {
    let [_, _, _, _, _, _, w0, w1, h0, h1, ..] = file else { return Err(ClipFault::Damaged) };
    Ok((u32::from(u16::from_le_bytes([*w0, *w1])), u32::from(u16::from_le_bytes([*h0, *h1]))))
}

/// When each frame is shown, in microseconds, by walking over the blocks (GIF89a, 20 to 24). A file that ends before its
/// trailer was cut off.
pub fn times(file: &[u8]) -> Result<Vec<i64>, ClipFault> {
    walk(file).ok_or(ClipFault::Damaged)
}

fn walk(file: &[u8]) -> Option<Vec<i64>> {
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let mut rest = file.get(13 + table(*file.get(10)?)..)?;
    let (mut times, mut now, mut delay) = (Vec::new(), 0_i64, 0_i64);
    loop {
        let (kind, tail) = rest.split_first()?;
        rest = match kind {
            // A picture: left, top, width, height, flags, colours, and the size of the first code.
            0x2c => {
                times.push(now);
                now += if delay <= 1 { SHORT_DELAY_MICROSECONDS } else { delay * 10_000 };
                delay = 0;
                skip_blocks(tail.get(9 + table(*tail.get(8)?) + 1..)?)?
            }
            // An extension; of those, graphic control holds the delay of the picture after it.
            0x21 => {
                if let [0xf9, 4, _flags, low, high, ..] = tail {
                    delay = i64::from(u16::from_le_bytes([*low, *high]));
                }
                skip_blocks(tail.get(1..)?)?
            }
            0x3b => return Some(times),
            _ => return None,
        };
    }
}

/// Passes over blocks of a length and so many bytes, up to the empty one.
fn skip_blocks(mut data: &[u8]) -> Option<&[u8]> {
    loop {
        let (length, tail) = data.split_first()?;
        data = tail.get(usize::from(*length)..)?;
        if *length == 0 {
            return Some(data);
        }
    }
}

/// Every frame as shown, laid over those before it; transparent parts show white.
pub fn decode(file: &[u8], each: &mut dyn FnMut(RgbImage) -> Result<(), ClipFault>) -> Result<(), ClipFault> {
    let damaged = |_| ClipFault::Damaged;
    let mut decoder = GifDecoder::new(Cursor::new(file)).map_err(damaged)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    decoder.set_limits(limits).map_err(damaged)?;
    for frame in decoder.into_frames() {
        let canvas = frame.map_err(damaged)?.into_buffer();
        let mut flat = RgbImage::new(canvas.width(), canvas.height());
        for (to, from) in flat.pixels_mut().zip(canvas.pixels()) {
            let [r, g, b, alpha] = from.0;
            *to = if alpha == 0 { Rgb([255; 3]) } else { Rgb([r, g, b]) };
        }
        each(flat)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_add_up_and_a_missing_trailer_is_seen() {
        let picture = [0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, 2, 1, 0x44, 0];
        let control = |delay: u8| [0x21, 0xf9, 4, 0, delay, 0, 0, 0];
        let mut file = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff".to_vec();
        for delay in [5, 0, 20] {
            file.extend(control(delay));
            file.extend(picture);
        }
        assert_eq!(times(&file), Err(ClipFault::Damaged));
        file.push(0x3b);
        assert_eq!(times(&file), Ok(vec![0, 50_000, 150_000]));
        assert_eq!(size(&file), Ok((1, 1)));
    }
}
