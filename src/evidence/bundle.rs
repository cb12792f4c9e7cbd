//! The archive, read and checked whole before anything of it is believed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;

use crate::crypto;
use crate::domain::hex;
use crate::service::evidence::{FORMAT, Manifest, signed};

/// No attempt is nearly as large; a hostile archive may say anything.
const BYTES_MAX: u64 = 4 << 30;

/// A bundle whose signature and files are right.
pub struct Bundle {
    pub manifest: Manifest,
    /// By path.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Who signed, hexadecimal.
    pub key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    key: String,
    signature: String,
}

impl Bundle {
    /// `signer`: who must have signed it.
    pub fn read(file: &Path, signer: Option<[u8; 32]>) -> Result<Self, String> {
        let mut files = entries(file).map_err(|error| format!("it cannot be read: {error}"))?;
        let mut take = |name: &str| files.remove(name).ok_or_else(|| format!("there is no {name} in it"));
        let (text, signature) = (take("manifest.json")?, take("signature")?);
        let signature: Signature = serde_json::from_slice(&signature).map_err(|error| format!("signature: {error}"))?;
        let key = hex::decode::<32>(&signature.key).ok_or("the signature's key cannot be read")?;
        let bytes = hex::decode::<64>(&signature.signature).ok_or("the signature cannot be read")?;
        if signer.is_some_and(|signer| signer != key) {
            return Err(format!("it was signed by {}, not by the given key", signature.key));
        }
        if !crypto::verify(&key, &signed(&text), &bytes) {
            return Err("its manifest is not what was signed".to_owned());
        }
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|error| format!("manifest.json: {error}"))?;
        if manifest.format != FORMAT {
            return Err(format!("it has format {}; this program reads {FORMAT}", manifest.format));
        }
        let bundle = Self { manifest, files, key: signature.key };
        bundle.check_files()?;
        Ok(bundle)
    }

    /// Every file that is named is there as it was, and no other.
    fn check_files(&self) -> Result<(), String> {
        let named: BTreeMap<&str, &str> = self
            .manifest
            .jobs
            .iter()
            .flat_map(|job| &job.files)
            .filter(|file| file.removed_at.is_none())
            .map(|file| (file.stored_as.as_str(), file.sha256.as_str()))
            .collect();
        for (path, sha256) in &named {
            let bytes = self.files.get(*path).ok_or_else(|| format!("{path} is missing"))?;
            if hex::encode(&crypto::sha256(bytes)) != *sha256 {
                return Err(format!("{path} is not what was recorded"));
            }
        }
        match self.files.keys().find(|path| !named.contains_key(path.as_str())) {
            Some(stranger) => Err(format!("{stranger} belongs to nothing")),
            None => Ok(()),
        }
    }
}

fn entries(file: &Path) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(File::open(file)?.take(BYTES_MAX));
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        if files.insert(path, bytes).is_some() {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, "a name stands in it twice"));
        }
    }
    Ok(files)
}
