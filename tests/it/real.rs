//! With the models themselves: real photos of real people, and files that are none.

use std::io::Cursor;

use serde_json::{Value, json};

use crate::harness::{Server, message, refusal};

const SELFIE: &[u8] = include_bytes!("../golden/obama_2012_portrait.jpg");
const SAME_PERSON: &[u8] = include_bytes!("../golden/obama_2009_congress.jpg");
const STRANGER: &[u8] = include_bytes!("../golden/grace_hopper.jpg");
const WAIT: &[(&str, &str)] = &[("Prefer", "wait=30")];
const MANY_TRIES: &str = "[sessions]\ntries = 100";

#[test]
fn a_person_is_told_from_a_stranger_and_registered() {
    let server = Server::start_real("");
    let token = server.session();
    let compare = |document: &[u8], face: &[u8]| {
        let reply = server.upload(&token, "/faces/compare", &[("document", document), ("face", face)], WAIT);
        assert_eq!(reply.status, 200, "{}", reply.json());
        server.get(&format!("/jobs/{}", reply.header("x-job-id").unwrap())).result()
    };
    let same = compare(SAME_PERSON, SELFIE);
    let other = compare(STRANGER, SELFIE);
    assert_eq!((&same["status"], &other["status"]), (&json!(2), &json!(3)));
    assert!(same["output"]["result"].as_f64() > Some(80.0) && other["output"]["result"].as_f64() < Some(50.0));
    for job in [&same, &other] {
        let face = &job["details"]["face"]["faces"][0];
        assert!(face["confidence"].as_f64() > Some(0.8), "{face}");
        assert!(face["quality"]["embeddingNorm"].as_f64() > Some(9.2), "{face}");
        assert!(job["details"]["falseMatchRate"].as_f64().is_some());
    }
    assert!(same["details"]["falseMatchRate"].as_f64() < Some(1e-4));
    let attempt = server.close(&token, "SUCCESS").result().as_str().unwrap().to_owned();
    let fields = [("attempt", attempt.as_str()), ("documentId", "R1"), ("documentType", "CEDULA")];
    let user = server.post("/users", &fields);
    assert_eq!(user.status, 200, "{}", user.json());
    assert!(!user.json().to_string().contains("mbedding"), "an enrolled face is never returned");
}

#[test]
fn a_photo_without_a_face_counts_none_and_cannot_be_compared() {
    let server = Server::start_real("");
    let token = server.session();
    let sky = png(600, 400);
    let reply = server.upload(&token, "/faces/detect", &[("file", &sky)], WAIT);
    assert_eq!(reply.json(), json!({ "code": 200, "result": 0 }));
    let files = [("document", sky.as_slice()), ("face", SELFIE)];
    let reply = server.upload(&token, "/faces/compare", &files, WAIT);
    assert_eq!((reply.status, reply.result()["error"].clone()), (422, json!("no_face")));
    assert!(message(&reply).contains("`document`"));
}

#[test]
fn files_that_are_no_photo_end_as_invalid_jobs_with_a_sentence() {
    let server = Server::start_real(MANY_TRIES);
    let token = server.session();
    let jpeg_cut = SELFIE[..SELFIE.len() / 3].to_vec();
    let mut jpeg_broken = SELFIE.to_vec();
    jpeg_broken[2000..6000].fill(0xAA);
    let huge = png_header(30_000, 30_000);
    let gif = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("text", b"this is not a photo".to_vec(), "unknown_format"),
        ("nothing", Vec::new(), "empty_file"),
        ("one byte", vec![0xff], "unknown_format"),
        ("a cut JPEG", jpeg_cut, "damaged_file"),
        ("a JPEG header alone", SELFIE[..4].to_vec(), "damaged_file"),
        ("30,000 × 30,000 PNG", huge, "too_many_pixels"),
        ("an animated GIF", gif.to_vec(), "unknown_format"),
        ("an SVG", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(), "unknown_format"),
        ("a PDF", b"%PDF-1.7\n".to_vec(), "unknown_format"),
        ("a PNG cut in its data", png(300, 300)[..90].to_vec(), "damaged_file"),
    ];
    for (what, bytes, error) in cases {
        let reply = server.upload(&token, "/faces/detect", &[("file", bytes)], WAIT);
        assert_eq!((reply.status, reply.result()["error"].clone()), (422, json!(error)), "{what}: {}", reply.json());
        assert!(message(&reply).contains("`file`"), "{what}: {}", message(&reply));
    }
    // Damage that a decoder may or may not notice ends as a job all the same.
    let reply = server.upload(&token, "/faces/detect", &[("file", jpeg_broken)], WAIT);
    assert!([200, 422].contains(&reply.status));
}

