//! Laying a file and the environment over the defaults, and remembering where each value came from.
//!
//! What the defaults do not have is a misspelling; the message names what was probably meant.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::BadConfig;

/// A setting, its value as TOML writes it, and where that came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// `section.setting`.
    pub name: String,
    pub value: String,
    pub from: Origin,
}

/// Where a setting's value came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Default,
    File,
    /// An environment variable, by its name.
    Variable(String),
}

/// Every setting with its value and origin.
pub(super) struct Merged {
    pub(super) table: Table,
    /// By `section.setting`; what is not in it is a default.
    pub(super) origins: BTreeMap<String, Origin>,
    /// Variables of ours that name no setting, with what was probably meant.
    pub(super) strays: Vec<(String, Option<String>)>,
}

/// The one variable that is no setting: the command line's `--config`.
const CONFIG_VARIABLE: &str = "TWOFACE_CONFIG";

impl Merged {
    pub(super) fn new(defaults: Table) -> Self {
        Self { table: defaults, origins: BTreeMap::new(), strays: Vec::new() }
    }

    /// Lays the user's file over it.
    pub(super) fn lay(&mut self, mine: Table) -> Result<(), BadConfig> {
        for (section, value) in mine {
            if !self.table.contains_key(&section) {
                return Err(BadConfig(self.no_section(&section, &value)));
            }
            let Some(Value::Table(known)) = self.table.get_mut(&section) else { continue };
            let Value::Table(settings) = value else {
                return Err(BadConfig(format!("[{section}] is a section, not a value")));
            };
            for (name, value) in settings {
                if !known.contains_key(&name) {
                    let names: Vec<&str> = known.keys().map(String::as_str).collect();
                    return Err(BadConfig(match nearest(&name, names.iter().copied()) {
                        Some(meant) => format!("[{section}] has no setting `{name}`; did you mean `{meant}`?"),
                        None => format!("[{section}] has no setting `{name}`; it has {}", names.join(", ")),
                    }));
                }
                self.origins.insert(format!("{section}.{name}"), Origin::File);
                known.insert(name, value);
            }
        }
        Ok(())
    }

    /// `TWOFACE_SERVER_LISTEN` sets `listen` under `[server]`.
    pub(super) fn lay_variable(&mut self, variable: &str, text: &str) {
        let Some(name) = variable.strip_prefix("TWOFACE_").map(str::to_ascii_lowercase) else { return };
        let found = name.split_once('_').and_then(|(section, setting)| {
            let known = self.table.get_mut(section)?.as_table_mut()?;
            let value = as_meant(known.get(setting)?, text);
            known.insert(setting.to_owned(), value);
            Some(format!("{section}.{setting}"))
        });
        match found {
            Some(setting) => {
                self.origins.insert(setting, Origin::Variable(variable.to_owned()));
            }
            None if variable == CONFIG_VARIABLE => {}
            None => {
                let variables: Vec<String> = self.settings().map(|(name, _)| variable_of(&name)).collect();
                let meant = nearest(variable, variables.iter().map(String::as_str)).map(str::to_owned);
                self.strays.push((variable.to_owned(), meant));
            }
        }
    }

    /// Every setting as it came about, for people to read.
    pub(super) fn told(&self) -> Vec<Setting> {
        self.settings()
            .map(|(name, value)| {
                let from = self.origins.get(&name).cloned().unwrap_or(Origin::Default);
                Setting { value: value.to_string(), from, name }
            })
            .collect()
    }

    /// Every setting as `section.setting` with its value.
    fn settings(&self) -> impl Iterator<Item = (String, &Value)> {
        self.table.iter().filter_map(|(section, value)| Some((section, value.as_table()?))).flat_map(
            |(section, settings)| settings.iter().map(move |(name, value)| (format!("{section}.{name}"), value)),
        )
    }

    fn no_section(&self, section: &str, value: &Value) -> String {
        // A setting without its section's heading is the commonest slip.
        let homes: Vec<String> = self
            .settings()
            .map(|(name, _)| name)
            .filter(|name| name.split_once('.').is_some_and(|(_, setting)| setting == section))
            .collect();
        match (homes.first(), nearest(section, self.table.keys().map(String::as_str))) {
            (Some(home), _) if !value.is_table() => {
                format!("`{section}` stands outside its section; it is {home}")
            }
            (_, Some(meant)) => format!("there is no section [{section}]; did you mean [{meant}]?"),
            _ => {
                let names: Vec<&str> = self.table.keys().map(String::as_str).collect();
                format!("there is no section [{section}]; there are {}", names.join(", "))
            }
        }
    }
}

fn variable_of(setting: &str) -> String {
    format!("TWOFACE_{}", setting.replace('.', "_").to_ascii_uppercase())
}

/// The default's own type tells how the text is meant.
fn as_meant(current: &Value, text: &str) -> Value {
    match current {
        Value::String(_) => Value::String(text.to_owned()),
        _ => toml::from_str::<Table>(&format!("v = {text}"))
            .ok()
            .and_then(|mut table| table.remove("v"))
            .unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

/// What was probably meant by `name`, if anything is near enough.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = (name.chars().count() / 3).max(2);
    known.map(|one| (distance(name, one), one)).filter(|(distance, _)| *distance <= most).min().map(|(_, one)| one)
}

/// Letters to change, add or leave out (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, other) in row.iter_mut().skip(1).zip(&b) {
            let best = (diagonal + usize::from(letter != *other)).min(*cell + 1).min(left + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_with_fewest_slips() {
        assert_eq!((distance("kitten", "sitting"), distance("", "abc"), distance("abc", "abc")), (3, 3, 0));
        assert_eq!(nearest("lisen", ["listen", "minutes"].into_iter()), Some("listen"));
        assert_eq!(nearest("nothing_like_it", ["listen", "minutes"].into_iter()), None);
    }
}
