//! The one who writes the value.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use super::Error;
use super::page::slot_of;
use crate::ring::frame::COMMITTED;
use crate::shm::layout::{consumer, producer, slot};
use crate::shm::{self, Memory, Role, Seat, Segment, Shared, View};

/// Writes values into a page. One for each page; `Send`, and one thread at a time.
pub struct Writer {
    version: u64,
    view: View,
    _seat: Seat,
}

impl Writer {
    pub(super) fn new(segment: Arc<Segment>) -> Result<Self, Error> {
        let seat = Seat::take(segment, Role::Producer)?;
        let view = seat.view().clone();
        // What a predecessor was killed in the middle of is written over.
        let version = view.u64_at(producer::TAIL).load(Acquire);
        Ok(Self { version, view, _seat: seat })
    }

    /// Publishes a value and returns its version: 1 is the first, and each is one more.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn write(&mut self, value: &[u8]) -> Result<u64, Error> {
        let (len, max) = (value.len(), self.view.segment().geometry().max_message());
        if len > max as usize {
            return Err(Error::TooLarge { len, max });
        }
        let version = self.version.wrapping_add(1);
        let position = slot_of(version, self.view.capacity());
        self.view.u64_at(producer::INTENT).store(version, Relaxed);
        // The intent comes before everything that is written over. Pairs with the fence in `Reader::read`.
        self.view.fence(Release);
        // SAFETY: a slot has room for the longest value, and this is the only writer.
        unsafe { self.view.write(position, 0, value) };
        self.view.frame_word(position).store(COMMITTED | len as u32, Relaxed);
        // Release: whoever acquires this version sees the value. Pairs with `Reader::read`.
        self.view.u64_at(producer::TAIL).store(version, Release);
        self.version = version;
        let count = |field, more: u64| {
            let counter = self.view.u64_at(slot::at(0, field));
            counter.store(counter.load(Relaxed).wrapping_add(more), Relaxed);
        };
        count(slot::FRAMES, 1);
        count(slot::BYTES, len as u64);
        shm::wake(&self.view, consumer::WAITING);
        Ok(version)
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("version", &self.version).finish_non_exhaustive()
    }
}
