//! Whether a server still knows everything that a story was told, and nothing that contradicts it.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};
use twoface::client::{Client, Reply};

use super::server::TRIES;
use super::story::{End, Job, Person, Session, Story, Terms};

/// A job found unfinished by so many restarts is given up, and says so.
const RESTARTS_MAX: u64 = 3;
/// How often a job is asked for before it counts as never ending, and how long apart.
const ASKED_MAX: usize = 2000;
const ASKED_EVERY: Duration = Duration::from_millis(30);

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Something acknowledged is not there.
    Lost(String),
    /// Something is there in part, twice, or otherwise than it was told.
    Torn(String),
    /// The server says that it cannot read it.
    Refused(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Lost(what) => write!(f, "LOST: {what}"),
            Fault::Torn(what) => write!(f, "TORN: {what}"),
            Fault::Refused(what) => write!(f, "REFUSED: {what}"),
        }
    }
}

/// Whether unfinished jobs are waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unfinished {
    Wait,
    Leave,
}

/// Asks the server about one story.
pub struct Checker<'a> {
    pub http: &'a Client,
    pub terms: &'a Terms,
    pub unfinished: Unfinished,
}

impl Checker<'_> {
    /// Checks what was used lately and `older` more sessions (all, if there are fewer); the checked number and the faults.
    pub fn story(&self, story: &mut Story, older: usize) -> (u64, Vec<Fault>) {
        let all = story.sessions.len();
        let chosen: BTreeSet<usize> = match older >= all {
            true => (0..all).collect(),
            false => (0..older).map(|_| story.dice.index(all)).collect(),
        };
        let (mut checked, mut faults) = (0, Vec::new());
        let picked = story.dice.below(1000);
        for (index, session) in story.sessions.iter_mut().enumerate() {
            if !session.fresh && !chosen.contains(&index) {
                continue;
            }
            checked += 1;
            if let Err(fault) = self.session(session, picked) {
                faults.push(fault);
            }
        }
        (checked, faults)
    }

    fn session(&self, session: &mut Session, picked: u64) -> Result<(), Fault> {
        self.end(session)?;
        self.person(session)?;
        if let Person::Erased { .. } = session.person {
            session.fresh = false;
            return self.erased(session);
        }
        let mut settled = true;
        for job in &mut session.jobs {
            settled &= self.job(job)?;
        }
        if let End::Closed { attempt, status } = &session.end {
            let record = self.found(&format!("/attempts/{attempt}"))?;
            let stages = record.get("stages").and_then(Value::as_array).cloned().unwrap_or_default();
            if record.get("status") != Some(&json!(status)) {
                return Err(Fault::Torn(format!("attempt {attempt} was closed as {status}: {record}")));
            }
            for job in &session.jobs {
                let mut named = stages.iter().filter(|stage| stage.get("job") == Some(&json!(job.id)));
                let stage = named.next().ok_or_else(|| Fault::Lost(format!("stage of job {} in {attempt}", job.id)))?;
                if named.next().is_some() {
                    return Err(Fault::Torn(format!("job {} is there twice", job.id)));
                }
                stage_fits(stage, job)?;
            }
            session.nameless = count(session, stages.len() as u64)?;
            session.unanswered = 0;
            if let Some(job) = session.jobs.get(usize::try_from(picked).unwrap_or(0) % session.jobs.len().max(1)) {
                self.file(job, &stages)?;
            }
        }
        session.fresh = !settled;
        Ok(())
    }

    /// Whether the session is open, by its token; how many tries were counted tells how many jobs there are.
    fn end(&self, session: &mut Session) -> Result<(), Fault> {
        let token = [("X-Tagshelf-Session", session.token.as_str())];
        // Without a file nothing happens, but the tries are told.
        let reply = self.call("POST", "/faces/detect", &token)?;
        match (reply.status, &session.end) {
            (400, End::Open | End::Closing(_)) => {
                let left = reply.header("x-attempt-retries").and_then(|left| left.parse::<usize>().ok());
                let left = left.ok_or_else(|| Fault::Torn("an open session does not tell its tries".into()))?;
                session.nameless = count(session, TRIES.saturating_sub(left) as u64)?;
                (session.unanswered, session.end) = (0, End::Open);
                Ok(())
            }
            (403, End::Open) => Err(Fault::Lost("an open session".into())),
            (403, End::Closing(_)) => {
                session.end = End::Nameless;
                Ok(())
            }
            (403, _) => Ok(()),
            (400, end) => Err(Fault::Lost(format!("the closing of a session: {end:?}"))),
            _ => Err(unexpected("a session", &reply)),
        }
    }

    /// The user and the number that finds it; what was not answered is settled by looking.
    fn person(&self, session: &mut Session) -> Result<(), Fault> {
        let End::Closed { attempt, .. } = &session.end else { return Ok(()) };
        let (id, document) = match session.person.clone() {
            Person::None => return Ok(()),
            Person::Registering { document } => {
                let Some(user) = self.maybe(&format!("/users/document/{document}"))? else {
                    session.person = Person::None;
                    return Ok(());
                };
                (user.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(), document)
            }
            Person::Erasing { id, document } => {
                if self.maybe(&format!("/users/{id}"))?.is_none() {
                    session.person = Person::Erased { id, document };
                    return Ok(());
                }
                (id, document)
            }
            Person::Registered { id, document } => (id, document),
            Person::Erased { .. } => return Ok(()),
        };
        let by_number = self.found(&format!("/users/document/{document}"))?;
        let by_id = self.found(&format!("/users/{id}"))?;
        let fits = by_id.get("documentId") == Some(&json!(document))
            && by_id.get("attempt") == Some(&json!(attempt))
            && by_id.get("metadata") == Some(&json!({ "document": document }));
        if by_number != by_id || !fits {
            return Err(Fault::Torn(format!("user {id} of {attempt}: {by_id}, by number {by_number}")));
        }
        session.person = Person::Registered { id, document };
        Ok(())
    }

    fn erased(&self, session: &Session) -> Result<(), Fault> {
        let (Person::Erased { id, document }, End::Closed { attempt, .. }) = (&session.person, &session.end) else {
            return Ok(());
        };
        let mut paths =
            vec![format!("/users/{id}"), format!("/users/document/{document}"), format!("/attempts/{attempt}")];
        paths.extend(session.jobs.iter().map(|job| format!("/jobs/{}", job.id)));
        for path in paths {
            if let Some(found) = self.maybe(&path)? {
                return Err(Fault::Lost(format!("the erasure of user {id}: {path} is {found}")));
            }
        }
        Ok(())
    }

    /// Whether the job has ended, as it should.
    fn job(&self, job: &mut Job) -> Result<bool, Fault> {
        let path = format!("/jobs/{}", job.id);
        let known = job.finished.is_some() || job.output.is_some();
        let mut seen = self.found(&path)?;
        for _ in 0..ASKED_MAX {
            if is_finished(&seen) || known || self.unfinished == Unfinished::Leave {
                break;
            }
            twoface::clock::pause(ASKED_EVERY);
            seen = self.found(&path)?;
        }
        if !is_finished(&seen) {
            return match (known, self.unfinished) {
                (true, _) => Err(Fault::Lost(format!("the outcome of job {}: {seen}", job.id))),
                (false, Unfinished::Wait) => Err(Fault::Lost(format!("job {} never ends", job.id))),
                (false, Unfinished::Leave) => Ok(false),
            };
        }
        let output = seen.get("output").cloned().unwrap_or(Value::Null);
        let again = job.finished.as_ref().is_some_and(|told| *told != seen)
            || job.output.as_ref().is_some_and(|told| *told != output);
        if again {
            return Err(Fault::Torn(format!("job {} ended otherwise before: {seen}", job.id)));
        }
        let error = output.pointer("/result/error").and_then(Value::as_str);
        let status = seen.get("status").and_then(Value::as_u64);
        let right = match job.is_photo() {
            true => status == Some(2) && output.get("result") == Some(&json!(1)),
            false => status == Some(4) && error == Some("unknown_format"),
        };
        let given_up = error == Some("interrupted") && job.restarts >= RESTARTS_MAX;
        if !right && !given_up {
            return Err(Fault::Torn(format!("job {} came to {seen} after {} restarts", job.id, job.restarts)));
        }
        job.finished = Some(seen);
        Ok(true)
    }

    /// The file that came with the job, byte for byte.
    fn file(&self, job: &Job, stages: &[Value]) -> Result<(), Fault> {
        let stage = stages.iter().find(|stage| stage.get("job") == Some(&json!(job.id)));
        let path = stage.and_then(|stage| stage.pointer("/input/file/file")).and_then(Value::as_str);
        let path = path.and_then(|path| path.strip_prefix("/v1/2face"));
        let path = path.ok_or_else(|| Fault::Torn(format!("job {} names no file", job.id)))?;
        let reply = self.call("GET", path, &[("Authorization", &self.terms.key)])?;
        match reply.status {
            200 if reply.body == job.sent => Ok(()),
            200 => Err(Fault::Torn(format!("the file of job {} has other bytes", job.id))),
            404 => Err(Fault::Lost(format!("the file of job {}", job.id))),
            _ => Err(unexpected(path, &reply)),
        }
    }

    /// All users, compared with all that the stories know.
    pub fn users(&self, stories: &[Story]) -> Result<u64, Fault> {
        let known = stories.iter().flat_map(|story| &story.sessions).filter_map(|session| match &session.person {
            Person::Registered { id, .. } => Some(id.clone()),
            _ => None,
        });
        let known: BTreeSet<String> = known.collect();
        let mut listed = BTreeSet::new();
        let mut path = "/users".to_owned();
        loop {
            let page = self.found(&path)?;
            let users = page.get("users").and_then(Value::as_array).cloned().unwrap_or_default();
            let ids = users.iter().filter_map(|user| user.get("id").and_then(Value::as_str));
            listed.extend(ids.map(str::to_owned));
            match page.get("next").and_then(Value::as_str) {
                Some(next) => path = format!("/users?cursor={next}"),
                None => break,
            }
        }
        if let Some(missing) = known.difference(&listed).next() {
            return Err(Fault::Lost(format!("user {missing} in the list of users")));
        }
        match listed.difference(&known).next() {
            Some(strange) => Err(Fault::Torn(format!("user {strange} is listed, but nobody registered it"))),
            None => Ok(listed.len() as u64),
        }
    }

    fn found(&self, path: &str) -> Result<Value, Fault> {
        self.maybe(path)?.ok_or_else(|| Fault::Lost(path.to_owned()))
    }

    fn maybe(&self, path: &str) -> Result<Option<Value>, Fault> {
        let reply = self.call("GET", path, &[("Authorization", &self.terms.key)])?;
        match reply.status {
            200 => Ok(Some(reply.result())),
            404 => Ok(None),
            403 => Err(Fault::Lost("the API key".into())),
            _ => Err(unexpected(path, &reply)),
        }
    }

    fn call(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<Reply, Fault> {
        let reply = self.http.call(method, &format!("/v1/2face{path}"), headers, None);
        reply.map_err(|error| Fault::Refused(format!("{method} {path}: {error}")))
    }
}

