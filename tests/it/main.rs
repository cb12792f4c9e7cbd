//! The one integration binary: each module speaks to a real server over TLS.

mod harness;

mod attempts;
mod faces;
mod gate;
mod jobs;
mod limits;
mod real;
mod sessions;
mod users;
