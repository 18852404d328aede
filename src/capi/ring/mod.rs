//! Rings for C.

mod open;
mod recv;
mod send;

use std::ffi::{c_char, c_void};
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

/// One producer and one consumer.
pub const CIRCLET_SPSC: u32 = 1;
/// Up to 32 producers, each with a handle of its own, and one consumer.
pub const CIRCLET_MPSC: u32 = 2;
/// One producer that never waits, and any number of readers, which learn what they missed.
pub const CIRCLET_BROADCAST: u32 = 3;

/// A producer that finds no room waits, up to its deadline.
pub const CIRCLET_BLOCK: u32 = 0;
/// A producer that finds no room fails at once.
pub const CIRCLET_FAIL: u32 = 1;
/// A producer that finds no room drops the new frame, and counts it.
pub const CIRCLET_DROP_NEWEST: u32 = 2;

/// Maps every page now rather than at its first use.
pub const CIRCLET_RING_PREFAULT: u32 = 1;
/// Takes huge pages: reserved ones for an anonymous ring, transparent ones for a named one.
pub const CIRCLET_RING_HUGE_PAGES: u32 = 2;

/// What a ring is made with. Zero means the default everywhere.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_ring_options {
    /// `sizeof(circlet_ring_options)`, so that later versions can add fields.
    pub struct_size: u32,
    /// CIRCLET_SPSC (the default), CIRCLET_MPSC or CIRCLET_BROADCAST.
    pub mode: u32,
    /// Bytes of the data area, rounded up to a power of two from 4 KiB to 1 GiB; 0 for 1 MiB.
    pub capacity: u64,
    /// The longest message in bytes, at most 1 GiB: above the longest frame it goes in fragments and arrives whole; 0
    /// for the longest frame (half the capacity, an eighth in a broadcast ring, less four bytes).
    pub max_message: u32,
    /// CIRCLET_BLOCK (the default), CIRCLET_FAIL or CIRCLET_DROP_NEWEST.
    pub overflow: u32,
    /// A sum of CIRCLET_RING_PREFAULT and CIRCLET_RING_HUGE_PAGES.
    pub flags: u32,
    /// The mode bits of a named ring's file, such as 0660; 0 for 0600.
    pub permissions: u32,
    /// A tag of at most 56 bytes that both sides must agree on, ended by a zero byte; NULL for none.
    pub schema: *const c_char,
}

/// The `offset` of a frame that does not lie in the ring's memory: it is a private copy, as all frames of a broadcast ring
/// and all messages that came in fragments are.
pub const CIRCLET_NO_OFFSET: u32 = 0xffff_ffff;

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

/// The counters of a ring, of all its producers together.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_ring_stats {
    /// Bytes of the data area.
    pub capacity_bytes: u64,
    /// Bytes committed and not yet released; 0 in a broadcast ring, where nobody releases.
    pub used_bytes: u64,
    /// The most bytes that were seen unreleased, to within a sixteenth of the capacity, and no less than there are now.
    pub high_water_bytes: u64,
    /// Frames committed since the ring was made; each fragment of a message is one.
    pub frames_sent: u64,
    /// Frames released since the ring was made; 0 in a broadcast ring.
    pub frames_received: u64,
    /// Payload bytes committed since the ring was made.
    pub payload_bytes_sent: u64,
    /// How often a frame found no room at first.
    pub full_events: u64,
    /// Frames dropped because there was no room.
    pub dropped: u64,
    /// How often a producer slept for room.
    pub producer_waits: u64,
    /// How often the consumer slept for a frame; 0 in a broadcast ring.
    pub consumer_waits: u64,
    /// The longest payload of one frame in bytes.
    pub max_frame: u32,
    /// The longest message in bytes.
    pub max_message: u32,
    /// CIRCLET_SPSC, CIRCLET_MPSC or CIRCLET_BROADCAST.
    pub mode: u32,
    /// CIRCLET_BLOCK, CIRCLET_FAIL or CIRCLET_DROP_NEWEST.
    pub overflow: u32,
    /// How many producers live.
    pub producers: u32,
    /// What is known of the producers: 0 nobody yet, 1 one of them alive, 2 closed, 3 died.
    pub producer: u32,
    /// The same for the consumer; 0 in a broadcast ring, whose readers have no seat.
    pub consumer: u32,
    /// Always 0.
    pub reserved: u32,
}

/// The side that writes.
pub const CIRCLET_PRODUCER: i32 = 1;
/// The side that reads. In a broadcast ring it begins with the next frame that is sent.
pub const CIRCLET_CONSUMER: i32 = 2;
/// The side that reads, for `circlet_ring_attach` alone: in a broadcast ring it begins with the oldest frame there is.
pub const CIRCLET_CONSUMER_FROM_OLDEST: i32 = 3;

