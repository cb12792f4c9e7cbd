//! The real executable, killed: what it acknowledged is there when it comes back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use twoface::client::Body;

mod served;

use served::Served;

const PHOTO: &[u8] = include_bytes!("golden/hopper_128.png");

fn start(folder: &Path) -> Served {
    start_with(folder, "")
}

/// `settings` are further sections of the configuration.
fn start_with(folder: &Path, settings: &str) -> Served {
    let text =
        "[server]\nlisten = \"127.0.0.1:0\"\n[data]\ndir = \"store\"\n[sessions]\ntries = 100\n[jobs]\nworkers = 1\n";
    std::fs::write(folder.join("config.toml"), format!("{text}{settings}")).unwrap();
    Served::start(folder)
}

fn get(server: &Served, key: &str, path: &str) -> Value {
    server.client.call("GET", &format!("/v1/2face{path}"), &[("Authorization", key)], None).unwrap().result()
}

fn finished(server: &Served, key: &str, job: &str) -> Value {
    for _ in 0..600 {
        let seen = get(server, key, &format!("/jobs/{job}"));
        if seen["status"].as_u64().is_some_and(|status| status >= 2) {
            return seen;
        }
        twoface::clock::pause(Duration::from_millis(50));
    }
    panic!("job {job} did not end");
}

/// Runs the command line beside the server, or without it.
fn twoface(folder: &Path, arguments: &[&str]) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_twoface"))
        .args(arguments)
        .arg("--config")
        .arg(folder.join("config.toml"))
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap().trim().to_owned();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn jobs_survive_a_kill_and_are_finished_after_the_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    assert!(twoface(folder.path(), &["accounts", "create", "bank"]).0);
    let (_, key, _) = twoface(folder.path(), &["keys", "create", "--account", "bank", "--name", "test"]);
    let mut expected = Vec::new();
    let mut server = server;
    // Several rounds, so that the kill falls at different points of the jobs' lives.
    for round in 0..4 {
        let opened = server.client.call(
            "POST",
            "/v1/2face/session",
            &[("Authorization", &key)],
            Some(Body::json(&json!({ "type": "SIGNUP" }))),
        );
        let token = opened.unwrap().result().as_str().unwrap().to_owned();
        for _ in 0..5 {
            let body = Body::multipart(&[("file", "photo.png", PHOTO)], &[]);
            let headers = [("X-Tagshelf-Session", token.as_str())];
            let reply = server.client.call("POST", "/v1/2face/faces/detect", &headers, Some(body)).unwrap();
            assert_eq!(reply.status, 200);
            expected.push(reply.result().as_str().unwrap().to_owned());
        }
        if round % 2 == 0 {
            // Let at least one of them end first.
            finished(&server, &key, &expected[round * 5]);
        }
        server.kill();
        server = start(folder.path());
    }
    for job in &expected {
        let seen = finished(&server, &key, job);
        assert_eq!(seen["status"], json!(2), "{seen}");
        assert_eq!(seen["output"], json!({ "code": 200, "result": 1 }));
    }
    server.kill();
}

#[test]
fn keys_are_managed_beside_a_running_server_and_without_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let run = |arguments: &[&str]| twoface(folder.path(), arguments);
    let (ok, _, error) = run(&["keys", "create", "--account", "bank", "--name", "web"]);
    assert!(!ok && error.contains("twoface accounts create bank"), "{error}");
    assert!(run(&["accounts", "create", "bank"]).0);
    let (ok, key, _) = run(&["keys", "create", "--account", "bank", "--name", "web"]);
    assert!(ok && key.starts_with("2fk_"));
    assert!(get(&server, &key, "/users")["users"].is_array(), "the key works at once");
    server.kill();

    let (ok, list, _) = run(&["keys", "list", "--json"]);
    assert!(ok && !list.contains(&key), "secrets are not shown again");
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["keys"][0]["name"], json!("web"));
    let id = list["keys"][0]["id"].as_str().unwrap();
    assert!(run(&["keys", "revoke", id]).0, "without a server the store is opened");
    assert!(!run(&["keys", "revoke", "000000000000000000000000"]).0);

    let server = start(folder.path());
    assert!(get(&server, &key, "/users")["msg"] == json!("Invalid token."));
    server.kill();
}

