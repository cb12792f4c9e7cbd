//! Receivers of webhooks on loopback addresses, and a name server that says what a test wants.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// The longest that a test waits for something to happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Got {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

/// What a receiver does with a message.
#[derive(Clone, Debug)]
pub enum Does {
    Answers(u16),
    /// With a header.
    Says(u16, &'static str, String),
    /// Holds the connection and says nothing until the receiver is gone.
    Hangs,
    /// Answers with 200 and a body that never ends.
    Babbles,
    SlamsTheDoor,
}

type Behaviour = dyn Fn(usize, &Got) -> Does + Send + Sync;

/// Listens until the test ends.
pub struct Receiver {
    pub address: SocketAddr,
    got: Arc<(Mutex<Vec<Got>>, Condvar)>,
    mended: Arc<AtomicBool>,
}

impl Receiver {
    /// `behaviour` is told the number of the message, from 0.
    pub fn start(ip: &str, behaviour: impl Fn(usize, &Got) -> Does + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((ip.parse::<IpAddr>().unwrap(), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let got: Arc<(Mutex<Vec<Got>>, Condvar)> = Arc::default();
        let mended: Arc<AtomicBool> = Arc::default();
        let is_mended = Arc::clone(&mended);
        let behaviour = move |number, got: &Got| match is_mended.load(Ordering::SeqCst) {
            true => Does::Answers(200),
            false => behaviour(number, got),
        };
        let (kept, behaviour): (_, Arc<Behaviour>) = (Arc::clone(&got), Arc::new(behaviour));
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let (got, behaviour) = (Arc::clone(&kept), Arc::clone(&behaviour));
                std::thread::spawn(move || serve(stream, &got, &*behaviour));
            }
        });
        Self { address, got, mended }
    }

    /// From now on every message is answered with 200.
    pub fn mend(&self) {
        self.mended.store(true, Ordering::SeqCst);
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.0.lock().unwrap().clone()
    }

    /// Waits until at least so many messages have come.
    pub fn wait(&self, count: usize) -> Vec<Got> {
        let got = self.got.0.lock().unwrap();
        let (got, waited) = self.got.1.wait_timeout_while(got, PATIENCE, |got| got.len() < count).unwrap();
        assert!(!waited.timed_out(), "{} of {count} messages came", got.len());
        got.clone()
    }
}

fn serve(stream: TcpStream, got: &(Mutex<Vec<Got>>, Condvar), behaviour: &Behaviour) {
    let mut reader = BufReader::new(stream);
    while let Some(message) = read(&mut reader) {
        let number = {
            let mut all = got.0.lock().unwrap();
            all.push(message.clone());
            all.len() - 1
        };
        got.1.notify_all();
        let stream = reader.get_mut();
        let written = match behaviour(number, &message) {
            Does::Answers(status) => write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 2\r\n\r\nok"),
            Does::Says(status, name, value) => {
                write!(stream, "HTTP/1.1 {status} X\r\n{name}: {value}\r\ncontent-length: 0\r\n\r\n")
            }
            Does::Hangs => loop {
                std::thread::park();
            },
            Does::Babbles => {
                let _ = write!(stream, "HTTP/1.1 200 X\r\n\r\n");
                while stream.write_all(&[b'x'; 4096]).is_ok() {}
                return;
            }
            Does::SlamsTheDoor => return,
        };
        if written.is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Got> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1).unwrap_or("").to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Got { path, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

/// Answers each question about a name with the next of its lists of addresses, and with the last one from then on.
pub struct Names {
    pub address: SocketAddr,
}

impl Names {
    pub fn start(names: &[(&str, &[&[&str]])]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let mut known: HashMap<String, (usize, Vec<Vec<IpAddr>>)> = HashMap::new();
        for (name, answers) in names {
            let answers = answers.iter().map(|list| list.iter().map(|text| text.parse().unwrap()).collect()).collect();
            known.insert((*name).to_owned(), (0, answers));
        }
        std::thread::spawn(move || {
            let mut question = [0_u8; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut question) {
                let _ = socket.send_to(&answer(&question[..length], &mut known), from);
            }
        });
        Self { address }
    }
}

/// RFC 1035, sections 4.1.1 to 4.1.3.
fn answer(question: &[u8], known: &mut HashMap<String, (usize, Vec<Vec<IpAddr>>)>) -> Vec<u8> {
    let (mut at, mut labels) = (12, Vec::new());
    while question[at] != 0 {
        let length = usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..at + 1 + length]).to_lowercase());
        at += length + 1;
    }
    let kind = u16::from_be_bytes([question[at + 1], question[at + 2]]);
    let asked = &question[12..at + 5];
    let mut addresses = Vec::new();
    let mut rcode = 3;
    if let Some((next, answers)) = known.get_mut(&labels.join(".")) {
        rcode = 0;
        let list = &answers[(*next).min(answers.len() - 1)];
        addresses =
            list.iter().filter(|ip| if kind == 1 { ip.is_ipv4() } else { kind == 28 && ip.is_ipv6() }).collect();
        // A and AAAA are asked together; the former counts.
        *next += usize::from(kind == 1);
    }
    let mut reply = question[..2].to_vec();
    reply.extend([0x81, 0x80 | rcode, 0, 1, 0, addresses.len() as u8, 0, 0, 0, 0]);
    reply.extend(asked);
    for address in addresses {
        let bytes = match address {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        reply.extend([0xc0, 12]);
        reply.extend(kind.to_be_bytes());
        reply.extend([0, 1, 0, 0, 0, 0, 0, bytes.len() as u8]);
        reply.extend(bytes);
    }
    reply
}
