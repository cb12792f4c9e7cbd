//! Backups: a folder with a checkpoint, the journal after it, the keys and the sealed files, made while the store serves.
//!
//! Whoever has an old backup and its master key can read what was in it, people forgotten since included: destroying a key here
//! does not reach copies elsewhere. So old backups are to be removed in time, and a restore applies the erasure list first.
//!
//! It is as sealed as the store itself and opens with the same master key. The manifest, written last and authenticated, names
//! every file with its hash and what the index must contain after a restore; without it a folder is no backup.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::core::{Core, Derive};
use super::disk::{self, Disk, RealDisk};
use super::erasures::{self, Erasures};
use super::error::{OpenError, StoreError};
use super::frame::{Kind, Writer};
use super::journal::{self, Torn};
use super::keys::Keys;
use super::master::MasterKey;
use super::open::{OpenOptions, OpenReport, Trust, lock};
use super::state::State;
use super::{Store, checkpoint, tables};
use crate::crypto;
use crate::domain::hex;

const FORMAT: u32 = 1;
const MANIFEST: &str = "manifest";
const KEYS: &str = "keys";
/// Bytes copied at a time.
const COPY_BYTES: usize = 1 << 20;

/// What a backup contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackupReport {
    /// The last journal record in it.
    pub record: u64,
    pub rows: u64,
    pub files: u64,
    /// Of those, the ones that were not in the folder yet.
    pub files_copied: u64,
    pub bytes_copied: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    /// The state of the index, in hexadecimal.
    state: String,
    entries: BTreeMap<String, Entry>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    length: u64,
    sha256: String,
}

impl Store {
    /// Makes the folder a backup of this moment; files that are in it from an earlier one are not copied again.
    pub fn backup(&self, to: &Path) -> Result<BackupReport, StoreError> {
        let _maintenance = self.core.maintenance();
        self.core.shared.files.hold();
        let result = self.core.backup(to);
        self.core.shared.files.release();
        result
    }
}

impl Core {
    fn backup(&self, to: &Path) -> Result<BackupReport, StoreError> {
        let shared = &self.shared;
        let (disk, from) = (shared.disk.as_ref(), shared.dir.as_path());
        if checkpoint::list(disk, from)?.is_empty() {
            self.checkpoint(1)?;
        }
        let state = self.roll()?;
        disk.create_dir(to)?;
        let old = read_manifest(disk, to, &shared.keys).map(|manifest| manifest.entries).unwrap_or_default();
        // From here until the new manifest is in place the folder is no backup.
        remove(disk, &to.join(MANIFEST))?;
        let mut copy =
            Copy { disk, keys: &shared.keys, from, to, entries: BTreeMap::new(), report: BackupReport::default() };
        copy.journal(state.lsn)?;
        for folder in 0..=u8::MAX {
            copy.files(&hex::encode(&[folder]), &shared.files.list(folder)?, &old)?;
        }
        // After the rows: whoever they are of has a key by now.
        copy.bytes("people.keys", &shared.keys.people().copy()?)?;
        copy.file("erasures")?;
        copy.file(KEYS)?;
        let mut report = copy.report;
        (report.record, report.rows) = (state.lsn, state.rows());
        write_manifest(disk, to, &shared.keys, &state, copy.entries)?;
        Ok(report)
    }
}

struct Copy<'a> {
    disk: &'a dyn Disk,
    keys: &'a Keys,
    from: &'a Path,
    to: &'a Path,
    entries: BTreeMap<String, Entry>,
    report: BackupReport,
}

