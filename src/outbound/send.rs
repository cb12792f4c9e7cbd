//! Posting to a receiver over HTTPS, or over HTTP where the list says so.
//!
//! The HTTP client asks this file for the addresses of a host, and connects to no other: those that the list admits.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use ureq::http::{Request, Uri};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use super::resolve;
use crate::config::Webhooks;
use crate::domain::target::{AllowList, Host, Target};
use crate::domain::webhook::{Answer, Courier, NoAnswer};

/// Where operating systems keep the authorities that they trust (Debian, Red Hat, SUSE, Alpine and the BSDs).
const SYSTEM_AUTHORITIES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// An answer's body of up to this many bytes is read and thrown away, so that the connection can be used again.
const BODY_BYTES_MAX: u64 = 4096;
/// What an answer's headers may take; no receiver has reason for more.
const HEADER_BYTES_MAX: usize = 16 << 10;
const IDLE_MAX: Duration = Duration::from_secs(15);

/// Nothing can be sent with this configuration.
#[derive(Debug)]
pub struct CannotSend(String);

impl fmt::Display for CannotSend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The HTTP client of the webhooks.
pub struct Outbound {
    agent: ureq::Agent,
}

impl Outbound {
    pub fn new(config: &Webhooks) -> Result<Self, CannotSend> {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::from(authorities(&config.ca)?))
            .unversioned_rustls_crypto_provider(crate::tls::provider())
            .build();
        let whole = Duration::from_secs(config.timeout_seconds);
        let settings = ureq::Agent::config_builder()
            .tls_config(tls)
            .user_agent(concat!("twoface/", env!("CARGO_PKG_VERSION")))
            .accept("*/*")
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .max_response_header_size(HEADER_BYTES_MAX)
            .max_idle_age(IDLE_MAX)
            .timeout_connect(Some(whole / 2))
            .timeout_global(Some(whole))
            .build();
        let listed = Listed { allow: config.allow.clone(), servers: config.name_servers.clone(), within: whole / 2 };
        Ok(Self { agent: ureq::Agent::with_parts(settings, DefaultConnector::default(), listed) })
    }
}

impl Courier for Outbound {
    fn post(&self, target: &Target, headers: &[(&'static str, String)], body: &str) -> Result<Answer, NoAnswer> {
        let mut request =
            Request::builder().method("POST").uri(target.to_string()).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(body).map_err(|_| NoAnswer::NotAllowed)?;
        let mut response = self.agent.run(request).map_err(|error| why(&error))?;
        let answer = Answer {
            status: response.status().as_u16(),
            retry_after: response.headers().get("retry-after").and_then(|value| seconds(value.to_str().ok()?)),
        };
        if response.body().content_length().is_some_and(|length| length <= BODY_BYTES_MAX) {
            // Whatever it says, the status has been received.
            drop(response.body_mut().with_config().limit(BODY_BYTES_MAX + 1).read_to_vec());
        }
        Ok(answer)
    }
}

/// `Retry-After` in seconds; as a date it is not honoured.
fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_secs)
}

/// Gives the client the addresses that it may connect to.
#[derive(Debug)]
struct Listed {
    allow: AllowList,
    servers: Vec<SocketAddr>,
    within: Duration,
}

impl Resolver for Listed {
    fn resolve(
        &self,
        uri: &Uri,
        _: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let refused = |why: NoAnswer| ureq::Error::Other(Box::new(why));
        let target: Target = uri.to_string().parse().map_err(|_| refused(NoAnswer::NotAllowed))?;
        if !self.allow.might_admit(&target) {
            return Err(refused(NoAnswer::NotAllowed));
        }
        let found = match &target.host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => {
                let within = self.within.min(*timeout.after);
                resolve::addresses(name, &self.servers, within).map_err(refused)?
            }
        };
        let mut admitted = self.empty();
        for address in found.into_iter().filter(|address| self.allow.admits(&target, *address)).take(16) {
            admitted.push(SocketAddr::new(address.to_canonical(), target.port));
        }
        if admitted.is_empty() { Err(refused(NoAnswer::NotAllowed)) } else { Ok(admitted) }
    }
}

fn why(error: &ureq::Error) -> NoAnswer {
    match error {
        ureq::Error::Other(inner) => inner.downcast_ref().copied().unwrap_or(NoAnswer::NotReachable),
        ureq::Error::HostNotFound => NoAnswer::NameNotFound,
        ureq::Error::Timeout(_) => NoAnswer::TimedOut,
        ureq::Error::Tls(_) | ureq::Error::Pem(_) | ureq::Error::Rustls(_) => NoAnswer::NotTrusted,
        ureq::Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => {
            NoAnswer::NotTrusted
        }
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => NoAnswer::TimedOut,
        ureq::Error::Protocol(_) | ureq::Error::Http(_) | ureq::Error::LargeResponseHeader(..) => NoAnswer::NotHttp,
        _ => NoAnswer::NotReachable,
    }
}

/// The certificates of the named file; without one, of the first of the system's that there is. Without any, nobody is trusted.
fn authorities(named: &Path) -> Result<Vec<Certificate<'static>>, CannotSend> {
    let read = |path: &Path| {
        let text = std::fs::read(path).map_err(|error| CannotSend(format!("{}: {error}", path.display())))?;
        let certificates: Vec<_> = parse_pem(&text)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        Ok(certificates)
    };
    if named.as_os_str().is_empty() {
        let system = SYSTEM_AUTHORITIES.iter().map(Path::new).find(|path| path.exists());
        return system.map_or(Ok(Vec::new()), read);
    }
    let certificates = read(named)?;
    match certificates.is_empty() {
        true => Err(CannotSend(format!("{}: there is no certificate in it", named.display()))),
        false => Ok(certificates),
    }
}
