//! What is kept: the data folder, the master key, the certificate, the audit log and the store.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use super::Finding;
use crate::admin::{self, link};
use crate::clock::Clock;
use crate::config::Config;
use crate::server;
use crate::service::audit;
use crate::service::retention::files_of;
use crate::store::{self, MasterKey};
use crate::tls::{self, Pair};

/// Where the packaged unit finds the master key; only the service itself is handed it in clear.
const CREDENTIAL: &str = "/etc/credstore.encrypted/twoface-master-key";
/// A server that lives answers sooner.
const SERVER_ANSWERS: Duration = Duration::from_secs(30);
/// A certificate that ends sooner is told of.
const CERTIFICATE_DAYS: u64 = 30;

pub(super) fn folder_and_key(config: &Config) -> Vec<Finding> {
    let folder = &config.data.dir;
    let mut findings = Vec::new();
    match std::fs::metadata(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            findings.push(Finding::good("data", format!("{} is made on the first start", folder.display())));
        }
        Err(error) => findings.push(Finding::bad(
            "data",
            format!("{}: {error}", folder.display()),
            "run this as the service's user or as root",
        )),
        Ok(seen) => {
            let mode = seen.permissions().mode() & 0o777;
            let text = format!("{} has mode {mode:03o}, owner {}", folder.display(), seen.uid());
            findings.push(match mode & 0o077 {
                0 => Finding::good("data", text),
                _ => Finding::bad("data", text, "only the service's user may enter it: chmod 700"),
            });
        }
    }
    findings.push(master_key(config));
    findings
}

fn master_key(config: &Config) -> Finding {
    if config.data.master_key.as_os_str() == "ask" {
        return Finding::warning("master key", "a passphrase, typed in", "the server cannot start by itself");
    }
    match server::store_options(config).map(|options| options.master) {
        Ok(MasterKey::File(path)) => key_file(config, &path),
        Ok(_) => Finding::good("master key", "a systemd credential"),
        Err(error) => Finding::bad("master key", error.to_string(), "see `master_key` in `twoface config defaults`"),
    }
}

fn key_file(config: &Config, path: &Path) -> Finding {
    match std::fs::metadata(path) {
        Err(_) if !config.data.dir.join("keys").exists() => {
            Finding::good("master key", format!("{} is made on the first start", path.display()))
        }
        Err(_) if config.data.master_key.as_os_str().is_empty() && Path::new(CREDENTIAL).exists() => {
            Finding::good("master key", format!("a systemd credential, {CREDENTIAL}"))
        }
        Err(error) => Finding::bad(
            "master key",
            format!("{}: {error}", path.display()),
            "put the copy of the key back; without it nothing can be read",
        ),
        Ok(seen) if seen.permissions().mode() & 0o077 != 0 => Finding::bad(
            "master key",
            format!("{} has mode {:03o}", path.display(), seen.permissions().mode() & 0o777),
            "others can read it: chmod 400, and `twoface key rotate` if they may have",
        ),
        Ok(_) if path.starts_with(&config.data.dir) => Finding::warning(
            "master key",
            format!("{} lies in the data folder", path.display()),
            "whoever takes the folder has both: use a systemd credential or another disk, and keep a copy elsewhere",
        ),
        Ok(_) => Finding::good("master key", path.display().to_string()),
    }
}

pub(super) fn certificate(config: &Config) -> Finding {
    if config.server.plain_http_on_loopback {
        return Finding::warning(
            "certificate",
            "plain HTTP on loopback",
            "whatever ends TLS before it must keep to this machine",
        );
    }
    let (file, key) = tls::files(&config.tls, &config.data.dir);
    let self_signed = config.tls.certificate.as_os_str().is_empty();
    if self_signed && !file.exists() {
        return Finding::good("certificate", "a self-signed one is made on the first start");
    }
    let pair = match Pair::read(&file, &key) {
        Ok(pair) => pair,
        Err(error) => return Finding::bad("certificate", error.to_string(), "give a PEM chain and its private key"),
    };
    if std::fs::metadata(&key).is_ok_and(|seen| seen.permissions().mode() & 0o004 != 0) {
        return Finding::bad(
            "certificate",
            format!("everybody can read {}", key.display()),
            "chmod 400, and a new key if they may have",
        );
    }
    let now = Clock::system().now();
    let seen = |text: String| format!("{}, {text}", file.display());
    match pair.validity {
        None => {
            Finding::warning("certificate", seen("its time cannot be read".to_owned()), "look at it with openssl x509")
        }
        Some(time) if time.not_after < now || now < time.not_before => Finding::bad(
            "certificate",
            seen(format!("valid from {} to {}", time.not_before, time.not_after)),
            "put a new pair in its place; it is taken up without a restart",
        ),
        Some(time) if time.not_after < now.after(Duration::from_secs(CERTIFICATE_DAYS * 86_400)) => Finding::warning(
            "certificate",
            seen(format!("ends on {}", time.not_after)),
            "put a new pair in its place; it is taken up without a restart",
        ),
        Some(_) if self_signed => Finding::warning(
            "certificate",
            seen(format!("self-signed, SHA-256 {}", pair.fingerprint)),
            "clients must be given this very certificate, or give the server one of your authority's",
        ),
        Some(time) => Finding::good("certificate", seen(format!("until {}", time.not_after))),
    }
}

pub(super) fn audit(config: &Config) -> Finding {
    let folder = config.data.dir.join(audit::FOLDER);
    if !folder.exists() {
        return Finding::good("audit log", "begins with the first start");
    }
    match audit::file::verify(&folder, None) {
        Ok(whole) => Finding::good(
            "audit log",
            format!("{} entries and {} checkpoints, whole, signed by {}", whole.entries, whole.checkpoints, whole.key),
        ),
        Err(why) => Finding::bad(
            "audit log",
            why.to_string(),
            "compare it with the copies in your backups and in the system's journal; somebody may have changed it",
        ),
    }
}

pub(super) fn store(config: &Config) -> Finding {
    match link::ask(&config.admin_socket(), &admin::Request::Status, SERVER_ANSWERS) {
        Ok(Some(_)) => return Finding::good("store", "a server has it open and answers"),
        Ok(None) => {}
        Err(error) => {
            return Finding::bad("store", format!("the server's socket: {error}"), "is it still running? see its log");
        }
    }
    if !config.data.dir.join("keys").exists() {
        return Finding::good("store", "is made on the first start");
    }
    if config.data.master_key.as_os_str() == "ask" {
        return Finding::warning("store", "not checked", "run `twoface fsck`, which asks for the passphrase");
    }
    let scratch = config.data.dir.with_extension(format!("doctor-{}", std::process::id()));
    let checked = server::store_options(config).map_err(|error| error.to_string()).and_then(|options| {
        std::fs::create_dir(&scratch).map_err(|error| error.to_string())?;
        store::fsck(&options, &scratch, files_of).map_err(|error| error.to_string())
    });
    let _ = std::fs::remove_dir_all(&scratch);
    match checked {
        Ok(report) if report.problems_total == 0 => {
            Finding::good("store", format!("{} rows, {} files, nothing is wrong", report.rows, report.files))
        }
        Ok(report) => Finding::bad(
            "store",
            format!("{} problems", report.problems_total),
            "`twoface fsck` names them; restore a backup, or `twoface rebuild` if only the index is named",
        ),
        Err(why) => Finding::bad("store", why, "run this as the service's user or as root"),
    }
}
