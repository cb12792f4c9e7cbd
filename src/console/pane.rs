//! The panes: what each is called, what it lists, what can be done in it, and how often it is asked for anew.

use std::time::Duration;

use super::item::{self, Column};
use super::state::Only;
use super::words::Text;
use crate::admin::audit::Audit;
use crate::admin::limits::Limits;
use crate::admin::request::{Accounts, Attempts, Jobs, Keys, Part, Request, Review, Sessions, Users};
use crate::admin::webhooks::Webhooks;
use crate::domain::id::Id;

/// Rows of one page.
pub const PAGE_ROWS: u32 = 100;
/// Lines of the audit log that are read, the signed checkpoints among them.
const AUDIT_LINES: u32 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pane {
    Overview,
    Keys,
    Accounts,
    Sessions,
    Limits,
    Attempts,
    Review,
    Jobs,
    Users,
    Webhooks,
    Workflows,
    Audit,
    Logs,
    Settings,
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Inspect,
    New,
    Rotate,
    Revoke,
    End,
    Retention,
    Unproven,
    Erase,
    Change,
    Redeliver,
    Test,
    Enable,
    Remove,
    Find,
    FindWord,
    Verify,
    Filter,
    FilterKind,
    Approve,
    Reject,
    Cancel,
    Follow,
    Search,
    Sort,
    Reverse,
    Copy,
    Refresh,
    Privacy,
    Language,
    Palette,
    Help,
    NextPane,
    PreviousPane,
    Quit,
    Go(Pane),
}

/// A command with its key and its name.
pub type Known = (char, Command, Text);

/// What can be done everywhere.
pub const EVERYWHERE: &[Known] = &[
    (':', Command::Palette, Text::DoPalette),
    ('?', Command::Help, Text::DoHelp),
    ('p', Command::Privacy, Text::DoPrivacy),
    ('L', Command::Language, Text::DoLanguage),
    ('R', Command::Refresh, Text::DoRefresh),
    ('q', Command::Quit, Text::DoQuit),
];

/// What can be done in every list.
pub const IN_LISTS: &[Known] = &[
    ('/', Command::Search, Text::DoSearch),
    ('s', Command::Sort, Text::DoSort),
    ('S', Command::Reverse, Text::DoReverse),
    ('y', Command::Copy, Text::DoCopy),
];

/// What can be done with an attempt in review that is open.
pub const IN_CASE: &[Known] = &[
    ('a', Command::Approve, Text::DoApprove),
    ('x', Command::Reject, Text::DoReject),
    ('c', Command::Cancel, Text::DoCancel),
    ('y', Command::Copy, Text::DoCopy),
];

const LOOK: Known = ('\n', Command::Inspect, Text::DoInspect);

