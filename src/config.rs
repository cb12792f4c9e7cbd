//! Every setting, its default and its bounds.
//!
//! `assets/config.toml` is the manual and the default at once: a user's file is laid over it, so the two cannot drift apart.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::domain::hex;
use crate::domain::target::AllowList;
use serde::Deserialize;
use toml::{Table, Value};

pub mod explain;
pub mod overlay;

use overlay::Merged;
pub use overlay::{Origin, Setting};

/// The commented defaults, as shown to users.
pub const DEFAULTS: &str = include_str!("../assets/config.toml");

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub tls: Tls,
    pub data: Data,
    pub sessions: Sessions,
    pub limits: Limits,
    pub jobs: Jobs,
    pub events: Events,
    pub webhooks: Webhooks,
    pub faces: Faces,
    pub workflows: Workflows,
    pub networks: Networks,
    pub clips: Clips,
    pub liveness: Liveness,
    pub admin: Admin,
    pub metrics: Metrics,
    pub legacy: Legacy,
    pub log: Log,
    /// Every setting as it came about, for people to read.
    #[serde(skip)]
    pub settings: Vec<Setting>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: SocketAddr,
    pub plain_http_on_loopback: bool,
    pub connections_max: u32,
    pub connections_per_address_max: u32,
    pub stop_seconds_max: u64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub minimum: TlsVersion,
    pub client_certificates: ClientCertificates,
    pub client_ca: PathBuf,
}

