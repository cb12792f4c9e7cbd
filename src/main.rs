//! The executable; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // First of all: a worker has nothing to do with arguments, settings or logs.
    twoface::vision::clip::worker::run_if_asked().unwrap_or_else(twoface::cli::main)
}
