//! The administrator's side: what may be asked ([`Request`]), what is answered ([`Reply`]), who asks ([`actor::Actor`]), and
//! [`handle`], which carries it out in the running server or, when none runs, on the store itself.
//!
//! Nothing here draws or prints, and nothing here decodes a photo: whoever builds a [`Desk`] hands that in.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::domain::refusal::{Refusal, Stop};
use crate::domain::time::Timestamp;
use crate::service::Service;

pub mod actor;
pub mod audit;
pub mod blocklist;
mod handle;
pub mod limits;
pub mod link;
pub mod reply;
pub mod request;
pub mod socket;
pub mod webhooks;

pub use actor::Actor;
pub use handle::handle;
pub use reply::Reply;
pub use request::Request;

/// A photo, made small: width, height and its pixels as red, green and blue. `None` if it cannot be decoded.
pub type Shrink = fn(&[u8], u32) -> Option<(u32, u32, Vec<u8>)>;
/// Up to so many of the log's last lines after a number.
pub type ReadLog = fn(u64, usize) -> Vec<(u64, String)>;

/// What requests are carried out with.
pub struct Desk {
    pub service: Arc<Service>,
    pub started_at: Timestamp,
    /// `None` when no server runs.
    pub serving: Option<Serving>,
    pub shrink: Shrink,
    pub log: ReadLog,
}

/// What only a running server has.
pub struct Serving {
    pub address: SocketAddr,
    /// `None`: plain HTTP on loopback.
    pub certificate: Option<ShownCertificate>,
}

/// Tells the certificate that new connections are greeted with.
pub type ShownCertificate = Box<dyn Fn() -> Certificate + Send + Sync>;

pub struct Certificate {
    pub fingerprint: String,
    pub self_signed: bool,
    pub ends_at: Option<Timestamp>,
}

/// Why it was not done, and what to do, for a person at a terminal.
fn sentence(stop: &Stop) -> String {
    match stop {
        Stop::Refused(Refusal::NoEntity { id }) => {
            format!("there is no {id}; the command `list` beside this one shows what there is")
        }
        Stop::Refused(Refusal::AttemptNotInReview) => {
            "the attempt is not in review: it was settled before, or was never closed as REVIEW".to_owned()
        }
        Stop::Refused(Refusal::AttemptHasUser) => {
            "a user was registered from this attempt: erase the user, the attempt goes with it".to_owned()
        }
        Stop::Refused(Refusal::StorageFull) => {
            "the disk is full and nothing was changed: make room, the server goes on by itself".to_owned()
        }
        stop => stop.to_string(),
    }
}
