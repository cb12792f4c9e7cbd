//! What happens when something happens: the state changes, and actions come out. A function of its arguments alone: no terminal,
//! no socket, no clock.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::item::{Item, LimitRow};
use super::listing::{Listing, Loaded, Page, Sort, Way};
use super::overlay::{About, Form, Overlay, Question, Settle, Then};
use super::pane::{Command, EVERYWHERE, IN_CASE, IN_LISTS, Known, Pane};
use super::state::{Case, LOG_LINES_MAX, Link, Notice, Photo, Privacy, State};
use super::theme::Tone;
use super::words::Text;
use super::{detail, evidence, view};
use crate::admin::audit::Audit;
use crate::admin::reply::Reply;
use crate::admin::request::{Attempts, JobStatus, Jobs, Keys, Logs, Request, Review, Sessions, Users};
use crate::admin::webhooks::{WebhookSeen, Webhooks, WebhooksReply};
use crate::domain::attempt::{AttemptKind, AttemptStatus};
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
/// Longest side of a photo asked for, in pixels.
const PHOTO_SIDE: u32 = 480;
/// Deliveries of a receiver that are shown.
const DELIVERIES: u32 = 200;
const WHEEL_ROWS: isize = 3;

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
        Event::Paste(text) => paste(state, &text),
        Event::Mouse(mouse) => self::mouse(state, mouse, &mut actions),
        Event::Key(key) if key.kind == KeyEventKind::Release => {}
        Event::Key(key) => self::key(state, key, &mut actions),
        Event::Answer(purpose, answer) => answered(state, purpose, *answer, &mut actions),
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
        state.asked.status = super::state::Question { at: Some(now), open: true };
        actions.push(Action::Ask(Purpose::Status, Request::Status));
    }
    if state.pane == Pane::Logs && due(state.asked.log.at, state.asked.log.open, LOG_EVERY) {
        state.asked.log = super::state::Question { at: Some(now), open: true };
        let after = state.log.lines.back().map_or(0, |line| line.number);
        actions.push(Action::Ask(Purpose::Log, Request::Logs(Logs { lines: 500, after, follow: false })));
    }
    // A job that has not ended will change what a reviewer sees.
    let unfinished = |case: &Case| case.detail.stages.iter().any(|stage| stage.output.is_null());
    if state.case.as_ref().is_some_and(|case| unfinished(case) && now.since(case.asked_at) >= CASE_EVERY) {
        renew_case(state, actions);
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
        _ if list.items.len() > super::pane::PAGE_ROWS as usize => Duration::MAX,
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

fn answered(state: &mut State, purpose: Purpose, answer: Answer, actions: &mut Vec<Action>) {
    let now = state.scene.now;
    match purpose {
        Purpose::Status => state.asked.status.open = false,
        Purpose::Log => state.asked.log.open = false,
        Purpose::List { pane, generation } | Purpose::More { pane, generation } => {
            let list = state.list_of_mut(pane);
            if list.generation != generation {
                return;
            }
            list.loaded = if list.items.is_empty() { Loaded::Not } else { Loaded::Ready };
        }
        _ => {}
    }
    let reply = match answer {
        Ok(Some(reply)) => reply,
        Ok(None) => return lost(state, None),
        Err(why) => return lost(state, Some(why)),
    };
    state.answered_at = now;
    if state.link != Link::Up {
        state.link = Link::Up;
        notice(state, Tone::Good, state.scene.say(Text::Reconnected));
        // A server that was started again counts its log from one.
        state.log.lines.clear();
        state.list_mut().asked_at = None;
    }
    match (purpose, reply) {
        (Purpose::Photo { attempt, place }, Reply::Refused(why)) => photo(state, attempt, place, Photo::Bad(why)),
        (Purpose::List { pane, .. } | Purpose::More { pane, .. }, Reply::Refused(why)) => {
            state.list_of_mut(pane).loaded = Loaded::Ready;
            state.list_of_mut(pane).next = None;
            notice(state, Tone::Bad, why);
        }
        (_, Reply::Refused(why)) => notice(state, Tone::Bad, why),
        (Purpose::Status, Reply::Status(seen)) => state.status = Some(*seen),
        (Purpose::List { pane, .. }, reply) => {
            let scene = state.scene;
            state.list_of_mut(pane).replace(page(reply), &scene);
        }
        (Purpose::More { pane, .. }, reply) => {
            let scene = state.scene;
            state.list_of_mut(pane).extend(page(reply), &scene);
        }
        (Purpose::Log, Reply::Log(lines)) => {
            if state.log.up > 0 {
                state.log.up += lines.len();
            }
            state.log.lines.extend(lines);
            while state.log.lines.len() > LOG_LINES_MAX {
                state.log.lines.pop_front();
            }
        }
        (Purpose::Photo { attempt, place }, Reply::Picture(picture)) => {
            photo(state, attempt, place, Photo::Here(picture));
        }
        (Purpose::Case, Reply::Attempt(seen)) if seen.attempt.status != AttemptStatus::Review => {
            // Somebody else was faster.
            state.case = None;
            state.list_mut().asked_at = None;
        }
        (Purpose::Case, Reply::Attempt(seen)) => open_case(state, *seen, actions),
        (Purpose::Detail, reply) => {
            let (title, lines) = detail::of(&reply, &state.scene);
            state.overlays.push(Overlay::Detail { title, lines, offset: 0 });
        }
        (Purpose::Change, reply) => changed(state, reply, actions),
        _ => {}
    }
}

fn lost(state: &mut State, why: Option<String>) {
    let since = match &state.link {
        Link::Down(since, _) => *since,
        Link::Up => state.scene.now,
    };
    state.link = Link::Down(since, why);
}

fn photo(state: &mut State, attempt: Id, place: usize, photo: Photo) {
    if state.looks_at(attempt)
        && let Some(slot) = state.case.as_mut().and_then(|case| case.photos.get_mut(place))
    {
        *slot = photo;
    }
}

fn open_case(state: &mut State, detail: crate::admin::reply::AttemptDetail, actions: &mut Vec<Action>) {
    let attempt = detail.attempt.id;
    let files = evidence::photos(&detail.stages);
    // What is on the screen stays there while the rest is renewed.
    let before = state.case.take().filter(|case| case.detail.attempt.id == attempt);
    let offset = before.as_ref().map_or(0, |case| case.offset);
    let known =
        |place: usize| before.as_ref().and_then(|case| case.photos.get(place)).filter(|photo| **photo != Photo::None);
    let photos: [Photo; 2] = std::array::from_fn(|place| match files.get(place) {
        Some(Some(_)) => known(place).cloned().unwrap_or(Photo::Asked),
        _ => Photo::None,
    });
    let new: Vec<bool> = (0..files.len()).map(|place| known(place).is_none()).collect();
    for ((place, file), new) in files.into_iter().enumerate().zip(new) {
        if let (Some(file), true) = (file, new) {
            let request = Request::Picture { attempt, file, side: PHOTO_SIDE };
            actions.push(Action::Ask(Purpose::Photo { attempt, place }, request));
        }
    }
    let asked_at = state.scene.now;
    state.case = Some(Case { detail, photos, offset, asked_at });
}

/// Asks again for the attempt on the screen.
fn renew_case(state: &mut State, actions: &mut Vec<Action>) {
    let now = state.scene.now;
    if let Some(case) = &mut state.case {
        case.asked_at = now;
        let id = case.detail.attempt.id;
        actions.push(Action::Ask(Purpose::Case, Request::Attempts(Attempts::Show { id })));
    }
}

/// What a change led to, in a word, and the list anew.
fn changed(state: &mut State, reply: Reply, actions: &mut Vec<Action>) {
    let scene = state.scene;
    match reply {
        Reply::Key { key, secret } => {
            state.overlays.push(Overlay::Secret { name: format!("{} ({})", key.name, key.account), secret });
        }
        Reply::Revoked(_) => notice(state, Tone::Good, scene.say(Text::DoneRevoked)),
        Reply::Limits(_) => notice(state, Tone::Good, scene.say(Text::DoneLimits)),
        Reply::Webhooks(WebhooksReply::Secret { webhook, secret }) => {
            state.overlays.push(Overlay::Secret { name: webhook.url, secret });
        }
        Reply::Webhooks(WebhooksReply::Removed(one)) => {
            notice(state, Tone::Good, scene.fill(Text::DoneRemoved, &[&one.url]));
        }
        Reply::Webhooks(WebhooksReply::Tested(one)) => {
            notice(state, Tone::Good, scene.fill(Text::DoneTested, &[&one.url]));
        }
        Reply::Webhooks(WebhooksReply::Enabled(one)) => {
            notice(state, Tone::Good, scene.fill(Text::DoneEnabled, &[&one.url]));
        }
        Reply::Webhooks(WebhooksReply::Redelivered { deliveries }) => {
            notice(state, Tone::Good, scene.fill(Text::DoneRedelivered, &[&deliveries.to_string()]));
        }
        Reply::Accounts(_) => notice(state, Tone::Good, scene.say(Text::DoneAccount)),
        Reply::SessionRevoked(_) => notice(state, Tone::Good, scene.say(Text::DoneEnded)),
        Reply::Erased { subjects, files, .. } => {
            notice(state, Tone::Good, scene.fill(Text::DoneErased, &[&subjects.to_string(), &files.to_string()]));
        }
        Reply::Settled { attempt, status } => {
            if state.looks_at(attempt) {
                state.case = None;
            }
            notice(state, Tone::Good, scene.fill(Text::DoneSettled, &[status.name()]));
        }
        Reply::Users { users, .. } if users.is_empty() => {
            return notice(state, Tone::Warn, scene.say(Text::NobodyFound));
        }
        Reply::AuditWhole(whole) => {
            let counts = [whole.entries.to_string(), whole.checkpoints.to_string()];
            let text = scene.fill(Text::AuditWhole, &counts.each_ref().map(String::as_str));
            return notice(state, Tone::Good, text);
        }
        reply @ Reply::Users { .. } => {
            let (title, lines) = detail::of(&reply, &scene);
            return state.overlays.push(Overlay::Detail { title, lines, offset: 0 });
        }
        _ => {}
    }
    ask_list(state, actions);
}

/// The rows of a list's answer, newest first.
fn page(reply: Reply) -> Page {
    let whole = |mut items: Vec<Item>| {
        items.sort_by_key(|item| std::cmp::Reverse(item.id()));
        Page { total: Some(items.len()), items, next: None }
    };
    match reply {
        Reply::Keys(keys) => whole(keys.into_iter().map(Item::Key).collect()),
        Reply::Accounts(accounts) => whole(accounts.into_iter().map(Item::Account).collect()),
        Reply::Workflows(all) => {
            let items: Vec<Item> = all.into_iter().map(|run| Item::Workflow(Box::new(run))).collect();
            Page { total: Some(items.len()), items, next: None }
        }
        Reply::Limits(limits) => {
            let items: Vec<Item> = limits.accounts.into_iter().flat_map(LimitRow::all_of).map(Item::Limit).collect();
            Page { total: Some(items.len()), items, next: None }
        }
        Reply::Webhooks(WebhooksReply::Webhooks(all)) => whole(all.into_iter().map(Item::Webhook).collect()),
        // A checkpoint is no entry: it has no actor.
        Reply::AuditLines(lines) => {
            let entries = lines.iter().filter_map(|line| serde_json::from_str(line).ok().map(Item::Audit));
            let mut items: Vec<Item> = entries.collect();
            items.reverse();
            Page { total: Some(items.len()), items, next: None }
        }
        Reply::Settings(settings) => whole(settings.into_iter().map(Item::Setting).collect()),
        Reply::Sessions { sessions, open, next } => {
            Page { items: sessions.into_iter().map(Item::Session).collect(), next, total: usize::try_from(open).ok() }
        }
        Reply::Attempts { attempts, next } => {
            Page { items: attempts.into_iter().map(Item::Attempt).collect(), next, total: None }
        }
        Reply::Jobs { jobs, next } => Page { items: jobs.into_iter().map(Item::Job).collect(), next, total: None },
        Reply::Users { users, next } => Page { items: users.into_iter().map(Item::User).collect(), next, total: None },
        _ => Page { items: Vec::new(), next: None, total: None },
    }
}

fn paste(state: &mut State, text: &str) {
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

fn key(state: &mut State, key: KeyEvent, actions: &mut Vec<Action>) {
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

/// What can be done now.
pub fn commands(state: &State) -> Vec<Known> {
    let own: &[Known] = if state.case.is_some() { IN_CASE } else { state.pane.commands() };
    let lists: &[Known] = if state.case.is_none() && state.pane.is_list() { IN_LISTS } else { &[] };
    own.iter().chain(lists).chain(EVERYWHERE).copied().collect()
}

fn command_of(state: &State, key: KeyEvent) -> Option<Command> {
    let letter = match key.code {
        KeyCode::Enter => '\n',
        KeyCode::Char(letter) if !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => letter,
        _ => return None,
    };
    commands(state).into_iter().find(|(known, ..)| *known == letter).map(|(_, command, _)| command)
}

pub(super) fn run(state: &mut State, command: Command, actions: &mut Vec<Action>) {
    let scene = state.scene;
    let item = state.list().selected_item().cloned();
    match (command, item) {
        (Command::Quit, _) => {
            let asked = matches!(state.overlays.last(), Some(Overlay::Question(Question { then: Then::Quit, .. })));
            if asked {
                return actions.push(Action::Quit);
            }
            let text = scene.say(Text::SureQuit).to_owned();
            let question = Question { text, then: Then::Quit, typed: None, input: Default::default() };
            state.overlays.push(Overlay::Question(question));
        }
        (Command::Help, _) => state.overlays.push(Overlay::Help),
        (Command::Palette, _) => state.overlays.push(Overlay::Palette { input: Default::default(), selected: 0 }),
        (Command::Privacy, _) => {
            state.scene.privacy = match scene.privacy {
                Privacy::Shown => Privacy::Masked,
                Privacy::Masked => Privacy::Shown,
            };
            arrange_all(state);
        }
        (Command::Language, _) => {
            state.scene.language = scene.language.other();
            arrange_all(state);
        }
        (Command::Refresh, _) if state.case.is_some() => renew_case(state, actions),
        (Command::Refresh, _) => ask_list(state, actions),
        (Command::NextPane, _) => turn(state, 1, actions),
        (Command::PreviousPane, _) => turn(state, Pane::ALL.len() - 1, actions),
        (Command::Go(pane), _) => {
            state.pane = pane;
            state.case = None;
        }
        (Command::Search, _) => state.overlays.push(Overlay::Search(super::input::Input::new(&state.list().search))),
        (Command::Sort | Command::Reverse, _) => sort(state, command),
        (Command::Filter | Command::FilterKind, _) => filter(state, command, actions),
        (Command::Follow, _) => state.log.up = 0,
        (Command::New, _) if state.pane == Pane::Accounts => state.overlays.push(Overlay::Form(Form::new_account())),
        (Command::New, item) if state.pane == Pane::Webhooks => {
            let account = match &item {
                Some(Item::Webhook(webhook)) => webhook.account.clone(),
                _ => String::new(),
            };
            state.overlays.push(Overlay::Form(Form::new_webhook(&account)));
        }
        (Command::New, item) => {
            let account = match &item {
                Some(Item::Key(key)) => key.account.clone(),
                _ => String::new(),
            };
            state.overlays.push(Overlay::Form(Form::new_key(&account)));
        }
        (Command::FindWord, _) => {
            let word = state.only.audit_word.clone().unwrap_or_default();
            state.overlays.push(Overlay::Form(Form::find_word(&word)));
        }
        (Command::Verify, _) => actions.push(Action::Ask(Purpose::Change, Request::Audit(Audit::Check))),
        (Command::Find, _) => state.overlays.push(Overlay::Form(Form::find())),
        (Command::Approve, _) => settle(state, Settle::Approve),
        (Command::Reject, _) => settle(state, Settle::Reject),
        (Command::Cancel, _) => settle(state, Settle::Cancel),
        (Command::Copy, item) => {
            let case = state.case.as_ref().map(|case| case.detail.attempt.id);
            if let Some(id) = case.or_else(|| item.as_ref().and_then(Item::id)) {
                actions.push(Action::Copy(id.to_string()));
                notice(state, Tone::Good, scene.say(Text::Copied));
            }
        }
        (command, Some(item)) => with_item(state, command, &item, actions),
        (_, None) => {}
    }
}

/// What is done with the row that is selected.
fn with_item(state: &mut State, command: Command, item: &Item, actions: &mut Vec<Action>) {
    let scene = state.scene;
    match (command, item) {
        (Command::Inspect, Item::Attempt(attempt)) if attempt.status == AttemptStatus::Review => {
            actions.push(Action::Ask(Purpose::Case, Request::Review(Review::Open { id: attempt.id })));
        }
        (Command::Inspect, Item::Workflow(run)) => {
            let (title, lines) = detail::workflow(run);
            state.overlays.push(Overlay::Detail { title, lines, offset: 0 });
        }
        (Command::Inspect, item) => actions.extend(inspect(item).map(|request| Action::Ask(Purpose::Detail, request))),
        (Command::Rotate, Item::Key(key)) => {
            state.overlays.push(Overlay::Form(Form::rotate(key.id, &key.name)));
        }
        (Command::Revoke, Item::Key(key)) if key.revoked_at.is_none() => {
            let text = scene.fill(Text::SureRevoke, &[&key.name, &key.account]);
            let question = Question::sure(text, Request::Keys(Keys::Revoke { id: key.id }));
            state.overlays.push(Overlay::Question(question));
        }
        (Command::End, Item::Session(session)) => {
            let text = scene.fill(Text::SureEnd, &[&session.id.to_string()]);
            let question = Question::sure(text, Request::Sessions(Sessions::Revoke { id: session.id }));
            state.overlays.push(Overlay::Question(question));
        }
        (Command::Change, Item::Limit(row)) => {
            let form = match &row.key {
                Some((id, name)) => Form::key_limit(*id, name, Some(row.limit)),
                None => Form::limits(&row.account, row.own, &row.tries),
            };
            state.overlays.push(Overlay::Form(form));
        }
        (Command::Change, Item::Key(key)) => {
            state.overlays.push(Overlay::Form(Form::key_limit(key.id, &key.name, None)));
        }
        (command, Item::Webhook(webhook)) => with_webhook(state, command, webhook, actions),
        (Command::Erase, Item::User(user)) => {
            state.overlays.push(Overlay::Question(Question::erase(&scene, user.id)));
        }
        (Command::Retention, Item::Account(account)) => {
            let kept = account.retention;
            let days = [kept.photos_days, kept.clips_days, kept.attempts_days];
            state.overlays.push(Overlay::Form(Form::retention(&account.name, days)));
        }
        _ => {}
    }
}

fn with_webhook(state: &mut State, command: Command, webhook: &WebhookSeen, actions: &mut Vec<Action>) {
    let (scene, id) = (state.scene, webhook.id);
    let change = |request| Action::Ask(Purpose::Change, Request::Webhooks(request));
    match command {
        Command::Redeliver => actions.push(change(Webhooks::Redeliver { id, event: None })),
        Command::Test => actions.push(change(Webhooks::Test { id })),
        Command::Enable if webhook.disabled.is_some() => actions.push(change(Webhooks::Enable { id })),
        Command::Rotate => state.overlays.push(Overlay::Form(Form::rotate_webhook(id, &webhook.url))),
        Command::Remove => {
            let text = scene.fill(Text::SureRemove, &[&webhook.url]);
            let question = Question::sure(text, Request::Webhooks(Webhooks::Remove { id }));
            state.overlays.push(Overlay::Question(question));
        }
        _ => {}
    }
}

fn inspect(item: &Item) -> Option<Request> {
    Some(match item {
        Item::Session(session) => Request::Sessions(Sessions::Show { id: session.id }),
        Item::Attempt(attempt) => Request::Attempts(Attempts::Show { id: attempt.id }),
        Item::Job(job) => Request::Jobs(Jobs::Show { id: job.id }),
        Item::User(user) => Request::Users(Users::Show { id: user.id }),
        Item::Webhook(webhook) => {
            Request::Webhooks(Webhooks::Deliveries { id: webhook.id, only: None, limit: DELIVERIES })
        }
        Item::Key(_) | Item::Account(_) | Item::Limit(_) | Item::Workflow(_) | Item::Audit(_) | Item::Setting(_) => {
            return None;
        }
    })
}

fn settle(state: &mut State, how: Settle) {
    if let Some(case) = &state.case {
        state.overlays.push(Overlay::Form(Form::settle(case.detail.attempt.id, how)));
    }
}

fn turn(state: &mut State, by: usize, actions: &mut Vec<Action>) {
    let place = Pane::ALL.iter().position(|pane| *pane == state.pane).unwrap_or(0);
    if let Some(pane) = Pane::ALL.get((place + by) % Pane::ALL.len()) {
        run(state, Command::Go(*pane), actions);
    }
}

fn arrange_all(state: &mut State) {
    let scene = state.scene;
    for pane in Pane::ALL {
        state.list_of_mut(*pane).arrange(&scene);
    }
}

fn sort(state: &mut State, command: Command) {
    let scene = state.scene;
    let columns = state.pane.columns().len();
    let list: &mut Listing = state.list_mut();
    list.sort = match (command, list.sort) {
        (Command::Reverse, Some(Sort { column, way })) => {
            Some(Sort { column, way: if way == Way::Up { Way::Down } else { Way::Up } })
        }
        (Command::Reverse, None) | (_, None) => Some(Sort { column: 0, way: Way::Up }),
        (_, Some(Sort { column, way })) => (column + 1 < columns).then_some(Sort { column: column + 1, way }),
    };
    list.arrange(&scene);
}

/// The next value of a filter; after the last comes none.
fn filter(state: &mut State, command: Command, actions: &mut Vec<Action>) {
    fn next<T: PartialEq + Copy>(all: &[T], now: Option<T>) -> Option<T> {
        let place = now.and_then(|now| all.iter().position(|one| *one == now)).map_or(0, |place| place + 1);
        all.get(place).copied()
    }
    let only = &mut state.only;
    match (state.pane, command) {
        (Pane::Attempts, Command::Filter) => {
            only.attempt_status = next(&AttemptStatus::ALL, only.attempt_status);
        }
        (Pane::Attempts, _) => {
            only.attempt_kind = next(&[AttemptKind::Signup, AttemptKind::Validation], only.attempt_kind);
        }
        (Pane::Jobs, _) => only.job_status = next(&JobStatus::ALL, only.job_status),
        _ => return,
    }
    // What is on the screen is not what was asked for.
    let list = state.list_mut();
    *list = list.anew();
    ask_list(state, actions);
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

/// What the palette offers for what was typed.
pub fn offers(state: &State, typed: &str) -> Vec<(Command, String)> {
    let scene = state.scene;
    let wanted = typed.to_lowercase();
    let here = commands(state).into_iter().filter(|(_, command, _)| *command != Command::Palette);
    let here = here.map(|(_, command, text)| (command, scene.say(text).to_owned()));
    let panes = Pane::ALL.iter().map(|pane| (Command::Go(*pane), scene.fill(Text::GoTo, &[scene.say(pane.title())])));
    here.chain(panes).filter(|(_, name)| name.to_lowercase().contains(&wanted)).collect()
}

fn palette_key(
    state: &mut State,
    mut input: super::input::Input,
    selected: usize,
    key: KeyEvent,
    actions: &mut Vec<Action>,
) {
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

fn mouse(state: &mut State, mouse: MouseEvent, actions: &mut Vec<Action>) {
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
