//! Our pictures against ffmpeg's, which `make.sh` left beside each clip.

use std::fs;
use std::path::{Path, PathBuf};

use twoface::crypto::sha256;
use twoface::domain::evidence::ClipFault;
use twoface::vision::clip::{self, Picture, Planes};

/// Mean difference of brightness, of 255, that two JPEG decoders may have. Colours are not compared: how chroma is
/// enlarged is a decoder's own affair, and ffmpeg's own ways of it differ by 4.6 at the edges of the drawn pattern.
const JPEG_DIFFERENCE_MAX: f64 = 2.0;

#[derive(Debug)]
pub struct Compared {
    pub pictures: usize,
    /// Where brightness may differ, by how much on average.
    pub difference: Option<f64>,
}

/// The clips of a folder that ffmpeg's pictures lie beside.
pub fn clips(folder: &Path) -> Vec<PathBuf> {
    let mut clips: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "framehash" || ending == "rgb24"))
        .map(|path| path.with_extension(""))
        .collect();
    clips.sort();
    clips
}

/// Compares one clip; the text says what differs.
pub fn compare(path: &Path) -> Result<Compared, String> {
    let file = fs::read(path).map_err(|error| error.to_string())?;
    let beside = |ending: &str| path.with_file_name(format!("{}.{ending}", path.file_name().unwrap().display()));
    match fs::read_to_string(beside("framehash")) {
        Ok(text) => compare_hashes(&file, &text),
        Err(_) => compare_brightness(&file, &fs::read(beside("rgb24")).map_err(|error| error.to_string())?),
    }
}

/// A picture by ffmpeg: microseconds, bytes, SHA-256.
struct Hashed {
    at: f64,
    size: usize,
    hash: String,
}

fn read_hashes(text: &str) -> Vec<Hashed> {
    let base = text.lines().find_map(|line| line.strip_prefix("#tb 0: ")).unwrap();
    let (above, below) = base.split_once('/').unwrap();
    let tick = above.parse::<f64>().unwrap() / below.parse::<f64>().unwrap() * 1e6;
    let pictures = text.lines().filter(|line| !line.starts_with('#'));
    pictures
        .map(|line| {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            Hashed {
                at: fields[2].parse::<f64>().unwrap() * tick,
                size: fields[4].parse().unwrap(),
                hash: fields[5].to_owned(),
            }
        })
        .collect()
}

fn compare_hashes(file: &[u8], text: &str) -> Result<Compared, String> {
    let expected = read_hashes(text);
    let mut seen = Vec::new();
    let done = clip::pictures(file, &mut |picture, at| {
        let size = expected.get(seen.len()).map_or(0, |one: &Hashed| one.size);
        seen.push((at, hex(&sha256(&bytes(&picture, size)))));
        Ok(())
    });
    done.map_err(|fault| format!("{fault:?} after {} pictures", seen.len()))?;
    if seen.len() != expected.len() {
        return Err(format!("{} pictures, ffmpeg has {}", seen.len(), expected.len()));
    }
    let (first, first_expected) = (seen[0].0, expected[0].at);
    for (index, ((at, hash), expected)) in seen.iter().zip(&expected).enumerate() {
        if *hash != expected.hash {
            return Err(format!("picture {index} differs"));
        }
        let (at, expected) = ((at - first) as f64, expected.at - first_expected);
        // Matroska and WebM round to a millisecond.
        if (at - expected).abs() > 1_100.0 {
            return Err(format!("picture {index} is shown at {at} µs, by ffmpeg at {expected}"));
        }
    }
    Ok(Compared { pictures: seen.len(), difference: None })
}

fn compare_brightness(file: &[u8], expected: &[u8]) -> Result<Compared, String> {
    let (mut rest, mut pictures, mut difference) = (expected, 0, 0.0_f64);
    let done = clip::pictures(file, &mut |picture, _| {
        let ours = bytes(&picture, 0);
        let (theirs, tail) = rest.split_at_checked(ours.len()).ok_or(ClipFault::Damaged)?;
        let pixels = ours.chunks_exact(3).zip(theirs.chunks_exact(3));
        let sum: f64 = pixels.map(|(a, b)| (brightness(a) - brightness(b)).abs()).sum();
        difference = difference.max(sum / (ours.len() / 3) as f64);
        rest = tail;
        pictures += 1;
        Ok(())
    });
    done.map_err(|fault| format!("{fault:?} after {pictures} pictures"))?;
    if !rest.is_empty() {
        return Err(format!("ffmpeg has more than our {pictures} pictures"));
    }
    if difference > JPEG_DIFFERENCE_MAX {
        return Err(format!("brightness differs by {difference:.2} on average"));
    }
    Ok(Compared { pictures, difference: Some(difference) })
}

fn brightness(rgb: &[u8]) -> f64 {
    0.299 * f64::from(rgb[0]) + 0.587 * f64::from(rgb[1]) + 0.114 * f64::from(rgb[2])
}

/// As ffmpeg writes it: plane after plane, in two bytes a sample where `size` says so.
fn bytes(picture: &Picture, size: usize) -> Vec<u8> {
    let eight = match &picture.planes {
        Planes::Yuv { y, u, v, .. } => [y.as_slice(), u, v].concat(),
        Planes::Rgb(pixels) => pixels.as_raw().clone(),
    };
    if size == 2 * eight.len() { eight.into_iter().flat_map(|sample| [sample, 0]).collect() } else { eight }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
