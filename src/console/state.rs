//! Everything that the console knows at one moment. Changed by `update` alone, drawn by `view`.

use std::collections::{BTreeMap, VecDeque};

use super::listing::Listing;
use super::overlay::Overlay;
use super::pane::Pane;
use super::theme::Colours;
use super::words::{Language, Text};
use super::{Options, format};
use crate::admin::reply::{AttemptDetail, LogLine, Picture, StatusSeen};
use crate::admin::request::JobStatus;
use crate::domain::attempt::{AttemptKind, AttemptStatus};
use crate::domain::id::Id;
use crate::domain::time::Timestamp;

/// Lines of the server's log that are held.
pub const LOG_LINES_MAX: usize = 2_000;

/// Whether names and numbers of people are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Privacy {
    #[default]
    Shown,
    Masked,
}

/// How things are to be put into words now.
#[derive(Clone, Copy, Debug)]
pub struct Scene {
    pub now: Timestamp,
    pub language: Language,
    pub privacy: Privacy,
    pub colours: Colours,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            now: Timestamp::from_millis(0),
            language: Language::default(),
            privacy: Privacy::default(),
            colours: Colours::default(),
        }
    }
}

impl Scene {
    pub fn say(&self, text: Text) -> &'static str {
        self.language.say(text)
    }

    pub fn fill(&self, text: Text, values: &[&str]) -> String {
        self.language.fill(text, values)
    }

    /// A name or number of a person.
    pub fn person(&self, text: &str) -> String {
        match self.privacy {
            Privacy::Shown => text.to_owned(),
            Privacy::Masked => format::masked(text),
        }
    }
}

/// Whether the server answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Link {
    Up,
    /// Since when, and why if that is known.
    Down(Timestamp, Option<String>),
}

pub struct State {
    pub scene: Scene,
    /// Of the terminal, in cells.
    pub size: (u16, u16),
    pub pane: Pane,
    pub link: Link,
    /// When the server last answered.
    pub answered_at: Timestamp,
    pub status: Option<StatusSeen>,
    lists: BTreeMap<Pane, Listing>,
    /// What a list is that was never asked for.
    no_list: Listing,
    /// A list's questions are numbered.
    pub generation: u64,
    pub only: Only,
    pub log: Log,
    /// The attempt in review that is looked at.
    pub case: Option<Case>,
    /// The last one has the keys.
    pub overlays: Vec<Overlay>,
    pub notice: Option<Notice>,
    pub asked: Asked,
}

/// What lists are asked for only.
#[derive(Clone, Debug, Default)]
pub struct Only {
    pub attempt_status: Option<AttemptStatus>,
    pub attempt_kind: Option<AttemptKind>,
    pub job_status: Option<JobStatus>,
    pub audit_word: Option<String>,
}

/// When what was last asked for, so that nothing is asked twice at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    pub status: Question,
    pub log: Question,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Question {
    pub at: Option<Timestamp>,
    pub open: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Log {
    pub lines: VecDeque<LogLine>,
    /// Lines from the end at which the reader is; 0 follows.
    pub up: usize,
}

/// An attempt in review with its two photos.
#[derive(Clone, Debug)]
pub struct Case {
    pub detail: AttemptDetail,
    pub photos: [Photo; 2],
    /// Lines by which the text beneath is moved up.
    pub offset: usize,
    pub asked_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Photo {
    /// There is none, or it was removed.
    None,
    Asked,
    Here(Picture),
    /// Why it cannot be shown.
    Bad(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub until: Timestamp,
    pub tone: super::theme::Tone,
    pub text: String,
}

impl State {
    pub fn new(options: &Options, now: Timestamp, size: (u16, u16)) -> Self {
        let Options { language, privacy, colours, .. } = *options;
        Self {
            scene: Scene { now, language, privacy, colours },
            size,
            pane: Pane::Overview,
            link: Link::Up,
            answered_at: now,
            status: None,
            lists: BTreeMap::new(),
            no_list: Listing::default(),
            generation: 0,
            only: Only::default(),
            log: Log::default(),
            case: None,
            overlays: Vec::new(),
            notice: None,
            asked: Asked::default(),
        }
    }

    pub fn list_of(&self, pane: Pane) -> &Listing {
        self.lists.get(&pane).unwrap_or(&self.no_list)
    }

    pub fn list_of_mut(&mut self, pane: Pane) -> &mut Listing {
        self.lists.entry(pane).or_default()
    }

    pub fn list(&self) -> &Listing {
        self.list_of(self.pane)
    }

    pub fn list_mut(&mut self) -> &mut Listing {
        self.list_of_mut(self.pane)
    }

    /// Whether the attempt on the screen is that one.
    pub fn looks_at(&self, attempt: Id) -> bool {
        self.case.as_ref().is_some_and(|case| case.detail.attempt.id == attempt)
    }
}
