//! One random key per person, each in its own slot of one file, overwritten in place when the person is forgotten.
//!
//! A key is in memory only while it is used. A slot is 128 bytes, so that it never crosses a sector: after a power cut it is
//! there or it is not. Slots are wrapped under the account's key, so that a new master key leaves this file alone.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};

use super::disk::{Disk, DiskFile};
use super::error::{OpenError, StoreError};
use crate::crypto::{self, SecretKey};
use crate::domain::id::Id;

const SLOT_BYTES: usize = 128;
const HEADER: &[u8] = b"twoface people's keys, format 1\n";
/// One live byte, three spare, two ids, the wrapped key (12 + 32 + 16).
const BODY_BYTES: usize = 4 + 24 + 60;
const CHECK_BYTES: usize = 16;

/// Whose key: account and subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Person {
    pub account: Id,
    pub subject: Id,
}

pub(super) struct People {
    file: Box<dyn DiskFile>,
    slots: RwLock<Slots>,
    written: AtomicU64,
    synced: Mutex<u64>,
}

#[derive(Default)]
struct Slots {
    used: HashMap<Person, u32>,
    free: Vec<u32>,
    next: u32,
    /// Never used again, so that whoever looks into it finds what is left.
    damaged: u64,
}

impl People {
    pub(super) fn path(dir: &Path) -> PathBuf {
        dir.join("people.keys")
    }

    pub(super) fn create(disk: &dyn Disk, dir: &Path) -> Result<People, OpenError> {
        let path = People::path(dir);
        super::disk::replace(disk, &path, &header()).map_err(|e| OpenError::Io(path, e))?;
        People::open(disk, dir)
    }

    pub(super) fn open(disk: &dyn Disk, dir: &Path) -> Result<People, OpenError> {
        let path = People::path(dir);
        let io = |e| OpenError::Io(path.clone(), e);
        let file = disk.open(&path).map_err(io)?;
        let mut slots = Slots { next: 1, ..Slots::default() };
        let mut buffer = vec![0_u8; SLOT_BYTES * 4096];
        let mut offset = 0_u64;
        loop {
            let read = file.read_at(&mut buffer, offset).map_err(io)?;
            for (at, slot) in
                (offset..).step_by(SLOT_BYTES).zip(buffer.get(..read).unwrap_or_default().chunks(SLOT_BYTES))
            {
                let damaged = |what: &str| OpenError::Damaged { file: path.clone(), offset: at, what: what.into() };
                if at == 0 {
                    if slot != header() {
                        return Err(damaged("not the header of this file"));
                    }
                    continue;
                }
                let number = u32::try_from(at / SLOT_BYTES as u64).map_err(|_| damaged("too many slots"))?;
                // A file made longer by a write that was not synced ends in zeros or in part of a slot: nobody was told of it.
                if slot.len() < SLOT_BYTES {
                    continue;
                }
                slots.next = number + 1;
                match parse(slot) {
                    Slot::Free => slots.free.push(number),
                    Slot::Live(person) => {
                        slots.used.insert(person, number);
                    }
                    // Half of a write that was refused, or damage: then whatever that key sealed is refused when it is read.
                    Slot::Damaged => slots.damaged += 1,
                }
            }
            if read < buffer.len() {
                break;
            }
            offset += read as u64;
        }
        if offset == 0 && slots.next == 1 && file.length().map_err(io)? < SLOT_BYTES as u64 {
            return Err(OpenError::Damaged { file: path, offset: 0, what: "the file is cut short".into() });
        }
        Ok(People { file, slots: RwLock::new(slots), written: AtomicU64::new(0), synced: Mutex::new(0) })
    }

