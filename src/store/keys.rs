//! The keys that seal everything: one root, one per account, one per person.
//!
//! The root and the accounts' keys are random and lie wrapped under the master key in the small file `keys`, which is rewritten
//! whole; a new master key re-wraps that file and leaves all data alone. No key serves two purposes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

use super::disk::{self, Disk};
use super::error::{OpenError, StoreError};
use super::master::{self, MasterKey};
use super::people::{People, Person};
use super::tables::Owner;
use crate::crypto::{self, SecretKey};
use crate::domain::hex;
use crate::domain::id::Id;

/// The format of `keys`. Raise it when an older program could no longer read the file.
const FORMAT: u32 = 1;

pub(super) struct Keys {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    state: RwLock<State>,
    people: People,
    /// Whose data is gone for good; nothing is sealed for them again.
    forgotten: RwLock<HashSet<Person>>,
    /// Derived once: HKDF costs more than the sealing of a small row.
    system: SecretKey,
    blind: SecretKey,
}

struct State {
    /// Of the passphrase, if it is one.
    salt: [u8; 16],
    wrapping: SecretKey,
    root: SecretKey,
    accounts: HashMap<Id, SecretKey>,
}

/// What a key is used for. The text is part of the derivation and never changes.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Rows,
    Files,
    /// Wraps the keys of an account's people.
    People,
}

impl Purpose {
    fn text(self) -> &'static str {
        match self {
            Purpose::Rows => "rows",
            Purpose::Files => "files",
            Purpose::People => "people",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    salt: String,
    root: String,
    accounts: BTreeMap<Id, String>,
}

impl Keys {
    pub(super) fn open(disk: Arc<dyn Disk>, dir: &Path, source: &MasterKey) -> Result<Keys, OpenError> {
        let path = dir.join("keys");
        let state = read(disk.as_ref(), &path, source)?;
        let people = People::open(disk.as_ref(), dir)?;
        Ok(Keys::with(disk, path, state, people))
    }

    /// Draws the keys of a new store; they are not on the disk before [`Keys::publish`].
    pub(super) fn create(disk: Arc<dyn Disk>, dir: &Path, source: &MasterKey) -> Result<Keys, OpenError> {
        let salt = crypto::random();
        let wrapping = master::read(source, &salt, true)?.derive("wrap keys");
        let state = State { salt, wrapping, root: SecretKey::generate(), accounts: HashMap::new() };
        let people = People::create(disk.as_ref(), dir)?;
        Ok(Keys::with(disk, dir.join("keys"), state, people))
    }

    fn with(disk: Arc<dyn Disk>, path: PathBuf, state: State, people: People) -> Keys {
        let (system, blind) = (state.root.derive("rows"), state.root.derive("blind index"));
        Keys { disk, path, state: RwLock::new(state), people, forgotten: RwLock::default(), system, blind }
    }

    /// Puts the keys of a new store in place, last of all: from now on there is one.
    pub(super) fn publish(&self) -> Result<(), StoreError> {
        self.write(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether `dir` holds a store.
    pub(super) fn exist(disk: &dyn Disk, dir: &Path) -> Result<bool, OpenError> {
        let names = disk.list(dir).map_err(|e| OpenError::Io(dir.to_owned(), e))?;
        Ok(names.iter().any(|name| name == "keys"))
    }

    /// The key of this owner for this purpose; `None` if it has none.
    pub(super) fn get(&self, owner: Owner, purpose: Purpose) -> Result<Option<SecretKey>, StoreError> {
        match owner {
            Owner::System => Ok(Some(self.system(purpose))),
            Owner::Account(id) => Ok(self.account(id).map(|key| key.derive(purpose.text()))),
            Owner::Person { account, subject } => {
                let Some(wrapping) = self.account(account).map(|key| key.derive(Purpose::People.text())) else {
                    return Ok(None);
                };
                let key = self.people.get(Person { account, subject }, &wrapping)?;
                Ok(key.map(|key| key.derive(purpose.text())))
            }
        }
    }

    /// The key of this owner, made if there is none. A person's is durable only after [`Keys::sync_people`].
    pub(super) fn make(&self, owner: Owner, purpose: Purpose) -> Result<SecretKey, StoreError> {
        if self.is_forgotten(owner) {
            return Err(StoreError::Forgotten);
        }
        match owner {
            Owner::System => Ok(self.system(purpose)),
            Owner::Account(id) => Ok(self.make_account(id)?.derive(purpose.text())),
            Owner::Person { account, subject } => {
                let wrapping = self.make_account(account)?.derive(Purpose::People.text());
                Ok(self.people.make(Person { account, subject }, &wrapping)?.derive(purpose.text()))
            }
        }
    }

    /// Nothing more is made for these people; what there is can be read until [`Keys::destroy`].
    pub(super) fn forget(&self, people: &[Person]) {
        self.forgotten.write().unwrap_or_else(PoisonError::into_inner).extend(people);
    }

    pub(super) fn is_forgotten(&self, owner: Owner) -> bool {
        let Owner::Person { account, subject } = owner else { return false };
        self.forgotten.read().unwrap_or_else(PoisonError::into_inner).contains(&Person { account, subject })
    }

    /// From here on nobody can read what was sealed for them, wherever a copy of it may lie.
    pub(super) fn destroy(&self, people: &[Person]) -> Result<(), StoreError> {
        self.people.destroy(people)
    }

    /// People who were forgotten but whose key is still there: a crash came in between.
    pub(super) fn half_forgotten(&self) -> Vec<Person> {
        let forgotten = self.forgotten.read().unwrap_or_else(PoisonError::into_inner);
        self.people.all().into_iter().filter(|person| forgotten.contains(person)).collect()
    }

    pub(super) fn people(&self) -> &People {
        &self.people
    }

    /// Wraps all keys under a new master key. The data is not touched.
    pub(super) fn rotate(&self, source: &MasterKey) -> Result<(), OpenError> {
        let salt = crypto::random();
        let wrapping = master::read(source, &salt, true)?.derive("wrap keys");
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut state.wrapping, wrapping);
        let old_salt = std::mem::replace(&mut state.salt, salt);
        self.write(&state).inspect_err(|_| (state.wrapping, state.salt) = (old, old_salt))?;
        Ok(())
    }

    pub(super) fn sync_people(&self) -> Result<(), StoreError> {
        self.people.sync()
    }

    /// A key for the store's own use.
    pub(super) fn root(&self, purpose: &str) -> SecretKey {
        self.state.read().unwrap_or_else(PoisonError::into_inner).root.derive(purpose)
    }

    /// A keyed hash by which something can be looked up without being stored.
    pub(super) fn blind(&self, account: Id, purpose: &str, text: &str) -> [u8; 32] {
        // The purpose carries no zero byte, so that no two inputs have one spelling.
        crypto::keyed_hash(&self.blind, &[&account.as_bytes()[..], purpose.as_bytes(), &[0], text.as_bytes()].concat())
    }

    fn system(&self, purpose: Purpose) -> SecretKey {
        match purpose {
            Purpose::Rows => self.system.clone(),
            other => self.root(other.text()),
        }
    }

    fn account(&self, id: Id) -> Option<SecretKey> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).accounts.get(&id).cloned()
    }

