//! What lies over a pane and takes the keys: help, the palette, a search, a form, a question, a secret, a thing in detail.

use std::collections::BTreeMap;

use super::input::Input;
use super::state::Scene;
use super::theme::Tone;
use super::words::Text;
use crate::admin::limits::Limits;
use crate::admin::request::{Accounts, Keys, Note, Request, Retention, Review, Users};
use crate::admin::webhooks::Webhooks;
use crate::domain::event::EventKind;
use crate::domain::id::Id;
use crate::domain::key::{AnswerMode, Scope};

pub enum Overlay {
    Help,
    Palette {
        input: Input,
        selected: usize,
    },
    Search(Input),
    Form(Form),
    Question(Question),
    /// A key's secret, until it is put away.
    Secret {
        name: String,
        secret: String,
    },
    Detail {
        title: String,
        lines: Vec<(Tone, String)>,
        offset: usize,
    },
}

/// Some lines to be filled in.
pub struct Form {
    pub about: About,
    pub fields: Vec<Field>,
    pub focus: usize,
}

pub struct Field {
    pub label: Text,
    pub hint: Option<Text>,
    pub input: Input,
    /// What is wrong with it.
    pub wrong: Option<Text>,
}

/// What a form is for.
#[derive(Clone, Debug, PartialEq)]
pub enum About {
    NewKey,
    NewAccount,
    Rotate {
        id: Id,
        name: String,
    },
    Retention {
        account: String,
    },
    Limits {
        account: String,
    },
    KeyLimit {
        id: Id,
        name: String,
    },
    NewWebhook,
    RotateWebhook {
        id: Id,
        url: String,
    },
    Redeliver {
        id: Id,
        url: String,
    },
    Find,
    /// Answered by a list, not by a form's request.
    FindWord,
    Settle {
        attempt: Id,
        how: Settle,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    Approve,
    Reject,
    Cancel,
}

/// A dangerous action, asked about.
pub struct Question {
    pub text: String,
    pub then: Then,
    /// What must be typed; a single key will do where there is nothing.
    pub typed: Option<String>,
    pub input: Input,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    Quit,
    Ask(Request),
}

fn field(label: Text, hint: Option<Text>, text: &str) -> Field {
    Field { label, hint, input: Input::new(text), wrong: None }
}

impl Settle {
    /// The attempt's status afterwards.
    pub fn status(self) -> &'static str {
        match self {
            Settle::Approve => "SUCCESS",
            Settle::Reject => "FAILED",
            Settle::Cancel => "CANCELLED",
        }
    }
}

impl Form {
    pub fn new_key(account: &str) -> Self {
        let fields = vec![
            field(Text::FieldName, None, ""),
            field(Text::FieldAccount, None, account),
            field(Text::FieldScopes, Some(Text::HintScopes), ""),
            field(Text::FieldDays, Some(Text::HintDays), ""),
            field(Text::FieldNetworks, Some(Text::HintNetworks), ""),
            field(Text::FieldCertificates, Some(Text::HintCertificates), ""),
            field(Text::FieldAnswer, Some(Text::HintAnswer), "job"),
        ];
        Self { about: About::NewKey, fields, focus: 0 }
    }

    pub fn new_account() -> Self {
        Self { about: About::NewAccount, fields: vec![field(Text::FieldName, None, "")], focus: 0 }
    }

    pub fn rotate(id: Id, name: &str) -> Self {
        let about = About::Rotate { id, name: name.to_owned() };
        Self { about, fields: vec![field(Text::FieldOverlap, None, "24")], focus: 0 }
    }

    pub fn retention(account: &str, days: [Option<u32>; 3]) -> Self {
        let labels = [Text::FieldPhotoDays, Text::FieldClipDays, Text::FieldAttemptDays];
        let text = |days: Option<u32>| days.map_or_else(String::new, |days| days.to_string());
        let fields = labels.into_iter().zip(days).map(|(label, days)| field(label, Some(Text::HintKept), &text(days)));
        Self { about: About::Retention { account: account.to_owned() }, fields: fields.collect(), focus: 0 }
    }

    /// Of an account.
    pub fn limits(account: &str, requests: Option<u32>, tries: &BTreeMap<String, u32>) -> Self {
        let requests = requests.map_or_else(String::new, |number| number.to_string());
        let tries = tries.iter().map(|(name, number)| format!("{name}={number}")).collect::<Vec<_>>().join(" ");
        let fields = vec![
            field(Text::FieldRequests, Some(Text::HintRequests), &requests),
            field(Text::FieldTries, Some(Text::HintTries), &tries),
        ];
        Self { about: About::Limits { account: account.to_owned() }, fields, focus: 0 }
    }

