//! The ports of a pool, for C: ends of rings that go from one worker to another with nothing lost.

use super::circlet_pool;
use crate::capi::call::{Failure, Out, array_mut, borrow, call};
use crate::capi::ring::{CIRCLET_CONSUMER, CIRCLET_PRODUCER, circlet_ring, role};
use crate::pool::{PortEntry, PortId, PortState, WorkerId};
use crate::ring::Role;

/// No worker in particular: whichever asks.
pub const CIRCLET_ANY_WORKER: u32 = 0xffff_ffff;

/// Any worker may use the port.
pub const CIRCLET_PORT_OPEN: u32 = 0;
/// The port was handed to one worker, which alone may use it.
pub const CIRCLET_PORT_TRANSFERRED: u32 = 1;
/// Nobody may use the port any more.
pub const CIRCLET_PORT_CLOSED: u32 = 2;

/// One port of a pool.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_port {
    /// Its number: 0x1a2b is `p_1a2b` in snapshots.
    pub port: u32,
    /// The number of the worker that it was transferred to, or that uses it (0x3a7f is `w_3a7f`), or CIRCLET_ANY_WORKER.
    pub owner: u32,
    /// CIRCLET_PRODUCER or CIRCLET_CONSUMER.
    pub side: i32,
    /// CIRCLET_PORT_OPEN, CIRCLET_PORT_TRANSFERRED or CIRCLET_PORT_CLOSED.
    pub state: u32,
    /// Frames that were sent into the ring and not yet released: each fragment of a message is one. UINT64_MAX of a broadcast
    /// ring, where nobody knows.
    pub messages_queued: u64,
}

/// Makes a side of a ring (CIRCLET_PRODUCER or CIRCLET_CONSUMER) a port of the pool, which any of its workers may use
/// (`circlet_job_port`). The side is the pool's until the port, or the pool, is closed: for the other side it lives, whichever
/// worker has it. The ring's own handle may be closed before.
///
/// Returns 0; CIRCLET_BUSY where somebody has that side; CIRCLET_INVALID for a reader of a broadcast ring, or of messages in
/// fragments, which cannot go on where another stopped; CIRCLET_CLOSED. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_port_open(
    pool: *const circlet_pool,
    ring: *const circlet_ring,
    side: i32,
    port: *mut u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, ring, out) =
            unsafe { (borrow(pool, "pool")?, borrow(ring, "ring")?, Out::new(port, "port")?) };
        out.set(pool.pool().open_port(ring.ring(), role(side)?)?.get());
        Ok(0)
    })
}

/// Hands a port to a worker, which alone may use it from then on, or with CIRCLET_ANY_WORKER to whichever asks. Whoever uses it
/// goes on until it gives it back. A worker that ends leaves its ports to all.
///
/// Returns 0, or CIRCLET_NOT_FOUND where there is no such port or worker. Any thread.
///
/// # Safety
/// `pool` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_port_transfer(
    pool: *const circlet_pool,
    port: u32,
    worker: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let pool = unsafe { borrow(pool, "pool")? };
        pool.pool().transfer_port(PortId::from(port), worker_of(worker)?)?;
        Ok(0)
    })
}

/// Closes a port: the other side of the ring learns it at once, or when whoever uses it has given it back. What is queued stays
/// in the ring.
///
/// Returns 0, or CIRCLET_NOT_FOUND where there is no such port. Any thread.
///
/// # Safety
/// `pool` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_port_close(pool: *const circlet_pool, port: u32) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        unsafe { borrow(pool, "pool")? }.pool().close_port(PortId::from(port))?;
        Ok(0)
    })
}

/// Lists the ports in the order in which they were opened, and the last 64 that were closed.
///
/// Returns how many there are, of which the first `room` were written. Any thread.
///
/// # Safety
/// `pool` is NULL or a pool; `ports` leads to room for `room` of them, or is NULL if that is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_ports(
    pool: *const circlet_pool,
    ports: *mut circlet_port,
    room: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, ports) = unsafe { (borrow(pool, "pool")?, array_mut(ports, room, "ports")?) };
        let found = pool.pool().ports().ports;
        for (place, entry) in ports.iter_mut().zip(&found) {
            *place = circlet_port::from(*entry);
        }
        Ok(i32::try_from(found.len()).unwrap_or(i32::MAX))
    })
}

/// Reads a worker's number.
pub(in crate::capi) fn worker_of(number: u32) -> Result<Option<WorkerId>, Failure> {
    if number == CIRCLET_ANY_WORKER {
        return Ok(None);
    }
    let narrow = u16::try_from(number);
    let worker =
        narrow.map_err(|_| Failure::invalid(format!("worker is {number}: give a worker's number")))?;
    Ok(Some(WorkerId::from(worker)))
}

/// Returns the number of a side.
pub(in crate::capi) fn side_of(role: Role) -> i32 {
    match role {
        Role::Producer => CIRCLET_PRODUCER,
        Role::Consumer => CIRCLET_CONSUMER,
    }
}

impl From<PortEntry> for circlet_port {
    fn from(entry: PortEntry) -> Self {
        Self {
            port: entry.id.get(),
            owner: entry.owner.map_or(CIRCLET_ANY_WORKER, |owner| owner.get().into()),
            side: side_of(entry.role),
            state: match entry.state {
                PortState::Open => CIRCLET_PORT_OPEN,
                PortState::Transferred => CIRCLET_PORT_TRANSFERRED,
                PortState::Closed => CIRCLET_PORT_CLOSED,
            },
            messages_queued: entry.messages_queued.unwrap_or(u64::MAX),
        }
    }
}