    /// The person's key; `None` if there is none.
    pub(super) fn get(&self, person: Person, wrapping: &SecretKey) -> Result<Option<SecretKey>, StoreError> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let Some(number) = slots.used.get(&person).copied() else { return Ok(None) };
        let mut slot = [0_u8; SLOT_BYTES];
        self.file.read_at(&mut slot, offset(number))?;
        drop(slots);
        let damaged = || StoreError::Damaged(format!("people.keys, slot {number}"));
        let wrapped = slot.get(BODY_BYTES - 60..BODY_BYTES).ok_or_else(damaged)?;
        let key = crypto::open(wrapping, &address(person), wrapped).map_err(|_| damaged())?;
        Ok(Some(SecretKey::from_bytes(key.try_into().map_err(|_| damaged())?)))
    }

    /// The person's key, made if there is none. Durable only after [`People::sync`].
    pub(super) fn make(&self, person: Person, wrapping: &SecretKey) -> Result<SecretKey, StoreError> {
        if let Some(key) = self.get(person, wrapping)? {
            return Ok(key);
        }
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        if slots.used.contains_key(&person) {
            drop(slots);
            return self.get(person, wrapping)?.ok_or(StoreError::Stopped);
        }
        let key = SecretKey::generate();
        let wrapped = crypto::seal(wrapping, &address(person), key.as_bytes())
            .map_err(|_| StoreError::Invalid("a key could not be wrapped"))?;
        let number = slots.free.last().copied().unwrap_or(slots.next);
        if let Err(e) = self.file.write_at(&slot(person, &wrapped), offset(number)) {
            // The slot is used next time; until then half a key should not lie in it.
            let _ = self.file.write_at(&[0; SLOT_BYTES], offset(number));
            return Err(e.into());
        }
        if slots.free.pop().is_none() {
            slots.next = number + 1;
        }
        slots.used.insert(person, number);
        self.written.fetch_add(1, Ordering::SeqCst);
        Ok(key)
    }

    /// Overwrites the keys in place, durably. What they sealed can no longer be read by anybody.
    pub(super) fn destroy(&self, people: &[Person]) -> Result<(), StoreError> {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        for person in people {
            if let Some(number) = slots.used.get(person).copied() {
                self.file.write_at(&[0; SLOT_BYTES], offset(number))?;
            }
        }
        self.file.sync()?;
        for person in people {
            if let Some(number) = slots.used.remove(person) {
                slots.free.push(number);
            }
        }
        Ok(())
    }

    /// Slots that hold neither a key nor nothing.
    pub(super) fn damaged(&self) -> u64 {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).damaged
    }

    pub(super) fn all(&self) -> Vec<Person> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).used.keys().copied().collect()
    }

    /// The whole file as it is, with no slot half written.
    pub(super) fn copy(&self) -> Result<Vec<u8>, StoreError> {
        let slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = vec![0; SLOT_BYTES * usize::try_from(slots.next).unwrap_or(usize::MAX)];
        self.file.read_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// Every key made so far is on the disk when this returns; callers that wait together share one sync.
    pub(super) fn sync(&self) -> Result<(), StoreError> {
        let wanted = self.written.load(Ordering::SeqCst);
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced >= wanted {
            return Ok(());
        }
        let covered = self.written.load(Ordering::SeqCst);
        self.file.sync()?;
        *synced = covered;
        Ok(())
    }
}

enum Slot {
    Free,
    Live(Person),
    Damaged,
}

fn parse(slot: &[u8]) -> Slot {
    if slot.iter().all(|byte| *byte == 0) {
        return Slot::Free;
    }
    let parts = slot.split_at_checked(BODY_BYTES).and_then(|(body, rest)| Some((body, rest.get(..CHECK_BYTES)?)));
    let Some((body, check)) = parts else { return Slot::Damaged };
    let clean_end = slot.get(BODY_BYTES + CHECK_BYTES..).is_some_and(|end| end.iter().all(|byte| *byte == 0));
    if !clean_end || crypto::sha256(body).get(..CHECK_BYTES) != Some(check) {
        return Slot::Damaged;
    }
    match (id_at(body, 4), id_at(body, 16)) {
        (Some(account), Some(subject)) => Slot::Live(Person { account, subject }),
        _ => Slot::Damaged,
    }
}

fn slot(person: Person, wrapped: &[u8]) -> Vec<u8> {
    let mut slot = Vec::with_capacity(SLOT_BYTES);
    slot.extend_from_slice(&[1, 0, 0, 0]);
    slot.extend_from_slice(person.account.as_bytes());
    slot.extend_from_slice(person.subject.as_bytes());
    slot.extend_from_slice(wrapped);
    let check = crypto::sha256(&slot);
    slot.extend_from_slice(check.get(..CHECK_BYTES).unwrap_or_default());
    slot.resize(SLOT_BYTES, 0);
    slot
}

fn header() -> Vec<u8> {
    let mut header = HEADER.to_vec();
    header.resize(SLOT_BYTES, 0);
    header
}

fn offset(number: u32) -> u64 {
    u64::from(number) * SLOT_BYTES as u64
}

fn address(person: Person) -> Vec<u8> {
    [b"person", &person.account.as_bytes()[..], &person.subject.as_bytes()[..]].concat()
}

fn id_at(bytes: &[u8], at: usize) -> Option<Id> {
    bytes.get(at..at + 12)?.try_into().ok().map(Id::from_bytes)
}
