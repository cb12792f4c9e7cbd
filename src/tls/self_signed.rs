//! The certificate of a server that was given none: signed by itself, made once and kept.

use std::fmt;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::BadCertificate;
use crate::domain::time::Timestamp;

/// A self-signed certificate has nobody to renew it: long enough that the machine is replaced first.
const SELF_SIGNED_YEARS: i32 = 10;

pub(super) fn make(certificate: &Path, key: &Path, now: Timestamp) -> Result<(), BadCertificate> {
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
