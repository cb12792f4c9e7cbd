//! Administrators' commands: sent to the running server; when none runs, carried out on the store itself.

use std::io::{ErrorKind, IsTerminal as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;

use super::{Done, print};
use crate::admin::request::{Logs, Retention, Users};
use crate::admin::{self, Actor, Desk, Reply, Request, link};
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::server;
use crate::service::Service;

/// How often a followed log is asked for more.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);

/// Neither a running server nor the store can be reached.
#[derive(Debug)]
pub(super) struct Unreachable(pub(super) String);

impl std::fmt::Display for Unreachable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreachable {}

/// Where requests go.
pub(super) enum Way {
    Server,
    Store(Arc<Desk>),
}

impl Way {
    /// To the server if one answers, otherwise to the store, which is then opened.
    pub(super) fn find(config: &Config) -> Result<Self, Unreachable> {
        let socket = config.admin_socket();
        match std::os::unix::net::UnixStream::connect(&socket) {
            Ok(_) => Ok(Self::Server),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                Ok(Self::Store(open(config, &socket)?))
            }
            Err(error) => Err(no_way(&socket, &error, &config.admin.group)),
        }
    }

    fn ask(&self, config: &Config, request: Request) -> Result<Reply, Box<dyn std::error::Error>> {
        let socket = config.admin_socket();
        match self {
            Self::Store(desk) => Ok(admin::handle(desk, &Actor::here(), request)),
            Self::Server => match link::ask(&socket, &request, link::PATIENCE_MAX) {
                Ok(Some(reply)) => Ok(reply),
                Ok(None) => Err(Unreachable("the server stopped; try again".to_owned()).into()),
                Err(error) => Err(no_way(&socket, &error, &config.admin.group).into()),
            },
        }
    }
}

fn open(config: &Config, socket: &Path) -> Result<Arc<Desk>, Unreachable> {
    let store = server::open_store(config, Clock::system().now()).map_err(|error| {
        Unreachable(format!(
            "no server answers at {}, and the store cannot be opened: {error}. Start the server with `twoface serve`, or name \
             its configuration with --config",
            socket.display()
        ))
    })?;
    let workflows = server::workflows(config).map_err(|error| Unreachable(error.to_string()))?;
    Ok(server::desk(&Arc::new(Service::new(store, config.clone(), Clock::system(), workflows)), None))
}

pub(super) fn no_way(socket: &Path, error: &std::io::Error, group: &str) -> Unreachable {
    let socket = socket.display();
    Unreachable(match error.kind() {
        ErrorKind::PermissionDenied => format!(
            "{socket} may be used by root, the service's user and members of the group {group}: become one of them (`sudo \
             twoface …`, or `sudo usermod -aG {group} $USER` and log in again)"
        ),
        _ => format!("{socket}: {error}; look at the server's log"),
    })
}

/// Asks, and prints the answer.
pub(super) fn administer(config: &Config, request: Request, json: bool) -> Done {
    let way = Way::find(config)?;
    if let Request::Logs(Logs { follow: true, lines, after }) = request {
        return follow(config, &way, lines, after);
    }
    let progress = progress(&request);
    let reply = way.ask(config, request)?;
    if let Some(progress) = progress {
        progress.finish_and_clear();
    }
    if let Reply::Refused(why) = &reply {
        return Err(why.clone().into());
    }
    if json {
        println!("{}", serde_json::to_string_pretty(&reply)?);
    } else {
        print::reply(&reply);
    }
    Ok(())
}

/// Prints new lines until it is interrupted or the server ends.
fn follow(config: &Config, way: &Way, lines: u32, mut after: u64) -> Done {
    loop {
        let asked = Request::Logs(Logs { lines, after, follow: false });
        let reply = way.ask(config, asked)?;
        print::reply(&reply);
        if let Reply::Log(lines) = &reply
            && let Some(last) = lines.last()
        {
            after = last.number;
        }
        clock::pause(FOLLOW_EVERY);
    }
}

/// What takes a while says so: moving on a terminal, one line elsewhere.
fn progress(request: &Request) -> Option<ProgressBar> {
    let doing = match request {
        Request::Backup { folder } => format!("Backing up to {} …", folder.display()),
        Request::Export { file } => format!("Exporting to {} …", file.display()),
        Request::Erase(_) | Request::Users(Users::Erase { .. }) => "Erasing; the journal is rewritten …".to_owned(),
        Request::Retention(Retention::Apply) => "Sweeping …".to_owned(),
        _ => return None,
    };
    if !std::io::stderr().is_terminal() {
        eprintln!("{doing}");
        return None;
    }
    let bar = ProgressBar::new_spinner().with_message(doing);
    bar.enable_steady_tick(Duration::from_millis(100));
    Some(bar)
}
