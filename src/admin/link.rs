//! How a command reaches what it commands: the running server through its socket, otherwise the store itself.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::{Reply, Request, socket};

/// The longest that an administrator's request takes, a large backup, with room to spare.
const REPLY_SECONDS_MAX: Duration = Duration::from_secs(6 * 60 * 60);

/// Asks the server that serves `folder`. `None` when no server runs there.
pub fn ask_server(folder: &Path, request: &Request) -> std::io::Result<Option<Reply>> {
    let mut stream = match UnixStream::connect(socket::path(folder)) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => return Ok(None),
        Err(error) => return Err(error),
    };
    stream.set_read_timeout(Some(REPLY_SECONDS_MAX))?;
    stream.write_all(&serde_json::to_vec(request)?)?;
    stream.shutdown(Shutdown::Write)?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    Ok(Some(serde_json::from_slice(&text)?))
}
