//! Damage to what an index is built from: journal, checkpoints, sealed files, keys. It is told, and never served.
//!
//! Most damage is judged with the library, which is quick; a part goes through the executable and its answers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use twoface::domain::hex;
use twoface::domain::job::Job;
use twoface::store::tables::{Table, decode};
use twoface::store::{FileRef, Store, fsck};

use super::check::{Fault, Unfinished};
use super::damage::{Base, Harm, copy, files, options};
use super::dice::Dice;
use super::kill::{Figures, check, progress};
use super::server::Site;

/// Every so many copies are served by the executable.
const SERVED_EVERY: u64 = 4;
const PAGE: usize = 500;

/// How damage came out.
#[derive(Debug, Default)]
pub struct Told {
    pub cycles: u64,
    /// The store refused to open, and named the file.
    pub at_start: u64,
    /// It opened, and refused to read what the damage touched.
    pub on_read: u64,
    /// Everything is there, from elsewhere; the check of the store tells of the damage.
    pub by_fsck: u64,
    /// Copies that were served by the executable.
    pub served: u64,
    pub by_file: BTreeMap<&'static str, u64>,
    /// Nobody told of it.
    pub unnoticed: Vec<String>,
    /// Something is missing or other than it was, and was handed out as if it were right.
    pub wrong: Vec<String>,
}

/// What is in the undamaged store.
struct Truth {
    rows: Vec<(Table, Vec<u8>, Vec<u8>)>,
    files: Vec<(FileRef, Vec<u8>)>,
}

/// Damages `cycles` copies of one store.
pub fn run(binary: &Path, folder: &Path, seed: u64, cycles: u64) -> Result<Told, String> {
    let base = Base::make(binary, folder, seed)?;
    let truth = Truth::read(&base.data)?;
    let mut dice = Dice::new(seed);
    let mut told = Told::default();
    for cycle in 0..cycles {
        progress(cycle, cycles);
        let trial = tempfile::tempdir_in(folder).map_err(|error| error.to_string())?;
        let site = Site::prepare(binary, trial.path(), &trial.path().join("store"))?;
        let harmed = damage(&base, &site.data, &mut dice).map_err(|error| error.to_string())?;
        *told.by_file.entry(harmed.kind).or_default() += 1;
        let what = format!("cycle {cycle}: {}", harmed.what);
        let noticed = noticed_by_fsck(&site.data, trial.path(), &what)?;
        let outcome = match cycle % SERVED_EVERY {
            0 => {
                told.served += 1;
                serve(&site, &base, &harmed)
            }
            _ => truth.compare(&site.data, &harmed),
        };
        told.cycles += 1;
        match outcome? {
            Outcome::Refused => told.at_start += 1,
            Outcome::RefusedOnRead => told.on_read += 1,
            Outcome::Right if noticed => told.by_fsck += 1,
            Outcome::Right => told.unnoticed.push(what),
            Outcome::Wrong(why) => told.wrong.push(format!("{what}: {why}")),
        }
    }
    Ok(told)
}

enum Outcome {
    Refused,
    RefusedOnRead,
    Right,
    Wrong(String),
}

struct Harmed {
    kind: &'static str,
    what: String,
    /// What a refusal has to name.
    name: String,
}

/// A copy of the store with one damaged file; sometimes without its index, so that everything has to come from the rest.
fn damage(base: &Base, data: &Path, dice: &mut Dice) -> std::io::Result<Harmed> {
    copy(&base.data, data)?;
    let index_gone = dice.percent(40);
    if index_gone {
        fs::remove_dir_all(data.join("index"))?;
    }
    loop {
        let (kind, among): (&'static str, Vec<PathBuf>) = match dice.below(20) {
            0..8 => ("journal", files(&data.join("journal"))?),
            8..11 => ("checkpoint", files(&data.join("checkpoint"))?),
            11..15 => ("sealed file", files(&data.join("files"))?),
            15 | 16 => ("keys", vec![data.join("keys")]),
            17 | 18 => ("people's keys", vec![data.join("people.keys")]),
            _ => ("journal's end", vec![data.join("reached")]),
        };
        let harm = Harm::any(dice);
        // One checkpoint less is no damage, as long as another one leads there; a store that was never closed has no `reached`.
        if harm == Harm::Delete && matches!(kind, "checkpoint" | "journal's end") {
            continue;
        }
        let Some(file) = among.get(dice.index(among.len())) else { continue };
        if harm.inflict(file, dice)? {
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let without = if index_gone { ", without the index" } else { "" };
            return Ok(Harmed { kind, what: format!("{harm:?} in {kind} {}{without}", file.display()), name });
        }
    }
}

