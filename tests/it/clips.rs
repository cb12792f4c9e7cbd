//! `/faces/check-smile`, `/faces/check-blink`, challenges, and what clips are compared with: by a script of what is seen.

use std::time::Duration;

use serde_json::{Value, json};
use twoface::client::{Body, Reply};
use twoface::domain::clip::{Blink, ClipExamined, Doubt, Fingerprint, Side, Span, Turn};
use twoface::domain::evidence::{Unusable, UnusableReason};
use twoface::domain::liveness::Reality;

use crate::harness::{Server, message, refusal};

const WAIT: &[(&str, &str)] = &[("Prefer", "wait=30")];
const MANY_TRIES: &str = "[sessions]\ntries = 100\n";

/// A "clip" says what is to be seen in it: `blink@2 smile@4 left@6 right@8`, and `dark`, `slow`, `cut`, `crowd`, `stranger`
/// (comes in later), `other` (is not the selfie's), `spoof`, `print:7`, `no-face`.
pub fn scripted(clip: &[u8]) -> Result<ClipExamined, Unusable> {
    let refuse = |why| Err(Unusable { field: "clip", why });
    let text = std::str::from_utf8(clip).unwrap_or("damaged");
    let mut seen = ClipExamined::empty();
    seen.frames.with_face = 100;
    seen.liveness.verdict = Reality::Real;
    // As the harness' selfie.
    seen.embedding = Some(crate::script::embedding(vec![0.25; 128]));
    for word in text.split_whitespace() {
        let (what, number) = word.split_once(['@', ':']).unwrap_or((word, "0"));
        let number: f64 = number.parse().unwrap();
        let turn = |side| Turn { side, start: number, end: number + 0.8, peak: number + 0.4, degrees: 30.0 };
        match what {
            "blink" => {
                seen.blinks.push(Blink { start: number - 0.1, end: number + 0.1, peak: number, aperture: 0.2 });
            }
            "smile" => seen.smile.spans.push(Span { start: number, end: number + 0.8 }),
            "left" => seen.turns.push(turn(Side::Left)),
            "right" => seen.turns.push(turn(Side::Right)),
            "dark" => seen.doubts.push(Doubt::TooDark),
            "slow" => seen.doubts.push(Doubt::TooFewFrames),
            "cut" => seen.doubts.push(Doubt::Cut),
            "crowd" => seen.doubts.push(Doubt::SeveralPeople),
            "stranger" => seen.person.lowest_cosine = Some(0.1),
            "other" => seen.embedding = Some(crate::script::embedding([0.25, -0.25].repeat(64))),
            "spoof" => seen.liveness.verdict = Reality::Spoof,
            "print" => seen.fingerprint = Some(print(number as usize)),
            "no-face" => seen.frames.with_face = 0,
            "damaged" => return refuse(UnusableReason::Damaged),
            "calm" => {}
            other => panic!("the script knows no {other}"),
        }
    }
    Ok(seen)
}

/// Any number's own.
fn print(number: usize) -> Fingerprint {
    let motion = (0..288_usize).map(|index| (index * index * number % 101) as i8 - 50).collect();
    Fingerprint { picture: vec![number as u64; 32], motion }
}

impl Server {
    /// Sends a clip and waits; the answer, and the job that it came from.
    fn check(&self, token: &str, what: &str, clip: &str) -> (Reply, Value) {
        let reply = self.upload(token, &format!("/faces/check-{what}"), &[("clip", clip)], WAIT);
        let job = self.get(&format!("/jobs/{}", reply.header("x-job-id").unwrap())).result();
        (reply, job)
    }

    fn challenge(&self, token: &str) -> Value {
        let headers = [("X-Tagshelf-Session", token)];
        let reply = self.client.call("GET", "/v1/2face/session/challenge", &headers, None).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.json());
        reply.result()
    }

    fn answer(&self, token: &str, nonce: &str, clip: &str) -> Reply {
        let headers = [("X-Tagshelf-Session", token), ("Prefer", "wait=30")];
        let body = Body::multipart(&[("clip", "clip.mp4", clip.as_bytes())], &[("nonce", nonce)]);
        self.client.call("POST", "/v1/2face/faces/check-challenge", &headers, Some(body)).unwrap()
    }
}

