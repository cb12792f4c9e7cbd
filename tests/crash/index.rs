//! Damaged indexes: the server starts by itself, and everything acknowledged is there.

use std::fs;
use std::path::Path;

use super::check::Unfinished;
use super::damage::{Base, Harm, copy, files};
use super::dice::Dice;
use super::kill::{Figures, check, progress};
use super::server::Site;

/// Damages `cycles` copies of one store's index and starts the executable on each.
pub fn run(binary: &Path, folder: &Path, seed: u64, cycles: u64) -> Result<Figures, String> {
    let base = Base::make(binary, folder, seed)?;
    let mut dice = Dice::new(seed);
    let mut figures = Figures { acknowledged: base.acknowledged, ..Figures::default() };
    for cycle in 0..cycles {
        progress(cycle, cycles);
        let trial = tempfile::tempdir_in(folder).map_err(|error| error.to_string())?;
        let site = Site::prepare(binary, trial.path(), &trial.path().join("store"))?;
        let harm = damage(&base, &site.data, &mut dice).map_err(|error| error.to_string())?;
        let server = site.start().map_err(|why| format!("cycle {cycle}, {harm}: {why}"))?;
        figures.rebuilt += u64::from(server.log().contains("built again"));
        let mut stories = base.stories.clone();
        check(&server, &base.terms, &mut stories, (usize::MAX, Unfinished::Wait), &mut figures)?;
        figures.cycles += 1;
        if !figures.faults.is_empty() {
            return Err(format!("cycle {cycle}, {harm}: {:?}", figures.faults));
        }
    }
    Ok(figures)
}

/// A copy of the store with a damaged index; what was done to it.
fn damage(base: &Base, data: &Path, dice: &mut Dice) -> std::io::Result<String> {
    copy(&base.data, data)?;
    let index = data.join("index");
    match dice.below(20) {
        0 => {
            fs::remove_dir_all(&index)?;
            return Ok("no index".into());
        }
        1 => {
            fs::remove_dir_all(&index)?;
            copy(&base.earlier_index, &index)?;
            return Ok("an index of an earlier day".into());
        }
        _ => {}
    }
    loop {
        let files = files(&index)?;
        let harm = Harm::any(dice);
        // The data file is most of the index, and the others are small and few.
        let file = match dice.percent(60) {
            true => files.iter().find(|file| file.ends_with("db")),
            false => files.get(dice.index(files.len())),
        };
        let Some(file) = file else { return Ok("no files".into()) };
        if harm.inflict(file, dice)? {
            return Ok(format!("{harm:?} in {}", file.display()));
        }
    }
}
