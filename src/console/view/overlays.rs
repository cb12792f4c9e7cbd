//! What lies over a pane, each in a box of its own.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Block, Clear};

use super::{put, text, tone};
use crate::console::format::{clip, width, wrap};
use crate::console::input::Input;
use crate::console::overlay::{Form, Overlay, Question};
use crate::console::state::{Scene, State};
use crate::console::theme::Tone;
use crate::console::update::{commands, offers};
use crate::console::words::Text;

/// The widest that a box with words in it is.
const BOX: u16 = 76;

pub(super) fn draw(state: &mut State, frame: &mut Frame, area: Rect) {
    let scene = state.scene;
    let Some(mut overlay) = state.overlays.pop() else { return };
    match &mut overlay {
        Overlay::Help => help(state, frame, area),
        Overlay::Palette { input, selected } => palette(state, frame, area, input, *selected),
        Overlay::Search(input) => {
            let line = Rect { y: area.y + area.height.saturating_sub(1), height: 1, ..area };
            frame.render_widget(Clear, line);
            typed(&scene, frame, line, "/", input);
        }
        Overlay::Form(form) => self::form(&scene, frame, area, form),
        Overlay::Question(question) => self::question(&scene, frame, area, question),
        Overlay::Secret { name, secret } => self::secret(&scene, frame, area, name, secret),
        Overlay::Detail { title, lines, offset } => {
            let inner = boxed(&scene, frame, area, (area.width - 4, area.height - 2), title);
            text(frame.buffer_mut(), inner, &scene, lines, offset);
        }
    }
    state.overlays.push(overlay);
}

/// An empty box in the middle of the screen; what is inside of it.
fn boxed(scene: &Scene, frame: &mut Frame, area: Rect, (wide, high): (u16, u16), title: &str) -> Rect {
    let (wide, high) = (wide.min(area.width), high.min(area.height));
    let at =
        Rect { x: area.x + (area.width - wide) / 2, y: area.y + (area.height - high) / 2, width: wide, height: high };
    frame.render_widget(Clear, at);
    let title = format!(" {} ", clip(title, usize::from(wide.saturating_sub(4))));
    let block = Block::bordered().title(title).border_style(tone(scene, Tone::Accent));
    let inner = block.inner(at);
    frame.render_widget(block, at);
    Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
}

/// A line that is being typed, with the cursor in it.
fn typed(scene: &Scene, frame: &mut Frame, line: Rect, label: &str, input: &Input) {
    let from = u16::try_from(width(label)).unwrap_or(0);
    let room = usize::from(line.width.saturating_sub(from + 1));
    let before = input.before();
    // What does not fit is moved out to the left.
    let hidden = width(&before).saturating_sub(room);
    let shown: String = input.text().chars().skip(hidden).collect();
    put(frame.buffer_mut(), line.x, line.y, line.width, label, tone(scene, Tone::Accent));
    put(frame.buffer_mut(), line.x + from, line.y, line.width.saturating_sub(from), shown, tone(scene, Tone::Plain));
    let cursor = u16::try_from(width(&before) - hidden).unwrap_or(0);
    frame.set_cursor_position(Position { x: line.x + from + cursor, y: line.y });
}

fn help(state: &State, frame: &mut Frame, area: Rect) {
    let scene = &state.scene;
    let inner_width = usize::from(BOX.min(area.width)) - 4;
    let mut lines = Vec::new();
    let mut add = |look, words: &str| lines.extend(wrap(words, inner_width).into_iter().map(|line| (look, line)));
    add(Tone::Plain, scene.say(state.pane.help()));
    add(Tone::Plain, "");
    let keys = commands(state).into_iter().map(|(key, _, text)| {
        let key = if key == '\n' { "⏎".to_owned() } else { key.to_string() };
        format!("{key:<2} {:<18}", scene.say(text))
    });
    let keys: Vec<String> = keys.collect();
    for three in keys.chunks(3) {
        add(Tone::Accent, three.concat().trim_end());
    }
    add(Tone::Plain, "");
    for words in [Text::HelpMove, Text::HelpPanes, Text::HelpMouse] {
        add(Tone::Dim, scene.say(words));
    }
    add(Tone::Plain, "");
    add(Tone::Strong, scene.say(Text::HelpClose));
    let title = scene.fill(Text::HelpTitle, &[scene.say(state.pane.title())]);
    let high = u16::try_from(lines.len() + 2).unwrap_or(area.height);
    let inner = boxed(scene, frame, area, (BOX, high), &title);
    text(frame.buffer_mut(), inner, scene, &lines, &mut 0);
}

