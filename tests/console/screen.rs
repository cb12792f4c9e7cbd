//! A console without a terminal: events go in, the screen is read as text.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use twoface::admin::reply::Reply;
use twoface::console::pane::Pane;
use twoface::console::picture::Painter;
use twoface::console::state::State;
use twoface::console::update::{Action, Event, Purpose, update};
use twoface::console::{Colours, Language, Options, Pictures, Privacy, view};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::made_up::{self, Much, NOW};

pub struct Screen {
    pub state: State,
    terminal: Terminal<TestBackend>,
    painter: Painter,
}

impl Screen {
    pub fn new((width, height): (u16, u16), language: Language) -> Self {
        let options =
            Options { language, privacy: Privacy::Shown, colours: Colours::None, pictures: Pictures::Halfblocks };
        Self {
            state: State::new(&options, NOW, (width, height)),
            terminal: Terminal::new(TestBackend::new(width, height)).unwrap(),
            painter: Painter::unasked(Pictures::Halfblocks),
        }
    }

    /// With the pane open and everything answered.
    pub fn showing(size: (u16, u16), language: Language, pane: Pane, much: Much) -> Self {
        let mut screen = Self::new(size, language);
        screen.state.pane = pane;
        let asked = screen.tick();
        screen.answer_all(asked, much);
        screen
    }

    pub fn tick(&mut self) -> Vec<Action> {
        let now = self.state.scene.now;
        update(&mut self.state, Event::Tick(now))
    }

    pub fn wait(&mut self, seconds: u64) -> Vec<Action> {
        let now = self.state.scene.now.after(std::time::Duration::from_secs(seconds));
        update(&mut self.state, Event::Tick(now))
    }

    pub fn answer(&mut self, purpose: Purpose, reply: Reply) -> Vec<Action> {
        update(&mut self.state, Event::Answer(purpose, Box::new(Ok(Some(reply)))))
    }

    /// Answers questions with made-up things, and those that follow from the answers.
    pub fn answer_all(&mut self, actions: Vec<Action>, much: Much) {
        let mut open = actions;
        while let Some(action) = open.pop() {
            let Action::Ask(purpose, _) = action else { continue };
            let reply = match purpose {
                Purpose::Status => Reply::Status(Box::new(made_up::status(much))),
                Purpose::List { pane, .. } => made_up::list(pane, much),
                Purpose::Log => made_up::log(much),
                Purpose::Photo { .. } => Reply::Picture(made_up::picture()),
                Purpose::Case | Purpose::Detail => Reply::Attempt(Box::new(made_up::case(much))),
                Purpose::More { .. } | Purpose::Change => continue,
            };
            open.extend(self.answer(purpose, reply));
        }
    }

    pub fn press(&mut self, code: KeyCode) -> Vec<Action> {
        update(&mut self.state, Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
    }

    /// Types each character; `\n` is Enter.
    pub fn keys(&mut self, text: &str) -> Vec<Action> {
        let press = |letter| self.press(if letter == '\n' { KeyCode::Enter } else { KeyCode::Char(letter) });
        text.chars().flat_map(press).collect()
    }

    /// What is on the screen, without the blanks at the ends of lines.
    pub fn text(&mut self) -> String {
        let (state, painter) = (&mut self.state, &mut self.painter);
        self.terminal.draw(|frame| view::draw(state, painter, frame)).unwrap();
        let buffer = self.terminal.backend().buffer();
        let width = usize::from(buffer.area.width);
        let mut lines = Vec::new();
        for row in buffer.content().chunks(width) {
            let mut line = String::new();
            let mut covered = 0;
            for cell in row {
                // The second half of a wide character holds nothing of its own.
                if covered > 0 {
                    covered -= 1;
                    continue;
                }
                covered = ratatui::text::Span::raw(cell.symbol()).width().saturating_sub(1);
                line.push_str(cell.symbol());
            }
            lines.push(line.trim_end().to_owned());
        }
        lines.join("\n")
    }
}

/// The one question among actions.
pub fn only(actions: &[Action]) -> &twoface::admin::Request {
    let asked: Vec<_> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Ask(_, request) => Some(request),
            _ => None,
        })
        .collect();
    match asked.as_slice() {
        [one] => one,
        other => panic!("{} questions: {other:?}", other.len()),
    }
}
