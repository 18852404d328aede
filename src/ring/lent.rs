//! Messages in place, lent until they are dropped.

use std::fmt;
use std::ops::Deref;

use super::Receiver;
use super::receiver::RawFrame;

/// A message in place. Dropping it releases it.
pub struct Frame<'a> {
    receiver: &'a mut Receiver,
    raw: RawFrame,
}

impl<'a> Frame<'a> {
    #[inline]
    pub(super) fn new(receiver: &'a mut Receiver, raw: RawFrame) -> Self {
        Self { receiver, raw }
    }
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

/// Messages in place. Dropping it releases all that were taken from it; the others stay for the next call.
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
    receiver: &'a mut Receiver,
    first: Option<RawFrame>,
    left: usize,
}

impl<'a> Batch<'a> {
    #[inline]
    pub(super) fn new(receiver: &'a mut Receiver, first: RawFrame, max: usize) -> Self {
        Self { receiver, first: Some(first), left: max.max(1) }
    }
}

impl<'b> IntoIterator for &'b mut Batch<'_> {
    type Item = &'b [u8];
    type IntoIter = BatchIter<'b>;

    #[inline]
    fn into_iter(self) -> BatchIter<'b> {
        BatchIter { first: &mut self.first, left: &mut self.left, receiver: self.receiver }
    }
}

impl Drop for Batch<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(first) = self.first {
            self.receiver.put_back(first);
        }
        self.receiver.release();
    }
}

/// Goes through the messages of a [`Batch`], which stay borrowed as long as the batch is.
#[derive(Debug)]
pub struct BatchIter<'b> {
    receiver: &'b mut Receiver,
    first: &'b mut Option<RawFrame>,
    left: &'b mut usize,
}

impl<'b> Iterator for BatchIter<'b> {
    type Item = &'b [u8];

    #[inline]
    fn next(&mut self) -> Option<&'b [u8]> {
        *self.left = self.left.checked_sub(1)?;
        let raw = match self.first.take() {
            Some(first) => first,
            None => self.receiver.next_of_batch()?,
        };
        // SAFETY: the batch releases when it is dropped, and it is borrowed for `'b`.
        Some(unsafe { raw.bytes() })
    }
}