#[test]
fn other_formats_and_a_turned_photo_are_read() {
    let server = Server::start_real(MANY_TRIES);
    let token = server.session();
    let photo = image::load_from_memory(STRANGER).unwrap();
    let encoded = |photo: &image::DynamicImage, format| {
        let mut bytes = Cursor::new(Vec::new());
        photo.to_rgb8().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    let seen = |bytes: Vec<u8>| -> Value {
        let reply = server.upload(&token, "/faces/detect", &[("file", bytes)], WAIT);
        assert_eq!(reply.json(), json!({ "code": 200, "result": 1 }));
        server.get(&format!("/jobs/{}", reply.header("x-job-id").unwrap())).result()["details"]["file"].clone()
    };
    assert_eq!(seen(encoded(&photo, image::ImageFormat::Png))["format"], json!("png"));
    assert_eq!(seen(encoded(&photo, image::ImageFormat::WebP))["format"], json!("webp"));
    for turned in [photo.rotate90(), photo.rotate180(), photo.rotate270()] {
        let turned = encoded(&turned, image::ImageFormat::Jpeg);
        assert_eq!(seen(turned.clone())["format"], json!("jpeg"));
        let files = [("document", turned.as_slice()), ("face", STRANGER)];
        let score = server.upload(&token, "/faces/compare", &files, WAIT).result();
        assert!(score.as_f64() > Some(80.0), "turned, it is still the same person: {score}");
    }
}

#[test]
fn a_body_that_breaks_off_is_no_job() {
    let server = Server::start_real("");
    let token = server.session();
    let body = twoface::client::Body {
        content_type: "multipart/form-data; boundary=x".to_owned(),
        bytes: b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nabc".to_vec(),
    };
    let headers = [("X-Tagshelf-Session", token.as_str())];
    let reply = server.client.call("POST", "/v1/2face/faces/detect", &headers, Some(body)).unwrap();
    assert_eq!(refusal(&reply), (400, "unreadable_body".into()));
    // With a boundary this short some parsers read past the end of a line.
    for bytes in
        [b"\n".to_vec(), b"x\n".to_vec(), b"--\n".to_vec(), b"--x".to_vec(), Vec::new(), b"\r\n\r\n--x--".to_vec()]
    {
        let body = twoface::client::Body { content_type: "multipart/form-data; boundary=x".to_owned(), bytes };
        let reply = server.client.call("POST", "/v1/2face/faces/detect", &headers, Some(body)).unwrap();
        assert_eq!(reply.status, 400);
    }
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let sky = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([(x % 90) as u8, 120, 160 + (y % 80) as u8]));
    sky.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A PNG that claims to be large, with nothing behind the claim.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut small = png(1, 1);
    small[16..20].copy_from_slice(&width.to_be_bytes());
    small[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&small[12..29]);
    small[29..33].copy_from_slice(&crc.to_be_bytes());
    small
}

/// As PNG (ISO/IEC 15948, annex D) computes it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}

const CARD: &[u8] = include_bytes!("../golden/specimens/cedula_2026_front.jpg");
const BACK: &[u8] = include_bytes!("../golden/specimens/cedula_2026_back.jpg");
const PASSPORT: &[u8] = include_bytes!("../golden/specimens/passport.jpg");

/// Asks about a document and waits: the operation's answer and the job.
fn ask(server: &Server, token: &str, path: &str, photo: &[u8], fields: &[(&str, &str)]) -> (Value, Value) {
    let headers = [("X-Tagshelf-Session", token), WAIT[0]];
    let body = twoface::client::Body::multipart(&[("file", "photo.jpg", photo)], fields);
    let reply = server.client.call("POST", &format!("/v1/2face/documents/{path}"), &headers, Some(body)).unwrap();
    let job = server.get(&format!("/jobs/{}", reply.header("x-job-id").unwrap())).result();
    (reply.result(), job)
}

