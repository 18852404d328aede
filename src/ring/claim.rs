//! Room in the ring that is written in place.

use std::fmt;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::slice;

use super::sender::Reserved;
use super::{Error, Sender};

/// Room in the ring, to be written in place: [`Claim::commit`] makes it a frame, dropping it gives it up.
///
/// The bytes are whatever an earlier frame left there. They begin at a multiple of eight, so that numbers can be laid over
/// them: [`as_points_mut`](crate::curve::as_points_mut) for points.
pub struct Claim<'a> {
    sender: &'a mut Sender,
    reserved: Reserved,
    start: NonNull<u8>,
    len: u32,
}

impl<'a> Claim<'a> {
    #[inline]
    pub(super) fn new(sender: &'a mut Sender, reserved: Reserved, len: u32) -> Self {
        Self { start: sender.start_of(reserved), sender, reserved, len }
    }

    /// Makes the whole claim a frame, and wakes the reader if it sleeps.
    #[inline]
    pub fn commit(self) {
        let len = self.len;
        self.finish(len);
    }

    /// Makes the first `len` bytes a frame and gives the rest back.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where the claim is shorter; the claim is given up then.
    pub fn commit_len(self, len: usize) -> Result<(), Error> {
        if len > self.len as usize {
            return Err(Error::TooLarge { len, max: self.len });
        }
        self.finish(len as u32);
        Ok(())
    }

    #[inline]
    fn finish(self, len: u32) {
        // It is not given up then.
        let mut claim = ManuallyDrop::new(self);
        let reserved = claim.reserved;
        claim.sender.commit(reserved, len);
    }
}

impl Deref for Claim<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: so many bytes were reserved there, inside the mapping, which the borrowed sender keeps
        // alive; nobody reads them before the claim is committed, and only this side writes them.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len as usize) }
    }
}

impl DerefMut for Claim<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and the claim is borrowed alone.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len as usize) }
    }
}

impl Drop for Claim<'_> {
    #[inline]
    fn drop(&mut self) {
        self.sender.give_up(self.reserved);
    }
}

impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("len", &self.len).finish_non_exhaustive()
    }
}
