//! From a file of unknown origin to upright pixels.
//!
//! The format is told by content, never by name. Size limits are checked on the header, before any pixel is decoded; what
//! is cut off or malformed is refused, never filled up. The result is 8-bit RGB, turned as EXIF asks.

use std::io::Cursor;

use image::codecs::{jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{DynamicImage, ImageDecoder, ImageResult, Limits, Rgb, RgbImage};

use super::jpeg;
use crate::domain::evidence::UnusableReason;

/// Longest side, in pixels.
pub const SIDE_MAX: u32 = 8192;
/// 40 megapixels.
pub const PIXELS_MAX: u64 = 40_000_000;
/// Of one decoded picture, in its own sample format.
pub const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Upright pixels and what they came from.
pub struct Photo {
    /// `jpeg`, `png` or `webp`.
    pub format: &'static str,
    pub pixels: RgbImage,
}

/// Decodes a file. Transparent parts show white, as they do to a person on a page.
pub fn decode(file: &[u8]) -> Result<Photo, UnusableReason> {
    let format = match sniff(file) {
        Content::Photo(format) => format,
        Content::Empty => return Err(UnusableReason::Empty),
        Content::Other(what) => return Err(UnusableReason::UnknownFormat(what)),
    };
    let picture = match format {
        "jpeg" => {
            check_size(jpeg::size(file).ok_or(UnusableReason::Damaged)?)?;
            let frame = jpeg::whole(file).map_err(|_| UnusableReason::Damaged)?;
            let first_image = file.get(..frame.end).unwrap_or(file);
            read(JpegDecoder::new(Cursor::new(first_image)))?
        }
        "png" => {
            check_size(png_size(file).ok_or(UnusableReason::Damaged)?)?;
            read(PngDecoder::with_limits(Cursor::new(file), limits()))?
        }
        _ => read(WebPDecoder::new(Cursor::new(file)))?,
    };
    Ok(Photo { format, pixels: flatten(picture) })
}

fn read<D: ImageDecoder>(decoder: ImageResult<D>) -> Result<DynamicImage, UnusableReason> {
    let damaged = |_| UnusableReason::Damaged;
    let mut decoder = decoder.map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    check_size((width, height))?;
    if decoder.total_bytes() > BYTES_MAX {
        return Err(UnusableReason::TooManyPixels { width, height });
    }
    // Where the format cannot honour a limit the size was checked above, and the decoder allocates by it.
    let _ = decoder.set_limits(limits());
    let orientation = decoder.orientation().map_err(damaged)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(BYTES_MAX);
    limits
}

fn check_size((width, height): (u32, u32)) -> Result<(), UnusableReason> {
    if width == 0 || height == 0 {
        return Err(UnusableReason::Damaged);
    }
    if width > SIDE_MAX || height > SIDE_MAX || u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(UnusableReason::TooManyPixels { width, height });
    }
    Ok(())
}

/// From the IHDR chunk, which a PNG must begin with.
fn png_size(file: &[u8]) -> Option<(u32, u32)> {
    let field = |at: usize| file.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    (file.get(12..16)? == b"IHDR").then_some((field(16)?, field(20)?))
}

fn flatten(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let picture = picture.into_rgba8();
    let mut out = RgbImage::new(picture.width(), picture.height());
    for (to, from) in out.pixels_mut().zip(picture.pixels()) {
        let [r, g, b, alpha] = from.0.map(u32::from);
        let over_white = |value: u32| ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        *to = Rgb([over_white(r), over_white(g), over_white(b)]);
    }
    out
}

enum Content {
    Empty,
    Photo(&'static str),
    Other(Option<&'static str>),
}

fn sniff(file: &[u8]) -> Content {
    if file.is_empty() {
        return Content::Empty;
    }
    let head = file.get(..file.len().min(1024)).unwrap_or(file);
    let at = |offset: usize, text: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(text));
    if at(0, b"\xff\xd8\xff") {
        return Content::Photo("jpeg");
    }
    if at(0, b"\x89PNG\r\n\x1a\n") {
        return Content::Photo("png");
    }
    if at(0, b"RIFF") && at(8, b"WEBP") {
        return Content::Photo("webp");
    }
    Content::Other(if at(0, b"GIF8") {
        Some("GIF")
    } else if at(0, b"%PDF") {
        Some("PDF")
    } else if at(0, b"BM") {
        Some("BMP")
    } else if at(0, b"II*\0") || at(0, b"MM\0*") {
        Some("TIFF")
    } else if at(4, b"ftyp") {
        Some(iso_media(head.get(8..12).unwrap_or_default()))
    } else if at(0, b"\x1a\x45\xdf\xa3") {
        Some("video")
    } else {
        text(head)
    })
}

/// ISO base media files name their kind in the first box.
fn iso_media(brand: &[u8]) -> &'static str {
    match brand {
        b"heic" | b"heix" | b"hevc" | b"hevx" | b"heim" | b"heis" | b"mif1" | b"msf1" => "HEIC",
        b"avif" | b"avis" => "AVIF",
        _ => "video",
    }
}

fn text(head: &[u8]) -> Option<&'static str> {
    // The cut at 1024 bytes may fall inside a character.
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?,
        Err(_) => return None,
    };
    if valid.contains("<svg") || valid.contains("<!DOCTYPE svg") {
        return Some("SVG");
    }
    let is_text = |c: char| !c.is_control() || c.is_whitespace() || c == '\u{feff}';
    valid.chars().all(is_text).then_some("text")
}
