//! Clients that behave.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use twoface::client::{Body, Client};

use crate::server::Server;

/// A photo without a face is examined as well, and costs less.
const PHOTO: &[u8] = include_bytes!("../golden/hopper_128.png");

/// Opens a session and closes it: two durable commits.
fn visit(client: &Client, key: &str) -> Option<()> {
    let authorized = [("Authorization", key)];
    let opened = client.call("POST", "/v1/2face/session", &authorized, Some(Body::form(&[("type", "SIGNUP")]))).ok()?;
    let token = opened.result().as_str()?.to_owned();
    let session = [("X-Tagshelf-Session", token.as_str())];
    let closed =
        client.call("POST", "/v1/2face/session/close", &session, Some(Body::form(&[("status", "FAILED")]))).ok()?;
    (closed.status == 200).then_some(())
}

/// Visits that `clients` made in so many seconds.
pub fn done_in(server: &Server, clients: usize, seconds: u64) -> u64 {
    let done = AtomicU64::new(0);
    let end = Instant::now() + Duration::from_secs(seconds);
    std::thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                let client = server.client();
                while Instant::now() < end {
                    if visit(&client, &server.key).is_some() {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    done.into_inner()
}

/// About so many requests of every kind: sessions, jobs, records, mistakes. One attempt in `erase_every` is erased again.
pub fn mixed(server: &Server, clients: usize, requests: u64, erase_every: u64) {
    let left = AtomicU64::new(requests);
    std::thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                let client = server.client();
                let mut round = 0_u64;
                while left.load(Ordering::Relaxed) > 0 {
                    let made = mixed_round(&client, &server.key, round, erase_every).unwrap();
                    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(made)))
                        .unwrap();
                    round += 1;
                }
            });
        }
    });
}

/// One sign-up with some reading around it. Returns how many requests that were.
fn mixed_round(client: &Client, key: &str, round: u64, erase_every: u64) -> Option<u64> {
    let mut made = 0;
    let mut call = |method: &str, path: &str, headers: &[(&str, &str)], body: Option<Body>, expected: &[u16]| {
        made += 1;
        let reply = client.call(method, &format!("/v1/2face{path}"), headers, body).ok()?;
        assert!(expected.contains(&reply.status), "{method} {path}: {} {}", reply.status, reply.json());
        Some(reply)
    };
    let authorized = [("Authorization", key)];
    let opened = call("POST", "/session", &authorized, Some(Body::form(&[("type", "SIGNUP")])), &[200])?;
    let token = opened.result().as_str()?.to_owned();
    let session = [("X-Tagshelf-Session", token.as_str())];
    call("GET", "/session/challenge", &session, None, &[200])?;
    if round.is_multiple_of(50) {
        let files: [(&str, &str, &[u8]); 1] = [("file", "photo.png", PHOTO)];
        let waiting = [("X-Tagshelf-Session", token.as_str()), ("Prefer", "wait=30")];
        call("POST", "/faces/detect", &waiting, Some(Body::multipart(&files, &[])), &[200])?;
    }
    call("POST", "/faces/detect", &session, Some(Body::form(&[])), &[400])?;
    let closed = call("POST", "/session/close", &session, Some(Body::form(&[("status", "SUCCESS")])), &[200])?;
    let attempt = closed.result().as_str()?.to_owned();
    call("GET", &format!("/attempts/{attempt}"), &authorized, None, &[200])?;
    call("GET", "/attempts?limit=5", &authorized, None, &[200])?;
    call("GET", "/users?limit=5", &authorized, None, &[200])?;
    call("GET", "/users", &[("Authorization", "nobody")], None, &[403])?;
    call("GET", "/nothing", &authorized, None, &[404])?;
    if round.is_multiple_of(erase_every) {
        call("DELETE", &format!("/attempts/{attempt}"), &authorized, None, &[200])?;
    }
    Some(made)
}
