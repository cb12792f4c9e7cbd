//! The worker: this same executable, started again for one clip, locked in, and gone after it.

use std::io::{self, Write};
use std::process::ExitCode;

use super::protocol::{self, Kind};
use super::sandbox::{self, Landlock};
use super::{BYTES_MAX, decode};
use crate::domain::evidence::ClipFault;

/// The first argument that makes the executable a worker. Then: `required` or `if-available`, and seconds of processor time.
pub const ARGUMENT: &str = "clip-worker";

/// Exit code of a worker that could not say what it had to say.
const UNHEARD: u8 = 3;

/// Runs as a worker if the process was started as one. To be called before anything else of the program.
pub fn run_if_asked() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != ARGUMENT {
        return None;
    }
    let arguments: Vec<String> = arguments.filter_map(|argument| argument.into_string().ok()).collect();
    Some(match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(UNHEARD),
    })
}

fn run(arguments: &[String]) -> io::Result<()> {
    let landlock = match arguments.first().map(String::as_str) {
        Some("if-available") => Landlock::IfAvailable,
        _ => Landlock::Required,
    };
    let seconds = arguments.get(1).and_then(|seconds| seconds.parse().ok()).unwrap_or(1);
    let mut out = Out;
    if let Err(why) = sandbox::enter(landlock, seconds) {
        return protocol::write(&mut out, Kind::NoSandbox, why.as_bytes());
    }
    #[cfg(debug_assertions)]
    if let Some(attempt) = arguments.get(2) {
        super::escape::attempt(attempt);
    }
    let file = read_clip()?;
    let mut unheard = None;
    let outcome = decode::in_process(&file, &mut |frame| {
        protocol::write_frame(&mut out, &frame).map_err(|error| {
            unheard = Some(error);
            ClipFault::Unreadable
        })
    });
    if let Some(error) = unheard {
        return Err(error);
    }
    match outcome {
        Ok(seen) => protocol::write(&mut out, Kind::Seen, &serde_json::to_vec(&seen)?),
        Err(fault) => protocol::write(&mut out, Kind::Fault, protocol::fault_text(&fault).as_bytes()),
    }
}

/// Standard input to its end; what is more than a clip may have is refused by the decoder.
fn read_clip() -> io::Result<Vec<u8>> {
    let mut file = Vec::with_capacity(BYTES_MAX + 1);
    let mut part = vec![0; 1 << 20];
    while file.len() <= BYTES_MAX {
        let count = rustix::io::read(rustix::stdio::stdin(), &mut part)?;
        if count == 0 {
            break;
        }
        file.extend_from_slice(part.get(..count).unwrap_or_default());
    }
    Ok(file)
}

/// Standard output without the standard library's lines: a frame's pixels go out in one piece.
struct Out;

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(rustix::stdio::stdout(), bytes)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
