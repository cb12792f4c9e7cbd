//! The trained weights: what the manifest says they are, and their bytes, checked against it.
//!
//! No byte of a weights file is used before its SHA-256 agrees with the manifest's. In a release build with the feature
//! `embed` the files lie inside the executable; otherwise they are read from the folder `models/`. Never from a network.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::crypto;
use crate::domain::hex;
use crate::domain::score::ScoreTable;

/// `models/manifest.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub models: Vec<Model>,
    pub scores: Scores,
    pub golden: Golden,
}

/// Cosines that photos in tests/golden give.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    pub same_person: f64,
    pub strangers: f64,
}

/// One network's file and its history.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub name: String,
    pub file: String,
    /// Of the file, 64 lower-case hexadecimal characters.
    pub sha256: String,
    pub licence: String,
    pub licence_file: String,
    pub input: String,
    /// The script that converted or trained it, relative to the manifest.
    pub made_by: String,
    /// What the output's classes mean, a line each, where that is a file.
    pub classes: Option<Classes>,
    /// `None` for what was trained for this program.
    pub source: Option<Source>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classes {
    pub file: String,
    pub sha256: String,
}

/// Where the original was published.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub registry: Registry,
    /// Name and version, as the registry's client takes them.
    pub package: String,
    pub package_file: String,
    pub package_sha256: String,
    /// Inside the package, and inside an archive within it after a further slash.
    pub path: String,
    pub sha256: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub enum Registry {
    PyPI,
    #[serde(rename = "npm")]
    Npm,
}

/// What cosines of this embedder mean.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// Two photos taken by cameras.
    pub photo_photo: Calibration,
    /// A document's printed portrait and a photo.
    pub document_photo: Calibration,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// On what, and how, and how well it held on other people.
    pub measured: String,
    pub knots: ScoreTable,
}

/// Why the weights cannot be used. The server does not start.
#[derive(Debug)]
pub enum WeightsError {
    Read { file: String, error: std::io::Error },
    Manifest(String),
    Missing { name: String },
    Altered { file: String, expected: String, found: String },
}

impl std::fmt::Display for WeightsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            WeightsError::Read { file, error } => write!(f, "{file} cannot be read: {error}"),
            WeightsError::Manifest(what) => write!(f, "manifest.toml: {what}"),
            WeightsError::Missing { name } => write!(f, "manifest.toml names no model {name}"),
            WeightsError::Altered { file, expected, found } => {
                write!(f, "{file} is not the file that manifest.toml names: its SHA-256 is {found}, not {expected}")
            }
        }
    }
}

impl std::error::Error for WeightsError {}

/// The manifest and a way to its files.
pub struct Models {
    pub manifest: Manifest,
    place: Place,
}

enum Place {
    #[cfg(all(feature = "embed", not(debug_assertions)))]
    Executable,
    Folder(PathBuf),
}

impl Models {
    /// The models that belong to this build.
    pub fn open() -> Result<Models, WeightsError> {
        #[cfg(all(feature = "embed", not(debug_assertions)))]
        return Self::at(Place::Executable);
        #[cfg(not(all(feature = "embed", not(debug_assertions))))]
        Self::in_folder(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/models")))
    }

    /// The models in a folder.
    pub fn in_folder(folder: &Path) -> Result<Models, WeightsError> {
        Self::at(Place::Folder(folder.to_owned()))
    }

    fn at(place: Place) -> Result<Models, WeightsError> {
        let text = place.bytes("manifest.toml")?;
        let text = std::str::from_utf8(&text).map_err(|error| WeightsError::Manifest(error.to_string()))?;
        let manifest = toml::from_str(text).map_err(|error| WeightsError::Manifest(error.to_string()))?;
        Ok(Models { manifest, place })
    }

    /// A model's weights, checked.
    pub fn weights(&self, name: &str) -> Result<Cow<'static, [u8]>, WeightsError> {
        let model = self.model(name)?;
        self.checked(&model.file, &model.sha256)
    }

    /// What a model's output classes mean, by class, checked.
    pub fn classes(&self, name: &str) -> Result<Vec<String>, WeightsError> {
        let missing = || WeightsError::Missing { name: format!("{name} with classes") };
        let classes = self.model(name)?.classes.as_ref().ok_or_else(missing)?;
        let text = String::from_utf8_lossy(&self.checked(&classes.file, &classes.sha256)?).into_owned();
        Ok(text.lines().map(str::to_owned).collect())
    }

