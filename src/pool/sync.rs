//! The locks and atomics of the pool, which its model checker replaces.

#[cfg(not(all(test, loom)))]
pub(super) use std::{
    sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, fence},
    sync::{Condvar, Mutex, MutexGuard},
    thread::{Thread, current, park, yield_now},
};

/// A queue that threads push to and pop from without a lock.
#[cfg(not(all(test, loom)))]
pub(super) use crossbeam_queue::SegQueue as Inbox;

/// The same with a fixed capacity.
#[cfg(not(all(test, loom)))]
pub(super) use crossbeam_queue::ArrayQueue as Bin;

#[cfg(all(test, loom))]
pub(super) use loom::{
    sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, fence},
    sync::{Condvar, Mutex, MutexGuard},
    thread::{Thread, current, park, yield_now},
};

#[cfg(all(test, loom))]
pub(super) use super::modelled::{Bin, Inbox};

pub(super) use std::sync::atomic::Ordering;

#[cfg(not(all(test, loom)))]
use std::hint;
use std::sync::PoisonError;
use std::time::Duration;
#[cfg(not(all(test, loom)))]
use std::time::Instant;

/// Locks what no code of a caller ever runs under, so that a poisoned lock has nothing half-written behind it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits to be notified.
pub(super) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Waits to be notified, for at most this long; [`Duration::MAX`] is without end.
pub(super) fn wait_for<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    time: Duration,
) -> MutexGuard<'a, T> {
    if time == Duration::MAX {
        return wait(condvar, guard);
    }
    condvar.wait_timeout(guard, time).unwrap_or_else(PoisonError::into_inner).0
}

#[cfg(not(all(test, loom)))]
/// How long a thread that has nothing to do looks for something before it sleeps: about as long as waking it would take.
const LOOK: Duration = Duration::from_micros(50);
#[cfg(not(all(test, loom)))]
/// How often it looks before it lets others run in between.
const SPINS: u32 = 50;

/// Looks for a while, until there is something.
#[cfg(not(all(test, loom)))]
pub(super) fn look_out(is_there: impl Fn() -> bool) {
    if is_there() {
        return;
    }
    for _ in 0..SPINS {
        hint::spin_loop();
        if is_there() {
            return;
        }
    }
    let start = Instant::now();
    while !is_there() && start.elapsed() < LOOK {
        // What it looks for may have to be done on this very processor.
        yield_now();
    }
}

/// Looks once, lets others run, and looks no more: time means nothing to a model.
#[cfg(all(test, loom))]
pub(super) fn look_out(is_there: impl Fn() -> bool) {
    if !is_there() {
        yield_now();
    }
}
