//! Rings for C.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::time::Duration;

use super::call::{
    self, Failure, Out, array, array_mut, borrow, call, deadline, end_handle, into_handle, text,
};
use super::side::Side;
use super::status::circlet_status;
use crate::ring::{self, Error, Options, Receiver, Ring, Role, Sender, Wait};
use crate::shm;

/// What a ring is made with. Zero means the default everywhere.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_ring_options {
    /// `sizeof(circlet_ring_options)`, so that later versions can add fields.
    pub struct_size: u32,
    /// Must be 0.
    pub reserved: u32,
    /// Bytes of the data area, rounded up to a power of two from 4 KiB to 1 GiB; 0 for 1 MiB.
    pub capacity: u64,
}

/// A frame in place: valid until it is committed (a claim) or released (a received one).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_frame {
    /// Where its payload begins, a multiple of 8.
    pub data: *mut c_void,
    /// The same as an offset from what `circlet_ring_memory` gives, for languages that lay one view over all of it.
    pub offset: u32,
    /// Bytes of the payload.
    pub len: u32,
}

/// The counters of a ring.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_ring_stats {
    /// Bytes of the data area.
    pub capacity_bytes: u64,
    /// Bytes committed and not yet released.
    pub used_bytes: u64,
    /// Frames committed since the ring was made.
    pub frames_sent: u64,
    /// Frames released since the ring was made.
    pub frames_received: u64,
    /// Payload bytes committed since the ring was made.
    pub payload_bytes_sent: u64,
    /// How often a claim found no room at first.
    pub full_events: u64,
    /// The longest payload of one frame in bytes.
    pub max_frame: u32,
    /// Who has the producer's side: 0 nobody yet, 1 alive, 2 closed, 3 died.
    pub producer: u32,
    /// The same for the consumer's side.
    pub consumer: u32,
    /// Always 0.
    pub reserved: u32,
}

/// The side that writes.
pub const CIRCLET_PRODUCER: i32 = 1;
/// The side that reads.
pub const CIRCLET_CONSUMER: i32 = 2;

/// A ring. Each side is taken by its first use (or by `circlet_ring_attach`), and is for one thread at a time: a
/// second thread inside the same side gets CIRCLET_BUSY.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_ring {
    ring: Ring,
    sender: Side<Option<Writing>>,
    receiver: Side<Option<Receiver>>,
}

#[derive(Debug)]
struct Writing {
    sender: Sender,
    /// Bytes of the claim that is open.
    claimed: Option<u32>,
}

impl circlet_ring {
    fn handle(ring: Ring) -> *mut Self {
        into_handle(Self { ring, sender: Side::new(None), receiver: Side::new(None) })
    }

    /// Returns the ring, for other parts of the C face.
    #[cfg(all(feature = "exec", target_os = "linux"))]
    pub(super) fn ring(&self) -> &Ring {
        &self.ring
    }

    #[inline]
    fn writing<R>(&self, body: impl FnOnce(&mut Writing) -> Result<R, Failure>) -> Result<R, Failure> {
        self.sender.enter(|side| {
            let writing = match side {
                Some(writing) => writing,
                None => side.insert(Writing { sender: self.ring.sender()?, claimed: None }),
            };
            body(writing)
        })
    }

    #[inline]
    fn reading<R>(&self, body: impl FnOnce(&mut Receiver) -> Result<R, Failure>) -> Result<R, Failure> {
        self.receiver.enter(|side| {
            let receiver = match side {
                Some(receiver) => receiver,
                None => side.insert(self.ring.receiver()?),
            };
            body(receiver)
        })
    }

    fn frame(&self, start: std::ptr::NonNull<u8>, len: u32) -> circlet_frame {
        let offset = start.as_ptr().addr() - self.ring.segment().base().as_ptr().addr();
        circlet_frame { data: start.as_ptr().cast(), offset: offset as u32, len }
    }
}

/// Creates a named ring. `options` may be NULL for the defaults.
///
/// The name is removed by `circlet_ring_close`. Returns 0, CIRCLET_NAME_TAKEN, CIRCLET_NO_SPACE or CIRCLET_INVALID;
/// `*ring` is written on success only, and the caller owns it. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_create(
    name: *const c_char,
    options: *const circlet_ring_options,
    ring: *mut *mut circlet_ring,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (name, options, out) =
            unsafe { (text(name, "name")?, read_options(options)?, Out::new(ring, "ring")?) };
        out.set(circlet_ring::handle(ring::create(name, &options)?));
        Ok(0)
    })
}

