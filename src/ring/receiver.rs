//! The consumer's side.

use std::fmt;
use std::ops::Deref;
use std::ptr::NonNull;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use super::frame::{self, Found};
use super::segment::{Data, Patience};
use super::{Deadline, Error, PeerState, Poison, Role, Wait};
use crate::shm::layout::{consumer, producer};
use crate::shm::{self, Seat, Segment};

/// Reads frames from a ring. One for each ring; `Send`, and one thread at a time.
///
/// Nothing that the writer stores makes a read leave the mapping or go on for ever; a word that no ring may hold
/// poisons this side. The bytes of a frame in place may still change under the reader where the writer does not keep
/// to the protocol: take [`Receiver::recv_copy`] for bytes that must not.
pub struct Receiver {
    data: Data,
    patience: Patience,
    /// Where the next frame is.
    next: u64,
    /// What the shared head says: everything before it is the writer's again.
    released: u64,
    frames: u64,
    poison: Option<Poison>,
    seat: Seat,
}

// SAFETY: the pointers in `data` lead into the mapping that `seat` keeps alive.
unsafe impl Send for Receiver {}

impl Receiver {
    pub(super) fn new(segment: Arc<Segment>) -> Result<Self, Error> {
        let seat = Seat::take(segment, Role::Consumer)?;
        let segment = seat.segment();
        let head = segment.u64_at(consumer::HEAD).load(Acquire);
        let tail = segment.u64_at(producer::TAIL).load(Acquire);
        // The tail of a writer that was killed may stand behind a frame that was committed, and even released.
        let capacity = segment.geometry().capacity();
        frame::check_positions(head, tail, capacity)
            .or_else(|_| frame::check_positions(tail, head, capacity))?;
        let frames = segment.u64_at(consumer::FRAMES).load(Relaxed);
        Ok(Self {
            data: Data::new(segment),
            patience: Patience::new(),
            next: head,
            released: head,
            frames,
            poison: None,
            seat,
        })
    }

    /// Sets how this side waits for frames.
    pub fn set_wait(&mut self, wait: Wait) {
        self.patience.wait = wait;
    }

    /// Looks at the writer's seat.
    pub fn peer_state(&self) -> PeerState {
        self.seat.peer_state()
    }

    /// Waits for a frame without a deadline and borrows it in place; dropping it releases it.
    ///
    /// # Errors
    /// [`Error::Closed`] or [`Error::PeerDied`] once everything committed has been read; [`Error::Poisoned`].
    pub fn recv(&mut self) -> Result<Frame<'_>, Error> {
        self.recv_by(Deadline::NEVER)
    }

    /// As [`Receiver::recv`], but gives up after `timeout`.
    ///
    /// # Errors
    /// [`Error::TimedOut`], and those of [`Receiver::recv`].
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Frame<'_>, Error> {
        self.recv_by(Deadline::after(timeout))
    }

    /// As [`Receiver::recv`], but gives up at `deadline`.
    ///
    /// # Errors
    /// [`Error::TimedOut`], and those of [`Receiver::recv`].
    #[inline]
    pub fn recv_by(&mut self, deadline: Deadline) -> Result<Frame<'_>, Error> {
        let raw = self.wait_for_frame(deadline)?;
        Ok(Frame { raw, receiver: self })
    }

    /// Borrows a frame if there is one.
    ///
    /// # Errors
    /// As [`Receiver::recv`]. Looking at the writer's end costs a call to the kernel where the ring is empty.
    pub fn try_recv(&mut self) -> Result<Option<Frame<'_>>, Error> {
        match self.next_frame()? {
            Some(raw) => Ok(Some(Frame { raw, receiver: self })),
            None => match self.last_or_end()? {
                Some(raw) => Ok(Some(Frame { raw, receiver: self })),
                None => Ok(None),
            },
        }
    }

    /// Waits for a frame and appends a private copy of it to `out`; returns its length.
    ///
    /// # Errors
    /// As [`Receiver::recv_by`].
    pub fn recv_copy(&mut self, out: &mut Vec<u8>, deadline: Deadline) -> Result<usize, Error> {
        let frame = self.recv_by(deadline)?;
        out.extend_from_slice(&frame);
        Ok(frame.len())
    }

    /// Waits for at least one frame and borrows up to `max` of them in place; dropping the batch releases those that
    /// were taken from it.
    ///
    /// # Errors
    /// As [`Receiver::recv`].
    pub fn recv_many(&mut self, max: usize) -> Result<Batch<'_>, Error> {
        self.recv_many_by(max, Deadline::NEVER)
    }

    /// As [`Receiver::recv_many`], but gives up at `deadline`.
    ///
    /// # Errors
    /// As [`Receiver::recv_by`].
    #[inline]
    pub fn recv_many_by(&mut self, max: usize, deadline: Deadline) -> Result<Batch<'_>, Error> {
        let first = self.wait_for_frame(deadline)?;
        // It is there, and stays until it is taken from the batch.
        self.next = self.next.wrapping_sub(frame::frame_bytes(first.len));
        self.frames = self.frames.wrapping_sub(1);
        Ok(Batch { left: max.max(1), receiver: self })
    }

    /// Takes the next frame, whose bytes stay valid until [`Receiver::release`]: for the C face, which has no borrows.
    #[inline]
    pub(crate) fn next_frame(&mut self) -> Result<Option<RawFrame>, Error> {
        if let Some(poison) = self.poison {
            return Err(poison.into());
        }
        loop {
            let position = self.next;
            // Acquire: pairs with the release of the word in `Sender::store_frame`. Read once: it may change.
            let word = self.data.word(position).load(Acquire);
            match frame::judge(word, position, self.data.capacity(), self.data.max_frame()) {
                Ok(Found::Nothing) => return Ok(None),
                Ok(Found::Frame(len)) => {
                    self.next = position.wrapping_add(frame::frame_bytes(len));
                    self.frames = self.frames.wrapping_add(1);
                    return Ok(Some(RawFrame { start: self.data.payload(position), len }));
                }
                Ok(Found::Padding(bytes)) => self.next = position.wrapping_add(bytes),
                Err(poison) => {
                    self.poison = Some(poison);
                    return Err(poison.into());
                }
            }
        }
    }

    /// Waits for the next frame. What was taken before is released first.
    #[inline]
    pub(crate) fn wait_for_frame(&mut self, deadline: Deadline) -> Result<RawFrame, Error> {
        self.release();
        match self.next_frame()? {
            Some(frame) => Ok(frame),
            None => self.wait_slow(deadline),
        }
    }

    #[cold]
    fn wait_slow(&mut self, deadline: Deadline) -> Result<RawFrame, Error> {
        let segment = Arc::clone(self.seat.segment());
        let unfenced = || shm::is_unfenced(&segment, Role::Producer);
        let wait = self.patience.wait;
        let attempt = |look_at_peer: bool| match self.next_frame()? {
            None if look_at_peer => self.last_or_end(),
            found => Ok(found),
        };
        shm::sleep_until(segment.u32_at(consumer::WAITING), wait, deadline, unfenced, attempt)?
            .ok_or(Error::TimedOut { waited_for: "no frame came" })
    }

    /// Looks at the writer of an empty ring: its end is an error once its last frame has been taken.
    fn last_or_end(&mut self) -> Result<Option<RawFrame>, Error> {
        let end = match self.seat.peer_state() {
            PeerState::Never | PeerState::Alive => return Ok(None),
            PeerState::Closed => Error::Closed,
            PeerState::Dead => Error::PeerDied,
        };
        // It may have committed between our look at the word and our look at its seat.
        self.next_frame()?.map_or(Err(end), |frame| Ok(Some(frame)))
    }

    /// Gives everything that was taken back to the writer, and wakes it if it sleeps.
    #[inline]
    pub(crate) fn release(&mut self) {
        if self.released == self.next {
            return;
        }
        self.released = self.next;
        let segment = self.seat.segment();
        segment.u64_at(consumer::FRAMES).store(self.frames, Relaxed);
        // Release: our reads of the frames come before the writer's next writes there. Pairs with `Sender::look_at_head`.
        segment.u64_at(consumer::HEAD).store(self.released, Release);
        shm::publish_fence(self.patience.unfenced);
        shm::wake(segment.u32_at(producer::WAITING));
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("next", &self.next)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

/// A frame's place: valid until it is released.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawFrame {
    pub(crate) start: NonNull<u8>,
    pub(crate) len: u32,
}

