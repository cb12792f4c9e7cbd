//! A bundle of weights: one signed archive of everything that `models/` holds, made where networks are trained.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::archive::{self, Kind};
use crate::crypto::{self, SigningKey};
use crate::domain::hex;
use crate::vision::weights::Models;

const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest.toml";

/// All weights together are a fiftieth of it.
pub(super) const ARCHIVE: Kind = Kind { purpose: "twoface weights", listing: "contents.json", bytes_max: 4 << 30 };

/// `contents.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    pub format: u32,
    /// Its maker's name for it.
    pub version: String,
    /// SHA-256 by path, hexadecimal.
    pub files: BTreeMap<String, String>,
}

/// A bundle whose signature and files are right.
pub struct Bundle {
    pub contents: Contents,
    /// `contents.json` as it was signed, and the signature.
    pub listing: Vec<u8>,
    pub signature: Vec<u8>,
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Bundle {
    pub fn read(file: &Path, signer: [u8; 32]) -> Result<Self, String> {
        let archive = ARCHIVE.read(file, Some(signer))?;
        let contents = Contents::parse(&archive.listing)?;
        contents.check(&archive.files)?;
        Ok(Self { contents, listing: archive.listing, signature: archive.signature, files: archive.files })
    }

    /// Tells it from every other bundle.
    pub fn id(&self) -> String {
        let digest = hex::encode(&crypto::sha256(&self.listing));
        digest.chars().take(16).collect()
    }
}

impl Contents {
    pub(super) fn parse(listing: &[u8]) -> Result<Self, String> {
        let contents: Self = serde_json::from_slice(listing).map_err(|error| format!("contents.json: {error}"))?;
        if contents.format != FORMAT {
            return Err(format!("it has format {}; this program reads {FORMAT}", contents.format));
        }
        if !is_version(&contents.version) {
            return Err("contents.json: its version is no name".to_owned());
        }
        // They become names in a folder.
        match contents.files.keys().find(|path| !is_file_name(path)) {
            Some(path) => Err(format!("contents.json: {path:?} is no file's name")),
            None => Ok(contents),
        }
    }

    pub(super) fn check(&self, files: &BTreeMap<String, Vec<u8>>) -> Result<(), String> {
        archive::check(files, &self.files.iter().map(|(path, sha256)| (path.as_str(), sha256.as_str())).collect())
    }
}

/// Packs the models of a folder, all checked against its manifest, and signs them.
pub fn make(folder: &Path, version: &str, signer: &SigningKey, to: &Path) -> Result<Contents, String> {
    if !is_version(version) {
        return Err("a version is 1 to 64 letters, digits, `.`, `_` and `-`".to_owned());
    }
    let models = Models::in_folder(folder).map_err(|error| error.to_string())?;
    let mut names = vec![MANIFEST];
    for model in &models.manifest.models {
        models.weights(&model.name).map_err(|error| error.to_string())?;
        if let Some(classes) = &model.classes {
            models.classes(&model.name).map_err(|error| error.to_string())?;
            names.push(&classes.file);
        }
        names.extend([model.file.as_str(), model.licence_file.as_str()]);
    }
    names.sort_unstable();
    names.dedup();
    let mut files = Vec::new();
    for name in names {
        let bytes = fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
        files.push((name.to_owned(), bytes));
    }
    let named = files.iter().map(|(path, bytes)| (path.clone(), hex::encode(&crypto::sha256(bytes))));
    let contents = Contents { format: FORMAT, version: version.to_owned(), files: named.collect() };
    let listing = serde_json::to_vec_pretty(&contents).map_err(|error| error.to_string())?;
    // Made twice, it is the same to the byte: it bears no time.
    ARCHIVE.write(to, &listing, &files, signer, 0).map_err(|error| format!("{}: {error}", to.display()))?;
    Ok(contents)
}

fn is_version(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

fn is_file_name(text: &str) -> bool {
    is_version(text) && !text.starts_with('.')
}
