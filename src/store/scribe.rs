//! The thread that writes checkpoints, those that are due and those that somebody waits for.
//!
//! One thread, because a checkpoint reads every row: the memory that this takes is then taken once, and not by each thread that ever
//! erased somebody.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{PoisonError, TryLockError};
use std::time::Duration;

use super::checkpoint;
use super::core::Core;
use super::error::StoreError;

/// Checkpoints kept while the store runs: should the newest be damaged, the one before it still leads to the same state.
pub(super) const CHECKPOINTS_KEPT: usize = 2;

/// How soon one that is due is tried again while somebody else has the files to himself.
const BUSY: Duration = Duration::from_secs(1);

pub(super) enum Order {
    /// The journal has grown.
    Due,
    /// Somebody waits who holds [`Core::maintenance`]; that many are kept.
    Now(usize, Sender<Result<(), StoreError>>),
    Close,
}

/// Carries orders out until the one to close.
pub(super) fn run(core: &Core, orders: &Receiver<Order>) {
    let mut due = false;
    loop {
        let order = match due {
            true => orders.recv_timeout(BUSY),
            false => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match order {
            Ok(Order::Due) => due = true,
            Ok(Order::Now(keep, answer)) => {
                let written = write(core, keep);
                due &= written.is_err();
                // Whoever waits holds on until he is answered.
                let _ = answer.send(written);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Order::Close) | Err(RecvTimeoutError::Disconnected) => return,
        }
        if due {
            // Never waited for: its holder may be waiting for this thread.
            let _maintenance = match core.shared.maintenance.try_lock() {
                Ok(alone) => alone,
                Err(TryLockError::Poisoned(alone)) => PoisonError::into_inner(alone),
                Err(TryLockError::WouldBlock) => continue,
            };
            due = false;
            if let Err(e) = write(core, CHECKPOINTS_KEPT) {
                // Nothing is lost: the journal only grows on, and the next one is tried when it has.
                tracing::warn!(error = %e, "a checkpoint could not be written");
            }
        }
    }
}

fn write(core: &Core, keep: usize) -> Result<(), StoreError> {
    let lsn = core.roll()?.lsn;
    checkpoint::write(&core.shared, lsn, || Ok(core.state()?.lsn))?;
    checkpoint::cut(core.shared.disk.as_ref(), &core.shared.dir, keep)
}
