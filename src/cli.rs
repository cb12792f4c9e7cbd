//! The command line. Exit codes: 0 done, 1 it could not be done (a sentence on standard error says why), 2 wrong usage.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::admin::{self, KeySeen, Reply, link};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::server::{self, CannotStart};
use crate::service::Service;
use crate::service::workflows::{self, Workflows};
use crate::vision::{Device, Engine};
use crate::{demo, evaluate, offline, telemetry};

#[derive(Parser)]
#[command(name = "twoface", version, about = "Identity verification on your own server", max_term_width = 100)]
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
    #[command(flatten)]
    Offline(offline::Offline),
    #[command(flatten)]
    Admin(admin::Request),
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
        /// To be laid over the ones that come with the program
        file: PathBuf,
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
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("twoface: {error}");
            ExitCode::FAILURE
        }
    }
}

type Done = Result<(), Box<dyn std::error::Error>>;

fn run(cli: Cli) -> Done {
    match cli.command {
        Command::Serve => serve(Config::load(cli.config.as_deref())?),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Config { command: ConfigCommand::Defaults } => {
            print!("{}", config::DEFAULTS);
            Ok(())
        }
        Command::Config { command: ConfigCommand::Check { explain } } => {
            if explain {
                print!("{}", config::explain::explain(cli.config.as_deref())?);
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
        Command::Offline(command) => offline::run(&Config::load(cli.config.as_deref())?, &command),
        Command::Admin(request) => administer(&Config::load(cli.config.as_deref())?, request, cli.json),
    }
}

fn workflows(command: &WorkflowsCommand, config: Option<&Path>, json: bool) -> Done {
    match command {
        WorkflowsCommand::Defaults => print!("{}", workflows::DEFAULTS),
        WorkflowsCommand::Show => administer(&Config::load(config)?, admin::Request::Workflows, json)?,
        WorkflowsCommand::Check { file } => {
            let all = Workflows::load(file)?;
            let names: Vec<&str> = all.all().map(|run| run.name.as_str()).collect();
            println!("The workflows are good: {}.", names.join(", "));
        }
    }
    Ok(())
}

fn serve(config: Config) -> Done {
    telemetry::start(&config.log);
    let engine = Arc::new(Engine::load_on(device(&config))?.with_clips(server::clip_settings(&config.clips)));
    let running = server::start(config, Clock::system(), engine)?;
    match &running.certificate {
        Some(certificate) => {
            eprintln!("twoface listens on https://{}", running.address);
            eprintln!("certificate fingerprint (SHA-256): {}", certificate.fingerprint());
        }
        None => eprintln!("twoface listens on http://{}, without TLS", running.address),
    }
    server::wait_for_stop_signal()?;
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

/// Asks the running server; when none runs, works on the store itself.
fn administer(config: &Config, request: admin::Request, json: bool) -> Done {
    let folder = &config.data.dir;
    let reply = match link::ask_server(folder, &request)
        .map_err(|error| CannotStart(format!("{}: {error}", folder.display())))?
    {
        Some(reply) => reply,
        None => {
            let clock = Clock::system();
            let service = Service::new(server::open_store(config)?, config.clone(), clock, server::workflows(config)?);
            admin::handle(&service, request)
        }
    };
    if let Reply::Refused(why) = &reply {
        return Err(why.clone().into());
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&reply)?);
    } else {
        print(&reply);
    }
    Ok(())
}

fn print(reply: &Reply) {
    match reply {
        Reply::Key { key, secret } => {
            eprintln!("Key {} of account {}. Keep the secret now; it is not shown again:", key.id, key.account);
            println!("{secret}");
        }
        Reply::Keys(keys) => {
            println!(
                "{:24}  {:16}  {:24}  {:24}  {:8}  {:16}  name",
                "id", "account", "created", "last used", "state", "scopes"
            );
            keys.iter().for_each(print_key);
        }
        Reply::Revoked(key) => println!("Key {} is revoked. Sessions opened with it go on until they end.", key.id),
        Reply::Accounts(accounts) => {
            println!("{:24}  {:24}  {:8}  {:8}  {:8}  name", "id", "created", "photos", "clips", "attempts");
            for account in accounts {
                let days = |days: Option<u32>| days.map_or("kept".to_owned(), |days| format!("{days} d"));
                let rules = account.retention;
                println!(
                    "{}  {}  {:8}  {:8}  {:8}  {}",
                    account.id,
                    account.created_at,
                    days(rules.photos_days),
                    days(rules.clips_days),
                    days(rules.attempts_days),
                    account.name
                );
            }
        }
        Reply::Blocklist(entries) => {
            println!("{:24}  {:24}  {:6}  {:4}  reason", "id", "created", "number", "face");
            for entry in entries {
                let has = |it: bool| if it { "yes" } else { "-" };
                let (number, face) = (has(entry.document_index.is_some()), has(entry.has_face));
                println!("{}  {}  {number:6}  {face:4}  {}", entry.id, entry.created_at, entry.reason);
            }
        }
        Reply::Workflows(all) => {
            for run in all {
                let state = if run.definition.enabled { "" } else { " (disabled)" };
                println!("{} version {}{state}  {}", run.name, run.definition.version, run.fingerprint);
                println!("  {}", run.definition.about);
                let fields = run.definition.fields.iter();
                let fields = fields.map(|(name, rule)| if rule.required { name.clone() } else { format!("[{name}]") });
                println!("  fields: {}", fields.collect::<Vec<_>>().join(", "));
                let steps: Vec<&str> = run.definition.steps.iter().map(|step| step.run.name()).collect();
                println!("  steps: {}", steps.join(", "));
            }
        }
        Reply::Erased { subjects, rows, files } => {
            println!(
                "Erased: {subjects} records of people with {rows} rows and {files} files. Backups made before know them"
            );
            println!("still; `twoface erasures` prints the list that a restore of one needs.");
        }
        Reply::Erasures(list) => print!("{list}"),
        Reply::Swept { photos, clips, attempts, preview } => {
            let verb = if *preview { "Would remove" } else { "Removed" };
            println!("{verb}: {photos} photos, {clips} clips, {attempts} attempts.");
        }
        Reply::Exported { records } => println!("{records} records were written, in clear."),
        Reply::BackedUp { rows, files, files_copied, bytes_copied } => {
            println!("Backed up: {rows} rows, {files} files ({files_copied} new), {bytes_copied} bytes copied.");
        }
        Reply::Refused(why) => eprintln!("{why}"),
    }
}

fn print_key(key: &KeySeen) {
    let state = match key {
        _ if key.live => "live",
        _ if key.revoked_at.is_some() => "revoked",
        _ => "expired",
    };
    let used = key.last_used_at.map_or("-".to_owned(), |at| at.to_string());
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.name()).collect();
    let scopes = if scopes.is_empty() { "all".to_owned() } else { scopes.join(",") };
    println!("{}  {:16}  {}  {used:24}  {state:8}  {scopes:16}  {}", key.id, key.account, key.created_at, key.name);
}