impl Harmed {
    /// Whether the refusal says where to look. A segment that is gone is named by the one before it, or by its folder.
    fn is_named(&self, refusal: &str) -> bool {
        refusal.contains(&self.name) || refusal.contains("journal") || refusal.contains("checkpoint")
    }

    fn refused(&self, why: &str) -> Outcome {
        match self.is_named(why) {
            true => Outcome::Refused,
            false => Outcome::Wrong(format!("the refusal does not name the file: {why}")),
        }
    }
}

fn files_of(table: Table, value: &[u8]) -> Vec<FileRef> {
    if table != Table::Jobs {
        return Vec::new();
    }
    let Ok(job) = decode::<Job>(value) else { return Vec::new() };
    let refer = |file: &twoface::domain::job::InputFile| {
        Some(FileRef { name: file.stored_as.clone(), sha256: hex::decode(&file.sha256)?, length: file.bytes })
    };
    job.files.iter().filter_map(refer).collect()
}

fn noticed_by_fsck(data: &Path, trial: &Path, what: &str) -> Result<bool, String> {
    let scratch = trial.join("scratch");
    fs::create_dir_all(&scratch).map_err(|error| format!("{what}: {error}"))?;
    // Without an index, that alone is a problem; it is not what is looked for.
    let is_other = |problem: &String| !problem.starts_with("index:");
    Ok(fsck(&options(data), &scratch, files_of).map_or(true, |report| report.problems.iter().any(is_other)))
}

/// Starts the executable and asks for everything that was acknowledged.
fn serve(site: &Site, base: &Base, harmed: &Harmed) -> Result<Outcome, String> {
    let server = match site.start() {
        Ok(server) => server,
        Err(why) => return Ok(harmed.refused(&why)),
    };
    let mut figures = Figures::default();
    let mut stories = base.stories.clone();
    check(&server, &base.terms, &mut stories, (usize::MAX, Unfinished::Leave), &mut figures)?;
    let wrong = figures.faults.iter().find(|fault| !matches!(fault, Fault::Refused(_)));
    Ok(match (wrong, figures.faults.is_empty()) {
        (Some(fault), _) => Outcome::Wrong(format!("served: {fault}")),
        (None, true) => Outcome::Right,
        (None, false) => Outcome::RefusedOnRead,
    })
}

impl Truth {
    fn read(data: &Path) -> Result<Truth, String> {
        let (store, _) = Store::open(options(data)).map_err(|error| error.to_string())?;
        let mut truth = Truth { rows: Vec::new(), files: Vec::new() };
        for table in Table::ALL {
            let mut after: Option<Vec<u8>> = None;
            loop {
                let page = store.scan(table, &[], after.as_deref(), PAGE).map_err(|error| error.to_string())?;
                let Some((last, _)) = page.last() else { break };
                after = Some(last.clone());
                truth.rows.extend(page.into_iter().map(|(key, value)| (table, key, value)));
            }
        }
        for (table, _, value) in &truth.rows {
            for file in files_of(*table, value) {
                let bytes = store.get_file(&file).map_err(|error| error.to_string())?;
                truth.files.push((file, bytes));
            }
        }
        Ok(truth)
    }

    /// Opens the damaged store and reads everything: right, or refused, but never anything else.
    fn compare(&self, data: &Path, harmed: &Harmed) -> Result<Outcome, String> {
        let store = match Store::open(options(data)) {
            Ok((store, _)) => store,
            Err(why) => return Ok(harmed.refused(&why.to_string())),
        };
        let mut refused = 0_u64;
        for (table, key, value) in &self.rows {
            match store.get(*table, key) {
                Err(_) => refused += 1,
                Ok(Some(found)) if found == *value => {}
                Ok(found) => {
                    let what = if found.is_some() { "differs" } else { "is missing" };
                    return Ok(Outcome::Wrong(format!("a row of {} {what}", table.name())));
                }
            }
        }
        for (file, bytes) in &self.files {
            match store.get_file(file) {
                Err(_) => refused += 1,
                Ok(found) if found == *bytes => {}
                Ok(_) => return Ok(Outcome::Wrong(format!("file {} differs", file.name))),
            }
        }
        Ok(if refused > 0 { Outcome::RefusedOnRead } else { Outcome::Right })
    }
}
