//! A client of our own API, as an integrator would write one: for the demonstration and the tests.

use std::fmt;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Request, Response};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::clock::Stopwatch;

/// Speaks HTTPS to one server and trusts that server's certificate alone.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
}

/// An answer as it came.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: Vec<u8>,
    pub milliseconds: f64,
}

impl Reply {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The envelope's `result`.
    pub fn result(&self) -> Value {
        self.json().get("result").cloned().unwrap_or(Value::Null)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// No answer came.
#[derive(Debug)]
pub struct NoAnswer(String);

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoAnswer {}

impl<T: fmt::Display> From<(&'static str, T)> for NoAnswer {
    fn from((what, why): (&'static str, T)) -> Self {
        Self(format!("{what}: {why}"))
    }
}

/// A body and its content type.
pub struct Body {
    pub content_type: String,
    pub bytes: Vec<u8>,
}

impl Body {
    pub fn json(value: &Value) -> Self {
        Self { content_type: "application/json".to_owned(), bytes: value.to_string().into_bytes() }
    }

    pub fn form(fields: &[(&str, &str)]) -> Self {
        let text = serde_urlencoded::to_string(fields).unwrap_or_default();
        Self { content_type: "application/x-www-form-urlencoded".to_owned(), bytes: text.into_bytes() }
    }

    /// `multipart/form-data` (RFC 7578): each file by field, file name and bytes.
    pub fn multipart(files: &[(&str, &str, &[u8])], fields: &[(&str, &str)]) -> Self {
        let boundary = format!("twoface{}", crate::domain::hex::encode(&crate::crypto::random::<12>()));
        let mut bytes = Vec::new();
        for (name, text) in fields {
            let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n");
            bytes.extend_from_slice(head.as_bytes());
        }
        for (name, file, content) in files {
            let head = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            );
            bytes.extend_from_slice(head.as_bytes());
            bytes.extend_from_slice(content);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        Self { content_type: format!("multipart/form-data; boundary={boundary}"), bytes }
    }
}

impl Client {
    /// `base` is `https://host:port`; `certificate` the PEM that the server shows.
    pub fn new(base: &str, certificate: &str) -> Result<Self, NoAnswer> {
        let root = Certificate::from_pem(certificate.as_bytes()).map_err(|error| ("certificate", error))?;
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::from([root]))
            .unversioned_rustls_crypto_provider(crate::tls::provider())
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .user_agent("twoface-client")
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        Ok(Self { agent: config.into(), base: base.to_owned() })
    }

    /// Sends one request. `path` begins with a slash.
    pub fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Body>,
    ) -> Result<Reply, NoAnswer> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (kind, bytes) = body.map_or((None, Vec::new()), |body| (Some(body.content_type), body.bytes));
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let watch = Stopwatch::start();
        let sent = match bytes.is_empty() {
            true => self.agent.run(request.body(()).map_err(|error| ("request", error))?),
            false => self.agent.run(request.body(bytes).map_err(|error| ("request", error))?),
        };
        let response: Response<ureq::Body> = sent.map_err(|error| ("no answer", error))?;
        let (parts, mut body) = response.into_parts();
        let body = body.with_config().limit(64 << 20).read_to_vec().map_err(|error| ("answer", error))?;
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body, milliseconds: watch.elapsed_ms() })
    }
}
