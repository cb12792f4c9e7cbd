//! Backups and exports of everything, made while the server serves.

use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::{Service, audit, failed};
use crate::domain::audit::{Act, Actor};
use crate::domain::refusal::{Failure, Stop};
use crate::domain::time::Timestamp;
use crate::store::BackupReport;

/// In the data folder: the time of the last backup. Nothing depends on it; it is what the overview shows.
const LAST_BACKUP: &str = "last-backup";

impl Service {
    /// Makes `folder` a backup of this moment, as sealed as the store; what it holds from an earlier backup is kept.
    /// The audit log goes along.
    pub fn backup(&self, by: &Actor, folder: &Path) -> Result<BackupReport, Stop> {
        let began = self.clock.now();
        self.note(by, Act::StoreBackedUp, None)?;
        self.write_audit()?;
        let done = self.store.backup(folder).map_err(failed)?;
        let _alone = self.audit_log()?;
        let log = self.audit_folder();
        audit::file::copy(&log, &folder.join(audit::FOLDER)).map_err(|error| Failure(format!("audit log: {error}")))?;
        // The backup is made all the same.
        if let Err(error) = std::fs::write(self.config.data.dir.join(LAST_BACKUP), began.to_string()) {
            tracing::warn!("the time of the last backup cannot be noted: {error}");
        }
        Ok(done)
    }

    /// The moment of the last backup that this store was asked for.
    pub fn last_backup_at(&self) -> Option<Timestamp> {
        std::fs::read_to_string(self.config.data.dir.join(LAST_BACKUP)).ok()?.trim().parse().ok()
    }

    /// Writes every record in clear into a new file that only its owner can read. Returns how many.
    pub fn export(&self, by: &Actor, file: &Path) -> Result<u64, Stop> {
        self.note(by, Act::StoreExported, None)?;
        let wrong = |error: &dyn std::fmt::Display| Stop::from(Failure(format!("{}: {error}", file.display())));
        let new = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
        let mut out = BufWriter::new(new.map_err(|error| wrong(&error))?);
        let records = self.store.export(&mut out).map_err(|error| wrong(&error))?;
        out.flush().map_err(|error| wrong(&error))?;
        Ok(records)
    }
}
