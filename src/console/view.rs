//! The state as a picture. Draws only; the one thing it writes is how far lists and texts are moved, which depends on the room.

mod case;
mod overlays;
mod overview;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::format::{clip, span, width};
use super::item::{Cell, Column, Width};
use super::listing::{Listing, Loaded, Way};
use super::pane::Pane;
use super::picture::Painter;
use super::state::{Link, Privacy, Scene, State};
use super::theme::Tone;
use super::update::commands;
use super::words::Text;

/// Less than this and nothing useful can be drawn.
const SIZE_MIN: (u16, u16) = (60, 16);
/// Rows that are not the pane's: title, tabs, foot.
const FRAME_ROWS: u16 = 3;
/// Rows of a list that are not its rows: heading and remarks.
const LIST_FRAME_ROWS: u16 = 2;

pub fn draw(state: &mut State, painter: &mut Painter, frame: &mut Frame) {
    let area = frame.area();
    state.size = (area.width, area.height);
    if area.width < SIZE_MIN.0 || area.height < SIZE_MIN.1 {
        let text = clip(state.scene.say(Text::TooSmall), usize::from(area.width));
        return put(frame.buffer_mut(), area.x, area.y, area.width, text, Style::new());
    }
    let body = Rect { y: area.y + 2, height: area.height - FRAME_ROWS, ..area };
    title(state, frame.buffer_mut(), row(area, 0));
    tab_line(state, frame.buffer_mut(), row(area, 1));
    match state.pane {
        _ if state.case.is_some() => case::draw(state, painter, frame, body),
        Pane::Overview => overview::draw(state, frame, body),
        Pane::Logs => log(state, frame.buffer_mut(), body),
        _ => list(state, frame.buffer_mut(), body),
    }
    foot(state, frame.buffer_mut(), row(area, area.height - 1));
    overlays::draw(state, frame, area);
}

/// Rows of a list on a terminal of that size.
pub fn list_rows(size: (u16, u16)) -> usize {
    usize::from(size.1.saturating_sub(FRAME_ROWS + LIST_FRAME_ROWS))
}

/// Which row of a list lies at that line.
pub fn row_at(size: (u16, u16), y: u16) -> Option<usize> {
    let row = usize::from(y.checked_sub(3)?);
    (row < list_rows(size)).then_some(row)
}

/// Which pane's tab lies there.
pub fn tab_at(state: &State, x: u16, y: u16) -> Option<Pane> {
    let tabs = tabs(state);
    let hit = |tab: &&Tab| y == 1 && (tab.x..tab.x + tab.width).contains(&x);
    tabs.iter().find(hit).map(|tab| tab.pane)
}

fn row(area: Rect, y: u16) -> Rect {
    Rect { y: area.y + y.min(area.height.saturating_sub(1)), height: 1.min(area.height), ..area }
}

/// Writes into at most so many cells; what would lie outside is left out.
fn put(buffer: &mut Buffer, x: u16, y: u16, most: u16, text: impl AsRef<str>, style: impl Into<Style>) {
    if !buffer.area.contains(Position { x, y }) {
        return;
    }
    buffer.set_stringn(x, y, text.as_ref(), usize::from(most), style);
}

fn tone(scene: &Scene, tone: Tone) -> Style {
    scene.colours.style(tone)
}

