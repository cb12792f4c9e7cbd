//! How things look. Never by colour alone: every state has a word or a sign as well, and with `NO_COLOR` only those are left.
//!
//! The colours are those of M. Okabe and K. Ito (2008), which people with any common colour blindness can tell apart, in the
//! 256-colour palette, which reaches through SSH and tmux.

use ratatui::style::{Color, Modifier, Style};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colours {
    #[default]
    Some,
    None,
}

impl Colours {
    /// None where `NO_COLOR` is set to anything (no-color.org), or the terminal knows none.
    pub fn of_environment() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb" || term == "vt100" || term == "linux-m");
        if no_color || dumb { Self::None } else { Self::Some }
    }

    pub fn style(self, tone: Tone) -> Style {
        let plain = Style::new();
        let modified = match tone {
            Tone::Plain | Tone::Good | Tone::Accent => plain,
            Tone::Dim => plain.add_modifier(Modifier::DIM),
            Tone::Strong | Tone::Warn | Tone::Title => plain.add_modifier(Modifier::BOLD),
            Tone::Bad => plain.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            Tone::Selected => plain.add_modifier(Modifier::REVERSED),
        };
        if self == Self::None {
            return modified;
        }
        match tone {
            Tone::Plain | Tone::Strong | Tone::Selected => modified,
            // Bluish green, orange, vermilion and sky blue.
            Tone::Good => modified.fg(Color::Indexed(36)),
            Tone::Warn => modified.fg(Color::Indexed(214)),
            Tone::Bad => plain.add_modifier(Modifier::BOLD).fg(Color::Indexed(202)),
            Tone::Accent | Tone::Title => modified.fg(Color::Indexed(74)),
            Tone::Dim => plain.fg(Color::Indexed(245)),
        }
    }
}

/// What a piece of text is, from which its look follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Plain,
    Dim,
    Strong,
    Good,
    Warn,
    Bad,
    Accent,
    Title,
    Selected,
}