impl Pane {
    pub const ALL: &'static [Pane] = &[
        Pane::Overview,
        Pane::Keys,
        Pane::Accounts,
        Pane::Sessions,
        Pane::Limits,
        Pane::Attempts,
        Pane::Review,
        Pane::Jobs,
        Pane::Users,
        Pane::Webhooks,
        Pane::Workflows,
        Pane::Audit,
        Pane::Logs,
        Pane::Settings,
    ];

    pub fn title(self) -> Text {
        match self {
            Pane::Overview => Text::Overview,
            Pane::Keys => Text::Keys,
            Pane::Accounts => Text::Accounts,
            Pane::Sessions => Text::Sessions,
            Pane::Attempts => Text::Attempts,
            Pane::Review => Text::Review,
            Pane::Jobs => Text::Jobs,
            Pane::Users => Text::Users,
            Pane::Limits => Text::Limits,
            Pane::Webhooks => Text::Webhooks,
            Pane::Workflows => Text::Workflows,
            Pane::Audit => Text::Audit,
            Pane::Logs => Text::Logs,
            Pane::Settings => Text::Settings,
        }
    }

    pub fn help(self) -> Text {
        match self {
            Pane::Overview => Text::HelpOverview,
            Pane::Keys => Text::HelpKeys,
            Pane::Accounts => Text::HelpAccounts,
            Pane::Sessions => Text::HelpSessions,
            Pane::Attempts => Text::HelpAttempts,
            Pane::Review => Text::HelpReview,
            Pane::Jobs => Text::HelpJobs,
            Pane::Users => Text::HelpUsers,
            Pane::Limits => Text::HelpLimits,
            Pane::Webhooks => Text::HelpWebhooks,
            Pane::Workflows => Text::HelpWorkflows,
            Pane::Audit => Text::HelpAudit,
            Pane::Logs => Text::HelpLogs,
            Pane::Settings => Text::HelpSettings,
        }
    }

    /// Of its list; none where it has no list.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Pane::Overview | Pane::Logs => &[],
            Pane::Keys => item::KEYS,
            Pane::Accounts => item::ACCOUNTS,
            Pane::Sessions => item::SESSIONS,
            Pane::Attempts | Pane::Review => item::ATTEMPTS,
            Pane::Jobs => item::JOBS,
            Pane::Users => item::USERS,
            Pane::Limits => item::LIMITS,
            Pane::Webhooks => item::WEBHOOKS,
            Pane::Workflows => item::WORKFLOWS,
            Pane::Audit => item::AUDIT,
            Pane::Settings => item::SETTINGS,
        }
    }

    pub fn is_list(self) -> bool {
        !self.columns().is_empty()
    }

    /// What can be done in this pane beside what can be done in every one.
    pub fn commands(self) -> &'static [Known] {
        match self {
            Pane::Overview | Pane::Settings => &[],
            Pane::Keys => &[
                ('n', Command::New, Text::DoNew),
                ('r', Command::Rotate, Text::DoRotate),
                ('d', Command::Revoke, Text::DoRevoke),
                ('m', Command::Change, Text::DoLimit),
            ],
            Pane::Accounts => &[
                ('n', Command::New, Text::DoNew),
                ('t', Command::Retention, Text::DoRetention),
                ('u', Command::Unproven, Text::DoUnproven),
            ],
            Pane::Sessions => &[LOOK, ('d', Command::End, Text::DoEnd)],
            Pane::Attempts => {
                &[LOOK, ('f', Command::Filter, Text::DoFilter), ('t', Command::FilterKind, Text::DoFilterKind)]
            }
            Pane::Limits => &[('\n', Command::Change, Text::DoChange)],
            Pane::Webhooks => &[
                LOOK,
                ('n', Command::New, Text::DoNew),
                ('x', Command::Redeliver, Text::DoRedeliver),
                ('r', Command::Rotate, Text::DoRotate),
                ('t', Command::Test, Text::DoTest),
                ('e', Command::Enable, Text::DoEnable),
                ('d', Command::Remove, Text::DoRemove),
            ],
            Pane::Review => &[LOOK],
            Pane::Workflows => &[LOOK, ('v', Command::Verify, Text::DoVerify)],
            Pane::Jobs => &[LOOK, ('f', Command::Filter, Text::DoFilter)],
            Pane::Users => &[LOOK, ('n', Command::Find, Text::DoFind), ('d', Command::Erase, Text::DoErase)],
            Pane::Audit => &[('n', Command::FindWord, Text::DoFindWord), ('v', Command::Verify, Text::DoVerify)],
            Pane::Logs => &[('f', Command::Follow, Text::DoFollow)],
        }
    }

    /// After how long its list is out of date.
    pub fn renewed_every(self) -> Duration {
        Duration::from_millis(match self {
            Pane::Limits => 1_000,
            Pane::Sessions | Pane::Jobs => 2_000,
            Pane::Attempts | Pane::Review | Pane::Keys | Pane::Audit => 5_000,
            _ => 30_000,
        })
    }

    /// What its list is asked for with.
    pub fn request(self, only: &Only, cursor: Option<Id>) -> Option<Request> {
        let part = Part { account: None, limit: PAGE_ROWS, cursor };
        Some(match self {
            Pane::Overview | Pane::Logs => return None,
            Pane::Keys => Request::Keys(Keys::List),
            Pane::Accounts => Request::Accounts(Accounts::List),
            Pane::Sessions => Request::Sessions(Sessions::List(part)),
            Pane::Attempts => Request::Attempts(Attempts::List {
                status: only.attempt_status,
                kind: only.attempt_kind,
                from: None,
                to: None,
                document: None,
                part,
            }),
            Pane::Review => Request::Review(Review::List(part)),
            Pane::Jobs => Request::Jobs(Jobs::List { status: only.job_status, part }),
            Pane::Users => Request::Users(Users::List(part)),
            Pane::Limits => Request::Limits(Limits::Show),
            Pane::Webhooks => Request::Webhooks(Webhooks::List),
            Pane::Workflows => Request::Workflows,
            Pane::Audit => Request::Audit(match &only.audit_word {
                Some(word) => Audit::Search { word: word.clone(), count: AUDIT_LINES },
                None => Audit::Tail { count: AUDIT_LINES },
            }),
            Pane::Settings => Request::Settings,
        })
    }
}
