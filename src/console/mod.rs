//! The administrator's terminal: what happens goes in, the state changes, what is to be done comes out, the state is drawn.
//!
//! Nothing here opens the store or knows the service: all is asked of whoever answers `admin::Request`. Nothing that waits is
//! done on the thread that draws.

pub mod detail;
pub mod evidence;
pub mod format;
pub mod input;
pub mod item;
pub mod listing;
pub mod overlay;
pub mod pane;
pub mod picture;
pub mod state;
pub mod terminal;
pub mod theme;
pub mod update;
pub mod view;
pub mod words;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use picture::Pictures;
pub use state::Privacy;
pub use theme::Colours;
pub use words::Language;

use crate::admin::{Reply, Request};
use crate::clock::Clock;
use picture::Painter;
use state::State;
use terminal::Terminal;
use update::{Action, Event, Purpose, update};

/// Asks for something; `Ok(None)` when no server answers. Called on threads that may wait.
pub type Ask = Arc<dyn Fn(Request) -> Result<Option<Reply>, String> + Send + Sync>;

/// How the console is started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    pub language: Language,
    pub privacy: Privacy,
    pub colours: Colours,
    pub pictures: Pictures,
}

/// How often time passes.
const TICK: Duration = Duration::from_millis(250);
/// Requests under way at the same time: one that takes long (an erasure) must not hold up the others.
const ASKERS: usize = 4;

/// Runs until it is left.
pub fn run(options: &Options, ask: Ask, clock: &Clock) -> std::io::Result<()> {
    let mut terminal = Terminal::enter()?;
    // Before anything else reads what the terminal says.
    let mut painter = Painter::new(options.pictures);
    let (sender, events) = channel();
    terminal::read_events(sender.clone())?;
    let questions = start_askers(&ask, &sender)?;
    let mut state = State::new(options, clock.now(), terminal.size()?);
    let mut happened = vec![Event::Tick(clock.now())];
    loop {
        for event in happened.drain(..) {
            for action in update(&mut state, event) {
                match action {
                    Action::Quit => return Ok(()),
                    Action::Copy(text) => terminal.copy(&text)?,
                    Action::Ask(purpose, request) => {
                        // The askers live as long as this end of the channel.
                        let _ = questions.send((purpose, request));
                    }
                }
            }
        }
        terminal.draw(|frame| view::draw(&mut state, &mut painter, frame))?;
        happened.extend(wait(&events)?);
        happened.push(Event::Tick(clock.now()));
    }
}

/// What has happened since, or nothing after a while.
fn wait(events: &Receiver<Event>) -> std::io::Result<Vec<Event>> {
    match events.recv_timeout(TICK) {
        Ok(first) => Ok(std::iter::once(first).chain(events.try_iter()).collect()),
        Err(RecvTimeoutError::Timeout) => Ok(Vec::new()),
        Err(RecvTimeoutError::Disconnected) => Err(std::io::Error::other("the terminal is gone")),
    }
}

fn start_askers(ask: &Ask, answers: &Sender<Event>) -> std::io::Result<Sender<(Purpose, Request)>> {
    let (sender, questions) = channel::<(Purpose, Request)>();
    let questions = Arc::new(Mutex::new(questions));
    for number in 0..ASKERS {
        let (ask, answers, questions) = (Arc::clone(ask), answers.clone(), Arc::clone(&questions));
        std::thread::Builder::new().name(format!("asker-{number}")).spawn(move || {
            loop {
                let next = questions.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok((purpose, request)) = next else { return };
                if answers.send(Event::Answer(purpose, Box::new(ask(request)))).is_err() {
                    return;
                }
            }
        })?;
    }
    Ok(sender)
}
