//! Sealed files beside the index: photos, clips, and values too large for a row.
//!
//! A file is complete and durable under its name before anything refers to it (temporary name, sync, rename, sync of the
//! folder), is never changed, and is checked on every read. It is sealed in chunks, each bound to its place.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::disk::{self, Disk};
use super::error::StoreError;
use super::keys::{Keys, Purpose};
use super::row::{decode_owner, encode_owner};
use super::tables::Owner;
use crate::crypto::{self, SecretKey};
use crate::domain::hex;

/// Plain bytes in a chunk: large enough that the tag costs nothing, small enough to seal while a clip is still arriving.
const CHUNK_BYTES: usize = 64 * 1024;
const MAGIC: &[u8] = b"2FFILE1\n";
/// Nonce and tag of a chunk.
const OVERHEAD: usize = 12 + 16;

/// Where a file is and what must be in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRef {
    pub name: String,
    /// Of the plain bytes.
    #[serde(with = "digest")]
    pub sha256: [u8; 32],
    pub length: u64,
}

impl FileRef {
    pub(super) fn encode(&self) -> Result<Vec<u8>, StoreError> {
        serde_json::to_vec(self).map_err(|_| StoreError::Invalid("a file reference could not be written"))
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<FileRef> {
        serde_json::from_slice(bytes).ok()
    }
}

pub(super) struct Files {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    names: SecretKey,
    /// In the name of every file of this run, so that the sweeper leaves alone what is about to be referred to.
    run: String,
    /// While a backup copies files, deletions wait here.
    held: Mutex<Option<Vec<String>>>,
    /// Folders whose names are known to be on the disk.
    folders: Mutex<HashSet<PathBuf>>,
}

impl Files {
    pub(super) fn new(disk: Arc<dyn Disk>, dir: &Path, keys: &Keys) -> Files {
        let run = hex::encode(&crypto::random::<4>());
        Files {
            disk,
            dir: dir.join("files"),
            names: keys.root("file names"),
            run,
            held: Mutex::default(),
            folders: Mutex::default(),
        }
    }

    /// Durable when it returns.
    pub(super) fn put(&self, keys: &Keys, owner: Owner, bytes: &[u8]) -> Result<FileRef, StoreError> {
        let key = keys.make(owner, Purpose::Files)?;
        keys.sync_people()?;
        let name = format!("{}-{}-{}", self.prefix(owner), self.run, hex::encode(&crypto::random::<8>()));
        let sealed = seal(&key, &name, owner, bytes)?;
        let path = self.path(&name)?;
        path.parent().map_or(Ok(()), |folder| self.make(folder))?;
        disk::replace(self.disk.as_ref(), &path, &sealed)?;
        Ok(FileRef { name, sha256: crypto::sha256(bytes), length: bytes.len() as u64 })
    }

    /// Once in a run for each folder: syncing names costs as much as syncing bytes.
    fn make(&self, folder: &Path) -> Result<(), StoreError> {
        if !self.folders.lock().unwrap_or_else(PoisonError::into_inner).contains(folder) {
            self.disk.create_dir(folder)?;
            self.folders.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.to_owned());
        }
        Ok(())
    }

    pub(super) fn get(&self, keys: &Keys, file: &FileRef) -> Result<Vec<u8>, StoreError> {
        let sealed = disk::read_all(self.disk.as_ref(), &self.path(&file.name)?)?;
        let damaged = || StoreError::Damaged(format!("file {}", file.name));
        let plain = open(keys, &file.name, &sealed)?;
        if plain.len() as u64 != file.length || crypto::sha256(&plain) != file.sha256 {
            return Err(damaged());
        }
        Ok(plain)
    }

