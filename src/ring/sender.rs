//! The producer's side.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use super::frame::{self, ALIGN, COMMITTED, EMPTY, Found, PAD};
use super::segment::{Data, Patience};
use super::{Deadline, Error, PeerState, Poison, Role, Wait};
use crate::shm::layout::{consumer, producer};
use crate::shm::{self, Seat, Segment};

/// Writes frames into a ring. One for each ring; `Send`, and one thread at a time.
///
/// Dropping it closes the ring: the reader drains what was committed and then gets [`Error::Closed`].
pub struct Sender {
    data: Data,
    patience: Patience,
    /// Where the next frame goes. The shared tail follows each commit.
    tail: u64,
    /// The reader's head when it was last looked at. It may lag behind, so that room is only ever underrated.
    head_seen: u64,
    frames: u64,
    bytes: u64,
    full_events: u64,
    poison: Option<Poison>,
    seat: Seat,
}

// SAFETY: the pointers in `data` lead into the mapping that `seat` keeps alive, and only this side writes behind them.
unsafe impl Send for Sender {}

impl Sender {
    pub(super) fn new(segment: Arc<Segment>) -> Result<Self, Error> {
        let seat = Seat::take(segment, Role::Producer)?;
        let segment = seat.segment();
        let read = |offset| segment.u64_at(offset).load(Acquire);
        let mut sender = Self {
            data: Data::new(segment),
            patience: Patience::new(),
            tail: read(producer::TAIL),
            head_seen: read(consumer::HEAD),
            frames: read(producer::FRAMES).max(read(consumer::FRAMES)),
            bytes: read(producer::BYTES),
            full_events: read(producer::FULL_EVENTS),
            poison: None,
            seat,
        };
        sender.walk_to_the_end()?;
        Ok(sender)
    }

    /// Finds the true end: a predecessor that was killed between the word and the tail left one frame behind its tail,
    /// which the reader may even have released.
    fn walk_to_the_end(&mut self) -> Result<(), Error> {
        if frame::check_positions(self.tail, self.head_seen, self.data.capacity()).is_ok() {
            self.tail = self.head_seen;
        }
        loop {
            frame::check_positions(self.head_seen, self.tail, self.data.capacity())?;
            let word = self.data.word(self.tail).load(Acquire);
            match frame::judge(word, self.tail, self.data.capacity(), self.data.max_frame())? {
                Found::Nothing => break,
                Found::Frame(len) => {
                    self.frames = self.frames.wrapping_add(1);
                    self.bytes = self.bytes.wrapping_add(len.into());
                    self.tail = self.tail.wrapping_add(frame::frame_bytes(len));
                }
                Found::Padding(bytes) => self.tail = self.tail.wrapping_add(bytes),
            }
        }
        self.store_tail();
        Ok(())
    }

    /// Sets how this side waits for room.
    pub fn set_wait(&mut self, wait: Wait) {
        self.patience.wait = wait;
    }

    /// Returns the longest payload of one frame in bytes.
    pub fn max_frame(&self) -> u32 {
        self.data.max_frame()
    }

    /// Looks at the reader's seat.
    pub fn peer_state(&self) -> PeerState {
        self.seat.peer_state()
    }

    /// Copies a payload in as one frame, waiting for room without a deadline.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; [`Error::Closed`] or [`Error::PeerDied`] where nobody will ever make room;
    /// [`Error::Poisoned`].
    pub fn send(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.send_by(payload, Deadline::NEVER)
    }

    /// As [`Sender::send`], but does not wait.
    ///
    /// # Errors
    /// [`Error::Full`], and those of [`Sender::send`] except for the reader's end, which only a wait looks at.
    #[inline]
    pub fn try_send(&mut self, payload: &[u8]) -> Result<(), Error> {
        let mut claim = self.try_claim(payload.len())?;
        claim.copy_from_slice(payload);
        claim.commit();
        Ok(())
    }

    /// As [`Sender::send`], but gives up after `timeout`.
    ///
    /// # Errors
    /// [`Error::TimedOut`], and those of [`Sender::send`].
    pub fn send_timeout(&mut self, payload: &[u8], timeout: Duration) -> Result<(), Error> {
        self.send_by(payload, Deadline::after(timeout))
    }

    /// As [`Sender::send`], but gives up at `deadline`.
    ///
    /// # Errors
    /// [`Error::TimedOut`], and those of [`Sender::send`].
    #[inline]
    pub fn send_by(&mut self, payload: &[u8], deadline: Deadline) -> Result<(), Error> {
        let mut claim = self.claim_by(payload.len(), deadline)?;
        claim.copy_from_slice(payload);
        claim.commit();
        Ok(())
    }

