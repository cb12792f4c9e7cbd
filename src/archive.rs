//! Signed archives: a tar whose listing names every file by its SHA-256, and is signed.
//!
//! Evidence that leaves the server and weights that come to it are such archives. `signature` signs the listing for one purpose, so
//! that an archive of one kind is never taken for one of the other.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::crypto::{self, SigningKey};
use crate::domain::hex;

const SIGNATURE: &str = "signature";

/// What an archive is, and where its listing stands in it.
pub struct Kind {
    /// Signed before the listing's digest.
    pub purpose: &'static str,
    pub listing: &'static str,
    /// No larger one is read: a hostile archive may say anything.
    pub bytes_max: u64,
}

/// An archive whose listing is signed. What the listing says of the files is for whoever knows its format, with [`check`].
pub struct Signed {
    pub listing: Vec<u8>,
    /// By path, without the listing and the signature.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Who signed, hexadecimal.
    pub key: String,
    pub signature: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    key: String,
    signature: String,
}

impl Kind {
    fn message(&self, listing: &[u8]) -> Vec<u8> {
        [self.purpose.as_bytes(), b"\0", &crypto::sha256(listing)].concat()
    }

    /// Writes a new file that only its owner can read. `seconds`: the time that every entry bears, since 1970.
    pub fn write(
        &self,
        to: &Path,
        listing: &[u8],
        files: &[(String, Vec<u8>)],
        signer: &SigningKey,
        seconds: u64,
    ) -> io::Result<()> {
        let signature = Signature {
            key: hex::encode(&signer.public()),
            signature: hex::encode(&signer.sign(&self.message(listing))),
        };
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
        let mut archive = tar::Builder::new(io::BufWriter::new(file));
        let mut add = |path: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o600);
            header.set_mtime(seconds);
            archive.append_data(&mut header, path, bytes)
        };
        add(self.listing, listing)?;
        add(SIGNATURE, &serde_json::to_vec(&signature)?)?;
        for (path, bytes) in files {
            add(path, bytes)?;
        }
        let mut out = archive.into_inner()?;
        out.flush()?;
        out.get_ref().sync_all()
    }

    /// Reads an archive. `signer`: who must have signed it.
    pub fn read(&self, file: &Path, signer: Option<[u8; 32]>) -> Result<Signed, String> {
        let mut files = entries(file, self.bytes_max).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::IsADirectory => {
                error.to_string()
            }
            io::ErrorKind::UnexpectedEof => "it is cut off".to_owned(),
            // The library's own words repeat what stands in the file.
            _ => "it is no such archive, or a damaged one".to_owned(),
        })?;
        let mut take = |name: &str| files.remove(name).ok_or_else(|| format!("there is no {name} in it"));
        let (listing, signature) = (take(self.listing)?, take(SIGNATURE)?);
        let key = self.verify(&listing, &signature, signer)?;
        Ok(Signed { listing, files, key, signature })
    }

    /// Who signed a listing, hexadecimal.
    pub fn verify(&self, listing: &[u8], signature: &[u8], signer: Option<[u8; 32]>) -> Result<String, String> {
        let signature: Signature = serde_json::from_slice(signature).map_err(|error| format!("signature: {error}"))?;
        let key = hex::decode::<32>(&signature.key).ok_or("the signature's key cannot be read")?;
        let bytes = hex::decode::<64>(&signature.signature).ok_or("the signature cannot be read")?;
        if signer.is_some_and(|signer| signer != key) {
            return Err(format!("it was signed by {}, not by the given key", signature.key));
        }
        match crypto::verify(&key, &self.message(listing), &bytes) {
            true => Ok(signature.key),
            false => Err(format!("its {} is not what was signed", self.listing)),
        }
    }
}

/// Every file that is named, by path and SHA-256 in hexadecimal, is there as it was, and no other.
pub fn check(files: &BTreeMap<String, Vec<u8>>, named: &BTreeMap<&str, &str>) -> Result<(), String> {
    for (path, sha256) in named {
        let bytes = files.get(*path).ok_or_else(|| format!("{path} is missing"))?;
        if hex::encode(&crypto::sha256(bytes)) != *sha256 {
            return Err(format!("{path} is not what was recorded"));
        }
    }
    match files.keys().find(|path| !named.contains_key(path.as_str())) {
        Some(stranger) => Err(format!("{stranger} belongs to nothing")),
        None => Ok(()),
    }
}

fn entries(file: &Path, bytes_max: u64) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(File::open(file)?.take(bytes_max));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        if files.insert(path, bytes).is_some() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a name stands in it twice"));
        }
    }
    Ok(files)
}
