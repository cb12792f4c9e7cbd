//! The rounds of the courier: one thread looks who has something due, and each receiver is served by a thread of its own while it
//! has. A receiver that fails rests, so that those that hang do not fill all places for others.
//!
//! Nothing here is lost with the process: what is due stands in the store.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Service;
use super::deliveries::Went;
use crate::domain::id::Id;
use crate::domain::refusal::{Failure, Stop};
use crate::domain::time::Timestamp;
use crate::domain::webhook::{Courier, Webhook};
use crate::store::tables::{Table, key};

/// The longest pause between two looks when something waits: the clock may be set meanwhile.
const LOOK: Duration = Duration::from_secs(1);
/// When nothing waits; a new event wakes the rounds.
const IDLE: Duration = Duration::from_secs(60);
/// A receiver's rest after a failure; twice as long after each further one.
const REST: Duration = Duration::from_secs(1);
const REST_MAX: Duration = Duration::from_secs(5 * 60);
/// After as many failures in a row a receiver counts as having been down: once it answers, all that waits for it is due.
const DOWN: u32 = 3;

#[derive(Default)]
pub(super) struct Rounds {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    poked: bool,
    stopped: bool,
    /// Receivers that a thread serves.
    busy: HashSet<Id>,
    resting: HashMap<Id, Rest>,
}

/// A receiver's failures in a row, and until when it is left alone.
#[derive(Clone, Copy)]
struct Rest {
    failures: u32,
    until: Timestamp,
}

impl Rounds {
    /// There may be something to do.
    pub(super) fn poke(&self) {
        self.lock().poked = true;
        self.changed.notify_all();
    }

    fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Waits until somebody pokes, or `time`.
    fn pause(&self, time: Duration) {
        let inner = self.lock();
        let waited = self.changed.wait_timeout_while(inner, time, |inner| !inner.poked && !inner.stopped);
        waited.unwrap_or_else(PoisonError::into_inner).0.poked = false;
    }

