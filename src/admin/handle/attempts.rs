//! Sessions, the attempts that they leave, their jobs and photos, and the review of those that need one.

use std::collections::{HashMap, HashSet};

use super::people::NOT_A_NUMBER;
use super::{Answer, Names};
use crate::admin::reply::{AttemptDetail, AttemptSeen, JobSeen, Picture, Reply, SessionSeen, StageSeen};
use crate::admin::request::{Attempts, Jobs, Part, Review, Sessions};
use crate::admin::{Actor, Desk};
use crate::domain::attempt::{Attempt, AttemptStatus, Settlement};
use crate::domain::audit;
use crate::domain::hex;
use crate::domain::id::Id;
use crate::domain::job::{Job, JobState};
use crate::domain::refusal::{Refusal, Stop};
use crate::domain::user::DocumentNumber;
use crate::service::Service;
use crate::service::attempts::AttemptFilter;
use crate::service::everywhere::Settled;
use crate::service::jobs::JobSeen as Seen;

/// Characters of a reviewer's note, as in the API.
const NOTE_MAX: usize = 2_000;
/// Longest side of a photo shown in a terminal.
const PICTURE_SIDE_MAX: u32 = 800;

pub(super) fn sessions(service: &Service, by: &audit::Actor, command: Sessions) -> Answer {
    let names = Names::of(service)?;
    match command {
        Sessions::List(part) => {
            let account = match names.wanted(part.account.as_deref()) {
                Ok(account) => account,
                Err(why) => return Ok(Reply::Refused(why)),
            };
            let page = service.sessions_anywhere(account, part.cursor, part.limit as usize)?;
            let open = service.sessions_open()?;
            let keys = key_names(service, &page.rows)?;
            let sessions = page.rows.iter().filter_map(|attempt| session_seen(service, attempt, &names, &keys));
            Ok(Reply::Sessions { sessions: sessions.collect(), open, next: page.next })
        }
        Sessions::Show { id } => {
            let attempt = service.attempt(service.account_of_attempt(id)?, id)?.attempt;
            let open = attempt.is_open(service.now());
            let keys = key_names(service, std::slice::from_ref(&attempt))?;
            let seen = session_seen(service, &attempt, &names, &keys).filter(|_| open);
            Ok(seen.map_or_else(|| not_open(id), Reply::Session))
        }
        Sessions::Revoke { id } => match service.revoke_session(by, service.account_of_attempt(id)?, id) {
            Ok(()) => Ok(Reply::SessionRevoked(id)),
            Err(Stop::Refused(Refusal::NoEntity { .. })) => Ok(not_open(id)),
            Err(stop) => Err(stop),
        },
    }
}

fn not_open(id: Id) -> Reply {
    Reply::Refused(format!("the session {id} is not open any more; `twoface attempts show {id}` tells how it ended"))
}

/// What the keys of the attempts' accounts are called.
fn key_names(service: &Service, attempts: &[Attempt]) -> Result<HashMap<Id, String>, Stop> {
    let accounts: HashSet<Id> = attempts.iter().map(|attempt| attempt.account).collect();
    let mut names = HashMap::new();
    for account in accounts {
        names.extend(service.keys(account)?.into_iter().map(|key| (key.id, key.name)));
    }
    Ok(names)
}

fn session_seen(
    service: &Service,
    attempt: &Attempt,
    names: &Names,
    keys: &HashMap<Id, String>,
) -> Option<SessionSeen> {
    let session = attempt.session.as_ref()?;
    Some(SessionSeen {
        id: attempt.id,
        account: names.name(attempt.account),
        kind: attempt.kind,
        created_at: attempt.created_at,
        expires_at: session.expires_at,
        key: session.key.and_then(|key| keys.get(&key).cloned()),
        tries_max: service.config().sessions.tries,
        tries: attempt.tries.clone(),
    })
}

pub(super) fn attempts(service: &Service, by: &audit::Actor, command: Attempts) -> Answer {
    let names = Names::of(service)?;
    match command {
        Attempts::Export { id, to } => {
            let account = service.account_of_attempt(id)?;
            service.export_evidence(account, id, by.clone(), &to).map(Reply::EvidenceExported)
        }
        Attempts::List { status, kind, from, to, document, part } => {
            // What waits for review has an index of its own; with other filters it is one filter among them.
            if status == Some(AttemptStatus::Review)
                && kind.is_none()
                && from.is_none()
                && to.is_none()
                && document.is_none()
            {
                return in_review(service, &names, &part);
            }
            let account = match names.wanted(part.account.as_deref()) {
                Ok(account) => account,
                Err(why) => return Ok(Reply::Refused(why)),
            };
            let document = match document.map(|text| DocumentNumber::parse(&text)) {
                Some(None) => return Ok(Reply::Refused(NOT_A_NUMBER.to_owned())),
                Some(number) => number,
                None => None,
            };
            let filter = AttemptFilter { status, kind, from, to, document };
            let page = service.attempts_anywhere(account, &filter, part.cursor, part.limit as usize)?;
            let attempts = page.rows.iter().map(|(attempt, status)| attempt_seen(attempt, *status, &names));
            Ok(Reply::Attempts { attempts: attempts.collect(), next: page.next })
        }
        Attempts::Show { id } => detail(service, &names, id),
    }
}

