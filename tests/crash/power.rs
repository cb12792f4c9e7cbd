//! Power cuts under the real executable: its data folder lies on a disk that forgets what was not synced.

use std::path::Path;

use super::check::Unfinished;
use super::dice::Dice;
use super::disk::{Cut, Disk};
use super::kill::{CLIENTS, Figures, check, live, progress, restarted};
use super::server::Site;
use super::story::{Story, Terms};

/// The longest that a server lives, and the longest that one is given to start before the power fails at that.
const LIFE_MILLISECONDS: u64 = 500;
const START_MILLISECONDS: u64 = 800;
/// After so many cuts a new disk is begun: what is cut on a small store falls more often on something that matters.
const CUTS_PER_DISK: u64 = 25;
const SYNCS_MIN: u64 = 10;

/// Cuts the power `cycles` times.
pub fn run(binary: &Path, folder: &Path, seed: u64, cycles: u64) -> Result<(Figures, Cut), String> {
    let mut dice = Dice::new(seed);
    let (mut figures, mut total) = (Figures::default(), Cut::default());
    let at = folder.join("disk");
    std::fs::create_dir_all(&at).map_err(|error| error.to_string())?;
    let site = Site::prepare(binary, folder, &at.join("store"))?;
    while figures.cycles < cycles && figures.faults.is_empty() {
        one_disk(&site, &at, &mut dice, (cycles, seed), (&mut figures, &mut total))?;
    }
    Ok((figures, total))
}

/// A new store on a new disk, cut after cut.
fn one_disk(
    site: &Site,
    at: &Path,
    dice: &mut Dice,
    (cycles, seed): (u64, u64),
    (figures, total): (&mut Figures, &mut Cut),
) -> Result<(), String> {
    let mut disk = Disk::empty();
    let mut mounted = disk.mount(at)?;
    let terms = Terms { key: site.create_key()?, disk_fails: true };
    let mut stories: Vec<Story> = (0..CLIENTS).map(|client| Story::new(client, seed + figures.cycles)).collect();
    for _ in 0..CUTS_PER_DISK.min(cycles - figures.cycles) {
        let cut = if dice.percent(15) {
            let mut starting = site.spawn()?;
            twoface::clock::pause(dice.milliseconds(START_MILLISECONDS));
            let after = disk.cut(dice, || starting.signal());
            starting.ended();
            figures.at_start += 1;
            after
        } else {
            let mut server = site.start().map_err(|why| format!("after {} cuts: {why}", figures.cycles))?;
            figures.rebuilt += u64::from(server.log().contains("built again"));
            let unfinished = if dice.percent(30) { Unfinished::Wait } else { Unfinished::Leave };
            check(&server, &terms, &mut stories, (usize::MAX, unfinished), figures)?;
            if !figures.faults.is_empty() {
                return Ok(());
            }
            let (life, mut after) = (dice.milliseconds(LIFE_MILLISECONDS), None);
            live(&mut server, &terms, &mut stories, |server| {
                twoface::clock::pause(life);
                after = Some(disk.cut(dice, || server.signal()));
                server.ended();
            })?;
            after.ok_or("the power did not fail")?
        };
        figures.cycles += 1;
        progress(figures.cycles, cycles);
        restarted(&mut stories);
        (total.sectors_kept, total.sectors_lost) =
            (total.sectors_kept + cut.1.sectors_kept, total.sectors_lost + cut.1.sectors_lost);
        total.names_lost += cut.1.names_lost;
        if disk.syncs() < SYNCS_MIN {
            return Err("the disk saw no syncs: this would test nothing".into());
        }
        drop(mounted);
        disk = cut.0;
        mounted = disk.mount(at)?;
    }
    let server = site.start().map_err(|why| format!("after {} cuts: {why}", figures.cycles))?;
    check(&server, &terms, &mut stories, (usize::MAX, Unfinished::Wait), figures)?;
    figures.acknowledged += stories.iter().map(|story| story.acknowledged).sum::<u64>();
    server.stop()?;
    drop(mounted);
    Ok(())
}