impl RawFrame {
    /// # Safety
    /// The frame has not been released, and `'a` ends before it is.
    unsafe fn bytes<'a>(self) -> &'a [u8] {
        // SAFETY: `judge` found the frame inside the data area. A writer that keeps to the protocol does not touch it
        // before it is released; one that does not can change bytes, never where they are.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len as usize) }
    }
}

/// A frame in place. Dropping it releases it.
pub struct Frame<'a> {
    receiver: &'a mut Receiver,
    raw: RawFrame,
}

impl Deref for Frame<'_> {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: it is released when it is dropped, which the borrow of `self` outlives.
        unsafe { self.raw.bytes() }
    }
}

impl Drop for Frame<'_> {
    #[inline]
    fn drop(&mut self) {
        self.receiver.release();
    }
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Frame").field(&&**self).finish()
    }
}

/// Frames in place. Dropping it releases all that were taken from it; the others stay for the next call.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// # use circlet::ring::{self, Options};
/// # let ring = ring::anonymous(&Options::new())?;
/// # let (mut sender, mut receiver) = (ring.sender()?, ring.receiver()?);
/// sender.send_many([b"one".as_slice(), b"two", b"three"])?;
/// let mut lengths = Vec::new();
/// for frame in &mut receiver.recv_many(16)? {
///     lengths.push(frame.len());
/// }
/// assert_eq!(lengths, [3, 3, 5]);
/// # }
/// # Ok::<(), circlet::ring::Error>(())
/// ```
#[derive(Debug)]
pub struct Batch<'a> {
    left: usize,
    receiver: &'a mut Receiver,
}

impl<'b> IntoIterator for &'b mut Batch<'_> {
    type Item = &'b [u8];
    type IntoIter = BatchIter<'b>;

    #[inline]
    fn into_iter(self) -> BatchIter<'b> {
        BatchIter { left: &mut self.left, receiver: self.receiver }
    }
}

impl Drop for Batch<'_> {
    #[inline]
    fn drop(&mut self) {
        self.receiver.release();
    }
}

/// Goes through the frames of a [`Batch`], which stay borrowed as long as the batch is.
#[derive(Debug)]
pub struct BatchIter<'b> {
    left: &'b mut usize,
    receiver: &'b mut Receiver,
}

impl<'b> Iterator for BatchIter<'b> {
    type Item = &'b [u8];

    #[inline]
    fn next(&mut self) -> Option<&'b [u8]> {
        *self.left = self.left.checked_sub(1)?;
        // A poison is remembered, and the next call to the receiver returns it.
        let raw = self.receiver.next_frame().ok().flatten()?;
        // SAFETY: the batch releases when it is dropped, and it is borrowed for `'b`.
        Some(unsafe { raw.bytes() })
    }
}
