//! What one client did and what it was told: the oracle.
//!
//! A client does one thing at a time, and stops when no answer comes: then the last thing may or may not have happened, and
//! both are right. Everything that was answered with 200 must be there from then on.

use serde_json::{Value, json};
use twoface::client::{Body, Client, Reply};
use twoface::crypto::sha256;
use twoface::domain::hex;

use super::dice::Dice;

const PHOTO: &[u8] = include_bytes!("../golden/hopper_128.png");
const JOBS_PER_SESSION: usize = 6;
/// A client goes on with one of its latest sessions.
const RECENT: usize = 8;

/// Whose key is used, and how strict the server is judged.
#[derive(Clone, Debug)]
pub struct Terms {
    pub key: String,
    /// Whether the disk may fail under the server: an answer 500 then means that nobody knows, as no answer does.
    pub disk_fails: bool,
}

/// All that one client did, and what it was told.
#[derive(Clone, Debug)]
pub struct Story {
    pub client: u64,
    pub dice: Dice,
    pub sessions: Vec<Session>,
    /// Effects that were acknowledged.
    pub acknowledged: u64,
    made: u64,
}

#[derive(Clone, Debug)]
pub struct Session {
    pub token: String,
    pub end: End,
    pub jobs: Vec<Job>,
    /// Submissions to which no answer came.
    pub unanswered: u64,
    /// Of those, how many have happened after all.
    pub nameless: u64,
    pub person: Person,
    /// Used, or not settled, since the last check.
    pub fresh: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Open,
    /// Asked, not answered.
    Closing(&'static str),
    Closed {
        attempt: String,
        status: &'static str,
    },
    /// Closed, but the attempt's id was in the answer that never came.
    Nameless,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Person {
    None,
    Registering { document: String },
    Registered { id: String, document: String },
    Erasing { id: String, document: String },
    Erased { id: String, document: String },
}

#[derive(Clone, Debug)]
pub struct Job {
    pub id: String,
    pub sent: Vec<u8>,
    /// The output, once it was told.
    pub output: Option<Value>,
    /// The whole answer, once it was seen finished: it never changes again.
    pub finished: Option<Value>,
    /// Restarts that it may have been found unfinished by.
    pub restarts: u64,
}

impl Job {
    pub fn is_photo(&self) -> bool {
        self.sent == PHOTO
    }

    pub fn digest(&self) -> String {
        hex::encode(&sha256(&self.sent))
    }
}

/// What became of a request.
enum Told {
    Done(Reply),
    /// Refused for the moment; nothing has happened.
    Refused,
    /// Nobody knows whether it has happened.
    Nothing,
}

impl Story {
    pub fn new(client: u64, seed: u64) -> Story {
        let dice = Dice::new(seed.wrapping_mul(1000).wrapping_add(client));
        Story { client, dice, sessions: Vec::new(), acknowledged: 0, made: 0 }
    }

    /// Does up to `steps` things, until no answer comes. An error is an answer that contradicts what was told before.
    pub fn live(&mut self, http: &Client, terms: &Terms, steps: usize) -> Result<(), String> {
        for _ in 0..steps {
            let goes_on = match self.sessions.len() {
                0 => self.open(http, terms)?,
                _ if self.dice.percent(20) => self.open(http, terms)?,
                length => {
                    let back = self.dice.index(length.min(RECENT)) + 1;
                    self.go_on(http, terms, length - back)?
                }
            };
            if !goes_on {
                return Ok(());
            }
        }
        Ok(())
    }

    fn open(&mut self, http: &Client, terms: &Terms) -> Result<bool, String> {
        let body = Body::json(&json!({ "type": "SIGNUP" }));
        match ask(http, terms, "POST", "/session", &[("Authorization", &terms.key)], Some(body))? {
            Told::Done(reply) => {
                let (token, end, person) = (word(&reply.result())?, End::Open, Person::None);
                let jobs = Vec::new();
                self.sessions.push(Session { token, end, jobs, unanswered: 0, nameless: 0, person, fresh: true });
                self.acknowledged += 1;
                Ok(true)
            }
            Told::Refused => Ok(true),
            // Its token is unknown, so nobody will ever use it.
            Told::Nothing => Ok(false),
        }
    }

    fn go_on(&mut self, http: &Client, terms: &Terms, index: usize) -> Result<bool, String> {
        let choice = self.dice.below(100);
        let Some(session) = self.sessions.get(index) else { return Ok(true) };
        match (&session.end, &session.person) {
            (End::Open, _) if session.jobs.len() < JOBS_PER_SESSION && choice < 60 => self.submit(http, terms, index),
            (End::Open, _) => self.close(http, terms, index),
            (End::Closed { status: "SUCCESS", .. }, Person::None) => self.register(http, terms, index),
            (_, Person::Registered { .. }) if choice < 40 => self.erase(http, terms, index),
            (_, Person::Erased { .. }) | (End::Nameless, _) => self.open(http, terms),
            _ => self.look(http, terms, index),
        }
    }

    fn submit(&mut self, http: &Client, terms: &Terms, index: usize) -> Result<bool, String> {
        let (photo, waits) = (self.dice.percent(12), self.dice.percent(30));
        self.made += 1;
        let text = format!("no photo {}-{} ", self.client, self.made);
        let sent = if photo { PHOTO.to_vec() } else { text.repeat(1 + self.dice.index(40)).into_bytes() };
        let Some(session) = self.sessions.get_mut(index) else { return Ok(true) };
        session.fresh = true;
        let token = session.token.clone();
        let mut headers = vec![("X-Tagshelf-Session", token.as_str())];
        if waits {
            headers.push(("Prefer", "wait=30"));
        }
        let body = Body::multipart(&[("file", "photo.png", &sent)], &[]);
        match ask(http, terms, "POST", "/faces/detect", &headers, Some(body))? {
            Told::Done(reply) => {
                let id = reply.header("x-job-id").ok_or("an accepted job has no X-Job-Id")?.to_owned();
                let output = reply.header("preference-applied").map(|_| reply.json());
                session.jobs.push(Job { id, sent, output, finished: None, restarts: 0 });
                self.acknowledged += 1;
                Ok(true)
            }
            Told::Refused => Ok(true),
            Told::Nothing => {
                session.unanswered += 1;
                Ok(false)
            }
        }
    }

    fn close(&mut self, http: &Client, terms: &Terms, index: usize) -> Result<bool, String> {
        let statuses = ["SUCCESS", "SUCCESS", "SUCCESS", "FAILED", "REVIEW"];
        let status = statuses.get(self.dice.index(statuses.len())).copied().unwrap_or("FAILED");
        let Some(session) = self.sessions.get_mut(index) else { return Ok(true) };
        session.fresh = true;
        let body = Body::form(&[("status", status)]);
        let headers = [("X-Tagshelf-Session", session.token.as_str())];
        match ask(http, terms, "POST", "/session/close", &headers, Some(body))? {
            Told::Done(reply) => {
                session.end = End::Closed { attempt: word(&reply.result())?, status };
                self.acknowledged += 1;
                Ok(true)
            }
            Told::Refused => Ok(true),
            Told::Nothing => {
                session.end = End::Closing(status);
                Ok(false)
            }
        }
    }

    fn register(&mut self, http: &Client, terms: &Terms, index: usize) -> Result<bool, String> {
        self.made += 1;
        let document = format!("CR{:04}N{:08}", self.client, self.made);
        let Some(session) = self.sessions.get_mut(index) else { return Ok(true) };
        let End::Closed { attempt, .. } = &session.end else { return Ok(true) };
        session.fresh = true;
        let body = Body::json(&json!({
            "attempt": attempt, "documentId": document, "documentType": "CEDULA", "metadata": { "document": document },
        }));
        match ask(http, terms, "POST", "/users", &[("Authorization", &terms.key)], Some(body))? {
            Told::Done(reply) => {
                session.person =
                    Person::Registered { id: word(reply.result().get("id").unwrap_or(&Value::Null))?, document };
                self.acknowledged += 1;
                Ok(true)
            }
            Told::Refused => Ok(true),
            Told::Nothing => {
                session.person = Person::Registering { document };
                Ok(false)
            }
        }
    }

    fn erase(&mut self, http: &Client, terms: &Terms, index: usize) -> Result<bool, String> {
        let Some(session) = self.sessions.get_mut(index) else { return Ok(true) };
        let Person::Registered { id, document } = session.person.clone() else { return Ok(true) };
        session.fresh = true;
        match ask(http, terms, "DELETE", &format!("/users/{id}"), &[("Authorization", &terms.key)], None)? {
            Told::Done(_) => {
                session.person = Person::Erased { id, document };
                self.acknowledged += 1;
                Ok(true)
            }
            Told::Refused => Ok(true),
            Told::Nothing => {
                session.person = Person::Erasing { id, document };
                Ok(false)
            }
        }
    }

    /// Reads one of the jobs: what was seen finished counts as told.
    fn look(&mut self, http: &Client, terms: &Terms, index: usize) -> Result<bool, String> {
        let Some(session) = self.sessions.get_mut(index) else { return Ok(true) };
        let chosen = self.dice.index(session.jobs.len());
        let Some(job) = session.jobs.get_mut(chosen) else { return self.open(http, terms) };
        match ask(http, terms, "GET", &format!("/jobs/{}", job.id), &[("Authorization", &terms.key)], None)? {
            Told::Done(reply) if reply.result().get("status").and_then(Value::as_u64) >= Some(2) => {
                job.finished.get_or_insert(reply.result());
                Ok(true)
            }
            Told::Done(_) | Told::Refused => Ok(true),
            Told::Nothing => Ok(false),
        }
    }
}

/// Sends one request that has every right to succeed.
fn ask(
    http: &Client,
    terms: &Terms,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<Body>,
) -> Result<Told, String> {
    let Ok(reply) = http.call(method, &format!("/v1/2face{path}"), headers, body) else { return Ok(Told::Nothing) };
    match reply.status {
        200 => Ok(Told::Done(reply)),
        // A job that was waited for and could not be examined.
        422 if reply.header("preference-applied").is_some() => Ok(Told::Done(reply)),
        503 => Ok(Told::Refused),
        500 if terms.disk_fails => Ok(Told::Nothing),
        status => Err(format!("{method} {path} was answered {status}: {}", reply.json())),
    }
}

fn word(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("a word was expected, not {value}"))
}
