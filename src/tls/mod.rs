//! TLS: the server's certificate, which may change while it serves, and who may connect.
//!
//! A new pair is taken up whole or not at all: whatever is wrong with it, the one before serves on. Everything else of TLS is
//! fixed when the server starts.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;

mod pair;
mod self_signed;
mod validity;

pub use pair::Pair;
pub use self_signed::create_private;

use crate::config::{ClientCertificates, Tls, TlsVersion};
use crate::domain::time::Timestamp;

const CERTIFICATE_FILE: &str = "certificate.pem";
const KEY_FILE: &str = "certificate.key";

/// What the listener needs, and the certificate that it shows.
pub struct Served {
    pub config: rustls::ServerConfig,
    pub certificate: Arc<Certificate>,
}

/// Why something of TLS cannot be used; names the file.
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

/// The certificate that connections are shown from now on.
#[derive(Debug)]
pub struct Certificate {
    pub file: PathBuf,
    key_file: PathBuf,
    pub self_signed: bool,
    shown: RwLock<Pair>,
    seen: Mutex<Option<Marks>>,
}

/// What tells a file that was written again from the one before: device, inode, length, time of change.
type Marks = [(u64, u64, u64, i64, i64); 2];

/// What came of looking for a new certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    Unchanged,
    /// Its fingerprint.
    Taken(String),
    /// The one before serves on; the text says why.
    Kept(String),
}

impl Certificate {
    /// The configured pair; without one, the self-signed pair in `folder`, made on the first call.
    pub fn load(tls: &Tls, folder: &Path, now: Timestamp) -> Result<Arc<Self>, BadCertificate> {
        let (file, key_file) = files(tls, folder);
        let self_signed = tls.certificate.as_os_str().is_empty();
        if self_signed && !(file.exists() && key_file.exists()) {
            self_signed::make(&file, &key_file, now)?;
        }
        let seen = marks(&file, &key_file);
        let shown = Pair::read(&file, &key_file)?;
        Ok(Arc::new(Self { file, key_file, self_signed, shown: RwLock::new(shown), seen: Mutex::new(seen) }))
    }

    /// SHA-256 of the end-entity certificate, `ab:cd:…`.
    pub fn fingerprint(&self) -> String {
        self.pair().fingerprint
    }

    /// When it ends, if that can be read.
    pub fn not_after(&self) -> Option<Timestamp> {
        self.pair().validity.map(|validity| validity.not_after)
    }

    /// Takes up the files if they have changed since the last look.
    pub fn reload_if_changed(&self, now: Timestamp) -> Reload {
        let marks = marks(&self.file, &self.key_file);
        // A file that is missing for a moment is being replaced.
        let changed = marks.is_some() && marks != *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if changed { self.reload(now) } else { Reload::Unchanged }
    }

    /// Takes up the files, changed or not. A pair that does not fit together, or is not valid now, changes nothing.
    pub fn reload(&self, now: Timestamp) -> Reload {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = marks(&self.file, &self.key_file);
        let new = match Pair::read(&self.file, &self.key_file).and_then(|pair| pair.valid_at(now, &self.file)) {
            Ok(new) => new,
            Err(bad) => return Reload::Kept(bad.to_string()),
        };
        // The whole chain: a missing intermediate may have been added.
        if new.key.cert == self.pair().key.cert {
            return Reload::Unchanged;
        }
        let fingerprint = new.fingerprint.clone();
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = new;
        Reload::Taken(fingerprint)
    }

    fn pair(&self) -> Pair {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.pair().key)
    }
}

/// Where the pair lies: certificate, then key.
pub fn files(tls: &Tls, folder: &Path) -> (PathBuf, PathBuf) {
    match tls.certificate.as_os_str().is_empty() {
        true => (folder.join(CERTIFICATE_FILE), folder.join(KEY_FILE)),
        false => (tls.certificate.clone(), tls.key.clone()),
    }
}

fn marks(certificate: &Path, key: &Path) -> Option<Marks> {
    let of = |path| {
        let data = fs::metadata(path).ok()?;
        Some((data.dev(), data.ino(), data.len(), data.mtime(), data.mtime_nsec()))
    };
    Some([of(certificate)?, of(key)?])
}

/// Everything of TLS that `tls` asks for.
pub fn load(tls: &Tls, folder: &Path, now: Timestamp) -> Result<Served, BadCertificate> {
    let certificate = Certificate::load(tls, folder, now)?;
    let versions: &[&rustls::SupportedProtocolVersion] = match tls.minimum {
        TlsVersion::V1_2 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::V1_3 => &[&rustls::version::TLS13],
    };
    let builder = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(versions)
        .map_err(|error| BadCertificate(format!("TLS cannot be set up: {error}")))?;
    let builder = match client_verifier(tls)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::clone(&certificate) as Arc<dyn ResolvesServerCert>);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Served { config, certificate })
}

/// Who verifies clients' certificates; `None` if none are asked for.
fn client_verifier(tls: &Tls) -> Result<Option<Arc<dyn ClientCertVerifier>>, BadCertificate> {
    if tls.client_certificates == ClientCertificates::Off {
        return Ok(None);
    }
    let bad = |error: &dyn fmt::Display| BadCertificate(format!("{}: {error}", tls.client_ca.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&tls.client_ca).map_err(|error| bad(&error))? {
        roots.add(certificate.map_err(|error| bad(&error))?).map_err(|error| bad(&error))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
    let builder = match tls.client_certificates {
        ClientCertificates::Optional => builder.allow_unauthenticated(),
        ClientCertificates::Off | ClientCertificates::Required => builder,
    };
    builder.build().map(|verifier| Some(verifier as Arc<dyn ClientCertVerifier>)).map_err(|error| bad(&error))
}
