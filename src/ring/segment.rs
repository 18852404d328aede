//! A segment opened as a ring, and what it was made with.

#[cfg(unix)]
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use super::{Error, Receiver, Sender};
use crate::shm::layout::{DATA, consumer, producer};
use crate::shm::{self, Geometry, Mode, PeerState, Role, Segment, Wait};

/// What a ring is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    capacity: u64,
}

impl Options {
    /// Begins with the defaults: 1 MiB, one producer and one consumer.
    pub fn new() -> Self {
        Self { capacity: 1 << 20 }
    }

    /// Sets the bytes of the data area, rounded up to a power of two between 4 KiB and 1 GiB.
    ///
    /// The longest frame is half of it, less four bytes.
    pub fn capacity(mut self, bytes: u64) -> Self {
        self.capacity = bytes;
        self
    }

    fn geometry(&self) -> Result<Geometry, shm::Error> {
        Geometry::new(Mode::Spsc, self.capacity)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// Creates a named ring, which other processes [`open`]. Its name is removed when this `Ring`, and every sender and
/// receiver made from it, are dropped.
///
/// # Errors
/// [`shm::Error`]: a name that is taken or not allowed, a capacity out of range, no room.
pub fn create(name: &str, options: &Options) -> Result<Ring, Error> {
    Ok(Ring::new(Segment::create(name, &options.geometry()?)?))
}

/// Opens a ring by its name.
///
/// # Errors
/// [`shm::Error`]: no such name, or a segment that is not a ring of this version.
pub fn open(name: &str) -> Result<Ring, Error> {
    Ok(Ring::new(Segment::open(name)?))
}

/// Creates a ring without a name, to be passed to another process with [`Ring::export_fd`].
///
/// # Errors
/// [`shm::Error`]: a capacity out of range, no room.
pub fn anonymous(options: &Options) -> Result<Ring, Error> {
    Ok(Ring::new(Segment::anonymous(&options.geometry()?)?))
}

/// Opens a ring from a descriptor that [`Ring::export_fd`] made, and owns it.
///
/// # Errors
/// [`shm::Error`]: a descriptor that is not a sealed memfd, or a segment that is not a ring of this version.
#[cfg(unix)]
pub fn from_fd(fd: OwnedFd) -> Result<Ring, Error> {
    Ok(Ring::new(Segment::from_fd(fd)?))
}

/// A ring in shared memory: where senders and receivers come from. `Send` and `Sync`.
#[derive(Clone, Debug)]
pub struct Ring {
    segment: Arc<Segment>,
}

impl Ring {
    fn new(segment: Segment) -> Self {
        Self { segment: Arc::new(segment) }
    }

    /// Takes the producer's seat; a seat whose holder died is free again, and its successor goes on where it stopped.
    ///
    /// # Errors
    /// [`shm::Error::Busy`] while somebody alive holds it, [`Error::Poisoned`] where the ring's positions cannot be.
    pub fn sender(&self) -> Result<Sender, Error> {
        Sender::new(Arc::clone(&self.segment))
    }

    /// Takes the consumer's seat; a successor reads on after the last released frame.
    ///
    /// # Errors
    /// As [`Ring::sender`].
    pub fn receiver(&self) -> Result<Receiver, Error> {
        Receiver::new(Arc::clone(&self.segment))
    }

    /// Returns the bytes of the data area.
    pub fn capacity(&self) -> u64 {
        self.segment.geometry().capacity()
    }

    /// Returns the longest payload of one frame in bytes.
    pub fn max_frame(&self) -> u32 {
        self.segment.geometry().max_frame()
    }

    /// Returns the mapped segment: its base and geometry, for those who lay views over it.
    pub fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Makes a descriptor that another process can open this ring from. Close it here once it is passed: the locks
    /// that tell who is alive belong to it.
    ///
    /// # Errors
    /// What the kernel said.
    #[cfg(unix)]
    pub fn export_fd(&self) -> Result<OwnedFd, Error> {
        Ok(self.segment.export_fd()?)
    }

    /// Reads the counters. Each is right by itself; together they are of about one moment.
    pub fn stats(&self) -> Stats {
        let read = |offset| self.segment.u64_at(offset).load(Relaxed);
        let head = self.segment.u64_at(consumer::HEAD).load(Acquire);
        Stats {
            capacity_bytes: self.capacity(),
            used_bytes: read(producer::TAIL).wrapping_sub(head).min(self.capacity()),
            frames_sent: read(producer::FRAMES),
            frames_received: read(consumer::FRAMES),
            payload_bytes_sent: read(producer::BYTES),
            full_events: read(producer::FULL_EVENTS),
            producer: shm::seat_state(&self.segment, Role::Producer),
            consumer: shm::seat_state(&self.segment, Role::Consumer),
        }
    }
}

/// The counters of a ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
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
    /// Who sits at the producer's seat.
    pub producer: PeerState,
    /// Who sits at the consumer's seat.
    pub consumer: PeerState,
}

/// The data area as one side sees it: the private copy of the geometry, and the words in it.
#[derive(Debug)]
pub(super) struct Data {
    base: NonNull<u8>,
    capacity: u64,
    max_frame: u32,
}

impl Data {
    pub(super) fn new(segment: &Segment) -> Self {
        // SAFETY: the data area lies inside the mapping: the geometry was checked against the file's length.
        let base = unsafe { segment.base().add(DATA) };
        Self { base, capacity: segment.geometry().capacity(), max_frame: segment.geometry().max_frame() }
    }

    #[inline]
    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }

    #[inline]
    pub(super) fn max_frame(&self) -> u32 {
        self.max_frame
    }

    /// Returns the bytes from a position to the end of the data area.
    #[inline]
    pub(super) fn rest(&self, position: u64) -> u64 {
        self.capacity - self.offset(position) as u64
    }

    /// Returns the offset of a position in the data area.
    #[inline]
    pub(super) fn offset(&self, position: u64) -> usize {
        (position & (self.capacity - 1)) as usize
    }

    /// Returns the word of the frame at a position, which is a multiple of eight.
    #[inline]
    pub(super) fn word(&self, position: u64) -> &AtomicU32 {
        debug_assert!(position.is_multiple_of(8));
        // SAFETY: the offset is below the capacity and a multiple of 8, the base is 4 (mod 8) in a page-aligned mapping,
        // so that the word is aligned and inside; it lives as long as the segment, which outlives its sides.
        unsafe { &*self.base.as_ptr().add(self.offset(position)).cast() }
    }

    /// Returns where the payload of the frame at a position begins.
    #[inline]
    pub(super) fn payload(&self, position: u64) -> NonNull<u8> {
        // SAFETY: a word lies at the offset, so that the byte after it is inside, or one past the end.
        unsafe { self.base.add(self.offset(position) + 4) }
    }
}

/// How a side waits unless it is told otherwise.
#[derive(Debug)]
pub(super) struct Patience {
    pub(super) wait: Wait,
    /// Whether this side publishes without a fence.
    pub(super) unfenced: bool,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self { wait: Wait::default(), unfenced: shm::publishes_unfenced() }
    }
}
