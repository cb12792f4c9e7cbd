//! A real TLS server on a free port over a temporary store, with a scripted examiner and a clock that tests move.
//!
//! When a server is dropped it must have no unfinished job left, and nothing that was secret or personal in this test may
//! stand in the log.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, Once};
use std::time::Duration;

use serde_json::{Value, json};
use twoface::client::{Body, Client, Reply};
use twoface::clock::Clock;
use twoface::config::Config;
use twoface::domain::account::Retention;
use twoface::domain::audit::Actor;
use twoface::domain::clip::ClipExamined;
use twoface::domain::document::DocumentSeen;
use twoface::domain::evidence::{
    Box2, Comparison, Embedder, Embedding, Examiner, FaceEmbedded, FaceSeen, Landmarks, ModelUsed, PhotoSeen, Point,
    StepTimes, Unusable, UnusableReason,
};
use twoface::domain::id::Id;
use twoface::domain::key::KeyTerms;
use twoface::domain::refusal::Stop;
use twoface::domain::score::{Cosine, Knot, ScoreTable};
use twoface::domain::time::Timestamp;
use twoface::domain::user::DocumentNumber;
use twoface::server::{self, Running};
use twoface::service::Service;
use twoface::service::erasure::Erased;
use twoface::service::retention::Mode;
use twoface::vision::Engine;
use twoface::vision::clip::Settings;

use crate::documented::Checked;
use crate::script;

/// 2022-05-09T03:32:11.748Z, the contract's own example.
pub const START: Timestamp = Timestamp::from_millis(1_652_067_131_748);

pub struct Server {
    /// Holds every answer against the OpenAPI document.
    pub client: Checked,
    pub clock: Clock,
    pub key: String,
    pub gate: Arc<Gate>,
    running: Option<Running>,
    _folder: tempfile::TempDir,
    secrets: Mutex<Vec<String>>,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// `settings` is laid over the test configuration.
    pub fn start_with(settings: &str) -> Self {
        let gate = Arc::new(Gate::default());
        Self::start_examining(settings, Arc::new(Script::new(&gate, Embedder::FIRST)), gate)
    }

    /// With the models themselves instead of a script.
    pub fn start_real(settings: &str) -> Self {
        // The worker that decodes clips is the program's, not this test's.
        let clips = Settings { program: env!("CARGO_BIN_EXE_twoface").into(), ..Settings::default() };
        Self::start_examining(settings, Arc::new(Engine::load().unwrap().with_clips(clips)), Arc::default())
    }

    fn start_examining(settings: &str, examiner: Arc<dyn Examiner>, gate: Arc<Gate>) -> Self {
        capture_log();
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::parse(settings, std::iter::empty()).unwrap();
        config.server.listen = "127.0.0.1:0".parse().unwrap();
        config.data.dir = folder.path().join("store");
        let clock = Clock::manual(START);
        let running = server::start(config, clock.clone(), examiner).unwrap();
        let account = running.service.account_named("test").unwrap();
        let (_, key) = running.service.create_key(&Actor::System, account.id, "test", KeyTerms::default()).unwrap();
        let client = client_of(&running);
        let secrets = Mutex::new(vec![key.clone()]);
        Self { client, clock, key, gate, running: Some(running), _folder: folder, secrets }
    }

    /// Stops, and starts again with faces embedded by another network.
    pub fn upgrade(&mut self, embedder: Embedder) {
        let running = self.running.take().unwrap();
        let config = running.service.config().clone();
        running.stop();
        let examiner = Arc::new(Script::new(&self.gate, embedder));
        let running = server::start(config, self.clock.clone(), examiner).unwrap();
        self.client = client_of(&running);
        self.running = Some(running);
    }

    /// Where /metrics is answered, if it is.
    pub fn metrics(&self) -> Option<std::net::SocketAddr> {
        self.running.as_ref().unwrap().metrics
    }

    pub fn address(&self) -> std::net::SocketAddr {
        self.running.as_ref().unwrap().address
    }

    /// Another account's key.
    pub fn stranger_key(&self) -> String {
        let service = &self.running.as_ref().unwrap().service;
        let account = service.account_named("stranger").unwrap();
        service.create_key(&Actor::System, account.id, "stranger", KeyTerms::default()).unwrap().1
    }

