//! Where the master key comes from.
//!
//! It is never stored beside the data, never logged, and wiped from memory when dropped.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::OpenError;
use crate::crypto::{self, SecretKey};
use crate::domain::hex;

/// Which key opens the store.
#[derive(Clone, Debug)]
pub enum MasterKey {
    /// 64 hexadecimal characters in a file that only its owner may read; made on the first open.
    File(PathBuf),
    /// The same content under this name in systemd's credentials directory (`LoadCredential=`).
    Credential(String),
    /// A sentence that a person types; stretched with argon2id.
    Passphrase(Passphrase),
    /// Already in hand.
    Given(SecretKey),
}

/// A passphrase that is not shown when printed and is wiped when dropped.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl std::fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passphrase(..)")
    }
}

/// `fresh`: there is no data yet, so a missing key file may be made.
pub(super) fn read(source: &MasterKey, salt: &[u8; 16], fresh: bool) -> Result<SecretKey, OpenError> {
    match source {
        MasterKey::Given(key) => Ok(key.clone()),
        MasterKey::Passphrase(passphrase) => stretch(passphrase, salt),
        MasterKey::Credential(name) => {
            let Some(dir) = std::env::var_os("CREDENTIALS_DIRECTORY") else {
                return Err(OpenError::Key("CREDENTIALS_DIRECTORY is not set; is this run by systemd?".into()));
            };
            let path = Path::new(&dir).join(name);
            parse(&path, fs::File::open(&path).map_err(|e| unreadable(&path, &e))?)
        }
        MasterKey::File(path) => match fs::File::open(path) {
            Ok(file) => {
                let mode = file.metadata().map_err(|e| unreadable(path, &e))?.permissions().mode();
                if mode & 0o077 != 0 {
                    let text = format!("{}: others may read it; chmod 0400", path.display());
                    return Err(OpenError::Key(text));
                }
                parse(path, file)
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound && fresh => make(path).map_err(|e| unreadable(path, &e)),
            Err(e) => Err(unreadable(path, &e)),
        },
    }
}

fn unreadable(path: &Path, e: &io::Error) -> OpenError {
    OpenError::Key(format!("{}: {e}", path.display()))
}

fn parse(path: &Path, file: fs::File) -> Result<SecretKey, OpenError> {
    let mut text = Zeroizing::new(String::new());
    file.take(200).read_to_string(&mut text).map_err(|e| unreadable(path, &e))?;
    hex::decode(text.trim())
        .map(SecretKey::from_bytes)
        .ok_or_else(|| OpenError::Key(format!("{}: not 64 hexadecimal characters", path.display())))
}

fn make(path: &Path) -> io::Result<SecretKey> {
    let key = SecretKey::generate();
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o400).open(path)?;
    let text = Zeroizing::new(hex::encode(key.as_bytes()) + "\n");
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // The key must outlive a power cut that the data survives.
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(dir)?.sync_all()?;
    Ok(key)
}

fn stretch(passphrase: &Passphrase, salt: &[u8; 16]) -> Result<SecretKey, OpenError> {
    crypto::stretch(passphrase.0.as_bytes(), salt).ok_or_else(|| OpenError::Key("the passphrase cannot be used".into()))
}
