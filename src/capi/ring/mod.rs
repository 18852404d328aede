//! Rings for C.

mod open;
mod recv;
mod send;

use std::ffi::c_void;
use std::ptr::NonNull;
use std::time::Duration;

pub use open::*;
pub use recv::*;
pub use send::*;

use super::call::{Failure, Out, borrow, call, into_handle};
use super::side::Side;
use super::status::circlet_status;
use crate::ring::{Error, Receiver, Ring, Role, Sender, Wait};
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

    fn frame(&self, start: NonNull<u8>, len: u32) -> circlet_frame {
        let offset = start.as_ptr().addr() - self.ring.segment().base().as_ptr().addr();
        circlet_frame { data: start.as_ptr().cast(), offset: offset as u32, len }
    }
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
        shm::Error::UnknownMode { .. } => CIRCLET_BAD_MODE,
        shm::Error::Geometry { .. } => CIRCLET_BAD_GEOMETRY,
        shm::Error::NotSealed { .. } => CIRCLET_NOT_SEALED,
        shm::Error::Busy { .. } => CIRCLET_BUSY,
        shm::Error::Unsupported { .. } => CIRCLET_UNSUPPORTED,
        shm::Error::Os { .. } => CIRCLET_OS,
    }
}

/// A try that finds nothing is no deadline that passed.
fn timed_out(error: Error, timeout_ms: f64, tried: circlet_status) -> Failure {
    match error {
        Error::TimedOut { waited_for } if timeout_ms == 0.0 => Failure::new(tried, waited_for),
        other => other.into(),
    }
}
