//! The audit log on the disk: `log`, which is only ever appended to, and `head`, which says how far it had come.
//!
//! Lines are on the disk before the head names them, and the head before the rows that they tell of are let go: after a crash
//! the log is at most ahead of its head, and never behind what was acknowledged.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::chain::{self, Broken, Head, Reader, Whole};
use crate::crypto::SigningKey;
use crate::domain::audit::Entry;
use crate::domain::id::Id;
use crate::domain::time::Timestamp;

const LOG: &str = "log";
const HEAD: &str = "head";
/// Where the head is put when the log does not reach it.
const DISPUTED: &str = "head.disputed";
/// The end of the log that is read at the start; a batch of entries is far shorter.
const TAIL_BYTES: u64 = 1 << 20;

/// The open log.
pub struct Log {
    folder: PathBuf,
    file: File,
    head: Head,
    last: Option<Id>,
}

impl Log {
    /// Opens or makes the log in `folder`. A line that a crash cut off in its middle is removed: it was never acknowledged as
    /// written, and what it told of is still in the store.
    pub fn open(folder: &Path) -> io::Result<Self> {
        if !folder.exists() {
            fs::DirBuilder::new().mode(0o700).create(folder)?;
            folder.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())?;
        }
        let path = folder.join(LOG);
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&path)?;
        let length = file.metadata()?.len();
        let from = length.saturating_sub(TAIL_BYTES);
        file.seek(SeekFrom::Start(from))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if whole < tail.len() {
            tracing::warn!("the torn end of the audit log is written again");
            file.set_len(from + whole as u64)?;
            file.sync_all()?;
        }
        let (head, last) = end_of(tail.get(..whole).unwrap_or_default())?;
        let log = Self { folder: folder.to_owned(), file, head, last };
        log.compare_with_head()?;
        Ok(log)
    }

    /// The number of the last entry in it.
    pub fn last(&self) -> Option<Id> {
        self.last
    }

    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Appends entries and a checkpoint. Durable when it returns.
    pub fn append(&mut self, entries: &[(Id, Entry)], at: Timestamp, key: &SigningKey) -> io::Result<()> {
        let (text, head) = chain::lines(&self.head, entries, at, key).ok_or(io::ErrorKind::InvalidData)?;
        let before = self.file.metadata()?.len();
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What is on the disk now is unknown; the next start finds out. Here the chain goes on from where it was.
            self.file.set_len(before)?;
            return Err(error);
        }
        self.head = head;
        self.last = entries.last().map(|(id, _)| *id).or(self.last);
        self.write_head()
    }

    /// The last `count` lines, oldest first.
    pub fn tail(&self, count: usize) -> io::Result<Vec<String>> {
        let mut file = File::open(self.folder.join(LOG))?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let mut lines: Vec<String> = text.lines().rev().take(count).map(str::to_owned).collect();
        lines.reverse();
        Ok(lines)
    }

    /// The lines in which `word` stands, oldest first, at most `count` of them, the last ones.
    pub fn search(&self, word: &str, count: usize) -> io::Result<Vec<String>> {
        let mut found = std::collections::VecDeque::new();
        for line in BufReader::new(File::open(self.folder.join(LOG))?).lines() {
            let line = line?;
            if line.contains(word) {
                found.push_back(line);
                if found.len() > count {
                    found.pop_front();
                }
            }
        }
        Ok(found.into())
    }

    fn write_head(&self) -> io::Result<()> {
        let (path, new) = (self.folder.join(HEAD), self.folder.join("head.new"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(&serde_json::to_vec(&self.head)?)?;
        file.sync_all()?;
        fs::rename(&new, &path)?;
        File::open(&self.folder)?.sync_all()
    }

    /// A log that does not reach its head was cut. It is continued, because nobody is helped by a server that stands still, but
    /// the head stays as a witness, and the log and every check say so.
    fn compare_with_head(&self) -> io::Result<()> {
        let Some(head) = read_head(&self.folder.join(HEAD))? else { return Ok(()) };
        let differs = head.lines > self.head.lines || (head.lines == self.head.lines && head != self.head);
        if differs {
            tracing::error!(
                lines = self.head.lines,
                head = head.lines,
                "the audit log was cut or changed; its head is kept as {DISPUTED}"
            );
            fs::rename(self.folder.join(HEAD), self.folder.join(DISPUTED))?;
        }
        Ok(())
    }
}

/// Copies a log with its head, the head first: a copy is then at most ahead of its head, as after a crash.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !to.exists() {
        fs::DirBuilder::new().mode(0o700).create(to)?;
    }
    for name in [DISPUTED, HEAD, LOG] {
        match File::open(from.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
            Ok(mut source) => {
                let new = to.join("new");
                let mut target = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
                io::copy(&mut source, &mut target)?;
                target.sync_all()?;
                fs::rename(&new, to.join(name))?;
            }
        }
    }
    File::open(to)?.sync_all()
}

