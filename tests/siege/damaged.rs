//! Clients that ask about damaged clips.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use twoface::client::{Body, Client};

use crate::mutate::{Dice, mutated};
use crate::server::Server;

/// What decoding a clip may take (`clips.decode_seconds_max`), for each of those that wait before it, and the rest of a request.
pub const ANSWERED_WITHIN: Duration = Duration::from_secs(60);

/// One that takes longer is kept, to be looked at.
const TOLD_FROM: Duration = Duration::from_secs(10);

const CLIENTS: u64 = 4;
/// Asked in one session; what it left is then erased, so that the disk shows whether everything is given back.
const PER_SESSION: u64 = 50;

#[derive(Default)]
pub struct Sent {
    pub clips: u64,
    pub slowest: Duration,
    /// Status and slug, or that it was examined.
    pub answers: BTreeMap<String, u64>,
}

/// Asks about so many.
pub fn send(server: &Server, corpus: &[Vec<u8>], clips: u64, seed: u64) -> Sent {
    let (sent, begun) = (Mutex::new(Sent::default()), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (sent, begun) = (&sent, &begun);
            scope.spawn(move || {
                let (client, mut dice) = (server.client(), Dice::new(seed * CLIENTS + number));
                while begun.load(Ordering::Relaxed) < clips {
                    visit(&client, &server.key, sent, || {
                        (begun.fetch_add(1, Ordering::Relaxed) < clips).then(|| mutated(corpus, &mut dice))
                    });
                }
            });
        }
    });
    sent.into_inner().unwrap()
}

fn visit(client: &Client, key: &str, sent: &Mutex<Sent>, mut next: impl FnMut() -> Option<Vec<u8>>) {
    let authorized = [("Authorization", key)];
    let opened =
        client.call("POST", "/v1/2face/session", &authorized, Some(Body::form(&[("type", "SIGNUP")]))).unwrap();
    let token = opened.result().as_str().unwrap().to_owned();
    for round in 0..PER_SESSION {
        let Some(clip) = next() else { break };
        let operation = if round % 2 == 0 { "check-blink" } else { "check-smile" };
        let headers = [("X-Tagshelf-Session", token.as_str()), ("Prefer", "wait=30")];
        let body = Body::multipart(&[("clip", "clip.mp4", clip.as_slice())], &[]);
        let watch = Instant::now();
        let reply = client.call("POST", &format!("/v1/2face/faces/{operation}"), &headers, Some(body)).unwrap();
        assert!(reply.status < 500, "{}: {}", reply.status, reply.json());
        let answer = match reply.header("x-job-id") {
            // It was not waited for any longer.
            Some(job) if reply.result().is_string() => finished(client, &token, job),
            _ => reply.result(),
        };
        let took = watch.elapsed();
        if took > TOLD_FROM {
            let file = std::env::temp_dir().join(format!("slow-clip-{token:.8}-{round}"));
            std::fs::write(&file, &clip).unwrap();
            println!("{:.1} s for {}", took.as_secs_f64(), file.display());
        }
        let slug = answer["error"].as_str().unwrap_or("examined").to_owned();
        let mut sent = sent.lock().unwrap();
        sent.clips += 1;
        sent.slowest = sent.slowest.max(took);
        *sent.answers.entry(format!("{} {slug}", reply.status)).or_default() += 1;
    }
    let session = [("X-Tagshelf-Session", token.as_str())];
    let closed = client.call("POST", "/v1/2face/session/close", &session, Some(Body::form(&[("status", "FAILED")])));
    let attempt = closed.unwrap().result().as_str().unwrap().to_owned();
    let erased = client.call("DELETE", &format!("/v1/2face/attempts/{attempt}"), &authorized, None).unwrap();
    assert_eq!(erased.status, 200, "{}", erased.json());
}

/// Asks until the job has ended.
fn finished(client: &Client, token: &str, job: &str) -> serde_json::Value {
    loop {
        let seen =
            client.call("GET", &format!("/v1/2face/jobs/{job}"), &[("X-Tagshelf-Session", token)], None).unwrap();
        if seen.result()["status"].as_u64().is_some_and(|status| status >= 2) {
            return seen.result()["output"]["result"].clone();
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}
