//! Clips through the real executable's worker: what is decoded, what is refused, and what becomes of a worker that turns.
//! `long.rs` does the same at length.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod hostile;
mod mutate;
mod parity;

use std::fs;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use twoface::domain::evidence::{ClipFault, ClipSeen, UnusableReason};
use twoface::vision::clip::{BYTES_MAX, Decoder, Frame, Landlock, Settings, worker};

const BINARY: &str = env!("CARGO_BIN_EXE_twoface");
/// `make.sh tests/clips/data` made these.
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clips/data");
const BAD_WORKERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clips/bad-workers");

/// Far more than any clip here needs, on a machine that has other things to do.
const PATIENCE_SECONDS: u64 = 60;

fn decoder(program: impl Into<PathBuf>, seconds_max: u64) -> Decoder {
    Decoder::new(Settings { program: program.into(), landlock: Landlock::Required, at_once: 1, seconds_max })
}

fn decode(decoder: &Decoder, file: &[u8]) -> Result<(ClipSeen, Vec<Frame>), UnusableReason> {
    let mut frames = Vec::new();
    let seen = decoder.decode(file, &mut |frame| {
        frames.push(frame);
        Ok(())
    })?;
    Ok((seen, frames))
}

fn decode_named(name: &str) -> Result<(ClipSeen, Vec<Frame>), UnusableReason> {
    decode(&decoder(BINARY, PATIENCE_SECONDS), &data(name))
}

fn data(name: &str) -> Vec<u8> {
    fs::read(Path::new(DATA).join(name)).unwrap()
}

fn corpus() -> Vec<Vec<u8>> {
    let mut names: Vec<PathBuf> = fs::read_dir(DATA).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|name| name.extension().is_none_or(|ending| ending != "framehash" && ending != "md"));
    names.sort();
    names.iter().map(|name| fs::read(name).unwrap()).collect()
}

#[test]
fn every_picture_is_the_one_that_ffmpeg_decodes() {
    let clips = parity::clips(Path::new(DATA));
    assert!(clips.len() >= 20, "{}", clips.len());
    for clip in clips {
        let compared = parity::compare(&clip).unwrap_or_else(|why| panic!("{}: {why}", clip.display()));
        assert!(compared.pictures >= 10, "{}: {}", clip.display(), compared.pictures);
        assert_eq!(compared.difference, None, "{}: nothing here is left to rounding", clip.display());
    }
}

#[test]
fn colours_and_corners_are_where_they_belong_in_every_container() {
    let whole = [
        ("h264.mp4", "mp4", "h264"),
        ("h264_fragmented_b.mp4", "mp4", "h264"),
        ("h264_709_full.mp4", "mp4", "h264"),
        ("h264.mkv", "matroska", "h264"),
        ("sound.mov", "mov", "h264"),
        ("hevc.mp4", "mp4", "hevc"),
        ("hevc10.mp4", "mp4", "hevc"),
        ("vp8.webm", "webm", "vp8"),
        ("vp8_live.webm", "webm", "vp8"),
        ("vp9.webm", "webm", "vp9"),
        ("vp9.mp4", "mp4", "vp9"),
        ("mjpeg.avi", "avi", "mjpeg"),
        ("mjpeg.mov", "mov", "mjpeg"),
        ("mjpeg.mkv", "matroska", "mjpeg"),
        ("mjpeg.mjpeg", "mjpeg", "mjpeg"),
        ("gif.gif", "gif", "gif"),
    ];
    for (name, container, codec) in whole {
        let (seen, frames) = decode_named(name).unwrap_or_else(|why| panic!("{name}: {why:?}"));
        assert_eq!((seen.container.as_str(), seen.codec.as_str()), (container, codec), "{name}");
        assert_eq!((seen.width, seen.height, seen.rotation_degrees), (96, 64, 0), "{name}");
        assert_eq!(seen.analysed_frames as usize, frames.len(), "{name}");
        assert_eq!(corners(&frames[frames.len() / 2]), ["red", "green", "blue", "white"], "{name}");
    }
}

#[test]
fn a_turned_phone_gives_an_upright_picture() {
    // The directions are ffmpeg's own: `ffmpeg -i rotated_90.mp4` puts the corners so.
    let turned = [
        ("rotated_90.mp4", 270, ["green", "blue", "white", "red"]),
        ("rotated_180.mp4", 180, ["blue", "white", "red", "green"]),
        ("rotated_270.mp4", 90, ["white", "red", "green", "blue"]),
    ];
    for (name, degrees, expected) in turned {
        let (seen, frames) = decode_named(name).unwrap();
        let size = if degrees == 180 { (96, 64) } else { (64, 96) };
        assert_eq!((seen.width, seen.height), size, "{name}");
        assert_eq!(frames[0].pixels.dimensions(), size, "{name}");
        assert_eq!(seen.rotation_degrees, degrees, "{name}");
        assert_eq!(corners(&frames[0]), expected, "{name}");
    }
}

