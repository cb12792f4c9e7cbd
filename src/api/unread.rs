//! Answering before a body has been read, over HTTP/2.
//!
//! There, dropping an unread body resets its stream, and clients that are still sending never look at the answer (curl 7.88
//! does not). So the answer is sent at once, but its stream is ended only after the rest of the body has been thrown away, as
//! far as that is within bounds. HTTP/1 closes the connection instead and needs none of this.

use std::cell::RefCell;
use std::future::Future as _;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::Version;
use actix_web::web::Bytes;
use futures_util::Stream;

/// A client that sends more than this after it was answered is cut off.
const DISCARDED_BYTES_MAX: usize = 64 << 20;
/// So is one that takes longer.
const DISCARDING_MAX: Duration = Duration::from_secs(20);

/// A request's body, shared between whoever reads it and the answer.
#[derive(Clone)]
pub struct Held(Rc<RefCell<Payload>>);

impl Held {
    /// Takes hold of the body of an HTTP/2 request; whoever reads it notices nothing.
    pub fn of(request: &mut ServiceRequest) -> Option<Self> {
        if request.version() != Version::HTTP_2 {
            return None;
        }
        let held = Self(Rc::new(RefCell::new(request.take_payload())));
        request.set_payload(Payload::Stream { payload: Box::pin(held.clone()) });
        Some(held)
    }

    /// Sends `response`, then waits for the rest of the body.
    pub fn after(self, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
        let left = DISCARDED_BYTES_MAX;
        let deadline = Box::pin(tokio::time::sleep(DISCARDING_MAX));
        response.map_body(|_, body| BoxBody::new(Answer { body, unread: self, left, deadline }))
    }
}

impl Stream for Held {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(context)
    }
}

struct Answer {
    body: BoxBody,
    unread: Held,
    /// Bytes that will still be thrown away.
    left: usize,
    deadline: Pin<Box<tokio::time::Sleep>>,
}

impl MessageBody for Answer {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if let Some(chunk) = ready!(Pin::new(&mut self.body).poll_next(context)) {
            return Poll::Ready(Some(chunk));
        }
        loop {
            if self.deadline.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            match ready!(Pin::new(&mut self.unread).poll_next(context)) {
                Some(Ok(chunk)) if chunk.len() < self.left => self.left -= chunk.len(),
                _ => return Poll::Ready(None),
            }
        }
    }
}
