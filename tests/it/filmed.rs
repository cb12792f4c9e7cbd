//! Clips through the whole server: decoded in the worker, watched by the networks, answered over HTTP.

use std::sync::OnceLock;
use std::time::Duration;

use image::RgbImage;
use serde_json::{Value, json};
use twoface::vision::Engine;

use crate::film::{Portrait, beside, blink, clip, dimmed, shaken, tilted};
use crate::harness::{Server, message};

const MAN: &[u8] = include_bytes!("../golden/biden_2010_blueroom.jpg");
const WOMAN: &[u8] = include_bytes!("../golden/eileen_collins_astronaut.png");
const WAIT: &[(&str, &str)] = &[("Prefer", "wait=30")];
const MANY_TRIES: &str = "[sessions]\ntries = 100";

fn portrait(photo: &[u8]) -> Portrait {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    Portrait::of(ENGINE.get_or_init(|| Engine::load().unwrap()), photo)
}

/// What each frame shows, by its time.
fn filmed<'a>(frame: impl Fn(f64) -> RgbImage + 'a) -> Box<dyn Fn(f64) -> RgbImage + 'a> {
    Box::new(frame)
}

struct Asked {
    status: u64,
    result: Value,
    job: Value,
}

/// Sends a clip and asks until its job has ended: on a busy machine that may take longer than an answer can be held.
fn ask(server: &Server, token: &str, what: &str, clip: &[u8]) -> Asked {
    let reply = server.upload(token, &format!("/faces/check-{what}"), &[("clip", clip)], &[]);
    let path = format!("/jobs/{}", reply.result().as_str().unwrap());
    let read = |_| {
        let job = server.get(&path).result();
        let ended = job["status"].as_u64() >= Some(2);
        if !ended {
            twoface::clock::pause(Duration::from_millis(100));
        }
        ended.then_some(job)
    };
    let job: Value = (0..1800).find_map(read).unwrap();
    let output = &job["output"];
    Asked { status: output["code"].as_u64().unwrap(), result: output["result"].clone(), job }
}

#[test]
fn eyes_that_close_and_open_blink_and_a_photo_does_not() {
    let server = Server::start_real(MANY_TRIES);
    let token = server.session();
    let man = portrait(MAN);
    let blinking = clip(3.0, |at| man.lids(blink(at, 1.0).max(blink(at, 2.1))));
    let asked = ask(&server, &token, "blink", &blinking);
    assert_eq!((asked.status, &asked.result), (200, &json!(true)), "{}", asked.job);
    let details = &asked.job["details"];
    assert_eq!(details["blinkCount"], json!(2));
    let peak = details["clip"]["blinks"][0]["peak"].as_f64().unwrap();
    assert!((peak - 1.0).abs() < 0.1, "{peak}");
    assert_eq!(details["clip"]["frames"]["analysed"], json!(75));
    assert_eq!(details["clip"]["curves"]["aperture"].as_array().unwrap().len(), 75);
    assert_eq!(details["samePerson"]["throughout"], json!(true));
    assert!((details["clip"]["frames"]["perSecond"].as_f64().unwrap() - 25.0).abs() < 0.1);

    let still = man.still();
    for (what, frame) in [
        ("still", filmed(|_: f64| still.clone())),
        ("wiggled", filmed(|at: f64| shaken(&still, at))),
        ("tilted", filmed(|at: f64| tilted(&still, 20.0 * (at * 2.0).sin()))),
    ] {
        let asked = ask(&server, &token, "blink", &clip(3.0, frame));
        assert_eq!((asked.status, &asked.result), (200, &json!(false)), "a {what} photo: {}", asked.job);
        assert_eq!(asked.job["details"]["reasons"], json!(["no_blink"]));
    }
}