    /// Another key of the same account: its id and secret.
    pub fn make_key(&self, terms: KeyTerms) -> (Id, String) {
        let service = &self.running.as_ref().unwrap().service;
        let account = service.account_named("test").unwrap();
        let (record, secret) = service.create_key(&Actor::System, account.id, "another", terms).unwrap();
        self.keep_secret(&secret);
        (record.id, secret)
    }

    pub fn rotate_key(&self, key: Id, overlap: Duration) -> String {
        let secret = self.running.as_ref().unwrap().service.rotate_key(&Actor::System, key, overlap).unwrap().1;
        self.keep_secret(&secret);
        secret
    }

    /// As written down now.
    pub fn last_use(&self, key: Id) -> Option<Timestamp> {
        let service = &self.running.as_ref().unwrap().service;
        service.write_key_uses().unwrap();
        let account = service.account_named("test").unwrap();
        service.keys(account.id).unwrap().into_iter().find(|one| one.id == key).unwrap().last_used_at
    }

    pub fn revoke(&self, key_named: &str) {
        let service = &self.running.as_ref().unwrap().service;
        let account = service.account_named("test").unwrap();
        let key = service.keys(account.id).unwrap().into_iter().find(|key| key.name == key_named).unwrap();
        service.revoke_key(&Actor::System, key.id).unwrap();
    }

    /// What the administrator may do beside the API.
    pub fn service(&self) -> &Service {
        &self.running.as_ref().unwrap().service
    }

    /// The account of the test's key.
    pub fn account(&self) -> Id {
        self.service().account_named("test").unwrap().id
    }

    pub fn expire_sessions(&self) -> usize {
        self.running.as_ref().unwrap().service.expire_sessions().unwrap()
    }

    /// What an administrator asks for.
    pub fn administer(&self, request: twoface::admin::Request) -> twoface::admin::Reply {
        let socket = self._folder.path().join("store/admin.sock");
        twoface::admin::link::ask(&socket, &request, Duration::from_secs(60)).unwrap().unwrap()
    }

    pub fn certificate_file(&self) -> std::path::PathBuf {
        self._folder.path().join("store/certificate.pem")
    }

    pub fn sweep_replays(&self) -> usize {
        self.running.as_ref().unwrap().service.sweep_replays().unwrap()
    }

    pub fn sweep_events(&self) -> usize {
        self.running.as_ref().unwrap().service.sweep_events().unwrap()
    }

    /// Sets the days that photos and attempts are kept.
    pub fn keep_for(&self, photos_days: Option<u32>, attempts_days: Option<u32>) {
        let service = &self.running.as_ref().unwrap().service;
        let account = service.account_named("test").unwrap();
        service
            .set_retention(&Actor::System, account.id, Retention { photos_days, clips_days: None, attempts_days })
            .unwrap();
    }

    /// Applies retention after a preview that must count the same: photos and attempts.
    pub fn sweep(&self) -> (u64, u64) {
        let service = &self.running.as_ref().unwrap().service;
        let preview = service.sweep_retention(&Actor::System, Mode::Preview).unwrap();
        let swept = service.sweep_retention(&Actor::System, Mode::Remove).unwrap();
        assert_eq!(preview, swept);
        (swept.photos, swept.attempts)
    }

    /// Erases all that is known of a number, as the command line does.
    pub fn erase_document(&self, number: &DocumentNumber) -> Result<Erased, Stop> {
        self.running.as_ref().unwrap().service.erase_document(&Actor::System, number)
    }

    /// Tells the harness of a word that the log must not contain.
    pub fn keep_secret(&self, word: &str) {
        self.secrets.lock().unwrap().push(word.to_owned());
    }

    pub fn get(&self, path: &str) -> Reply {
        self.get_as(&self.key, path)
    }