    /// No error if it is gone already.
    pub(super) fn delete(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path(name)?;
        if let Some(held) = self.held.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            held.push(name.to_owned());
            return Ok(());
        }
        match self.disk.remove(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(e.into()),
            Ok(()) => path.parent().map_or(Ok(()), |dir| Ok(self.disk.sync_dir(dir)?)),
        }
    }

    /// The names of all files that were there before this run, one folder at a time.
    pub(super) fn older(&self, folder: u8) -> Result<Vec<String>, StoreError> {
        let ours = format!("-{}-", self.run);
        Ok(self.list(folder)?.into_iter().filter(|name| !name.contains(&ours)).collect())
    }

    pub(super) fn list(&self, folder: u8) -> Result<Vec<String>, StoreError> {
        Ok(self.disk.list(&self.dir.join(hex::encode(&[folder])))?)
    }

    /// Removes everything that was put for this owner.
    pub(super) fn delete_all(&self, owner: Owner) -> Result<u64, StoreError> {
        let prefix = self.prefix(owner);
        let names = self.disk.list(&self.dir.join(prefix.get(..2).unwrap_or_default()))?;
        let theirs: Vec<_> = names.iter().filter(|name| name.starts_with(&prefix)).collect();
        theirs.iter().try_for_each(|name| self.delete(name))?;
        Ok(theirs.len() as u64)
    }

    /// Until [`Files::release`] nothing is deleted.
    pub(super) fn hold(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
    }

    /// Makes up for what was asked meanwhile; the sweeper removes what fails.
    pub(super) fn release(&self) {
        let names = self.held.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
        names.iter().for_each(|name| drop(self.delete(name)));
    }

    /// Whether the file opens at all, whatever its content should be.
    pub(super) fn check(&self, keys: &Keys, name: &str) -> Result<(), StoreError> {
        open(keys, name, &disk::read_all(self.disk.as_ref(), &self.path(name)?)?).map(drop)
    }

    /// The same for all owners' files: a keyed hash, so that a name tells nothing.
    fn prefix(&self, owner: Owner) -> String {
        let hash = crypto::keyed_hash(&self.names, &encode_owner(owner));
        hex::encode(hash.get(..12).unwrap_or_default())
    }

    pub(super) fn path(&self, name: &str) -> Result<PathBuf, StoreError> {
        // A temporary file has the name of the one that it was to become.
        let stem = name.strip_suffix(".tmp").unwrap_or(name);
        let plain = stem.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        let folder = name.get(..2).filter(|_| plain).ok_or(StoreError::Invalid("not a file's name"))?;
        Ok(self.dir.join(folder).join(name))
    }
}

fn seal(key: &SecretKey, name: &str, owner: Owner, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let owner = encode_owner(owner);
    let mut sealed =
        Vec::with_capacity(MAGIC.len() + owner.len() + bytes.len() + OVERHEAD * (1 + bytes.len() / CHUNK_BYTES));
    sealed.extend_from_slice(MAGIC);
    sealed.extend_from_slice(&owner);
    let chunks = bytes.len().div_ceil(CHUNK_BYTES).max(1);
    for index in 0..chunks {
        let start = index * CHUNK_BYTES;
        let chunk = bytes.get(start..(start + CHUNK_BYTES).min(bytes.len())).unwrap_or_default();
        let chunk = crypto::seal(key, &address(name, &owner, index, index + 1 == chunks), chunk)
            .map_err(|_| StoreError::Invalid("a file could not be sealed"))?;
        sealed.extend_from_slice(&chunk);
    }
    Ok(sealed)
}

fn open(keys: &Keys, name: &str, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
    let damaged = || StoreError::Damaged(format!("file {name}"));
    let rest = sealed.strip_prefix(MAGIC).ok_or_else(damaged)?;
    let (owner, length) = decode_owner(rest).ok_or_else(damaged)?;
    let (owner_bytes, body) = rest.split_at_checked(length).ok_or_else(damaged)?;
    let key = keys.get(owner, Purpose::Files)?.ok_or_else(damaged)?;
    let mut plain = Vec::with_capacity(body.len());
    let chunks = body.len().div_ceil(CHUNK_BYTES + OVERHEAD);
    for (index, chunk) in body.chunks(CHUNK_BYTES + OVERHEAD).enumerate() {
        let address = address(name, owner_bytes, index, index + 1 == chunks);
        plain.extend_from_slice(&crypto::open(&key, &address, chunk).map_err(|_| damaged())?);
    }
    if chunks == 0 { Err(damaged()) } else { Ok(plain) }
}

fn address(name: &str, owner: &[u8], index: usize, last: bool) -> Vec<u8> {
    let place = [b"file\0", name.as_bytes(), &[0], owner].concat();
    [&place[..], &(index as u64).to_be_bytes(), &[u8::from(last)]].concat()
}

mod digest {
    use crate::domain::hex;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(&text).ok_or_else(|| serde::de::Error::custom("not a SHA-256"))
    }
}
