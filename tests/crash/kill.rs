//! `kill -9` at random instants: nothing acknowledged is lost, nothing is torn.

use std::path::Path;

use super::check::{Checker, Fault, Unfinished};
use super::dice::Dice;
use super::server::{Server, Site};
use super::story::{Story, Terms};

/// Clients at the same time.
pub const CLIENTS: u64 = 4;
/// The longest that a server lives, and the longest that one is given to start before it is killed at that.
const LIFE_MILLISECONDS: u64 = 400;
const START_MILLISECONDS: u64 = 250;
/// Older sessions that each client checks after each restart, and after how many restarts it checks all.
const OLDER: usize = 6;
const ALL_EVERY: u64 = 100;

/// What was done, and what was found.
#[derive(Debug, Default)]
pub struct Figures {
    pub cycles: u64,
    /// Of them, while the server was still starting.
    pub at_start: u64,
    pub acknowledged: u64,
    pub checked: u64,
    pub users: u64,
    pub rebuilt: u64,
    pub faults: Vec<Fault>,
}

/// Kills the server `cycles` times while clients use it, and checks everything after each restart.
pub fn run(binary: &Path, folder: &Path, seed: u64, cycles: u64) -> Result<Figures, String> {
    let site = Site::prepare(binary, folder, &folder.join("store"))?;
    let terms = Terms { key: site.create_key()?, disk_fails: false };
    let mut dice = Dice::new(seed);
    let mut stories: Vec<Story> = (0..CLIENTS).map(|client| Story::new(client, seed)).collect();
    let mut figures = Figures { cycles, ..Figures::default() };
    for cycle in 1..=cycles {
        progress(cycle, cycles);
        if dice.percent(12) {
            let mut starting = site.spawn()?;
            twoface::clock::pause(dice.milliseconds(START_MILLISECONDS));
            starting.signal();
            starting.ended();
            figures.at_start += 1;
            restarted(&mut stories);
            continue;
        }
        let mut server = site.start()?;
        let older = if cycle % ALL_EVERY == 0 { usize::MAX } else { OLDER };
        let unfinished = if dice.percent(50) { Unfinished::Wait } else { Unfinished::Leave };
        check(&server, &terms, &mut stories, (older, unfinished), &mut figures)?;
        if !figures.faults.is_empty() {
            break;
        }
        let life = dice.milliseconds(LIFE_MILLISECONDS);
        live(&mut server, &terms, &mut stories, |server| {
            twoface::clock::pause(life);
            server.signal();
            server.ended();
        })?;
        figures.rebuilt += u64::from(server.log().contains("built again"));
        restarted(&mut stories);
    }
    if figures.faults.is_empty() {
        let server = site.start()?;
        check(&server, &terms, &mut stories, (usize::MAX, Unfinished::Wait), &mut figures)?;
        server.stop()?;
    }
    figures.acknowledged = stories.iter().map(|story| story.acknowledged).sum();
    Ok(figures)
}

/// The long forms take their time: every fifty cycles they say how far they are.
pub fn progress(cycle: u64, cycles: u64) {
    if cycle > 0 && cycle.is_multiple_of(50) {
        eprintln!("{cycle} of {cycles}");
    }
}

/// All clients go on until `end` has ended the server.
pub fn live(
    server: &mut Server,
    terms: &Terms,
    stories: &mut [Story],
    end: impl FnOnce(&mut Server),
) -> Result<(), String> {
    std::thread::scope(|scope| {
        let mut clients = Vec::new();
        for story in stories.iter_mut() {
            let http = server.client()?;
            clients.push(scope.spawn(move || story.live(&http, terms, usize::MAX)));
        }
        end(server);
        clients.into_iter().try_for_each(|client| client.join().unwrap_or_else(|_| Err("a client panicked".into())))
    })
}

/// All clients check, each its own story, and then the list of all users.
pub fn check(
    server: &Server,
    terms: &Terms,
    stories: &mut [Story],
    (older, unfinished): (usize, Unfinished),
    figures: &mut Figures,
) -> Result<(), String> {
    std::thread::scope(|scope| {
        let mut checks = Vec::new();
        for story in stories.iter_mut() {
            let http = server.client()?;
            checks.push(scope.spawn(move || Checker { http: &http, terms, unfinished }.story(story, older)));
        }
        for check in checks {
            let (checked, faults) = check.join().map_err(|_| "a check panicked")?;
            figures.checked += checked;
            figures.faults.extend(faults);
        }
        Ok::<(), String>(())
    })?;
    if older == usize::MAX {
        let http = server.client()?;
        match (Checker { http: &http, terms, unfinished }).users(stories) {
            Ok(users) => figures.users = users,
            Err(fault) => figures.faults.push(fault),
        }
    }
    Ok(())
}

/// Jobs that nobody has seen finished may have been found unfinished once more.
pub fn restarted(stories: &mut [Story]) {
    let jobs = stories.iter_mut().flat_map(|story| &mut story.sessions).flat_map(|session| &mut session.jobs);
    jobs.filter(|job| job.finished.is_none()).for_each(|job| job.restarts += 1);
}
