//! How a command reaches the running server: through its socket, one request a connection.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::{Reply, Request};

/// The longest that an administrator's request takes, a large backup, with room to spare.
pub const PATIENCE_MAX: Duration = Duration::from_secs(6 * 60 * 60);

/// Asks the server at `socket`. `None` when no server is there.
pub fn ask(socket: &Path, request: &Request, patience: Duration) -> std::io::Result<Option<Reply>> {
    let mut stream = match UnixStream::connect(socket) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => return Ok(None),
        Err(error) => return Err(error),
    };
    stream.set_read_timeout(Some(patience))?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    // A server that refuses who asks has closed its side already.
    let _ = stream.shutdown(Shutdown::Write);
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    if text.is_empty() {
        return Err(std::io::Error::new(ErrorKind::UnexpectedEof, "the server went away before it answered"));
    }
    Ok(Some(serde_json::from_slice(&text)?))
}
