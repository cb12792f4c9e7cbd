//! Webhooks: what receivers get, how failures are borne, and where nothing may ever be sent.

use std::time::Duration;

use serde_json::{Value, json};
use twoface::client::Body;

use twoface::admin::webhooks::{DeliverySeen, OnlyStage, Webhooks, WebhooksReply};
use twoface::admin::{Reply, Request};
use twoface::crypto::{self, SecretKey};
use twoface::domain::base64;
use twoface::domain::event::EventKind;
use twoface::domain::id::Id;
use twoface::domain::webhook::{Answered, DeliveryState, DisabledBecause, NoAnswer, WebhookSecret};

use crate::harness::Server;
use crate::receiver::{Does, Got, Names, Receiver};

/// Receivers live on 127.0.0.2; what lives on 127.0.0.1 is not to be reached.
const LIST: &str = "[webhooks]\ntimeout_seconds = 2\nallow = [\"http://127.0.0.2/32\"]\n";

fn ask(server: &Server, request: Webhooks) -> WebhooksReply {
    match server.administer(Request::Webhooks(request)) {
        Reply::Webhooks(reply) => reply,
        other => panic!("{other:?}"),
    }
}

fn refused(server: &Server, url: &str) -> String {
    let create = Webhooks::Create { account: "test".into(), url: url.into(), events: Vec::new() };
    match server.administer(Request::Webhooks(create)) {
        Reply::Refused(why) => why,
        other => panic!("{url}: {other:?}"),
    }
}

fn create(server: &Server, url: &str, events: &[EventKind]) -> (Id, String) {
    let create = Webhooks::Create { account: "test".into(), url: url.into(), events: events.to_vec() };
    match ask(server, create) {
        WebhooksReply::Secret { webhook, secret } => {
            server.keep_secret(&secret);
            (webhook.id, secret)
        }
        other => panic!("{other:?}"),
    }
}

fn deliveries(server: &Server, id: Id, only: Option<OnlyStage>) -> Vec<DeliverySeen> {
    match ask(server, Webhooks::Deliveries { id, only, limit: 1000 }) {
        WebhooksReply::Deliveries(all) => all,
        other => panic!("{other:?}"),
    }
}

/// Waits until the log of a receiver says so.
fn until(server: &Server, id: Id, holds: impl Fn(&[DeliverySeen]) -> bool) -> Vec<DeliverySeen> {
    until_passing(server, id, Duration::ZERO, holds)
}

/// The same, while time passes on the server's clock.
fn until_passing(
    server: &Server,
    id: Id,
    step: Duration,
    holds: impl Fn(&[DeliverySeen]) -> bool,
) -> Vec<DeliverySeen> {
    for _ in 0..3000 {
        server.clock.advance(step);
        let log = deliveries(server, id, None);
        if holds(&log) {
            return log;
        }
        twoface::clock::pause(Duration::from_millis(20));
    }
    panic!("it never came to that: {:?}", deliveries(server, id, None));
}

fn tries(log: &[DeliverySeen]) -> usize {
    log.iter().map(|delivery| delivery.tries.len()).sum()
}

/// As the specification says: HMAC of id, timestamp and body under the bytes that the secret's base64 stands for.
fn is_signed(got: &Got, secret: &str) -> bool {
    let text = format!("{}.{}.{}", got.headers["webhook-id"], got.headers["webhook-timestamp"], got.body);
    let plain = secret.strip_prefix("whsec_").unwrap();
    let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits =
        plain.chars().filter_map(|c| digits.find(c)).fold((Vec::new(), 0_u32, 0), |(mut bytes, bits, count), d| {
            let (bits, count) = (bits << 6 | d as u32, count + 6);
            if count >= 8 {
                bytes.push((bits >> (count - 8)) as u8);
                return (bytes, bits & ((1 << (count - 8)) - 1), count - 8);
            }
            (bytes, bits, count)
        });
    let key = SecretKey::from_bytes(bits.0.try_into().unwrap());
    let signature = format!("v1,{}", base64::encode(&crypto::keyed_hash(&key, text.as_bytes())));
    got.headers["webhook-signature"].split(' ').any(|one| one == signature)
}

