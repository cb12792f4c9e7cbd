//! From a file of unknown origin to upright pixels.
//!
//! The format is told by content, never by name. Size limits are checked on the header, before any pixel is decoded; what
//! is cut off or malformed is refused, never filled up. The result is 8-bit RGB, turned as EXIF asks.
//!
//! JPEG photos are decoded whole. Of the decoders in Rust only `jpeg-decoder` can decode at a half or a quarter of the size: 38 and
//! 35 ms instead of 70 for 12 megapixels, hardly anything for 600 × 800. It would be a second decoder for hostile files, faces that are
//! small in large photos would lose detail that the embedder uses, and documents need every pixel.

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

/// A photo for a person to look at, neither side longer than `side`: width, height, and pixels as red, green and blue. `None` if
/// it cannot be decoded.
pub fn thumbnail(file: &[u8], side: u32) -> Option<(u32, u32, Vec<u8>)> {
    let pixels = decode(file).ok()?.pixels;
    let longest = pixels.width().max(pixels.height());
    let small = super::resize::shrink(&pixels, f64::from(longest) / f64::from(side.max(1)));
    Some((small.width(), small.height(), small.as_raw().clone()))
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

/// What a file is that was not expected to be a photo, if that is known.
pub fn looks_like(file: &[u8]) -> Option<&'static str> {
    match sniff(file) {
        Content::Photo("jpeg") => Some("JPEG"),
        Content::Photo("png") => Some("PNG"),
        Content::Photo(_) => Some("WebP"),
        Content::Other(what) => what,
        Content::Empty => None,
    }
}

/// Whether it is a still picture in the container of MP4.
pub fn is_still(file: &[u8]) -> bool {
    matches!(sniff(file), Content::Other(Some("HEIC" | "AVIF")))
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn golden(name: &str) -> Vec<u8> {
        std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
    }

    fn why(file: &[u8]) -> UnusableReason {
        decode(file).map(|photo| photo.pixels.dimensions()).unwrap_err()
    }

    #[test]
    fn what_is_no_photo_is_named() {
        let unknown = |what| UnusableReason::UnknownFormat(Some(what));
        assert_eq!(why(b""), UnusableReason::Empty);
        assert_eq!(why("hello, I am a photo".as_bytes()), unknown("text"));
        assert_eq!(why("señorita ".repeat(500).as_bytes()), unknown("text"));
        assert_eq!(why(b"GIF89a\x01\0\x01\0"), unknown("GIF"));
        assert_eq!(why(b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>"), unknown("SVG"));
        assert_eq!(why(b"%PDF-1.7\n"), unknown("PDF"));
        assert_eq!(why(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"), unknown("HEIC"));
        assert_eq!(why(b"\0\0\0\x18ftypisom\0\0\0\0"), unknown("video"));
        assert_eq!(why(&[7, 0, 255, 254, 3]), UnusableReason::UnknownFormat(None));
    }

    #[test]
    fn a_huge_header_is_refused_before_anything_is_decoded() {
        let png = |width: u32, height: u32| {
            let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
            [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", size.as_slice(), b"\x08\x02\0\0\0"].concat()
        };
        let too_many = |width, height| UnusableReason::TooManyPixels { width, height };
        assert_eq!(why(&png(30_000, 30_000)), too_many(30_000, 30_000));
        assert_eq!(why(&png(8192, 8192)), too_many(8192, 8192));
        assert_eq!(why(&png(8193, 1)), too_many(8193, 1));
        assert_eq!(why(&png(0, 5)), UnusableReason::Damaged);
        assert_eq!(why(&png(8000, 5000)), UnusableReason::Damaged);
        let jpeg = b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\x01\x22\0\x02\x11\x01\x03\x11\x01";
        assert_eq!(why(jpeg), too_many(65_535, 65_535));
    }

    #[test]
    fn a_photo_that_was_cut_off_is_refused() {
        let names = ["grace_hopper.jpg", "formats/progressive.jpg", "formats/restarts.jpg", "formats/two.mpo"];
        let others = ["hopper_128.png", "formats/lossy.webp", "formats/lossless.webp"];
        for name in names.into_iter().chain(others) {
            // A picture's last few bytes may be padding or a closing mark of the container.
            let file = if name.ends_with("mpo") { golden(name)[..4000].to_vec() } else { golden(name) };
            for share in [0.02, 0.1, 0.5, 0.9, 0.99] {
                let cut = &file[..(file.len() as f64 * share) as usize];
                assert_eq!(why(cut), UnusableReason::Damaged, "{name} at {share}");
            }
        }
    }

    #[test]
    fn every_layout_gives_the_same_picture() {
        let original = decode(&golden("hopper_128.png")).unwrap();
        assert_eq!(original.format, "png");
        let colour = [
            ("progressive.jpg", "jpeg"),
            ("restarts.jpg", "jpeg"),
            ("cmyk.jpg", "jpeg"),
            ("lossy.webp", "webp"),
            ("lossless.webp", "webp"),
            ("palette.png", "png"),
            ("two.mpo", "jpeg"),
            ("exif_orientation_6.jpg", "jpeg"),
        ];
        let grey = [("grey.jpg", "jpeg"), ("grey16.png", "png")];
        for (name, format) in colour.into_iter().chain(grey) {
            let photo = decode(&golden(&format!("formats/{name}"))).unwrap();
            assert_eq!(photo.format, format, "{name}");
            assert_eq!(photo.pixels.dimensions(), original.pixels.dimensions(), "{name}");
            let luma = |pixel: &Rgb<u8>| {
                let [r, g, b] = pixel.0.map(f64::from);
                0.299 * r + 0.587 * g + 0.114 * b
            };
            let pairs = photo.pixels.pixels().zip(original.pixels.pixels());
            let difference: f64 = pairs.map(|(a, b)| (luma(a) - luma(b)).abs()).sum();
            assert!(difference / (128.0 * 128.0) < 4.0, "{name}: {}", difference / (128.0 * 128.0));
        }
    }

    #[test]
    fn transparent_parts_show_white() {
        let mut file = Vec::new();
        let picture = image::RgbaImage::from_fn(4, 1, |x, _| image::Rgba([0, 100, 200, (x * 85) as u8]));
        picture.write_to(&mut Cursor::new(&mut file), image::ImageFormat::Png).unwrap();
        let photo = decode(&file).unwrap().pixels;
        assert_eq!(photo.get_pixel(0, 0), &Rgb([255; 3]));
        assert_eq!(photo.get_pixel(3, 0), &Rgb([0, 100, 200]));
    }

    #[test]
    fn altered_bytes_never_panic() {
        let names = ["progressive.jpg", "cmyk.jpg", "restarts.jpg", "lossy.webp", "lossless.webp", "palette.png"];
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut random = || {
            // xorshift64: repeatable, so that a failure can be looked at.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as usize
        };
        for name in names {
            let original = golden(&format!("formats/{name}"));
            for _ in 0..300 {
                let mut file = original.clone();
                for _ in 0..1 + random() % 6 {
                    // Half of the changes hit the headers.
                    let range = if random() % 2 == 0 { file.len().min(200) } else { file.len() };
                    let place = random() % range;
                    file[place] = random() as u8;
                }
                let _ = decode(&file);
            }
        }
    }
}
