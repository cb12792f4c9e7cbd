//! Backups and exports of everything, made while the server serves.

use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::{Service, failed};
use crate::domain::refusal::{Failure, Stop};
use crate::store::BackupReport;

impl Service {
    /// Makes `folder` a backup of this moment, as sealed as the store; what it holds from an earlier backup is kept.
    pub fn backup(&self, folder: &Path) -> Result<BackupReport, Stop> {
        self.store.backup(folder).map_err(failed)
    }

    /// Writes every record in clear into a new file that only its owner can read. Returns how many.
    pub fn export(&self, file: &Path) -> Result<u64, Stop> {
        let wrong = |error: &dyn std::fmt::Display| Stop::from(Failure(format!("{}: {error}", file.display())));
        let new = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
        let mut out = BufWriter::new(new.map_err(|error| wrong(&error))?);
        let records = self.store.export(&mut out).map_err(|error| wrong(&error))?;
        out.flush().map_err(|error| wrong(&error))?;
        Ok(records)
    }
}