/// Where a log ends whose last lines these are.
fn end_of(tail: &[u8]) -> io::Result<(Head, Option<Id>)> {
    let text = String::from_utf8_lossy(tail);
    let mut head = None;
    for line in text.lines().rev() {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the end of the audit log is damaged");
        let (place, id) = chain::place_of(line).ok_or_else(damaged)?;
        head.get_or_insert(place);
        if id.is_some() {
            return Ok((head.unwrap_or_default(), id));
        }
    }
    Ok((head.unwrap_or_default(), None))
}

fn read_head(path: &Path) -> io::Result<Option<Head>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Why a copy of a log is not believed.
#[derive(Debug)]
pub enum NotWhole {
    Unreadable(io::Error),
    Broken(Broken),
    /// The server found that the log had been cut, and went on.
    Disputed,
}

impl std::fmt::Display for NotWhole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotWhole::Unreadable(error) => write!(f, "it cannot be read: {error}"),
            NotWhole::Broken(broken) => broken.fmt(f),
            NotWhole::Disputed => {
                write!(f, "a {DISPUTED} lies beside it: it was cut or changed before the server went on")
            }
        }
    }
}

impl std::error::Error for NotWhole {}

impl From<io::Error> for NotWhole {
    fn from(error: io::Error) -> Self {
        NotWhole::Unreadable(error)
    }
}

impl From<Broken> for NotWhole {
    fn from(broken: Broken) -> Self {
        NotWhole::Broken(broken)
    }
}

/// Checks a log, or a copy of one with what lay beside it, without a store.
pub fn verify(log: &Path, signer: Option<[u8; 32]>) -> Result<Whole, NotWhole> {
    let log = if log.is_dir() { log.join(LOG) } else { log.to_owned() };
    let head = read_head(&log.with_file_name(HEAD))?;
    if log.with_file_name(DISPUTED).exists() {
        return Err(NotWhole::Disputed);
    }
    let mut reader = Reader::new(signer, head);
    let mut lines = BufReader::new(File::open(&log)?);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        let Some(text) = line.strip_suffix('\n') else {
            let line = reader.reached().head.lines + 1;
            return Err(Broken { line, why: "it is cut off in its middle" }.into());
        };
        reader.line(text)?;
        line.clear();
    }
    Ok(reader.end()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SecretKey;
    use crate::domain::audit::{Act, Actor};

    fn entry(number: u8) -> (Id, Entry) {
        let at = Timestamp::from_millis(i64::from(number));
        (Id::from_bytes([number; 12]), Entry::new(at, Actor::System, Act::JobFinished))
    }

    #[test]
    fn a_log_goes_on_where_it_was_after_a_crash_at_any_byte() {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::from_seed(&SecretKey::from_bytes([1; 32])).unwrap();
        let path = folder.path().join("audit");
        let mut log = Log::open(&path).unwrap();
        log.append(&[entry(1), entry(2)], Timestamp::from_millis(9), &key).unwrap();
        let before = fs::read(path.join(LOG)).unwrap().len();
        let head = fs::read(path.join(HEAD)).unwrap();
        log.append(&[entry(3), entry(4)], Timestamp::from_millis(9), &key).unwrap();
        let whole = fs::read(path.join(LOG)).unwrap();
        for cut in before..=whole.len() {
            fs::write(path.join(LOG), &whole[..cut]).unwrap();
            fs::write(path.join(HEAD), &head).unwrap();
            let mut log = Log::open(&path).unwrap();
            let last = log.last().unwrap().as_bytes()[0];
            let missing: Vec<(Id, Entry)> = (last + 1..=4).map(entry).collect();
            log.append(&missing, Timestamp::from_millis(10), &key).unwrap();
            let seen = verify(&path, Some(key.public())).unwrap();
            assert_eq!((seen.entries, seen.last), (4, Some(Id::from_bytes([4; 12]))), "cut at {cut}");
        }
    }

    #[test]
    fn a_log_that_was_cut_while_the_server_stood_is_disputed_for_good() {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::from_seed(&SecretKey::from_bytes([1; 32])).unwrap();
        let mut log = Log::open(folder.path()).unwrap();
        log.append(&[entry(1)], Timestamp::from_millis(9), &key).unwrap();
        let first = fs::read(folder.path().join(LOG)).unwrap();
        log.append(&[entry(2)], Timestamp::from_millis(9), &key).unwrap();
        assert_eq!(log.tail(2).unwrap().len(), 2);
        assert_eq!(log.search("job.finished", 9).unwrap().len(), 2);
        fs::write(folder.path().join(LOG), first).unwrap();
        assert!(matches!(verify(folder.path(), None), Err(NotWhole::Broken(_))));
        let mut log = Log::open(folder.path()).unwrap();
        log.append(&[entry(3)], Timestamp::from_millis(9), &key).unwrap();
        assert!(matches!(verify(folder.path(), None), Err(NotWhole::Disputed)));
    }
}
