//! The command line. What it exits with is in [`EXIT_CODES`].

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::admin::{self, request::Attempts};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::server;
use crate::service::workflows::{self, Workflows};
use crate::vision::Device;
use crate::{demo, doctor, evaluate, evidence, models, offline, telemetry};

mod administer;
mod console;
mod papers;
mod print;

use administer::{Unreachable, administer};

/// Shown under `--help` and in the manual.
const EXIT_CODES: &str = "Exit codes: 0 done; 1 it could not be done, a sentence on standard error says why; 2 wrong usage; \
3 neither a running server nor the store could be reached; 74 (serve) the disk failed, start again.";

#[derive(Parser)]
#[command(
    name = "twoface",
    version,
    about = "Identity verification on your own server",
    max_term_width = 100,
    after_help = EXIT_CODES,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// Configuration file; without one, the defaults
    #[arg(long, short, value_name = "FILE", env = "TWOFACE_CONFIG", global = true)]
    config: Option<PathBuf>,
    /// Answer in JSON, for scripts
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the 2FACE API over TLS until SIGTERM or Ctrl-C
    Serve,
    /// Try it out: a server on loopback and a whole sign-up with sample photos
    Demo(demo::Arguments),
    /// Check the configuration, or print the defaults
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Measure how well the models do, on your own labelled photos
    Evaluate {
        #[command(subcommand)]
        command: Evaluate,
    },
    /// Make a backup while the server serves, or check one
    #[command(args_conflicts_with_subcommands = true)]
    Backup {
        #[command(subcommand)]
        command: Option<BackupCommand>,
        /// Folder to make or bring up to date; with the ending .tar, a single file
        #[arg(value_name = "DIR|FILE", required = true)]
        to: Option<PathBuf>,
    },
    /// Show the workflows that clients may start, or check a file of them
    Workflows {
        #[command(subcommand)]
        command: WorkflowsCommand,
    },
    /// Say whether this machine and configuration can serve, and what to do if not
    Doctor,
    /// Measure what this machine does, for planning
    Bench(doctor::bench::Arguments),
    /// Read, search and check the audit log
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// Show, install or sign weights of the networks
    Models {
        #[command(subcommand)]
        command: models::ModelsCommand,
    },
    /// Check or replay what `twoface attempts export` wrote
    Evidence {
        #[command(subcommand)]
        command: evidence::Evidence,
    },
    /// Read a guide, or the help of a command
    Help {
        /// A guide (operations, security, data-protection, accuracy, api, configuration) or a command
        topic: Vec<String>,
    },
    /// Run the appliance from a terminal: everything the commands do, live
    Console(console::ConsoleArguments),
    /// Print completions for a shell
    Completions { shell: clap_complete::Shell },
    /// Write manual pages into a folder
    Man {
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
    #[command(flatten)]
    Offline(offline::Offline),
    #[command(flatten)]
    Admin(admin::Request),
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Check a log or a copy of one, without a server or a store
    Verify {
        /// The folder `audit` of a data folder or backup, or the file `log` in it
        log: PathBuf,
        /// The server's public key, as `twoface audit key` prints it; without it, any signer's is taken and printed
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    #[command(flatten)]
    Ask(admin::audit::Audit),
}

#[derive(Subcommand)]
enum BackupCommand {
    /// Restore a backup to a scratch folder and compare
    Verify {
        /// What `twoface backup` made
        backup: PathBuf,
    },
}

#[derive(Subcommand)]
enum WorkflowsCommand {
    /// Print the workflows that come with the program, with every key explained
    Defaults,
    /// Print the workflows in force, as the server has them
    Show,
    /// Say what is wrong with a file of workflows, if anything
    Check {
        /// To be laid over the ones that come with the program; the configured one if not given
        file: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Say whether the configuration can be served from, and what is wrong if not
    Check {
        /// Print every setting's value and where it came from
        #[arg(long)]
        explain: bool,
    },
    /// Print every setting with its default and meaning
    Defaults,
}

#[derive(Subcommand)]
enum Evaluate {
    Faces(evaluate::FacesArgs),
    Documents(evaluate::documents::DocumentsArgs),
    Quads(evaluate::quads::QuadsArgs),
    MrzLines(evaluate::lines::LinesArgs),
    Clips(evaluate::clips::ClipsArgs),
}

/// Runs the program.
pub fn main() -> ExitCode {
    leave_quietly_when_nobody_reads();
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("twoface: {error}");
            if error.is::<Unreachable>() { ExitCode::from(3) } else { ExitCode::FAILURE }
        }
    }
}

/// Whoever reads what is printed may stop before its end (`twoface … | head`), which the standard library panics at.
fn leave_quietly_when_nobody_reads() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.payload().downcast_ref::<String>().map_or("", String::as_str);
        if text.starts_with("failed printing to stdout") && text.contains("Broken pipe") {
            std::process::exit(0);
        }
        before(panic);
    }));
}

type Done = Result<(), Box<dyn std::error::Error>>;

