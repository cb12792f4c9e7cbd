//! What happens when something happens: the state changes, and actions come out. A function of its arguments alone: no terminal,
//! no socket, no clock.

use std::time::Duration;

use crossterm::event::{KeyEvent, KeyEventKind, MouseEvent};

mod answers;
mod commands;
mod input;

pub use commands::{commands, offers};

use super::listing::Loaded;
use super::pane::{PAGE_ROWS, Pane};
use super::state::{Case, Notice, Question, State};
use super::theme::Tone;
use super::view;
use crate::admin::reply::Reply;
use crate::admin::request::{Logs, Request};
use crate::domain::id::Id;
use crate::domain::time::Timestamp;

/// Something that happened.
pub enum Event {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    Resize(u16, u16),
    Tick(Timestamp),
    Answer(Purpose, Box<Answer>),
}

/// `Ok(None)`: no server answers.
pub type Answer = Result<Option<Reply>, String>;

/// Something to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Ask(Purpose, Request),
    /// Into the clipboard of whoever sits at the terminal.
    Copy(String),
    Quit,
}

/// What an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Status,
    List { pane: Pane, generation: u64 },
    More { pane: Pane, generation: u64 },
    Log,
    Detail,
    Case,
    Photo { attempt: Id, place: usize },
    Change,
}

const STATUS_EVERY: Duration = Duration::from_secs(1);
const CASE_EVERY: Duration = Duration::from_secs(3);
const LOG_EVERY: Duration = Duration::from_secs(1);
/// How often a server that does not answer is tried.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// A question that has had no answer for so long is asked again.
const PATIENCE: Duration = Duration::from_secs(90);
const NOTICE: Duration = Duration::from_secs(6);

pub fn update(state: &mut State, event: Event) -> Vec<Action> {
    let mut actions = Vec::new();
    match event {
        Event::Tick(now) => {
            state.scene.now = now;
            if state.notice.as_ref().is_some_and(|notice| notice.until <= now) {
                state.notice = None;
            }
        }
        Event::Resize(width, height) => state.size = (width, height),
        Event::Paste(text) => input::paste(state, &text),
        Event::Mouse(mouse) => input::mouse(state, mouse, &mut actions),
        Event::Key(key) if key.kind == KeyEventKind::Release => {}
        Event::Key(key) => input::key(state, key, &mut actions),
        Event::Answer(purpose, answer) => answers::answered(state, purpose, *answer, &mut actions),
    }
    ask_anew(state, &mut actions);
    actions
}

/// Asks for whatever on the screen is out of date.
fn ask_anew(state: &mut State, actions: &mut Vec<Action>) {
    let now = state.scene.now;
    let due = |at: Option<Timestamp>, open: bool, every: Duration| match at {
        Some(at) => now.since(at) >= if open { PATIENCE } else { every },
        None => true,
    };
    if due(state.asked.status.at, state.asked.status.open, STATUS_EVERY) {
        state.asked.status = Question { at: Some(now), open: true };
        actions.push(Action::Ask(Purpose::Status, Request::Status));
    }
    if state.pane == Pane::Logs && due(state.asked.log.at, state.asked.log.open, LOG_EVERY) {
        state.asked.log = Question { at: Some(now), open: true };
        let after = state.log.lines.back().map_or(0, |line| line.number);
        actions.push(Action::Ask(Purpose::Log, Request::Logs(Logs { lines: 500, after, follow: false })));
    }
    // A job that has not ended will change what a reviewer sees.
    let unfinished = |case: &Case| case.detail.stages.iter().any(|stage| stage.output.is_null());
    if state.case.as_ref().is_some_and(|case| unfinished(case) && now.since(case.asked_at) >= CASE_EVERY) {
        answers::renew_case(state, actions);
    }
    let pane = state.pane;
    if !pane.is_list() {
        return;
    }
    let height = view::list_rows(state.size);
    let list = state.list();
    let open = matches!(list.loaded, Loaded::First | Loaded::More);
    let every = match list.loaded {
        Loaded::Not => RETRY_EVERY,
        // Further pages that were read would be lost: whoever has gone down there asks himself.
        _ if list.items.len() > PAGE_ROWS as usize => Duration::MAX,
        _ => pane.renewed_every(),
    };
    if due(list.asked_at, open, every) {
        ask_list(state, actions);
    } else if list.wants_more(height)
        && let Some(request) = pane.request(&state.only, list.next)
    {
        let list = state.list_mut();
        list.loaded = Loaded::More;
        let generation = list.generation;
        actions.push(Action::Ask(Purpose::More { pane, generation }, request));
    }
}

/// Asks for the first page of the pane's list.
fn ask_list(state: &mut State, actions: &mut Vec<Action>) {
    let (pane, now) = (state.pane, state.scene.now);
    let Some(request) = pane.request(&state.only, None) else { return };
    state.generation += 1;
    let generation = state.generation;
    let list = state.list_mut();
    list.loaded = Loaded::First;
    list.generation = generation;
    list.asked_at = Some(now);
    actions.push(Action::Ask(Purpose::List { pane, generation }, request));
}

fn notice(state: &mut State, tone: Tone, text: impl Into<String>) {
    state.notice = Some(Notice { until: state.scene.now.after(NOTICE), tone, text: text.into() });
}