    pub fn get_as(&self, key: &str, path: &str) -> Reply {
        self.client.call("GET", &format!("/v1/2face{path}"), &[("Authorization", key)], None).unwrap()
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.client.call("DELETE", &format!("/v1/2face{path}"), &[("Authorization", &self.key)], None).unwrap()
    }

    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let key = [("Authorization", self.key.as_str())];
        self.client.call("POST", &format!("/v1/2face{path}"), &key, Some(Body::form(fields))).unwrap()
    }

    pub fn post_json(&self, path: &str, body: &Value) -> Reply {
        let key = [("Authorization", self.key.as_str())];
        self.client.call("POST", &format!("/v1/2face{path}"), &key, Some(Body::json(body))).unwrap()
    }

    /// A session's token.
    pub fn session(&self) -> String {
        let reply = self.post("/session", &[("type", "SIGNUP")]);
        assert_eq!(reply.status, 200, "{}", reply.json());
        let token = reply.result().as_str().unwrap().to_owned();
        self.keep_secret(&token);
        token
    }

    /// A POST with files in an open session.
    pub fn upload(
        &self,
        token: &str,
        path: &str,
        files: &[(&str, impl AsRef<[u8]>)],
        headers: &[(&str, &str)],
    ) -> Reply {
        let files: Vec<(&str, &str, &[u8])> =
            files.iter().map(|(field, content)| (*field, "photo.jpg", content.as_ref())).collect();
        let headers = [&[("X-Tagshelf-Session", token)], headers].concat();
        self.client.call("POST", &format!("/v1/2face{path}"), &headers, Some(Body::multipart(&files, &[]))).unwrap()
    }

    /// Compares and waits: the operation's own answer.
    pub fn compare(&self, token: &str, cosine: &str) -> Reply {
        let files = [("document", "portrait"), ("face", cosine)];
        self.upload(token, "/faces/compare", &files, &[("Prefer", "wait=30")])
    }

    pub fn close(&self, token: &str, status: &str) -> Reply {
        let headers = [("X-Tagshelf-Session", token)];
        self.client.call("POST", "/v1/2face/session/close", &headers, Some(Body::form(&[("status", status)]))).unwrap()
    }

    /// An attempt closed as SUCCESS after a succeeded compare.
    pub fn successful_attempt(&self) -> String {
        let token = self.session();
        assert_eq!(self.compare(&token, "cosine 0.8").status, 200);
        self.close(&token, "SUCCESS").result().as_str().unwrap().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.gate.open();
        let Some(running) = self.running.take() else { return };
        let service = Arc::clone(&running.service);
        let idle = (0..1200).any(|_| {
            let done = service.jobs_unfinished() == 0;
            if !done {
                twoface::clock::pause(Duration::from_millis(25));
            }
            done
        });
        running.stop();
        if std::thread::panicking() {
            return;
        }
        assert!(idle, "jobs were left unfinished");
        let log = String::from_utf8_lossy(&LOG.lock().unwrap()).into_owned();
        for secret in self.secrets.lock().unwrap().iter() {
            assert!(!log.contains(secret.as_str()), "{secret:?} stands in the log");
        }
    }
}

fn client_of(running: &Running) -> Checked {
    let certificate = std::fs::read_to_string(running.service.config().data.dir.join("certificate.pem")).unwrap();
    Checked(Client::new(&format!("https://{}", running.address), &certificate).unwrap())
}

/// The scripted examiner by itself, for servers that a test starts in its own way.
pub fn examiner() -> Arc<dyn Examiner> {
    capture_log();
    Arc::new(Script::new(&Arc::default(), Embedder::FIRST))
}

/// Holds up photos that say `wait` until it is opened.
#[derive(Default)]
pub struct Gate {
    open: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    pub fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.changed.notify_all();
    }

    fn pass(&self) {
        let guard = self.open.lock().unwrap();
        drop(self.changed.wait_timeout_while(guard, Duration::from_secs(30), |open| !*open).unwrap());
    }
}

/// Examines "photos" whose text says what is to be seen: `faces 2`, `cosine 0.8`, `no face`, `damaged`, `panic`, `wait …`.
struct Script {
    gate: Arc<Gate>,
    scores: ScoreTable,
    embedder: Embedder,
}

impl Script {
    fn new(gate: &Arc<Gate>, embedder: Embedder) -> Self {
        Self { gate: Arc::clone(gate), scores: scores(), embedder }
    }

    /// The face that is named, from this script's embedder where the text names no other.
    fn face(&self, text: &str) -> Embedding {
        let face = script::face(text);
        let by = if face.by == Embedder::FIRST { self.embedder } else { face.by };
        Embedding { by, ..face }
    }

    fn look(&self, field: &'static str, file: &[u8]) -> Result<PhotoSeen, Unusable> {
        let text = std::str::from_utf8(file).unwrap_or("damaged");
        let text = match text.strip_prefix("wait ") {
            Some(rest) => {
                self.gate.pass();
                rest
            }
            None => text,
        };
        let refuse = |why| Err(Unusable { field, why });
        match text {
            "" => refuse(UnusableReason::Empty),
            "damaged" => refuse(UnusableReason::Damaged),
            "panic" => panic!("as the script says"),
            _ => Ok(photo(text.strip_prefix("faces ").map_or(1, |count| count.parse().unwrap()))),
        }
    }
}

