//! Evidence: everything about one attempt in one signed archive, so that a verdict can be explained, checked and repeated
//! elsewhere, years later.
//!
//! It is a signed archive: `manifest.json` says everything and names every file by its SHA-256; the key belongs to the store. It
//! holds a person's photos in clear: who asks for it is written into the audit log.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Service, no_entity};
use crate::archive::Kind;
use crate::config::Setting;
use crate::domain::attempt::{Attempt, AttemptKind, AttemptStatus, Review};
use crate::domain::audit::{Act, Actor};
use crate::domain::id::Id;
use crate::domain::job::Job;
use crate::domain::refusal::{Failure, Stop};
use crate::domain::time::Timestamp;
use crate::store::tables::{Table, key};

pub const FORMAT: u32 = 1;
/// What the key is for; another purpose has another key.
pub(super) const PURPOSE: &str = "sign evidence";

/// No attempt is nearly as large as what is read.
pub const ARCHIVE: Kind = Kind { purpose: "twoface evidence", listing: "manifest.json", bytes_max: 4 << 30 };

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
        let seconds = u64::try_from(manifest.made_at.as_secs()).unwrap_or_default();
        serde_json::to_vec_pretty(&manifest)
            .map_err(std::io::Error::from)
            .and_then(|listing| ARCHIVE.write(to, &listing, &files, &signer, seconds))
            .map_err(|error| Failure(format!("{}: {error}", to.display())))?;
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
