//! The producer's side.

mod claims;
mod parts;

use std::fmt;
use std::iter;
#[cfg(unix)]
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::fragment::{self, HEADER_BYTES};
use super::frame::{Rules, frame_bytes};
use super::protocol::{Many, Single, Writer};
use super::{Deadline, Error, Overflow, PeerState, Role, Wait};
use crate::shm::layout::{consumer, producer, slot};
use crate::shm::{self, Memory, Mode, Patience, Place, Seat, Segment, Shared, View};

/// How long a call that does not wait may wait for the claim lock: longer than its holder may lose its core.
const LOCK_PATIENCE: Duration = Duration::from_millis(10);

/// Writes frames into a ring. `Send`, and one thread at a time; more producers of an mpsc ring are more of these.
///
/// Dropping it closes its side: the reader drains what was committed and then, once no producer lives, gets
/// [`Error::Closed`].
pub struct Sender {
    producer: Producer,
    /// The claim that is neither committed nor given up, its room in the ring and its length, where it outlives a borrow: of
    /// the C face, and of an mpsc ring, where it could be forgotten.
    open: Option<(Reserved, u32)>,
    view: View,
    max_frame: u32,
    max_message: u32,
    overflow: Overflow,
    patience: Patience,
    full_events: u64,
    dropped: u64,
    #[cfg(unix)]
    bell: shm::Bell,
    seat: Seat,
}

/// What differs between the modes.
#[derive(Debug)]
enum Producer {
    Single(Single<View>),
    Many(Many<View>),
    Writer(Writer<View>),
}

/// Room in the ring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reserved {
    position: u64,
    /// Bytes that a claim of an mpsc ring takes.
    bytes: u64,
}

impl Sender {
    pub(super) fn new(segment: Arc<Segment>) -> Result<Self, Error> {
        Self::seated(Seat::take(segment, Role::Producer)?)
    }

    /// Goes on where the last one in this seat stopped.
    pub(super) fn seated(seat: Seat) -> Result<Self, Error> {
        let (view, slot) = (seat.view().clone(), seat.index());
        let geometry = view.segment().geometry();
        let rules = Rules::of(geometry);
        let producer = match geometry.mode() {
            Mode::Mpsc => Producer::Many(Many::new(view.clone(), rules, slot)?),
            Mode::Broadcast => Producer::Writer(Writer::new(view.clone(), rules)?),
            _ => Producer::Single(Single::new(view.clone(), rules)?),
        };
        let read = |field| view.u64_at(slot::at(slot, field)).load(Relaxed);
        Ok(Self {
            producer,
            open: None,
            max_frame: geometry.max_frame(),
            max_message: geometry.max_message(),
            overflow: geometry.overflow(),
            patience: Patience::new(Wait::default(), read(slot::WAITS)),
            full_events: read(slot::FULL_EVENTS),
            dropped: read(slot::DROPPED),
            #[cfg(unix)]
            bell: shm::Bell::default(),
            view,
            seat,
        })
    }

    /// Sets how this side waits for room.
    pub fn set_wait(&mut self, wait: Wait) {
        self.patience.set(wait);
    }

    /// Sets what the sending calls of this side do where there is no room; at first it is what the ring was made with.
    pub fn set_overflow(&mut self, overflow: Overflow) {
        self.overflow = overflow;
    }

    /// Returns what the sending calls of this side do where there is no room.
    pub fn overflow(&self) -> Overflow {
        self.overflow
    }

    /// Returns the longest payload of one frame in bytes: the longest claim.
    pub fn max_frame(&self) -> u32 {
        self.max_frame
    }

    /// Returns the longest message in bytes.
    pub fn max_message(&self) -> u32 {
        self.max_message
    }

    /// Returns how many frames were dropped in this seat because there was no room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Looks at the reader's seat.
    pub fn peer_state(&self) -> PeerState {
        self.seat.peer_state()
    }

    /// Copies a message in, waiting for room without a deadline if the ring's [`Overflow`] is to wait.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; [`Error::Full`] where the overflow is to fail; [`Error::Closed`] or [`Error::PeerDied`] where
    /// nobody will ever make room; [`Error::Poisoned`].
    #[inline]
    pub fn send(&mut self, message: &[u8]) -> Result<(), Error> {
        self.send_by(message, Deadline::NEVER)
    }

