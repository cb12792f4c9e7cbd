//! The audit log: told in the same commit as what it tells of, then written in that order to a chained, signed file.
//!
//! A row of the store is the promise that an entry will be written; it is let go only when the entry is on the disk. So an entry
//! is in the file exactly once, whenever the power goes.

use std::path::PathBuf;
use std::sync::{MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

pub mod chain;
pub mod file;

use super::{Service, failed, unreadable};
use crate::crypto::{self, SigningKey};
use crate::domain::audit::{Act, Actor, Entry};
use crate::domain::hex;
use crate::domain::id::Id;
use crate::domain::refusal::{Failure, Stop};
use crate::domain::time::Timestamp;
use crate::store::tables::{BadRecord, Owner, Table, decode, encode, ids};
use crate::store::{Commit, Op, Store};
use chain::Whole;
use file::Log;

/// In the data folder.
pub const FOLDER: &str = "audit";
/// What the signing key is for; another purpose has another key.
const PURPOSE: &str = "sign the audit log";
/// What the log calls the weights in the program.
const OWN_WEIGHTS: &str = "embedded";
/// Entries under one checkpoint at most, and rows let go with one commit.
const BATCH: usize = 500;

/// The part of a commit that tells the audit log of it.
pub(super) fn noted(entry: &Entry) -> Result<Op, Stop> {
    let value = encode(entry).map_err(|bad| unreadable(Table::Audit, bad))?;
    Ok(Op::Append { table: Table::Audit, prefix: Vec::new(), at: entry.at, value, owner: Owner::System })
}

/// Notes that the index was built again, and why.
pub fn note_rebuilt(store: &Store, at: Timestamp, why: &str) -> Result<(), Stop> {
    let entry = Entry::new(at, Actor::System, Act::StoreRebuilt).word(why);
    let commit = Commit { ops: vec![noted(&entry)?], ..Commit::default() };
    store.commit(commit).map_err(|error| Failure(format!("commit: {error}")).into())
}

/// What a search answers with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// As they stand in the log, oldest first.
    pub lines: Vec<String>,
}

impl Service {
    /// An entry for what changes no record: a start, an export, a backup.
    pub fn note(&self, by: &Actor, act: Act, word: Option<String>) -> Result<(), Stop> {
        let entry = Entry { word, ..Entry::new(self.clock.now(), by.clone(), act) };
        let _ = self.commit(Commit { ops: vec![noted(&entry)?], ..Commit::default() })?;
        Ok(())
    }

    /// The same about one record of an account.
    pub fn note_about(&self, by: &Actor, act: Act, account: Id, subject: Id) -> Result<(), Stop> {
        let entry = Entry::new(self.clock.now(), by.clone(), act).of(account, subject);
        let _ = self.commit(Commit { ops: vec![noted(&entry)?], ..Commit::default() })?;
        Ok(())
    }

    /// Notes that the server starts, and whether its settings or its weights are others than at the last start. `bundle`: where
    /// the weights come from, if they are not the program's own.
    pub fn note_start(&self, bundle: Option<&str>) -> Result<(), Stop> {
        self.write_audit()?;
        self.note(&Actor::System, Act::ServerStarted, Some(env!("CARGO_PKG_VERSION").to_owned()))?;
        let settings = serde_json::to_vec(&self.config.settings).unwrap_or_default();
        let digest = hex::encode(&crypto::sha256(&settings));
        let last = self.search_audit("\"configuration.changed\"", 1)?.lines;
        if !last.iter().any(|line| line.contains(&digest)) {
            self.note(&Actor::System, Act::ConfigurationChanged, Some(digest))?;
        }
        let last = self.search_audit("\"models.activated\"", 1)?.lines.pop();
        let changed = match (bundle, last) {
            // The program's own from the beginning.
            (None, None) => false,
            (now, Some(last)) => !last.contains(&format!("\"{}\"", now.unwrap_or(OWN_WEIGHTS))),
            (Some(_), None) => true,
        };
        if changed {
            self.note(&Actor::System, Act::ModelsActivated, Some(bundle.unwrap_or(OWN_WEIGHTS).to_owned()))?;
        }
        self.write_audit().map(drop)
    }

    /// Writes what was noted to the file. Returns how many entries that were.
    pub fn write_audit(&self) -> Result<usize, Stop> {
        let key = self.audit_signer()?;
        let mut held = self.audit_log()?;
        let written = held.as_mut().map_or(Ok(0), |log| self.append_noted(log, &key));
        if written.is_err() {
            // What is on the disk now is unknown: opening it again finds out, and mends a torn end.
            *held = None;
        }
        written
    }

