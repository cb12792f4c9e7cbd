//! `twoface demo`: a server on loopback and a whole sign-up over HTTPS with sample photos, each request shown as a `curl` line.

use std::error::Error;
use std::fs;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use crate::client::{Body, Client, Reply};
use crate::clock::Clock;
use crate::config::Config;
use crate::domain::audit::Actor;
use crate::domain::key::KeyTerms;
use crate::server;
use crate::vision::{Engine, specimen};

/// Public-domain photos; source and licence of each in tests/golden/README.md. Two are of one person, one is of another.
const SELFIE: &[u8] = include_bytes!("../tests/golden/obama_2012_portrait.jpg");
const PORTRAIT: &[u8] = include_bytes!("../tests/golden/obama_2009_congress.jpg");
const STRANGER: &[u8] = include_bytes!("../tests/golden/grace_hopper.jpg");

const ACCOUNT: &str = "demo";

#[derive(Args)]
pub struct Arguments {
    /// End after the sign-up instead of staying up
    #[arg(long)]
    once: bool,
    /// Folder for configuration, certificate, store and photos; made if absent
    #[arg(long, value_name = "DIR", default_value = "./twoface-data")]
    dir: PathBuf,
    /// Where to listen; another free port is taken if this one is not free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
}

/// Runs the demonstration. An error if any answer is not what the contract promises.
pub fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let dir = &arguments.dir;
    let config_file = prepare(dir)?;
    let mut config = Config::load(Some(&config_file))?;
    config.server.listen = free_address(arguments.listen)?;
    crate::telemetry::start(&config.log);
    println!("twoface demo: configuration in {}", config_file.display());

    let engine = Arc::new(Engine::load_on(crate::cli::device(&config))?);
    let photos = Photos::write(dir, &engine)?;
    let certificate = config.data.dir.join("certificate.pem");
    let running = server::start(config, Clock::system(), engine)?;
    let account = running.service.account_named(ACCOUNT).map_err(|stop| stop.to_string())?;
    let (_, key) = running
        .service
        .create_key(&Actor::System, account.id, "demo", KeyTerms::default())
        .map_err(|stop| stop.to_string())?;

    let base = format!("https://{}", running.address);
    let client = Client::new(&base, &fs::read_to_string(&certificate)?)?;
    let walk = Walk { client, base: base.clone(), certificate, key: key.clone() };
    let walked = walk.sign_up(&photos);
    if walked.is_ok() && !arguments.once {
        println!("\nThe server stays up at {base} until Ctrl-C. To go on by hand:\n\n  export KEY={key}");
        println!("  export CERT={}\n", walk.certificate.display());
        if let Some(certificate) = &running.certificate {
            println!("certificate fingerprint (SHA-256): {}", certificate.fingerprint());
        }
        server::StopSignals::listen()?.wait();
    }
    running.stop();
    walked
}

/// The folder with its configuration.
fn prepare(dir: &Path) -> Result<PathBuf, Box<dyn Error>> {
    fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let file = dir.join("config.toml");
    if !file.exists() {
        let text = "# The demonstration's settings. `twoface config defaults` prints every other one.\n\n\
                    [server]\nlisten = \"127.0.0.1:8443\"\n\n[data]\ndir = \"store\"\n\n[log]\nlevel = \"warn\"\n";
        fs::write(&file, text)?;
    }
    Ok(file)
}

fn free_address(wanted: SocketAddr) -> Result<SocketAddr, Box<dyn Error>> {
    match TcpListener::bind(wanted) {
        Ok(_) => Ok(wanted),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Ok(SocketAddr::new(wanted.ip(), 0)),
        Err(error) => Err(format!("cannot listen on {wanted}: {error}").into()),
    }
}

/// The photos on disk, so that the printed `curl` lines can be run again.
struct Photos {
    document: PathBuf,
    selfie: PathBuf,
    stranger: PathBuf,
}

impl Photos {
    fn write(dir: &Path, engine: &Engine) -> Result<Self, Box<dyn Error>> {
        let folder = dir.join("photos");
        fs::create_dir_all(&folder)?;
        let photos = Self {
            document: folder.join("document.jpg"),
            selfie: folder.join("selfie.jpg"),
            stranger: folder.join("stranger.jpg"),
        };
        fs::write(&photos.document, specimen::card(engine, PORTRAIT)?)?;
        fs::write(&photos.selfie, SELFIE)?;
        fs::write(&photos.stranger, STRANGER)?;
        Ok(photos)
    }
}

struct Walk {
    client: Client,
    base: String,
    certificate: PathBuf,
    key: String,
}