    /// Waits until no receiver is being served; `false` if that took longer than `limit`.
    fn wait_idle(&self, limit: Duration) -> bool {
        let waited = self.changed.wait_timeout_while(self.lock(), limit, |inner| !inner.busy.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0.busy.is_empty()
    }

    /// Takes a receiver for a thread, if it is free and there is a place for one more.
    fn take(&self, webhook: Id, at_once: usize) -> bool {
        let mut inner = self.lock();
        !inner.stopped && inner.busy.len() < at_once && inner.busy.insert(webhook)
    }

    fn is_busy(&self, webhook: Id) -> bool {
        self.lock().busy.contains(&webhook)
    }

    fn give_back(&self, webhook: Id) {
        let mut inner = self.lock();
        inner.busy.remove(&webhook);
        inner.poked = true;
        self.changed.notify_all();
    }

    fn rests_until(&self, webhook: Id) -> Option<Timestamp> {
        self.lock().resting.get(&webhook).map(|rest| rest.until)
    }

    /// `began`: when what failed was begun, so that a receiver that hangs is not left alone for longer than one that refuses.
    fn failed(&self, webhook: Id, began: Timestamp) {
        let mut inner = self.lock();
        let rest = inner.resting.entry(webhook).or_insert(Rest { failures: 0, until: began });
        rest.failures += 1;
        rest.until = began.after((REST * 2_u32.saturating_pow((rest.failures - 1).min(10))).min(REST_MAX));
    }

    /// Somebody knows better than its failures: it is served at once.
    pub(super) fn wake(&self, webhook: Id) {
        let mut inner = self.lock();
        inner.resting.remove(&webhook);
        inner.poked = true;
        self.changed.notify_all();
    }

    /// Whether it had been down.
    fn succeeded(&self, webhook: Id) -> bool {
        self.lock().resting.remove(&webhook).is_some_and(|rest| rest.failures >= DOWN)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Starts the rounds.
    pub fn start_rounds(self: &Arc<Self>, courier: Arc<dyn Courier>) -> std::io::Result<JoinHandle<()>> {
        let service = Arc::clone(self);
        std::thread::Builder::new().name("rounds".to_owned()).spawn(move || {
            while !service.rounds.is_stopped() {
                let pause = service.go_round(&courier).unwrap_or_else(|stop| {
                    tracing::error!("webhooks: {stop}");
                    LOOK
                });
                service.rounds.pause(pause);
            }
        })
    }

    /// No further try is begun; waits for those under way. `false` if one still was at `limit`.
    pub fn stop_rounds(&self, limit: Duration) -> bool {
        self.rounds.stop();
        self.rounds.wait_idle(limit)
    }

    /// Looks at every receiver once. Returns how long to wait for the next look.
    fn go_round(self: &Arc<Self>, courier: &Arc<dyn Courier>) -> Result<Duration, Stop> {
        let now = self.clock.now();
        let mut pause = IDLE;
        for webhook in self.all_webhooks()?.into_iter().filter(|webhook| webhook.disabled.is_none()) {
            let due_at = match self.due(&webhook) {
                Ok(Some(due_at)) => due_at,
                Ok(None) => continue,
                // The others are served all the same.
                Err(stop) => {
                    tracing::error!(webhook = %webhook.id, "webhook: {stop}");
                    continue;
                }
            };
            if due_at > now {
                pause = pause.min(due_at.since(now).min(LOOK));
            } else if self.rounds.take(webhook.id, self.config.webhooks.at_once) {
                self.serve(courier, webhook);
            }
        }
        Ok(pause)
    }

    /// Lays out what has happened for one receiver. When it is to be served next, unless that is being done.
    fn due(&self, webhook: &Webhook) -> Result<Option<Timestamp>, Stop> {
        self.lay_out(webhook)?;
        if self.rounds.is_busy(webhook.id) {
            return Ok(None);
        }
        let next = self.next_delivery(webhook)?;
        Ok(next.map(|(at, _)| self.rounds.rests_until(webhook.id).map_or(at, |until| until.max(at))))
    }

    fn serve(self: &Arc<Self>, courier: &Arc<dyn Courier>, webhook: Webhook) {
        let (service, courier, id) = (Arc::clone(self), Arc::clone(courier), webhook.id);
        let run = move || {
            // A panic in a library underneath must not keep the receiver taken for ever.
            let served = catch_unwind(AssertUnwindSafe(|| service.carry_all(&*courier, &webhook)));
            let served = served.unwrap_or_else(|_| Err(Failure("carrying it panicked".to_owned()).into()));
            if let Err(stop) = served {
                tracing::error!(webhook = %webhook.id, "webhook: {stop}");
                service.rounds.failed(webhook.id, service.clock.now());
            }
            service.rounds.give_back(webhook.id);
        };
        if let Err(error) = std::thread::Builder::new().name("courier".to_owned()).spawn(run) {
            tracing::error!("webhooks: no thread: {error}");
            self.rounds.failed(id, self.clock.now());
            self.rounds.give_back(id);
        }
    }

    /// Carries what is due for one receiver until nothing is, or one fails.
    fn carry_all(&self, courier: &dyn Courier, webhook: &Webhook) -> Result<(), Stop> {
        let mut was_down = false;
        while !self.rounds.is_stopped() {
            let Some((due_at, event)) = self.next_delivery(webhook)? else { break };
            if due_at > self.clock.now() && !was_down {
                break;
            }
            // Its secret may have been changed, or itself removed.
            let current: Option<Webhook> = self.record(Table::Webhooks, &key(&[webhook.account, webhook.id]))?;
            let Some(current) = current.filter(|one| one.disabled.is_none()) else { break };
            let began = self.clock.now();
            match self.carry(courier, &current, event)? {
                Went::Well => was_down |= self.rounds.succeeded(webhook.id),
                Went::Badly => {
                    self.rounds.failed(webhook.id, began);
                    break;
                }
            }
        }
        Ok(())
    }
}