/// Signs nothing but this test's bundle.
const MAKER: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUF
-----END PRIVATE KEY-----
";
const MAKER_PUBLIC: &str = "6e7a1cdd29b0b78fd13af4c5598feff4ef2a97166e3ca6f2e4fbfccd80505bf1";

#[test]
fn weights_are_installed_and_gone_back_from_and_the_audit_log_tells_which_each_start_had() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let run = |arguments: &[&str]| twoface(folder.path(), arguments);
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/models");
    start(folder.path()).kill();
    let (ok, out, error) =
        run(&["models", "bundle", own, &path("b"), "--version", "2026.1", "--key", &path("maker.pem")]);
    assert!(!ok && out.is_empty() && error.contains("maker.pem"), "{error}");
    std::fs::write(path("maker.pem"), MAKER).unwrap();
    let (ok, out, error) =
        run(&["models", "bundle", own, &path("b"), "--version", "2026.1", "--key", &path("maker.pem")]);
    assert!(ok && out.contains(MAKER_PUBLIC), "{out} {error}");
    let (ok, _, error) = run(&["models", "install", &path("b")]);
    assert!(!ok && error.contains("networks.bundle_key is not set"), "{error}");

    let settings = format!("[networks]\nbundle_key = \"{MAKER_PUBLIC}\"\n");
    start_with(folder.path(), &settings).kill();
    let (ok, out, error) = run(&["models", "install", &path("b")]);
    assert!(ok && out.contains("2026.1") && out.contains("next start"), "{out} {error}");
    let server = start_with(folder.path(), &settings);
    let last = || run(&["audit", "search", "models.activated", "--count", "9"]).1;
    assert!(last().contains(" 2026.1\""), "{}", last());
    server.kill();
    start_with(folder.path(), &settings).kill();
    assert_eq!(last().lines().count(), 1, "told once, and not at every start: {}", last());
    let (ok, out, _) = run(&["models", "rollback"]);
    assert!(ok && out.contains("own weights"), "{out}");
    start_with(folder.path(), &settings).kill();
    assert!(last().lines().count() == 2 && last().contains("\"embedded\""), "{}", last());

    assert!(run(&["rebuild"]).0);
    assert!(run(&["audit", "search", "store.rebuilt"]).1.contains("asked for"));
}

#[test]
fn who_stops_reading_is_not_shown_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    start(folder.path()).kill();
    for arguments in [&["models", "show"][..], &["accounts", "list"], &["config", "defaults"], &["audit", "tail"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_twoface"))
            .args(arguments)
            .arg("--config")
            .arg(folder.path().join("config.toml"))
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && error.is_empty(), "{arguments:?}: {error}");
    }
}

#[test]
fn a_second_server_on_the_same_data_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let (ok, _, error) = twoface(folder.path(), &["serve"]);
    assert!(!ok && error.contains("in use"), "{error}");
    server.kill();
}

#[test]
fn a_stop_is_orderly_and_a_bad_configuration_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(folder.path());
    let pid = server.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(server.child.wait().unwrap().success());

    assert!(twoface(folder.path(), &["config", "check"]).0);
    std::fs::write(folder.path().join("config.toml"), "[server]\nlissten = 1\n").unwrap();
    let (ok, _, error) = twoface(folder.path(), &["config", "check"]);
    assert!(!ok && error.contains("no setting `lissten`"), "{error}");
}

