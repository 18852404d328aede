//! Sending, for C.

use std::ffi::c_void;

use super::{circlet_frame, circlet_ring, timed_out};
use crate::capi::call::{self, Failure, Out, array, borrow, call, deadline};
use crate::capi::status::circlet_status;
use crate::ring::{Error, Overflow};

/// Copies a message in.
///
/// `timeout_ms`: 0 tries (CIRCLET_FULL), above waits so long for room (CIRCLET_TIMED_OUT), below 0 without a deadline.
/// Where the ring's overflow (or `circlet_ring_set_overflow`) is not to wait, it fails at once (CIRCLET_FULL), or drops the
/// message, counts it and returns 0. Returns 0, or one of these, CIRCLET_TOO_LARGE, CIRCLET_CLOSED, CIRCLET_PEER_DIED,
/// CIRCLET_POISONED.
///
/// # Safety
/// `ring` is NULL or an open handle; `payload` leads to `len` bytes, or is NULL where `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_send(
    ring: *const circlet_ring,
    payload: *const c_void,
    len: u32,
    timeout_ms: f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (ring, payload) =
            unsafe { (borrow(ring, "ring")?, array(payload.cast::<u8>(), len, "payload")?) };
        ring.writing(|sender| {
            if timeout_ms == 0.0 && sender.overflow() == Overflow::Block {
                sender.try_send(payload)?;
            } else {
                sender.send_by(payload, deadline(timeout_ms)?)?;
            }
            Ok(0)
        })
    })
}

/// Goes on sending a message of which `*sent` bytes are sent already, 0 at first, and moves `*sent` on: a message that goes
/// in fragments goes on where the last call stopped, for those who wait in parts. Nothing else may be sent in between;
/// nothing is dropped, and what is sent stays in the ring.
///
/// Returns 0 once all of it is sent, or what `circlet_ring_send` returns, CIRCLET_FULL and CIRCLET_TIMED_OUT with `*sent` as
/// far as it came.
///
/// # Safety
/// `ring` is NULL or an open handle; `payload` leads to `len` bytes, or is NULL where `len` is 0; `sent` is NULL or leads to
/// a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_send_part(
    ring: *const circlet_ring,
    payload: *const c_void,
    len: u32,
    timeout_ms: f64,
    sent: *mut u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (ring, payload) =
            unsafe { (borrow(ring, "ring")?, array(payload.cast::<u8>(), len, "payload")?) };
        // SAFETY: the caller's promise.
        let (before, out) = unsafe { (*borrow(sent, "sent")?, Out::new(sent, "sent")?) };
        let mut sent = before as usize;
        let done = ring.writing(|sender| {
            let deadline = if timeout_ms == 0.0 { None } else { Some(deadline(timeout_ms)?) };
            Ok(sender.send_part(payload, &mut sent, deadline))
        });
        out.set(sent as u32);
        done??;
        Ok(0)
    })
}

/// Copies `count` messages in; they lie one behind the other in `payloads`, with their lengths in `lens`. One call and
/// one wake-up for all of them.
///
/// Returns how many were sent: fewer than `count` where the deadline passed after the first, else an error as
/// `circlet_ring_send` has it. A message that is too long is refused before anything is sent.
///
/// # Safety
/// `ring` is NULL or an open handle; `lens` leads to `count` lengths and `payloads` to as many bytes as their sum.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_send_many(
    ring: *const circlet_ring,
    payloads: *const c_void,
    lens: *const u32,
    count: u32,
    timeout_ms: f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (ring, lens) = unsafe { (borrow(ring, "ring")?, array(lens, count, "lens")?) };
        let total = lens.iter().try_fold(0_u32, |sum, len| sum.checked_add(*len));
        let total = total.ok_or_else(|| Failure::invalid("the lens add up to more than 4 GiB"))?;
        // SAFETY: the caller's promise.
        let mut rest = unsafe { array(payloads.cast::<u8>(), total, "payloads")? };
        let deadline = deadline(timeout_ms)?;
        ring.writing(|sender| {
            let max = sender.max_message();
            if let Some(len) = lens.iter().find(|len| **len > max) {
                return Err(Error::TooLarge { len: *len as usize, max }.into());
            }
            let payloads = lens.iter().map(|len| {
                let (payload, after) = rest.split_at(*len as usize);
                rest = after;
                payload
            });
            match sender.send_many_by(payloads, deadline) {
                Ok(sent) => call::count(sent),
                Err((0, error)) => Err(timed_out(error, timeout_ms, circlet_status::CIRCLET_FULL)),
                Err((sent, _)) => call::count(sent),
            }
        })
    })
}

/// Reserves room for a payload of `len` bytes to be written in place; `circlet_ring_commit` makes it a frame.
///
/// Returns and `timeout_ms` as `circlet_ring_send`, but never drops. The next send or claim gives an uncommitted one up;
/// the reader of an mpsc ring waits for it meanwhile.
///
/// # Safety
/// `ring` is NULL or an open handle; `frame` is NULL or has room for one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_claim(
    ring: *const circlet_ring,
    len: u32,
    timeout_ms: f64,
    frame: *mut circlet_frame,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (ring, out) = unsafe { (borrow(ring, "ring")?, Out::new(frame, "frame")?) };
        ring.writing(|sender| {
            let (start, len) = sender
                .open_claim(len as usize, Some(deadline(timeout_ms)?))
                .map_err(|error| timed_out(error, timeout_ms, circlet_status::CIRCLET_FULL))?;
            out.set(ring.frame(start, len));
            Ok(0)
        })
    })
}

/// Makes the first `len` bytes of the open claim a frame and wakes the reader if it sleeps.
///
/// Returns 0, CIRCLET_INVALID where no claim is open, or CIRCLET_TOO_LARGE where it is shorter (it stays open then).
///
/// # Safety
/// `ring` is NULL or an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_commit(ring: *const circlet_ring, len: u32) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let ring = unsafe { borrow(ring, "ring")? };
        ring.sender.enter(|side| match side.as_mut().and_then(|sender| Some((sender.opened()?, sender))) {
            None => Err(Failure::invalid("no claim is open: call circlet_ring_claim first")),
            Some((claimed, _)) if len > claimed => {
                let message = format!("len is {len}, and the claim has {claimed} bytes");
                Err(Failure::new(circlet_status::CIRCLET_TOO_LARGE, message))
            }
            Some((_, sender)) => {
                sender.commit_opened(len);
                Ok(0)
            }
        })
    })
}

/// Gives the open claim up: nothing is sent.
///
/// Returns 0, also where no claim is open.
///
/// # Safety
/// `ring` is NULL or an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_abort(ring: *const circlet_ring) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let ring = unsafe { borrow(ring, "ring")? };
        ring.sender.enter(|side| {
            if let Some(sender) = side {
                sender.give_up_opened();
            }
            Ok(0)
        })
    })
}

/// Sets what the sending calls of this handle do where there is no room (CIRCLET_BLOCK, CIRCLET_FAIL or
/// CIRCLET_DROP_NEWEST); at first it is what the ring was made with. Takes the producer's side.
///
/// Returns 0, CIRCLET_INVALID, or what `circlet_ring_attach` returns.
///
/// # Safety
/// `ring` is NULL or an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_set_overflow(ring: *const circlet_ring, overflow: u32) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let ring = unsafe { borrow(ring, "ring")? };
        let overflow = super::open::overflow(overflow)?;
        ring.writing(|sender| {
            sender.set_overflow(overflow);
            Ok(0)
        })
    })
}