    pub fn key_limit(id: Id, name: &str, requests: Option<u32>) -> Self {
        let requests = requests.map_or_else(String::new, |number| number.to_string());
        let fields = vec![field(Text::FieldRequests, Some(Text::HintKeyRequests), &requests)];
        Self { about: About::KeyLimit { id, name: name.to_owned() }, fields, focus: 0 }
    }

    pub fn new_webhook(account: &str) -> Self {
        let fields = vec![
            field(Text::FieldUrl, Some(Text::HintUrl), "https://"),
            field(Text::FieldAccount, None, account),
            field(Text::FieldEvents, Some(Text::HintEvents), ""),
        ];
        Self { about: About::NewWebhook, fields, focus: 0 }
    }

    pub fn rotate_webhook(id: Id, url: &str) -> Self {
        let about = About::RotateWebhook { id, url: url.to_owned() };
        Self { about, fields: vec![field(Text::FieldOverlap, None, "24")], focus: 0 }
    }

    pub fn redeliver(id: Id, url: &str) -> Self {
        let about = About::Redeliver { id, url: url.to_owned() };
        Self { about, fields: vec![field(Text::FieldEvent, Some(Text::HintEvent), "")], focus: 0 }
    }

    pub fn find() -> Self {
        Self { about: About::Find, fields: vec![field(Text::FieldNumber, None, "")], focus: 0 }
    }

    pub fn find_word(word: &str) -> Self {
        let fields = vec![field(Text::FieldWord, Some(Text::HintWord), word)];
        Self { about: About::FindWord, fields, focus: 0 }
    }

    pub fn settle(attempt: Id, how: Settle) -> Self {
        let about = About::Settle { attempt, how };
        Self { about, fields: vec![field(Text::FieldNote, Some(Text::HintNote), "")], focus: 0 }
    }

    pub fn title(&self, scene: &Scene) -> String {
        match &self.about {
            About::NewKey => scene.say(Text::NewKey).to_owned(),
            About::NewAccount => scene.say(Text::NewAccount).to_owned(),
            About::Rotate { name, .. } => scene.fill(Text::RotateKey, &[name]),
            About::Limits { account } => scene.fill(Text::LimitsOf, &[account]),
            About::KeyLimit { name, .. } => scene.fill(Text::LimitOfKey, &[name]),
            About::NewWebhook => scene.say(Text::NewWebhook).to_owned(),
            About::RotateWebhook { url, .. } => scene.fill(Text::SecretOfWebhook, &[url]),
            About::Redeliver { url, .. } => scene.fill(Text::RedeliverTo, &[url]),
            About::Retention { account } => scene.fill(Text::RetentionOf, &[account]),
            About::Find => scene.say(Text::FindUser).to_owned(),
            About::FindWord => scene.say(Text::FindWord).to_owned(),
            About::Settle { attempt, how } => scene.fill(Text::NoteFor, &[&attempt.to_string(), how.status()]),
        }
    }

    /// The request that it makes. Otherwise the fields say what is wrong, and the first such one has the focus.
    pub fn submit(&mut self) -> Option<Request> {
        self.fields.iter_mut().for_each(|field| field.wrong = None);
        let request = self.read();
        if request.is_none() {
            self.focus = self.fields.iter().position(|field| field.wrong.is_some()).unwrap_or(self.focus);
        }
        request
    }