fn title(state: &State, buffer: &mut Buffer, area: Rect) {
    let scene = &state.scene;
    if let Link::Down(since, why) = &state.link {
        let mut text = format!("▲ {}", scene.fill(Text::LinkLost, &[&span(scene.now.since(*since))]));
        if let Some(why) = why {
            text = format!("{text} {why}");
        }
        return put(buffer, area.x, area.y, area.width, clip(&text, usize::from(area.width)), tone(scene, Tone::Bad));
    }
    let mut left = vec![Span::styled("twoface", tone(scene, Tone::Title))];
    let mut right = String::new();
    if let Some(seen) = &state.status {
        left.push(Span::raw(format!(" {}", seen.version)));
        if let Some(address) = &seen.address {
            let (sign, look) = if seen.ready { ("●", Tone::Good) } else { ("▲", Tone::Warn) };
            let text = if seen.ready { Text::Ready } else { Text::NotReadyYet };
            left.push(Span::raw(format!("  {address}  ")));
            left.push(Span::styled(format!("{sign} {}", scene.say(text)), tone(scene, look)));
        }
        let worst = seen.warnings.len();
        if worst > 0 {
            left.push(Span::styled(format!("  ▲ {worst}"), tone(scene, Tone::Warn)));
        }
        right = format!("{}  ", clip(&seen.administrator, 24));
    }
    if scene.privacy == Privacy::Masked {
        right = format!("{right}{}  ", scene.say(Text::Masked));
    }
    let clock = scene.now.to_string();
    right.push_str(clock.get(11..19).unwrap_or_default());
    right.push('Z');
    buffer.set_line(area.x, area.y, &Line::from(left), area.width);
    let from = usize::from(area.width).saturating_sub(width(&right));
    put(buffer, area.x + u16::try_from(from).unwrap_or(0), area.y, area.width, right, tone(scene, Tone::Dim));
}

struct Tab {
    pane: Pane,
    x: u16,
    width: u16,
    label: String,
}

/// The tabs that there is room for, the pane's own among them.
fn tabs(state: &State) -> Vec<Tab> {
    let labels: Vec<(Pane, String)> =
        Pane::ALL.iter().enumerate().map(|(at, pane)| (*pane, label(state, at, *pane))).collect();
    let total = usize::from(state.size.0);
    let lengths: Vec<usize> = labels.iter().map(|(_, label)| width(label) + 1).collect();
    let current = Pane::ALL.iter().position(|pane| *pane == state.pane).unwrap_or(0);
    // Two cells are for the signs that there are more.
    let fits = |start: usize| lengths.iter().take(current + 1).skip(start).sum::<usize>() + 2 <= total;
    let start = (0..=current).find(|start| fits(*start)).unwrap_or(current);
    let mut x = 1;
    let mut shown = Vec::new();
    for ((pane, label), length) in labels.into_iter().zip(&lengths).skip(start) {
        if x + length > total {
            break;
        }
        let cells = u16::try_from(*length).unwrap_or(u16::MAX);
        shown.push(Tab { pane, x: u16::try_from(x).unwrap_or(u16::MAX), width: cells.saturating_sub(1), label });
        x += length;
    }
    shown
}

fn label(state: &State, at: usize, pane: Pane) -> String {
    let name = state.scene.say(pane.title());
    let waiting = state.status.as_ref().map_or(0, |seen| seen.reviews_waiting);
    match pane {
        Pane::Review if waiting > 0 => format!("{} {name} {waiting}", (at + 1) % 10),
        _ if at < 10 => format!("{} {name}", (at + 1) % 10),
        _ => name.to_owned(),
    }
}

fn tab_line(state: &State, buffer: &mut Buffer, area: Rect) {
    let scene = &state.scene;
    let tabs = tabs(state);
    for tab in &tabs {
        let look = if tab.pane == state.pane { Tone::Selected } else { Tone::Dim };
        put(buffer, area.x + tab.x, area.y, tab.width, &tab.label, tone(scene, look));
    }
    if tabs.first().is_some_and(|tab| Some(&tab.pane) != Pane::ALL.first()) {
        put(buffer, area.x, area.y, 1, "‹", tone(scene, Tone::Strong));
    }
    if tabs.last().is_some_and(|tab| Some(&tab.pane) != Pane::ALL.last()) {
        put(buffer, area.x + area.width.saturating_sub(1), area.y, 1, "›", tone(scene, Tone::Strong));
    }
}

