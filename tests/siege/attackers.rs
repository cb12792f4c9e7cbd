//! Sockets that want to hold a place for as long as they can: a third say nothing, a third whisper a request's head, a third
//! whisper a body of ten megabytes with a good credential. Whoever is cut off comes back.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use crate::server::Server;

/// They come from this many addresses of the loopback network, none of them that of the honest.
const ADDRESSES: usize = 20;
const WHISPER_EVERY: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    held: AtomicUsize,
    cut_off: AtomicU64,
    /// Where the kernel tells of the attackers' thread.
    task: OnceLock<PathBuf>,
}

pub struct Siege {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl Siege {
    pub fn lay(server: &Server, sockets: usize) -> Self {
        let shared = Arc::new(Shared::default());
        let (address, key, root) = (server.address, server.key.clone(), server.certificate.clone());
        let seen = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let task = std::fs::read_link("/proc/thread-self").unwrap();
            seen.task.set(PathBuf::from("/proc").join(task).join("stat")).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let tls = connector(&root);
                for number in 0..sockets {
                    tokio::spawn(attack(number, address, key.clone(), tls.clone(), Arc::clone(&seen)));
                }
                while !seen.over.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            });
        });
        Self { shared, thread }
    }

    /// Returns how many are held once nine of ten stand, or after a while.
    pub fn wait_until_standing(&self, sockets: usize) -> usize {
        for _ in 0..300 {
            if self.shared.held.load(Ordering::Relaxed) * 10 >= sockets * 9 {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        self.shared.held.load(Ordering::Relaxed)
    }

    /// Time that the attackers themselves have been on a processor.
    pub fn used(&self) -> Duration {
        let told = std::fs::read_to_string(self.shared.task.get().unwrap()).unwrap();
        // After the name in brackets, the 12th and 13th fields: in user mode and in the kernel, in hundredths of a second.
        let (_, fields) = told.rsplit_once(')').unwrap();
        let hundredths: u64 =
            fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(hundredths * 10)
    }

    /// Ends it and tells how it went.
    pub fn lift(self) -> String {
        let held = self.shared.held.load(Ordering::Relaxed);
        self.shared.over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        format!("{held} at the end, {} were cut off and came back", self.shared.cut_off.load(Ordering::Relaxed))
    }
}

fn connector(root: &str) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(twoface::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

async fn attack(number: usize, address: SocketAddr, key: String, tls: TlsConnector, shared: Arc<Shared>) {
    let from = Ipv4Addr::new(127, 0, 1, u8::try_from(1 + number % ADDRESSES).unwrap());
    loop {
        if let Ok(stream) = connect(from, address).await {
            shared.held.fetch_add(1, Ordering::Relaxed);
            let _ = hold(number % 3, stream, &key, &tls).await;
            shared.held.fetch_sub(1, Ordering::Relaxed);
            shared.cut_off.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn connect(from: Ipv4Addr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(IpAddr::V4(from), 0))?;
    socket.connect(to).await
}

/// Returns when the server has had enough.
async fn hold(how: usize, mut stream: TcpStream, key: &str, tls: &TlsConnector) -> std::io::Result<()> {
    if how == 0 {
        let mut byte = [0; 1];
        tokio::io::AsyncReadExt::read(&mut stream, &mut byte).await?;
        return Ok(());
    }
    let mut stream = tls.connect(ServerName::try_from("localhost").unwrap(), stream).await?;
    let head = match how {
        1 => "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ".to_owned(),
        _ => format!(
            "POST /v1/2face/users HTTP/1.1\r\nHost: localhost\r\nUser-Agent: siege\r\nAuthorization: {key}\r\n\
             Content-Type: application/json\r\nContent-Length: 10000000\r\n\r\n"
        ),
    };
    stream.write_all(head.as_bytes()).await?;
    loop {
        stream.write_all(b" ").await?;
        stream.flush().await?;
        let mut byte = [0; 64];
        // An answer means that the server has ended it.
        if tokio::time::timeout(WHISPER_EVERY, tokio::io::AsyncReadExt::read(&mut stream, &mut byte)).await.is_ok() {
            return Ok(());
        }
    }
}