/// Clockwise from the upper left.
fn corners(frame: &Frame) -> [&'static str; 4] {
    let (right, bottom) = (frame.pixels.width() - 5, frame.pixels.height() - 5);
    [(4, 4), (right, 4), (right, bottom), (4, bottom)].map(|(x, y)| {
        match frame.pixels.get_pixel(x, y).0.map(|value| value / 16) {
            [15, 0, 0] => "red",
            [0, 15, 0] => "green",
            [0, 0, 15] => "blue",
            [15, 15, 15] => "white",
            _ => "another",
        }
    })
}

#[test]
fn uneven_times_are_kept() {
    for name in ["h264_vfr.mp4", "vp9_vfr.webm"] {
        let (seen, frames) = decode_named(name).unwrap();
        let steps: Vec<f64> = frames.windows(2).map(|two| two[1].at_milliseconds - two[0].at_milliseconds).collect();
        assert!(steps.iter().all(|step| *step > 0.0), "{name}: {steps:?}");
        assert!(steps.iter().any(|step| *step > 75.0) && steps.iter().any(|step| *step < 45.0), "{name}: {steps:?}");
        assert_eq!(frames[0].at_milliseconds, 0.0);
        assert!((frames.last().unwrap().at_milliseconds - seen.duration_milliseconds).abs() < 1.0, "{name}");
    }
}

#[test]
fn what_is_not_decoded_is_named() {
    let fault = |name: &str| match decode_named(name) {
        Err(UnusableReason::Clip(fault)) => fault,
        other => panic!("{name}: {other:?}"),
    };
    let codec = |name: &str| ClipFault::Codec(name.to_owned());
    assert_eq!(fault("refused_mpeg4.mp4"), codec("MPEG-4 Part 2"));
    assert_eq!(fault("refused_prores.mov"), codec("ProRes"));
    assert_eq!(fault("refused_av1.webm"), codec("AV1"));
    assert_eq!(fault("refused_theora.mkv"), codec("Theora"));
}

#[test]
fn what_is_no_clip_is_refused() {
    let decoder = decoder(BINARY, PATIENCE_SECONDS);
    let why = |file: &[u8]| decode(&decoder, file).map(|(seen, _)| seen).unwrap_err();
    let clip = UnusableReason::Clip;
    assert_eq!(why(b""), UnusableReason::Empty);
    assert_eq!(why(b"hello, I am a clip"), clip(ClipFault::NotAClip(Some("text"))));
    assert_eq!(why(b"\0\x01\x02\x03\x04\x05"), clip(ClipFault::NotAClip(None)));
    assert_eq!(why(&vec![0; BYTES_MAX + 1]), clip(ClipFault::TooManyBytes));
    let photo = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/grace_hopper.jpg")).unwrap();
    assert_eq!(why(&photo), clip(ClipFault::NotAClip(Some("JPEG"))));
    for name in ["h264.mp4", "vp8.webm", "gif.gif", "mjpeg.mov"] {
        let whole = data(name);
        let cut = decode(&decoder, &whole[..whole.len() / 3]);
        // A WebM file is a stream: what came before the cut is a shorter clip.
        assert!(cut.is_err() || name.ends_with("webm"), "{name}");
    }
    let mut wide = data("gif.gif");
    wide[6..10].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    assert_eq!(why(&wide), clip(ClipFault::TooManyPixels { width: 65_535, height: 65_535 }));
}

/// A damaged index leads round and round in it: without a limit this takes all the time that there is.
#[test]
fn an_index_that_leads_in_circles_is_left_soon() {
    let decoder = decoder(BINARY, 5);
    let refused = decode(&decoder, &data("circles.mkv")).map(|(seen, _)| seen);
    assert_eq!(refused.unwrap_err(), UnusableReason::Clip(ClipFault::Damaged));
}

#[test]
fn a_frame_of_another_size_is_refused() {
    let small = image_of(32, 32);
    let stream = [small.clone(), small.clone(), image_of(48, 32), small].concat();
    let refused = decode(&decoder(BINARY, PATIENCE_SECONDS), &stream);
    assert_eq!(refused.unwrap_err(), UnusableReason::Clip(ClipFault::SizeChanges));
}