#[test]
fn a_receiver_gets_the_events_that_it_wants_signed_with_both_secrets_while_they_live() {
    let server = Server::start_with(LIST);
    server.session();
    let all = Receiver::start("127.0.0.2", |_, _| Does::Answers(204));
    let some = Receiver::start("127.0.0.2", |_, _| Does::Answers(200));
    let (all_id, secret) = create(&server, &all.url(), &[]);
    create(&server, &some.url(), &[EventKind::JobFinished]);
    server.successful_attempt();
    let got = all.wait(3);
    let kinds: Vec<Value> =
        got.iter().map(|one| serde_json::from_str::<Value>(&one.body).unwrap()["type"].clone()).collect();
    assert_eq!(kinds, [json!("attempt.created"), json!("job.finished"), json!("attempt.closed")], "not the one before");
    let feed = server.get("/events").result()["events"].clone();
    for (got, event) in got.iter().zip(&feed.as_array().unwrap()[1..]) {
        assert_eq!(&serde_json::from_str::<Value>(&got.body).unwrap(), event, "as the feed has it");
        assert_eq!(got.headers["webhook-id"], event["id"].as_str().unwrap());
        assert_eq!(got.headers["webhook-timestamp"], "1652067131");
        assert_eq!((got.path.as_str(), got.headers["content-type"].as_str()), ("/hook", "application/json"));
        assert!(is_signed(got, &secret) && !is_signed(got, &WebhookSecret::from_bytes(&[7; 32]).shown()));
    }
    assert_eq!(some.wait(1).len(), 1);

    let WebhooksReply::Secret { secret: second, .. } = ask(&server, Webhooks::Rotate { id: all_id, overlap: 1 }) else {
        panic!("no secret")
    };
    server.session();
    let got = all.wait(4).pop().unwrap();
    assert!(is_signed(&got, &secret) && is_signed(&got, &second));
    server.clock.advance(Duration::from_secs(3601));
    ask(&server, Webhooks::Test { id: all_id });
    let got = all.wait(5).pop().unwrap();
    assert!(!is_signed(&got, &secret) && is_signed(&got, &second));
    assert!(got.body.contains("webhook.test"));
    assert_eq!(some.got().len(), 1, "a test is for the one that is tested");
}

#[test]
fn a_failed_delivery_is_tried_again_with_the_same_id_until_it_is_given_up_and_can_be_asked_for() {
    let server = Server::start_with(LIST);
    let receiver = Receiver::start("127.0.0.2", |number, _| match number {
        0 => Does::Answers(500),
        1 => Does::SlamsTheDoor,
        2 => Does::Says(302, "location", "http://127.0.0.2/elsewhere".into()),
        _ => Does::Answers(503),
    });
    let (id, _) = create(&server, &receiver.url(), &[EventKind::AttemptCreated]);
    server.session();
    let mut rounds = 0;
    let log = loop {
        rounds += 1;
        let log = until(&server, id, |log| tries(log) >= rounds);
        if let [DeliverySeen { state: DeliveryState::Dead { .. }, .. }] = log.as_slice() {
            break log;
        }
        assert!(rounds < 29, "three days have passed");
        // The longest wait, and a fifth more.
        server.clock.advance(Duration::from_secs(6 * 3600 / 5 * 6 + 1));
    };
    let answers: Vec<Answered> = log[0].tries.iter().map(|one| one.came_of_it).collect();
    assert_eq!(answers[0], Answered::Status(500));
    assert!(matches!(answers[1], Answered::NotAtAll(NoAnswer::NotReachable | NoAnswer::NotHttp)), "{:?}", answers[1]);
    assert_eq!(answers[2], Answered::Status(302), "not followed");
    let got = receiver.got();
    assert!(got.iter().all(|one| one.headers["webhook-id"] == got[0].headers["webhook-id"] && one.path == "/hook"));
    assert_eq!(deliveries(&server, id, Some(OnlyStage::Dead)).len(), 1);

    let asked = ask(&server, Webhooks::Redeliver { id, event: None });
    assert_eq!(asked, WebhooksReply::Redelivered { deliveries: 1 });
    let hour = Duration::from_secs(3600);
    receiver.mend();
    ask(&server, Webhooks::Redeliver { id, event: Some(log[0].event) });
    until_passing(&server, id, hour, |log| matches!(log[0].state, DeliveryState::Delivered { .. }));
    let second = receiver.got().last().unwrap().clone();
    assert_eq!(
        (second.headers["webhook-id"].as_str(), &second.body),
        (got[0].headers["webhook-id"].as_str(), &got[0].body)
    );
    let unknown = Webhooks::Redeliver { id, event: Some(id) };
    assert!(matches!(server.administer(Request::Webhooks(unknown)), Reply::Refused(_)));
}

