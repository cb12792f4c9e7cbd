//! `twoface console`: what it is started with.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Done;
use super::administer::{Way, no_way};
use crate::admin::request::Keys;
use crate::admin::{self, Actor, Request, link};
use crate::clock::Clock;
use crate::config::Config;
use crate::console;

#[derive(Args)]
pub(super) struct ConsoleArguments {
    /// Language; by default that of the locale
    #[arg(long, value_name = "LANGUAGE", value_enum)]
    language: Option<Language>,
    /// Begin with names and numbers of people masked
    #[arg(long)]
    privacy: bool,
    /// How photos are drawn; by default the best that the terminal says it can
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Pictures::Auto)]
    pictures: Pictures,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    En,
    Es,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Pictures {
    Auto,
    Kitty,
    Sixel,
    Iterm2,
    Halfblocks,
}

/// Runs the console until it is left.
pub(super) fn run(config: &Config, arguments: &ConsoleArguments) -> Done {
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err("the console needs a terminal; for scripts there are `twoface status --json` and its like".into());
    }
    let way = Way::find(config)?;
    let (socket, group) = (config.admin_socket(), config.admin.group.clone());
    let ask: console::Ask = match way {
        Way::Store(desk) => Arc::new(move |request| Ok(Some(admin::handle(&desk, &Actor::here(), request)))),
        Way::Server => Arc::new(move |request| {
            let patience = match &request {
                Request::Backup { .. } | Request::Erase(_) | Request::Users(_) => link::PATIENCE_MAX,
                Request::Keys(Keys::List) | Request::Status => Duration::from_secs(10),
                _ => Duration::from_secs(60),
            };
            link::ask(&socket, &request, patience).map_err(|error| no_way(&socket, &error, &group).0)
        }),
    };
    let language = arguments.language.map_or_else(console::Language::of_environment, |language| match language {
        Language::En => console::Language::English,
        Language::Es => console::Language::Spanish,
    });
    let options = console::Options {
        language,
        privacy: if arguments.privacy { console::Privacy::Masked } else { console::Privacy::Shown },
        colours: console::Colours::of_environment(),
        pictures: match arguments.pictures {
            Pictures::Auto if is_mute(&variable("TERM"), &variable("TMUX")) => console::Pictures::Halfblocks,
            Pictures::Auto => console::Pictures::Asked,
            Pictures::Kitty => console::Pictures::Kitty,
            Pictures::Sixel => console::Pictures::Sixel,
            Pictures::Iterm2 => console::Pictures::Iterm2,
            Pictures::Halfblocks => console::Pictures::Halfblocks,
        },
    };
    Ok(console::run(&options, ask, &Clock::system())?)
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// Whether the terminal does not answer when it is asked what it can draw: the question would wait for its time-out before a blank
/// screen, and then swallow the first key. Multiplexers and plain consoles; `--pictures` asks for graphics there all the same.
fn is_mute(term: &str, tmux: &str) -> bool {
    let plain = ["", "dumb", "linux", "vt100", "vt220"];
    !tmux.is_empty() || term.starts_with("screen") || term.starts_with("tmux") || plain.contains(&term)
}

#[cfg(test)]
mod tests {
    use super::is_mute;

    #[test]
    fn multiplexers_and_plain_consoles_are_not_asked_what_they_can_draw() {
        for (term, tmux) in [("xterm-256color", "/tmp/tmux-0/default,1,0"), ("screen-256color", ""), ("tmux", "")] {
            assert!(is_mute(term, tmux), "{term}");
        }
        assert!(["", "dumb", "linux", "vt100"].into_iter().all(|term| is_mute(term, "")));
        assert!(["xterm-256color", "xterm-kitty", "foot", "wezterm"].into_iter().all(|term| !is_mute(term, "")));
    }
}