impl Walk {
    fn sign_up(&self, photos: &Photos) -> Result<(), Box<dyn Error>> {
        self.wait_until_ready()?;
        println!("\n1. Open a session: your server does this with its key, and hands the token to your app.");
        let key = [("Authorization", self.key.as_str())];
        let opened = self.post("/session", &key, &[("type", "SIGNUP")], &[])?;
        let token = text(&opened.result(), "a token")?;
        let session = [("X-Tagshelf-Session", token.as_str())];

        println!(
            "\n2. Compare the portrait on the document with the selfie. The answer is a job; it is read until it ends."
        );
        let files = [("document", photos.document.as_path()), ("face", photos.selfie.as_path())];
        let job = text(&self.post("/faces/compare", &session, &[], &files)?.result(), "a job id")?;
        let job = self.finished(&job)?;
        let score = job.pointer("/output/result").and_then(Value::as_f64).unwrap_or(-1.0);
        expect(job.pointer("/status") == Some(&json!(2)), "the same person is recognised (status 2)")?;
        println!("   → the same person: {score:.1} of 100");

        println!("\n3. The same with a stranger's selfie, this time waiting for the outcome.");
        let files = [("document", photos.document.as_path()), ("face", photos.stranger.as_path())];
        let waiting = [session[0], ("Prefer", "wait=30")];
        let other = self.post("/faces/compare", &waiting, &[], &files)?;
        let other = other.result().as_f64().unwrap_or(-1.0);
        expect((0.0..score.min(50.0)).contains(&other), "a stranger scores below 50")?;
        println!("   → another person: {other:.1} of 100");

        println!("\n4. Close the session. Its token is worthless from now on.");
        let closed = self.post("/session/close", &session, &[("status", "SUCCESS")], &[])?;
        let attempt = text(&closed.result(), "an attempt id")?;

        println!("\n5. Register the user from the attempt, and find the user by document number.");
        let number = format!("DEMO-{}", attempt.get(18..).unwrap_or("000000").to_uppercase());
        let fields = [
            ("attempt", attempt.as_str()),
            ("documentId", number.as_str()),
            ("documentType", "CEDULA"),
            ("metadata", r#"{"plan":"basic"}"#),
        ];
        let user = self.post("/users", &key, &fields, &[])?;
        let found = self.get(&format!("/users/document/{number}"), &key)?;
        expect(found.result() == user.result() && !user.result().is_null(), "the registered user is found")?;

        println!("\n6. Read the record of it all.");
        let record = self.get(&format!("/attempts/{attempt}"), &key)?;
        expect(record.result().pointer("/status") == Some(&json!("SUCCESS")), "the attempt is SUCCESS")?;
        println!("\nDone: a person was compared with a document and registered.");
        Ok(())
    }

    fn wait_until_ready(&self) -> Result<(), Box<dyn Error>> {
        for _ in 0..100 {
            if self.client.call("GET", "/readyz", &[], None)?.status == 200 {
                return Ok(());
            }
            crate::clock::pause(std::time::Duration::from_millis(100));
        }
        Err("the server did not become ready within ten seconds".into())
    }

    fn finished(&self, job: &str) -> Result<Value, Box<dyn Error>> {
        let path = format!("/v1/2face/jobs/{job}");
        let key = [("Authorization", self.key.as_str())];
        for _ in 0..300 {
            let reply = self.client.call("GET", &path, &key, None)?;
            if reply.result().pointer("/status").and_then(Value::as_u64).is_some_and(|status| status >= 2) {
                self.show("GET", &format!("/jobs/{job}"), &key, &[], &[], &reply);
                return Ok(reply.result());
            }
            crate::clock::pause(std::time::Duration::from_millis(50));
        }
        Err("the job did not end within fifteen seconds".into())
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Result<Reply, Box<dyn Error>> {
        let reply = self.client.call("GET", &format!("/v1/2face{path}"), headers, None)?;
        self.show("GET", path, headers, &[], &[], &reply);
        succeeded(reply)
    }

    fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
        files: &[(&str, &Path)],
    ) -> Result<Reply, Box<dyn Error>> {
        let body = if files.is_empty() {
            Body::form(fields)
        } else {
            let read: Vec<(&str, Vec<u8>)> =
                files.iter().map(|(field, path)| Ok((*field, fs::read(path)?))).collect::<std::io::Result<_>>()?;
            let parts: Vec<(&str, &str, &[u8])> =
                read.iter().map(|(field, bytes)| (*field, "photo.jpg", bytes.as_slice())).collect();
            Body::multipart(&parts, fields)
        };
        let reply = self.client.call("POST", &format!("/v1/2face{path}"), headers, Some(body))?;
        self.show("POST", path, headers, fields, files, &reply);
        succeeded(reply)
    }

    /// The request as a `curl` line, and its answer.
    fn show(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
        files: &[(&str, &Path)],
        reply: &Reply,
    ) {
        let mut line = format!("curl --cacert {}", self.certificate.display());
        for (name, value) in headers {
            line.push_str(&format!(" -H '{name}: {value}'"));
        }
        for (name, value) in fields {
            line.push_str(&format!(" --data-urlencode '{name}={value}'"));
        }
        for (name, file) in files {
            line.push_str(&format!(" -F {name}=@{}", file.display()));
        }
        if method == "GET" {
            line.push_str(" -G");
        }
        println!("   $ {line} {}/v1/2face{path}", self.base);
        println!("   {} in {:.0} ms: {}", reply.status, reply.milliseconds, short(&reply.json()));
    }
}

/// An answer on one line, long lists cut.
fn short(answer: &Value) -> String {
    const MOST: usize = 400;
    let text = answer.to_string();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}… ({} characters)", text.get(..end).unwrap_or(&text), text.chars().count()),
        None => text,
    }
}

fn succeeded(reply: Reply) -> Result<Reply, Box<dyn Error>> {
    if reply.status == 200 { Ok(reply) } else { Err(format!("answered {}: {}", reply.status, reply.json()).into()) }
}

fn text(value: &Value, what: &str) -> Result<String, Box<dyn Error>> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("{what} was expected, not {value}").into())
}

fn expect(holds: bool, what: &str) -> Result<(), Box<dyn Error>> {
    if holds { Ok(()) } else { Err(format!("this did not hold: {what}").into()) }
}
