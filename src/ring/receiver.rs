//! The consumer's side.

#[allow(dead_code, reason = "worker processes alone take pieces")]
mod pieces;

use std::fmt;
#[cfg(unix)]
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::copies::Copies;
use super::fragment::Assembler;
use super::frame::Rules;
use super::protocol::{Consumer, Reader, SKIPS, Taken};
use super::stats::Stats;
use super::{Batch, Deadline, Error, Frame, PeerState, Role, Wait};
use crate::shm::layout::{SLOTS, consumer};
use crate::shm::{self, Memory, Mode, Patience, Place, Seat, Segment, Shared, View};
#[cfg(feature = "exec")]
pub(crate) use pieces::Piece;

/// How far ahead of a frame that is taken the ring is asked for: some lines, as the next frame's place is only known
/// once this one's word is here. Up to twice the frames of 64 bytes come for it.
const PREFETCH_BYTES: u64 = 1024;

/// Reads frames from a ring. `Send`, and one thread at a time; a broadcast ring has any number of these.
///
/// Nothing that a writer stores makes a read leave the mapping or go on for ever; a word that no ring may hold
/// poisons this side. The bytes of a frame in place may still change under the reader where the writer does not keep
/// to the protocol: take [`Receiver::recv_copy`] for bytes that must not. Frames of a broadcast ring, and messages that
/// came in fragments, are private copies already.
pub struct Receiver {
    source: Source,
    copies: Copies,
    assembler: Assembler,
    /// Whether the caller may look at a frame in place.
    lent: bool,
    /// Whether fragments are taken as they are, and whether the last frame that was taken so is one.
    in_pieces: bool,
    is_fragment: bool,
    /// That the last batch ended because there was nothing more.
    caught_up: bool,
    /// A private copy that nobody took from its batch.
    kept: Option<RawFrame>,
    /// That the reader was overtaken, which it found in the middle of a batch.
    lag: Option<Error>,
    view: View,
    mode: Mode,
    max_message: u32,
    patience: Patience,
    #[cfg(unix)]
    bell: shm::Bell,
}

// SAFETY: the pointer in `kept` leads into `copies`, which goes along.
unsafe impl Send for Receiver {}

/// What differs between the modes.
enum Source {
    Queue { consumer: Consumer<View>, seat: Seat },
    Broadcast { reader: Reader<View>, watch: shm::Watch },
}

impl Receiver {
    pub(super) fn new(segment: Arc<Segment>, from_oldest: bool) -> Result<Self, Error> {
        if segment.geometry().mode() != Mode::Broadcast {
            return Self::seated(Seat::take(segment, Role::Consumer)?);
        }
        let view = View::new(segment);
        let reader = Reader::new(view.clone(), Rules::of(view.segment().geometry()), from_oldest);
        Ok(Self::of(view, Source::Broadcast { reader, watch: shm::Watch::default() }))
    }

    /// Goes on where the last one in this seat stopped.
    pub(super) fn seated(seat: Seat) -> Result<Self, Error> {
        let view = seat.view().clone();
        let consumer = Consumer::new(view.clone(), Rules::of(view.segment().geometry()))?;
        Ok(Self::of(view, Source::Queue { consumer, seat }))
    }

    fn of(view: View, source: Source) -> Self {
        let geometry = view.segment().geometry();
        let (mode, max_message) = (geometry.mode(), geometry.max_message());
        let slept = view.u64_at(consumer::WAITS).load(Relaxed);
        Self {
            source,
            copies: Copies::default(),
            assembler: Assembler::default(),
            lent: false,
            in_pieces: false,
            is_fragment: false,
            caught_up: false,
            kept: None,
            lag: None,
            mode,
            max_message,
            patience: Patience::new(Wait::default(), slept),
            #[cfg(unix)]
            bell: shm::Bell::default(),
            view,
        }
    }

    /// Sets how this side waits for frames.
    pub fn set_wait(&mut self, wait: Wait) {
        self.patience.set(wait);
    }

    /// Looks at the producers' seats.
    pub fn peer_state(&self) -> PeerState {
        match &self.source {
            Source::Queue { seat, .. } => seat.peer_state(),
            Source::Broadcast { watch, .. } => watch.state(&self.view, Role::Producer),
        }
    }