#[test]
fn a_backup_made_while_serving_is_verified_restored_and_knows_no_erased_person() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let run = |arguments: &[&str]| {
        let (ok, out, error) = twoface(folder.path(), arguments);
        assert!(ok, "{arguments:?}: {error}");
        out
    };
    run(&["accounts", "create", "bank"]);
    let key = run(&["keys", "create", "--account", "bank", "--name", "test"]);
    let register = |number: &str| -> Value {
        let headers = [("Authorization", key.as_str())];
        let post = |path: &str, headers: &[(&str, &str)], fields: &[(&str, &str)]| {
            server.client.call("POST", &format!("/v1/2face{path}"), headers, Some(Body::form(fields))).unwrap().result()
        };
        let token = post("/session", &headers, &[("type", "SIGNUP")]);
        let session = [("X-Tagshelf-Session", token.as_str().unwrap())];
        let photos = Body::multipart(&[("document", "a.png", PHOTO), ("face", "b.png", PHOTO)], &[]);
        let waiting = [session[0], ("Prefer", "wait=30")];
        let compared = server.client.call("POST", "/v1/2face/faces/compare", &waiting, Some(photos)).unwrap();
        assert_eq!(compared.status, 200, "{}", compared.json());
        let attempt = post("/session/close", &session, &[("status", "SUCCESS")]);
        let fields = [("attempt", attempt.as_str().unwrap()), ("documentId", number), ("documentType", "PASSPORT")];
        post("/users", &headers, &fields)["id"].clone()
    };
    let kept = register("KEPT-1");
    let erased = register("GONE-2");
    for backup in ["backup", "backup.tar"] {
        assert!(run(&["backup", &path(backup)]).contains("Backed up"));
    }
    assert!(run(&["backup", &path("backup")]).contains("(0 new)"), "files are copied once");
    assert!(run(&["erase", "--document", "gone2"]).contains("2 records of people"));
    let found = |server: &Served, id: &Value| get(server, &key, &format!("/users/{}", id.as_str().unwrap()));
    assert!(found(&server, &erased)["error"] == json!("not_found"));
    std::fs::write(path("erasures"), run(&["erasures"]) + "\n").unwrap();
    run(&["export", &path("export.jsonl")]);
    let export = std::fs::read_to_string(path("export.jsonl")).unwrap();
    assert!(export.contains("KEPT-1") && !export.contains("GONE-2"));
    assert!(!twoface(folder.path(), &["fsck"]).0, "not while the server has the store open");
    server.kill();

    assert!(run(&["fsck"]).contains("Nothing is wrong."));
    assert!(run(&["rebuild"]).contains("built again"));
    let old_key = std::fs::read(path("store/master.key")).unwrap();
    for backup in ["backup", "backup.tar"] {
        assert!(run(&["backup", "verify", &path(backup)]).contains("restores to what was backed up"));
        std::fs::rename(path("store"), path("lost")).unwrap();
        std::fs::create_dir(path("store")).unwrap();
        std::fs::write(path("store/master.key"), &old_key).unwrap();
        std::fs::set_permissions(path("store/master.key"), std::os::unix::fs::PermissionsExt::from_mode(0o400))
            .unwrap();
        assert!(!twoface(folder.path(), &["restore", &path(backup)]).0, "the erasure list is required");
        assert!(run(&["restore", &path(backup), "--erasures", &path("erasures")]).contains("2 people"));
        std::fs::remove_dir_all(path("lost")).unwrap();

        let server = start(folder.path());
        assert_eq!(found(&server, &kept)["documentId"], json!("KEPT-1"));
        assert!(found(&server, &erased)["error"] == json!("not_found"));
        server.kill();
    }
    run(&["key", "rotate"]);
    assert_ne!(std::fs::read(path("store/master.key")).unwrap(), old_key);
    let server = start(folder.path());
    assert_eq!(found(&server, &kept)["documentId"], json!("KEPT-1"));
    server.kill();
    std::fs::remove_file(path("store/master.key")).unwrap();
    std::fs::write(path("store/master.key"), &old_key).unwrap();
    std::fs::set_permissions(path("store/master.key"), std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
    let (ok, _, error) = twoface(folder.path(), &["serve"]);
    assert!(!ok && error.contains("not the master key"), "{error}");
}

