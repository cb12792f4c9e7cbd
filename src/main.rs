//! The executable; everything is in the library.

fn main() -> std::process::ExitCode {
    twoface::cli::main()
}