fn is_finished(seen: &Value) -> bool {
    seen.get("status").and_then(Value::as_u64).is_some_and(|status| status >= 2)
}

/// How many of the unanswered submissions have happened, if there are `there` jobs in all.
fn count(session: &Session, there: u64) -> Result<u64, Fault> {
    let told = session.jobs.len() as u64 + session.nameless;
    match there {
        _ if there < told => Err(Fault::Lost(format!("{told} jobs were counted, {there} are left"))),
        _ if there > told + session.unanswered => {
            Err(Fault::Torn(format!("{told} jobs were told and {} not, but {there} are there", session.unanswered)))
        }
        _ => Ok(there - session.jobs.len() as u64),
    }
}

fn stage_fits(stage: &Value, job: &Job) -> Result<(), Fault> {
    let digest = stage.pointer("/input/file/sha256").and_then(Value::as_str) == Some(&job.digest());
    let output = stage.pointer("/result/output");
    let ended = job.finished.as_ref().is_none_or(|seen| seen.get("output") == output);
    if digest && ended { Ok(()) } else { Err(Fault::Torn(format!("stage of job {}: {stage}", job.id))) }
}

fn unexpected(what: &str, reply: &Reply) -> Fault {
    Fault::Refused(format!("{what} was answered {}: {}", reply.status, reply.json()))
}
