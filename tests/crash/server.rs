//! The real executable: configured, started, asked by command line, killed or stopped. It ends with the value that holds it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use twoface::client::Client;

/// A start takes a second; one that takes this long hangs.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Tries of a session: more than any client here makes.
pub const TRIES: usize = 50;

/// Where the executable, its configuration and its data are.
#[derive(Clone, Debug)]
pub struct Site {
    pub binary: PathBuf,
    pub config: PathBuf,
    pub data: PathBuf,
}

impl Site {
    /// Writes a configuration into `folder` for data in `data`. Limits that would slow the clients down are raised.
    pub fn prepare(binary: &Path, folder: &Path, data: &Path) -> Result<Site, String> {
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n[data]\ndir = \"{}\"\n[sessions]\ntries = {TRIES}\nminutes = 1440\n\
             [limits]\nrequests_per_minute = 4000000\nbad_credentials_wait = false\n[jobs]\nworkers = 1\n[log]\nlevel = \"debug\"\n",
            data.display()
        );
        let config = folder.join("config.toml");
        std::fs::write(&config, text).map_err(|error| format!("{}: {error}", config.display()))?;
        Ok(Site { binary: binary.to_owned(), config, data: data.to_owned() })
    }

    /// An account and a key of it.
    pub fn create_key(&self) -> Result<String, String> {
        self.ask(&["accounts", "create", "bank"])?;
        self.ask(&["keys", "create", "--account", "bank", "--name", "crash"])
    }

    /// Runs the command line; what it printed.
    pub fn ask(&self, arguments: &[&str]) -> Result<String, String> {
        let output = Command::new(&self.binary).args(arguments).arg("--config").arg(&self.config).output();
        let output = output.map_err(|error| format!("{}: {error}", self.binary.display()))?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
        }
    }

    /// Starts to serve; the answer comes with [`Starting::ready`].
    pub fn spawn(&self) -> Result<Starting, String> {
        let child = Command::new(&self.binary)
            .args(["serve", "--config"])
            .arg(&self.config)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = child.map_err(|error| format!("{}: {error}", self.binary.display()))?;
        let errors = child.stderr.take().ok_or("no standard error")?;
        let log = Arc::new(Mutex::new(Vec::new()));
        let (said, listens) = mpsc::channel();
        let kept = Arc::clone(&log);
        // Read to the end, so that the pipe never fills.
        std::thread::spawn(move || {
            let mut lines = BufReader::new(errors);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&line);
                let text = String::from_utf8_lossy(&line);
                if let Some(base) = text.trim().strip_prefix("twoface listens on ") {
                    // Nobody may be waiting any more.
                    let _ = said.send(base.to_owned());
                }
                line.clear();
            }
        });
        Ok(Starting { process: Process { child, log }, listens, certificate: self.data.join("certificate.pem") })
    }

    pub fn start(&self) -> Result<Server, String> {
        self.spawn()?.ready()
    }
}

/// A process of ours; killed, at the latest, when this is dropped.
struct Process {
    child: Child,
    log: Arc<Mutex<Vec<u8>>>,
}

impl Process {
    fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    fn signal(&mut self) {
        // An error means that it has ended by itself.
        let _ = self.child.kill();
    }

    fn ended(&mut self) {
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal();
        self.ended();
    }
}

/// A server that may not listen yet.
pub struct Starting {
    process: Process,
    listens: Receiver<String>,
    certificate: PathBuf,
}

impl Starting {
    /// Waits until it listens; what it said on standard error if it ended instead.
    pub fn ready(mut self) -> Result<Server, String> {
        let base = match self.listens.recv_timeout(START_LIMIT) {
            Ok(base) => base,
            Err(mpsc::RecvTimeoutError::Timeout) => return Err(format!("hangs at the start:\n{}", self.process.log())),
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let status = self.process.child.wait().map_err(|error| error.to_string())?;
                return Err(format!("ended with {status}:\n{}", self.process.log()));
            }
        };
        let certificate = std::fs::read_to_string(&self.certificate)
            .map_err(|error| format!("{}: {error}", self.certificate.display()))?;
        Ok(Server { process: self.process, base, certificate })
    }

    /// Kills it, without waiting for its end.
    pub fn signal(&mut self) {
        self.process.signal();
    }

    /// Waits for the end that was asked for.
    pub fn ended(mut self) {
        self.process.ended();
    }
}

/// A server that listens.
pub struct Server {
    process: Process,
    base: String,
    certificate: String,
}

impl Server {
    /// A new client with connections of its own.
    pub fn client(&self) -> Result<Client, String> {
        Client::new(&self.base, &self.certificate).map_err(|error| error.to_string())
    }

    /// Kills it, without waiting for its end.
    pub fn signal(&mut self) {
        self.process.signal();
    }

    /// Waits for the end that was asked for.
    pub fn ended(&mut self) {
        self.process.ended();
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Asks it to end in order, and waits until it has.
    pub fn stop(mut self) -> Result<(), String> {
        let id = self.process.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status().map_err(|error| error.to_string())?;
        let status = self.process.child.wait().map_err(|error| error.to_string())?;
        match asked.success() && status.success() {
            true => Ok(()),
            false => Err(format!("did not stop in order ({status}):\n{}", self.process.log())),
        }
    }
}
