//! The server's certificate: the administrator's, or a self-signed one made once and kept.

use std::fmt;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::{Tls, TlsVersion};
use crate::crypto;
use crate::domain::hex;
use crate::domain::time::Timestamp;

const CERTIFICATE_FILE: &str = "certificate.pem";
const KEY_FILE: &str = "certificate.key";
/// A self-signed certificate has nobody to renew it: long enough that the machine is replaced first.
const SELF_SIGNED_YEARS: i32 = 10;

/// A certificate ready to serve.
pub struct Served {
    pub config: rustls::ServerConfig,
    /// SHA-256 of the end-entity certificate, `ab:cd:…`.
    pub fingerprint: String,
    pub self_signed: bool,
    pub certificate: PathBuf,
}

/// Why the certificate cannot be served; names the file.
#[derive(Debug)]
pub struct BadCertificate(String);

impl fmt::Display for BadCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadCertificate {}

/// The one cryptographic provider, named so that nothing depends on a process-wide default.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Loads the configured pair; without one, the self-signed pair in `folder`, made on the first call.
pub fn load(tls: &Tls, folder: &Path, now: Timestamp) -> Result<Served, BadCertificate> {
    let self_signed = tls.certificate.as_os_str().is_empty();
    let (certificate, key) = if self_signed {
        (folder.join(CERTIFICATE_FILE), folder.join(KEY_FILE))
    } else {
        (tls.certificate.clone(), tls.key.clone())
    };
    if self_signed && !(certificate.exists() && key.exists()) {
        make_self_signed(&certificate, &key, now)?;
    }
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_file_iter(&certificate)
            .and_then(Iterator::collect)
            .map_err(|error| BadCertificate(format!("{}: {error}", certificate.display())))?;
    let Some(first) = chain.first() else {
        return Err(BadCertificate(format!("{}: there is no certificate in it", certificate.display())));
    };
    let fingerprint = fingerprint(first);
    let private =
        PrivateKeyDer::from_pem_file(&key).map_err(|error| BadCertificate(format!("{}: {error}", key.display())))?;
    let versions: &[&rustls::SupportedProtocolVersion] = match tls.minimum {
        TlsVersion::V1_2 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::V1_3 => &[&rustls::version::TLS13],
    };
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private))
        .map_err(|error| {
            BadCertificate(format!("{} and {} do not serve: {error}", certificate.display(), key.display()))
        })?;
    Ok(Served { config, fingerprint, self_signed, certificate })
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = crypto::sha256(certificate);
    digest.iter().map(|byte| hex::encode(&[*byte])).collect::<Vec<_>>().join(":")
}

fn make_self_signed(certificate: &Path, key: &Path, now: Timestamp) -> Result<(), BadCertificate> {
    let wrong = |error: &dyn fmt::Display| BadCertificate(format!("a self-signed certificate cannot be made: {error}"));
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let host = fs::read_to_string("/etc/hostname").unwrap_or_default();
    if !host.trim().is_empty() && host.trim() != "localhost" {
        names.push(host.trim().to_owned());
    }
    let mut parameters = rcgen::CertificateParams::new(names).map_err(|error| wrong(&error))?;
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "twoface self-signed");
    let today = jiff::Timestamp::from_millisecond(now.as_millis())
        .map_err(|error| wrong(&error))?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let day = |year: i16| {
        rcgen::date_time_ymd(i32::from(year), today.month().unsigned_abs(), today.day().min(28).unsigned_abs())
    };
    parameters.not_before = day(today.year());
    parameters.not_after = day(today.year() + SELF_SIGNED_YEARS as i16);
    let pair = rcgen::KeyPair::generate().map_err(|error| wrong(&error))?;
    let made = parameters.self_signed(&pair).map_err(|error| wrong(&error))?;
    write_private(key, pair.serialize_pem().as_bytes()).map_err(|error| wrong(&error))?;
    write_private(certificate, made.pem().as_bytes()).map_err(|error| wrong(&error))
}

/// Writes a file that only its owner can read, whole or not at all.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let mut file = create_private(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    // Clients may have been told of it: a power cut must not bring another one.
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

/// A new file that only its owner can read, in the place of any old one.
pub fn create_private(path: &Path) -> std::io::Result<fs::File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