/// Whether clients show certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    Off,
    Optional,
    Required,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum TlsVersion {
    #[serde(rename = "1.2")]
    V1_2,
    #[serde(rename = "1.3")]
    V1_3,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    pub dir: PathBuf,
    pub master_key: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sessions {
    pub minutes: u64,
    pub tries: u32,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub requests_per_minute: u32,
    pub bad_credentials_wait: bool,
    pub request_bytes_max: usize,
    pub body_seconds_max: u64,
    pub body_bytes_per_second_min: u64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    pub workers: usize,
    pub queue_max: usize,
    pub upload_memory_mib: usize,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    pub keep_days: u32,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    pub allow: AllowList,
    pub ca: PathBuf,
    pub name_servers: Vec<SocketAddr>,
    pub timeout_seconds: u64,
    pub at_once: usize,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faces {
    pub match_at_fmr: f64,
    pub duplicate_at_fmr: f64,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflows {
    pub file: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Networks {
    pub device: Device,
    pub bundle_key: BundleKey,
}

/// Whose bundles of weights are taken: an Ed25519 public key. `None`: nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct BundleKey(pub Option<[u8; 32]>);

impl TryFrom<String> for BundleKey {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match (text.is_empty(), hex::decode::<32>(&text)) {
            (true, _) => Ok(Self(None)),
            (false, Some(key)) => Ok(Self(Some(key))),
            (false, None) => {
                Err("networks.bundle_key is empty or a public key of 64 hexadecimal characters".to_owned())
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Device {
    Auto,
    Cpu,
    Cuda(usize),
}

impl TryFrom<String> for Device {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let numbered = text.strip_prefix("cuda:").filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        match (text.as_str(), numbered.and_then(|number| number.parse().ok())) {
            ("auto", _) => Ok(Device::Auto),
            ("cpu", _) => Ok(Device::Cpu),
            (_, Some(number)) => Ok(Device::Cuda(number)),
            _ => Err(format!("networks.device is \"auto\", \"cpu\" or \"cuda:0\", not {text:?}")),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clips {
    pub landlock: Landlock,
    pub workers: usize,
    pub decode_seconds_max: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Landlock {
    Required,
    IfAvailable,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Liveness {
    pub required: LivenessRequired,
    pub challenge_seconds: u64,
}

/// What passive liveness is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LivenessRequired {
    Off,
    Report,
    Enforce,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    pub socket: PathBuf,
    pub group: String,
    pub four_eyes: bool,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    #[serde(deserialize_with = "address_or_none")]
    pub listen: Option<SocketAddr>,
}

fn address_or_none<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(from)?;
    let wrong = |_| {
        serde::de::Error::custom(format!("metrics.listen is empty or an address like 127.0.0.1:9464, not {text:?}"))
    };
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(wrong) }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Legacy {
    pub enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub level: LogLevel,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// The configuration cannot be used; the text says where and why.
#[derive(Debug)]
pub struct BadConfig(String);

impl std::fmt::Display for BadConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadConfig {}

impl Config {
    /// The defaults, overlaid by `file` (if any) and by `TWOFACE_…` variables, and checked.
    pub fn load(file: Option<&Path>) -> Result<Self, BadConfig> {
        let mut config = Self::parse(&read(file)?, std::env::vars()).map_err(|BadConfig(why)| {
            BadConfig(file.map_or(why.clone(), |path| format!("{}: {why}", path.display())))
        })?;
        if let Some(folder) = file.and_then(Path::parent) {
            for path in [
                &mut config.data.dir,
                &mut config.data.master_key,
                &mut config.tls.certificate,
                &mut config.tls.key,
                &mut config.tls.client_ca,
                &mut config.workflows.file,
                &mut config.admin.socket,
                &mut config.webhooks.ca,
            ] {
                if !path.as_os_str().is_empty() && path.as_os_str() != "ask" {
                    *path = folder.join(&*path);
                }
            }
        }
        Ok(config)
    }

    /// As [`Config::load`], from text and given variables.
    pub fn parse(text: &str, variables: impl Iterator<Item = (String, String)>) -> Result<Self, BadConfig> {
        let merged = merge(text, variables)?;
        let settings = merged.told();
        let config: Self = Value::Table(merged.table).try_into().map_err(|error| BadConfig(one_line(&error)))?;
        let config = Self { settings, ..config };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), BadConfig> {
        let rules = [
            (
                self.tls.certificate.as_os_str().is_empty() == self.tls.key.as_os_str().is_empty(),
                "tls: `certificate` and `key` go together",
            ),
            ((1..=1440).contains(&self.sessions.minutes), "sessions.minutes must be 1 to 1440"),
            ((1..=1000).contains(&self.sessions.tries), "sessions.tries must be 1 to 1000"),
            (self.limits.requests_per_minute >= 1, "limits.requests_per_minute must be at least 1"),
            (
                (1024..=104_857_600).contains(&self.limits.request_bytes_max),
                "limits.request_bytes_max must be 1024 to 104857600",
            ),
            ((1..=3600).contains(&self.limits.body_seconds_max), "limits.body_seconds_max must be 1 to 3600"),
            (self.jobs.workers <= 256, "jobs.workers must be 0 to 256"),
            ((1..=100_000).contains(&self.jobs.queue_max), "jobs.queue_max must be 1 to 100000"),
            (
                self.jobs.upload_memory_mib << 20 >= self.limits.request_bytes_max,
                "jobs.upload_memory_mib must hold at least one request of limits.request_bytes_max",
            ),
            (self.jobs.upload_memory_mib <= 1 << 20, "jobs.upload_memory_mib must be at most 1048576"),
            ((4..=3650).contains(&self.events.keep_days), "events.keep_days must be 4 to 3650"),
            ((1..=120).contains(&self.webhooks.timeout_seconds), "webhooks.timeout_seconds must be 1 to 120"),
            ((1..=1024).contains(&self.webhooks.at_once), "webhooks.at_once must be 1 to 1024"),
            ((10..=3600).contains(&self.liveness.challenge_seconds), "liveness.challenge_seconds must be 10 to 3600"),
            ((1e-7..=1e-1).contains(&self.faces.match_at_fmr), "faces.match_at_fmr must be 1e-7 to 1e-1"),
            ((1e-9..=1e-3).contains(&self.faces.duplicate_at_fmr), "faces.duplicate_at_fmr must be 1e-9 to 1e-3"),
            ((1..=256).contains(&self.clips.workers), "clips.workers must be 1 to 256"),
            ((1..=600).contains(&self.clips.decode_seconds_max), "clips.decode_seconds_max must be 1 to 600"),
            (self.server.connections_max >= 1, "server.connections_max must be at least 1"),
            (self.server.connections_per_address_max >= 1, "server.connections_per_address_max must be at least 1"),
            (self.limits.body_bytes_per_second_min <= 1 << 20, "limits.body_bytes_per_second_min must be 0 to 1048576"),
            (
                !self.server.plain_http_on_loopback || self.server.listen.ip().is_loopback(),
                "server.plain_http_on_loopback needs `listen` to be a loopback address, like 127.0.0.1:8080",
            ),
            (
                (self.tls.client_certificates == ClientCertificates::Off) == self.tls.client_ca.as_os_str().is_empty(),
                "tls: `client_certificates` and `client_ca` go together",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(BadConfig((*rule).to_owned())),
            None => Ok(()),
        }
    }

    /// Where the administrator's socket is.
    pub fn admin_socket(&self) -> PathBuf {
        // The packaged service has this pair of folders; any other data folder keeps its own socket, so that two servers on one
        // machine never meet.
        let run = Path::new("/run/twoface");
        if !self.admin.socket.as_os_str().is_empty() {
            self.admin.socket.clone()
        } else if self.data.dir == Path::new("/var/lib/twoface") && run.is_dir() {
            run.join("admin.sock")
        } else {
            self.data.dir.join("admin.sock")
        }
    }

    /// Threads that run jobs.
    pub fn workers(&self) -> usize {
        match self.jobs.workers {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            count => count,
        }
    }
}

/// The text of `file`; none is an empty one.
fn read(file: Option<&Path>) -> Result<String, BadConfig> {
    file.map_or_else(
        || Ok(String::new()),
        |path| {
            std::fs::read_to_string(path)
                .map_err(|error| BadConfig(format!("{}: cannot be read: {error}", path.display())))
        },
    )
}

fn merge(text: &str, variables: impl Iterator<Item = (String, String)>) -> Result<Merged, BadConfig> {
    // The user's file is also read on its own first, so that a message's line numbers are those of that file.
    let mine: Table = toml::from_str(text).map_err(|error| BadConfig(error.to_string()))?;
    let mut merged = Merged::new(toml::from_str(DEFAULTS).map_err(|error| BadConfig(error.to_string()))?);
    merged.lay(mine)?;
    for (name, value) in variables {
        merged.lay_variable(&name, &value);
    }
    Ok(merged)
}

/// Variables of ours that name no setting, with what was probably meant.
fn strays(file: Option<&Path>) -> Result<Vec<(String, Option<String>)>, BadConfig> {
    Ok(merge(&read(file)?, std::env::vars())?.strays)
}

fn one_line(error: &toml::de::Error) -> String {
    error.to_string().split('\n').map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::parse(text, variables).map_err(|error| error.to_string())
    }

    #[test]
    fn an_empty_file_means_the_defaults_in_the_manual() {
        let config = parse("", &[]).unwrap();
        assert_eq!(config.limits.requests_per_minute, 2500);
        assert_eq!(config.limits.request_bytes_max, 10 * 1024 * 1024);
        assert_eq!(config.sessions.minutes, 30);
        assert_eq!(config.sessions.tries, 3);
        assert_eq!(config.networks.device, Device::Auto);
    }

    #[test]
    fn a_file_overrides_what_it_names_and_a_variable_overrides_the_file() {
        let config = parse(
            "[sessions]\ntries = 5\nminutes = 9",
            &[("TWOFACE_SESSIONS_TRIES", "7"), ("TWOFACE_LOG_LEVEL", "warn"), ("TWOFACE_NETWORKS_DEVICE", "cuda:12")],
        )
        .unwrap();
        assert_eq!((config.sessions.tries, config.sessions.minutes), (7, 9));
        assert_eq!(config.log.level, LogLevel::Warn);
        assert_eq!(config.networks.device, Device::Cuda(12));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, says) in [
            ("[server]\nlissten = 1", "no setting `lissten`; did you mean `listen`?"),
            ("[sever]\nlisten = 1", "no section [sever]; did you mean [server]?"),
            ("[clips]\nnothing_like_it = 1", "it has decode_seconds_max, landlock, workers"),
            ("match_at_fmr = 1e-3", "it is faces.match_at_fmr"),
            ("[server]\nplain_http_on_loopback = true", "needs `listen` to be a loopback address"),
            ("[tls]\nclient_certificates = \"required\"", "go together"),
            ("[sessions]\ntries = 0", "sessions.tries must be 1 to 1000"),
            ("[sessions]\ntries = \"x\"", "tries"),
            ("[server]\nlisten = \"nowhere\"", "listen"),
            ("[webhooks]\nallow = [\"10.1.0.1/16\"]", "an entry is a network like 10.1.0.0/16"),
            ("[tls]\nkey = \"k.pem\"", "go together"),
            ("[networks]\ndevice = \"cuda\"", "\"cpu\" or \"cuda:0\", not \"cuda\""),
            ("[networks]\ndevice = \"cuda:+1\"", "not \"cuda:+1\""),
            ("[networks]\nbundle_key = \"abc\"", "64 hexadecimal characters"),
            ("[metrics]\nlisten = \"everywhere\"", "an address like 127.0.0.1:9464"),
            ("[tls", "line 1"),
        ] {
            let error = parse(text, &[]).unwrap_err();
            assert!(error.contains(says), "{text:?}: {error}");
        }
    }
}