impl Examiner for Script {
    fn detect_faces(&self, file: &[u8]) -> Result<PhotoSeen, Unusable> {
        self.look("file", file)
    }

    fn compare_faces(&self, document: &[u8], face: &[u8]) -> Result<Comparison, Unusable> {
        let document = self.look("document", document)?;
        let seen = self.look("face", face)?;
        let text = String::from_utf8_lossy(face);
        let text = text.trim_start_matches("wait ");
        if text == "no face" {
            return Err(Unusable { field: "face", why: UnusableReason::NoFace });
        }
        let number = text.strip_prefix("cosine ").and_then(|rest| rest.split(' ').next());
        let cosine = number.map_or(0.9, |number| number.parse().unwrap());
        Ok(Comparison {
            cosine: Cosine(cosine),
            document,
            face: seen,
            face_embedding: self.face(text),
            milliseconds: StepTimes::default(),
        })
    }

    fn embed_face(&self, face: &[u8]) -> Result<FaceEmbedded, Unusable> {
        let photo = self.look("face", face)?;
        let text = String::from_utf8_lossy(face);
        if text == "no face" {
            return Err(Unusable { field: "face", why: UnusableReason::NoFace });
        }
        Ok(FaceEmbedded { photo, embedding: self.face(&text), milliseconds: StepTimes::default() })
    }

    fn examine_document(&self, file: &[u8], _: Timestamp) -> Result<DocumentSeen, Unusable> {
        self.look("file", file)?;
        Ok(script::document(std::str::from_utf8(file).unwrap()))
    }

    fn examine_clip(&self, clip: &[u8]) -> Result<ClipExamined, Unusable> {
        crate::clips::scripted(clip)
    }

    fn warm_up(&self) -> Result<(), String> {
        Ok(())
    }

    fn models(&self) -> &[ModelUsed] {
        &[]
    }

    fn embedder(&self) -> Embedder {
        self.embedder
    }

    fn document_scores(&self) -> &ScoreTable {
        &self.scores
    }

    fn photo_scores(&self) -> &ScoreTable {
        &self.scores
    }
}

fn photo(face_count: usize) -> PhotoSeen {
    let point = Point { x: 1.0, y: 2.0 };
    let face = FaceSeen {
        r#box: Box2 { x: 1.0, y: 2.0, width: 30.0, height: 40.0 },
        landmarks: Landmarks {
            right_eye: point,
            left_eye: point,
            nose: point,
            right_mouth_corner: point,
            left_mouth_corner: point,
        },
        confidence: 0.9,
        quality: None,
        liveness: None,
    };
    PhotoSeen {
        format: "jpeg".to_owned(),
        width: 100,
        height: 100,
        rotation_degrees: 0,
        face_count,
        faces: vec![face; face_count],
    }
}

/// Round numbers: FMR 1e-3 at 0.3, 1e-4 at 0.4, 1e-5 at 0.5.
fn scores() -> ScoreTable {
    let knot = |cosine, fmr, score| Knot { cosine, fmr, score, extrapolated: false };
    let knots = vec![
        knot(-1.0, 1.0, 0.0),
        knot(0.3, 1e-3, 50.0),
        knot(0.4, 1e-4, 65.0),
        knot(0.5, 1e-5, 80.0),
        knot(1.0, 1e-9, 100.0),
    ];
    ScoreTable::try_from(knots).unwrap()
}

/// The error slug of a refusal, checked to be in the contract's shape.
pub fn refusal(reply: &Reply) -> (u16, String) {
    let json = reply.json();
    assert_eq!(json["code"], json!(reply.status), "{json}");
    assert_eq!(json["result"]["requestId"].as_str(), reply.header("x-request-id"), "{json}");
    assert!(json["result"]["msg"].as_str().is_some_and(|msg| !msg.is_empty()), "{json}");
    (reply.status, json["result"]["error"].as_str().unwrap().to_owned())
}

pub fn message(reply: &Reply) -> String {
    reply.result()["msg"].as_str().unwrap_or_default().to_owned()
}

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Captured;

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn capture_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(|| Captured);
        log.init();
    });
}
