//! `twoface config check --explain`: every setting's effective value and where it came from.
//!
//! No setting holds a secret: keys and passphrases are files, systemd credentials or typed in.

use std::fmt::Write as _;
use std::path::Path;

use super::{BadConfig, Config, Origin, Setting, strays};

/// Every setting, one a line; those that differ from the manual are marked.
pub fn explain(file: Option<&Path>) -> Result<String, BadConfig> {
    let config = Config::load(file)?;
    let mut text = String::new();
    for Setting { name, value, from } in &config.settings {
        let (mark, origin) = match from {
            Origin::Default => (' ', "default".to_owned()),
            Origin::File => ('*', file.map_or_else(|| "file".to_owned(), |file| file.display().to_string())),
            Origin::Variable(variable) => ('*', variable.clone()),
        };
        let setting = format!("{name} = {value}");
        let _ = writeln!(text, "{mark} {setting:<52} {origin}");
    }
    for (variable, meant) in strays(file)? {
        let hint = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
        let _ = writeln!(text, "! {variable} names no setting and is ignored{hint}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_told_with_where_it_came_from() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("twoface.toml");
        std::fs::write(&file, "[sessions]\nminutes = 9\n").unwrap();
        let text = explain(Some(&file)).unwrap();
        assert!(text.contains("* sessions.minutes = 9"), "{text}");
        assert!(text.contains("  sessions.tries = 3"), "{text}");
        let settings = crate::config::DEFAULTS.lines().filter(|line| !line.starts_with('#') && line.contains(" = "));
        assert_eq!(text.lines().filter(|line| !line.starts_with('!')).count(), settings.count());
    }
}
