//! Bundles of weights: signed, tried before they are in force, and gone back from.

use std::fs;
use std::path::{Path, PathBuf};

use twoface::config::Config;
use twoface::crypto::{SecretKey, SigningKey};
use twoface::domain::evidence::Examiner as _;
use twoface::domain::hex;
use twoface::models::bundle::{self, Bundle};
use twoface::models::place::Place;
use twoface::models::{self, trial};
use twoface::vision::{Device, Engine};

const OWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/models");

fn maker() -> SigningKey {
    SigningKey::from_seed(&SecretKey::from_bytes([5; 32])).unwrap()
}

/// A copy of the program's weights.
fn copied(to: &Path) -> PathBuf {
    let folder = to.join("weights");
    fs::create_dir(&folder).unwrap();
    for entry in fs::read_dir(OWN).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
        }
    }
    folder
}

fn made(folder: &Path, version: &str, to: &Path) -> PathBuf {
    let file = to.join(format!("{version}.bundle"));
    bundle::make(folder, version, &maker(), &file).unwrap();
    file
}

fn config(dir: &Path) -> Config {
    let key = hex::encode(&maker().public());
    let data = dir.join("store");
    let _ = fs::create_dir(&data);
    let text = format!("[networks]\nbundle_key = \"{key}\"\n[data]\ndir = {data:?}\n");
    Config::parse(&text, std::iter::empty()).unwrap()
}

#[test]
fn a_bundle_is_the_same_to_the_byte_and_any_other_byte_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let file = made(Path::new(OWN), "2026.1", dir.path());
    let again = dir.path().join("again");
    bundle::make(Path::new(OWN), "2026.1", &maker(), &again).unwrap();
    let bytes = fs::read(&file).unwrap();
    assert!(bytes == fs::read(&again).unwrap());
    let whole = Bundle::read(&file, maker().public()).unwrap();
    assert_eq!(whole.contents.version, "2026.1");
    assert!(whole.files.contains_key("LICENSE-Apache-2.0.txt"), "licences travel with the weights");

    let stranger = SigningKey::from_seed(&SecretKey::from_bytes([6; 32])).unwrap().public();
    assert!(Bundle::read(&file, stranger).err().unwrap().contains("not by the given key"));
    let altered = dir.path().join("altered");
    // In the listing, the signature, a header, and weights near the beginning and the end.
    for at in [600, 0x1400, 3000, 9_000_000, bytes.len() - 2_000_000] {
        let mut other = bytes.clone();
        other[at] ^= 1;
        fs::write(&altered, other).unwrap();
        assert!(Bundle::read(&altered, maker().public()).is_err(), "byte {at}");
    }
    for length in [0, 100, 20_000, bytes.len() / 2] {
        fs::write(&altered, &bytes[..length]).unwrap();
        assert!(Bundle::read(&altered, maker().public()).is_err(), "the first {length} bytes");
    }
}

#[test]
fn a_bundle_is_in_force_until_it_is_gone_back_from_and_damage_keeps_the_server_from_starting() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let place = Place::of(&config);
    assert!(place.roll_back(false).unwrap_err().contains("nothing to go back to"));
    let in_force = || models::in_force(&config).unwrap().1.map(|kept| kept.version);
    assert_eq!(in_force(), None);
    for version in ["1", "2", "3"] {
        let bundle = Bundle::read(&made(Path::new(OWN), version, dir.path()), maker().public()).unwrap();
        place.install(&bundle, |_| Ok(())).unwrap();
        assert_eq!(in_force().as_deref(), Some(version));
        assert!(place.install(&bundle, |_| Ok(())).unwrap_err().contains("in force already"));
    }
    let engine = models::engine(&config).unwrap();
    assert!(engine.bundle().unwrap().ends_with(" 3"), "{:?}", engine.bundle());
    let folders = fs::read_dir(dir.path().join("store/models")).unwrap().map(Result::unwrap);
    assert_eq!(folders.filter(|entry| entry.path().is_dir()).count(), 2, "the one in force and the one before");

    let id = place.kept().unwrap().pop().unwrap().id;
    let weights = dir.path().join("store/models").join(id).join("mini_xception.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    bytes[5000] ^= 1;
    fs::write(&weights, bytes).unwrap();
    let why = models::engine(&config).err().unwrap().to_string();
    assert!(why.contains("mini_xception.safetensors is not what was recorded") && why.contains("rollback"), "{why}");

    // As it says: installed again it serves again.
    let again = Bundle::read(&dir.path().join("3.bundle"), maker().public()).unwrap();
    place.install(&again, |_| Ok(())).unwrap();
    assert!(models::engine(&config).is_ok());
    assert_eq!(place.kept().unwrap().len(), 2);

    // Root's files would keep the server, who is somebody else, from starting. (Only root can give a folder away.)
    let data = dir.path().join("store");
    if std::os::unix::fs::chown(&data, Some(12_345), None).is_ok() {
        assert!(place.roll_back(false).unwrap_err().contains("sudo -u"));
        std::os::unix::fs::chown(&data, Some(0), None).unwrap();
    }

    assert_eq!(place.roll_back(false).unwrap().unwrap().version, "2");
    assert_eq!(in_force().as_deref(), Some("2"));
    assert_eq!(place.roll_back(true).unwrap(), None);
    assert_eq!((in_force(), models::engine(&config).unwrap().bundle().map(str::to_owned)), (None, None));
}

#[test]
fn weights_that_do_not_know_known_photos_are_refused_and_nothing_has_changed() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let place = Place::of(&config);
    let folder = copied(dir.path());
    // An embedder that is whole by its digest, and knows nobody: its last layer is all the same.
    let (name, manifest) = ("sface_f16.safetensors", folder.join("manifest.toml"));
    let mut bytes = fs::read(folder.join(name)).unwrap();
    let end = bytes.len();
    bytes[end - 4_000_000..].iter_mut().skip(1).step_by(2).for_each(|high| *high &= 0x83);
    let before = hex::encode(&twoface::crypto::sha256(&fs::read(folder.join(name)).unwrap()));
    let after = hex::encode(&twoface::crypto::sha256(&bytes));
    fs::write(folder.join(name), bytes).unwrap();
    let text = fs::read_to_string(&manifest).unwrap();
    assert!(bundle::make(&folder, "1", &maker(), &dir.path().join("x")).unwrap_err().contains("is not the file"));
    fs::write(&manifest, text.replace(&before, &after)).unwrap();

    let bundle = Bundle::read(&made(&folder, "1", dir.path()), maker().public()).unwrap();
    let tried = place.install(&bundle, |models| {
        let engine = Engine::with(models, Device::Cpu).map_err(|error| error.to_string())?;
        trial::run(&engine, &config)
    });
    let why = tried.unwrap_err();
    assert!(why.contains("known photo") || why.contains("embedding"), "{why}");
    assert_eq!(place.kept().unwrap(), []);
    let left = fs::read_dir(dir.path().join("store/models")).unwrap().map(Result::unwrap);
    assert_eq!(left.filter(|entry| entry.path().is_dir()).count(), 0);
    trial::run(&models::engine(&config).unwrap(), &config).unwrap();
}
