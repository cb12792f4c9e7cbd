//! The server's side: starts a worker for each clip, feeds it, believes nothing it says unchecked, and ends it.

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};

use super::protocol::{HEAD_BYTES, Kind, Reader, Said, read_head};
use super::sandbox::Landlock;
use super::{BYTES_MAX, Frame, worker};
use crate::clock::Stopwatch;
use crate::domain::evidence::{ClipFault, ClipSeen, UnusableReason};

/// How clips are decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The executable that holds the worker: this one, but for tests.
    pub program: PathBuf,
    pub landlock: Landlock,
    /// Clips decoded at the same time.
    pub at_once: usize,
    /// Of processor time for one clip. The server waits a few times as long, all waits of a clip together.
    pub seconds_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        // The very file that runs, even where an upgrade has put another in its place.
        Self { program: "/proc/self/exe".into(), landlock: Landlock::Required, at_once: 4, seconds_max: 30 }
    }
}

/// How much longer than its processor time a worker may take: it shares the cores with the networks and with others.
const WAIT_FACTOR: u64 = 3;

impl Settings {
    /// The longest that the server waits for a worker of one clip.
    pub fn wait_max(&self) -> Duration {
        Duration::from_secs(self.seconds_max.saturating_mul(WAIT_FACTOR))
    }
}

/// Decodes clips in workers. Shared by every thread that examines.
pub struct Decoder {
    settings: Settings,
    running: Mutex<usize>,
    ended: Condvar,
}

impl Decoder {
    pub fn new(settings: Settings) -> Decoder {
        Decoder { settings, running: Mutex::new(0), ended: Condvar::new() }
    }

    /// Decodes a clip and hands on its frames in the order they are shown. Frames may have been handed on when a fault
    /// shows; what `each` refuses with ends the decoding and is the answer.
    pub fn decode(
        &self,
        file: &[u8],
        each: &mut dyn FnMut(Frame) -> Result<(), UnusableReason>,
    ) -> Result<ClipSeen, UnusableReason> {
        if file.is_empty() {
            return Err(UnusableReason::Empty);
        }
        if file.len() > BYTES_MAX {
            return Err(UnusableReason::Clip(ClipFault::TooManyBytes));
        }
        let _turn = self.turn();
        let mut worker = Worker::start(&self.settings).map_err(|error| {
            tracing::error!(%error, "the clip worker cannot be started");
            UnusableReason::Clip(ClipFault::NoDecoder)
        })?;
        worker.feed(file).map_err(|broken| worker.lost(broken))?;
        let mut reader = Reader::default();
        // Bounded: the reader takes so many frames and then calls more of them babble.
        loop {
            let (kind, payload) = worker.hear().map_err(|broken| worker.lost(broken))?;
            match reader.read(kind, payload).map_err(|_| worker.lost(Broken::Babble))? {
                Said::Frame(frame) => each(frame)?,
                Said::Seen(seen) => return Ok(seen),
                Said::Fault(fault) => return Err(UnusableReason::Clip(fault)),
                Said::NoSandbox(why) => {
                    tracing::error!(%why, "the clip worker's sandbox cannot be built; no clip is decoded without it");
                    return Err(UnusableReason::Clip(ClipFault::NoDecoder));
                }
            }
        }
    }

    /// Waits until fewer than `at_once` workers run.
    fn turn(&self) -> Turn<'_> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let most = self.settings.at_once.max(1);
        let mut running =
            self.ended.wait_while(running, |running| *running >= most).unwrap_or_else(PoisonError::into_inner);
        *running += 1;
        Turn(self)
    }
}

struct Turn<'a>(&'a Decoder);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.running.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.ended.notify_one();
    }
}

/// Why a worker is given up.
enum Broken {
    /// It closed its end, or died.
    Gone,
    /// It took too long.
    Late,
    Babble,
}

/// A running worker; killed and reaped when dropped, whatever happened.
struct Worker {
    child: Child,
    to: Option<PipeWriter>,
    from: PipeReader,
    left: Duration,
}

