//! What a command does.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::answers::renew_case;
use super::{Action, Purpose, ask_list, notice};
use crate::admin::audit::Audit;
use crate::admin::request::{Accounts, Attempts, JobStatus, Jobs, Keys, Request, Review, Sessions, Users};
use crate::admin::webhooks::{WebhookSeen, Webhooks};
use crate::console::detail;
use crate::console::input::Input;
use crate::console::item::Item;
use crate::console::listing::{Listing, Sort, Way};
use crate::console::overlay::{Form, Overlay, Question, Settle, Then};
use crate::console::pane::{Command, EVERYWHERE, IN_CASE, IN_LISTS, Known, Pane};
use crate::console::state::{Privacy, State};
use crate::console::theme::Tone;
use crate::console::words::Text;
use crate::domain::attempt::{AttemptKind, AttemptStatus};

/// Deliveries of a receiver that are shown.
const DELIVERIES: u32 = 200;

/// What can be done now.
pub fn commands(state: &State) -> Vec<Known> {
    let own: &[Known] = if state.case.is_some() { IN_CASE } else { state.pane.commands() };
    let lists: &[Known] = if state.case.is_none() && state.pane.is_list() { IN_LISTS } else { &[] };
    own.iter().chain(lists).chain(EVERYWHERE).copied().collect()
}

pub(super) fn command_of(state: &State, key: KeyEvent) -> Option<Command> {
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
        (Command::Search, _) => state.overlays.push(Overlay::Search(Input::new(&state.list().search))),
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
        (Command::Verify, _) if state.pane == Pane::Workflows => {
            actions.push(Action::Ask(Purpose::Change, Request::WorkflowsFile));
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
        (Command::Unproven, Item::Account(account)) => {
            let review_unproven = !account.review_unproven;
            let text = if review_unproven { Text::SureUnprovenReview } else { Text::SureUnprovenAccepted };
            let request = Accounts::Set { account: account.name.clone(), review_unproven };
            let question = Question::sure(scene.fill(text, &[&account.name]), Request::Accounts(request));
            state.overlays.push(Overlay::Question(question));
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
        Command::Redeliver => state.overlays.push(Overlay::Form(Form::redeliver(id, &webhook.url))),
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

/// What the palette offers for what was typed.
pub fn offers(state: &State, typed: &str) -> Vec<(Command, String)> {
    let scene = state.scene;
    let wanted = typed.to_lowercase();
    let here = commands(state).into_iter().filter(|(_, command, _)| *command != Command::Palette);
    let here = here.map(|(_, command, text)| (command, scene.say(text).to_owned()));
    let panes = Pane::ALL.iter().map(|pane| (Command::Go(*pane), scene.fill(Text::GoTo, &[scene.say(pane.title())])));
    here.chain(panes).filter(|(_, name)| name.to_lowercase().contains(&wanted)).collect()
}
