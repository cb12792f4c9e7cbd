//! A connection that is ended when a request, begun, is not answered in time, or when the client does not read its answer.
//!
//! HTTP's own limits end with a connection's first request; a client that sends a letter a minute of its second one would
//! otherwise hold its place for ever.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};
use tokio_rustls::server::TlsStream;

/// What the bytes go through.
pub enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    pub fn speaks_http2(&self) -> bool {
        match self {
            Wire::Plain(_) => false,
            Wire::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }

    /// The certificate that the client has shown and that was verified.
    pub fn client_certificate(&self) -> Option<&CertificateDer<'static>> {
        match self {
            Wire::Plain(_) => None,
            Wire::Tls(stream) => stream.get_ref().1.peer_certificates()?.first(),
        }
    }

    fn reading(&mut self) -> Pin<&mut (dyn AsyncRead + Unpin)> {
        match self {
            Wire::Plain(stream) => Pin::new(stream),
            Wire::Tls(stream) => Pin::new(stream.as_mut()),
        }
    }

    fn writing(&mut self) -> Pin<&mut (dyn AsyncWrite + Unpin)> {
        match self {
            Wire::Plain(stream) => Pin::new(stream),
            Wire::Tls(stream) => Pin::new(stream.as_mut()),
        }
    }
}

/// A wire with the two limits.
pub struct Timed {
    wire: Wire,
    request_max: Duration,
    stalled_max: Duration,
    /// Runs from the first byte read since the last one written.
    answering: Option<Pin<Box<Sleep>>>,
    /// Runs while bytes wait to be written.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Timed {
    pub fn new(wire: Wire, request_max: Duration, stalled_max: Duration) -> Self {
        Self { wire, request_max, stalled_max, answering: None, stalled: None }
    }

    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    fn wrote(&mut self, context: &mut Context<'_>, done: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match done {
            Poll::Ready(done) => {
                self.answering = None;
                self.stalled = None;
                Poll::Ready(done)
            }
            Poll::Pending => {
                let most = self.stalled_max;
                over(self.stalled.get_or_insert_with(|| Box::pin(sleep(most))), context)
            }
        }
    }
}

/// An error when the time is over; the context is woken then.
fn over<T>(time: &mut Pin<Box<Sleep>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
    time.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
}

impl AsyncRead for Timed {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = self.wire.reading().poll_read(context, into);
        if into.filled().len() > before && self.answering.is_none() {
            self.answering = Some(Box::pin(sleep(self.request_max)));
        }
        if let Some(time) = &mut self.answering
            && let Poll::Ready(late) = over(time, context)
        {
            return Poll::Ready(late);
        }
        read
    }
}

impl AsyncWrite for Timed {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let done = self.wire.writing().poll_write(context, bytes);
        self.wrote(context, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = self.wire.writing().poll_write_vectored(context, parts);
        self.wrote(context, done)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.wire {
            Wire::Plain(stream) => stream.is_write_vectored(),
            Wire::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.writing().poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.writing().poll_shutdown(context)
    }
}
