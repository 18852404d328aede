//! Those who read the value.

use std::fmt;
#[cfg(unix)]
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use super::Error;
use super::page::slot_of;
use crate::ring::frame::{COMMITTED, LEN_MASK};
use crate::shm::layout::{consumer, producer};
use crate::shm::{
    self, Deadline, Memory, Mode, Patience, PeerState, Place, Role, Segment, Shared, View, Wait,
};

/// How often a copy is begun again in one call.
const TRIES: u32 = 1000;

/// A value, in a private copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<'a> {
    /// Its number: 1 is the first that was published.
    pub version: u64,
    /// Its bytes.
    pub bytes: &'a [u8],
}

/// Reads the value of a page. `Send`, and one thread at a time; there may be any number of these.
pub struct Reader {
    copy: Vec<u8>,
    version: u64,
    view: View,
    watch: shm::Watch,
    patience: Patience,
    #[cfg(unix)]
    bell: shm::Bell,
}

impl Reader {
    pub(super) fn new(segment: Arc<Segment>) -> Self {
        Self {
            copy: Vec::new(),
            version: 0,
            view: View::new(segment),
            watch: shm::Watch::default(),
            patience: Patience::new(Wait::default(), 0),
            #[cfg(unix)]
            bell: shm::Bell::default(),
        }
    }

    /// Sets how this reader waits.
    pub fn set_wait(&mut self, wait: Wait) {
        self.patience.set(wait);
    }

    /// Returns the newest value, `None` where none was published yet.
    ///
    /// # Errors
    /// [`Error::Overtaken`], [`Error::Poisoned`].
    pub fn read(&mut self) -> Result<Option<Value<'_>>, Error> {
        for _ in 0..TRIES {
            // Acquire: pairs with the release of the version in `Writer::write`.
            let version = self.view.u64_at(producer::TAIL).load(Acquire);
            if version == 0 {
                return Ok(None);
            }
            let position = slot_of(version, self.view.capacity());
            let word = self.view.frame_word(position).load(Relaxed);
            let (len, max) = (word & LEN_MASK, self.view.segment().geometry().max_message());
            let is_sound = word == COMMITTED | len && len <= max;
            if is_sound {
                self.copy.clear();
                self.copy.reserve(len as usize);
                // SAFETY: the buffer has room for `len` bytes, which lie inside the slot. The writer may write them
                // meanwhile: then the copy is thrown away.
                unsafe {
                    let start = self.view.payload(position);
                    self.copy.as_mut_ptr().copy_from_nonoverlapping(start.as_ptr(), len as usize);
                    self.copy.set_len(len as usize);
                }
            }
            // Pairs with the fence in `Writer::write`: the copy comes before the look at the intent.
            self.view.fence(Acquire);
            let intent = self.view.u64_at(producer::INTENT).load(Relaxed);
            // The slot is written again two versions later.
            if intent.wrapping_sub(version) < 2 {
                if !is_sound {
                    return Err(Error::Poisoned { word, max });
                }
                self.version = version;
                return Ok(Some(Value { version, bytes: &self.copy }));
            }
        }
        Err(Error::Overtaken { tries: TRIES })
    }

    /// Waits for a value that is newer than the last one read, and returns the newest.
    ///
    /// # Errors
    /// [`Error::TimedOut`]; [`Error::Closed`] or [`Error::PeerDied`] where there is none and no writer; those of
    /// [`Reader::read`].
    pub fn wait(&mut self, deadline: Deadline) -> Result<Value<'_>, Error> {
        let (view, mut patience) = (self.view.clone(), self.patience.clone());
        let attempt = |look_at_writer: bool| {
            if self.is_newer() {
                return Ok(Some(()));
            }
            let end = match look_at_writer.then(|| self.writer_state()) {
                Some(PeerState::Closed) => Error::Closed,
                Some(PeerState::Dead) => Error::PeerDied,
                _ => return Ok(None),
            };
            // It may have published between our look at the version and our look at its seat.
            if self.is_newer() { Ok(Some(())) } else { Err(end) }
        };
        let place = Place { word: consumer::WAITING, is_shared: true };
        let unfenced = || shm::is_unfenced(&view, Mode::Page, Role::Producer);
        let found = shm::sleep_until(&view, place, &mut patience, deadline, unfenced, attempt);
        self.patience = patience;
        found?.ok_or(Error::TimedOut)?;
        self.read()?.ok_or(Error::TimedOut)
    }

    /// Looks at the writer's seat.
    pub fn writer_state(&self) -> PeerState {
        self.watch.state(&self.view, Role::Producer)
    }

    fn is_newer(&self) -> bool {
        self.view.u64_at(producer::TAIL).load(Acquire) != self.version
    }

    /// Returns the doorbell, as [`crate::ring::Receiver::fd`] has it.
    ///
    /// # Errors
    /// What the kernel said.
    #[cfg(unix)]
    pub fn fd(&self) -> Result<BorrowedFd<'_>, Error> {
        Ok(self.bell.fd(self.view.segment())?)
    }

    /// Asks for the doorbell: `true` where there is a newer value, or no writer any more.
    ///
    /// # Errors
    /// As [`Reader::fd`].
    #[cfg(unix)]
    pub fn arm(&mut self) -> Result<bool, Error> {
        self.fd()?;
        let somebody_left = self.bell.clear();
        Ok(shm::ask_for_bell(&self.view, consumer::WAITING, somebody_left, || {
            self.is_newer() || matches!(self.writer_state(), PeerState::Closed | PeerState::Dead)
        }))
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("version", &self.version).finish_non_exhaustive()
    }
}