/// A clip in which the steps are done one after the other.
fn as_asked(challenge: &Value) -> String {
    let steps = challenge["steps"].as_array().unwrap().iter().enumerate();
    let words = steps.map(|(index, step)| {
        let what = match step.as_str().unwrap() {
            "turn_left" => "left",
            "turn_right" => "right",
            other => other,
        };
        format!("{what}@{}", 1 + 2 * index)
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn blinks_and_smiles_are_answered_as_the_contract_says() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    for (what, clip, result) in [
        ("blink", "blink@1 blink@3", true),
        ("blink", "smile@2", false),
        ("smile", "smile@2", true),
        ("smile", "blink@1", false),
        ("blink", "slow blink@1", true),
    ] {
        let (reply, job) = server.check(&token, what, clip);
        assert_eq!(reply.json(), json!({ "code": 200, "result": result }), "{what}: {clip}");
        assert_eq!(job["status"], json!(if result { 2 } else { 3 }));
        assert_eq!(job["workflow"], json!(format!("check_{what}")));
    }
    let (_, job) = server.check(&token, "blink", "blink@1 blink@3");
    let details = &job["details"];
    assert_eq!((&details["blinkCount"], &details["reasons"]), (&json!(2), &json!([])));
    assert_eq!(details["clip"]["frames"]["withFace"], json!(100));
    assert_eq!(details["clip"]["blinks"][1]["peak"], json!(3.0));
    assert_eq!(details["samePerson"]["throughout"], json!(true));
    assert_eq!(details["selfie"], Value::Null, "nobody was compared in this session");
}

#[test]
fn a_clip_that_tells_nothing_is_an_invalid_job_with_advice() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    for (what, clip, error, says) in [
        ("blink", "dark blink@1", "inconclusive", "light"),
        ("blink", "slow", "inconclusive", "frames a second"),
        ("smile", "cut smile@1", "inconclusive", "cut"),
        ("smile", "crowd smile@1", "inconclusive", "alone"),
        ("smile", "no-face", "no_face", "`clip`"),
        ("blink", "damaged", "damaged_file", "`clip`"),
    ] {
        let (reply, job) = server.check(&token, what, clip);
        assert_eq!((reply.status, &reply.result()["error"]), (422, &json!(error)), "{clip}: {}", reply.json());
        assert!(message(&reply).contains(says), "{clip}: {}", message(&reply));
        assert_eq!(job["status"], json!(4));
    }
    let reply = server.upload(&token, "/faces/check-blink", &[("file", "blink@1")], &[]);
    assert_eq!(refusal(&reply), (400, "file_required".into()));
}

#[test]
fn the_tries_of_each_check_are_its_own() {
    let server = Server::start();
    let token = server.session();
    for left in ["2", "1", "0"] {
        assert_eq!(server.check(&token, "blink", "calm").0.header("x-attempt-retries"), Some(left));
    }
    assert_eq!(refusal(&server.upload(&token, "/faces/check-blink", &[("clip", "calm")], &[])).0, 429);
    assert_eq!(server.check(&token, "smile", "calm").0.header("x-attempt-retries"), Some("2"));
    let attempt = server.close(&token, "FAILED").result();
    let stages = server.get(&format!("/attempts/{}", attempt.as_str().unwrap())).result()["stages"].clone();
    let names: Vec<&str> = stages.as_array().unwrap().iter().map(|stage| stage["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["check_blink", "check_blink", "check_blink", "check_smile"]);
    assert!(stages[0]["input"]["clip"]["sha256"].is_string());
}

#[test]
fn details_say_whether_it_is_one_person_and_the_selfie_s() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    assert_eq!(server.compare(&token, "cosine 0.5").status, 200);
    let (_, same) = server.check(&token, "blink", "blink@1");
    assert_eq!(same["details"]["selfie"]["samePerson"], json!(true));
    let (reply, other) = server.check(&token, "blink", "blink@1 other");
    assert_eq!(other["details"]["selfie"]["samePerson"], json!(false));
    assert_eq!(reply.result(), json!(true), "it was a blink all the same");
    let (reply, two) = server.check(&token, "blink", "blink@1 stranger");
    assert_eq!((reply.result(), &two["details"]["reasons"]), (json!(false), &json!(["person_changed"])));
}

#[test]
fn liveness_is_reported_enforced_or_left_out() {
    let clip = "blink@1 spoof";
    let run = |required: &str| {
        let server = Server::start_with(&format!("[liveness]\nrequired = \"{required}\""));
        let token = server.session();
        let (reply, job) = server.check(&token, "blink", clip);
        (reply.result(), job["details"]["clip"]["liveness"]["verdict"].clone(), job["details"]["reasons"].clone())
    };
    assert_eq!(run("report"), (json!(true), json!("spoof"), json!([])));
    assert_eq!(run("enforce"), (json!(false), json!("spoof"), json!(["not_live"])));
    assert_eq!(run("off"), (json!(true), Value::Null, json!([])));
}

#[test]
fn a_challenge_is_answered_once_in_its_order_and_in_time() {
    let server = Server::start_with(&format!("{MANY_TRIES}[liveness]\nchallenge_seconds = 60"));
    let token = server.session();
    let challenge = server.challenge(&token);
    let nonce = challenge["nonce"].as_str().unwrap();
    let mut steps: Vec<&str> =
        challenge["steps"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
    assert_eq!(challenge["expiresAt"], json!("2022-05-09T03:33:11.748Z"));
    let reply = server.answer(&token, nonce, &as_asked(&challenge));
    assert_eq!(reply.json(), json!({ "code": 200, "result": true }), "{steps:?}");
    steps.sort_unstable();
    assert_eq!(steps, ["blink", "smile", "turn_left", "turn_right"]);
    let again = server.answer(&token, nonce, &as_asked(&challenge));
    assert_eq!(refusal(&again), (409, "challenge_gone".into()), "a nonce is good for one clip");
    assert_eq!(again.header("x-attempt-retries"), Some("99"), "and costs no try where it is not");

    let next = server.challenge(&token);
    let mut wrong = next.clone();
    wrong["steps"].as_array_mut().unwrap().reverse();
    let reply = server.answer(&token, next["nonce"].as_str().unwrap(), &as_asked(&wrong));
    assert_eq!(reply.result(), json!(false), "the other way round");
    let job = server.get(&format!("/jobs/{}", reply.header("x-job-id").unwrap())).result();
    assert_eq!(job["details"]["reasons"], json!(["not_as_asked"]));

    let late = server.challenge(&token);
    server.clock.advance(Duration::from_secs(60));
    let reply = server.answer(&token, late["nonce"].as_str().unwrap(), &as_asked(&late));
    assert_eq!(refusal(&reply), (409, "challenge_gone".into()));
}

#[test]
fn a_challenge_belongs_to_its_session_and_the_last_one_counts() {
    let server = Server::start();
    let (token, other) = (server.session(), server.session());
    let (first, theirs) = (server.challenge(&token), server.challenge(&other));
    let second = server.challenge(&token);
    for nonce in [&first["nonce"], &theirs["nonce"], &json!("x")] {
        let reply = server.answer(&token, nonce.as_str().unwrap(), "calm");
        assert_eq!(refusal(&reply), (409, "challenge_gone".into()));
    }
    let reply = server.upload(&token, "/faces/check-challenge", &[("clip", "calm")], &[]);
    assert_eq!(refusal(&reply), (400, "bad_field".into()));
    assert_eq!(server.answer(&token, second["nonce"].as_str().unwrap(), &as_asked(&second)).result(), json!(true));
    server.close(&token, "SUCCESS");
    let headers = [("X-Tagshelf-Session", token.as_str())];
    let reply = server.client.call("GET", "/v1/2face/session/challenge", &headers, None).unwrap();
    assert_eq!(refusal(&reply), (403, "invalid_token".into()));
}

#[test]
fn a_clip_that_another_session_sent_is_flagged_until_that_session_is_erased() {
    let server = Server::start_with(&format!("{MANY_TRIES}[liveness]\nrequired = \"enforce\""));
    let token = server.session();
    let (_, original) = server.check(&token, "blink", "blink@1 print:7");
    let (reply, _) = server.check(&token, "smile", "smile@1 print:7");
    assert_eq!(reply.result(), json!(true), "within a session one clip may show both");
    let attempt = server.close(&token, "SUCCESS").result();

    let replaying = server.session();
    let (reply, job) = server.check(&replaying, "blink", "blink@1 print:7");
    assert_eq!((reply.result(), &job["details"]["reasons"]), (json!(false), &json!(["replayed"])));
    assert!(job["details"]["replayOf"]["at"].is_string());
    let (reply, job) = server.check(&replaying, "blink", "blink@1 print:77");
    assert_eq!((reply.result(), &job["details"]["replayOf"]), (json!(true), &Value::Null));
    assert_ne!(original["id"], job["id"]);

    let stranger = server.stranger_key();
    let headers = [("Authorization", stranger.as_str())];
    let body = Body::form(&[("type", "SIGNUP")]);
    let reply = server.client.call("POST", "/v1/2face/session", &headers, Some(body)).unwrap();
    let elsewhere = reply.result().as_str().unwrap().to_owned();
    let reply = server.upload(&elsewhere, "/faces/check-blink", &[("clip", "blink@1 print:7")], WAIT);
    assert_eq!(reply.result(), json!(true), "another account's clips are not known");

    let erased = server.session();
    server.check(&erased, "blink", "blink@1 print:170");
    let erased = server.close(&erased, "FAILED").result();
    assert_eq!(server.delete(&format!("/attempts/{}", erased.as_str().unwrap())).status, 200);
    let after = server.session();
    assert_eq!(server.check(&after, "blink", "blink@1 print:170").0.result(), json!(true));
    assert_eq!(server.delete(&format!("/attempts/{}", attempt.as_str().unwrap())).status, 200);
}

#[test]
fn two_challenges_never_have_one_answer() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    for expected in [true, false] {
        let challenge = server.challenge(&token);
        let clip = format!("{} print:21", as_asked(&challenge));
        let reply = server.answer(&token, challenge["nonce"].as_str().unwrap(), &clip);
        assert_eq!(reply.result(), json!(expected), "{}", reply.json());
    }
}
