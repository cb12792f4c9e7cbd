//! Weights apart from the program: bundles of them, signed where they were made, installed here and gone back from.
//!
//! A network's plan is the program's; a bundle brings other numbers for it. Whoever holds the key that `networks.bundle_key` names
//! decides what this server sees: without one, nothing is installed.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

pub mod bundle;
pub mod place;
pub mod trial;

use bundle::Bundle;
use place::{Kept, Place};

use crate::config::Config;
use crate::crypto::SigningKey;
use crate::domain::hex;
use crate::vision::Engine;
use crate::vision::weights::Models;

type Done = Result<(), Box<dyn Error>>;

#[derive(Subcommand)]
pub enum ModelsCommand {
    /// Say which networks are in force, and what there is to go back to
    Show,
    /// Try a signed bundle of weights on known photos, and let it be in force from the next start
    Install { bundle: PathBuf },
    /// Go back to the weights that were in force before, from the next start
    Rollback {
        /// Back to the program's own
        #[arg(long)]
        embedded: bool,
    },
    /// Pack a folder of weights and sign it
    Bundle {
        /// With manifest.toml and every file that it names
        folder: PathBuf,
        /// The bundle to write
        to: PathBuf,
        /// What to call it
        #[arg(long)]
        version: String,
        /// The private key, Ed25519 in PEM (`openssl genpkey -algorithm ed25519`)
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

/// The engine with the weights that are in force for `config`, on its device.
pub fn engine(config: &Config) -> Result<Engine, Box<dyn Error>> {
    let device = crate::cli::device(config);
    let clips = crate::server::clip_settings(&config.clips);
    let engine = match in_force(config)? {
        (models, None) => Engine::with(&models, device)?,
        (models, Some(kept)) => Engine::with(&models, device)
            .map_err(|error| damaged(&kept, &error.to_string()))?
            .of_bundle(format!("{} {}", kept.id, kept.version)),
    };
    Ok(engine.with_clips(clips))
}

/// The models in force, and the bundle that they come from, if they are not the program's own.
pub fn in_force(config: &Config) -> Result<(Models, Option<Kept>), Box<dyn Error>> {
    let place = Place::of(config);
    match place.kept()?.pop() {
        None => Ok((Models::open()?, None)),
        Some(kept) => {
            let models = place.models(&kept).map_err(|why| damaged(&kept, &why))?;
            Ok((models, Some(kept)))
        }
    }
}

fn damaged(kept: &Kept, why: &str) -> String {
    format!(
        "the weights that are in force, {} ({}), cannot be used: {why}. Install their bundle again, or go back with `twoface models \
         rollback`",
        kept.version, kept.id
    )
}

pub fn run(config: &Config, command: &ModelsCommand, json: bool) -> Done {
    match command {
        ModelsCommand::Show => show(config, json),
        ModelsCommand::Install { bundle } => install(config, bundle, json),
        ModelsCommand::Rollback { embedded } => roll_back(config, *embedded, json),
        ModelsCommand::Bundle { folder, to, version, key } => make(folder, to, version, key, json),
    }
}

fn make(folder: &Path, to: &Path, version: &str, key: &Path, json: bool) -> Done {
    let text = fs::read(key).map_err(|error| format!("{}: {error}", key.display()))?;
    let key = SigningKey::from_pem(&text)
        .ok_or_else(|| format!("{}: this is no Ed25519 private key in PEM", key.display()))?;
    let contents = bundle::make(folder, version, &key, to)?;
    let signer = hex::encode(&key.public());
    if json {
        println!("{}", json!({ "version": contents.version, "files": contents.files, "key": signer }));
        return Ok(());
    }
    println!("{}: {} files, version {}.", to.display(), contents.files.len(), contents.version);
    println!("Taken by servers with  bundle_key = \"{signer}\"  under [networks].");
    Ok(())
}

fn show(config: &Config, json: bool) -> Done {
    let (models, now) = in_force(config)?;
    let mut before = Place::of(config).kept()?;
    before.pop();
    let of = |kept: &Kept| json!({ "id": kept.id, "version": kept.version });
    if json {
        let networks = models.manifest.models.iter();
        let networks: Vec<_> = networks.map(|one| json!({ "name": one.name, "sha256": one.sha256 })).collect();
        let before: Vec<_> = before.iter().map(of).collect();
        println!("{}", json!({ "bundle": now.as_ref().map(of), "networks": networks, "before": before }));
        return Ok(());
    }
    match &now {
        None => println!("In force: the program's own weights."),
        Some(kept) => println!("In force: {} ({}).", kept.version, kept.id),
    }
    for model in &models.manifest.models {
        println!("  {:<14} {:.16}…  {}", model.name, model.sha256, model.licence);
    }
    match (before.pop(), now) {
        (Some(kept), _) => println!("To go back to: {} ({}).", kept.version, kept.id),
        (None, Some(_)) => println!("To go back to: the program's own."),
        (None, None) => {}
    }
    Ok(())
}

fn install(config: &Config, file: &Path, json: bool) -> Done {
    let place = Place::of(config);
    let bundle = Bundle::read(file, place.signer()?).map_err(|why| format!("{}: {why}", file.display()))?;
    let device = crate::cli::device(config);
    let kept = place.install(&bundle, |models| {
        let engine = Engine::with(models, device).map_err(|error| error.to_string())?;
        trial::run(&engine, config)
    });
    let kept = kept.map_err(|why| format!("{}: {why}; nothing was changed", file.display()))?;
    tell(Some(&kept), json);
    Ok(())
}

fn roll_back(config: &Config, embedded: bool, json: bool) -> Done {
    let place = Place::of(config);
    tell(place.roll_back(embedded)?.as_ref(), json);
    Ok(())
}

fn tell(kept: Option<&Kept>, json: bool) {
    if json {
        println!("{}", json!({ "bundle": kept.map(|kept| json!({ "id": kept.id, "version": kept.version })) }));
        return;
    }
    match kept {
        Some(kept) => println!("{} ({}) is in force from the next start.", kept.version, kept.id),
        None => println!("The program's own weights are in force from the next start."),
    }
    println!("Faces that another network enrolled are embedded anew then, from their photos, while the server serves.");
}
