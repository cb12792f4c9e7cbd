//! The list of everyone who was forgotten: kept for good, because an older backup still knows them.
//!
//! It holds ids and times only. It is exported with a signature, and a restore demands it and applies it before anything is
//! served.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::disk::Disk;
use super::error::{OpenError, StoreError};
use super::frame::{Kind, ReadError, Reader, Writer};
use super::journal::Torn;
use super::keys::Keys;
use super::people::Person;
use crate::crypto::{self, SigningKey};
use crate::domain::hex;
use crate::domain::id::Id;
use crate::domain::time::Timestamp;

/// Who was forgotten, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erasure {
    pub account: Id,
    pub subject: Id,
    pub at: Timestamp,
}

pub(super) struct Erasures {
    list: Mutex<List>,
}

struct List {
    writer: Writer,
    /// Of the next frame.
    number: u64,
    entries: Vec<Erasure>,
}

/// Times are milliseconds in eight bytes.
const ENTRY_BYTES: usize = 12 + 12 + 8;

pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join("erasures")
}

impl Erasures {
    pub(super) fn create(disk: &dyn Disk, dir: &Path, keys: &Keys) -> Result<(), OpenError> {
        let path = path(dir);
        Writer::create(disk, &path, Kind::Erasures, &keys.root("erasures"), 1)
            .map(drop)
            .map_err(|e| OpenError::Io(path, e))
    }

    pub(super) fn open(disk: &Arc<dyn Disk>, dir: &Path, keys: &Keys, torn: Torn) -> Result<Erasures, OpenError> {
        let path = path(dir);
        let io = |e| OpenError::Io(path.clone(), e);
        let mut reader = Reader::open(disk, &path, Kind::Erasures, &keys.root("erasures"))?;
        let (mut entries, mut number) = (Vec::new(), 1);
        loop {
            let offset = reader.offset;
            let damaged = || OpenError::Damaged { file: path.clone(), offset, what: "not what was written".into() };
            match reader.next() {
                Ok(None) => break,
                Ok(Some(frame)) if frame.number == number => {
                    for entry in frame.plain.chunks(ENTRY_BYTES) {
                        entries.push(decode(entry).ok_or_else(damaged)?);
                    }
                    number += 1;
                }
                Ok(Some(_)) => return Err(damaged()),
                Err(ReadError::Io(e)) => return Err(io(e)),
                Err(ReadError::Bad) => match reader.any_after(offset) {
                    Ok(false) => {
                        if torn == Torn::Cut {
                            reader.cut().map_err(io)?;
                        }
                        break;
                    }
                    Ok(true) | Err(ReadError::Bad) => return Err(damaged()),
                    Err(ReadError::Io(e)) => return Err(io(e)),
                },
            }
        }
        let people: Vec<Person> = entries.iter().map(person).collect();
        keys.forget(&people);
        Ok(Erasures { list: Mutex::new(List { writer: Writer::resume(reader), number, entries }) })
    }

    /// Durable when it returns.
    pub(super) fn add(&self, new: &[Erasure]) -> Result<(), StoreError> {
        if new.is_empty() {
            return Ok(());
        }
        let mut list = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        let list = &mut *list;
        let (before, number) = (list.writer.offset(), list.number);
        let plain: Vec<u8> = new.iter().flat_map(encode).collect();
        // An empty frame follows, so that damage to the names cannot pass for a torn end.
        for plain in [&plain[..], &[]] {
            if let Err(e) = list.writer.append(list.number, plain).and_then(|()| list.writer.sync()) {
                list.number = number;
                list.writer.cut_to(before).and_then(|()| list.writer.sync()).map_err(StoreError::failed)?;
                return Err(e.into());
            }
            list.number += 1;
        }
        list.entries.extend(new);
        Ok(())
    }

    pub(super) fn all(&self) -> Vec<Erasure> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner).entries.clone()
    }
}

/// The list as one line of JSON and its signature (Ed25519) by a key that belongs to this store, in hexadecimal on a second.
pub(super) fn export(entries: &[Erasure], keys: &Keys) -> Result<String, StoreError> {
    let invalid = || StoreError::Invalid("the erasure list could not be written");
    let signer = signer(keys)?;
    let json = serde_json::to_string(entries).map_err(|_| invalid())?;
    let signature = signer.sign(json.as_bytes());
    Ok(format!("{json}\n{}\n", hex::encode(&signature)))
}

/// The inverse; refused unless this very store signed it.
pub(super) fn import(text: &str, keys: &Keys) -> Result<Vec<Erasure>, StoreError> {
    let refused = || StoreError::Invalid("the erasure list was not signed by this store");
    let (json, signature) = text.trim_end().split_once('\n').ok_or_else(refused)?;
    let signature = hex::decode::<64>(signature).ok_or_else(refused)?;
    let public = signer(keys)?.public();
    if !crypto::verify(&public, json.as_bytes(), &signature) {
        return Err(refused());
    }
    serde_json::from_str(json).map_err(|_| refused())
}

pub(super) fn person(entry: &Erasure) -> Person {
    Person { account: entry.account, subject: entry.subject }
}

fn signer(keys: &Keys) -> Result<SigningKey, StoreError> {
    SigningKey::from_seed(&keys.root("sign the erasure list")).ok_or(StoreError::Invalid("no key to sign with"))
}

fn encode(entry: &Erasure) -> Vec<u8> {
    [&entry.account.as_bytes()[..], &entry.subject.as_bytes()[..], &entry.at.as_millis().to_be_bytes()].concat()
}

fn decode(bytes: &[u8]) -> Option<Erasure> {
    let (account, rest) = bytes.split_first_chunk::<12>()?;
    let (subject, rest) = rest.split_first_chunk::<12>()?;
    let at = Timestamp::from_millis(i64::from_be_bytes(rest.try_into().ok()?));
    Some(Erasure { account: Id::from_bytes(*account), subject: Id::from_bytes(*subject), at })
}