/// Opens a ring by its name.
///
/// Returns 0, CIRCLET_NOT_FOUND, or a code for each thing that can be wrong with a segment. The caller owns `*ring`.
/// Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_open(name: *const c_char, ring: *mut *mut circlet_ring) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (name, out) = unsafe { (text(name, "name")?, Out::new(ring, "ring")?) };
        out.set(circlet_ring::handle(ring::open(name)?));
        Ok(0)
    })
}

/// Creates a ring without a name, whose descriptor another process gets (see `circlet_ring_export_fd`).
///
/// As `circlet_ring_create`.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_anonymous(
    options: *const circlet_ring_options,
    ring: *mut *mut circlet_ring,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (options, out) = unsafe { (read_options(options)?, Out::new(ring, "ring")?) };
        out.set(circlet_ring::handle(ring::anonymous(&options)?));
        Ok(0)
    })
}

/// Opens a ring from a descriptor that `circlet_ring_export_fd` made, and owns the descriptor, also where it fails.
///
/// Returns 0, CIRCLET_NOT_SEALED, or a code for each thing that can be wrong with a segment. Any thread.
///
/// # Safety
/// `ring` is NULL or has room for a pointer; `fd` belongs to nobody else.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_from_fd(fd: i32, ring: *mut *mut circlet_ring) -> i32 {
    use std::os::fd::{FromRawFd, OwnedFd};
    call(|| {
        if fd < 0 {
            return Err(Failure::invalid(format!("fd is {fd}: give an open descriptor")));
        }
        // SAFETY: the caller's promise.
        let (fd, out) = unsafe { (OwnedFd::from_raw_fd(fd), Out::new(ring, "ring")) };
        let opened = ring::from_fd(fd)?;
        out?.set(circlet_ring::handle(opened));
        Ok(0)
    })
}

/// Makes a descriptor that another process opens this ring from: pass it over a Unix socket or to a child, and close
/// it here then, as the locks that tell who is alive belong to it.
///
/// Returns 0 or CIRCLET_OS. The caller owns `*fd`. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_export_fd(ring: *const circlet_ring, fd: *mut i32) -> i32 {
    use std::os::fd::IntoRawFd;
    call(|| {
        // SAFETY: the caller's promise.
        let (ring, out) = unsafe { (borrow(ring, "ring")?, Out::new(fd, "fd")?) };
        out.set(ring.ring.export_fd()?.into_raw_fd());
        Ok(0)
    })
}

/// Closes both sides that this handle has, removes the name if it was created here, and ends the handle.
///
/// Frames of it are invalid from then on. NULL is fine. The handle must not be in use by another thread.
///
/// # Safety
/// `ring` is NULL or an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_close(ring: *mut circlet_ring) {
    // SAFETY: the caller's promise.
    unsafe { end_handle(ring) };
}

/// Removes the name now if this handle created it, as `circlet_ring_close` does later; whoever has the ring open keeps
/// it. For those whose frames must stay mapped for a while. Any thread.
///
/// Returns 0, also where there is nothing to remove.
///
/// # Safety
/// `ring` is NULL or an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_unlink(ring: *const circlet_ring) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        unsafe { borrow(ring, "ring")? }.ring.segment().end_name();
        Ok(0)
    })
}

/// Takes a side (CIRCLET_PRODUCER or CIRCLET_CONSUMER) now instead of at its first use.
///
/// Returns 0 (also where this handle has it already), CIRCLET_BUSY while somebody alive has it, or CIRCLET_POISONED.
///
/// # Safety
/// `ring` is NULL or an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_attach(ring: *const circlet_ring, side: i32) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let ring = unsafe { borrow(ring, "ring")? };
        match role(side)? {
            Role::Producer => ring.writing(|_| Ok(0)),
            Role::Consumer => ring.reading(|_| Ok(0)),
        }
    })
}

/// Gives a side up and tells the other side that it closed; the ring stays open. Frames that were received and not
/// released go to the next reader again.
///
/// Returns 0, also where this handle did not have the side.
///
/// # Safety
/// `ring` is NULL or an open handle; no frame of that side is used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_detach(ring: *const circlet_ring, side: i32) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let ring = unsafe { borrow(ring, "ring")? };
        match role(side)? {
            Role::Producer => ring.sender.enter(|side| {
                *side = None;
                Ok(0)
            }),
            Role::Consumer => ring.receiver.enter(|side| {
                *side = None;
                Ok(0)
            }),
        }
    })
}

