//! What a key, the mouse and a paste do.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::commands::{command_of, offers, run};
use super::{Action, Purpose, ask_list, notice};
use crate::console::input::Input;
use crate::console::overlay::{About, Form, Overlay, Question, Then};
use crate::console::pane::{Command, Pane};
use crate::console::state::State;
use crate::console::theme::Tone;
use crate::console::view;
use crate::console::words::Text;

const WHEEL_ROWS: isize = 3;

pub(super) fn paste(state: &mut State, text: &str) {
    match state.overlays.last_mut() {
        Some(Overlay::Palette { input, .. }) => input.insert(text),
        Some(Overlay::Search(input)) => {
            input.insert(text);
            let text = input.text();
            search(state, &text);
        }
        Some(Overlay::Form(form)) => {
            if let Some(field) = form.fields.get_mut(form.focus) {
                field.input.insert(text);
            }
        }
        Some(Overlay::Question(question)) => question.input.insert(text),
        _ => {}
    }
}

fn search(state: &mut State, text: &str) {
    let scene = state.scene;
    let list = state.list_mut();
    text.clone_into(&mut list.search);
    list.arrange(&scene);
}

/// A way through a list or a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Move {
    Rows(isize),
    /// Half pages.
    Halves(isize),
    First,
    Last,
}

fn movement(key: KeyEvent) -> Option<Move> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Up | KeyCode::Char('k') => Move::Rows(-1),
        KeyCode::Down | KeyCode::Char('j') => Move::Rows(1),
        KeyCode::Char('u') if control => Move::Halves(-1),
        KeyCode::Char('d') if control => Move::Halves(1),
        KeyCode::Char('b') if control => Move::Halves(-2),
        KeyCode::PageUp => Move::Halves(-2),
        KeyCode::PageDown => Move::Halves(2),
        KeyCode::Home | KeyCode::Char('g') => Move::First,
        KeyCode::End | KeyCode::Char('G') => Move::Last,
        _ => return None,
    })
}

impl Move {
    /// From a place among `count`, where a page has `height`.
    fn from(self, place: usize, count: usize, height: usize) -> usize {
        let half = isize::try_from(height / 2).unwrap_or(1).max(1);
        match self {
            Move::Rows(rows) => place.saturating_add_signed(rows),
            Move::Halves(halves) => place.saturating_add_signed(halves * half),
            Move::First => 0,
            Move::Last => count,
        }
        .min(count.saturating_sub(1))
    }
}

pub(super) fn key(state: &mut State, key: KeyEvent, actions: &mut Vec<Action>) {
    if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
        return run(state, Command::Quit, actions);
    }
    if !state.overlays.is_empty() {
        return overlay_key(state, key, actions);
    }
    let height = view::list_rows(state.size);
    match key.code {
        KeyCode::Esc if state.case.is_some() => {
            state.case = None;
            return;
        }
        KeyCode::Esc => {
            if !state.list().search.is_empty() {
                search(state, "");
            }
            state.log.up = 0;
            return;
        }
        KeyCode::Tab | KeyCode::Right | KeyCode::Char('l') => return run(state, Command::NextPane, actions),
        KeyCode::BackTab | KeyCode::Left | KeyCode::Char('h') => return run(state, Command::PreviousPane, actions),
        KeyCode::Char(digit @ '0'..='9') => {
            let place = (usize::from(digit as u8 - b'0') + 9) % 10;
            if let Some(pane) = Pane::ALL.get(place) {
                run(state, Command::Go(*pane), actions);
            }
            return;
        }
        KeyCode::F(1) => return run(state, Command::Help, actions),
        KeyCode::F(5) => return run(state, Command::Refresh, actions),
        _ => {}
    }
    if let Some(way) = movement(key) {
        go(state, way, height);
    } else if let Some(command) = command_of(state, key) {
        run(state, command, actions);
    }
}

fn go(state: &mut State, way: Move, height: usize) {
    if let Some(case) = &mut state.case {
        // How far the text goes is known when it is drawn; there it is held.
        case.offset = way.from(case.offset, usize::from(u16::MAX), height);
    } else if state.pane == Pane::Logs {
        let count = state.log.lines.len();
        // Counted from the end.
        let place = way.from(count.saturating_sub(1 + state.log.up), count, height);
        state.log.up = count.saturating_sub(1 + place);
    } else {
        let list = state.list_mut();
        let place = way.from(list.selected(), list.len(), height);
        list.select(place);
    }
}