    /// Copies many payloads in as a frame each, waiting for room without a deadline and waking the reader once.
    ///
    /// # Errors
    /// As [`Sender::send`]; what came before the payload that failed is sent.
    pub fn send_many<'a>(&mut self, payloads: impl IntoIterator<Item = &'a [u8]>) -> Result<usize, Error> {
        self.send_many_by(payloads, Deadline::NEVER).map_err(|(_, error)| error)
    }

    /// As [`Sender::send_many`] with a deadline for all of them together.
    ///
    /// # Errors
    /// As [`Sender::send_by`], with the number of payloads that were sent before.
    pub fn send_many_by<'a>(
        &mut self,
        payloads: impl IntoIterator<Item = &'a [u8]>,
        deadline: Deadline,
    ) -> Result<usize, (usize, Error)> {
        let mut sent = 0;
        for payload in payloads {
            if let Err(error) = self.place(payload, deadline) {
                self.wake_reader();
                return Err((sent, error));
            }
            sent += 1;
        }
        self.wake_reader();
        Ok(sent)
    }

    /// Commits one payload without waking, unless the ring is full.
    #[inline]
    fn place(&mut self, payload: &[u8], deadline: Deadline) -> Result<(), Error> {
        let reserved = match self.reserve(payload.len()) {
            Err(Error::Full { .. }) => {
                self.wake_reader();
                self.wait_for_room(payload.len(), deadline)
            }
            other => other,
        }?;
        // SAFETY: the payload's room was reserved, nobody reads it before the word is stored, and the two do not overlap.
        unsafe {
            self.data.payload(self.tail).as_ptr().copy_from_nonoverlapping(payload.as_ptr(), payload.len());
        }
        self.publish(reserved);
        Ok(())
    }

    /// Reserves room for a payload of `len` bytes, to be written in place, waiting without a deadline.
    ///
    /// # Errors
    /// As [`Sender::send`].
    pub fn claim(&mut self, len: usize) -> Result<Claim<'_>, Error> {
        self.claim_by(len, Deadline::NEVER)
    }

    /// As [`Sender::claim`], but does not wait.
    ///
    /// # Errors
    /// As [`Sender::try_send`].
    #[inline]
    pub fn try_claim(&mut self, len: usize) -> Result<Claim<'_>, Error> {
        let reserved = self.reserve(len)?;
        Ok(Claim { reserved, sender: self })
    }

    /// As [`Sender::claim`], but gives up after `timeout`.
    ///
    /// # Errors
    /// As [`Sender::send_timeout`].
    pub fn claim_timeout(&mut self, len: usize, timeout: Duration) -> Result<Claim<'_>, Error> {
        self.claim_by(len, Deadline::after(timeout))
    }

    /// As [`Sender::claim`], but gives up at `deadline`.
    ///
    /// # Errors
    /// As [`Sender::send_by`].
    #[inline]
    pub fn claim_by(&mut self, len: usize, deadline: Deadline) -> Result<Claim<'_>, Error> {
        let reserved = match self.reserve(len) {
            Err(Error::Full { .. }) => self.wait_for_room(len, deadline),
            other => other,
        }?;
        Ok(Claim { reserved, sender: self })
    }

    /// Reserves room as [`Sender::claim_by`] does and tells where it begins: for the C face, which has no borrows.
    ///
    /// The reservation is given up by the next one.
    #[cfg(feature = "capi")]
    #[inline]
    pub(crate) fn reserve_by(
        &mut self,
        len: usize,
        deadline: Deadline,
    ) -> Result<(std::ptr::NonNull<u8>, u32), Error> {
        let reserved = self.claim_by(len, deadline)?.reserved;
        Ok((self.data.payload(self.tail), reserved))
    }

    /// Commits the first `len` bytes of what [`Sender::reserve_by`] has reserved last.
    ///
    /// `len` is at most what was reserved.
    #[cfg(feature = "capi")]
    #[inline]
    pub(crate) fn commit_reserved(&mut self, len: u32) {
        self.publish(len);
        self.wake_reader();
    }

    /// Makes room at the tail, where the data area's rest is too short by padding it first.
    #[inline]
    fn reserve(&mut self, len: usize) -> Result<u32, Error> {
        if let Some(poison) = self.poison {
            return Err(poison.into());
        }
        let max = self.data.max_frame();
        let Some(payload) = u32::try_from(len).ok().filter(|len| *len <= max) else {
            return Err(Error::TooLarge { len, max });
        };
        let bytes = frame::frame_bytes(payload);
        let rest = self.data.rest(self.tail);
        let padding = if bytes > rest { rest } else { 0 };
        // The word after the frame is kept zero, and needs room too.
        let needed = padding + bytes + ALIGN;
        let capacity = self.data.capacity();
        if self.used() + needed > capacity {
            self.look_at_head()?;
            let free = capacity - self.used();
            if needed > free {
                return Err(Error::Full { needed, free });
            }
        }
        if padding > 0 {
            self.store_frame(PAD, padding - frame::WORD_BYTES);
        }
        Ok(payload)
    }

    /// Returns the bytes that the reader has not released, as far as is known.
    #[inline]
    fn used(&self) -> u64 {
        self.tail.wrapping_sub(self.head_seen)
    }

    #[cold]
    fn look_at_head(&mut self) -> Result<(), Error> {
        let head = self.seat.segment().u64_at(consumer::HEAD).load(Acquire);
        let sound = frame::check_positions(head, self.tail, self.data.capacity());
        if let Err(poison) = sound {
            self.poison = Some(poison);
        }
        self.head_seen = head;
        Ok(sound?)
    }

    #[cold]
    fn wait_for_room(&mut self, len: usize, deadline: Deadline) -> Result<u32, Error> {
        self.full_events = self.full_events.wrapping_add(1);
        let segment = Arc::clone(self.seat.segment());
        segment.u64_at(producer::FULL_EVENTS).store(self.full_events, Relaxed);
        let unfenced = || shm::is_unfenced(&segment, Role::Consumer);
        let wait = self.patience.wait;
        let attempt = |look_at_peer: bool| match self.reserve(len) {
            Err(Error::Full { .. }) if !look_at_peer => Ok(None),
            Err(Error::Full { .. }) => match self.seat.peer_state() {
                PeerState::Never | PeerState::Alive => Ok(None),
                PeerState::Closed => self.reserve(len).map(Some).map_err(|_| Error::Closed),
                PeerState::Dead => self.reserve(len).map(Some).map_err(|_| Error::PeerDied),
            },
            other => other.map(Some),
        };
        shm::sleep_until(segment.u32_at(producer::WAITING), wait, deadline, unfenced, attempt)?
            .ok_or(Error::TimedOut { waited_for: "the reader made no room for the frame" })
    }

    /// Stores a frame's word, after the zero word that ends the ring behind it, and moves the tail.
    #[inline]
    fn store_frame(&mut self, state: u32, payload: u64) {
        let next = self.tail.wrapping_add(frame::frame_bytes(payload as u32));
        self.data.word(next).store(EMPTY, Relaxed);
        // Release: whoever acquires this word sees the payload and the zero word. Pairs with `Receiver::next`.
        self.data.word(self.tail).store(state | payload as u32, Release);
        self.tail = next;
        self.store_tail();
    }

    #[inline]
    fn store_tail(&self) {
        self.seat.segment().u64_at(producer::TAIL).store(self.tail, Release);
    }

    #[inline]
    fn publish(&mut self, payload: u32) {
        self.store_frame(COMMITTED, payload.into());
        self.frames = self.frames.wrapping_add(1);
        self.bytes = self.bytes.wrapping_add(payload.into());
        let segment = self.seat.segment();
        segment.u64_at(producer::FRAMES).store(self.frames, Relaxed);
        segment.u64_at(producer::BYTES).store(self.bytes, Relaxed);
    }

    #[inline]
    fn wake_reader(&self) {
        shm::publish_fence(self.patience.unfenced);
        shm::wake(self.seat.segment().u32_at(consumer::WAITING));
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("tail", &self.tail)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

/// Room in the ring, to be written in place: [`Claim::commit`] makes it a frame, dropping it gives it up.
///
/// The bytes are whatever an earlier frame left there. They begin at a multiple of eight, so that an f64 slice can be
/// laid over them (`bytemuck::cast_slice_mut`).
pub struct Claim<'a> {
    sender: &'a mut Sender,
    reserved: u32,
}