#[test]
fn a_receiver_that_hangs_babbles_or_is_gone_keeps_no_other_waiting() {
    let server = Server::start_with(LIST);
    let hanging = Receiver::start("127.0.0.2", |_, _| Does::Hangs);
    let babbling = Receiver::start("127.0.0.2", |_, _| Does::Babbles);
    let gone = Receiver::start("127.0.0.2", |_, _| Does::Answers(410));
    let good = Receiver::start("127.0.0.2", |_, _| Does::Answers(200));
    let wanted = [EventKind::AttemptCreated];
    let ids = [&hanging, &babbling, &gone, &good].map(|one| create(&server, &one.url(), &wanted).0);
    for _ in 0..20 {
        server.session();
    }
    good.wait(20);
    assert!(hanging.got().len() <= 1, "it holds the first one still");
    until(&server, ids[0], |log| {
        log.iter().any(|one| one.tries.iter().any(|t| t.came_of_it == Answered::NotAtAll(NoAnswer::TimedOut)))
    });
    until(&server, ids[1], |log| log.iter().all(|one| matches!(one.state, DeliveryState::Delivered { .. })));
    until(&server, ids[2], |log| tries(log) == 1);
    let WebhooksReply::Webhooks(all) = ask(&server, Webhooks::List) else { panic!("no list") };
    let disabled: Vec<_> = all.iter().map(|one| one.disabled.map(|disabled| disabled.because)).collect();
    assert_eq!(disabled, [None, None, Some(DisabledBecause::Gone), None]);
    for id in ids {
        ask(&server, Webhooks::Remove { id });
    }
    assert_eq!(ask(&server, Webhooks::List), WebhooksReply::Webhooks(Vec::new()));
}

#[test]
fn a_receiver_that_was_gone_gets_what_happens_after_it_is_enabled_and_the_rest_when_asked_for() {
    let server = Server::start_with(LIST);
    let receiver = Receiver::start("127.0.0.2", |number, _| Does::Answers(if number == 0 { 410 } else { 200 }));
    let (id, _) = create(&server, &receiver.url(), &[EventKind::AttemptCreated]);
    // Two are laid out before the first is answered, or the second is never laid out; neither may come by itself.
    server.session();
    server.session();
    receiver.wait(1);
    // Nothing changes for one that is in use, so until it is not.
    until(&server, id, |_| server.service().webhook(id).unwrap().disabled.is_some());
    ask(&server, Webhooks::Enable { id });
    ask(&server, Webhooks::Enable { id });
    assert!(deliveries(&server, id, Some(OnlyStage::Waiting)).is_empty());
    server.session();
    let log = until(&server, id, |log| log.iter().any(|one| matches!(one.state, DeliveryState::Delivered { .. })));
    assert!(matches!(log[0].state, DeliveryState::Delivered { .. }), "the newest: {log:?}");
    assert!(log[1..].iter().all(|one| matches!(one.state, DeliveryState::Dead { .. })), "{log:?}");
    ask(&server, Webhooks::Redeliver { id, event: None });
    until(&server, id, |log| log.iter().all(|one| matches!(one.state, DeliveryState::Delivered { .. })));
}

