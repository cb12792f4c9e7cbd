//! Compares through the whole server, as clients see it: latency and throughput with 1, 4 and 16 clients, where the time goes,
//! and memory. `cargo bench --bench server -- [COMPARES [IN_ALL]]` (default 400 for each number of clients). With IN_ALL, more
//! follow until there were so many, and memory is told after 500 and at the end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a measurement fails by panicking"
)]

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use twoface::client::{Body, Client};
use twoface::clock::{Clock, Stopwatch};
use twoface::config::Config;
use twoface::server;
use twoface::vision::Engine;

const DOCUMENT: &[u8] = include_bytes!("../golden/obama_2009_congress.jpg");
const SELFIE: &[u8] = include_bytes!("../golden/obama_2012_portrait.jpg");
/// Compares in one session.
const TRIES: usize = 1000;
const STEPS: [&str; 4] = ["decode", "detect", "align", "embed"];

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let (count, in_all) = (numbers.next().unwrap_or(400), numbers.next().unwrap_or(0));
    let folder = tempfile::tempdir().unwrap();
    let mut settings = format!("[sessions]\ntries = {TRIES}\n[limits]\nrequests_per_minute = 1000000\n");
    if let Ok(workers) = std::env::var("WORKERS") {
        settings += &format!("[jobs]\nworkers = {workers}\n");
    }
    let mut config = Config::parse(&settings, std::iter::empty()).unwrap();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.data.dir = folder.path().join("store");
    let certificate = config.data.dir.join("certificate.pem");
    let start = Stopwatch::start();
    let engine = Arc::new(Engine::load().unwrap());
    let workers = config.workers();
    let running = server::start(config, Clock::system(), engine).unwrap();
    let account = running.service.account_named("bench").unwrap();
    let (_, key) = running
        .service
        .create_key(
            &twoface::domain::audit::Actor::System,
            account.id,
            "bench",
            twoface::domain::key::KeyTerms::default(),
        )
        .unwrap();
    let base = format!("https://{}", running.address);
    let client = Client::new(&base, &std::fs::read_to_string(certificate).unwrap()).unwrap();
    while client.call("GET", "/readyz", &[], None).unwrap().status != 200 {
        twoface::clock::pause(std::time::Duration::from_millis(5));
    }
    println!("ready after {:.0} ms, {workers} workers, idle RSS {} MB", start.elapsed_ms(), rss_mb());

    let photos = [photo(DOCUMENT), photo(SELFIE)];
    println!("photos of 600 x 800 pixels, {} and {} bytes", photos[0].len(), photos[1].len());
    compare_all(&client, &key, &photos, 1, 20);
    for clients in [1, 4, 16] {
        let watch = Stopwatch::start();
        let mut times = compare_all(&client, &key, &photos, clients, count);
        let seconds = watch.elapsed().as_secs_f64();
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        println!(
            "{clients:2} clients: {:6.1} compares/s   p50 {:6.1} ms   p95 {:6.1} ms   p99 {:6.1} ms   RSS {} MB after {} compares",
            times.len() as f64 / seconds,
            at(0.5),
            at(0.95),
            at(0.99),
            rss_mb(),
            times.len()
        );
    }
    steps(&client, &key, &photos);
    if in_all > 0 {
        compare_all(&client, &key, &photos, 4, 500);
        let early = rss_kb();
        compare_all(&client, &key, &photos, 4, in_all);
        let late = rss_kb();
        let more = 100.0 * (late as f64 / early as f64 - 1.0);
        println!("RSS {early} kB after 500 compares with 4 clients, {late} kB after {in_all} more: {more:+.1} %");
    }
    running.stop();
}

/// Milliseconds of each compare, from the first byte sent to the last one received.
fn compare_all(client: &Client, key: &str, photos: &[Vec<u8>; 2], clients: usize, count: usize) -> Vec<f64> {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| {
                    let mut times = Vec::new();
                    let mut token = String::new();
                    while next.fetch_add(1, Ordering::Relaxed) < count {
                        if times.len() % TRIES == 0 {
                            token = session(client, key);
                        }
                        let (reply, milliseconds) = compare(client, &token, photos);
                        assert_eq!(reply.status, 200, "{}", reply.json());
                        times.push(milliseconds);
                    }
                    times
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

/// Where the time of a compare goes, with one client: the models' own steps, and all the rest (TLS, two commits, files).
fn steps(client: &Client, key: &str, photos: &[Vec<u8>; 2]) {
    let token = session(client, key);
    let mut sums = [0.0; 4];
    let mut total = 0.0;
    const ROUNDS: usize = 50;
    for _ in 0..ROUNDS {
        let (reply, milliseconds) = compare(client, &token, photos);
        total += milliseconds;
        let path = format!("/v1/2face/jobs/{}", reply.header("x-job-id").unwrap());
        let job = client.call("GET", &path, &[("Authorization", key)], None).unwrap().result();
        for (sum, step) in sums.iter_mut().zip(STEPS) {
            *sum += job["details"]["milliseconds"][step].as_f64().unwrap();
        }
    }
    let mean = |sum: f64| sum / ROUNDS as f64;
    for (sum, step) in sums.iter().zip(STEPS) {
        println!("{step:8} {:6.2} ms", mean(*sum));
    }
    println!(
        "the rest {:6.2} ms of {:.2} ms (TLS, upload, sealing, two commits)",
        mean(total - sums.iter().sum::<f64>()),
        mean(total)
    );
}

fn session(client: &Client, key: &str) -> String {
    let body = Body::form(&[("type", "SIGNUP")]);
    let reply = client.call("POST", "/v1/2face/session", &[("Authorization", key)], Some(body)).unwrap();
    reply.result().as_str().unwrap().to_owned()
}

fn compare(client: &Client, token: &str, photos: &[Vec<u8>; 2]) -> (twoface::client::Reply, f64) {
    let body = Body::multipart(&[("document", "a.jpg", &photos[0]), ("face", "b.jpg", &photos[1])], &[]);
    let headers = [("X-Tagshelf-Session", token), ("Prefer", "wait=30")];
    let reply = client.call("POST", "/v1/2face/faces/compare", &headers, Some(body)).unwrap();
    let milliseconds = reply.milliseconds;
    (reply, milliseconds)
}

/// The photo's upper middle at 600 × 800 pixels.
fn photo(bytes: &[u8]) -> Vec<u8> {
    let photo = image::load_from_memory(bytes).unwrap();
    let resized = photo.resize_to_fill(600, 800, image::imageops::FilterType::Triangle).to_rgb8();
    let mut jpeg = Cursor::new(Vec::new());
    resized.write_to(&mut jpeg, image::ImageFormat::Jpeg).unwrap();
    jpeg.into_inner()
}

fn rss_mb() -> u64 {
    rss_kb() / 1024
}

fn rss_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
