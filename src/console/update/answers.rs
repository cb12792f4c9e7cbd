//! What an answer changes.

use super::{Action, Answer, Purpose, ask_list, notice};
use crate::admin::reply::{AttemptDetail, Reply};
use crate::admin::request::{Attempts, Request};
use crate::admin::webhooks::WebhooksReply;
use crate::console::item::{Item, LimitRow};
use crate::console::listing::{Loaded, Page};
use crate::console::overlay::Overlay;
use crate::console::state::{Case, LOG_LINES_MAX, Link, Photo, State};
use crate::console::theme::Tone;
use crate::console::words::Text;
use crate::console::{detail, evidence};
use crate::domain::attempt::AttemptStatus;
use crate::domain::id::Id;

/// Longest side of a photo asked for, in pixels.
const PHOTO_SIDE: u32 = 480;

pub(super) fn answered(state: &mut State, purpose: Purpose, answer: Answer, actions: &mut Vec<Action>) {
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

fn open_case(state: &mut State, detail: AttemptDetail, actions: &mut Vec<Action>) {
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
pub(super) fn renew_case(state: &mut State, actions: &mut Vec<Action>) {
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
        Reply::WorkflowsFile { differing } if differing.is_empty() => {
            return notice(state, Tone::Good, scene.say(Text::WorkflowsSame));
        }
        Reply::WorkflowsFile { differing } => {
            return notice(state, Tone::Good, scene.fill(Text::WorkflowsDiffer, &[&differing.join(", ")]));
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