impl Copy<'_> {
    /// The newest checkpoint, and every closed segment that is needed to go on from it.
    fn journal(&mut self, end: u64) -> Result<(), StoreError> {
        let newest = checkpoint::list(self.disk, self.from)?.last().copied();
        let start = newest.ok_or_else(|| StoreError::Damaged("the checkpoint is gone".into()))?;
        let mut wanted = vec![format!("checkpoint/{start:016x}.ckp")];
        let segments = journal::segments(self.disk, &journal::folder(self.from))?;
        let ends = segments.iter().skip(1).map(|next| next - 1).chain([end]);
        let needed: Vec<_> = segments.iter().zip(ends).filter(|(_, last)| *last > start).collect();
        wanted.extend(needed.iter().map(|(first, _)| format!("journal/{first:016x}.wal")));
        for folder in ["checkpoint", "journal"] {
            self.disk.create_dir(&self.to.join(folder))?;
            for name in self.disk.list(&self.to.join(folder))? {
                if !wanted.contains(&format!("{folder}/{name}")) {
                    remove(self.disk, &self.to.join(folder).join(name))?;
                }
            }
        }
        wanted.iter().try_for_each(|name| self.file(name))?;
        // Nothing after the checkpoint: the segment that is open now is being written, so an empty one stands for it.
        if needed.is_empty() {
            let path = journal::segment_path(&journal::folder(self.to), end + 1);
            Writer::create(self.disk, &path, Kind::Journal, &self.keys.root("journal"), end + 1)?;
            let entry = entry(&disk::read_all(self.disk, &path)?);
            self.entries.insert(format!("journal/{:016x}.wal", end + 1), entry);
        }
        Ok(())
    }

    /// One folder of sealed files. Their names are never used twice, so what has the name has the content.
    fn files(&mut self, folder: &str, names: &[String], old: &BTreeMap<String, Entry>) -> Result<(), StoreError> {
        let target = self.to.join("files").join(folder);
        let there = self.disk.list(&target)?;
        for name in there.iter().filter(|name| !names.contains(name)) {
            remove(self.disk, &target.join(name))?;
        }
        let names: Vec<_> = names.iter().filter(|name| !name.ends_with(".tmp")).collect();
        if !names.is_empty() {
            self.disk.create_dir(&target)?;
        }
        for name in names {
            let path = format!("files/{folder}/{name}");
            self.report.files += 1;
            match old.get(&path).filter(|_| there.contains(name)) {
                Some(entry) => drop(self.entries.insert(path, entry.clone())),
                None => {
                    self.file(&path)?;
                    self.report.files_copied += 1;
                }
            }
        }
        Ok(())
    }

    fn file(&mut self, name: &str) -> Result<(), StoreError> {
        let entry = copy_file(self.disk, &self.from.join(name), &self.to.join(name))?;
        self.report.bytes_copied += entry.length;
        self.entries.insert(name.to_owned(), entry);
        Ok(())
    }

    fn bytes(&mut self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        disk::replace(self.disk, &self.to.join(name), bytes)?;
        let entry = entry(bytes);
        self.report.bytes_copied += entry.length;
        self.entries.insert(name.to_owned(), entry);
        Ok(())
    }
}

/// Puts a backup into an empty folder and opens it. Everyone on the signed erasure list is forgotten before this returns, and
/// before the restored folder can be opened at all.
pub fn restore(backup: &Path, options: OpenOptions, erasures: &str) -> Result<(Store, OpenReport), OpenError> {
    restore_with(Arc::new(RealDisk), tables::index_rows, backup, options, Some(erasures))
}

/// Restores a backup into an empty scratch folder and compares the result, row by row and file by file, with what was backed
/// up. The scratch folder is left for the caller to remove.
pub fn verify_backup(backup: &Path, master: &MasterKey, scratch: &Path) -> Result<BackupReport, OpenError> {
    verify_with(tables::index_rows, backup, master, scratch)
}

pub(super) fn verify_with(
    derive: Derive,
    backup: &Path,
    master: &MasterKey,
    scratch: &Path,
) -> Result<BackupReport, OpenError> {
    let options = OpenOptions { reserve_bytes: 0, ..OpenOptions::new(scratch, master.clone()) };
    let (store, opened) = restore_with(Arc::new(RealDisk), derive, backup, options, None)?;
    let shared = &store.core.shared;
    let mut report = BackupReport { rows: opened.rows, record: store.core.state()?.lsn, ..BackupReport::default() };
    for folder in 0..=u8::MAX {
        for name in shared.files.list(folder)? {
            shared.files.check(&shared.keys, &name)?;
            report.files += 1;
        }
    }
    Ok(report)
}