fn run(cli: Cli) -> Done {
    match cli.command {
        Command::Serve => serve(Config::load(cli.config.as_deref())?),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Config { command: ConfigCommand::Defaults } => {
            papers::show(config::DEFAULTS);
            Ok(())
        }
        Command::Config { command: ConfigCommand::Check { explain } } => {
            if explain {
                papers::show(&config::explain::explain(cli.config.as_deref())?);
            }
            let config = Config::load(cli.config.as_deref())?;
            println!("The configuration is good: {} on data in {}.", config.server.listen, config.data.dir.display());
            Ok(())
        }
        Command::Workflows { command } => workflows(&command, cli.config.as_deref(), cli.json),
        Command::Evaluate { command: Evaluate::Faces(arguments) } => evaluate::run(&arguments, cli.json),
        Command::Evaluate { command: Evaluate::Documents(arguments) } => evaluate::documents::run(&arguments, cli.json),
        Command::Evaluate { command: Evaluate::Quads(arguments) } => evaluate::quads::run(&arguments, cli.json),
        Command::Evaluate { command: Evaluate::MrzLines(arguments) } => evaluate::lines::run(&arguments, cli.json),
        Command::Evaluate { command: Evaluate::Clips(arguments) } => evaluate::clips::run(&arguments, cli.json),
        Command::Backup { command: Some(BackupCommand::Verify { backup }), .. } => {
            offline::verify_backup(&Config::load(cli.config.as_deref())?, &backup)
        }
        Command::Backup { to, .. } => {
            backup(&Config::load(cli.config.as_deref())?, &to.ok_or("name a folder")?, cli.json)
        }
        Command::Doctor => doctor::run(&Config::load(cli.config.as_deref())?, cli.json),
        Command::Bench(arguments) => doctor::bench::run(&Config::load(cli.config.as_deref())?, &arguments, cli.json),
        Command::Audit { command: AuditCommand::Verify { log, key } } => {
            papers::verify_audit(&log, key.as_deref(), cli.json)
        }
        Command::Audit { command: AuditCommand::Ask(command) } => {
            administer(&Config::load(cli.config.as_deref())?, admin::Request::Audit(command), cli.json)
        }
        Command::Models { command } => models::run(&Config::load(cli.config.as_deref())?, &command, cli.json),
        Command::Evidence { command } => evidence::run(&Config::load(cli.config.as_deref())?, &command, cli.json),
        Command::Help { topic } => papers::help(&topic),
        Command::Console(arguments) => console::run(&Config::load(cli.config.as_deref())?, &arguments),
        Command::Completions { shell } => papers::completions(shell),
        Command::Man { folder } => papers::manual(&folder),
        Command::Offline(command) => offline::run(&Config::load(cli.config.as_deref())?, &command),
        Command::Admin(admin::Request::Attempts(Attempts::Export { id, to })) => {
            // The server may run in another folder.
            let request = admin::Request::Attempts(Attempts::Export { id, to: std::path::absolute(to)? });
            administer(&Config::load(cli.config.as_deref())?, request, cli.json)
        }
        Command::Admin(request) => administer(&Config::load(cli.config.as_deref())?, request, cli.json),
    }
}

fn workflows(command: &WorkflowsCommand, config: Option<&Path>, json: bool) -> Done {
    match command {
        WorkflowsCommand::Defaults => print!("{}", workflows::DEFAULTS),
        WorkflowsCommand::Show => administer(&Config::load(config)?, admin::Request::Workflows, json)?,
        WorkflowsCommand::Check { file } => {
            let configured = || Config::load(config).map(|config| config.workflows.file);
            let file = file.clone().map_or_else(configured, Ok)?;
            let all = Workflows::load(&file)?;
            let names: Vec<&str> = all.all().map(|run| run.name.as_str()).collect();
            println!("The workflows are good: {}.", names.join(", "));
        }
    }
    Ok(())
}

fn serve(config: Config) -> Done {
    telemetry::start(&config.log);
    let engine = Arc::new(models::engine(&config)?);
    let running = server::start(config, Clock::system(), engine)?;
    // Whoever reads that it listens may stop it at once.
    let stop = server::StopSignals::listen()?;
    match &running.certificate {
        Some(certificate) => {
            eprintln!("twoface listens on https://{}", running.address);
            eprintln!("certificate fingerprint (SHA-256): {}", certificate.fingerprint());
        }
        None => eprintln!("twoface listens on http://{}, without TLS", running.address),
    }
    stop.wait();
    running.stop();
    Ok(())
}

/// Vision does not know the configuration.
pub fn device(config: &Config) -> Device {
    match config.networks.device {
        config::Device::Auto => Device::Auto,
        config::Device::Cpu => Device::Cpu,
        config::Device::Cuda(number) => Device::Cuda(number),
    }
}

fn backup(config: &Config, to: &Path, json: bool) -> Done {
    // The server may run in another folder.
    let to = std::path::absolute(to)?;
    let is_file = to.extension().is_some_and(|extension| extension == "tar");
    let folder = if is_file { to.with_extension("folder") } else { to.clone() };
    administer(config, admin::Request::Backup { folder: folder.clone() }, json)?;
    if is_file { offline::pack(&folder, &to) } else { Ok(()) }
}
