//! The archive, read and checked whole before anything of it is believed.

use std::collections::BTreeMap;
use std::path::Path;

use crate::archive;
use crate::service::evidence::{ARCHIVE, FORMAT, Manifest};

/// A bundle whose signature and files are right.
pub struct Bundle {
    pub manifest: Manifest,
    /// By path.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Who signed, hexadecimal.
    pub key: String,
}

impl Bundle {
    /// `signer`: who must have signed it.
    pub fn read(file: &Path, signer: Option<[u8; 32]>) -> Result<Self, String> {
        let archive = ARCHIVE.read(file, signer)?;
        let manifest: Manifest =
            serde_json::from_slice(&archive.listing).map_err(|error| format!("manifest.json: {error}"))?;
        if manifest.format != FORMAT {
            return Err(format!("it has format {}; this program reads {FORMAT}", manifest.format));
        }
        let jobs = manifest.jobs.iter().flat_map(|job| &job.files).filter(|file| file.removed_at.is_none());
        archive::check(&archive.files, &jobs.map(|file| (file.stored_as.as_str(), file.sha256.as_str())).collect())?;
        Ok(Self { manifest, files: archive.files, key: archive.key })
    }
}
