//! What is secret is nowhere in clear: neither under the data folder nor in the log, not even in hexadecimal or Base64.

use std::path::Path;

use serde_json::json;
use twoface::client::Body;
use twoface::domain::hex;

use super::damage::files;
use super::server::Site;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The characters of Base64 that do not depend on what stands before and after, for `skip` bytes standing before.
fn base64_inside(bytes: &[u8], skip: usize) -> String {
    let bits = |at: usize| bytes.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1);
    // The first whole character begins where 8 * skip + bit is a multiple of six.
    let first = (6 - 8 * skip % 6) % 6;
    let starts = (first..(bytes.len() * 8).saturating_sub(5)).step_by(6);
    let value = |start: usize| (start..start + 6).fold(0_usize, |value, at| value << 1 | usize::from(bits(at)));
    starts.map(|start| char::from(BASE64.get(value(start)).copied().unwrap_or(b'='))).collect()
}

/// All the ways in which a secret could stand somewhere.
fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let mut all =
        vec![secret.to_vec(), hex::encode(secret).into_bytes(), hex::encode(secret).to_uppercase().into_bytes()];
    for skip in 0..3 {
        let standard = base64_inside(secret, skip);
        all.push(standard.replace('+', "-").replace('/', "_").into_bytes());
        all.push(standard.into_bytes());
    }
    all.push(secret.iter().flat_map(|byte| [*byte, 0]).collect());
    all
}

fn find(bytes: &[u8], secret: &[u8]) -> bool {
    spellings(secret).iter().any(|spelling| bytes.windows(spelling.len()).any(|window| window == spelling))
}

#[test]
fn a_secret_is_found_in_every_spelling() {
    assert_eq!(base64_inside(b"Man", 0), "TWFu");
    assert_eq!(base64_inside(b"an", 1), "Fu", "inside of TWFu");
    assert_eq!(base64_inside(b"light w", 0), "bGlnaHQgd");
    let secret = b"canary-4711-XY";
    let encoded: [&[u8]; 4] = [
        b"..canary-4711-XY..",
        b"63616e6172792d343731312d5859",
        b"eGNhbmFyeS00NzExLVhZeA==",
        b"c\0a\0n\0a\0r\0y\0-\x004\x007\x001\x001\0-\0X\0Y\0",
    ];
    for text in encoded {
        assert!(find(text, secret), "{}", String::from_utf8_lossy(text));
    }
    assert!(!find(b"canary-4712-XY and nothing else", secret));
}

#[test]
fn no_number_name_token_or_key_stands_in_clear_in_the_data_or_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::prepare(Path::new(super::BINARY), folder.path(), &folder.path().join("store")).unwrap();
    let key = site.create_key().unwrap();
    let server = site.start().unwrap();
    let http = server.client().unwrap();
    let (number, name) = ("CANARY-00117654321", "Eulalia Canaria Pajarillo");
    let by_key = [("Authorization", key.as_str())];
    let post = |path: &str, headers: &[(&str, &str)], body: Body| {
        http.call("POST", &format!("/v1/2face{path}"), headers, Some(body)).unwrap()
    };
    let token = post("/session", &by_key, Body::json(&json!({ "type": "SIGNUP" }))).result();
    let token = token.as_str().unwrap().to_owned();
    let photo = include_bytes!("../golden/hopper_128.png");
    let held = [("X-Tagshelf-Session", token.as_str()), ("Prefer", "wait=30")];
    let seen = post("/faces/detect", &held, Body::multipart(&[("file", "Eulalia Canaria.png", photo)], &[]));
    assert_eq!(seen.status, 200);
    // The number is claimed in a job too, which then is found by it and nothing else.
    let claim = [("documentType", "CEDULA"), ("documentId", number)];
    let claimed = post("/documents/validate-identity", &held, Body::multipart(&[("file", "a.png", photo)], &claim));
    assert_eq!(claimed.status, 422, "there is no document on the photo");
    // One session stays open, so that its token is in use while the folder is read.
    let open = post("/session", &by_key, Body::json(&json!({ "type": "VALIDATION" }))).result();
    let open = open.as_str().unwrap().to_owned();
    let attempt = post("/session/close", &held, Body::form(&[("status", "SUCCESS")])).result();
    let user = json!({
        "attempt": attempt, "documentId": number, "documentType": "CEDULA", "metadata": { "name": name },
    });
    let user = post("/users", &by_key, Body::json(&user)).result();
    let found = http.call("GET", &format!("/v1/2face/users/document/{number}"), &by_key, None).unwrap();
    assert_eq!(found.result(), user);
    // Refused requests carry the same secrets, and are logged too.
    for path in
        [format!("/users/document/{number}-unknown"), format!("/attempts/{token}"), format!("/nowhere/{number}")]
    {
        assert_eq!(http.call("GET", &format!("/v1/2face{path}"), &by_key, None).unwrap().status, 404);
    }

    let secrets: [&[u8]; 8] = [
        number.as_bytes(),
        b"CANARY00117654321",
        name.as_bytes(),
        token.as_bytes(),
        open.as_bytes(),
        key.as_bytes(),
        b"Eulalia Canaria.png",
        &photo[1000..1032],
    ];
    let while_open = read(&site.data);
    let log = server.log();
    assert!(log.contains("job finished"), "the log was read");
    server.stop().unwrap();
    for (place, bytes) in while_open.into_iter().chain(read(&site.data)).chain([("the log".into(), log.into_bytes())]) {
        for secret in secrets {
            assert!(!find(&bytes, secret), "{} stands in {place}", String::from_utf8_lossy(secret));
        }
    }
}

/// Every byte under the folder.
fn read(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |file: &std::path::PathBuf| (file.display().to_string(), std::fs::read(file).unwrap());
    // The index's temporary files come and go while it is in use.
    files(folder).unwrap().iter().filter(|file| file.exists()).map(read).collect()
}