fn palette(state: &State, frame: &mut Frame, area: Rect, input: &Input, selected: usize) {
    let scene = &state.scene;
    let offers = offers(state, &input.text());
    let rows = usize::from(area.height).saturating_sub(8).min(offers.len());
    let high = u16::try_from(rows + 4).unwrap_or(area.height);
    let inner = boxed(scene, frame, area, (50, high), scene.say(Text::DoPalette));
    let first = (selected + 1).saturating_sub(rows.max(1));
    for (y, (place, (_, name))) in (inner.y + 2..).zip(offers.iter().enumerate().skip(first).take(rows)) {
        let look = if place == selected { Tone::Selected } else { Tone::Plain };
        put(frame.buffer_mut(), inner.x, y, inner.width, clip(name, usize::from(inner.width)), tone(scene, look));
    }
    typed(scene, frame, Rect { height: 1, ..inner }, ": ", input);
}

fn form(scene: &Scene, frame: &mut Frame, area: Rect, form: &Form) {
    let rows: usize = form.fields.iter().map(|field| if field.hint.is_some() { 3 } else { 2 }).sum();
    let high = u16::try_from(rows + 3).unwrap_or(area.height);
    let inner = boxed(scene, frame, area, (BOX, high), &form.title(scene));
    let mut y = inner.y;
    let mut cursor = None;
    for (place, field) in form.fields.iter().enumerate() {
        if y + 1 >= inner.y + inner.height {
            break;
        }
        let focused = place == form.focus;
        let look = if focused { Tone::Strong } else { Tone::Dim };
        let label = format!("{:<22} ", clip(scene.say(field.label), 22));
        let line = Rect { y, height: 1, ..inner };
        if focused {
            cursor = Some((line, label, &field.input));
        } else {
            put(frame.buffer_mut(), line.x, y, line.width, &label, tone(scene, look));
            let room = line.width.saturating_sub(23);
            let shown = clip(&field.input.text(), usize::from(room));
            put(frame.buffer_mut(), line.x + 23, y, room, shown, tone(scene, Tone::Plain));
        }
        y += 1;
        let remark = match (field.wrong, field.hint) {
            (Some(wrong), _) => Some((Tone::Bad, format!("✕ {} {}", scene.say(field.label), scene.say(wrong)))),
            (None, Some(hint)) => Some((Tone::Dim, scene.say(hint).to_owned())),
            (None, None) => None,
        };
        if let Some((look, remark)) = remark {
            let room = inner.width.saturating_sub(23);
            put(frame.buffer_mut(), inner.x + 23, y, room, clip(&remark, usize::from(room)), tone(scene, look));
        }
        if field.hint.is_some() {
            y += 1;
        }
        y += 1;
    }
    let last = inner.y + inner.height.saturating_sub(1);
    put(frame.buffer_mut(), inner.x, last, inner.width, scene.say(Text::FormKeys), tone(scene, Tone::Dim));
    if let Some((line, label, input)) = cursor {
        typed(scene, frame, line, &label, input);
    }
}

fn question(scene: &Scene, frame: &mut Frame, area: Rect, question: &Question) {
    let lines = wrap(&question.text, usize::from(BOX.min(area.width)) - 4);
    let high = u16::try_from(lines.len() + 4).unwrap_or(area.height);
    let inner = boxed(scene, frame, area, (BOX, high), "?");
    for (y, line) in (inner.y..).zip(&lines) {
        put(frame.buffer_mut(), inner.x, y, inner.width, line, tone(scene, Tone::Strong));
    }
    let last = Rect { y: inner.y + inner.height.saturating_sub(1), height: 1, ..inner };
    match &question.typed {
        None => put(frame.buffer_mut(), last.x, last.y, last.width, scene.say(Text::YesNo), tone(scene, Tone::Accent)),
        Some(wanted) => {
            let label = format!("{}: ", scene.fill(Text::TypeToConfirm, &[wanted]));
            typed(scene, frame, last, &label, &question.input);
        }
    }
}

fn secret(scene: &Scene, frame: &mut Frame, area: Rect, name: &str, secret: &str) {
    let inner = boxed(scene, frame, area, (area.width.min(84), 8), scene.say(Text::SecretTitle));
    let rows = wrap(secret, usize::from(inner.width));
    let put = &mut |y: u16, words: &str, look| {
        super::put(
            frame.buffer_mut(),
            inner.x,
            inner.y + y,
            inner.width,
            clip(words, usize::from(inner.width)),
            tone(scene, look),
        );
    };
    put(0, name, Tone::Strong);
    for (y, row) in (1..).zip(&rows) {
        put(y, row, Tone::Good);
    }
    put(4, scene.say(Text::SecretOnce), Tone::Warn);
    put(5, scene.say(Text::SecretKeys), Tone::Dim);
}
