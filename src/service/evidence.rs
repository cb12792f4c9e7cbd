//! Evidence: everything about one attempt in one signed archive, so that a verdict can be explained, checked and repeated
//! elsewhere, years later.
//!
//! The archive is a tar: `manifest.json` says everything and names every file by its SHA-256, `signature` signs the manifest with
//! a key that belongs to the store. It holds a person's photos in clear: who asks for it is written into the audit log.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Service, no_entity};
use crate::config::Setting;
use crate::crypto::{self, SigningKey};
use crate::domain::attempt::{Attempt, AttemptKind, AttemptStatus, Review};
use crate::domain::audit::{Act, Actor};
use crate::domain::hex;
use crate::domain::id::Id;
use crate::domain::job::Job;
use crate::domain::refusal::{Failure, Stop};
use crate::domain::time::Timestamp;
use crate::store::tables::{Table, key};

pub const FORMAT: u32 = 1;
/// What the key is for; another purpose has another key.
pub(super) const PURPOSE: &str = "sign evidence";

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    pub format: u32,
    pub made_at: Timestamp,
    pub made_by: Actor,
    /// The program that exported it.
    pub version: String,
    pub attempt: AttemptRecord,
    /// Each question with its files and its answer; the details of the answer name the models by SHA-256 and every threshold. A
    /// file is stored under the name that it has in the archive; one that retention removed has none.
    pub jobs: Vec<Job>,
    /// Every setting in effect at the export, thresholds among them.
    pub settings: Vec<Setting>,
    /// The attempt's lines of the audit log, as they stand there.
    pub audit: Vec<String>,
}

/// What was asked in all, and how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptRecord {
    pub id: Id,
    pub account: Id,
    #[serde(rename = "type")]
    pub kind: AttemptKind,
    pub status: AttemptStatus,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Who settled it, when and why.
    pub review: Option<Review>,
}

/// What was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    pub jobs: u64,
    pub files: u64,
    pub bytes: u64,
}

/// What is signed of a manifest.
pub fn signed(manifest: &[u8]) -> Vec<u8> {
    [&b"twoface evidence\0"[..], &crypto::sha256(manifest)].concat()
}

impl Service {
    /// Writes the archive of an attempt into a new file that only its owner can read.
    pub fn export_evidence(&self, account: Id, attempt: Id, by: Actor, to: &Path) -> Result<Exported, Stop> {
        let record: Attempt =
            self.record(Table::Attempts, &key(&[account, attempt]))?.ok_or_else(|| no_entity(attempt))?;
        let mut files = Vec::new();
        let mut jobs = Vec::new();
        for job in self.jobs_of(account, attempt)? {
            jobs.push(self.exported(job, &mut files)?);
        }
        self.note_about(&by, Act::AttemptExported, account, attempt)?;
        let now = self.clock.now();
        let manifest = Manifest {
            format: FORMAT,
            made_at: now,
            made_by: by,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            attempt: AttemptRecord {
                id: record.id,
                account: record.account,
                kind: record.kind,
                status: record.status_at(now),
                created_at: record.created_at,
                updated_at: record.updated_at,
                review: record.review,
            },
            jobs,
            settings: self.config.settings.clone(),
            audit: self.audit_lines_about(attempt)?,
        };
        let signer =
            self.store.signing_key(PURPOSE).ok_or_else(|| Failure("there is no key to sign with".to_owned()))?;
        write(&manifest, &files, &signer, to).map_err(|error| Failure(format!("{}: {error}", to.display())))?;
        Ok(Exported {
            jobs: manifest.jobs.len() as u64,
            files: files.len() as u64,
            bytes: files.iter().map(|(_, bytes)| bytes.len() as u64).sum(),
        })
    }

    /// The job as it is exported; its files are added to `contents` under their new names.
    fn exported(&self, mut job: Job, contents: &mut Vec<(String, Vec<u8>)>) -> Result<Job, Stop> {
        // Keyed hashes: they say nothing outside of this store.
        job.document_indexes.clear();
        for (number, file) in job.files.iter_mut().enumerate() {
            let bytes = match file.removed_at {
                Some(_) => None,
                None => Some(self.file(file)?),
            };
            file.stored_as = String::new();
            if let Some(bytes) = bytes {
                file.stored_as = format!("files/{}-{number}-{}", job.id, file.field);
                contents.push((file.stored_as.clone(), bytes));
            }
        }
        Ok(job)
    }
}

fn write(manifest: &Manifest, files: &[(String, Vec<u8>)], signer: &SigningKey, to: &Path) -> std::io::Result<()> {
    let text = serde_json::to_vec_pretty(manifest)?;
    let signature = serde_json::json!({
        "key": hex::encode(&signer.public()),
        "signature": hex::encode(&signer.sign(&signed(&text))),
    });
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let mut archive = tar::Builder::new(std::io::BufWriter::new(file));
    let seconds = u64::try_from(manifest.made_at.as_millis() / 1000).unwrap_or_default();
    let mut add = |path: &str, bytes: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(seconds);
        archive.append_data(&mut header, path, bytes)
    };
    add("manifest.json", &text)?;
    add("signature", signature.to_string().as_bytes())?;
    for (path, bytes) in files {
        add(path, bytes)?;
    }
    let mut out = archive.into_inner()?;
    out.flush()?;
    out.get_ref().sync_all()
}
