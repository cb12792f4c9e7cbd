//! Certificates that change, clients that show one, and connections that are too many or too slow.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use twoface::client::Client;
use twoface::clock::{Clock, Stopwatch};
use twoface::config::Config;
use twoface::domain::audit::Actor;
use twoface::domain::key::{Caller, ClientCertificate, KeyTerms};
use twoface::server::{self, Running};
use twoface::tls::Reload;

use crate::harness::{START, Server, examiner};

/// A pair signed by itself, for the years that the tests' clock is in.
fn make_pair(folder: &Path, name: &str, year: i32) -> (String, String) {
    let mut parameters = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
    parameters.not_before = rcgen::date_time_ymd(year, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(year + 20, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let made = parameters.self_signed(&key).unwrap();
    std::fs::write(folder.join("c.pem"), made.pem()).unwrap();
    std::fs::write(folder.join("k.pem"), key.serialize_pem()).unwrap();
    (made.pem(), key.serialize_pem())
}

fn start(folder: &Path, settings: &str) -> Running {
    let config = folder.join("twoface.toml");
    std::fs::write(&config, settings).unwrap();
    let mut config = Config::load(Some(&config)).unwrap();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.data.dir = folder.join("store");
    server::start(config, Clock::manual(START), examiner()).unwrap()
}

#[test]
fn a_new_certificate_is_shown_without_a_restart_and_a_bad_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = make_pair(folder.path(), "first", 2022);
    let running = start(folder.path(), "[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"");
    let certificate = Arc::clone(running.certificate.as_ref().unwrap());
    let base = format!("https://{}", running.address);
    let trusts = |pem: &str| {
        let client = Client::new(&base, pem).unwrap();
        client.call("GET", "/healthz", &[], None).is_ok_and(|reply| reply.status == 200)
    };
    assert!(trusts(&first));
    assert_eq!(certificate.reload_if_changed(START), Reload::Unchanged);

    // A key that belongs to another certificate, a certificate of the past, no certificate at all.
    let good_key = std::fs::read_to_string(folder.path().join("k.pem")).unwrap();
    let (stranger, _) = make_pair(folder.path(), "stranger", 2022);
    std::fs::write(folder.path().join("k.pem"), &good_key).unwrap();
    assert!(matches!(certificate.reload_if_changed(START), Reload::Kept(_)));
    assert!(trusts(&first) && !trusts(&stranger));
    make_pair(folder.path(), "old", 1990);
    assert!(matches!(certificate.reload_if_changed(START), Reload::Kept(why) if why.contains("it ended on 2010")));
    std::fs::write(folder.path().join("c.pem"), "nothing").unwrap();
    assert!(matches!(certificate.reload(START), Reload::Kept(_)));
    assert!(trusts(&first));

    let (second, _) = make_pair(folder.path(), "second", 2022);
    assert!(matches!(certificate.reload_if_changed(START), Reload::Taken(_)));
    assert!(trusts(&second) && !trusts(&first));
    running.stop();
}

/// A client certificate signed by an authority whose PEM is written to `ca.pem`; the chain and key to connect with.
fn client_pair(folder: &Path) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&authority_key).unwrap();
    std::fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    let issuer = rcgen::Issuer::new(parameters, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec!["backend".to_owned()]).unwrap();
    parameters.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = parameters.signed_by(&key, &issuer).unwrap();
    (certificate.der().clone(), PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap())
}