    fn read(&mut self) -> Option<Request> {
        Some(match self.about.clone() {
            About::NewKey => {
                let (name, account) = (self.given(0), self.given(1));
                let scopes = self.list(2, Scope::parse, Text::NotAScope);
                let expires = self.days(3);
                let from = self.list(4, |text| text.parse().ok(), Text::NotANetwork);
                let certificate = self.list(5, |text| text.parse().ok(), Text::NotAFingerprint);
                let answer = AnswerMode::parse(&self.text(6));
                if answer.is_none() {
                    self.blame(6, Text::NotAnAnswer);
                }
                Request::Keys(Keys::Create {
                    account: account?,
                    name: name?,
                    scopes: scopes?,
                    expires: expires?,
                    from: from?,
                    certificate: certificate?,
                    answer: answer?,
                })
            }
            About::NewAccount => Request::Accounts(Accounts::Create { name: self.given(0)? }),
            About::Rotate { id, .. } => {
                let overlap = self.number(0, 0..=8_760)?.unwrap_or(0);
                Request::Keys(Keys::Rotate { id, overlap })
            }
            About::Limits { account } => {
                let requests = self.number(0, 1..=10_000_000);
                let tries = self.list(1, tries, Text::NotTries);
                Request::Limits(Limits::Set { account, requests: requests?, tries: tries? })
            }
            About::KeyLimit { id, .. } => {
                Request::Limits(Limits::Key { id, requests: self.number(0, 1..=10_000_000)? })
            }
            About::NewWebhook => {
                let (url, account) = (self.given(0), self.given(1));
                let events = self.list(2, EventKind::parse, Text::NotAnEvent);
                Request::Webhooks(Webhooks::Create { account: account?, url: url?, events: events? })
            }
            About::RotateWebhook { id, .. } => {
                let overlap = self.number(0, 0..=8_760)?.unwrap_or(0);
                Request::Webhooks(Webhooks::Rotate { id, overlap })
            }
            About::Redeliver { id, .. } => {
                let text = self.text(0);
                let event = text.parse().ok();
                if event.is_none() && !text.is_empty() {
                    self.blame(0, Text::NotAnId);
                    return None;
                }
                Request::Webhooks(Webhooks::Redeliver { id, event })
            }
            About::Retention { account } => {
                let [photos, clips, attempts] = [self.days(0), self.days(1), self.days(2)];
                Request::Retention(Retention::Set { account, photos: photos?, clips: clips?, attempts: attempts? })
            }
            About::FindWord => return None,
            About::Find => Request::Users(Users::Find { document: self.given(0)? }),
            About::Settle { attempt: id, how } => {
                let note = Note { note: Some(self.text(0)).filter(|note| !note.is_empty()) };
                Request::Review(match how {
                    Settle::Approve => Review::Approve { id, note },
                    Settle::Reject => Review::Reject { id, note },
                    Settle::Cancel => Review::Cancel { id, note },
                })
            }
        })
    }

    fn text(&self, place: usize) -> String {
        self.fields.get(place).map_or_else(String::new, |field| field.input.text().trim().to_owned())
    }

    fn blame(&mut self, place: usize, why: Text) {
        if let Some(field) = self.fields.get_mut(place) {
            field.wrong = Some(why);
        }
    }

    fn given(&mut self, place: usize) -> Option<String> {
        let text = self.text(place);
        if text.is_empty() {
            self.blame(place, Text::Required);
        }
        Some(text).filter(|text| !text.is_empty())
    }

    fn days(&mut self, place: usize) -> Option<Option<u32>> {
        self.number(place, 1..=36_500)
    }

    /// A whole number, or nothing.
    fn number(&mut self, place: usize, bounds: std::ops::RangeInclusive<u32>) -> Option<Option<u32>> {
        let text = self.text(place);
        match text.parse::<u32>() {
            _ if text.is_empty() => Some(None),
            Ok(number) if bounds.contains(&number) => Some(Some(number)),
            _ => {
                self.blame(place, Text::NotANumber);
                None
            }
        }
    }

    fn list<T>(&mut self, place: usize, parse: impl Fn(&str) -> Option<T>, wrong: Text) -> Option<Vec<T>> {
        let text = self.text(place);
        let words = text.split([' ', ',']).filter(|word| !word.is_empty());
        let parsed: Option<Vec<T>> = words.map(parse).collect();
        if parsed.is_none() {
            self.blame(place, wrong);
        }
        parsed
    }
}

/// `NAME=NUMBER`.
fn tries(text: &str) -> Option<(String, u32)> {
    let (name, number) = text.split_once('=')?;
    let number = number.parse().ok().filter(|number| (1..=1_000).contains(number))?;
    (!name.is_empty()).then(|| (name.to_owned(), number))
}

impl Question {
    pub fn sure(text: String, request: Request) -> Self {
        Self { text, then: Then::Ask(request), typed: None, input: Input::default() }
    }

    /// Whoever is to be erased is named by the end of the id: what must be typed shows nothing of the person.
    pub fn erase(scene: &Scene, user: Id) -> Self {
        let id = user.to_string();
        let typed = id.get(id.len().saturating_sub(6)..).unwrap_or_default().to_owned();
        let text = scene.fill(Text::SureErase, &[&id]);
        Self {
            text,
            then: Then::Ask(Request::Users(Users::Erase { id: user })),
            typed: Some(typed),
            input: Input::default(),
        }
    }

    /// Whether what was typed is what had to be.
    pub fn is_confirmed(&self) -> bool {
        self.typed.as_ref().is_none_or(|typed| *typed == self.input.text().trim())
    }
}
