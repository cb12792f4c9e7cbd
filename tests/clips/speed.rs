//! What decoding costs, measured on the real worker.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use twoface::clock::Stopwatch;
use twoface::vision::clip::{self, Decoder, Settings, worker};
use twoface::vision::image;

use crate::hostile::field;

const ROUNDS: usize = 5;

/// Decodes a clip in the worker, several times, and prints the best.
pub fn clip(binary: &Path, path: &Path) -> bool {
    let file = fs::read(path).unwrap();
    let decoder = Decoder::new(Settings { program: binary.to_owned(), ..Settings::default() });
    let (mut best, mut seen) = (f64::MAX, None);
    for _ in 0..ROUNDS {
        let watch = Stopwatch::start();
        let answer = decoder.decode(&file, &mut |_| Ok(()));
        best = best.min(watch.elapsed_ms());
        match answer {
            Ok(answer) => seen = Some(answer),
            Err(why) => {
                println!("{}: {why:?}", path.display());
                return false;
            }
        }
    }
    let seen = seen.unwrap();
    let seconds = (seen.duration_milliseconds / 1e3).max(1e-3);
    println!(
        "{}: {} {}x{} {:.1} s, {} of {} frames: {best:.0} ms, {:.0} ms a second of video, worker's memory at most {} MiB",
        path.file_name().unwrap().display(),
        seen.codec,
        seen.width,
        seen.height,
        seconds,
        seen.analysed_frames,
        seen.frame_count,
        best / seconds,
        memory(binary, &file) / 1024,
    );
    true
}

/// The most that a worker's memory reached, in kilobytes: read while it waits for its last bytes to be taken.
fn memory(binary: &Path, file: &[u8]) -> u64 {
    let mut child = Command::new(binary)
        .args([worker::ARGUMENT, "required", "60"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = child.stdout.take().unwrap();
    input.write_all(file).unwrap();
    drop(input);
    let status = format!("/proc/{}/status", child.id());
    let (mut most, mut part) = (0, vec![0; 1 << 16]);
    while output.read(&mut part).unwrap() > 0 {
        most = most.max(field(&fs::read_to_string(&status).unwrap_or_default(), "VmHWM:"));
    }
    child.wait().unwrap();
    most
}

/// A photo is decoded here; in a worker, starting it, building its walls and moving the pixels would be added to that.
/// Both are measured: a worker that refuses an almost empty file, and a pipe of the same size.
pub fn photo(binary: &Path, path: &Path) -> bool {
    let file = fs::read(path).unwrap();
    let decoder = Decoder::new(Settings { program: binary.to_owned(), ..Settings::default() });
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let (mut decode, mut start, mut moved) = (Vec::new(), Vec::new(), Vec::new());
    let mut size = (0, 0);
    for _ in 0..4 * ROUNDS {
        let watch = Stopwatch::start();
        let pixels = image::decode(&file).unwrap().pixels;
        decode.push(watch.elapsed_ms());
        size = pixels.dimensions();

        let watch = Stopwatch::start();
        assert!(decoder.decode(b"x", &mut |_| Ok(())).is_err());
        start.push(watch.elapsed_ms());

        let watch = Stopwatch::start();
        move_through_pipe(&file, pixels.as_raw());
        moved.push(watch.elapsed_ms());
    }
    println!(
        "{}: {}x{}, decoding {:.1} ms; a worker adds {:.1} ms to start and end and {:.1} ms for the bytes there and the pixels back (limit of a clip {} MB)",
        path.file_name().unwrap().display(),
        size.0,
        size.1,
        median(decode),
        median(start),
        median(moved),
        clip::BYTES_MAX >> 20,
    );
    true
}

fn move_through_pipe(file: &[u8], pixels: &[u8]) {
    let (mut from, mut to) = std::io::pipe().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            to.write_all(file).unwrap();
            to.write_all(pixels).unwrap();
        });
        let mut back = Vec::with_capacity(file.len() + pixels.len());
        from.read_to_end(&mut back).unwrap();
        assert_eq!(back.len(), file.len() + pixels.len());
    });
}