fn foot(state: &State, buffer: &mut Buffer, area: Rect) {
    let scene = &state.scene;
    if let Some(notice) = &state.notice {
        let sign = match notice.tone {
            Tone::Good => "●",
            Tone::Bad => "✕",
            _ => "▲",
        };
        let text = clip(&format!("{sign} {}", notice.text), usize::from(area.width));
        return put(buffer, area.x, area.y, area.width, text, tone(scene, notice.tone));
    }
    let mut spans = Vec::new();
    let mut room = usize::from(area.width);
    // What can be done here comes first, and how to find the rest always has a place.
    let mut known = commands(state);
    known.sort_by_key(|(key, ..)| match key {
        '/' | ':' | '?' => 1,
        's' | 'S' | 'y' | 'p' | 'L' | 'R' | 'q' => 2,
        _ => 0,
    });
    for (key, _, text) in known {
        let key = if key == '\n' { "⏎".to_owned() } else { key.to_string() };
        let name = scene.say(text);
        let needed = width(&key) + width(name) + 3;
        if needed > room {
            continue;
        }
        room -= needed;
        spans.push(Span::styled(key, tone(scene, Tone::Accent)));
        spans.push(Span::styled(format!(" {name}  "), tone(scene, Tone::Dim)));
    }
    buffer.set_line(area.x, area.y, &Line::from(spans), area.width);
}

/// Where each shown column lies: its place among all, its left edge and its width.
fn placed(columns: &[Column], total: u16) -> Vec<(usize, u16, u16)> {
    let shown: Vec<(usize, &Column)> = columns.iter().enumerate().filter(|(_, column)| column.from <= total).collect();
    let gaps = u16::try_from(shown.len().saturating_sub(1)).unwrap_or(0) * 2;
    let (mut fixed, mut shares) = (0_u16, 0_u16);
    for (_, column) in &shown {
        match column.width {
            Width::Cells(cells) => fixed += cells,
            Width::Share(share) => shares += share,
        }
    }
    let left = total.saturating_sub(fixed + gaps);
    let mut x = 0;
    let mut out = Vec::with_capacity(shown.len());
    for (place, column) in shown {
        let cells = match column.width {
            Width::Cells(cells) => cells,
            Width::Share(share) => left * share / shares.max(1),
        };
        out.push((place, x, cells.min(total.saturating_sub(x))));
        x += cells + 2;
    }
    out
}

fn list(state: &mut State, buffer: &mut Buffer, body: Rect) {
    let scene = state.scene;
    let columns = state.pane.columns();
    let places = placed(columns, body.width);
    let remarks = remarks(state);
    let empty = empty(state);
    let list = state.list_mut();
    for (place, x, cells) in &places {
        let Some(column) = columns.get(*place) else { continue };
        let sorted = list.sort.filter(|sort| sort.column == *place);
        let arrow = sorted.map_or("", |sort| if sort.way == Way::Up { "↑" } else { "↓" });
        let heading = clip(&format!("{}{arrow}", scene.say(column.heading)), usize::from(*cells));
        put(buffer, body.x + x, body.y, *cells, heading, tone(&scene, Tone::Strong));
    }
    let height = usize::from(body.height.saturating_sub(LIST_FRAME_ROWS));
    let selected = list.selected();
    let (first, items) = list.visible(height);
    for (line, item) in (0_u16..).zip(&items) {
        let y = body.y + 1 + line;
        let is_selected = first + usize::from(line) == selected;
        let cells = item.cells(&scene);
        for (place, x, room) in &places {
            let Some(Cell { text, tone: look, .. }) = cells.get(*place) else { continue };
            put(buffer, body.x + x, y, *room, clip(text, usize::from(*room)), tone(&scene, *look));
        }
        if is_selected {
            buffer.set_style(Rect { y, height: 1, ..body }, tone(&scene, Tone::Selected));
        }
    }
    if items.is_empty() {
        put(buffer, body.x + 1, body.y + 2, body.width.saturating_sub(1), empty, tone(&scene, Tone::Dim));
    }
    let text = clip(&remarks, usize::from(body.width));
    put(buffer, body.x, body.y + body.height.saturating_sub(1), body.width, text, tone(&scene, Tone::Dim));
}

