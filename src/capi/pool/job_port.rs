//! The ports that a running job of C uses. They are its thread's, and are given back with its end.

use std::sync::Arc;
use std::time::Duration;

use super::job::running;
use super::port::{side_of, worker_of};
use crate::capi::call::{Failure, Out, call, deadline, end_handle};
use crate::capi::ring::circlet_ring;
use crate::pool::{PortId, Ports, WorkerId};

/// A port that the job on this thread uses.
pub(super) struct UsedPort {
    ring: *mut circlet_ring,
    port: PortId,
    worker: WorkerId,
    ports: Arc<Ports>,
}

impl UsedPort {
    /// Lets go of the end, and gives the port back, unless another thread is inside the ring.
    fn give_back(self) -> Result<(), Failure> {
        // SAFETY: it is a handle that `circlet_job_port` has made, and nobody has ended it: it is taken out of the list for that.
        let ring = unsafe { &*self.ring };
        ring.let_go()?;
        self.ports.give_back(self.port, self.worker);
        // SAFETY: as above; what is inside of it is of no use to the job any more, as it was told.
        unsafe { end_handle(self.ring) };
        Ok(())
    }
}

/// Gives back what a job that is over has left.
pub(super) fn give_back_all(left: Vec<UsedPort>) {
    for port in left {
        // Where a thread of the job is still inside the ring, the port stays in use for ever.
        let _ = port.give_back();
    }
}

fn no_job() -> Failure {
    Failure::invalid("no job runs on this thread: call it on the thread of a pool that called your function")
}

/// Takes a port of the pool whose job runs on the calling thread: waits until its worker may have it. An open port goes to
/// whoever asks while nobody uses it, one that was transferred to its worker alone.
///
/// `timeout_ms`: 0 tries, above waits so long, below 0 without a deadline. Returns CIRCLET_PRODUCER or CIRCLET_CONSUMER, the side
/// that `*ring` has, and has alone; CIRCLET_TIMED_OUT; CIRCLET_NOT_FOUND for a port that is closed or that there is not;
/// CIRCLET_BUSY where this job has it already; or what `circlet_ring_attach` says. Do not close the ring: give it back by
/// `circlet_job_port_back`, or the end of the job does. What was received and not released comes again for the next.
///
/// # Safety
/// `ring` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_job_port(port: u32, timeout_ms: f64, ring: *mut *mut circlet_ring) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::new(ring, "ring")? };
        let within = deadline(timeout_ms)?.left().unwrap_or(Duration::MAX);
        let port = PortId::from(port);
        let taken = running(|running, context| {
            let (ports, granted) = context.any_port(port, within)?;
            let side = granted.role;
            let used = UsedPort {
                ring: circlet_ring::handle(granted.seat),
                port,
                worker: context.worker(),
                ports: Arc::clone(ports),
            };
            // SAFETY: it was just made.
            if let Err(failure) = unsafe { &*used.ring }.attach(side) {
                used.give_back()?;
                return Err(failure);
            }
            out.set(used.ring);
            running.ports.borrow_mut().push(used);
            Ok(side_of(side))
        });
        taken.unwrap_or_else(|| Err(no_job()))
    })
}

/// Gives a port back that `circlet_job_port` has lent, and ends its ring's handle. The next one goes on where this one stopped.
///
/// Returns 0; CIRCLET_INVALID for a ring that is not lent to the job that runs on the calling thread; CIRCLET_BUSY while another
/// thread is inside.
///
/// # Safety
/// No frame of the ring is used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_job_port_back(ring: *mut circlet_ring) -> i32 {
    call(|| take_out(ring)?.give_back().map(|()| 0))
}

/// Hands a port on that `circlet_job_port` has lent, as `circlet_pool_port_transfer`, and gives it back.
///
/// Returns as both; where there is no such worker, the port stays lent.
///
/// # Safety
/// As `circlet_job_port_back`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_job_port_transfer(ring: *mut circlet_ring, worker: u32) -> i32 {
    call(|| {
        let to = worker_of(worker)?;
        let transferred = running(|running, _| {
            let used = running.ports.borrow();
            let used = used.iter().find(|used| used.ring == ring).ok_or_else(not_lent)?;
            Ok::<_, Failure>(used.ports.hand_on(used.port, used.worker, to)?)
        });
        transferred.unwrap_or_else(|| Err(no_job()))?;
        take_out(ring)?.give_back().map(|()| 0)
    })
}

/// Returns the number of the worker that runs the job on the calling thread, or CIRCLET_INVALID where no job of C runs there.
#[unsafe(no_mangle)]
pub extern "C" fn circlet_job_worker() -> i32 {
    call(|| running(|_, context| i32::from(context.worker().get())).ok_or_else(no_job))
}

fn not_lent() -> Failure {
    Failure::invalid("the ring is not lent to this job by circlet_job_port, or was given back")
}

fn take_out(ring: *mut circlet_ring) -> Result<UsedPort, Failure> {
    let taken = running(|running, _| {
        let mut used = running.ports.borrow_mut();
        let place = used.iter().position(|used| used.ring == ring).ok_or_else(not_lent)?;
        Ok(used.remove(place))
    });
    taken.unwrap_or_else(|| Err(no_job()))
}