pub(super) fn restore_with(
    disk: Arc<dyn Disk>,
    derive: Derive,
    backup: &Path,
    options: OpenOptions,
    list: Option<&str>,
) -> Result<(Store, OpenReport), OpenError> {
    let dir = options.dir.clone();
    let keys = Keys::open(disk.clone(), backup, &options.master)?;
    let manifest = read_manifest(disk.as_ref(), backup, &keys)?;
    let people = list.map(|list| erasures::import(list, &keys)).transpose()?.unwrap_or_default();
    disk.create_dir(&dir).map_err(|e| OpenError::Io(dir.clone(), e))?;
    let lock = lock(&dir)?;
    if Keys::exist(disk.as_ref(), &dir)? {
        return Err(StoreError::Invalid("there is a store in the folder already").into());
    }
    let copied = |name: &str, entry: &Entry| -> Result<(), OpenError> {
        let (from, to) = (backup.join(name), dir.join(name));
        let io = |e| OpenError::Io(from.clone(), e);
        to.parent().map_or(Ok(()), |folder| disk.create_dir(folder)).map_err(io)?;
        let found = copy_file(disk.as_ref(), &from, &to).map_err(io)?;
        if found.length == entry.length && found.sha256 == entry.sha256 {
            return Ok(());
        }
        Err(OpenError::Damaged { file: from, offset: 0, what: "not what was backed up".into() })
    };
    for (name, entry) in manifest.entries.iter().filter(|(name, _)| *name != KEYS) {
        copied(name, entry)?;
    }
    // Who is on the list but still has a key is forgotten when the folder is opened, whoever opens it.
    Erasures::open(&disk, &dir, &keys, Torn::Cut)?.add(&people)?;
    let entry = manifest.entries.get(KEYS).ok_or(StoreError::Invalid("the backup has no keys"))?;
    copied(KEYS, entry)?;
    drop(lock);
    let wanted = hex_bytes(&manifest.state).and_then(|bytes| State::decode(&bytes));
    let wanted = wanted.ok_or(StoreError::Invalid("the manifest names no state"))?;
    Store::open_on(disk, derive, options, Trust::IfExactly(&wanted))
}

fn write_manifest(
    disk: &dyn Disk,
    to: &Path,
    keys: &Keys,
    state: &State,
    entries: BTreeMap<String, Entry>,
) -> Result<(), StoreError> {
    let manifest = Manifest { format: FORMAT, state: hex::encode(&state.encode()), entries };
    let invalid = |_| StoreError::Invalid("the manifest cannot be written");
    let json = serde_json::to_string(&manifest).map_err(invalid)?;
    let check = hex::encode(&crypto::keyed_hash(&keys.root("backup"), json.as_bytes()));
    Ok(disk::replace(disk, &to.join(MANIFEST), format!("{check}\n{json}").as_bytes())?)
}

fn read_manifest(disk: &dyn Disk, backup: &Path, keys: &Keys) -> Result<Manifest, OpenError> {
    let path = backup.join(MANIFEST);
    let damaged = |what: &str| OpenError::Damaged { file: path.clone(), offset: 0, what: what.into() };
    let bytes = match disk::read_all(disk, &path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(damaged("missing; the backup was not finished")),
        other => other.map_err(|e| OpenError::Io(path.clone(), e))?,
    };
    let text = String::from_utf8(bytes).map_err(|_| damaged("not text"))?;
    let (check, json) = text.split_once('\n').ok_or_else(|| damaged("cut short"))?;
    if hex::decode(check) != Some(crypto::keyed_hash(&keys.root("backup"), json.as_bytes())) {
        return Err(damaged("not what was written"));
    }
    let manifest: Manifest = serde_json::from_str(json).map_err(|_| damaged("not a manifest"))?;
    if manifest.format > FORMAT {
        return Err(OpenError::Newer { file: path, version: manifest.format });
    }
    Ok(manifest)
}

fn entry(bytes: &[u8]) -> Entry {
    Entry { length: bytes.len() as u64, sha256: hex::encode(&crypto::sha256(bytes)) }
}

fn copy_file(disk: &dyn Disk, from: &Path, to: &Path) -> io::Result<Entry> {
    let (source, temporary) = (disk.open(from)?, to.with_extension("tmp"));
    let target = disk.create(&temporary)?;
    let mut hash = crypto::Hasher::default();
    let mut buffer = vec![0; COPY_BYTES];
    let mut length = 0;
    loop {
        let read = source.read_at(&mut buffer, length)?;
        let bytes = buffer.get(..read).unwrap_or_default();
        target.write_at(bytes, length)?;
        hash.update(bytes);
        length += read as u64;
        if read < COPY_BYTES {
            break;
        }
    }
    target.sync()?;
    disk.rename(&temporary, to)?;
    to.parent().map_or(Ok(()), |folder| disk.sync_dir(folder))?;
    Ok(Entry { length, sha256: hex::encode(&hash.finish()) })
}

fn remove(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    text.as_bytes().chunks(2).map(|pair| hex::decode::<1>(std::str::from_utf8(pair).ok()?).map(|[byte]| byte)).collect()
}
