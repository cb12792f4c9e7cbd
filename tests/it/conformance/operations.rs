//! What operations answer, and what is refused before there is one.

use serde_json::{Value, json};
use twoface::client::Reply;

use super::{MANY_TRIES, WAIT, is_id, outcome, post_files};
use crate::harness::{Server, message};

#[test]
fn the_table_of_outcomes() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    let cedula = [("documentType", "CEDULA"), ("documentId", "402-0057193-9")];
    let card = "document cedula front number=402-0057193-9";
    let detect = |file| post_files(&server, &token, "/faces/detect", &[("file", file)], &[]);
    let compare =
        |document, face| post_files(&server, &token, "/faces/compare", &[("document", document), ("face", face)], &[]);
    let smile = |clip| post_files(&server, &token, "/faces/check-smile", &[("clip", clip)], &[]);
    let blink = |clip| post_files(&server, &token, "/faces/check-blink", &[("clip", clip)], &[]);
    let kind = |file| post_files(&server, &token, "/documents/validate-document-type", &[("file", file)], &cedula);
    let identity = |file| post_files(&server, &token, "/documents/validate-identity", &[("file", file)], &cedula);
    let answered = |result: Value| Some(json!({ "code": 200, "result": result }));
    let table = [
        ("detect, 2: ≥ 1 face: the number", detect("faces 3"), 2, answered(json!(3))),
        ("detect, 3: no face: 0", detect("faces 0"), 3, answered(json!(0))),
        ("detect, 4: the file cannot be decoded", detect("damaged"), 4, None),
        ("compare, 2: at the threshold", compare("portrait", "cosine 0.4"), 2, answered(json!(65.0))),
        ("compare, 2: above the threshold", compare("portrait", "cosine 0.5"), 2, answered(json!(80.0))),
        (
            "compare, 3: below it, the score is still the result",
            compare("portrait", "cosine 0.3"),
            3,
            answered(json!(50.0)),
        ),
        ("compare, 4: a side without a usable face", compare("portrait", "no face"), 4, None),
        ("compare, 4: undecodable", compare("damaged", "cosine 0.9"), 4, None),
        ("check-smile, 2: true", smile("smile@2"), 2, answered(json!(true))),
        ("check-smile, 3: false", smile("calm"), 3, answered(json!(false))),
        ("check-smile, 4: undecodable clip", smile("damaged"), 4, None),
        ("check-smile, 4: no face", smile("no-face"), 4, None),
        ("check-smile, 4: inconclusive", smile("dark"), 4, None),
        ("check-blink, 2: true", blink("blink@1"), 2, answered(json!(true))),
        ("check-blink, 3: false", blink("calm"), 3, answered(json!(false))),
        ("check-blink, 4: too few frames", blink("slow"), 4, None),
        ("validate-document-type, 2: true", kind(card), 2, answered(json!(true))),
        ("validate-document-type, 3: false", kind("document passport front"), 3, answered(json!(false))),
        ("validate-document-type, 4: unreadable photo", kind("document neither blurred"), 4, None),
        ("validate-identity, 2: true", identity(card), 2, answered(json!(true))),
        (
            "validate-identity, 3: false",
            identity("document cedula front number=001-0000000-9"),
            3,
            answered(json!(false)),
        ),
        ("validate-identity, 4: the number cannot be read", identity("document cedula front"), 4, None),
    ];
    let count = table.len();
    for (line, reply, number, output) in &table {
        let (status, stored) = outcome(&server, reply);
        holds!(line, status, json!(number));
        holds!(format!("{line}; under Prefer: wait the output"), reply.json(), stored);
        match output {
            Some(output) => holds!(line, (reply.status, &stored), (200, output)),
            None => {
                holds!(format!("{line}; 422"), (reply.status, &stored["code"]), (422, &json!(422)));
                let told = stored["result"]["msg"].is_string() && stored["result"]["error"].is_string();
                holds!(format!("{line}; msg and error"), told, true);
            }
        }
    }
    let attempt = server.close(&token, "FAILED").result().as_str().unwrap().to_owned();
    let stages = server.get(&format!("/attempts/{attempt}")).result()["stages"].as_array().unwrap().clone();
    holds!("each job of the session is one stage", stages.len(), count);
    for ((line, _, number, _), stage) in table.iter().zip(&stages) {
        let status = if *number == 2 { "COMPLETED" } else { "FAILED" };
        holds!(format!("{line}; the stage is {status}"), stage["result"]["status"], json!(status));
    }
}

