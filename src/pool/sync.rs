//! The locks and atomics of the pool, which its model checker replaces.

#[cfg(not(all(test, loom)))]
pub(super) use std::{
    sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, fence},
    sync::{Condvar, Mutex, MutexGuard},
    thread::{Thread, current, park},
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
    thread::{Thread, current, park},
};

pub(super) use std::sync::atomic::Ordering;

use std::sync::PoisonError;
use std::time::Duration;

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
