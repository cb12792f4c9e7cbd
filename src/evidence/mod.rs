//! `twoface evidence`: an exported attempt is checked, and its verdicts are made again, on any machine, without a store.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

pub mod bundle;
pub mod replay;

use bundle::Bundle;

use crate::config::Config;
use crate::domain::hex;
use crate::models;
use crate::vision::Engine;

#[derive(Subcommand)]
pub enum Evidence {
    /// Check the signature and every file of what `twoface attempts export` wrote
    Verify {
        bundle: PathBuf,
        /// The server's public key, 64 hexadecimal characters; without it, any signer's is taken and printed
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// Run this program's models on the recorded files again and compare the verdicts
    Replay {
        bundle: PathBuf,
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
}

pub fn run(config: &Config, command: &Evidence, json: bool) -> Result<(), Box<dyn Error>> {
    let (Evidence::Verify { bundle, key } | Evidence::Replay { bundle, key }) = command;
    let bundle = read(bundle, key.as_deref())?;
    match command {
        Evidence::Verify { .. } => {
            tell(&bundle, json);
            Ok(())
        }
        Evidence::Replay { .. } => replay_and_tell(&models::engine(config)?, &bundle, json),
    }
}

fn read(file: &Path, key: Option<&str>) -> Result<Bundle, Box<dyn Error>> {
    let signer = match key {
        Some(text) => Some(hex::decode::<32>(text).ok_or("a public key is 64 hexadecimal characters")?),
        None => None,
    };
    Bundle::read(file, signer).map_err(|why| format!("{}: {why}", file.display()).into())
}

fn tell(bundle: &Bundle, json: bool) {
    let manifest = &bundle.manifest;
    let files: usize = manifest.jobs.iter().map(|job| job.files.len()).sum();
    if json {
        println!(
            "{}",
            json!({ "attempt": manifest.attempt, "key": bundle.key, "jobs": manifest.jobs.len(), "files": files })
        );
        return;
    }
    println!("The bundle is whole: attempt {}, {} jobs, {files} files.", manifest.attempt.id, manifest.jobs.len());
    println!("Made on {} by {} with twoface {}.", manifest.made_at, manifest.made_by, manifest.version);
    println!("Signed by {}: compare that with what `twoface audit key` prints on the server.", bundle.key);
}

fn replay_and_tell(engine: &Engine, bundle: &Bundle, json: bool) -> Result<(), Box<dyn Error>> {
    let replayed = replay::run(engine, bundle)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&replayed)?);
    }
    for one in replayed.iter().filter(|_| !json) {
        println!("{}  {:<24} {}", one.job, one.name, one.outcome);
    }
    match replayed.iter().filter(|one| one.outcome.differs()).count() {
        0 => Ok(()),
        count => Err(format!("{count} verdicts are others than recorded").into()),
    }
}