fn image_of(width: u32, height: u32) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(width, height).write_to(&mut file, image::ImageFormat::Jpeg).unwrap();
    file.into_inner()
}

#[test]
fn damaged_clips_end_a_worker_and_nothing_else() {
    let plan = hostile::Plan { binary: Path::new(BINARY), cycles: 400, seed: 7, seconds_max: 20, current: None };
    let figures = hostile::run(&plan, &corpus());
    assert_eq!(figures.cycles, 400);
    assert_eq!(figures.hangs, 0, "{figures:?}");
    assert_eq!(figures.left_over, 0, "{figures:?}");
    assert!(figures.grown() < hostile::GROWTH_MAX, "{figures:?}");
    assert_eq!(figures.answers.get("NoDecoder"), None, "{figures:?}");
    assert!(figures.answers.keys().any(|answer| answer.starts_with("decoded")), "{figures:?}");
    assert!(figures.answers.contains_key("Damaged"), "{figures:?}");
}

/// Starts a worker that does `attempt` inside its sandbox.
fn turned_worker(attempt: &str, seconds: &str) -> (ExitStatus, Vec<u8>) {
    let output = Command::new(BINARY)
        .args([worker::ARGUMENT, "required", seconds, attempt])
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    (output.status, output.stdout)
}

#[test]
fn a_worker_that_reaches_out_dies_at_once() {
    // One that tries nothing reads an empty file and says that it is no clip.
    let (quiet, said) = turned_worker("nothing", "5");
    assert!(quiet.success() && !said.is_empty(), "{quiet}");
    for attempt in ["open", "socket", "exec", "fork", "thread", "kill"] {
        let (status, said) = turned_worker(attempt, "5");
        assert_eq!(status.signal(), Some(libc::SIGSYS), "{attempt}: {status}");
        assert!(said.is_empty(), "{attempt}");
    }
    // The memory is refused, and the program's own reaction to that is one call too many.
    let (status, said) = turned_worker("memory", "5");
    assert!(status.signal().is_some() && said.is_empty(), "{status}");
    let (status, _) = turned_worker("spin", "1");
    assert_eq!(status.signal(), Some(libc::SIGKILL), "{status}");
}

#[test]
fn a_bad_worker_gives_an_answer_and_its_place_back() {
    let good = data("h264.mp4");
    let cases = [
        ("spins", ClipFault::TooSlow),
        ("babbles", ClipFault::Unreadable),
        ("vanishes", ClipFault::Unreadable),
        ("is-not-there", ClipFault::NoDecoder),
    ];
    for (name, fault) in cases {
        let decoder = decoder(Path::new(BAD_WORKERS).join(name), 1);
        // Twice: with one place in all, the second waits for ever if the first kept it.
        for _ in 0..2 {
            assert_eq!(decode(&decoder, &good).unwrap_err(), UnusableReason::Clip(fault.clone()), "{name}");
        }
    }
    assert_eq!(decode(&decoder(BINARY, PATIENCE_SECONDS), &good).unwrap().1.len(), 25);
}

#[test]
fn what_the_taker_refuses_ends_the_decoding() {
    let decoder = decoder(BINARY, PATIENCE_SECONDS);
    let mut taken = 0;
    let answer = decoder.decode(&data("h264.mp4"), &mut |_| {
        taken += 1;
        if taken == 3 { Err(UnusableReason::EngineFailed) } else { Ok(()) }
    });
    assert_eq!((answer.unwrap_err(), taken), (UnusableReason::EngineFailed, 3));
}

#[test]
fn without_its_walls_no_worker_decodes() {
    // With three descriptors, Landlock cannot make a ruleset: the kernel refuses it, as an old one would.
    let run = |landlock: &str| {
        let script = format!("ulimit -n 3; exec '{BINARY}' {} {landlock} 5", worker::ARGUMENT);
        let mut child = Command::new("/bin/sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // A worker that refuses has gone before it reads.
        match child.stdin.take().unwrap().write_all(&data("gif.gif")) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => panic!("{error}"),
            _ => {}
        }
        child.wait_with_output().unwrap().stdout
    };
    let refused = run("required");
    assert!(String::from_utf8_lossy(&refused).contains("Landlock"), "{}", refused.len());
    assert!(refused.len() < 200, "frames were decoded");
    assert!(run("if-available").len() > 10 * 96 * 64 * 3);
}