/// One GET over TLS of our own, with or without a client certificate: the answer's text, empty if there was none.
fn get(
    running: &Running,
    root: &str,
    shown: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    head: &str,
) -> String {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
    let builder = rustls::ClientConfig::builder_with_provider(twoface::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match shown {
        Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key).unwrap(),
        None => builder.with_no_client_auth(),
    };
    let name = ServerName::try_from("localhost").unwrap();
    let mut session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(running.address).unwrap();
    let mut stream = rustls::Stream::new(&mut session, &mut socket);
    let _ = stream.write_all(format!("{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes());
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn a_key_bound_to_a_client_certificate_works_over_a_connection_that_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let (root, _) = make_pair(folder.path(), "server", 2022);
    let (certificate, key) = client_pair(folder.path());
    let settings =
        "[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\nclient_certificates = \"MODE\"\nclient_ca = \"ca.pem\"";
    let running = start(folder.path(), &settings.replace("MODE", "optional"));
    let bound = ClientCertificate(twoface::crypto::sha256(&certificate));
    let terms = KeyTerms { certificates: vec![bound], ..KeyTerms::default() };
    let account = running.service.account_named("bank").unwrap();
    let (_, secret) = running.service.create_key(&Actor::System, account.id, "bound", terms).unwrap();
    let users = format!("GET /v1/2face/users HTTP/1.1\r\nUser-Agent: t\r\nAuthorization: {secret}");
    assert!(get(&running, &root, Some((certificate.clone(), key.clone_key())), &users).starts_with("HTTP/1.1 200"));
    assert!(get(&running, &root, None, &users).starts_with("HTTP/1.1 403"));
    let stranger = Caller { address: None, certificate: Some(ClientCertificate([0; 32])) };
    assert!(running.service.key_of(&secret, stranger).is_err());
    running.stop();

    let running = start(folder.path(), &settings.replace("MODE", "required"));
    assert!(get(&running, &root, Some((certificate, key)), "GET /healthz HTTP/1.1").starts_with("HTTP/1.1 200"));
    assert_eq!(get(&running, &root, None, "GET /healthz HTTP/1.1"), "", "no certificate, no connection");
    // Signed by somebody else.
    let (other, other_key) = client_pair(folder.path());
    assert_eq!(get(&running, &root, Some((other, other_key)), "GET /healthz HTTP/1.1"), "");
    running.stop();
}

#[test]
fn plain_http_is_served_on_loopback_when_the_configuration_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let running = start(folder.path(), "[server]\nlisten = \"127.0.0.1:0\"\nplain_http_on_loopback = true");
    assert!(running.certificate.is_none());
    let mut socket = TcpStream::connect(running.address).unwrap();
    socket.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    running.stop();
}

#[test]
fn an_address_holds_so_many_connections_and_a_further_one_is_closed_at_once() {
    let server = Server::start_with("[server]\nconnections_per_address_max = 8");
    // Which of them is turned away depends on which thread was faster.
    let mut sockets: Vec<TcpStream> = (0..9).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    let is_closed = |socket: &mut TcpStream| {
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        matches!(socket.read(&mut [0; 1]), Ok(0))
    };
    let watch = Stopwatch::start();
    let mut closed = 0;
    while closed == 0 && watch.elapsed() < Duration::from_secs(4) {
        closed = sockets.iter_mut().filter_map(|socket| is_closed(socket).then_some(())).count();
    }
    assert_eq!(closed, 1, "of nine");
    drop(sockets);
    let again = (0..200).any(|_| {
        let served = server.client.call("GET", "/healthz", &[], None).is_ok();
        if !served {
            twoface::clock::pause(Duration::from_millis(20));
        }
        served
    });
    assert!(again, "places are given back");
}

#[test]
fn a_client_that_never_finishes_the_handshake_is_cut_off() {
    let server = Server::start();
    let mut silent = TcpStream::connect(server.address()).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
    assert_eq!(silent.read(&mut [0; 1]).unwrap(), 0, "closed by the server");
}

#[test]
fn who_announces_much_and_sends_little_takes_no_memory_from_others() {
    // Room for one announced body, were it reserved.
    let server = Server::start_with("[jobs]\nupload_memory_mib = 10");
    let root = std::fs::read(server.service().config().data.dir.join("certificate.pem")).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&root).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(twoface::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    let head = format!(
        "POST /v1/2face/users HTTP/1.1\r\nHost: localhost\r\nUser-Agent: t\r\nAuthorization: {}\r\n\
         Content-Type: application/json\r\nContent-Length: 10000000\r\n\r\n{{",
        server.key
    );
    let whisperers: Vec<_> = (0..4)
        .map(|_| {
            let name = ServerName::try_from("localhost").unwrap();
            let session = rustls::ClientConnection::new(Arc::clone(&config), name).unwrap();
            let mut stream = rustls::StreamOwned::new(session, TcpStream::connect(server.address()).unwrap());
            stream.write_all(head.as_bytes()).unwrap();
            stream.flush().unwrap();
            stream
        })
        .collect();
    let token = server.session();
    let large = [b"cosine 0.8".to_vec(), vec![b' '; 200_000]].concat();
    let watch = Stopwatch::start();
    let reply = server.upload(&token, "/faces/detect", &[("file", large)], &[]);
    assert_eq!(reply.status, 200, "{}", reply.json());
    assert!(watch.elapsed() < Duration::from_secs(4), "it waited for memory");
    drop(whisperers);
}
