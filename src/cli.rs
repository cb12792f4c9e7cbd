//! The command line. Exit codes: 0 done, 1 it could not be done (a sentence on standard error says why), 2 wrong usage.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::admin::{self, KeySeen, Reply, link};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::server::{self, CannotStart};
use crate::service::Service;
use crate::vision::Engine;
use crate::{demo, evaluate, telemetry};

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
    #[command(flatten)]
    Admin(admin::Request),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Say whether the configuration can be served from, and what is wrong if not
    Check,
    /// Print every setting with its default and meaning
    Defaults,
}

#[derive(Subcommand)]
enum Evaluate {
    Faces(evaluate::FacesArgs),
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
        Command::Config { command: ConfigCommand::Check } => {
            let config = Config::load(cli.config.as_deref())?;
            println!("The configuration is good: {} on data in {}.", config.server.listen, config.data.dir.display());
            Ok(())
        }
        Command::Evaluate { command: Evaluate::Faces(arguments) } => evaluate::run(&arguments, cli.json),
        Command::Admin(request) => administer(&Config::load(cli.config.as_deref())?, request, cli.json),
    }
}

fn serve(config: Config) -> Done {
    telemetry::start(&config.log);
    let engine = Arc::new(Engine::load()?);
    let running = server::start(config, Clock::system(), engine)?;
    eprintln!("twoface listens on https://{}", running.address);
    eprintln!("certificate fingerprint (SHA-256): {}", running.fingerprint);
    server::wait_for_stop_signal()?;
    running.stop();
    Ok(())
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
            let service = Service::new(server::open_store(config)?, config.clone(), clock);
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
            println!("{:24}  {:16}  {:24}  {:8}  name", "id", "account", "created", "state");
            keys.iter().for_each(print_key);
        }
        Reply::Revoked(key) => println!("Key {} is revoked. Sessions opened with it go on until they end.", key.id),
        Reply::Accounts(accounts) => {
            println!("{:24}  {:24}  name", "id", "created");
            for account in accounts {
                println!("{}  {}  {}", account.id, account.created_at, account.name);
            }
        }
        Reply::Refused(why) => eprintln!("{why}"),
    }
}

fn print_key(key: &KeySeen) {
    let state = if key.revoked_at.is_some() { "revoked" } else { "live" };
    println!("{}  {:16}  {}  {state:8}  {}", key.id, key.account, key.created_at, key.name);
}
