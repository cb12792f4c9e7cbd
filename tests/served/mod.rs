//! The real executable, serving on a free port of loopback, and a client that trusts it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use twoface::client::Client;

pub struct Served {
    pub child: Child,
    pub client: Client,
}

impl Served {
    /// As `config.toml` in `folder` says, which puts the store at `store` beside it. Returns when it listens.
    pub fn start(folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_twoface"))
            .args(["serve", "--config"])
            .arg(folder.join("config.toml"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let base = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("twoface listens on ").map(str::to_owned))
            .expect("the server did not start");
        // Its log is read to the end, so that the pipe never fills.
        std::thread::spawn(move || lines.for_each(drop));
        let certificate = std::fs::read_to_string(folder.join("store/certificate.pem")).unwrap();
        Self { child, client: Client::new(&base, &certificate).unwrap() }
    }

    /// As the power does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
