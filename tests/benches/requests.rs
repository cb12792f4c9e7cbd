//! Requests that examine nothing, through the whole server over TLS, as clients see them: how many a second, and how long each
//! kind takes. Sessions are opened and closed with a commit that is on the disk when it is answered; the rest is read.
//! `cargo bench --bench requests -- [SECONDS [CLIENTS]]` (default 10 and 16). Server and clients share the machine's cores.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measurement fails by panicking"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use twoface::client::{Body, Client, Reply};
use twoface::clock::{Clock, Stopwatch};
use twoface::config::Config;
use twoface::domain::audit::Actor;
use twoface::domain::key::KeyTerms;
use twoface::server;
use twoface::vision::Engine;

/// Milliseconds by kind of request.
type Times = BTreeMap<&'static str, Vec<f64>>;

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let (seconds, clients) = (numbers.next().unwrap_or(10), numbers.next().unwrap_or(16));
    let folder = tempfile::tempdir().unwrap();
    let settings = "[limits]\nrequests_per_minute = 10000000\n[server]\nconnections_per_address_max = 2000\n";
    let mut config = Config::parse(settings, std::iter::empty()).unwrap();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.data.dir = folder.path().join("store");
    let certificate = config.data.dir.join("certificate.pem");
    let running = server::start(config, Clock::system(), Arc::new(Engine::load().unwrap())).unwrap();
    let by = Actor::System;
    let account = running.service.make_account(&by, "bench").unwrap();
    let (_, key) = running.service.create_key(&by, account.id, "bench", KeyTerms::default()).unwrap();
    let base = format!("https://{}", running.address);
    let client = Client::new(&base, &std::fs::read_to_string(certificate).unwrap()).unwrap();
    while client.call("GET", "/readyz", &[], None).unwrap().status != 200 {
        twoface::clock::pause(Duration::from_millis(5));
    }
    run(&client, &key, 4, Duration::from_secs(1));
    for clients in [1, clients, 4 * clients] {
        let watch = Stopwatch::start();
        let times = run(&client, &key, clients, Duration::from_secs(seconds as u64));
        report(clients, &times, watch.elapsed().as_secs_f64());
    }
    running.stop();
}

/// As many clients as that, each doing the same round again and again.
fn run(client: &Client, key: &str, clients: usize, time: Duration) -> Times {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(|| rounds(client, key, &over))).collect();
        twoface::clock::pause(time);
        over.store(true, Ordering::SeqCst);
        threads.into_iter().map(|thread| thread.join().unwrap()).fold(Times::new(), |mut all, one| {
            one.into_iter().for_each(|(kind, times)| all.entry(kind).or_default().extend(times));
            all
        })
    })
}

fn rounds(client: &Client, key: &str, over: &AtomicBool) -> Times {
    let mut times = Times::new();
    let mut note = |kind, reply: Reply| {
        assert_eq!(reply.status, 200, "{kind}: {}", reply.json());
        times.entry(kind).or_default().push(reply.milliseconds);
        reply.result().as_str().unwrap_or("").to_owned()
    };
    let with_key = [("Authorization", key)];
    while !over.load(Ordering::Relaxed) {
        let open = Body::form(&[("type", "SIGNUP")]);
        let token = note("POST /session", client.call("POST", "/v1/2face/session", &with_key, Some(open)).unwrap());
        let (session, close) = ([("X-Tagshelf-Session", token.as_str())], Body::form(&[("status", "FAILED")]));
        let closed = client.call("POST", "/v1/2face/session/close", &session, Some(close)).unwrap();
        let attempt = note("POST /session/close", closed);
        let path = format!("/v1/2face/attempts/{attempt}");
        note("GET /attempts/:id", client.call("GET", &path, &with_key, None).unwrap());
        note("GET /attempts", client.call("GET", "/v1/2face/attempts?limit=10", &with_key, None).unwrap());
        note("GET /events", client.call("GET", "/v1/2face/events?limit=10", &with_key, None).unwrap());
        note("GET /users", client.call("GET", "/v1/2face/users?limit=10", &with_key, None).unwrap());
    }
    times
}

fn report(clients: usize, times: &Times, seconds: f64) {
    let mut all: Vec<f64> = times.values().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let line = |name: &str, sorted: &[f64]| {
        let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
        let rate = sorted.len() as f64 / seconds;
        println!(
            "  {name:20} {rate:8.0} a second   p50 {:6.1} ms   p99 {:6.1} ms   longest {:6.1} ms",
            at(0.5),
            at(0.99),
            at(1.0)
        );
    };
    println!("{clients} clients, {seconds:.1} s");
    line("all", &all);
    for (kind, one) in times {
        let mut one = one.clone();
        one.sort_by(f64::total_cmp);
        line(kind, &one);
    }
}