fn in_review(service: &Service, names: &Names, part: &Part) -> Answer {
    let account = match names.wanted(part.account.as_deref()) {
        Ok(account) => account,
        Err(why) => return Ok(Reply::Refused(why)),
    };
    let page = service.attempts_in_review(account, part.cursor, part.limit as usize)?;
    let attempts = page.rows.iter().map(|attempt| attempt_seen(attempt, attempt.status, names));
    Ok(Reply::Attempts { attempts: attempts.collect(), next: page.next })
}

pub(super) fn review(service: &Service, actor: &Actor, command: Review) -> Answer {
    let names = Names::of(service)?;
    let (id, settlement, note) = match command {
        Review::List(part) => return in_review(service, &names, &part),
        Review::Open { id } => {
            service.open_review(service.account_of_attempt(id)?, id, &actor.0)?;
            return detail(service, &names, id);
        }
        Review::Approve { id, note } => (id, Settlement::Success, note.note),
        Review::Reject { id, note } => (id, Settlement::Failed, note.note),
        Review::Cancel { id, note } => (id, Settlement::Cancelled, note.note),
    };
    let note = note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    if note.as_ref().is_some_and(|note| note.chars().count() > NOTE_MAX) {
        return Ok(Reply::Refused("a note is at most 2,000 characters".to_owned()));
    }
    Ok(match service.settle(service.account_of_attempt(id)?, id, settlement, note.as_deref(), &actor.0)? {
        Settled::Done => Reply::Settled { attempt: id, status: settlement.status() },
        Settled::NotOpened => Reply::Refused(format!(
            "four eyes are asked for: one administrator opens it (`twoface review open {id}`), another one settles it"
        )),
        Settled::OpenedBy(name) => Reply::Refused(format!(
            "four eyes are asked for: {name} opened it, so another administrator must settle it"
        )),
    })
}

fn detail(service: &Service, names: &Names, id: Id) -> Answer {
    let seen = service.attempt(service.account_of_attempt(id)?, id)?;
    let stages = seen.stages.into_iter().map(|job| stage_seen(service, job, names)).collect();
    let attempt = attempt_seen(&seen.attempt, seen.status, names);
    Ok(Reply::Attempt(Box::new(AttemptDetail { attempt, stages })))
}

fn attempt_seen(attempt: &Attempt, status: AttemptStatus, names: &Names) -> AttemptSeen {
    AttemptSeen {
        id: attempt.id,
        account: names.name(attempt.account),
        kind: attempt.kind,
        status,
        created_at: attempt.created_at,
        updated_at: attempt.updated_at,
        jobs: attempt.tries.values().sum(),
        opened: attempt.opened.clone(),
        review: attempt.review.clone(),
    }
}

pub(super) fn jobs(service: &Service, command: Jobs) -> Answer {
    let names = Names::of(service)?;
    match command {
        Jobs::List { status, part } => {
            let account = match names.wanted(part.account.as_deref()) {
                Ok(account) => account,
                Err(why) => return Ok(Reply::Refused(why)),
            };
            let page = service.jobs_anywhere(account, status, part.cursor, part.limit as usize)?;
            Ok(Reply::Jobs { jobs: page.rows.iter().map(|seen| job_seen(seen, &names)).collect(), next: page.next })
        }
        Jobs::Show { id } => {
            let job = service.job(service.account_of_job(id)?, id)?.job;
            Ok(Reply::Job(Box::new(stage_seen(service, job, &names))))
        }
    }
}

fn job_seen(seen: &Seen, names: &Names) -> JobSeen {
    let (started_at, finished_at) = match &seen.job.state {
        JobState::Queued => (seen.running_since, None),
        JobState::Finished { started_at, finished_at, .. } => (Some(*started_at), Some(*finished_at)),
    };
    JobSeen {
        id: seen.job.id,
        account: names.name(seen.job.account),
        attempt: seen.job.attempt,
        operation: seen.job.name().to_owned(),
        status: seen.status().name().to_owned(),
        created_at: seen.job.created_at,
        started_at,
        finished_at,
        recoveries: seen.job.recoveries,
    }
}

fn stage_seen(service: &Service, job: Job, names: &Names) -> StageSeen {
    let running_since = service.job_running_since(&job);
    let seen = Seen { job, running_since };
    let summary = job_seen(&seen, names);
    let (output, details) = match seen.job.state {
        JobState::Queued => Default::default(),
        JobState::Finished { outcome, .. } => (outcome.output, outcome.details),
    };
    StageSeen { job: summary, parameters: seen.job.parameters, files: seen.job.files, output, details }
}

pub(super) fn picture(desk: &Desk, attempt: Id, file: &str, side: u32) -> Answer {
    let service = &*desk.service;
    let bytes = service.attempt_file(service.account_of_attempt(attempt)?, attempt, file)?;
    let side = side.clamp(1, PICTURE_SIDE_MAX);
    Ok(match (desk.shrink)(&bytes, side) {
        Some((width, height, rgb)) => Reply::Picture(Picture { width, height, rgb: hex::encode(&rgb) }),
        None => Reply::Refused("the file is not a photo that can be shown".to_owned()),
    })
}
