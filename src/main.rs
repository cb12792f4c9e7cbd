//! The command line.

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure how well the models do
    #[command(subcommand)]
    Evaluate(Evaluate),
}

#[derive(Subcommand)]
enum Evaluate {
    Faces(twoface::evaluate::FacesArgs),
}

fn main() -> std::process::ExitCode {
    let Command::Evaluate(Evaluate::Faces(args)) = Cli::parse().command;
    match twoface::evaluate::run(&args) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}
