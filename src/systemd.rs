//! What systemd is told: ready, alive, stopping. Where nothing started the server that wants to know, nothing happens.

use std::time::Duration;

use sd_notify::NotifyState;

/// How often it must be told that the server is alive, halved so that one message may be late; `None` if nobody watches.
pub fn watchdog() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("finishing running jobs")]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("systemd cannot be told: {error}");
    }
}