#[test]
fn specimens_are_told_apart_and_their_numbers_confirmed() {
    let server = Server::start_real(MANY_TRIES);
    let token = server.session();
    let documents = [
        (CARD, "CEDULA", "FRONT", "03137488437"),
        (BACK, "CEDULA", "BACK", "001-0814563-2"),
        (PASSPORT, "PASSPORT", "FRONT", "XQ9475455"),
    ];
    for (photo, class, side, number) in documents {
        for asked in [("CEDULA", "FRONT"), ("CEDULA", "BACK"), ("PASSPORT", "FRONT")] {
            let fields = [("documentType", asked.0), ("side", asked.1)];
            let (result, job) = ask(&server, &token, "validate-document-type", photo, &fields);
            assert_eq!(result, json!(asked == (class, side)), "{class} {side}: {}", job["details"]["document"]);
        }
        let identity = |asked: &str| {
            ask(&server, &token, "validate-identity", photo, &[("documentType", class), ("documentId", asked)])
        };
        let (result, job) = identity(number);
        assert_eq!(result, json!(true), "{class} {side}: {}", job["details"]["fields"]["number"]);
        // The last digit but one is another.
        let mut other: Vec<char> = number.chars().collect();
        let at = other.len() - 3;
        other[at] = if other[at] == '7' { '1' } else { '7' };
        assert_eq!(identity(&String::from_iter(other)).0, json!(false), "{class} {side}");
    }
}

#[test]
fn a_specimen_is_read_field_by_field() {
    let server = Server::start_real(MANY_TRIES);
    let token = server.session();
    let (_, job) = ask(&server, &token, "validate-document-type", CARD, &[("documentType", "CEDULA")]);
    let fields = &job["details"]["fields"];
    let expected = [
        ("number", "031-3748843-7"),
        ("givenNames", "DILENIA ESPERANZA"),
        ("surnames", "ACEVEDO POLANCO"),
        ("nationality", "DOMINICANA"),
        ("birthDate", "1958-10-17"),
        ("birthPlace", "LA ROMANA"),
        ("sex", "F"),
        ("expiryDate", "2029-12-20"),
    ];
    for (name, value) in expected {
        assert_eq!(fields[name]["value"], json!(value), "{name}: {fields}");
        assert_eq!(fields[name]["source"], json!("VIZ"));
        assert!(fields[name]["confidence"].as_f64() > Some(0.5), "{name}: {fields}");
    }
    assert_eq!(job["details"]["portrait"]["embedded"], json!(true));
    let (_, job) =
        ask(&server, &token, "validate-document-type", BACK, &[("documentType", "CEDULA"), ("side", "BACK")]);
    let details = &job["details"];
    assert_eq!(details["mrz"]["format"], json!("TD1"));
    assert!(details["mrz"]["checkDigits"].as_array().unwrap().iter().all(|digit| digit["valid"] == json!(true)));
    // No check digit guards a name: where the zone's two readers differ, the value must not be sure. (Ñ and accents are not in
    // the zone's alphabet.)
    let surnames = &details["fields"]["surnames"];
    let is_sure = surnames["confidence"].as_f64() > Some(0.6);
    assert!(surnames["value"] == json!("NINO MEJIA") || !is_sure, "{surnames}");
    println!("{surnames}");
    assert_eq!(details["fields"]["cardSerial"]["value"], json!("TP90557366"));
    assert_eq!(details["fields"]["previousNumber"]["value"], json!("054-3796506-3"));
    let (_, job) = ask(&server, &token, "validate-document-type", PASSPORT, &[("documentType", "PASSPORT")]);
    let number = &job["details"]["fields"]["number"];
    assert_eq!((&number["source"], &number["others"][0]["source"]), (&json!("MRZ"), &json!("VIZ")), "{number}");
    let checks = job["details"]["crossChecks"].as_array().unwrap();
    assert!(checks.len() >= 4 && checks.iter().all(|check| check["agree"] == json!(true)), "{checks:?}");
}
