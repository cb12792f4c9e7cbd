//! One line that is being typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Characters that one line may hold.
const LENGTH_MAX: usize = 2_000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    before: Vec<char>,
    /// The nearest first.
    after: Vec<char>,
}

impl Input {
    pub fn new(text: &str) -> Self {
        Self { before: text.chars().collect(), after: Vec::new() }
    }

    pub fn text(&self) -> String {
        self.before.iter().chain(self.after.iter().rev()).collect()
    }

    /// What stands before the cursor.
    pub fn before(&self) -> String {
        self.before.iter().collect()
    }

    pub fn insert(&mut self, text: &str) {
        for letter in text.chars().filter(|letter| !letter.is_control()) {
            if self.before.len() + self.after.len() < LENGTH_MAX {
                self.before.push(letter);
            }
        }
    }

    /// Returns whether the key was one for typing.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('u') if control => self.before.clear(),
            KeyCode::Char('k') if control => self.after.clear(),
            KeyCode::Char('a') if control => self.go_home(),
            KeyCode::Char('e') if control => self.go_end(),
            KeyCode::Char('w') if control => self.delete_word(),
            KeyCode::Char(_) if control || key.modifiers.contains(KeyModifiers::ALT) => return false,
            KeyCode::Char(letter) => self.insert(letter.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace => drop(self.before.pop()),
            KeyCode::Delete => drop(self.after.pop()),
            KeyCode::Left => self.after.extend(self.before.pop()),
            KeyCode::Right => self.before.extend(self.after.pop()),
            KeyCode::Home => self.go_home(),
            KeyCode::End => self.go_end(),
            _ => return false,
        }
        true
    }

    fn go_home(&mut self) {
        while let Some(letter) = self.before.pop() {
            self.after.push(letter);
        }
    }

    fn go_end(&mut self) {
        while let Some(letter) = self.after.pop() {
            self.before.push(letter);
        }
    }

    fn delete_word(&mut self) {
        while self.before.pop_if(|letter| letter.is_whitespace()).is_some() {}
        while self.before.pop_if(|letter| !letter.is_whitespace()).is_some() {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(input: &mut Input, codes: &[KeyCode]) -> String {
        for code in codes {
            assert!(input.key(KeyEvent::new(*code, KeyModifiers::NONE)));
        }
        input.text()
    }

    #[test]
    fn a_line_is_typed_mended_and_cleared() {
        let mut input = Input::default();
        input.insert("bänk\n\u{1b}[31m two");
        assert_eq!(input.text(), "bänk[31m two", "control characters are never taken in");
        assert_eq!(
            typed(&mut input, &[KeyCode::Backspace, KeyCode::Home, KeyCode::Delete, KeyCode::Char('B')]),
            "Bänk[31m tw"
        );
        assert_eq!(input.before(), "B");
        assert!(input.key(KeyEvent::new(KeyCode::Char('e'), KeyModifiers::CONTROL)));
        assert!(input.key(KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL)));
        assert_eq!(input.text(), "Bänk[31m ");
        assert!(!input.key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)));
        input.insert(&"x".repeat(5_000));
        assert_eq!(input.text().chars().count(), LENGTH_MAX);
    }
}
