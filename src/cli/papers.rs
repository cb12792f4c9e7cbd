//! Completions for shells and manual pages, both made from the grammar itself.

use std::path::Path;

use clap::CommandFactory as _;

use super::{Cli, Done};

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