    fn model(&self, name: &str) -> Result<&Model, WeightsError> {
        let model = self.manifest.models.iter().find(|model| model.name == name);
        model.ok_or_else(|| WeightsError::Missing { name: name.to_owned() })
    }

    fn checked(&self, file: &str, sha256: &str) -> Result<Cow<'static, [u8]>, WeightsError> {
        let bytes = self.place.bytes(file)?;
        let found = hex::encode(&crypto::sha256(&bytes));
        if found != sha256 {
            return Err(WeightsError::Altered { file: file.to_owned(), expected: sha256.to_owned(), found });
        }
        Ok(bytes)
    }
}

impl Place {
    fn bytes(&self, file: &str) -> Result<Cow<'static, [u8]>, WeightsError> {
        let failed = |error| WeightsError::Read { file: file.to_owned(), error };
        match self {
            #[cfg(all(feature = "embed", not(debug_assertions)))]
            Place::Executable => {
                let found = EMBEDDED.iter().find(|(name, _)| *name == file).map(|(_, bytes)| Cow::Borrowed(*bytes));
                found.ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))
            }
            Place::Folder(folder) => std::fs::read(folder.join(file)).map(Cow::Owned).map_err(failed),
        }
    }
}

#[cfg(all(feature = "embed", not(debug_assertions)))]
static EMBEDDED: &[(&str, &[u8])] = &[
    ("manifest.toml", include_bytes!("../../models/manifest.toml")),
    ("yunet_2023mar.safetensors", include_bytes!("../../models/yunet_2023mar.safetensors")),
    ("sface_f16.safetensors", include_bytes!("../../models/sface_f16.safetensors")),
    ("facemesh.safetensors", include_bytes!("../../models/facemesh.safetensors")),
    ("blendshapes.safetensors", include_bytes!("../../models/blendshapes.safetensors")),
    ("minifasnet_v2.safetensors", include_bytes!("../../models/minifasnet_v2.safetensors")),
    ("mini_xception.safetensors", include_bytes!("../../models/mini_xception.safetensors")),
    ("ppocrv6_det_small.safetensors", include_bytes!("../../models/ppocrv6_det_small.safetensors")),
    ("ppocrv6_rec_small_latin.safetensors", include_bytes!("../../models/ppocrv6_rec_small_latin.safetensors")),
    ("ppocrv6_latin.txt", include_bytes!("../../models/ppocrv6_latin.txt")),
    ("pplcnet_x1_0_doc_ori.safetensors", include_bytes!("../../models/pplcnet_x1_0_doc_ori.safetensors")),
    ("mrz_ctc.safetensors", include_bytes!("../../models/mrz_ctc.safetensors")),
    ("corners.safetensors", include_bytes!("../../models/corners.safetensors")),
    ("layout.safetensors", include_bytes!("../../models/layout.safetensors")),
    ("mrz_far_ctc.safetensors", include_bytes!("../../models/mrz_far_ctc.safetensors")),
    ("number_ctc.safetensors", include_bytes!("../../models/number_ctc.safetensors")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_agrees_with_the_manifest_and_its_licence_is_there() {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/models"));
        let models = Models::open().unwrap();
        assert!(!models.manifest.models.is_empty());
        for model in &models.manifest.models {
            models.weights(&model.name).unwrap();
            assert!(folder.join(&model.licence_file).is_file(), "{}", model.licence_file);
            assert!(folder.join(&model.made_by).is_file(), "{}", model.made_by);
            if model.classes.is_some() {
                models.classes(&model.name).unwrap();
            }
        }
    }

    #[test]
    fn an_altered_or_missing_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let original = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/models"));
        std::fs::copy(original.join("manifest.toml"), folder.path().join("manifest.toml")).unwrap();
        let mut bytes = std::fs::read(original.join("yunet_2023mar.safetensors")).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(folder.path().join("yunet_2023mar.safetensors"), bytes).unwrap();
        let models = Models::in_folder(folder.path()).unwrap();
        let message = |name| models.weights(name).unwrap_err().to_string();
        assert!(message("yunet").starts_with("yunet_2023mar.safetensors is not the file"), "{}", message("yunet"));
        assert!(message("sface").starts_with("sface_f16.safetensors cannot be read"), "{}", message("sface"));
        assert_eq!(message("other"), "manifest.toml names no model other");
    }
}