impl Worker {
    fn start(settings: &Settings) -> io::Result<Worker> {
        let landlock = match settings.landlock {
            Landlock::Required => "required",
            Landlock::IfAvailable => "if-available",
        };
        let (theirs_in, to) = io::pipe()?;
        let (from, theirs_out) = io::pipe()?;
        // A pipe's usual 64 KiB would mean eleven turns a frame. Without the right to more, it is only slower.
        let _ = rustix::pipe::fcntl_setpipe_size(&from, 1 << 20);
        let _ = rustix::pipe::fcntl_setpipe_size(&to, 1 << 20);
        fcntl_setfl(&to, OFlags::NONBLOCK)?;
        let child = Command::new(&settings.program)
            .arg(worker::ARGUMENT)
            .arg(landlock)
            .arg(settings.seconds_max.to_string())
            .env_clear()
            .stdin(theirs_in)
            .stdout(theirs_out)
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Worker { child, to: Some(to), from, left: settings.wait_max() })
    }

    /// Gives it the clip and closes its standard input.
    fn feed(&mut self, file: &[u8]) -> Result<(), Broken> {
        let Some(to) = self.to.take() else { return Err(Broken::Gone) };
        let mut rest = file;
        while !rest.is_empty() {
            wait(to.as_fd(), PollFlags::OUT, &mut self.left)?;
            match rustix::io::write(&to, rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                // It may have said why before it went.
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// The next whole message.
    fn hear(&mut self) -> Result<(Kind, Vec<u8>), Broken> {
        let mut head = [0; HEAD_BYTES];
        self.fill(&mut head)?;
        let (kind, length) = read_head(&head).map_err(|_| Broken::Babble)?;
        let mut payload = vec![0; length];
        self.fill(&mut payload)?;
        Ok((kind, payload))
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Broken> {
        let mut rest = buffer;
        while !rest.is_empty() {
            wait(self.from.as_fd(), PollFlags::IN, &mut self.left)?;
            match rustix::io::read(&self.from, &mut *rest) {
                Ok(0) => return Err(Broken::Gone),
                Ok(count) => rest = rest.get_mut(count..).unwrap_or_default(),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return Err(Broken::Gone),
            }
        }
        Ok(())
    }

    /// Ends it, and says in the log how it ended and to the client what that means.
    fn lost(&mut self, broken: Broken) -> UnusableReason {
        // One that has ended keeps its own status.
        let _ = self.child.kill();
        let status = self.child.wait().ok();
        let out_of_time = status.and_then(|status| status.signal()).is_some_and(|signal| OUT_OF_TIME.contains(&signal));
        let ended = status.map_or("lost".to_owned(), |status| status.to_string());
        let (why, fault) = match broken {
            Broken::Gone if out_of_time => ("used up its processor time", ClipFault::TooSlow),
            Broken::Gone => ("died", ClipFault::Unreadable),
            Broken::Late => ("took too long", ClipFault::TooSlow),
            Broken::Babble => ("babbled", ClipFault::Unreadable),
        };
        tracing::warn!(%ended, "a clip worker {why}");
        UnusableReason::Clip(fault)
    }
}

/// The signals by which the kernel ends a process at its limit of processor time.
const OUT_OF_TIME: [i32; 2] = [libc::SIGKILL, libc::SIGXCPU];

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something can be read or written, for at most what is left of the worker's time.
fn wait(descriptor: BorrowedFd<'_>, what: PollFlags, left: &mut Duration) -> Result<(), Broken> {
    let watch = Stopwatch::start();
    let timeout = Timespec::try_from(*left).map_err(|_| Broken::Late)?;
    let ready = poll(&mut [PollFd::from_borrowed_fd(descriptor, what)], Some(&timeout));
    *left = left.saturating_sub(watch.elapsed());
    match ready {
        Ok(0) => Err(Broken::Late),
        Ok(_) => Ok(()),
        Err(rustix::io::Errno::INTR) if !left.is_zero() => Ok(()),
        Err(_) => Err(Broken::Late),
    }
}
