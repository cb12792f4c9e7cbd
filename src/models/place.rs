//! Where installed bundles lie: `models/` in the data folder.
//!
//! ```text
//! in-force     a line for each bundle that is kept, its id and version; the last one is in force, none: the program's own weights
//! ID/          a bundle's files, with its signed listing
//! lock         held by whoever changes anything here
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::bundle::{ARCHIVE, Bundle, Contents};
use crate::config::Config;
use crate::domain::hex;
use crate::vision::weights::Models;

const IN_FORCE: &str = "in-force";
const LISTING: &str = ARCHIVE.listing;
const SIGNATURE: &str = "signature";
/// The one in force, and the one to go back to.
const KEPT: usize = 2;

pub struct Place {
    data: PathBuf,
    folder: PathBuf,
    /// Who may make bundles.
    signer: Option<[u8; 32]>,
}

/// A bundle that is kept here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub id: String,
    pub version: String,
}

impl Place {
    pub fn of(config: &Config) -> Self {
        let data = config.data.dir.clone();
        Self { folder: data.join("models"), data, signer: config.networks.bundle_key.0 }
    }

    pub fn signer(&self) -> Result<[u8; 32], String> {
        self.signer
            .ok_or_else(|| "networks.bundle_key is not set: it says whose bundles of weights are taken here".to_owned())
    }

    /// What is kept, the one in force last.
    pub fn kept(&self) -> Result<Vec<Kept>, String> {
        let path = self.folder.join(IN_FORCE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(format!("{}: {error}", path.display())),
        };
        let line = |line: &str| {
            let (id, version) = line.split_once(' ')?;
            let is_id = id.len() == 16 && hex::decode::<8>(id).is_some();
            is_id.then(|| Kept { id: id.to_owned(), version: version.to_owned() })
        };
        text.lines().map(|text| line(text).ok_or_else(|| format!("{}: damaged", path.display()))).collect()
    }

    /// The models of a bundle that is kept here: its signature and its files are checked once more.
    pub fn models(&self, kept: &Kept) -> Result<Models, String> {
        let folder = self.folder.join(&kept.id);
        let read = |name: &str| fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"));
        let listing = read(LISTING)?;
        ARCHIVE.verify(&listing, &read(SIGNATURE)?, Some(self.signer()?))?;
        let contents = Contents::parse(&listing)?;
        let files = contents.files.keys().map(|path| Ok((path.clone(), read(path)?)));
        contents.check(&files.collect::<Result<BTreeMap<_, _>, String>>()?)?;
        Models::in_folder(&folder).map_err(|error| error.to_string())
    }

    /// Puts a bundle here, has it tried, and lets it be in force from the next start. If `trial` refuses it, nothing has changed.
    pub fn install(&self, bundle: &Bundle, trial: impl FnOnce(&Models) -> Result<(), String>) -> Result<Kept, String> {
        let _alone = self.lock()?;
        let new = Kept { id: bundle.id(), version: bundle.contents.version.clone() };
        let mut kept = self.kept()?;
        // One that was damaged since is put here again.
        if kept.last() == Some(&new) && self.models(&new).is_ok() {
            return Err("it is in force already".to_owned());
        }
        let said = |error: io::Error| format!("{}: {error}", self.folder.display());
        let unfinished = self.folder.join(format!("{}.tmp", new.id));
        remove(&unfinished).map_err(said)?;
        let tried = self.unpack(bundle, &unfinished).map_err(said).and_then(|()| {
            let models = Models::in_folder(&unfinished).map_err(|error| error.to_string())?;
            trial(&models)
        });
        if let Err(why) = tried {
            remove(&unfinished).map_err(said)?;
            return Err(why);
        }
        let folder = self.folder.join(&new.id);
        remove(&folder).and_then(|()| fs::rename(&unfinished, &folder)).map_err(said)?;
        kept.retain(|one| one.id != new.id);
        kept.push(new.clone());
        kept.drain(..kept.len().saturating_sub(KEPT));
        self.keep(&kept).map_err(said)?;
        Ok(new)
    }

    /// Back to what was in force before: the bundle before, or the program's own weights (`None`), at once if `all`.
    pub fn roll_back(&self, all: bool) -> Result<Option<Kept>, String> {
        if self.kept()?.is_empty() {
            return Err("the program's own weights are in force; there is nothing to go back to".to_owned());
        }
        let _alone = self.lock()?;
        let mut kept = self.kept()?;
        kept.pop();
        if all {
            kept.clear();
        }
        self.keep(&kept).map_err(|error| format!("{}: {error}", self.folder.display()))?;
        Ok(kept.pop())
    }

    /// Says what is kept, then removes what is not.
    fn keep(&self, kept: &[Kept]) -> io::Result<()> {
        let text: String = kept.iter().map(|one| format!("{} {}\n", one.id, one.version)).collect();
        let unfinished = self.folder.join("in-force.tmp");
        write(&unfinished, text.as_bytes())?;
        // The folders' names are on the disk before the line that counts on them.
        sync(&self.folder)?;
        fs::rename(&unfinished, self.folder.join(IN_FORCE))?;
        sync(&self.folder)?;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() && !kept.iter().any(|one| one.id == name) {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }

    fn unpack(&self, bundle: &Bundle, folder: &Path) -> io::Result<()> {
        private(folder)?;
        let own = [(LISTING, &bundle.listing), (SIGNATURE, &bundle.signature)];
        for (name, bytes) in bundle.files.iter().map(|(name, bytes)| (name.as_str(), bytes)).chain(own) {
            write(&folder.join(name), bytes)?;
        }
        sync(folder)
    }

    fn lock(&self) -> Result<File, String> {
        let said = |error: io::Error| format!("{}: {error}", self.folder.display());
        if !self.data.exists() {
            return Err(format!("{}: start the server once, so that there is a store", self.data.display()));
        }
        // What another user puts here the server could not read, and would not start.
        if fs::metadata(&self.data).map_err(said)?.uid() != rustix::process::geteuid().as_raw() {
            return Err(
                "the data belongs to another user; do this as that one (`sudo -u twoface twoface models …`)".into()
            );
        }
        if !self.folder.exists() {
            private(&self.folder).and_then(|()| sync(&self.data)).map_err(said)?;
        }
        let file = File::options().create(true).truncate(false).write(true).open(self.folder.join("lock"));
        let file = file.map_err(said)?;
        file.try_lock().map_err(|error| format!("somebody else is changing the weights: {error}"))?;
        Ok(file)
    }
}

fn private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(folder)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
