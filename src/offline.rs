//! Commands on a store that no server has open: check, build again, restore, verify a backup, change the master key.

use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;

use crate::clock::Clock;
use crate::config::Config;
use crate::server;
use crate::service::audit;
use crate::service::retention::files_of;
use crate::store::{self, MasterKey, Passphrase, Store};

type Done = Result<(), Box<dyn Error>>;

#[derive(Subcommand)]
pub enum Offline {
    /// Check the store without changing it; derives every index again and compares
    Fsck,
    /// Build the index again from the journal
    Rebuild,
    /// Put a backup into the configured, empty data folder
    Restore {
        /// Folder or .tar file that `twoface backup` made
        backup: PathBuf,
        /// The current list of erased people, as `twoface erasures` printed it: who is on it is forgotten before anything is served
        #[arg(long, value_name = "FILE")]
        erasures: PathBuf,
    },
    /// The master key
    #[command(subcommand)]
    Key(KeyCommand),
}

#[derive(Subcommand)]
pub enum KeyCommand {
    /// Seal the store's keys under a new master key; the data is not rewritten
    Rotate {
        /// Ask for a new passphrase instead of making a new key file
        #[arg(long)]
        passphrase: bool,
    },
}

pub fn run(config: &Config, command: &Offline) -> Done {
    match command {
        Offline::Fsck => fsck(config),
        Offline::Rebuild => {
            let (store, report) = Store::rebuild(server::store_options(config)?)?;
            audit::note_rebuilt(&store, Clock::system().now(), "asked for").map_err(|stop| stop.to_string())?;
            println!("The index was built again: {} rows.", report.rows);
            Ok(())
        }
        Offline::Restore { backup, erasures } => restore(config, backup, erasures),
        Offline::Key(KeyCommand::Rotate { passphrase }) => rotate(config, *passphrase),
    }
}

fn fsck(config: &Config) -> Done {
    let scratch = Scratch::beside(&config.data.dir, "fsck")?;
    let report = store::fsck(&server::store_options(config)?, &scratch.0, files_of)?;
    println!(
        "{} journal records, {} rows, {} index rows, {} files",
        report.journal_records, report.rows, report.index_rows, report.files
    );
    if report.torn || report.behind > 0 || report.orphans > 0 {
        println!(
            "The next start mends by itself: torn end {}, index behind by {}, files without a record {}",
            if report.torn { "yes" } else { "no" },
            report.behind,
            report.orphans
        );
    }
    for problem in &report.problems {
        println!("PROBLEM  {problem}");
    }
    match report.problems_total {
        0 => {
            println!("Nothing is wrong.");
            Ok(())
        }
        total => {
            Err(format!("{total} problems; restore a backup, or `twoface rebuild` if only the index is named").into())
        }
    }
}

fn restore(config: &Config, backup: &Path, erasures: &Path) -> Done {
    let list = fs::read_to_string(erasures).map_err(|error| format!("{}: {error}", erasures.display()))?;
    let options = server::store_options(config)?;
    if let MasterKey::File(path) = &options.master
        && !path.exists()
    {
        let text = format!("{}: the master key that the backup was made with must lie here first", path.display());
        return Err(text.into());
    }
    let opened = Opened::of(backup, &config.data.dir)?;
    let (_, report) = store::restore(opened.folder(), options, &list)?;
    let audit = opened.folder().join(audit::FOLDER);
    if audit.exists() {
        audit::file::copy(&audit, &config.data.dir.join(audit::FOLDER))?;
    }
    println!("Restored: {} rows. {} people of the erasure list were forgotten.", report.rows, report.forgotten);
    Ok(())
}

/// `twoface backup verify`.
pub fn verify_backup(config: &Config, backup: &Path) -> Done {
    let scratch = Scratch::beside(&config.data.dir, "verify")?;
    let opened = Opened::of(backup, &config.data.dir)?;
    let options = server::store_options(config)?;
    let report = store::verify_backup(opened.folder(), &options.master, &scratch.0)?;
    println!("The backup restores to what was backed up: {} rows, {} files.", report.rows, report.files);
    Ok(())
}

fn rotate(config: &Config, passphrase: bool) -> Done {
    let options = server::store_options(config)?;
    let current = match &options.master {
        MasterKey::File(path) => Some(path.clone()),
        _ => None,
    };
    let (store, _) = Store::open(options)?;
    if passphrase {
        let first = rpassword::prompt_password("New passphrase: ")?;
        if first.is_empty() || rpassword::prompt_password("Once more: ")? != first {
            return Err("the two differ, or are empty; nothing was changed".into());
        }
        store.rotate_master_key(&MasterKey::Passphrase(Passphrase::new(first)))?;
        println!("Done. Set `master_key = \"ask\"` under [data]; the old key opens nothing any more.");
        return Ok(());
    }
    let Some(current) = current else {
        return Err("the master key is no file; give `master_key` under [data] a file, or use --passphrase".into());
    };
    let new = current.with_extension("new");
    if new.exists() {
        return Err(format!("{} exists; it may be the store's key after an interrupted rotation", new.display()).into());
    }
    store.rotate_master_key(&MasterKey::File(new.clone()))?;
    fs::rename(&new, &current)?;
    println!(
        "Done. {} is the new key; the old one opens nothing any more. Copy it to where you keep keys.",
        current.display()
    );
    Ok(())
}

/// Packs a backup folder into one file beside it and removes the folder.
pub fn pack(folder: &Path, file: &Path) -> Done {
    let partial = file.with_extension("partial");
    let mut archive = tar::Builder::new(crate::tls::create_private(&partial)?);
    archive.append_dir_all(".", folder)?;
    let mut out = archive.into_inner()?;
    out.flush()?;
    out.sync_all()?;
    fs::rename(&partial, file)?;
    fs::remove_dir_all(folder)?;
    Ok(())
}

/// A backup as a folder: itself, or what an archive contained.
enum Opened {
    Folder(PathBuf),
    Archive(Scratch),
}

impl Opened {
    fn of(backup: &Path, data: &Path) -> Result<Self, Box<dyn Error>> {
        if backup.is_dir() {
            return Ok(Self::Folder(backup.to_owned()));
        }
        let file = fs::File::open(backup).map_err(|error| format!("{}: {error}", backup.display()))?;
        let scratch = Scratch::beside(data, "archive")?;
        // The library refuses entries that lead out of the folder.
        tar::Archive::new(file).unpack(&scratch.0).map_err(|error| format!("{}: {error}", backup.display()))?;
        Ok(Self::Archive(scratch))
    }

    fn folder(&self) -> &Path {
        match self {
            Self::Folder(folder) => folder,
            Self::Archive(scratch) => &scratch.0,
        }
    }
}

/// An empty folder beside the data (so that it lies on the same disk), removed when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn beside(data: &Path, purpose: &str) -> Result<Self, Box<dyn Error>> {
        let name = data.file_name().unwrap_or_default().to_string_lossy();
        let folder = data.with_file_name(format!("{name}.{purpose}-{}", std::process::id()));
        let made = fs::DirBuilder::new().mode(0o700).create(&folder);
        made.map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is sealed, and its name says what it was for.
        let _ = fs::remove_dir_all(&self.0);
    }
}
