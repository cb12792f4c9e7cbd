//! Append-only files of numbered, sealed frames: what the journal, the checkpoints and the erasure list are made of.
//!
//! Every file has its own key, drawn from the root, its kind, its first number and a random salt. A frame is bound to its
//! number and its length, so that none can be altered, moved, repeated or left out unnoticed; only the end can be cut off.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, DiskFile};
use super::error::OpenError;
use crate::crypto::{self, SecretKey};

/// Magic 8, version 4, first number 8, salt 16, authentication 16, zeros to 64.
const HEADER_BYTES: usize = 64;
const AUTHENTICATED_BYTES: usize = 36;
const VERSION: u32 = 1;
const MARKER: [u8; 4] = *b"2Fr\xa7";
/// Marker 4, sealed length 4, number 8.
const FRAME_HEADER_BYTES: usize = 16;
/// Above the largest batch that the committer makes; guards against reading a length that is not one.
const SEALED_BYTES_MAX: usize = 64 << 20;
const READ_BYTES: usize = 1 << 20;

/// What a file of frames is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Journal,
    Checkpoint,
    Erasures,
}

impl Kind {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            Kind::Journal => b"2FJOURN\n",
            Kind::Checkpoint => b"2FCHECK\n",
            Kind::Erasures => b"2FERASE\n",
        }
    }
}

/// Appends frames. What was appended is durable after [`Writer::sync`].
pub(super) struct Writer {
    file: Box<dyn DiskFile>,
    key: SecretKey,
    offset: u64,
}

impl Writer {
    /// Makes the file under a temporary name, so that its header is whole before it has its own.
    pub(super) fn create(disk: &dyn Disk, path: &Path, kind: Kind, root: &SecretKey, first: u64) -> io::Result<Writer> {
        let writer = Writer::create_unnamed(disk, path, kind, root, first)?;
        writer.file.sync()?;
        publish(disk, path)?;
        Ok(writer)
    }

    /// The same, but it stays under its temporary name until [`publish`].
    pub(super) fn create_unnamed(
        disk: &dyn Disk,
        path: &Path,
        kind: Kind,
        root: &SecretKey,
        first: u64,
    ) -> io::Result<Writer> {
        let salt = crypto::random::<16>();
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(kind.magic());
        header.extend_from_slice(&VERSION.to_be_bytes());
        header.extend_from_slice(&first.to_be_bytes());
        header.extend_from_slice(&salt);
        let key = file_key(root, &header);
        let check = crypto::keyed_hash(&key, &header);
        header.extend_from_slice(check.get(..16).unwrap_or_default());
        header.resize(HEADER_BYTES, 0);
        let file = disk.create(&temporary(path))?;
        file.write_at(&header, 0)?;
        Ok(Writer { file, key, offset: HEADER_BYTES as u64 })
    }

    /// Goes on after the last frame that was read.
    pub(super) fn resume(reader: Reader) -> Writer {
        Writer { file: reader.file, key: reader.key, offset: reader.offset }
    }

