//! What goes on beside the requests, each as a task that ends with the server.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;

use crate::domain::audit::{Act, Actor};
use crate::domain::refusal::{Refusal, Stop};
use crate::service::Service;
use crate::service::remaking::Walk;
use crate::service::retention::{Mode, Swept};
use crate::systemd;
use crate::tls::{self, Reload};

/// How often sessions that ran out are written down as EXPIRED.
const EXPIRY_SWEEP: Duration = Duration::from_secs(30);

/// How often retention is applied.
const RETENTION_SWEEP: Duration = Duration::from_secs(60 * 60);

/// How often it is looked for faces that another network made.
const REMAKING: Duration = Duration::from_secs(60 * 60);

/// How long work that can wait does so when the queue is full.
const QUEUE_FULL_PAUSE: Duration = Duration::from_secs(1);

/// How often what was noted for the audit log is written to its file.
const AUDIT_WRITING: Duration = Duration::from_secs(1);

/// How often the certificate's files are looked at.
const CERTIFICATE_LOOK: Duration = Duration::from_secs(5);

/// Tells systemd when the server is ready and, as long as the store answers through the threads that requests use, that it is alive.
pub(super) async fn attend(service: web::Data<Service>) {
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    while !service.is_ready() {
        ticks.tick().await;
    }
    systemd::ready(&format!("serving on {}", service.config().server.listen));
    let Some(every) = systemd::watchdog() else { return };
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        let asked = service.clone();
        match web::block(move || asked.accounts().is_ok()).await {
            Ok(true) => systemd::alive(),
            Ok(false) => tracing::error!("the store does not answer; systemd is not told that the server is alive"),
            Err(_) => return,
        }
    }
}

/// Takes up a new certificate when its files have changed, or at SIGHUP.
pub(super) async fn renew(certificate: Option<Arc<tls::Certificate>>, service: web::Data<Service>) {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => return tracing::error!("signals: {error}"),
    };
    let mut ticks = tokio::time::interval(CERTIFICATE_LOOK);
    loop {
        let asked = tokio::select! {
            _ = ticks.tick() => false,
            _ = hangup.recv() => true,
        };
        let Some(certificate) = &certificate else { continue };
        let now = service.now();
        match if asked { certificate.reload(now) } else { certificate.reload_if_changed(now) } {
            Reload::Unchanged if asked => tracing::info!("the certificate is the same as before"),
            Reload::Unchanged => {}
            Reload::Taken(fingerprint) => {
                tracing::info!(fingerprint, "a new certificate is shown from now on");
                let noting = service.clone();
                let noted = move || noting.note(&Actor::System, Act::CertificateChanged, Some(fingerprint));
                if let Ok(Err(stop)) = web::block(noted).await {
                    tracing::error!("the audit log cannot be told of the new certificate: {stop}");
                }
            }
            Reload::Kept(why) => tracing::error!("the new certificate is not used, the one before is: {why}"),
        }
    }
}

/// Writes what was noted for the audit log to its file. Until then it is in the store.
pub(super) async fn write_audit(service: web::Data<Service>) {
    let mut ticks = tokio::time::interval(AUDIT_WRITING);
    loop {
        ticks.tick().await;
        let writing = service.clone();
        match web::block(move || writing.write_audit()).await {
            Ok(Ok(_)) => {}
            Ok(Err(stop)) => tracing::error!("the audit log cannot be written: {stop}"),
            Err(_) => return,
        }
    }
}

/// Embeds faces anew that another network made: at the start, and those that come of older attempts later.
pub(super) async fn remake_faces(service: web::Data<Service>) {
    let mut ticks = tokio::time::interval(REMAKING);
    loop {
        ticks.tick().await;
        if service.faces_not_searched() == 0 {
            continue;
        }
        tracing::info!(
            faces = service.faces_not_searched(),
            "another network made these faces; they are embedded anew"
        );
        let Some(Walk { remade, left, .. }) = remake_all(&service).await else { return };
        tracing::info!(remade, left, "faces were embedded anew; whose photo is not kept was left");
        if remade > 0 {
            let noting = service.clone();
            let word = format!("{remade} of {}", remade + left);
            let noted = web::block(move || noting.note(&Actor::System, Act::FacesRemade, Some(word))).await;
            if let Ok(Err(stop)) = noted {
                tracing::error!("the audit log cannot be told of faces that were embedded anew: {stop}");
            }
        }
    }
}