#[test]
fn an_export_opens_no_door() {
    let server = Server::start_with(LIST);
    let receiver = Receiver::start("127.0.0.2", |_, _| Does::Answers(200));
    let (id, secret) = create(&server, &receiver.url(), &[]);
    let headers = [("Authorization", server.key.as_str()), ("Idempotency-Key", "one")];
    let opened = server.client.call("POST", "/v1/2face/session", &headers, Some(Body::form(&[("type", "SIGNUP")])));
    let token = opened.unwrap().result().as_str().unwrap().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all");
    let Reply::Exported { records } = server.administer(Request::Export { file: file.clone() }) else { panic!() };
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(text.lines().count() as u64, records);
    assert!(text.contains(&id.to_string()), "the webhook itself is there");
    assert!(!text.contains(secret.strip_prefix("whsec_").unwrap()) && !text.contains(&token));
    let stored = server.service().webhook(id).unwrap().secret;
    assert!(!text.contains(serde_json::to_value(stored).unwrap().as_str().unwrap()));
}

#[test]
fn a_receiver_that_was_down_gets_all_that_waited_as_soon_as_it_answers() {
    let server = Server::start_with(LIST);
    let receiver = Receiver::start("127.0.0.2", |number, _| Does::Answers(if number < 4 { 503 } else { 200 }));
    let (id, _) = create(&server, &receiver.url(), &[EventKind::AttemptCreated]);
    for _ in 0..12 {
        server.session();
    }
    for round in 1..=4 {
        until(&server, id, |log| tries(log) >= round);
        server.clock.advance(Duration::from_secs(10));
    }
    // Those that failed twice wait longer than these ten seconds, and are sent all the same.
    let got = receiver.wait(16);
    let ids: std::collections::BTreeSet<_> = got.iter().skip(4).map(|one| one.headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 12);
}

#[test]
fn only_a_trusted_certificate_is_spoken_to() {
    let other = Server::start();
    let certificate = other.certificate_file();
    let url = format!("https://127.0.0.1:{}/healthz", other.address().port());
    let allow = "[webhooks]\nallow = [\"127.0.0.1/32\"]\n";
    for (settings, expected) in [
        (format!("{allow}ca = {certificate:?}\n"), Answered::Status(405)),
        (allow.to_owned(), Answered::NotAtAll(NoAnswer::NotTrusted)),
    ] {
        let server = Server::start_with(&settings);
        let (id, _) = create(&server, &url, &[EventKind::AttemptCreated]);
        server.session();
        let log = until(&server, id, |log| tries(log) >= 1);
        assert_eq!(log[0].tries[0].came_of_it, expected);
        assert!(refused(&server, &url.replace("https", "http")).contains("list"), "http needs an entry of its own");
    }
}