/// A ring. Each side is taken by its first use (or by `circlet_ring_attach`), and is for one thread at a time: a
/// second thread inside the same side gets CIRCLET_BUSY.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_ring {
    ring: Ring,
    sender: Side<Option<Sender>>,
    receiver: Side<Option<Reading>>,
}

/// A reader, and what it missed.
#[derive(Debug)]
struct Reading {
    receiver: Receiver,
    missed: (u64, u64),
}

impl circlet_ring {
    pub(super) fn handle(ring: Ring) -> *mut Self {
        into_handle(Self::of(ring))
    }

    pub(super) fn of(ring: Ring) -> Self {
        Self { ring, sender: Side::new(None), receiver: Side::new(None) }
    }

    /// Takes a side.
    pub(super) fn attach(&self, role: Role) -> Result<i32, Failure> {
        match role {
            Role::Producer => self.writing(|_| Ok(0)),
            Role::Consumer => self.reading(|_| Ok(0)),
        }
    }

    fn detach(&self, role: Role) -> Result<i32, Failure> {
        match role {
            Role::Producer => self.sender.enter(|side| {
                *side = None;
                Ok(0)
            }),
            Role::Consumer => self.receiver.enter(|side| {
                *side = None;
                Ok(0)
            }),
        }
    }

    /// Lets go of what a port has lent.
    pub(super) fn let_go(&self) -> Result<(), Failure> {
        self.detach(Role::Producer)?;
        self.detach(Role::Consumer)?;
        self.ring.end_loan();
        Ok(())
    }

    /// Returns the ring, for other parts of the C face.
    pub(super) fn ring(&self) -> &Ring {
        &self.ring
    }

    #[inline]
    fn writing<R>(&self, body: impl FnOnce(&mut Sender) -> Result<R, Failure>) -> Result<R, Failure> {
        self.sender.enter(|side| {
            let sender = match side {
                Some(sender) => sender,
                None => side.insert(self.ring.sender()?),
            };
            body(sender)
        })
    }

    #[inline]
    fn reading<R>(&self, body: impl FnOnce(&mut Reading) -> Result<R, Failure>) -> Result<R, Failure> {
        self.reading_from(Ring::receiver, body)
    }

    #[inline]
    fn reading_from<R>(
        &self,
        take: impl FnOnce(&Ring) -> Result<Receiver, Error>,
        body: impl FnOnce(&mut Reading) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.receiver.enter(|side| {
            let reading = match side {
                Some(reading) => reading,
                None => side.insert(Reading { receiver: take(&self.ring)?, missed: (0, 0) }),
            };
            body(reading)
        })
    }

    #[inline]
    fn frame(&self, start: NonNull<u8>, len: u32) -> circlet_frame {
        let segment = self.ring.segment();
        let offset = start.as_ptr().addr().wrapping_sub(segment.base().as_ptr().addr());
        let is_inside = (offset as u64) < segment.geometry().segment_bytes();
        let offset = if is_inside { offset as u32 } else { CIRCLET_NO_OFFSET };
        circlet_frame { data: start.as_ptr().cast(), offset, len }
    }
}

/// Takes a side (CIRCLET_PRODUCER, CIRCLET_CONSUMER or CIRCLET_CONSUMER_FROM_OLDEST) now instead of at its first use.
///
/// Returns 0 (also where this handle has it already), CIRCLET_BUSY while somebody alive has it, CIRCLET_INVALID where this
/// handle reads already and was to begin with the oldest, or CIRCLET_POISONED.
///
/// # Safety
/// `ring` is NULL or an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_attach(ring: *const circlet_ring, side: i32) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let ring = unsafe { borrow(ring, "ring")? };
        if side == CIRCLET_CONSUMER_FROM_OLDEST {
            if ring.receiver.enter(|side| Ok(side.is_some()))? {
                return Err(Failure::invalid("this handle reads already: call circlet_ring_detach first"));
            }
            return ring.reading_from(Ring::receiver_from_oldest, |_| Ok(0));
        }
        ring.attach(role(side)?)
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
        ring.detach(role(side)?)
    })
}

