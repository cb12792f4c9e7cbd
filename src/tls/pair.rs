//! A certificate chain with its private key, read from two PEM files.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::validity::{self, Validity};
use super::{BadCertificate, provider};
use crate::crypto;
use crate::domain::hex;
use crate::domain::time::Timestamp;

/// A pair that fits together.
#[derive(Clone, Debug)]
pub struct Pair {
    pub key: Arc<CertifiedKey>,
    /// SHA-256 of the end-entity certificate, `ab:cd:…`.
    pub fingerprint: String,
    pub validity: Option<Validity>,
}

impl Pair {
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, BadCertificate> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect)
            .map_err(|error| BadCertificate(format!("{}: {error}", certificate.display())))?;
        let Some(first) = chain.first() else {
            return Err(BadCertificate(format!("{}: there is no certificate in it", certificate.display())));
        };
        let fingerprint = fingerprint(first);
        let validity = validity::of(first);
        let private =
            PrivateKeyDer::from_pem_file(key).map_err(|error| BadCertificate(format!("{}: {error}", key.display())))?;
        let key = CertifiedKey::from_der(chain, private, &provider()).map_err(|error| {
            BadCertificate(format!("{} and {} do not serve: {error}", certificate.display(), key.display()))
        })?;
        Ok(Self { key: Arc::new(key), fingerprint, validity })
    }

    /// The pair, if its time is now.
    pub(super) fn valid_at(self, now: Timestamp, file: &Path) -> Result<Self, BadCertificate> {
        match &self.validity {
            None => Err(BadCertificate(format!("{}: its time cannot be read", file.display()))),
            Some(time) if time.not_after < now => {
                Err(BadCertificate(format!("{}: it ended on {}", file.display(), time.not_after)))
            }
            Some(time) if now < time.not_before => {
                Err(BadCertificate(format!("{}: it begins on {}", file.display(), time.not_before)))
            }
            Some(_) => Ok(self),
        }
    }
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = crypto::sha256(certificate);
    digest.iter().map(|byte| hex::encode(&[*byte])).collect::<Vec<_>>().join(":")
}