/// How many kills; `WEBHOOK_KILLS=200 cargo test --test restart kills_lose_no_webhook` for more of them.
fn kills() -> usize {
    std::env::var("WEBHOOK_KILLS").map_or(5, |text| text.parse().unwrap())
}

#[test]
fn kills_lose_no_webhook_of_anything_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let got: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let kept = Arc::clone(&got);
    // Answers every third with a failure, and the others only after they have been written down.
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().map_while(Result::ok).enumerate() {
            let kept = Arc::clone(&kept);
            std::thread::spawn(move || receive(stream, number, &kept));
        }
    });
    let allow = "[webhooks]\nallow = [\"http://127.0.0.2/32\"]\n";
    let mut server = start_with(folder.path(), allow);
    assert!(twoface(folder.path(), &["accounts", "create", "bank"]).0);
    let (_, key, _) = twoface(folder.path(), &["keys", "create", "--account", "bank", "--name", "test"]);
    assert!(twoface(folder.path(), &["webhooks", "create", "--account", "bank", &url]).0);
    let mut acknowledged = Vec::new();
    for round in 0..kills() {
        // The kill falls into the sessions' commits, their laying out, or their delivery.
        let stop = Arc::new(AtomicBool::new(false));
        let opened: Vec<Value> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    let (client, key, stop) = (server.client.clone(), &key, Arc::clone(&stop));
                    scope.spawn(move || {
                        let mut closed = Vec::new();
                        while !stop.load(Ordering::SeqCst) {
                            let post = |path: &str, headers: &[(&str, &str)], body: Value| {
                                let reply = client.call("POST", path, headers, Some(Body::json(&body))).ok()?;
                                (reply.status == 200).then(|| reply.result())
                            };
                            let opened =
                                post("/v1/2face/session", &[("Authorization", key)], json!({ "type": "SIGNUP" }));
                            let Some(token) = opened.and_then(|token| token.as_str().map(str::to_owned)) else { break };
                            let session = [("X-Tagshelf-Session", token.as_str())];
                            closed.extend(post("/v1/2face/session/close", &session, json!({ "status": "FAILED" })));
                        }
                        closed
                    })
                })
                .collect();
            twoface::clock::pause(Duration::from_millis(150 + 97 * (round as u64 % 7)));
            server.child.kill().unwrap();
            stop.store(true, Ordering::SeqCst);
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        acknowledged.extend(opened.iter().map(|id| id.as_str().unwrap().to_owned()));
        server.kill();
        server = start_with(folder.path(), allow);
    }
    assert!(acknowledged.len() >= kills(), "{} sessions were closed", acknowledged.len());
    let missing = || {
        let got = got.lock().unwrap();
        let closed: HashSet<&str> =
            got.iter().filter(|(kind, _)| kind == "attempt.closed").map(|(_, attempt)| attempt.as_str()).collect();
        acknowledged.iter().filter(|attempt| !closed.contains(attempt.as_str())).count()
    };
    // Failures are waited out; the second wait of a delivery is 20 seconds.
    let all = (0..2400).any(|_| {
        let done = missing() == 0;
        if !done {
            twoface::clock::pause(Duration::from_millis(50));
        }
        done
    });
    assert!(all, "{} of {} were never told", missing(), acknowledged.len());
    println!("{} kills, {} closings acknowledged, all of them told", kills(), acknowledged.len());
    server.kill();
}

/// Reads messages from one connection and writes down those that it takes.
fn receive(stream: std::net::TcpStream, number: usize, kept: &Mutex<Vec<(String, String)>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).map_or(true, |read| read == 0) {
                return;
            }
            if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = text.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let event: Value = serde_json::from_slice(&body).unwrap();
        let takes = number % 3 != 2;
        if takes {
            let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
            kept.lock().unwrap().push((text(&event["type"]), text(&event["data"]["attempt"])));
        }
        let answer = if takes { "204 X" } else { "500 X\r\nconnection: close" };
        if write!(reader.get_mut(), "HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n").is_err() || !takes {
            return;
        }
    }
}