    pub(super) fn append(&mut self, number: u64, plain: &[u8]) -> io::Result<()> {
        let length = plain.len() + 28;
        let header = frame_header(number, u32::try_from(length).map_err(|_| io::ErrorKind::FileTooLarge)?);
        let sealed = crypto::seal(&self.key, &header, plain).map_err(|_| io::ErrorKind::InvalidData)?;
        let frame = [&header[..], &sealed].concat();
        self.file.write_at(&frame, self.offset)?;
        self.offset += frame.len() as u64;
        Ok(())
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    /// Takes back what a failed append left behind.
    pub(super) fn cut_to(&mut self, offset: u64) -> io::Result<()> {
        self.file.set_length(offset)?;
        self.offset = offset;
        Ok(())
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn is_empty(&self) -> bool {
        self.offset == HEADER_BYTES as u64
    }
}

/// Gives a file made by [`Writer::create_unnamed`] its name. Its content must have been synced.
pub(super) fn publish(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    disk.rename(&temporary(path), path)?;
    path.parent().map_or(Ok(()), |dir| disk.sync_dir(dir))
}

/// One frame, opened.
pub(super) struct Frame {
    pub(super) number: u64,
    pub(super) plain: Vec<u8>,
}

/// Why reading stopped before the end of the file.
pub(super) enum ReadError {
    /// Nothing authentic begins where the reader stands.
    Bad,
    Io(io::Error),
}

/// Reads frames from the beginning.
pub(super) struct Reader {
    file: Box<dyn DiskFile>,
    key: SecretKey,
    pub(super) first: u64,
    pub(super) offset: u64,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    buffered_at: u64,
}

impl Reader {
    pub(super) fn open(disk: &Arc<dyn Disk>, path: &Path, kind: Kind, root: &SecretKey) -> Result<Reader, OpenError> {
        let io = |e| OpenError::Io(path.to_owned(), e);
        let damaged = |what: &str| OpenError::Damaged { file: path.to_owned(), offset: 0, what: what.into() };
        let file = disk.open(path).map_err(io)?;
        let mut header = [0; HEADER_BYTES];
        if file.read_at(&mut header, 0).map_err(io)? < HEADER_BYTES {
            return Err(damaged("the header is cut short"));
        }
        let (body, rest) = header.split_at(AUTHENTICATED_BYTES);
        let field = |at: usize| body.get(at..).unwrap_or_default();
        if !body.starts_with(kind.magic()) {
            return Err(damaged("not a file of this kind"));
        }
        let version = field(8).first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        let key = file_key(root, body);
        let check = crypto::keyed_hash(&key, body);
        let authentic = rest.get(..16).is_some_and(|found| check.starts_with(found));
        if !authentic || rest.get(16..).is_none_or(|zeros| zeros.iter().any(|byte| *byte != 0)) {
            return Err(damaged("the header is not what was written"));
        }
        // Believed only because it is authentic: all versions have their headers in common.
        if version > VERSION {
            return Err(OpenError::Newer { file: path.to_owned(), version });
        }
        let first = field(12).first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        let offset = HEADER_BYTES as u64;
        Ok(Reader { file, key, first, offset, buffer: Vec::new(), buffered_at: offset })
    }

    /// The next frame; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, ReadError> {
        let at = self.offset;
        let header = self.bytes(at, FRAME_HEADER_BYTES)?;
        if header.is_empty() {
            return Ok(None);
        }
        let Some((number, length)) = parse_header(header) else { return Err(ReadError::Bad) };
        let frame = self.bytes(at, FRAME_HEADER_BYTES + length)?;
        let (header, sealed) = frame.split_at_checked(FRAME_HEADER_BYTES).ok_or(ReadError::Bad)?;
        if sealed.len() < length {
            return Err(ReadError::Bad);
        }
        let (header, sealed) = (header.to_vec(), sealed.to_vec());
        let plain = crypto::open(&self.key, &header, &sealed).map_err(|_| ReadError::Bad)?;
        self.offset = at + (FRAME_HEADER_BYTES + length) as u64;
        Ok(Some(Frame { number, plain }))
    }

    /// Whether anything authentic follows the bad place at `offset`: then it is damage, not the torn end of the last write.
    pub(super) fn any_after(&mut self, offset: u64) -> Result<bool, ReadError> {
        let length = self.file.length().map_err(ReadError::Io)?;
        let mut rest = vec![0; usize::try_from(length.saturating_sub(offset)).unwrap_or(usize::MAX)];
        let read = self.file.read_at(&mut rest, offset).map_err(ReadError::Io)?;
        rest.truncate(read);
        let starts = rest.windows(4).enumerate().skip(1).filter(|(_, window)| *window == MARKER).map(|(at, _)| at);
        Ok(starts.into_iter().any(|at| {
            let frame = rest.get(at..).unwrap_or_default();
            let Some((_, length)) = parse_header(frame) else { return false };
            let Some((header, sealed)) = frame.split_at_checked(FRAME_HEADER_BYTES) else { return false };
            sealed.get(..length).is_some_and(|sealed| crypto::open(&self.key, header, sealed).is_ok())
        }))
    }

    /// Cuts the file off behind the last frame read, durably.
    pub(super) fn cut(&self) -> io::Result<()> {
        self.file.set_length(self.offset)?;
        self.file.sync()
    }

    /// Up to `length` bytes from `at`, fewer only at the end of the file.
    fn bytes(&mut self, at: u64, length: usize) -> Result<&[u8], ReadError> {
        let mut start = usize::try_from(at - self.buffered_at).unwrap_or(usize::MAX);
        if self.buffer.len().saturating_sub(start) < length {
            let mut buffer = vec![0; length.max(READ_BYTES)];
            let read = self.file.read_at(&mut buffer, at).map_err(ReadError::Io)?;
            buffer.truncate(read);
            (self.buffer, self.buffered_at, start) = (buffer, at, 0);
        }
        let end = self.buffer.len().min(start + length);
        Ok(self.buffer.get(start..end).unwrap_or_default())
    }
}

fn frame_header(number: u64, length: u32) -> [u8; FRAME_HEADER_BYTES] {
    let mut header = [0; FRAME_HEADER_BYTES];
    let bytes = MARKER.into_iter().chain(length.to_be_bytes()).chain(number.to_be_bytes());
    header.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    header
}

/// Number and sealed length.
fn parse_header(bytes: &[u8]) -> Option<(u64, usize)> {
    let rest = bytes.strip_prefix(&MARKER)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (number, _) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok().filter(|length| *length <= SEALED_BYTES_MAX)?;
    Some((u64::from_be_bytes(*number), length))
}

fn file_key(root: &SecretKey, header: &[u8]) -> SecretKey {
    SecretKey::from_bytes(crypto::keyed_hash(root, header.get(..AUTHENTICATED_BYTES).unwrap_or(header)))
}

fn temporary(path: &Path) -> PathBuf {
    path.with_extension("tmp")
}
