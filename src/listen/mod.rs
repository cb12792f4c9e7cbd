//! How connections come in: counted by address, greeted by TLS within a time, read and written within a time, then handed to HTTP.
//!
//! A connection holds its place among its address's from the moment that it is accepted to its end, the handshake included.
//! Nothing here knows what is served.

use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_http::body::MessageBody;
use actix_http::{HttpService, Protocol, Request, Response};
use actix_server::{Server, ServerBuilder};
use actix_service::{
    IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt as _, fn_factory, fn_service, map_config,
};
use actix_web::Error;
use actix_web::dev::AppConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

mod addresses;
mod timed;

pub use addresses::Addresses;
use timed::{Timed, Wire};

use crate::crypto;
use crate::domain::key::ClientCertificate;

/// How long TLS may take to greet.
const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// How long the head of a connection's first request may take.
const HEAD_MAX: Duration = Duration::from_secs(10);
/// How long a connection may wait for its next request.
const IDLE_MAX: Duration = Duration::from_secs(75);
/// How long a client may read nothing of an answer that waits for it.
const STALLED_MAX: Duration = Duration::from_secs(30);

/// The limits of a listener.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub threads: usize,
    pub connections_max: usize,
    /// From the first byte of a request to the first of its answer.
    pub request_max: Duration,
    pub stop_max: Duration,
}

/// Serves `app` on `listener`; with TLS unless `tls` is `None`. The server runs when it is awaited.
pub fn serve<F, I, S, B>(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    addresses: Arc<Addresses>,
    limits: Limits,
    app: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: std::fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let builder = ServerBuilder::default()
        .workers(limits.threads)
        .max_concurrent_connections(limits.connections_max.div_ceil(limits.threads))
        .shutdown_timeout(limits.stop_max.as_secs())
        .disable_signals();
    let stopping = builder.graceful_shutdown_signal();
    let tls = tls.map(TlsAcceptor::from);
    let builder = builder.listen("2face", listener, move || {
        let stopping = stopping.clone();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let signal = stopping.clone();
                async move { signal.notified().await }
            })
            .keep_alive(IDLE_MAX)
            .client_request_timeout(HEAD_MAX)
            .client_disconnect_timeout(Duration::from_secs(2))
            .on_connect_ext(|io: &Timed, data: &mut actix_http::Extensions| {
                if let Some(certificate) = io.wire().client_certificate() {
                    data.insert(ClientCertificate(crypto::sha256(certificate)));
                }
            });
        let app = app().into_factory().map_err(|error| error.into().error_response());
        let http = http.finish(map_config(app, |_: ()| AppConfig::default()));
        let (tls, addresses) = (tls.clone(), Arc::clone(&addresses));
        fn_factory(move || {
            let made = http.new_service(());
            let (tls, addresses) = (tls.clone(), Arc::clone(&addresses));
            async move {
                let http = Rc::new(made.await?);
                Ok::<_, ()>(fn_service(move |stream: TcpStream| {
                    connection(stream, tls.clone(), Arc::clone(&addresses), limits.request_max, Rc::clone(&http))
                }))
            }
        })
    })?;
    Ok(builder.run())
}

/// One connection, from its first byte to its end. What goes wrong with it concerns nobody else.
async fn connection<H>(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    addresses: Arc<Addresses>,
    request_max: Duration,
    http: Rc<H>,
) -> Result<(), ()>
where
    H: Service<(Timed, Protocol, Option<std::net::SocketAddr>)>,
{
    let peer = stream.peer_addr().map_err(|_| ())?;
    let Some(_place) = addresses.enter(peer.ip()) else { return Ok(()) };
    let wire = match tls {
        None => Wire::Plain(stream),
        Some(tls) => match tokio::time::timeout(HANDSHAKE_MAX, tls.accept(stream)).await {
            Ok(Ok(stream)) => Wire::Tls(Box::new(stream)),
            Ok(Err(_)) | Err(_) => {
                addresses.note_failed_handshake();
                return Ok(());
            }
        },
    };
    let protocol = if wire.speaks_http2() { Protocol::Http2 } else { Protocol::Http1 };
    let _ = http.call((Timed::new(wire, request_max, STALLED_MAX), protocol, Some(peer))).await;
    Ok(())
}
