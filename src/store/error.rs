//! Every way the store says no.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// A read or a file operation failed.
#[derive(Debug, Clone)]
pub enum StoreError {
    Io(Arc<io::Error>),
    /// What was read is not what was written. Never served.
    Damaged(String),
    /// No room on the disk. Nothing was changed; it can be tried again.
    Full,
    /// An earlier failure stopped the store: what is on the disk is known only after a restart.
    Stopped,
    /// The person whom this is about was forgotten.
    Forgotten,
    /// The caller asked for something that the store does not do.
    Invalid(&'static str),
}

/// A commit was not made.
#[derive(Debug, Clone)]
pub enum CommitError {
    /// A precondition does not hold.
    Conflict,
    /// No room on the disk. Nothing was changed; it can be tried again.
    Full,
    /// A key over 128 bytes, or a commit over the limits in `mod.rs`.
    TooLarge,
    Store(StoreError),
}

/// The store could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Another process has this folder open.
    InUse(PathBuf),
    /// The master key is not the one that this folder was made with.
    WrongKey,
    /// The master key could not be had.
    Key(String),
    /// Written by a newer version of this program.
    Newer {
        file: PathBuf,
        version: u32,
    },
    /// A bad place in a file that is not the torn end of the last write.
    Damaged {
        file: PathBuf,
        offset: u64,
        what: String,
    },
    Io(PathBuf, io::Error),
    Store(StoreError),
}

impl From<io::Error> for StoreError {
    fn from(e: io::Error) -> Self {
        if is_full(&e) { StoreError::Full } else { StoreError::Io(Arc::new(e)) }
    }
}

impl StoreError {
    /// A failure after which the disk's state is not known, even if it is for want of room.
    pub(super) fn failed(e: io::Error) -> StoreError {
        StoreError::Io(Arc::new(e))
    }
}

impl From<CommitError> for StoreError {
    /// For commits of the store's own, which name no precondition and keep the limits.
    fn from(e: CommitError) -> Self {
        match e {
            CommitError::Store(e) => e,
            CommitError::Full => StoreError::Full,
            CommitError::Conflict | CommitError::TooLarge => {
                StoreError::Invalid("a commit of the store's own was refused")
            }
        }
    }
}

impl From<OpenError> for StoreError {
    fn from(e: OpenError) -> Self {
        match e {
            OpenError::Store(e) => e,
            OpenError::Io(_, e) => e.into(),
            other => StoreError::Damaged(other.to_string()),
        }
    }
}

impl From<StoreError> for CommitError {
    fn from(e: StoreError) -> Self {
        match e {
            StoreError::Full => CommitError::Full,
            other => CommitError::Store(other),
        }
    }
}

impl From<StoreError> for OpenError {
    fn from(e: StoreError) -> Self {
        OpenError::Store(e)
    }
}

/// No room, or none within the quota.
pub fn is_full(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Io(e) => write!(f, "the disk failed: {e}"),
            StoreError::Damaged(what) => write!(f, "damaged data: {what}"),
            StoreError::Full => f.write_str("the disk is full"),
            StoreError::Stopped => f.write_str("the store has stopped after a failure; restart to continue"),
            StoreError::Forgotten => f.write_str("the person was forgotten"),
            StoreError::Invalid(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommitError::Conflict => f.write_str("a precondition does not hold"),
            CommitError::Full => f.write_str("the disk is full"),
            CommitError::TooLarge => f.write_str("the commit is too large"),
            CommitError::Store(e) => e.fmt(f),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::InUse(dir) => write!(f, "{} is in use by another process", dir.display()),
            OpenError::WrongKey => f.write_str("this is not the master key that the data was sealed with"),
            OpenError::Key(what) => write!(f, "the master key cannot be read: {what}"),
            OpenError::Newer { file, version } => {
                write!(f, "{} was written by a newer version of this program (format {version})", file.display())
            }
            OpenError::Damaged { file, offset, what } => {
                write!(f, "{} is damaged at byte {offset}: {what}", file.display())
            }
            OpenError::Io(path, e) => write!(f, "{}: {e}", path.display()),
            OpenError::Store(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for StoreError {}
impl std::error::Error for CommitError {}
impl std::error::Error for OpenError {}