#[test]
fn a_mouth_that_begins_to_smile_smiles() {
    let server = Server::start_real(MANY_TRIES);
    let token = server.session();
    let woman = portrait(WOMAN);
    let (neutral, smiling) = (woman.mouth(-0.15), woman.still());
    let asked =
        ask(&server, &token, "smile", &clip(2.4, |at| if at < 1.2 { neutral.clone() } else { smiling.clone() }));
    assert_eq!((asked.status, &asked.result), (200, &json!(true)), "{}", asked.job);
    let smile = &asked.job["details"]["clip"]["smile"];
    assert!(smile["rise"].as_f64() > Some(0.3) && smile["wider"].as_f64() > Some(0.05), "{smile}");
    assert!(smile["spans"][0]["start"].as_f64() > Some(1.0), "{smile}");
    let asked = ask(&server, &token, "smile", &clip(1.6, |_| neutral.clone()));
    assert_eq!(asked.result, json!(false), "{}", asked.job);
}

#[test]
fn what_cannot_be_told_is_said_with_advice() {
    let server = Server::start_real(MANY_TRIES);
    let token = server.session();
    let (man, woman) = (portrait(MAN), portrait(WOMAN));
    let (his, hers) = (man.still(), woman.still());
    let dark = dimmed(&his, 0.12);
    let blurred = image::imageops::blur(&his, 6.0);
    let both = beside(&his, &hers);
    let nobody = RgbImage::from_pixel(320, 240, image::Rgb([120, 140, 160]));
    let other_place = image::imageops::flip_horizontal(&dimmed(&hers, 0.8));
    for (what, frame, error, says) in [
        ("dark", filmed(|_: f64| dark.clone()), "inconclusive", "dark"),
        ("blurred", filmed(|_: f64| blurred.clone()), "inconclusive", "blurred"),
        ("of two people", filmed(|_: f64| both.clone()), "inconclusive", "alone"),
        ("empty", filmed(|_: f64| nobody.clone()), "no_face", "`clip`"),
        ("cut", filmed(|at: f64| if at < 0.8 { his.clone() } else { other_place.clone() }), "inconclusive", "cut"),
    ] {
        let asked = ask(&server, &token, "blink", &clip(1.6, frame));
        assert_eq!((asked.status, &asked.result["error"]), (422, &json!(error)), "{what}: {}", asked.job);
        let reply = asked.result["msg"].as_str().unwrap();
        assert!(reply.contains(says), "{what}: {reply}");
        assert_eq!(asked.job["status"], json!(4));
    }
    let reply = server.upload(&token, "/faces/check-blink", &[("clip", b"no clip at all")], WAIT);
    assert_eq!((reply.status, reply.result()["error"].clone()), (422, json!("unknown_format")));
    assert!(message(&reply).contains("`clip`"));
}

#[test]
fn a_clip_is_known_again_in_another_session_and_details_know_the_selfie() {
    let server = Server::start_real(MANY_TRIES);
    let man = portrait(MAN);
    let blinking = clip(1.6, |at| shaken(&man.lids(blink(at, 0.8)), at));
    let mut again = Vec::new();
    let first = server.session();
    let compared = server.upload(&first, "/faces/compare", &[("document", MAN), ("face", MAN)], WAIT);
    assert_eq!(compared.status, 200);
    let asked = ask(&server, &first, "blink", &blinking);
    assert_eq!(asked.job["details"]["selfie"]["samePerson"], json!(true), "{}", asked.job);
    assert_eq!(asked.job["details"]["replayOf"], Value::Null);
    // The same frames in another encoding.
    let smaller = clip(1.6, |at| {
        let frame = shaken(&man.lids(blink(at, 0.8)), at);
        image::imageops::resize(&frame, 300, 300, image::imageops::FilterType::Triangle)
    });
    again.push(ask(&server, &server.session(), "blink", &smaller));
    again.push(ask(&server, &server.session(), "blink", &blinking));
    for asked in &again {
        assert_eq!(asked.result, json!(true));
        assert!(asked.job["details"]["replayOf"]["job"].is_string(), "{}", asked.job["details"]["replayOf"]);
    }
    let other = clip(1.6, |at| shaken(&man.lids(blink(at, 0.8)), at + 1.5));
    let asked = ask(&server, &server.session(), "blink", &other);
    assert_eq!(asked.job["details"]["replayOf"], Value::Null, "another recording of the same person in the same place");
}
