//! The executable, serving a new store on loopback.

use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use twoface::client::Client;

pub struct Server {
    child: Child,
    folder: tempfile::TempDir,
    pub address: SocketAddr,
    pub certificate: String,
    pub key: String,
}

/// What the process holds.
#[derive(Clone, Copy)]
pub struct State {
    pub resident_kib: u64,
    pub descriptors: usize,
    pub disk_kib: u64,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resident_kib, descriptors, disk_kib } = self;
        write!(f, "{} MiB resident, {descriptors} descriptors, {} MiB on the disk", resident_kib >> 10, disk_kib >> 10)
    }
}

impl Server {
    pub fn start(binary: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("twoface.toml");
        let settings = "[server]\nlisten = \"127.0.0.1:0\"\nconnections_max = 8192\n[data]\ndir = \"store\"\n\
                        [sessions]\ntries = 1000\n\
                        [limits]\nrequests_per_minute = 100000000\nbad_credentials_wait = false\n[log]\nlevel = \"warn\"\n";
        std::fs::write(&config, settings).unwrap();
        let mut child =
            Command::new(binary).args(["serve", "--config"]).arg(&config).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().unwrap().unwrap();
            if let Some(address) = line.strip_prefix("twoface listens on https://") {
                break address.parse().unwrap();
            }
        };
        std::thread::spawn(move || lines.for_each(|line| eprintln!("server: {}", line.unwrap_or_default())));
        let ask = |arguments: &[&str]| {
            let out = Command::new(binary).args(arguments).arg("--config").arg(&config).output().unwrap();
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
            String::from_utf8(out.stdout).unwrap().trim().to_owned()
        };
        ask(&["accounts", "create", "siege"]);
        let key = ask(&["keys", "create", "--account", "siege", "--name", "siege"]);
        let certificate = std::fs::read_to_string(folder.path().join("store/certificate.pem")).unwrap();
        let server = Self { child, folder, address, certificate, key };
        while !server.client().call("GET", "/readyz", &[], None).is_ok_and(|reply| reply.status == 200) {
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }

    pub fn client(&self) -> Client {
        Client::new(&format!("https://{}", self.address), &self.certificate).unwrap()
    }

    pub fn state(&self) -> State {
        let process = PathBuf::from(format!("/proc/{}", self.child.id()));
        let status = std::fs::read_to_string(process.join("status")).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let used = Command::new("du").args(["-sk"]).arg(self.folder.path()).output().unwrap();
        let used = String::from_utf8(used.stdout).unwrap();
        State {
            resident_kib: resident.split_whitespace().next().unwrap().parse().unwrap(),
            descriptors: std::fs::read_dir(process.join("fd")).unwrap().count(),
            disk_kib: used.split_whitespace().next().unwrap().parse().unwrap(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
