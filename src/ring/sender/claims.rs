//! Claims: room for a frame that is written in place, made a frame, or given up.

use std::ptr::NonNull;
use std::time::Duration;

use super::{Producer, Reserved, Sender};
use crate::ring::{Claim, Deadline, Error};

impl Sender {
    /// Reserves room for a payload of `len` bytes, to be written in place, waiting as [`Sender::send`] does.
    ///
    /// Other producers go on meanwhile, but the reader waits for a claim of an mpsc ring to be committed or dropped.
    ///
    /// # Errors
    /// As [`Sender::send`]; [`Error::Full`] where the overflow is to drop.
    #[inline]
    pub fn claim(&mut self, len: usize) -> Result<Claim<'_>, Error> {
        self.claim_by(len, Deadline::NEVER)
    }

    /// As [`Sender::claim`], but does not wait.
    ///
    /// # Errors
    /// As [`Sender::try_send`].
    #[inline]
    pub fn try_claim(&mut self, len: usize) -> Result<Claim<'_>, Error> {
        let (reserved, len) = self.make_room_to_claim(len, None)?;
        Ok(Claim::new(self, reserved, len))
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
        let (reserved, len) = self.make_room_to_claim(len, Some(deadline))?;
        Ok(Claim::new(self, reserved, len))
    }

    #[inline]
    fn make_room_to_claim(
        &mut self,
        len: usize,
        deadline: Option<Deadline>,
    ) -> Result<(Reserved, u32), Error> {
        let max = self.max_frame.min(self.max_message);
        let Some(len) = u32::try_from(len).ok().filter(|len| *len <= max) else {
            return Err(Error::TooLarge { len, max });
        };
        let reserved = self.make_room(len, deadline)?;
        if matches!(self.producer, Producer::Many(_)) {
            // Others and the reader see it: if it is forgotten, the next call gives it up.
            self.open = Some((reserved, len));
        }
        Ok((reserved, len))
    }

    /// Returns where a claim's payload lies.
    #[inline]
    pub(in crate::ring) fn start_of(&self, reserved: Reserved) -> NonNull<u8> {
        self.view.payload(reserved.position)
    }

    /// Makes the first `len` bytes of a claim a frame, and wakes the reader if it sleeps.
    #[inline]
    pub(in crate::ring) fn commit(&mut self, reserved: Reserved, len: u32) {
        if self.open.is_some() {
            self.open = None;
        }
        self.publish(reserved, len, 0);
        self.wake_readers();
    }

    /// Gives a claim up. Where it is invisible until it is committed there is nothing to do.
    #[inline]
    pub(in crate::ring) fn give_up(&mut self, reserved: Reserved) {
        self.open = None;
        // A fork's copy is not the one who claimed it.
        if let Producer::Many(many) = &mut self.producer
            && self.view.segment().is_of_this_process()
        {
            many.give_up(reserved.position, reserved.bytes);
            self.wake_readers();
        }
    }

    /// Opens a claim that stays until it is committed, given up, or another call of this sender is made: for the C face,
    /// which has no borrows. Returns where its payload lies.
    #[cfg(feature = "capi")]
    #[inline]
    pub(crate) fn open_claim(
        &mut self,
        len: usize,
        deadline: Option<Deadline>,
    ) -> Result<(NonNull<u8>, u32), Error> {
        let (reserved, len) = self.make_room_to_claim(len, deadline)?;
        self.open = Some((reserved, len));
        Ok((self.start_of(reserved), len))
    }

    /// Returns the length of the open claim.
    #[cfg(feature = "capi")]
    #[inline]
    pub(crate) fn opened(&self) -> Option<u32> {
        self.open.map(|(_, len)| len)
    }

    /// Makes the first `len` bytes of the open claim, at most all of it, a frame.
    #[cfg(feature = "capi")]
    #[inline]
    pub(crate) fn commit_opened(&mut self, len: u32) {
        if let Some((reserved, _)) = self.open.take() {
            self.commit(reserved, len);
        }
    }

    /// Gives the open claim up, if there is one.
    #[cold]
    pub(crate) fn give_up_opened(&mut self) {
        if let Some((reserved, _)) = self.open.take() {
            self.give_up(reserved);
        }
    }
}