#[test]
fn answering_at_once() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    let files = [("document", "portrait"), ("face", "cosine 0.5")];
    let reply = server.upload(&token, "/faces/compare", &files, WAIT);
    holds!("Prefer: wait → the operation's own answer", reply.json(), json!({ "code": 200, "result": 80.0 }));
    holds!("with Preference-Applied: wait", reply.header("preference-applied"), Some("wait"));
    holds!("and X-Job-Id", reply.header("x-job-id").is_some(), true);
    let files = [("file", "wait faces 1")];
    let reply = server.upload(&token, "/faces/detect", &files, &[("Prefer", "wait=0")]);
    holds!("if time runs out, the job id as usual, still 200", (reply.status, is_id(&reply.result())), (200, true));
    holds!("and no preference was applied", reply.header("preference-applied"), None);
    server.gate.open();
}

#[test]
fn what_is_refused_before_there_is_a_job() {
    let server = Server::start();
    let token = server.session();
    let missing = (400, "A file is required for this operation.".to_owned());
    for path in ["detect", "compare", "check-smile", "check-blink"] {
        let reply = post_files(&server, &token, &format!("/faces/{path}"), &[("other", "x")], &[]);
        holds!(format!("/faces/{path}: a missing file → 400"), (reply.status, message(&reply)), missing.clone());
    }
    for path in ["validate-document-type", "validate-identity"] {
        let path = format!("/documents/{path}");
        let good = [("documentType", "CEDULA"), ("documentId", "402-0057193-9")];
        let reply = post_files(&server, &token, &path, &[], &good);
        holds!(format!("{path}: a missing file → 400"), (reply.status, message(&reply)), missing.clone());
        let reply = post_files(&server, &token, &path, &[("file", "x")], &[("documentType", "LICENCE")]);
        let said = (400, "'documentType' must be one of the following: CEDULA, PASSPORT".to_owned());
        holds!(format!("{path}: another documentType → 400"), (reply.status, message(&reply)), said);
    }
    let attempt = server.close(&token, "FAILED").result().as_str().unwrap().to_owned();
    let stages = server.get(&format!("/attempts/{attempt}")).result()["stages"].clone();
    holds!("a 4xx at once makes no job", stages, json!([]));
}

#[test]
fn details_of_every_operation() {
    let server = Server::start_with(MANY_TRIES);
    let token = server.session();
    let details =
        |reply: &Reply| server.get(&format!("/jobs/{}", reply.header("x-job-id").unwrap())).result()["details"].clone();
    let detect = details(&post_files(&server, &token, "/faces/detect", &[("file", "faces 2")], &[]));
    for field in ["box", "landmarks", "confidence"] {
        holds!(format!("detect: for each face `{field}`"), detect["file"]["faces"][1][field].is_null(), false);
    }
    let compare = details(&server.compare(&token, "cosine 0.5"));
    holds!("compare: the raw cosine similarity", compare["cosine"], json!(0.5));
    holds!("compare: the match decision at the configured threshold", compare["match"], json!(true));
    holds!("compare: with its false-match rate", compare["threshold"]["falseMatchRate"], json!(1e-4));
    let clip = details(&post_files(&server, &token, "/faces/check-blink", &[("clip", "blink@1 smile@3")], &[]));
    holds!("clips: frames with a face", clip["clip"]["frames"]["withFace"], json!(100));
    holds!("clips: blink count", clip["blinkCount"], json!(1));
    holds!("clips: smile span", clip["clip"]["smile"]["spans"][0]["start"], json!(3.0));
    holds!("clips: a same-person check across frames", clip["samePerson"]["throughout"], json!(true));
    let fields = [("documentType", "CEDULA"), ("documentId", "402-0057193-9")];
    let card = "document cedula front number=402-0057193-9 glare";
    let document = details(&post_files(&server, &token, "/documents/validate-identity", &[("file", card)], &fields));
    holds!("documents: class", document["document"]["class"], json!("CEDULA"));
    holds!("documents: side", document["document"]["side"], json!("FRONT"));
    holds!(
        "documents: every field read, with where it came from",
        document["fields"]["number"]["source"],
        json!("VIZ")
    );
    holds!("documents: capture warnings", document["warnings"][0]["warning"], json!("glare"));
    for field in ["mrz", "crossChecks", "file"] {
        holds!(format!("documents: `{field}`"), document.get(field).is_some(), true);
    }
}
