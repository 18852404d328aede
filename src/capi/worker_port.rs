//! The ports that a pool's worker process uses, for C: what the shells of Python and Bun call.

use std::time::Duration;

use super::call::{Out, borrow, call, deadline, into_handle};
use super::pool::{side_of, worker_of};
use super::ring::circlet_ring;
use super::worker::circlet_worker;
use crate::pool::PortId;

/// Waits until this worker may have a port of its pool, and takes it. Any thread; of several, one at a time is served.
///
/// `timeout_ms`: 0 tries, above waits so long, below 0 without a deadline. Returns CIRCLET_PRODUCER or CIRCLET_CONSUMER, the side
/// that `*ring` has, and has alone; CIRCLET_TIMED_OUT; CIRCLET_NOT_FOUND for a port that is closed or that there is not;
/// CIRCLET_BUSY where this worker has it already. The caller owns `*ring`, and gives the port back before the call that runs is
/// answered.
///
/// # Safety
/// `worker` is NULL or a worker; `ring` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_worker_port(
    worker: *const circlet_worker,
    port: u32,
    timeout_ms: f64,
    ring: *mut *mut circlet_ring,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (worker, out) = unsafe { (borrow(worker, "worker")?, Out::new(ring, "ring")?) };
        let within = deadline(timeout_ms)?.left().unwrap_or(Duration::MAX);
        let (mut porter, port) = (worker.porter(), PortId::from(port));
        let (lent, role) = porter.take(port, within)?;
        let lent = circlet_ring::of(lent);
        if let Err(failure) = lent.attach(role) {
            porter.give_back(port)?;
            return Err(failure);
        }
        out.set(into_handle(lent));
        Ok(side_of(role))
    })
}

/// Gives a port back: lets go of the side that the ring has, and of the port. The handle stays, and is closed by
/// `circlet_ring_close`; NULL where that was done already. What was received and not released comes again for the next.
///
/// Returns 0, or CIRCLET_BUSY while another thread is inside the ring.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says; no frame of the ring is used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_worker_port_back(
    worker: *const circlet_worker,
    port: u32,
    ring: *const circlet_ring,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let worker = unsafe { borrow(worker, "worker")? };
        if !ring.is_null() {
            // SAFETY: the caller's promise.
            unsafe { borrow(ring, "ring")? }.let_go()?;
        }
        worker.porter().give_back(PortId::from(port))?;
        Ok(0)
    })
}

/// Hands a port that this worker uses to another (CIRCLET_ANY_WORKER: to whichever asks), once it is given back.
///
/// Returns 0, or CIRCLET_NOT_FOUND where there is no such port or worker.
///
/// # Safety
/// `worker` is NULL or a worker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_worker_port_transfer(
    worker: *const circlet_worker,
    port: u32,
    to: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let worker = unsafe { borrow(worker, "worker")? };
        worker.porter().transfer(PortId::from(port), worker_of(to)?)?;
        Ok(0)
    })
}