/// `None`: the server ends.
async fn remake_all(service: &web::Data<Service>) -> Option<Walk> {
    let mut walk = Walk::default();
    loop {
        let (asking, mut going) = (service.clone(), walk);
        let (asked, gone) = web::block(move || (asking.ask_anew(&mut going), going)).await.ok()?;
        walk = gone;
        match asked {
            Ok(None) => return Some(walk),
            Ok(Some((outdated, answer))) => {
                // An examination that panicked answers nothing.
                let embedding = answer.await.unwrap_or_default();
                let (taking, mut going) = (service.clone(), walk);
                let taken =
                    web::block(move || (taking.take_anew(&outdated, embedding, &mut going), going)).await.ok()?;
                walk = taken.1;
                if let Err(stop) = taken.0 {
                    tracing::error!("a face that was embedded anew cannot be stored: {stop}");
                    return Some(walk);
                }
            }
            Err(Stop::Refused(Refusal::Busy)) => tokio::time::sleep(QUEUE_FULL_PAUSE).await,
            Err(stop) => {
                tracing::error!("faces cannot be embedded anew: {stop}");
                return Some(walk);
            }
        }
    }
}

pub(super) async fn sweep(service: web::Data<Service>) {
    let mut ticks = tokio::time::interval(EXPIRY_SWEEP);
    loop {
        ticks.tick().await;
        let expiring = service.clone();
        match web::block(move || expiring.expire_sessions()).await {
            Ok(Ok(0)) => {}
            Ok(Ok(expired)) => tracing::info!(expired, "sessions ran out"),
            Ok(Err(stop)) => tracing::error!("sessions cannot be expired: {stop}"),
            Err(_) => return,
        }
        let writing = service.clone();
        match web::block(move || writing.write_key_uses()).await {
            Ok(Ok(_)) => {}
            Ok(Err(stop)) => tracing::error!("the last uses of keys cannot be written down: {stop}"),
            Err(_) => return,
        }
    }
}

/// What needs doing now and then: files that a crash left without a record, once; what has outlived its retention, every hour.
pub(super) async fn maintain(service: web::Data<Service>) {
    let orphans = service.clone();
    match web::block(move || orphans.sweep_orphans()).await {
        Ok(Ok(0)) => {}
        Ok(Ok(removed)) => tracing::info!(removed, "files without a record were removed"),
        Ok(Err(stop)) => tracing::error!("files without a record cannot be removed: {stop}"),
        Err(_) => return,
    }
    let mut ticks = tokio::time::interval(RETENTION_SWEEP);
    loop {
        ticks.tick().await;
        let retaining = service.clone();
        match web::block(move || retaining.sweep_retention(&Actor::System, Mode::Remove)).await {
            Ok(Ok(swept)) if swept == Swept::default() => {}
            Ok(Ok(Swept { photos, clips, attempts })) => {
                tracing::info!(photos, clips, attempts, "retention: removed");
            }
            Ok(Err(stop)) => tracing::error!("retention: {stop}"),
            Err(_) => return,
        }
        let sweeping = service.clone();
        match web::block(move || sweeping.sweep_events()).await {
            Ok(Ok(0)) => {}
            Ok(Ok(removed)) => tracing::info!(removed, "old events were removed"),
            Ok(Err(stop)) => tracing::error!("events: {stop}"),
            Err(_) => return,
        }
        let sweeping = service.clone();
        match web::block(move || sweeping.sweep_replays()).await {
            Ok(Ok(_)) => {}
            Ok(Err(stop)) => tracing::error!("idempotency keys: {stop}"),
            Err(_) => return,
        }
        let sweeping = service.clone();
        match web::block(move || sweeping.sweep_deliveries()).await {
            Ok(Ok(_)) => {}
            Ok(Err(stop)) => tracing::error!("deliveries: {stop}"),
            Err(_) => return,
        }
    }
}