    /// Returns how many frames were committed that this side has not received; each fragment of a message is one. Of a broadcast ring,
    /// where each reader has its own, it is what other statistics cannot tell.
    pub fn unread_frames(&self) -> u64 {
        let stats = Stats::read(self.view.segment());
        let received = match &self.source {
            Source::Queue { .. } => stats.frames_received,
            Source::Broadcast { reader, .. } => reader.number(),
        };
        // It is received meanwhile.
        stats.frames_sent.saturating_sub(received)
    }

    /// Waits for a message without a deadline and borrows it in place; dropping it releases it.
    ///
    /// # Errors
    /// [`Error::Closed`] or [`Error::PeerDied`] once everything committed has been read; [`Error::Lagged`];
    /// [`Error::Poisoned`].
    #[inline]
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
        Ok(Frame::new(self, raw))
    }

    /// Takes the next message if there is one, after releasing those before it.
    #[inline]
    pub(crate) fn try_frame(&mut self) -> Result<Option<RawFrame>, Error> {
        match self.kept_or_next()? {
            None => self.last_or_end(),
            found => Ok(found),
        }
    }

    /// Borrows a message if there is one.
    ///
    /// # Errors
    /// As [`Receiver::recv`]. Looking at the writer's end costs a call to the kernel where the ring is empty.
    #[inline]
    pub fn try_recv(&mut self) -> Result<Option<Frame<'_>>, Error> {
        Ok(self.try_frame()?.map(|raw| Frame::new(self, raw)))
    }

    /// Waits for a message and appends a private copy of it to `out`; returns its length.
    ///
    /// # Errors
    /// As [`Receiver::recv_by`].
    pub fn recv_copy(&mut self, out: &mut Vec<u8>, deadline: Deadline) -> Result<usize, Error> {
        let frame = self.recv_by(deadline)?;
        out.extend_from_slice(&frame);
        Ok(frame.len())
    }

    /// Waits for at least one message and borrows up to `max` of them in place; dropping the batch releases those that
    /// were taken from it.
    ///
    /// # Errors
    /// As [`Receiver::recv`].
    #[inline]
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
        Ok(Batch::new(self, first, max))
    }

    /// Takes the next message, whose bytes stay valid until [`Receiver::release`].
    #[inline]
    pub(crate) fn next_frame(&mut self) -> Result<Option<RawFrame>, Error> {
        let Source::Queue { consumer, .. } = &mut self.source else { return self.copy_next() };
        match consumer.take()? {
            None => Ok(None),
            Some(Taken { position, len, is_fragment: false }) => {
                self.lent = true;
                self.view.prefetch(position.wrapping_add(PREFETCH_BYTES));
                Ok(Some(RawFrame { start: self.view.payload(position), len }))
            }
            Some(Taken { position, len, .. }) if self.in_pieces => {
                (self.lent, self.is_fragment) = (true, true);
                Ok(Some(RawFrame { start: self.view.payload(position), len }))
            }
            Some(fragment) => self.assemble(fragment),
        }
    }

    /// Takes a copy of the next frame of a broadcast ring.
    #[inline(never)]
    fn copy_next(&mut self) -> Result<Option<RawFrame>, Error> {
        let Source::Broadcast { reader, .. } = &mut self.source else { return Ok(None) };
        let (copies, view) = (&mut self.copies, &self.view);
        reader.take(|Taken { position, len, .. }| {
            // SAFETY: the room has `len` bytes, and the frame lies inside the mapping. Its writer may write it meanwhile:
            // then what was copied is thrown away.
            copies.add(len, |start| unsafe {
                start.copy_from_nonoverlapping(view.payload(position), len as usize);
            })
        })
    }

    /// Puts fragments together until a message is whole, or the ring holds no more of them for now.
    #[cold]
    fn assemble(&mut self, first: Taken) -> Result<Option<RawFrame>, Error> {
        let Source::Queue { consumer, .. } = &mut self.source else { return Ok(None) };
        let mut taken = first;
        for pieces in 1.. {
            let raw = RawFrame { start: self.view.payload(taken.position), len: taken.len };
            // SAFETY: the fragment was taken and is not released before it is copied.
            let whole = self.assembler.add(unsafe { raw.bytes() }, self.mode.slots(), self.max_message);
            let whole = whole.inspect_err(|poison| consumer.poison(*poison))?;
            // Frames that the caller still looks at are before it.
            if !self.lent {
                consumer.release();
            }
            if let Some(message) = whole {
                return Ok(Some(self.copies.keep(message)));
            }
            // A writer that never ends its messages does not keep the reader here.
            if pieces == SKIPS {
                break;
            }
            match consumer.take()? {
                Some(next) if next.is_fragment => taken = next,
                Some(Taken { position, len, .. }) => {
                    self.lent = true;
                    return Ok(Some(RawFrame { start: self.view.payload(position), len }));
                }
                None => break,
            }
        }
        Ok(None)
    }

    /// Waits for the next message. What was taken before is released first.
    #[inline]
    pub(crate) fn wait_for_frame(&mut self, deadline: Deadline) -> Result<RawFrame, Error> {
        if self.caught_up {
            self.put_off();
        }
        match self.kept_or_next()? {
            Some(frame) => Ok(frame),
            None => self.wait_slowly(deadline),
        }
    }

    /// Lets the writer get ahead where that pays.
    #[cold]
    fn put_off(&mut self) {
        self.caught_up = false;
        self.release();
        if let Source::Queue { consumer, .. } = &self.source {
            self.patience.put_off(consumer.frames());
        }
    }

    /// Takes one more message of a batch. What is wrong behind a good one is told by the next call.
    #[inline]
    pub(crate) fn next_of_batch(&mut self) -> Option<RawFrame> {
        match self.next_frame() {
            Ok(None) => {
                self.caught_up = true;
                None
            }
            Ok(found) => found,
            Err(error) => {
                // A poison stays; that the reader was overtaken would be forgotten.
                self.lag = matches!(error, Error::Lagged { .. }).then_some(error);
                None
            }
        }
    }

    /// Takes the next message after releasing those before it.
    #[inline]
    fn kept_or_next(&mut self) -> Result<Option<RawFrame>, Error> {
        if self.kept.is_some() {
            return Ok(self.kept.take());
        }
        if let Some(lag) = self.lag.take() {
            return Err(lag);
        }
        self.release();
        self.next_frame()
    }

    /// Puts a message back that was taken last and that nobody has looked at.
    #[cold]
    pub(super) fn put_back(&mut self, raw: RawFrame) {
        match &mut self.source {
            Source::Queue { consumer, .. } if self.view.contains(raw.start) => consumer.put_back(raw.len),
            _ => self.kept = Some(raw),
        }
    }

    #[cold]
    fn wait_slowly(&mut self, deadline: Deadline) -> Result<RawFrame, Error> {
        let (view, mode) = (self.view.clone(), self.mode);
        self.put_off();
        let mut patience = self.patience.clone();
        let attempt = |look_at_peer: bool| match self.next_frame()? {
            None if look_at_peer => self.last_or_end(),
            found => Ok(found),
        };
        let place = Place { word: consumer::WAITING, is_shared: mode == Mode::Broadcast };
        let unfenced = || shm::is_unfenced(&view, mode, Role::Producer);
        let found = shm::sleep_until(&view, place, &mut patience, deadline, unfenced, attempt);
        if patience.sleeps != self.patience.sleeps && mode != Mode::Broadcast {
            view.u64_at(consumer::WAITS).store(patience.sleeps, Relaxed);
        }
        self.patience = patience;
        found?.ok_or(Error::TimedOut { waited_for: "no frame came" })
    }

    /// Looks at the writers of an empty ring: their end is an error once their last frame has been taken.
    fn last_or_end(&mut self) -> Result<Option<RawFrame>, Error> {
        let state = self.peer_state();
        // They may have committed between our look at the word and our look at their seats. Behind a claim of the dead may
        // lie another, and behind all of them what was committed.
        let mut found = self.next_frame()?;
        for _ in 0..SLOTS {
            if found.is_some() || !self.settle_claim()? {
                break;
            }
            found = self.next_frame()?;
        }
        match (found, state) {
            (Some(frame), _) => Ok(Some(frame)),
            (None, PeerState::Never | PeerState::Alive) => Ok(None),
            // There is more to skip than one call does.
            (None, _) if matches!(&self.source, Source::Queue { consumer, .. } if consumer.is_ready()) => {
                Ok(None)
            }
            (None, PeerState::Closed) => Err(Error::Closed),
            (None, PeerState::Dead) => Err(Error::PeerDied),
        }
    }

    /// Settles a claim of the dead that lies in the way, and tells whether there was one.
    fn settle_claim(&mut self) -> Result<bool, Error> {
        match &mut self.source {
            Source::Queue { consumer, .. } if self.mode == Mode::Mpsc => Ok(consumer.look_at_claim()?),
            _ => Ok(false),
        }
    }

    /// Gives everything that was taken back to the writer, and wakes it if it sleeps.
    #[inline]
    pub(crate) fn release(&mut self) {
        if let Source::Queue { consumer, .. } = &mut self.source {
            consumer.release();
            self.lent = false;
        }
        if self.kept.is_none() {
            self.copies.clear();
        }
    }

    /// Returns this side's doorbell: a descriptor for epoll and its like, readable once something may have happened
    /// since the last [`Receiver::arm`]. It belongs to this receiver.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// use std::os::fd::AsRawFd;
    /// use circlet::ring::{self, Options};
    ///
    /// let ring = ring::anonymous(&Options::new())?;
    /// let (mut sender, mut receiver) = (ring.sender()?, ring.receiver()?);
    /// assert!(!receiver.arm()?);
    /// sender.send(b"ding")?;
    ///
    /// let mut waited_for = libc::pollfd { fd: receiver.fd()?.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    /// assert_eq!(unsafe { libc::poll(&mut waited_for, 1, 10_000) }, 1);
    /// assert_eq!(&*receiver.try_recv()?.unwrap(), b"ding");
    /// # }
    /// # Ok::<(), circlet::ring::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`crate::shm::Error::Os`] where the kernel has no more of them (`fs.inotify.max_user_instances`).
    #[cfg(unix)]
    pub fn fd(&self) -> Result<BorrowedFd<'_>, Error> {
        Ok(self.bell.fd(self.view.segment())?)
    }

    /// Asks for the doorbell: `true` where there is something to receive by now (a frame, an end, an error), so that there
    /// is nothing to wait for. Receive until there is nothing left, and arm again. Releases what was received.
    ///
    /// # Errors
    /// As [`Receiver::fd`].
    #[cfg(unix)]
    pub fn arm(&mut self) -> Result<bool, Error> {
        self.release();
        self.fd()?;
        let somebody_left = self.bell.clear();
        let view = self.view.clone();
        Ok(shm::ask_for_bell(&view, consumer::WAITING, somebody_left, || self.is_ready()))
    }

    #[cfg(unix)]
    fn is_ready(&mut self) -> bool {
        if self.kept.is_some() || self.lag.is_some() {
            return true;
        }
        if self.has_frame() || matches!(self.peer_state(), PeerState::Closed | PeerState::Dead) {
            return true;
        }
        // A claim that was settled is something to go on from, and so is an error.
        self.settle_claim().unwrap_or(true) || self.has_frame()
    }

    /// Tells whether a frame lies in the ring, or what is none, at no cost.
    #[inline]
    pub(crate) fn has_frame(&self) -> bool {
        match &self.source {
            Source::Queue { consumer, .. } => consumer.is_ready(),
            Source::Broadcast { reader, .. } => reader.is_ready(),
        }
    }
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Receiver");
        match &self.source {
            Source::Queue { consumer, .. } => debug.field("consumer", consumer),
            Source::Broadcast { reader, .. } => debug.field("reader", reader),
        };
        debug.finish_non_exhaustive()
    }
}

/// A message's place: valid until it is released.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawFrame {
    pub(crate) start: NonNull<u8>,
    pub(crate) len: u32,
}

impl RawFrame {
    /// # Safety
    /// The frame has not been released, and `'a` ends before it is.
    #[inline]
    pub(super) unsafe fn bytes<'a>(self) -> &'a [u8] {
        // SAFETY: the frame was found inside the data area, or is a private copy. A writer that keeps to the protocol does
        // not touch it before it is released; one that does not can change bytes, never where they are.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len as usize) }
    }
}
