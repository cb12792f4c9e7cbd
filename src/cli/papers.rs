//! Completions for shells, manual pages and help, made from the grammar itself; and the check of a copied audit log.

use std::io::Write as _;
use std::path::Path;

use clap::CommandFactory as _;

use super::{Cli, Done};
use crate::docs;
use crate::domain::hex;
use crate::service::audit::file;

pub(super) fn completions(shell: clap_complete::Shell) -> Done {
    clap_complete::generate(shell, &mut Cli::command(), "twoface", &mut std::io::stdout());
    Ok(())
}

/// One page a command: `twoface.1`, `twoface-keys.1`, `twoface-keys-create.1`, …
pub(super) fn manual(folder: &Path) -> Done {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let pages = std::fs::read_dir(folder)?.count();
    println!("{pages} pages are in {}; read one with `man {}`.", folder.display(), folder.join("twoface.1").display());
    Ok(())
}

/// `twoface audit verify`.
pub(super) fn verify_audit(log: &Path, key: Option<&str>, json: bool) -> Done {
    let signer = match key {
        Some(text) => Some(hex::decode::<32>(text).ok_or("a public key is 64 hexadecimal characters")?),
        None => None,
    };
    let whole = file::verify(log, signer).map_err(|why| format!("{}: {why}", log.display()))?;
    match json {
        true => println!("{}", serde_json::to_string_pretty(&whole)?),
        false => super::print::audit(&whole),
    }
    Ok(())
}

/// Prints what may be read in part: whoever closed the pager has read enough.
pub(super) fn show(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// `twoface help`: the guides, one of them, or the help of a command.
pub(super) fn help(topic: &[String]) -> Done {
    let mut command = Cli::command();
    command.build();
    if let [name] = topic
        && let Some(page) = docs::page(name)
    {
        show(page.text);
        return Ok(());
    }
    let mut asked = &mut command;
    for name in topic {
        asked = asked.find_subcommand_mut(name).ok_or_else(|| {
            format!("there is neither a guide nor a command {name:?}; the guides are\n{}", docs::contents())
        })?;
    }
    asked.print_long_help()?;
    if topic.is_empty() {
        show(&format!("\nGuides, read with `twoface help TOPIC`:\n{}", docs::contents()));
    }
    Ok(())
}