    /// As [`Sender::send`], but does not wait.
    ///
    /// # Errors
    /// [`Error::Full`], and those of [`Sender::send`] except for the reader's end, which only a wait looks at.
    #[inline]
    pub fn try_send(&mut self, message: &[u8]) -> Result<(), Error> {
        self.place(message, None).map(|()| self.wake_readers())
    }

    /// As [`Sender::send`], but gives up after `timeout`.
    ///
    /// # Errors
    /// [`Error::TimedOut`], and those of [`Sender::send`].
    pub fn send_timeout(&mut self, message: &[u8], timeout: Duration) -> Result<(), Error> {
        self.send_by(message, Deadline::after(timeout))
    }

    /// As [`Sender::send`], but gives up at `deadline`.
    ///
    /// # Errors
    /// [`Error::TimedOut`], and those of [`Sender::send`].
    #[inline]
    pub fn send_by(&mut self, message: &[u8], deadline: Deadline) -> Result<(), Error> {
        self.place(message, Some(deadline))?;
        self.wake_readers();
        Ok(())
    }

    /// Copies many messages in, waiting for room as [`Sender::send`] does and waking the reader once.
    ///
    /// # Errors
    /// As [`Sender::send`]; what came before the message that failed is sent.
    #[inline]
    pub fn send_many<'a>(&mut self, messages: impl IntoIterator<Item = &'a [u8]>) -> Result<usize, Error> {
        self.send_many_by(messages, Deadline::NEVER).map_err(|(_, error)| error)
    }

    /// As [`Sender::send_many`] with a deadline for all of them together.
    ///
    /// # Errors
    /// As [`Sender::send_by`], with the number of messages that were sent before.
    #[inline]
    pub fn send_many_by<'a>(
        &mut self,
        messages: impl IntoIterator<Item = &'a [u8]>,
        deadline: Deadline,
    ) -> Result<usize, (usize, Error)> {
        let mut sent = 0;
        for message in messages {
            if let Err(error) = self.place(message, Some(deadline)) {
                self.wake_readers();
                return Err((sent, error));
            }
            sent += 1;
        }
        self.wake_readers();
        Ok(sent)
    }

    /// Goes on sending a message of which `sent` bytes are sent already, 0 at first, and moves `sent` on. For those who
    /// wait in parts, as event loops do: a message in fragments goes on where the last call stopped.
    ///
    /// Nothing else may be sent in between, or the reader forgets what it has of the message. Without a deadline, or where
    /// the overflow is not to wait, it stops with [`Error::Full`], and what is sent stays in the ring.
    ///
    /// ```
    /// # #[cfg(target_os = "linux")] {
    /// # use circlet::ring::{self, Error, Options};
    /// let ring = ring::anonymous(&Options::new().capacity(4096).max_message(10_000))?;
    /// let (mut sender, mut receiver) = (ring.sender()?, ring.receiver()?);
    /// let (message, mut sent) = (vec![7; 10_000], 0);
    /// while let Err(Error::Full { .. }) = sender.send_part(&message, &mut sent, None) {
    ///     assert!(receiver.try_recv()?.is_none()); // it takes what there is, and has no whole message yet
    /// }
    /// assert_eq!(&*receiver.recv()?, message);
    /// # }
    /// # Ok::<(), circlet::ring::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Sender::send_by`] and [`Sender::try_send`]; `sent` says how far it came.
    pub fn send_part(
        &mut self,
        message: &[u8],
        sent: &mut usize,
        deadline: Option<Deadline>,
    ) -> Result<(), Error> {
        if self.is_long(message.len())? {
            self.place_fragments([message, &[]], sent, deadline)
        } else {
            self.place_frame(message, deadline)?;
            *sent = message.len();
            self.wake_readers();
            Ok(())
        }
    }

    /// Tells whether a message goes in fragments.
    #[inline]
    fn is_long(&self, len: usize) -> Result<bool, Error> {
        if len > self.max_message as usize {
            return Err(Error::TooLarge { len, max: self.max_message });
        }
        Ok(len > self.max_frame as usize)
    }

    /// Publishes one message without waking, unless it goes in fragments or the ring is full.
    #[inline]
    fn place(&mut self, message: &[u8], deadline: Option<Deadline>) -> Result<(), Error> {
        if self.is_long(message.len())? {
            return self.place_whole(message, deadline);
        }
        match self.place_frame(message, deadline) {
            Err(Error::Full { .. }) if deadline.is_some() && self.overflow == Overflow::DropNewest => {
                self.drop_newest();
                Ok(())
            }
            other => other,
        }
    }

    #[inline]
    fn place_frame(&mut self, message: &[u8], deadline: Option<Deadline>) -> Result<(), Error> {
        let len = message.len() as u32;
        let reserved = self.make_room(len, deadline)?;
        // SAFETY: the room was reserved for so many bytes.
        unsafe { self.view.write(reserved.position, 0, message) };
        self.publish(reserved, len, 0);
        Ok(())
    }

    #[cold]
    fn drop_newest(&mut self) {
        self.dropped = self.dropped.wrapping_add(1);
        self.tell(slot::DROPPED, self.dropped);
    }

    /// Publishes a message in fragments, and begins only if it may wait or all of them have room.
    #[cold]
    fn place_whole(&mut self, message: &[u8], deadline: Option<Deadline>) -> Result<(), Error> {
        let waits = self.overflow == Overflow::Block && deadline.is_some_and(|deadline| !deadline.passed());
        let pieces = message.chunks(fragment::piece_bytes(self.view.capacity()));
        let frames = pieces.map(|piece| frame_bytes((HEADER_BYTES + piece.len()) as u32));
        let needed = frames.clone().sum();
        if waits || self.has_room(frames) {
            return self.place_fragments([message, &[]], &mut 0, deadline);
        }
        self.count_full();
        if deadline.is_some() && self.overflow == Overflow::DropNewest {
            self.drop_newest();
            return Ok(());
        }
        let read = |offset| self.view.u64_at(offset).load(Relaxed);
        let tail = match &self.producer {
            Producer::Single(single) => single.tail(),
            _ => read(producer::TAIL),
        };
        let used = tail.wrapping_sub(read(consumer::HEAD));
        Err(Error::Full { needed, free: self.view.capacity().saturating_sub(used) })
    }

    /// Makes room, waiting for it if there is a deadline and the overflow is to wait.
    #[inline]
    fn make_room(&mut self, len: u32, deadline: Option<Deadline>) -> Result<Reserved, Error> {
        if let Producer::Single(single) = &mut self.producer
            && self.open.is_none()
            && let Some(position) = single.reserve_at_once(len)
        {
            return Ok(Reserved { position, bytes: 0 });
        }
        self.make_room_slowly(len, deadline)
    }

    #[inline(never)]
    fn make_room_slowly(&mut self, len: u32, deadline: Option<Deadline>) -> Result<Reserved, Error> {
        if self.open.is_some() {
            self.give_up_opened();
        }
        match self.reserve(len, deadline) {
            Err(Error::Full { needed, free }) => {
                self.count_full();
                match deadline {
                    Some(deadline) if self.overflow == Overflow::Block => self.wait_for_room(len, deadline),
                    _ => Err(Error::Full { needed, free }),
                }
            }
            other => other,
        }
    }

    fn reserve(&mut self, len: u32, deadline: Option<Deadline>) -> Result<Reserved, Error> {
        let position = match &mut self.producer {
            Producer::Single(single) => single.reserve(len)?,
            Producer::Writer(writer) => writer.reserve(len),
            Producer::Many(many) => {
                let within = deadline.unwrap_or_else(|| Deadline::after(LOCK_PATIENCE));
                return match many.reserve(len, within) {
                    Ok((position, bytes)) => Ok(Reserved { position, bytes }),
                    // Whoever does not wait is told that there is no room for now.
                    Err(Error::TimedOut { .. }) if deadline.is_none() => {
                        Err(Error::Full { needed: frame_bytes(len), free: 0 })
                    }
                    Err(other) => Err(other),
                };
            }
        };
        Ok(Reserved { position, bytes: 0 })
    }

    #[inline]
    fn publish(&mut self, reserved: Reserved, len: u32, flags: u32) {
        match &mut self.producer {
            Producer::Single(single) => single.publish(len, flags),
            Producer::Writer(writer) => writer.publish(len),
            Producer::Many(many) => many.publish(reserved.position, reserved.bytes, len, flags),
        }
    }

    #[cold]
    fn count_full(&mut self) {
        self.full_events = self.full_events.wrapping_add(1);
        self.tell(slot::FULL_EVENTS, self.full_events);
    }

    fn tell(&self, field: usize, value: u64) {
        self.view.u64_at(slot::at(self.seat.index(), field)).store(value, Relaxed);
    }

    #[cold]
    fn wait_for_room(&mut self, len: u32, deadline: Deadline) -> Result<Reserved, Error> {
        // What is published and not told of yet: nobody makes room who does not know of it.
        self.wake_readers();
        self.note();
        let view = self.view.clone();
        let mode = view.segment().geometry().mode();
        let mut patience = self.patience.clone();
        let attempt = |look_at_peer: bool| match self.reserve(len, Some(deadline)) {
            Err(Error::Full { .. }) if !look_at_peer => Ok(None),
            Err(Error::Full { .. }) => match self.seat.peer_state() {
                PeerState::Never | PeerState::Alive => Ok(None),
                PeerState::Closed => self.reserve(len, Some(deadline)).map(Some).map_err(|_| Error::Closed),
                PeerState::Dead => self.reserve(len, Some(deadline)).map(Some).map_err(|_| Error::PeerDied),
            },
            other => other.map(Some),
        };
        let place = Place { word: producer::WAITING, is_shared: mode == Mode::Mpsc };
        let unfenced = || shm::is_unfenced(&view, mode, Role::Consumer);
        let found = shm::sleep_until(&view, place, &mut patience, deadline, unfenced, attempt);
        if patience.sleeps != self.patience.sleeps {
            self.tell(slot::WAITS, patience.sleeps);
        }
        self.patience = patience;
        found?.ok_or(Error::TimedOut { waited_for: "the reader made no room for the frame" })
    }

    /// Brings what a single producer notes of its frames up to date, before it does nothing for a while.
    fn note(&mut self) {
        // A fork's copy knows nothing of what was committed since.
        if let Producer::Single(single) = &mut self.producer
            && self.view.segment().is_of_this_process()
        {
            single.note();
        }
    }

    #[inline]
    fn wake_readers(&self) {
        shm::wake(&self.view, consumer::WAITING);
    }

    /// Returns this side's doorbell: a descriptor for epoll and its like, readable once the reader may have made room
    /// since the last [`Sender::arm`]. It belongs to this sender.
    ///
    /// # Errors
    /// [`crate::shm::Error::Os`] where the kernel has no more of them (`fs.inotify.max_user_instances`).
    #[cfg(unix)]
    pub fn fd(&self) -> Result<BorrowedFd<'_>, Error> {
        Ok(self.bell.fd(self.view.segment())?)
    }

    /// Asks for the doorbell: `true` where a message of `len` bytes has room by now, or never will, so that there is
    /// nothing to wait for; for one that goes in fragments, where the next of them has room. Claim, or send, and arm again.
    ///
    /// # Errors
    /// [`Error::TooLarge`], and those of [`Sender::fd`].
    #[cfg(unix)]
    pub fn arm(&mut self, len: usize) -> Result<bool, Error> {
        let piece = HEADER_BYTES + fragment::piece_bytes(self.view.capacity());
        let len = if self.is_long(len)? { piece } else { len };
        self.fd()?;
        self.note();
        let somebody_left = self.bell.clear();
        let view = self.view.clone();
        Ok(shm::ask_for_bell(&view, producer::WAITING, somebody_left, || {
            let is_alone = matches!(self.seat.peer_state(), PeerState::Closed | PeerState::Dead);
            is_alone || self.has_room(iter::once(frame_bytes(len as u32)))
        }))
    }

    /// Tells whether frames that take so many bytes each have room, or an error to tell of.
    fn has_room(&mut self, frames: impl Iterator<Item = u64>) -> bool {
        match &mut self.producer {
            Producer::Single(single) => single.has_room(frames),
            Producer::Many(many) => many.has_room(frames),
            Producer::Writer(_) => true,
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.give_up_opened();
        self.note();
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("slot", &self.seat.index())
            .field("open", &self.open)
            .finish_non_exhaustive()
    }
}
