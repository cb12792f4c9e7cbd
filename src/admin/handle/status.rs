//! How the server is, with warnings first. Nothing here names a person.

use super::Answer;
use super::keys;
use crate::admin::reply::{
    CertificateSeen, JobsSeen, OperationSeen, PercentilesSeen, Reply, RequestsSeen, StatusSeen, Warning,
};
use crate::admin::{Actor, Desk};
use crate::domain::time::Timestamp;
use crate::service::statistics::{Figures, OperationFigures, Percentiles, Second};

const DAY_SECONDS: i64 = 86_400;
/// A certificate is to be renewed when it ends within this many days.
const CERTIFICATE_DAYS_MIN: i64 = 30;
/// Clients are to be given a new key when theirs ends within this many days.
const KEY_DAYS_MIN: i64 = 14;
const BACKUP_DAYS_MAX: i64 = 7;
/// Less than a tenth of the disk, or than this, is little.
const DISK_FREE_MIN: u64 = 1 << 30;
/// Seconds shown one by one, and those that a rate is the mean of.
const SECONDS_SHOWN: usize = 60;
const SECONDS_MEAN: usize = 10;

pub(super) fn status(desk: &Desk, actor: &Actor) -> Answer {
    let service = &*desk.service;
    let config = service.config();
    let now = service.now();
    let figures = service.statistics().figures(now);
    let (waiting, running) = service.jobs_waiting_and_running();
    let disk = rustix::fs::statvfs(&config.data.dir).ok();
    let keys = keys::list(service)?;
    let mut seen = StatusSeen {
        warnings: Vec::new(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        now,
        started_at: desk.started_at,
        ready: service.is_ready(),
        address: desk.serving.as_ref().map(|serving| serving.address.to_string()),
        certificate: certificate(desk, now),
        administrator: actor.0.clone(),
        four_eyes: config.admin.four_eyes,
        requests: requests(&figures),
        jobs: JobsSeen {
            waiting,
            running,
            queue_max: config.jobs.queue_max,
            workers: config.workers(),
            waited: figures.waited.map(percentiles),
            ..jobs(&figures)
        },
        operations: operations(&figures),
        memory_bytes: resident_bytes(),
        disk_free_bytes: disk.as_ref().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
        disk_bytes: disk.as_ref().map(|disk| disk.f_blocks.saturating_mul(disk.f_frsize)),
        store_writable: !service.is_store_stopped(),
        sessions_open: service.sessions_open()?,
        reviews_waiting: service.reviews_waiting()?,
        accounts: service.accounts()?.len(),
        keys_live: keys.iter().filter(|key| key.live).count(),
        faces_not_searched: service.faces_not_searched(),
        last_backup_at: service.last_backup_at(),
    };
    seen.warnings = warnings(&seen);
    let ends = keys.iter().filter(|key| key.live).filter_map(|key| Some((key, key.expires_at?)));
    seen.warnings.extend(ends.filter_map(|(key, end)| {
        let days = days_between(now, end);
        (days < KEY_DAYS_MIN).then(|| Warning::KeyEnds { key: format!("{} ({})", key.name, key.account), days })
    }));
    Ok(Reply::Status(Box::new(seen)))
}

fn certificate(desk: &Desk, now: Timestamp) -> Option<CertificateSeen> {
    let certificate = desk.serving.as_ref()?.certificate.as_ref()?();
    Some(CertificateSeen {
        days_left: certificate.ends_at.map(|end| days_between(now, end)),
        fingerprint: certificate.fingerprint,
        self_signed: certificate.self_signed,
        ends_at: certificate.ends_at,
    })
}

/// The worst first.
fn warnings(seen: &StatusSeen) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let served = seen.address.is_some();
    if !seen.store_writable {
        warnings.push(Warning::StoreStopped);
    }
    if !served {
        warnings.push(Warning::Offline);
    } else if !seen.ready {
        warnings.push(Warning::NotReady);
    }
    match seen.certificate.as_ref().and_then(|certificate| certificate.days_left) {
        Some(days) if days < 0 => warnings.push(Warning::CertificateEnded),
        Some(days) if days < CERTIFICATE_DAYS_MIN => warnings.push(Warning::CertificateEnds { days }),
        _ => {}
    }
    if let (Some(free), Some(all)) = (seen.disk_free_bytes, seen.disk_bytes)
        && (free < all / 10 || free < DISK_FREE_MIN)
    {
        warnings.push(Warning::DiskNearlyFull { free_bytes: free });
    }
    if seen.jobs.waiting * 5 >= seen.jobs.queue_max * 4 {
        warnings.push(Warning::QueueNearlyFull { waiting: seen.jobs.waiting, max: seen.jobs.queue_max });
    }
    if seen.faces_not_searched > 0 {
        warnings.push(Warning::FacesNotSearched { faces: seen.faces_not_searched });
    }
    match seen.last_backup_at.map(|at| days_between(at, seen.now)) {
        None => warnings.push(Warning::NoBackup),
        Some(days) if days > BACKUP_DAYS_MAX => warnings.push(Warning::BackupOld { days }),
        Some(_) => {}
    }
    warnings
}

/// Whole days, negative if `to` has passed.
fn days_between(from: Timestamp, to: Timestamp) -> i64 {
    (to.as_secs() - from.as_secs()).div_euclid(DAY_SECONDS)
}

/// The last whole seconds; the current one is not over.
fn last_seconds(figures: &Figures, count: usize) -> impl Iterator<Item = &Second> {
    let whole = figures.seconds.len().saturating_sub(1);
    figures.seconds.iter().take(whole).skip(whole.saturating_sub(count))
}

fn mean(figures: &Figures, what: fn(&Second) -> u32) -> f64 {
    last_seconds(figures, SECONDS_MEAN).map(|second| f64::from(what(second))).sum::<f64>() / SECONDS_MEAN as f64
}

fn requests(figures: &Figures) -> RequestsSeen {
    let [_, _, _, _, refused, failed] = figures.requests_by_class;
    RequestsSeen {
        total: figures.requests,
        refused,
        failed,
        limited: figures.limited,
        each_second: last_seconds(figures, SECONDS_SHOWN).map(|second| second.requests).collect(),
        per_second: mean(figures, |second| second.requests),
    }
}

fn jobs(figures: &Figures) -> JobsSeen {
    JobsSeen {
        each_second: last_seconds(figures, SECONDS_SHOWN).map(|second| second.jobs).collect(),
        per_second: mean(figures, |second| second.jobs),
        ..JobsSeen::default()
    }
}

fn operations(figures: &Figures) -> Vec<OperationSeen> {
    let seen = |one: &OperationFigures| OperationSeen {
        name: one.name.clone(),
        succeeded: one.counts.succeeded,
        failed: one.counts.failed,
        invalid: one.counts.invalid,
        latency: one.recent.map(percentiles),
    };
    figures.operations.iter().map(seen).collect()
}

fn percentiles(of: Percentiles) -> PercentilesSeen {
    PercentilesSeen { p50: of.p50_seconds, p95: of.p95_seconds, p99: of.p99_seconds }
}

/// As the kernel tells it.
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
}