fn overlay_key(state: &mut State, key: KeyEvent, actions: &mut Vec<Action>) {
    let Some(overlay) = state.overlays.pop() else { return };
    let height = usize::from(state.size.1).saturating_sub(6);
    match overlay {
        Overlay::Help => {}
        Overlay::Palette { input, selected } => palette_key(state, input, selected, key, actions),
        Overlay::Search(mut input) => match key.code {
            KeyCode::Enter => {}
            KeyCode::Esc => search(state, ""),
            _ => {
                input.key(key);
                let text = input.text();
                search(state, &text);
                state.overlays.push(Overlay::Search(input));
            }
        },
        Overlay::Form(form) => form_key(state, form, key, actions),
        Overlay::Question(question) => question_key(state, question, key, actions),
        Overlay::Secret { name, secret } => {
            if matches!(key.code, KeyCode::Char('c' | 'y')) {
                actions.push(Action::Copy(secret.clone()));
                notice(state, Tone::Good, state.scene.say(Text::Copied));
            }
            // It cannot be had again: only Escape puts it away.
            if key.code != KeyCode::Esc {
                state.overlays.push(Overlay::Secret { name, secret });
            }
        }
        Overlay::Detail { title, lines, offset } => {
            if matches!(key.code, KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q')) {
                return;
            }
            let offset = movement(key).map_or(offset, |way| way.from(offset, usize::from(u16::MAX), height));
            state.overlays.push(Overlay::Detail { title, lines, offset });
        }
    }
}

fn palette_key(state: &mut State, mut input: Input, selected: usize, key: KeyEvent, actions: &mut Vec<Action>) {
    let offers = offers(state, &input.text());
    let selected = match key.code {
        KeyCode::Esc => return,
        KeyCode::Enter => {
            if let Some((command, _)) = offers.get(selected) {
                run(state, *command, actions);
            }
            return;
        }
        KeyCode::Up | KeyCode::BackTab => selected.saturating_sub(1),
        KeyCode::Down | KeyCode::Tab => (selected + 1).min(offers.len().saturating_sub(1)),
        _ => {
            input.key(key);
            0
        }
    };
    state.overlays.push(Overlay::Palette { input, selected });
}

fn form_key(state: &mut State, mut form: Form, key: KeyEvent, actions: &mut Vec<Action>) {
    let last = form.fields.len().saturating_sub(1);
    match key.code {
        KeyCode::Esc => return,
        KeyCode::Enter if form.about == About::FindWord => {
            let word = form.fields.first().map(|field| field.input.text().trim().to_owned());
            state.only.audit_word = word.filter(|word| !word.is_empty());
            *state.list_mut() = state.list().anew();
            return ask_list(state, actions);
        }
        KeyCode::Enter if form.focus == last => {
            if let Some(request) = form.submit() {
                return actions.push(Action::Ask(Purpose::Change, request));
            }
        }
        KeyCode::Enter | KeyCode::Down | KeyCode::Tab => form.focus = (form.focus + 1).min(last),
        KeyCode::Up | KeyCode::BackTab => form.focus = form.focus.saturating_sub(1),
        _ => {
            if let Some(field) = form.fields.get_mut(form.focus) {
                field.input.key(key);
                field.wrong = None;
            }
        }
    }
    state.overlays.push(Overlay::Form(form));
}

fn question_key(state: &mut State, mut question: Question, key: KeyEvent, actions: &mut Vec<Action>) {
    let yes = match (&question.typed, key.code) {
        (_, KeyCode::Esc) | (None, KeyCode::Char('n' | 'N')) => return,
        (None, KeyCode::Char('y' | 'Y' | 's' | 'S')) => true,
        (Some(_), KeyCode::Enter) => question.is_confirmed(),
        (Some(_), _) => {
            question.input.key(key);
            false
        }
        (None, _) => false,
    };
    match (yes, &question.then) {
        (true, Then::Quit) => actions.push(Action::Quit),
        (true, Then::Ask(request)) => actions.push(Action::Ask(Purpose::Change, request.clone())),
        (false, _) => state.overlays.push(Overlay::Question(question)),
    }
}

pub(super) fn mouse(state: &mut State, mouse: MouseEvent, actions: &mut Vec<Action>) {
    let rows = match mouse.kind {
        MouseEventKind::ScrollDown => WHEEL_ROWS,
        MouseEventKind::ScrollUp => -WHEEL_ROWS,
        MouseEventKind::Down(MouseButton::Left) => return click(state, mouse.column, mouse.row, actions),
        _ => return,
    };
    match state.overlays.last_mut() {
        None => go(state, Move::Rows(rows), view::list_rows(state.size)),
        Some(Overlay::Detail { offset, .. }) => *offset = offset.saturating_add_signed(rows),
        Some(_) => {}
    }
}

fn click(state: &mut State, x: u16, y: u16, actions: &mut Vec<Action>) {
    if !state.overlays.is_empty() {
        return;
    }
    if let Some(pane) = view::tab_at(state, x, y) {
        return run(state, Command::Go(pane), actions);
    }
    let Some(row) = view::row_at(state.size, y).filter(|_| state.case.is_none() && state.pane.is_list()) else {
        return;
    };
    let place = state.list().offset() + row;
    if place >= state.list().len() {
        return;
    }
    if place == state.list().selected() {
        return run(state, Command::Inspect, actions);
    }
    state.list_mut().select(place);
}
