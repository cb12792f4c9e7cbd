//! The administrator's Unix socket: one JSON request a connection, one JSON reply.
//!
//! The socket lies in the data folder, which only the service's user (and root) can enter: the file system authenticates.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use super::{Reply, Request, handle};
use crate::service::Service;

/// No request is nearly as long.
const REQUEST_BYTES_MAX: u64 = 64 * 1024;
const REQUEST_SECONDS_MAX: Duration = Duration::from_secs(5);

/// Where the socket of the server that serves `folder` is.
pub fn path(folder: &Path) -> PathBuf {
    folder.join("admin.sock")
}

/// Takes the place of a socket that a killed server left. Whoever calls this holds the store, so no other server lives.
pub fn bind(folder: &Path) -> std::io::Result<std::os::unix::net::UnixListener> {
    let path = path(folder);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = std::os::unix::net::UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers until its task is aborted.
pub async fn serve(listener: std::os::unix::net::UnixListener, service: Arc<Service>) {
    let listener = match UnixListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!("the administrator's socket cannot be served: {error}"),
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let service = Arc::clone(&service);
                tokio::spawn(async move {
                    answer(stream, service).await;
                });
            }
            Err(error) => {
                tracing::warn!("administrator's socket: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(mut stream: UnixStream, service: Arc<Service>) {
    let mut text = Vec::new();
    let mut limited = (&mut stream).take(REQUEST_BYTES_MAX);
    if !matches!(tokio::time::timeout(REQUEST_SECONDS_MAX, limited.read_to_end(&mut text)).await, Ok(Ok(_))) {
        return;
    }
    let request = serde_json::from_slice::<Request>(&text);
    let reply = match request.map_err(|error| format!("the request cannot be read: {error}")) {
        Ok(request) => match tokio::task::spawn_blocking(move || handle(&service, request)).await {
            Ok(reply) => reply,
            Err(error) => Reply::Refused(error.to_string()),
        },
        Err(why) => Reply::Refused(why),
    };
    let written = serde_json::to_vec(&reply).unwrap_or_default();
    // The administrator may have gone away.
    let _ = stream.write_all(&written).await;
    let _ = stream.shutdown().await;
}