/// Each is a way in which somebody might try to reach the canary on 127.0.0.1, or a machine's metadata.
#[test]
fn no_trick_with_addresses_names_or_redirects_reaches_what_is_not_on_the_list() {
    let canary = Receiver::start("127.0.0.1", |_, _| Does::Answers(200));
    let port = canary.address.port();
    let local = format!("http://127.0.0.1:{port}/");
    let redirects = [301_u16, 302, 303, 307, 308, 300, 305];
    let location = local.clone();
    let redirecting = Receiver::start("127.0.0.2", move |number, got| match got.path.as_str() {
        "/refresh" => Does::Says(200, "refresh", format!("0; url={location}")),
        "/double" => Does::Says(307, "location", format!("//127.0.0.1:{port}/")),
        "/meta" => Does::Says(302, "location", "http://169.254.169.254/latest/meta-data/".into()),
        _ => Does::Says(redirects[number % redirects.len()], "location", location.clone()),
    });
    let open = format!("127.0.0.2:{}", redirecting.address.port());
    let names = Names::start(&[
        ("canary.example", &[&["127.0.0.1"]]),
        ("six.example", &[&["::1"]]),
        ("mapped.example", &[&["::ffff:127.0.0.1"]]),
        ("both.example", &[&["127.0.0.1", "127.0.0.2"]]),
        ("flips.example", &[&["127.0.0.2"], &["127.0.0.1"]]),
        ("zero.example", &[&["0.0.0.0"]]),
        ("any.example", &[&["::"]]),
        ("meta.example", &[&["169.254.169.254"]]),
        ("nat64.example", &[&["64:ff9b::7f00:1"]]),
        ("sixtofour.example", &[&["2002:7f00:1::"]]),
        ("good.hooks.example", &[&["127.0.0.1"]]),
    ]);
    let settings = format!(
        "[webhooks]\ntimeout_seconds = 2\nallow = [\"http://127.0.0.2/32\", \"http://*.hooks.example\", \"http://0.0.0.0/0\", \
         \"http://::/0\"]\nname_servers = [\"{}\"]\n",
        names.address
    );
    let server = Server::start_with(&settings);

    let unreadable = [
        format!("http://0177.0.0.1:{port}/"),
        format!("http://0177.0000.0000.0001:{port}/"),
        format!("http://0x7f.0.0.1:{port}/"),
        format!("http://0x7f.0x0.0x0.0x1:{port}/"),
        format!("http://0x7f000001:{port}/"),
        format!("http://0X7F000001:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://017700000001:{port}/"),
        format!("http://127.1:{port}/"),
        format!("http://127.0.1:{port}/"),
        format!("http://127.0.0.1.:{port}/"),
        format!("http://127.000.000.001:{port}/"),
        format!("http://127.0.0.1%00.hooks.example:{port}/"),
        format!("http://127.0.0.1%2f@{open}/"),
        format!("http://127.0.0.2@127.0.0.1:{port}/"),
        format!("http://127.0.0.2:80@127.0.0.1:{port}/"),
        format!("http://{open}@127.0.0.1:{port}/"),
        format!("http://user:password@127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}#@{open}/"),
        format!("http://127.0.0.1:{port}\\@{open}/"),
        format!("http://{open}\\@127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}?@{open}/#x"),
        format!("http:127.0.0.1:{port}/"),
        format!("http:/127.0.0.1:{port}/"),
        format!("http:///127.0.0.1:{port}/"),
        format!("http://\t127.0.0.1:{port}/"),
        format!(" http://127.0.0.1:{port}/"),
        format!("HTTP://127.0.0.1:{port}/"),
        format!("http://127.0.0.1 :{port}/"),
        format!("http://127.0.0.1:{port} @{open}/"),
        format!("http://127.0.0.1:0{port}/"),
        format!("http://１２７.0.0.1:{port}/"),
        format!("http://127。0。0。1:{port}/"),
        format!("http://①②⑦.⓪.⓪.①:{port}/"),
        format!("http://[::ffff:127.0.0.1%25lo]:{port}/"),
        format!("http://[::1%lo]:{port}/"),
        format!("http://[127.0.0.1]:{port}/"),
        format!("http://[::1]127.0.0.1:{port}/"),
        format!("http://localhost.:{port}/"),
        format!("gopher://127.0.0.1:{port}/_POST"),
        format!("ftp://127.0.0.1:{port}/"),
        "file:///etc/passwd".to_owned(),
        format!("jar:http://127.0.0.1:{port}!/"),
        format!("http://{open}/\r\nHost: 127.0.0.1:{port}\r\n"),
    ];
    let not_listed = [
        local.clone(),
        format!("http://127.0.0.3:{port}/"),
        format!("http://127.255.255.254:{port}/"),
        format!("http://0.0.0.0:{port}/"),
        format!("http://[::]:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://[::ffff:7f00:1]:{port}/"),
        format!("http://[::127.0.0.1]:{port}/"),
        format!("http://[0:0:0:0:0:ffff:127.0.0.1]:{port}/"),
        format!("http://[64:ff9b::127.0.0.1]:{port}/"),
        format!("http://[2002:7f00:1::]:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[::ffff:169.254.169.254]/latest/meta-data/".to_owned(),
        "http://[fd00:ec2::254]/latest/meta-data/".to_owned(),
        "http://100.100.100.200/latest/meta-data/".to_owned(),
        "http://168.63.129.16/machine".to_owned(),
        "http://192.0.0.192/opc/v2/".to_owned(),
        "http://255.255.255.255/".to_owned(),
        "http://224.0.0.1/".to_owned(),
    ];
    for url in unreadable.iter().chain(&not_listed) {
        let why = refused(&server, url);
        assert!(why.contains("is no receiver") || why.contains("not on the list"), "{url:?}: {why}");
    }

    // These may be written down, and lead nowhere when it comes to sending.
    let names_tried = ["canary", "six", "mapped", "zero", "any", "meta", "nat64", "sixtofour", "good.hooks"];
    let mut tried = Vec::new();
    for name in names_tried {
        tried.push((create(&server, &format!("http://{name}.example:{port}/"), &[EventKind::AttemptCreated]).0, name));
    }
    tried.push((create(&server, &format!("http://localhost:{port}/"), &[EventKind::AttemptCreated]).0, "localhost"));
    server.session();
    for (id, name) in &tried {
        let log = until(&server, *id, |log| tries(log) >= 1);
        let Answered::NotAtAll(why) = log[0].tries[0].came_of_it else { panic!("{name} was answered") };
        assert!(matches!(why, NoAnswer::NotAllowed | NoAnswer::NameNotFound), "{name}: {why}");
        ask(&server, Webhooks::Remove { id: *id });
    }

    let quiet = [EventKind::UserErased];
    // A name that leads to an address of the list and to another is sent to at the former alone.
    let both = create(&server, &format!("http://both.example:{}/", redirecting.address.port()), &quiet).0;
    let flips = create(&server, &format!("http://flips.example:{}/", redirecting.address.port()), &quiet).0;
    let straight =
        ["/", "/refresh", "/double", "/meta"].map(|path| create(&server, &format!("http://{open}{path}"), &quiet).0);
    for hits in 1..=4 {
        ask(&server, Webhooks::Test { id: straight[0] });
        ask(&server, Webhooks::Test { id: both });
        ask(&server, Webhooks::Test { id: flips });
        straight[1..].iter().for_each(|id| drop(ask(&server, Webhooks::Test { id: *id })));
        for id in straight.iter().chain([&both, &flips]) {
            let step = Duration::from_secs(5);
            until_passing(&server, *id, step, |log| log.len() == hits && log.iter().all(|one| !one.tries.is_empty()));
        }
        server.clock.advance(Duration::from_secs(30));
    }
    let log = deliveries(&server, flips, None);
    let seen: Vec<Answered> = log.iter().rev().map(|one| one.tries[0].came_of_it).collect();
    assert!(matches!(seen[0], Answered::Status(_)), "{seen:?}");
    assert!(
        seen[1..].contains(&Answered::NotAtAll(NoAnswer::NotAllowed)),
        "the changed answer was looked at: {seen:?}"
    );
    assert!(deliveries(&server, both, None).iter().all(|one| matches!(one.tries[0].came_of_it, Answered::Status(_))));
    assert!(!redirecting.got().is_empty());
    let tricks = unreadable.len() + not_listed.len() + tried.len() + 2 + straight.len();
    assert!(tricks >= 60, "{tricks}");
    assert_eq!(canary.got().len(), 0, "the canary was reached: {:?}", canary.got());
}
