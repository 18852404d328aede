//! Receiving, for C.

use std::mem::MaybeUninit;

use super::{Reading, circlet_frame, circlet_ring, timed_out};
use crate::capi::call::{self, Failure, Out, array_mut, borrow, call, deadline};
use crate::capi::status::circlet_status;
use crate::ring::Error;

/// Borrows the next frame in place, and releases what was received before.
///
/// `timeout_ms`: 0 tries (CIRCLET_EMPTY), above waits so long (CIRCLET_TIMED_OUT), below 0 without a deadline.
/// Returns 0, or one of these, CIRCLET_CLOSED or CIRCLET_PEER_DIED once everything committed has been read,
/// CIRCLET_LAGGED (the next call goes on), or CIRCLET_POISONED. The frame is valid until the next receive or release, or until the ring is closed.
///
/// # Safety
/// `ring` is NULL or an open handle; `frame` is NULL or has room for one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_recv(
    ring: *const circlet_ring,
    timeout_ms: f64,
    frame: *mut circlet_frame,
) -> i32 {
    // SAFETY: the caller's promise.
    match unsafe { circlet_ring_recv_many(ring, frame, 1, timeout_ms) } {
        1 => 0,
        failed => failed,
    }
}

/// Borrows up to `max` frames in place, waiting for the first, and releases what was received before.
///
/// Returns how many, at least 1, or an error as `circlet_ring_recv` has it.
///
/// # Safety
/// `ring` is NULL or an open handle; `frames` is NULL or has room for `max`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_recv_many(
    ring: *const circlet_ring,
    frames: *mut circlet_frame,
    max: u32,
    timeout_ms: f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (ring, frames) =
            unsafe { (borrow(ring, "ring")?, array_mut(frames.cast::<MaybeUninit<_>>(), max, "frames")?) };
        let [first, others @ ..] = frames else {
            return Err(Failure::invalid("max is 0: give room for at least one frame"));
        };
        ring.reading(|Reading { receiver, missed }| {
            let found = if timeout_ms == 0.0 {
                receiver
                    .try_frame()
                    .and_then(|found| found.ok_or(Error::TimedOut { waited_for: "there is no frame" }))
            } else {
                receiver.wait_for_frame(deadline(timeout_ms)?)
            };
            let raw = found.map_err(|error| {
                if let Error::Lagged { frames, bytes } = error {
                    *missed = (frames, bytes);
                }
                timed_out(error, timeout_ms, circlet_status::CIRCLET_EMPTY)
            })?;
            first.write(ring.frame(raw.start, raw.len));
            let mut count = 1;
            for slot in others {
                // What is wrong behind a good frame is told by the next call.
                let Some(raw) = receiver.next_of_batch() else { break };
                slot.write(ring.frame(raw.start, raw.len));
                count += 1;
            }
            call::count(count)
        })
    })
}

/// Gives all received frames back to the writer. The next receive does it too.
///
/// Returns 0.
///
/// # Safety
/// `ring` is NULL or an open handle; no received frame is used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_release(ring: *const circlet_ring) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let ring = unsafe { borrow(ring, "ring")? };
        ring.receiver.enter(|side| {
            if let Some(reading) = side {
                reading.receiver.release();
            }
            Ok(0)
        })
    })
}

/// Tells how much this handle's reader missed when it last got CIRCLET_LAGGED: frames, and the bytes of the ring that
/// they took. Both 0 where it never did.
///
/// Returns 0.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_missed(
    ring: *const circlet_ring,
    frames: *mut u64,
    bytes: *mut u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (ring, frames, bytes) =
            unsafe { (borrow(ring, "ring")?, Out::new(frames, "frames")?, Out::new(bytes, "bytes")?) };
        let missed =
            ring.receiver.enter(|side| Ok(side.as_ref().map_or((0, 0), |reading| reading.missed)))?;
        frames.set(missed.0);
        bytes.set(missed.1);
        Ok(0)
    })
}
