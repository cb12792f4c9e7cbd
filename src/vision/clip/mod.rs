//! From a clip of unknown origin to upright frames.
//!
//! Nothing of a clip is parsed in the server's own process: [`Decoder`] gives the bytes to a worker in a sandbox and
//! takes back plain pixels. Content decides what a file is, never its name.

mod avi;
mod colour;
mod decode;
#[cfg(debug_assertions)]
mod escape;
mod gif;
mod matroska;
mod mjpeg;
mod mp4;
mod nal;
mod picture;
mod pool;
mod protocol;
mod sample;
mod sandbox;
mod track;
mod vpx;
pub mod worker;

use image::RgbImage;

pub use decode::{in_process, pictures};
pub use picture::{Picture, Planes};
pub use pool::{Decoder, Settings};
pub use sandbox::{Landlock, MEMORY_MAX};

/// Of a whole clip: what a request may hold.
pub const BYTES_MAX: usize = 10 * 1024 * 1024;
/// Longest side of the encoded picture: phones record 1920 × 1080.
pub const SIDE_MAX: u32 = 1920;
/// From the first frame to the last.
pub const SECONDS_MAX: u64 = 60;
/// Frames that are handed on for analysis. Over 60 seconds that is 15 a second, the least at which blinks are found:
/// with 10 a second one in ten was missed.
pub const FRAMES_MAX: u32 = 900;
/// More frames a second than this add time and no evidence.
pub const PER_SECOND_MAX: f64 = 30.0;
/// Longest side of a frame as handed on. A face that fills a third of it is as large as the networks take in.
pub const FRAME_SIDE_MAX: u32 = 640;

/// One frame of a clip.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// When it is shown, from the first frame on. Each frame is later than the one before.
    pub at_milliseconds: f64,
    /// Upright, at most [`FRAME_SIDE_MAX`] a side; all frames of a clip are of one size.
    pub pixels: RgbImage,
}