/// Sets how long a side (CIRCLET_PRODUCER or CIRCLET_CONSUMER) spins before it sleeps, in microseconds: 0 sleeps at
/// once, infinity never sleeps. Takes the side if this handle does not have it yet.
///
/// Returns 0, CIRCLET_INVALID, or what `circlet_ring_attach` returns.
///
/// # Safety
/// `ring` is NULL or an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_set_spin(ring: *const circlet_ring, side: i32, spin_us: f64) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let ring = unsafe { borrow(ring, "ring")? };
        if spin_us.is_nan() || spin_us < 0.0 {
            return Err(Failure::invalid(format!("spin_us is {spin_us}: give 0 or more microseconds")));
        }
        let wait = Wait::spin_for(Duration::try_from_secs_f64(spin_us / 1e6).unwrap_or(Duration::MAX));
        match role(side)? {
            Role::Producer => ring.writing(|writing| {
                writing.sender.set_wait(wait);
                Ok(0)
            }),
            Role::Consumer => ring.reading(|receiver| {
                receiver.set_wait(wait);
                Ok(0)
            }),
        }
    })
}

/// Copies a payload in as one frame.
///
/// `timeout_ms`: 0 tries (CIRCLET_FULL), above waits so long for room (CIRCLET_TIMED_OUT), below 0 without a deadline.
/// Returns 0, or one of these, CIRCLET_TOO_LARGE, CIRCLET_CLOSED, CIRCLET_PEER_DIED, CIRCLET_POISONED.
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
        ring.writing(|writing| {
            writing.claimed = None;
            if timeout_ms == 0.0 {
                writing.sender.try_send(payload)?;
            } else {
                writing.sender.send_by(payload, deadline(timeout_ms)?)?;
            }
            Ok(0)
        })
    })
}

/// Copies `count` payloads in as a frame each; they lie one behind the other in `payloads`, with their lengths in
/// `lens`. One call and one wake-up for all of them.
///
/// Returns how many were sent: fewer than `count` where the deadline passed after the first, else an error as
/// `circlet_ring_send` has it. A payload that is too long is refused before anything is sent.
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
        ring.writing(|writing| {
            writing.claimed = None;
            let max = writing.sender.max_frame();
            if let Some(len) = lens.iter().find(|len| **len > max) {
                return Err(Error::TooLarge { len: *len as usize, max }.into());
            }
            let payloads = lens.iter().map(|len| {
                let (payload, after) = rest.split_at(*len as usize);
                rest = after;
                payload
            });
            match writing.sender.send_many_by(payloads, deadline) {
                Ok(sent) => call::count(sent),
                Err((0, error)) => Err(timed_out(error, timeout_ms, circlet_status::CIRCLET_FULL)),
                Err((sent, _)) => call::count(sent),
            }
        })
    })
}

/// Reserves room for a payload of `len` bytes to be written in place; `circlet_ring_commit` makes it a frame.
///
/// Returns and `timeout_ms` as `circlet_ring_send`. The next send or claim gives an uncommitted one up.
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
        ring.writing(|writing| {
            writing.claimed = None;
            let reserved = writing.sender.reserve_by(len as usize, deadline(timeout_ms)?);
            let (start, len) =
                reserved.map_err(|error| timed_out(error, timeout_ms, circlet_status::CIRCLET_FULL))?;
            writing.claimed = Some(len);
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
        ring.writing(|writing| match writing.claimed {
            None => Err(Failure::invalid("no claim is open: call circlet_ring_claim first")),
            Some(claimed) if len > claimed => Err(Error::TooLarge { len: len as usize, max: claimed }.into()),
            Some(_) => {
                writing.claimed = None;
                writing.sender.commit_reserved(len);
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
            if let Some(writing) = side {
                writing.claimed = None;
            }
            Ok(0)
        })
    })
}

/// Borrows the next frame in place, and releases what was received before.
///
/// `timeout_ms`: 0 tries (CIRCLET_EMPTY), above waits so long (CIRCLET_TIMED_OUT), below 0 without a deadline.
/// Returns 0, or one of these, CIRCLET_CLOSED or CIRCLET_PEER_DIED once everything committed has been read, or
/// CIRCLET_POISONED. The frame is valid until the next receive or release, or until the ring is closed.
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
        ring.reading(|receiver| {
            let found = receiver.wait_for_frame(deadline(timeout_ms)?);
            let raw = found.map_err(|error| timed_out(error, timeout_ms, circlet_status::CIRCLET_EMPTY))?;
            first.write(ring.frame(raw.start, raw.len));
            let mut count = 1;
            for slot in others {
                // What is wrong behind a good frame is told by the next call.
                let Ok(Some(raw)) = receiver.next_frame() else { break };
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
            if let Some(receiver) = side {
                receiver.release();
            }
            Ok(0)
        })
    })
}

