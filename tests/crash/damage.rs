//! A store with a past, copies of it, and ways to damage a file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use twoface::store::{MasterKey, OpenOptions, Store};

use super::check::Unfinished;
use super::dice::Dice;
use super::kill::{CLIENTS, Figures, check};
use super::server::Site;
use super::story::{Story, Terms};

/// What each client does in each of the rounds.
const STEPS: usize = 16;
const ROUNDS: usize = 3;

/// A closed store, everything that was told about it, and its index as it was earlier.
pub struct Base {
    pub data: PathBuf,
    pub terms: Terms,
    pub stories: Vec<Story>,
    pub earlier_index: PathBuf,
    pub acknowledged: u64,
}

impl Base {
    /// Made by the real executable in several runs, with a checkpoint after each but the last.
    pub fn make(binary: &Path, folder: &Path, seed: u64) -> Result<Base, String> {
        let data = folder.join("store");
        let site = Site::prepare(binary, folder, &data)?;
        let terms = Terms { key: site.create_key()?, disk_fails: false };
        let mut stories: Vec<Story> = (0..CLIENTS).map(|client| Story::new(client, seed)).collect();
        let earlier_index = folder.join("earlier");
        for round in 1..=ROUNDS {
            let server = site.start()?;
            let http = server.client()?;
            stories.iter_mut().try_for_each(|story| story.live(&http, &terms, STEPS))?;
            let mut figures = Figures::default();
            check(&server, &terms, &mut stories, (usize::MAX, Unfinished::Wait), &mut figures)?;
            if let Some(fault) = figures.faults.first() {
                return Err(fault.to_string());
            }
            server.stop()?;
            if round == 1 {
                copy(&data.join("index"), &earlier_index).map_err(|error| error.to_string())?;
            }
            if round < ROUNDS {
                let (store, _) = Store::open(options(&data)).map_err(|error| error.to_string())?;
                store.checkpoint().map_err(|error| error.to_string())?;
            }
        }
        let acknowledged = stories.iter().map(|story| story.acknowledged).sum();
        Ok(Base { data, terms, stories, earlier_index, acknowledged })
    }
}

/// How to open a data folder without the executable.
pub fn options(data: &Path) -> OpenOptions {
    OpenOptions { cache_bytes: 8 << 20, ..OpenOptions::new(data, MasterKey::File(data.join("master.key"))) }
}

/// Copies a folder; sockets stay behind.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Every file under a folder, in order.
pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            found.extend(files(&entry.path())?);
        } else if entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// A way to damage a file's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    Flip,
    Zero,
    Noise,
    Truncate,
    Delete,
}

impl Harm {
    pub const ALL: [Harm; 5] = [Harm::Flip, Harm::Zero, Harm::Noise, Harm::Truncate, Harm::Delete];

    pub fn any(dice: &mut Dice) -> Harm {
        Harm::ALL.get(dice.index(Harm::ALL.len())).copied().unwrap_or(Harm::Flip)
    }

    /// Damages the file; `false` if it is the same afterwards (zeros that were zeros, an empty file).
    pub fn inflict(self, file: &Path, dice: &mut Dice) -> io::Result<bool> {
        if self == Harm::Delete {
            fs::remove_file(file)?;
            return Ok(true);
        }
        let before = fs::read(file)?;
        let mut bytes = before.clone();
        let start = dice.index(bytes.len());
        let end = bytes.len().min(start + 1 + dice.index(4096));
        match self {
            Harm::Truncate => bytes.truncate(start),
            Harm::Flip => {
                for _ in 0..=dice.below(4) {
                    let at = dice.index(bytes.len());
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= 1 << dice.below(8);
                    }
                }
            }
            Harm::Zero => bytes.get_mut(start..end).unwrap_or_default().fill(0),
            Harm::Noise | Harm::Delete => {
                let place = bytes.get_mut(start..end).unwrap_or_default();
                place.iter_mut().for_each(|byte| *byte = u8::try_from(dice.below(256)).unwrap_or(0));
            }
        }
        fs::write(file, &bytes)?;
        Ok(bytes != before)
    }
}