/// Sets how long a side (CIRCLET_PRODUCER or CIRCLET_CONSUMER) spins before it sleeps, in microseconds: 0 sleeps at
/// once, infinity never sleeps. Unless it is set, a side learns how long spinning pays, up to 20 microseconds. Takes the
/// side if this handle does not have it yet.
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
            Role::Producer => ring.writing(|sender| {
                sender.set_wait(wait);
                Ok(0)
            }),
            Role::Consumer => ring.reading(|reading| {
                reading.receiver.set_wait(wait);
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
            high_water_bytes: stats.high_water_bytes,
            frames_sent: stats.frames_sent,
            frames_received: stats.frames_received,
            payload_bytes_sent: stats.payload_bytes_sent,
            full_events: stats.full_events,
            dropped: stats.dropped,
            producer_waits: stats.producer_waits,
            consumer_waits: stats.consumer_waits,
            max_frame: stats.max_frame,
            max_message: stats.max_message,
            mode: stats.mode.word(),
            overflow: stats.overflow.word(),
            producers: stats.producers as u32,
            producer: stats.producer as u32,
            consumer: stats.consumer as u32,
            reserved: 0,
        });
        Ok(0)
    })
}

/// Gives a side's doorbell: a descriptor for epoll and its like that is readable once the other side may have done
/// something since the last `circlet_ring_arm`. Takes the side if this handle does not have it yet.
///
/// Returns 0, or CIRCLET_OS where the kernel has no more of them (fs.inotify.max_user_instances, one for each side that was
/// asked for its doorbell). The caller owns `*fd` and closes it; what is read from it means nothing, and may be read
/// away or left to `circlet_ring_arm`.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_fd(ring: *const circlet_ring, side: i32, fd: *mut i32) -> i32 {
    use std::os::fd::{BorrowedFd, IntoRawFd};
    let copy = |fd: BorrowedFd<'_>| {
        fd.try_clone_to_owned()
            .map_err(|source| Error::from(shm::Error::Os { call: "fcntl(F_DUPFD)", source }))
    };
    call(|| {
        // SAFETY: the caller's promise.
        let (ring, out) = unsafe { (borrow(ring, "ring")?, Out::new(fd, "fd")?) };
        let fd = match role(side)? {
            Role::Producer => ring.writing(|sender| Ok(copy(sender.fd()?)?))?,
            Role::Consumer => ring.reading(|reading| Ok(copy(reading.receiver.fd()?)?))?,
        };
        out.set(fd.into_raw_fd());
        Ok(0)
    })
}

/// Asks for the doorbell, which also rings for others who open and close the segment. For the producer `len` is the
/// message that it wants room for, or for the next fragment of it; for the consumer it is ignored, and what was received is
/// released.
///
/// Returns 1 where there is no need to wait: there is a frame, or room, or an end that the next call tells of; 0 where
/// the descriptor of `circlet_ring_fd` tells when to look again; or an error.
///
/// # Safety
/// `ring` is NULL or an open handle.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_arm(ring: *const circlet_ring, side: i32, len: u32) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let ring = unsafe { borrow(ring, "ring")? };
        match role(side)? {
            Role::Producer => ring.writing(|sender| Ok(sender.arm(len as usize)?.into())),
            Role::Consumer => ring.reading(|reading| Ok(reading.receiver.arm()?.into())),
        }
    })
}

pub(super) fn role(side: i32) -> Result<Role, Failure> {
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
            Error::Lagged { .. } => CIRCLET_LAGGED,
            Error::Closed => CIRCLET_CLOSED,
            Error::PeerDied => CIRCLET_PEER_DIED,
            Error::Poisoned { .. } => CIRCLET_POISONED,
            Error::Segment(segment) => segment_status(segment),
        };
        Self::new(status, error.to_string())
    }
}

pub(super) fn segment_status(error: &shm::Error) -> circlet_status {
    use circlet_status::*;
    match error {
        shm::Error::Name { .. }
        | shm::Error::Capacity { .. }
        | shm::Error::MaxMessage { .. }
        | shm::Error::SchemaTag { .. }
        | shm::Error::Permissions { .. }
        | shm::Error::Lent { .. }
        | shm::Error::Forked => CIRCLET_INVALID,
        shm::Error::Schema { .. } => CIRCLET_BAD_SCHEMA,
        shm::Error::NameTaken { .. } => CIRCLET_NAME_TAKEN,
        shm::Error::NotFound { .. } | shm::Error::Removed => CIRCLET_NOT_FOUND,
        shm::Error::NoSpace { .. } | shm::Error::NoHugePages { .. } => CIRCLET_NO_SPACE,
        shm::Error::Truncated { .. } => CIRCLET_TRUNCATED,
        shm::Error::Magic { .. } => CIRCLET_BAD_MAGIC,
        shm::Error::Version { .. } => CIRCLET_BAD_VERSION,
        shm::Error::Endian { .. } => CIRCLET_BAD_ENDIAN,
        shm::Error::UnknownMode { .. } | shm::Error::Mode { .. } => CIRCLET_BAD_MODE,
        shm::Error::Geometry { .. } | shm::Error::Header { .. } => CIRCLET_BAD_GEOMETRY,
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