    fn append_noted(&self, log: &mut Log, key: &SigningKey) -> Result<usize, Stop> {
        let mut written = 0;
        loop {
            let after = log.last().map(|id| id.as_bytes().to_vec());
            let rows = self.store.scan(Table::Audit, &[], after.as_deref(), BATCH).map_err(failed)?;
            if rows.is_empty() {
                break;
            }
            let entries = rows.iter().map(|(row, value)| entry(row, value)).collect::<Result<Vec<_>, _>>();
            let entries = entries.map_err(|bad| unreadable(Table::Audit, bad))?;
            log.append(&entries, self.clock.now(), key).map_err(|error| Failure(format!("audit log: {error}")))?;
            for (id, Entry { actor, act, subject, word, .. }) in &entries {
                // For the system's journal: a witness elsewhere.
                tracing::info!(target: "audit", %id, %actor, ?act, subject = subject.map(tracing::field::display), word, "audit");
            }
            written += entries.len();
        }
        if written > 0 {
            tracing::info!(target: "audit", lines = log.head().lines, hash = hex::encode(&log.head().hash), "audit checkpoint");
            self.let_go(log.last())?;
        }
        Ok(written)
    }

    /// The last `count` lines.
    pub fn tail_audit(&self, count: usize) -> Result<Seen, Stop> {
        self.write_audit()?;
        self.read_audit(|log| log.tail(count))
    }

    /// The last `count` lines in which `word` stands.
    pub fn search_audit(&self, word: &str, count: usize) -> Result<Seen, Stop> {
        self.write_audit()?;
        self.read_audit(|log| log.search(word, count))
    }

    /// The lines about one id, as evidence.
    pub(super) fn audit_lines_about(&self, id: Id) -> Result<Vec<String>, Stop> {
        Ok(self.search_audit(&format!("\"{id}\""), BATCH)?.lines)
    }

    /// Checks the whole log as it stands.
    pub fn verify_audit(&self) -> Result<Whole, Stop> {
        self.write_audit()?;
        let signer = self.audit_signer()?.public();
        // Nothing is appended while it is read; what is noted meanwhile waits in the store.
        let _alone = self.audit_log()?;
        file::verify(&self.audit_folder(), Some(signer)).map_err(|why| Failure(format!("audit log: {why}")).into())
    }

    /// The public key of the log's checkpoints, and that of evidence bundles, hexadecimal.
    pub fn public_keys(&self) -> Result<(String, String), Stop> {
        let evidence = self.store.signing_key(super::evidence::PURPOSE).ok_or_else(no_key)?;
        Ok((hex::encode(&self.audit_signer()?.public()), hex::encode(&evidence.public())))
    }

    pub fn audit_folder(&self) -> PathBuf {
        self.config.data.dir.join(FOLDER)
    }

    fn audit_signer(&self) -> Result<SigningKey, Stop> {
        self.store.signing_key(PURPOSE).ok_or_else(no_key)
    }

    /// The log, opened at its first use. Whoever holds it is alone with it.
    pub(super) fn audit_log(&self) -> Result<MutexGuard<'_, Option<Log>>, Stop> {
        let mut log = self.audit.lock().unwrap_or_else(PoisonError::into_inner);
        if log.is_none() {
            let opened = Log::open(&self.audit_folder()).map_err(|error| Failure(format!("audit log: {error}")))?;
            // After a restore the log may be ahead of the store: what is noted next must not be taken for written.
            if let Some(last) = opened.last() {
                self.store.number_beyond(last);
            }
            *log = Some(opened);
        }
        Ok(log)
    }

    fn read_audit(&self, read: impl FnOnce(&Log) -> std::io::Result<Vec<String>>) -> Result<Seen, Stop> {
        let log = self.audit_log()?;
        let lines = log.as_ref().map_or_else(|| Ok(Vec::new()), read);
        Ok(Seen { lines: lines.map_err(|error| Failure(format!("audit log: {error}")))? })
    }

    /// Removes rows that are written, but for the last: by it the numbers of later ones are known to be greater.
    fn let_go(&self, last: Option<Id>) -> Result<(), Stop> {
        let Some(last) = last else { return Ok(()) };
        loop {
            let rows = self.store.scan(Table::Audit, &[], None, BATCH).map_err(failed)?;
            let written =
                rows.into_iter().map(|(row, _)| row).filter(|row| row.as_slice() < last.as_bytes().as_slice());
            let ops: Vec<Op> = written.map(|key| Op::Delete { table: Table::Audit, key }).collect();
            if ops.is_empty() {
                return Ok(());
            }
            let _ = self.commit(Commit { ops, ..Commit::default() })?;
        }
    }
}

fn no_key() -> Stop {
    Failure("there is no key to sign with".to_owned()).into()
}

fn entry(row: &[u8], value: &[u8]) -> Result<(Id, Entry), BadRecord> {
    let [id] = ids(row)?;
    Ok((id, decode(value)?))
}
