//! The administrator's socket: who may ask, and that nothing sent there does harm.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use twoface::admin::request::{Accounts, Request};
use twoface::admin::{Reply, link, socket};
use twoface::clock::Clock;
use twoface::config::Config;
use twoface::server;
use twoface::service::Service;

/// Nobody, on every Linux.
const NOBODY: u32 = 65_534;

/// A socket that is served for as long as the tests run, without the rest of a server.
struct Served {
    folder: tempfile::TempDir,
    socket: PathBuf,
}

impl Served {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::parse("", std::iter::empty()).unwrap();
        config.data.dir = folder.path().join("store");
        let socket = folder.path().join("admin.sock");
        let listener = {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let store = server::open_store(&config, Clock::system().now()).unwrap();
            let workflows = server::workflows(&config).unwrap();
            let desk = server::desk(&Arc::new(Service::new(store, config, Clock::system(), workflows)), None);
            let listener = socket::bind(&socket, "no such group").unwrap();
            std::thread::spawn(move || runtime.block_on(socket::serve(listener, desk)))
        };
        drop(listener);
        Self { folder, socket }
    }

    fn send(&self, bytes: &[u8]) -> String {
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // A server that has read enough closes its side.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply);
        String::from_utf8(reply).unwrap()
    }

    fn works(&self) {
        let asked = link::ask(&self.socket, &Request::Accounts(Accounts::List), Duration::from_secs(30));
        assert!(matches!(asked.unwrap(), Some(Reply::Accounts(_))));
    }
}

#[test]
fn garbage_too_much_and_half_a_connection_harm_nothing() {
    let served = Served::start();
    for garbage in [
        &b"garbage\n"[..],
        b"\xff\xfe\x00\n",
        b"{\"keys\":",
        b"\n",
        b"",
        b"[[[[[[[[[[[[[[[[[[[[[[[[",
        b"{\"keys\":\"list\"} x\n",
    ] {
        assert!(served.send(garbage).contains("refused"), "{garbage:?}");
    }
    // Ten megabytes without an end: no more than a request's length is taken in.
    served.send(&vec![b'x'; 10 << 20]);
    // Deep nesting must not overflow a stack.
    served.send("[".repeat(60_000).as_bytes());
    let half: Vec<UnixStream> = (0..40).map(|_| UnixStream::connect(&served.socket).unwrap()).collect();
    served.works();
    half.iter().for_each(|stream| stream.shutdown(Shutdown::Write).unwrap());
    served.works();
    drop(half);
    served.works();
}

#[test]
fn a_request_ends_with_its_line_or_with_the_connection() {
    let served = Served::start();
    assert!(served.send(b"{\"accounts\":\"list\"}").contains("accounts"));
    let mut stream = UnixStream::connect(&served.socket).unwrap();
    stream.write_all(b"{\"accounts\":\"list\"}\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    assert_eq!(reply, "{\"accounts\":[]}");
}

#[test]
fn a_second_server_does_not_take_the_socket_of_one_that_answers_and_a_dead_ones_is_taken() {
    let served = Served::start();
    let error = socket::bind(&served.socket, "").unwrap_err();
    assert!(error.to_string().contains("another server"), "{error}");
    let left = served.folder.path().join("left.sock");
    drop(std::os::unix::net::UnixListener::bind(&left).unwrap());
    socket::bind(&left, "").unwrap();
    assert_eq!(std::fs::metadata(&left).unwrap().permissions().mode() & 0o777, 0o600, "no group, nobody else");
}

#[test]
fn another_user_is_refused_though_the_file_would_let_him_in() {
    if !rustix::process::geteuid().is_root() {
        // Only root can become somebody else; who is admitted is tested without that beside the code.
        return;
    }
    let served = Served::start();
    let program = served.folder.path().join("twoface");
    std::fs::copy(env!("CARGO_BIN_EXE_twoface"), &program).unwrap();
    std::fs::set_permissions(served.folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let status = |user: u32| {
        let output = Command::new(&program)
            .arg("status")
            .env("TWOFACE_ADMIN_SOCKET", &served.socket)
            .env("TWOFACE_DATA_DIR", "/nowhere")
            .uid(user)
            .gid(user)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(status(0), (Some(0), String::new()));
    let (code, told) = status(NOBODY);
    assert!(code == Some(3) && told.contains("usermod"), "the file's mode refuses: {code:?} {told}");
    std::fs::set_permissions(&served.socket, std::fs::Permissions::from_mode(0o666)).unwrap();
    let (code, told) = status(NOBODY);
    assert!(code == Some(1) && told.contains("members of the group"), "the kernel's word refuses: {code:?} {told}");
    served.works();
}