    fn make_account(&self, id: Id) -> Result<SecretKey, StoreError> {
        if let Some(key) = self.account(id) {
            return Ok(key);
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = state.accounts.get(&id) {
            return Ok(key.clone());
        }
        let key = SecretKey::generate();
        state.accounts.insert(id, key.clone());
        if let Err(e) = self.write(&state) {
            state.accounts.remove(&id);
            return Err(e);
        }
        Ok(key)
    }

    fn write(&self, state: &State) -> Result<(), StoreError> {
        let wrap = |address: &[u8], key: &SecretKey| {
            crypto::seal(&state.wrapping, address, key.as_bytes())
                .map(|sealed| hex::encode(&sealed))
                .map_err(|_| StoreError::Invalid("a key could not be wrapped"))
        };
        let accounts = state.accounts.iter().map(|(id, key)| Ok((*id, wrap(id.as_bytes(), key)?)));
        let file = File {
            format: FORMAT,
            salt: hex::encode(&state.salt),
            root: wrap(b"root", &state.root)?,
            accounts: accounts.collect::<Result<_, StoreError>>()?,
        };
        let json =
            serde_json::to_string_pretty(&file).map_err(|_| StoreError::Invalid("the keys cannot be written"))?;
        // The check tells a damaged file from a wrong master key.
        let text = format!("{}\n{json}\n", hex::encode(&crypto::sha256(json.as_bytes())));
        Ok(disk::replace(self.disk.as_ref(), &self.path, text.as_bytes())?)
    }
}

fn read(disk: &dyn Disk, path: &Path, source: &MasterKey) -> Result<State, OpenError> {
    let damaged = |what: &str| OpenError::Damaged { file: path.to_owned(), offset: 0, what: what.into() };
    let bytes = disk::read_all(disk, path).map_err(|e| OpenError::Io(path.to_owned(), e))?;
    let text = String::from_utf8(bytes).map_err(|_| damaged("not text"))?;
    let (check, json) = text.split_once('\n').ok_or_else(|| damaged("cut short"))?;
    let json = json.strip_suffix('\n').ok_or_else(|| damaged("cut short"))?;
    if hex::decode(check) != Some(crypto::sha256(json.as_bytes())) {
        return Err(damaged("the content does not fit its checksum"));
    }
    let file: File = serde_json::from_str(json).map_err(|_| damaged("not the keys of a store"))?;
    if file.format > FORMAT {
        return Err(OpenError::Newer { file: path.to_owned(), version: file.format });
    }
    let salt = hex::decode(&file.salt).ok_or_else(|| damaged("the salt is malformed"))?;
    let wrapping = master::read(source, &salt, false)?.derive("wrap keys");
    let unwrap = |address: &[u8], text: &str| -> Result<SecretKey, OpenError> {
        let sealed = hex::decode::<60>(text).ok_or_else(|| damaged("a wrapped key is malformed"))?;
        let key = crypto::open(&wrapping, address, &sealed).map_err(|_| OpenError::WrongKey)?;
        Ok(SecretKey::from_bytes(key.try_into().map_err(|_| damaged("a wrapped key is malformed"))?))
    };
    let root = unwrap(b"root", &file.root)?;
    let accounts = file.accounts.iter().map(|(id, text)| Ok((*id, unwrap(id.as_bytes(), text)?)));
    let accounts = accounts.collect::<Result<HashMap<_, _>, OpenError>>()?;
    Ok(State { salt, wrapping, root, accounts })
}
