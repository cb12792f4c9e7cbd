//! The audit log of a running server, and the evidence of one attempt.

use serde_json::Value;
use twoface::clock::Clock;
use twoface::config::Config;
use twoface::domain::audit::Actor;
use twoface::domain::key::KeyTerms;
use twoface::evidence::bundle::Bundle;
use twoface::evidence::replay::{self, Comparison};
use twoface::server;
use twoface::service::workflows::Workflows;
use twoface::service::{Service, audit};

use crate::harness::{START, Server, examiner};

fn entries(server: &Server) -> Vec<Value> {
    let lines = server.service().tail_audit(1000).unwrap().lines;
    lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line.get("act").is_some())
        .collect()
}

fn acts(server: &Server) -> Vec<String> {
    entries(server).iter().map(|entry| entry["act"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_act_stands_in_the_log_with_who_did_it_and_the_log_is_whole() {
    let server = Server::start();
    let attempt = server.successful_attempt();
    let user = server.post("/users", &[("attempt", &attempt), ("documentId", "001-1"), ("documentType", "CEDULA")]);
    let user = user.result()["id"].as_str().unwrap().to_owned();
    assert_eq!(server.delete(&format!("/users/{user}")).status, 200);
    server.revoke("test");

    let acts = acts(&server);
    let expected = [
        "server.started",
        "configuration.changed",
        "account.created",
        "key.created",
        "job.finished",
        "attempt.closed",
        "user.registered",
        "user.erased",
        "key.revoked",
    ];
    assert_eq!(acts, expected, "in the order in which they took effect");
    let all = entries(&server);
    let by = |act: &str| all.iter().find(|entry| entry["act"] == act).unwrap()["actor"].as_str().unwrap().to_owned();
    assert_eq!((by("job.finished"), by("attempt.closed")), ("system".to_owned(), format!("session:{attempt}")));
    assert!(by("user.registered").starts_with("key:") && by("user.erased").starts_with("key:"));
    assert!(!all.iter().any(|entry| entry.to_string().contains("001-1")), "nothing about a person");
    assert_eq!(server.service().verify_audit().unwrap().entries, 9);
    assert_eq!(server.service().search_audit(&user, 10).unwrap().lines.len(), 2);
}

#[test]
fn what_was_committed_when_the_process_died_is_written_once_by_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::parse("", std::iter::empty()).unwrap();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.data.dir = folder.path().join("store");
    let clock = Clock::manual(START);
    // Nobody writes the log here: the entries are in the store alone.
    let service = Service::new(
        server::open_store(&config, clock.now()).unwrap(),
        config.clone(),
        clock.clone(),
        Workflows::default(),
    );
    let account = service.account_named("bank").unwrap();
    service.create_key(&Actor::System, account.id, "first", KeyTerms::default()).unwrap();
    drop(service);
    assert!(!config.data.dir.join(audit::FOLDER).exists());
    for _ in 0..2 {
        server::start(config.clone(), clock.clone(), examiner()).unwrap().stop();
    }
    let log = std::fs::read_to_string(config.data.dir.join(audit::FOLDER).join("log")).unwrap();
    let count = |act: &str| log.lines().filter(|line| line.contains(act)).count();
    assert_eq!((count("account.created"), count("key.created"), count("server.started")), (1, 1, 2));
    assert_eq!((count("configuration.changed"), count("server.stopped")), (1, 2), "the settings stayed the same");
    audit::file::verify(&config.data.dir.join(audit::FOLDER), None).unwrap();
}

#[test]
fn after_a_restore_nothing_is_lost_though_the_log_is_ahead_and_the_clock_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::parse("", std::iter::empty()).unwrap();
    config.data.dir = folder.path().join("store");
    let open = |clock: &Clock| {
        Service::new(
            server::open_store(&config, clock.now()).unwrap(),
            config.clone(),
            clock.clone(),
            Workflows::default(),
        )
    };
    let ahead = Clock::manual(START);
    ahead.advance(std::time::Duration::from_secs(3600));
    let service = open(&ahead);
    service.account_named("bank").unwrap();
    service.write_audit().unwrap();
    drop(service);
    // The log of that hour beside a store that never had it.
    let kept = folder.path().join("kept");
    audit::file::copy(&config.data.dir.join(audit::FOLDER), &kept).unwrap();
    std::fs::remove_dir_all(&config.data.dir).unwrap();
    drop(open(&Clock::manual(START)));
    audit::file::copy(&kept, &config.data.dir.join(audit::FOLDER)).unwrap();

    let service = open(&Clock::manual(START));
    service.write_audit().unwrap();
    service.account_named("insurer").unwrap();
    assert_eq!(service.write_audit().unwrap(), 1);
    assert_eq!(service.search_audit("account.created", 9).unwrap().lines.len(), 2);
}

#[test]
fn a_backup_takes_the_log_along() {
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    server.service().backup(&Actor::Administrator("ana".to_owned()), &folder.path().join("b")).unwrap();
    let copy = folder.path().join("b").join(audit::FOLDER);
    let whole = audit::file::verify(&copy, None).unwrap();
    assert_eq!(whole.key, server.service().public_keys().unwrap().0);
    assert!(std::fs::read_to_string(copy.join("log")).unwrap().contains("admin:ana"));
}

#[test]
fn the_evidence_of_an_attempt_is_whole_can_be_replayed_and_shows_every_change() {
    let server = Server::start();
    let attempt = server.successful_attempt();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evidence.tar");
    let service = server.service();
    let account = service.account_named("test").unwrap().id;
    let by = Actor::Administrator("ana".to_owned());
    let done = service.export_evidence(account, attempt.parse().unwrap(), by.clone(), &file).unwrap();
    assert_eq!((done.jobs, done.files), (1, 2));

    let (_, key) = service.public_keys().unwrap();
    let signer = twoface::domain::hex::decode::<32>(&key).unwrap();
    let bundle = Bundle::read(&file, Some(signer)).unwrap();
    assert_eq!((bundle.manifest.made_by.clone(), bundle.key.clone()), (by, key));
    assert!(bundle.manifest.settings.iter().any(|setting| setting.name == "faces.match_at_fmr"));
    assert!(bundle.manifest.audit.iter().any(|line| line.contains("attempt.closed")));
    let replayed = replay::run(&*examiner(), &bundle).unwrap();
    assert!(matches!(replayed[0].outcome, Comparison::Same { same_answer: true, .. }), "{replayed:?}");

    assert!(Bundle::read(&file, Some([7; 32])).is_err(), "another signer");
    // Any byte of a photo or of the manifest.
    let whole = std::fs::read(&file).unwrap();
    for word in ["portrait", "cosine 0.8", "match_at_fmr", "\"status\": \"SUCCESS\""] {
        let at = whole.windows(word.len()).rposition(|bytes| bytes == word.as_bytes()).unwrap();
        let mut altered = whole.clone();
        altered[at + 1] ^= 1;
        std::fs::write(&file, altered).unwrap();
        assert!(Bundle::read(&file, None).is_err(), "{word}");
    }
    // It is asked for by name in the log.
    assert_eq!(server.service().search_audit("attempt.exported", 9).unwrap().lines.len(), 1);
}
