//! The administrator's Unix socket: one JSON request a connection, ended by a newline or by closing that side; one JSON reply.
//!
//! Two walls: the file's mode lets in its owner and one group, and the kernel's word for who has connected is checked again.
//! Whatever is sent, no more than a request's length is held, and only for a few seconds.

use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::{Gid, chown};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use super::actor::{self, Actor, Group, Peer};
use super::{Desk, Reply, Request, handle};

/// No request is nearly as long.
const REQUEST_BYTES_MAX: usize = 64 * 1024;
const REQUEST_SECONDS_MAX: Duration = Duration::from_secs(5);
/// For somebody who asks and does not read the reply.
const REPLY_SECONDS_MAX: Duration = Duration::from_secs(30);
/// Administrators' connections at the same time; more wait.
const CONNECTIONS_MAX: usize = 64;

/// Makes the socket, in the place of one that a killed server left. Where the group exists its members can reach it.
pub fn bind(path: &Path, group: &str) -> std::io::Result<std::os::unix::net::UnixListener> {
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => {
            let text = format!("{}: another server answers there", path.display());
            return Err(std::io::Error::new(ErrorKind::AddrInUse, text));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(_) => std::fs::remove_file(path)?,
    }
    let listener = std::os::unix::net::UnixListener::bind(path)
        .map_err(|error| std::io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
    let mut mode = 0o600;
    if let Some(Group { number, .. }) = Group::of_system(group) {
        // Under systemd the service's own group is this one, and it may change no ownership.
        let is_so = std::fs::metadata(path)?.gid() == number;
        match if is_so { Ok(()) } else { chown(path, None, Some(Gid::from_raw(number))) } {
            Ok(()) => mode = 0o660,
            Err(error) => tracing::warn!("the administrator's socket stays closed to the group {group}: {error}"),
        }
    }
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers until its task is aborted.
pub async fn serve(listener: std::os::unix::net::UnixListener, desk: Arc<Desk>) {
    let listener = match UnixListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!("the administrator's socket cannot be served: {error}"),
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let desk = Arc::clone(&desk);
                tokio::spawn(async move {
                    answer(stream, desk).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!("administrator's socket: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn answer(mut stream: UnixStream, desk: Arc<Desk>) {
    let admitted = admitted(&stream, &desk);
    // Whoever is refused is read all the same: otherwise the kernel may throw the reply away with what lies unread.
    let read = tokio::time::timeout(REQUEST_SECONDS_MAX, read(&mut stream)).await;
    let reply = match (admitted, read) {
        (Err(why), _) | (Ok(_), Ok(Err(why))) => Reply::Refused(why),
        (Ok(_), Err(_)) => Reply::Refused("no request came".to_owned()),
        (Ok(actor), Ok(Ok(request))) => {
            match tokio::task::spawn_blocking(move || handle(&desk, &actor, request)).await {
                Ok(reply) => reply,
                Err(_) => Reply::Refused("the request could not be carried out; the log tells why".to_owned()),
            }
        }
    };
    let written = serde_json::to_vec(&reply).unwrap_or_default();
    let write = async {
        // The administrator may have gone away.
        let _ = stream.write_all(&written).await;
        let _ = stream.shutdown().await;
    };
    let _ = tokio::time::timeout(REPLY_SECONDS_MAX, write).await;
}

/// Who is at the other end, if he may ask.
fn admitted(stream: &UnixStream, desk: &Desk) -> Result<Actor, String> {
    let credentials = stream.peer_cred().map_err(|error| format!("the kernel does not tell who asks: {error}"))?;
    let peer = Peer { user: credentials.uid(), group: credentials.gid(), process: credentials.pid() };
    let group = &desk.service.config().admin.group;
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = actor::user_named(&users, peer.user);
    let own = rustix::process::geteuid().as_raw();
    if actor::admits(peer, name.as_deref(), own, Group::of_system(group).as_ref()) {
        return Ok(Actor::of(peer));
    }
    tracing::warn!(user = peer.user, "somebody who is no administrator was refused at the administrator's socket");
    Err(format!("only root, the service's user and members of the group {group} may do this"))
}

/// One request: what comes before a newline or the end.
async fn read(stream: &mut UnixStream) -> Result<Request, String> {
    let mut text = Vec::new();
    let mut part = [0_u8; 4096];
    loop {
        let length = stream.read(&mut part).await.map_err(|error| error.to_string())?;
        let part = part.get(..length).unwrap_or_default();
        let line = part.split(|byte| *byte == b'\n').next().unwrap_or_default();
        text.extend_from_slice(line);
        if text.len() > REQUEST_BYTES_MAX {
            return Err("the request is too long".to_owned());
        }
        if length == 0 || line.len() < length {
            break;
        }
    }
    serde_json::from_slice(&text).map_err(|error| format!("the request cannot be read: {error}"))
}