/// How many there are, and what of them is shown in which order.
fn remarks(state: &State) -> String {
    let (scene, list) = (&state.scene, state.list());
    let mut parts = Vec::new();
    let all = list.total.filter(|total| *total != list.len());
    parts.push(match all {
        Some(all) => scene.fill(Text::ShownOf, &[&list.len().to_string(), &all.to_string()]),
        None => scene.fill(Text::Shown, &[&list.len().to_string()]),
    });
    if list.next.is_some() {
        parts.push(scene.say(Text::ThereIsMore).to_owned());
    }
    if !list.search.is_empty() {
        parts.push(scene.fill(Text::SearchIs, &[&list.search]));
    }
    let only = &state.only;
    let filters: Vec<&str> = match state.pane {
        Pane::Attempts => {
            let (status, kind) = (only.attempt_status.map(|one| one.name()), only.attempt_kind.map(|one| one.name()));
            status.into_iter().chain(kind).collect()
        }
        Pane::Audit => only.audit_word.iter().map(String::as_str).collect(),
        Pane::Jobs => only.job_status.iter().map(|one| scene.say(super::item::job_status(one.name()))).collect(),
        _ => Vec::new(),
    };
    parts.extend(filters.into_iter().map(|filter| scene.fill(Text::FilterIs, &[filter])));
    if let Some(column) = list.sort.and_then(|sort| state.pane.columns().get(sort.column)) {
        parts.push(scene.fill(Text::SortedBy, &[scene.say(column.heading)]));
    }
    parts.join(" · ")
}

fn empty(state: &State) -> &'static str {
    let list: &Listing = state.list();
    state.scene.say(match state.pane {
        _ if list.loaded != Loaded::Ready && list.items.is_empty() => Text::Loading,
        _ if !list.search.is_empty() && !list.items.is_empty() => Text::NothingFits,
        Pane::Keys => Text::EmptyKeys,
        Pane::Accounts => Text::EmptyAccounts,
        Pane::Sessions => Text::EmptySessions,
        Pane::Webhooks => Text::EmptyWebhooks,
        Pane::Review => Text::EmptyReview,
        _ => Text::Empty,
    })
}

fn log(state: &mut State, buffer: &mut Buffer, body: Rect) {
    let scene = state.scene;
    let height = usize::from(body.height);
    let log = &mut state.log;
    log.up = log.up.min(log.lines.len().saturating_sub(1));
    let end = log.lines.len() - log.up;
    // From the last line upwards, until there is no room.
    let mut shown = Vec::new();
    for line in log.lines.iter().take(end).rev() {
        let look = match &line.text {
            text if text.contains(" ERROR ") => Tone::Bad,
            text if text.contains(" WARN ") => Tone::Warn,
            _ => Tone::Plain,
        };
        let broken = super::format::wrap(&short_line(&line.text), usize::from(body.width));
        shown.extend(broken.into_iter().rev().map(|part| (look, part)));
        if shown.len() >= height {
            break;
        }
    }
    shown.truncate(height);
    for (y, (look, part)) in (body.y..).zip(shown.iter().rev()) {
        put(buffer, body.x, y, body.width, part, tone(&scene, *look));
    }
    if log.lines.is_empty() {
        put(buffer, body.x + 1, body.y + 1, body.width, scene.say(Text::Empty), tone(&scene, Tone::Dim));
    }
}

/// A line of the log without the day, the fractions of a second and the crate's own name.
fn short_line(line: &str) -> String {
    let Some((time, rest)) = line.split_once(' ') else { return line.to_owned() };
    let clock = time.split_once('T').and_then(|(_, clock)| clock.get(..8)).unwrap_or(time);
    format!("{clock} {}", rest.trim_start().replacen("twoface::", "", 1))
}

/// Lines of a text, broken to the width and moved up by `offset`, which is held to what there is.
fn text(buffer: &mut Buffer, area: Rect, scene: &Scene, lines: &[(Tone, String)], offset: &mut usize) {
    let broken: Vec<(Tone, String)> = lines
        .iter()
        .flat_map(|(look, line)| {
            super::format::wrap(line, usize::from(area.width)).into_iter().map(|line| (*look, line))
        })
        .collect();
    let height = usize::from(area.height);
    *offset = (*offset).min(broken.len().saturating_sub(height));
    for (y, (look, line)) in (area.y..).zip(broken.iter().skip(*offset).take(height)) {
        put(buffer, area.x, y, area.width, line, tone(scene, *look));
    }
    let right = area.x + area.width.saturating_sub(1);
    if *offset > 0 {
        put(buffer, right, area.y, 1, "↑", tone(scene, Tone::Accent));
    }
    if *offset + height < broken.len() {
        put(buffer, right, area.y + area.height.saturating_sub(1), 1, "↓", tone(scene, Tone::Accent));
    }
}