impl Claim<'_> {
    /// Makes the whole claim a frame, and wakes the reader if it sleeps.
    #[inline]
    pub fn commit(self) {
        self.sender.publish(self.reserved);
        self.sender.wake_reader();
    }

    /// Makes the first `len` bytes a frame and gives the rest back.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where the claim is shorter; the claim is given up then.
    pub fn commit_len(mut self, len: usize) -> Result<(), Error> {
        if len > self.len() {
            return Err(Error::TooLarge { len, max: self.reserved });
        }
        self.reserved = len as u32;
        self.commit();
        Ok(())
    }
}

impl Deref for Claim<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let start = self.sender.data.payload(self.sender.tail);
        // SAFETY: `reserve` made room for so many bytes at the tail, inside the mapping, which the borrowed sender keeps
        // alive; nobody reads them before the word is stored, and only this side writes them.
        unsafe { slice::from_raw_parts(start.as_ptr(), self.reserved as usize) }
    }
}

impl DerefMut for Claim<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        let start = self.sender.data.payload(self.sender.tail);
        // SAFETY: as in `deref`, and the claim is borrowed alone.
        unsafe { slice::from_raw_parts_mut(start.as_ptr(), self.reserved as usize) }
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("len", &self.reserved).finish_non_exhaustive()
    }
}