/// Gives the mapping that all frames of this ring lie in, valid until `circlet_ring_close`. Any thread.
///
/// Returns 0.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_memory(
    ring: *const circlet_ring,
    base: *mut *mut c_void,
    bytes: *mut u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (ring, base, bytes) =
            unsafe { (borrow(ring, "ring")?, Out::new(base, "base")?, Out::new(bytes, "bytes")?) };
        base.set(ring.ring.segment().base().as_ptr().cast());
        bytes.set(ring.ring.segment().geometry().segment_bytes());
        Ok(0)
    })
}

/// Reads the counters. Any thread.
///
/// Returns 0.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_get_stats(
    ring: *const circlet_ring,
    stats: *mut circlet_ring_stats,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (ring, out) = unsafe { (borrow(ring, "ring")?, Out::new(stats, "stats")?) };
        let stats = ring.ring.stats();
        out.set(circlet_ring_stats {
            capacity_bytes: stats.capacity_bytes,
            used_bytes: stats.used_bytes,
            frames_sent: stats.frames_sent,
            frames_received: stats.frames_received,
            payload_bytes_sent: stats.payload_bytes_sent,
            full_events: stats.full_events,
            max_frame: ring.ring.max_frame(),
            producer: stats.producer as u32,
            consumer: stats.consumer as u32,
            reserved: 0,
        });
        Ok(0)
    })
}

fn role(side: i32) -> Result<Role, Failure> {
    match side {
        CIRCLET_PRODUCER => Ok(Role::Producer),
        CIRCLET_CONSUMER => Ok(Role::Consumer),
        _ => Err(Failure::invalid(format!(
            "side is {side}: give CIRCLET_PRODUCER (1) or CIRCLET_CONSUMER (2)"
        ))),
    }
}

/// # Safety
/// `options` is NULL or leads to as many bytes as its first field says.
unsafe fn read_options(options: *const circlet_ring_options) -> Result<Options, Failure> {
    if options.is_null() {
        return Ok(Options::new());
    }
    // SAFETY: the caller's promise.
    let options = unsafe { borrow(options, "options")? };
    let ours = size_of::<circlet_ring_options>();
    if (options.struct_size as usize) < ours || options.reserved != 0 {
        return Err(Failure::invalid(format!(
            "options.struct_size is {} and options.reserved {}: give sizeof(circlet_ring_options) ({ours}) and 0",
            options.struct_size, options.reserved
        )));
    }
    Ok(match options.capacity {
        0 => Options::new(),
        capacity => Options::new().capacity(capacity),
    })
}

/// A try that finds nothing is no deadline that passed.
fn timed_out(error: Error, timeout_ms: f64, tried: circlet_status) -> Failure {
    match error {
        Error::TimedOut { waited_for } if timeout_ms == 0.0 => Failure::new(tried, waited_for),
        other => other.into(),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        use circlet_status::*;
        let status = match &error {
            // These come often, and their numbers are not worth an allocation each time.
            Error::Full { .. } => return Self::new(CIRCLET_FULL, "the ring is full"),
            Error::TimedOut { waited_for } => return Self::new(CIRCLET_TIMED_OUT, *waited_for),
            Error::TooLarge { .. } => CIRCLET_TOO_LARGE,
            Error::Closed => CIRCLET_CLOSED,
            Error::PeerDied => CIRCLET_PEER_DIED,
            Error::Poisoned { .. } => CIRCLET_POISONED,
            Error::Segment(segment) => segment_status(segment),
        };
        Self::new(status, error.to_string())
    }
}

fn segment_status(error: &shm::Error) -> circlet_status {
    use circlet_status::*;
    match error {
        shm::Error::Name { .. } | shm::Error::Capacity { .. } => CIRCLET_INVALID,
        shm::Error::NameTaken { .. } => CIRCLET_NAME_TAKEN,
        shm::Error::NotFound { .. } | shm::Error::Removed => CIRCLET_NOT_FOUND,
        shm::Error::NoSpace { .. } => CIRCLET_NO_SPACE,
        shm::Error::Truncated { .. } => CIRCLET_TRUNCATED,
        shm::Error::Magic { .. } => CIRCLET_BAD_MAGIC,
        shm::Error::Version { .. } => CIRCLET_BAD_VERSION,
        shm::Error::Endian { .. } => CIRCLET_BAD_ENDIAN,
        shm::Error::UnknownMode { .. } | shm::Error::WrongMode { .. } => CIRCLET_BAD_MODE,
        shm::Error::Geometry { .. } => CIRCLET_BAD_GEOMETRY,
        shm::Error::NotSealed { .. } => CIRCLET_NOT_SEALED,
        shm::Error::Busy { .. } => CIRCLET_BUSY,
        shm::Error::Unsupported { .. } => CIRCLET_UNSUPPORTED,
        shm::Error::Os { .. } => CIRCLET_OS,
    }
}
