//! Messages piece by piece, for those who put them together where they want them.

use super::{Receiver, Source};
use crate::ring::{Deadline, Error, fragment};

/// A piece of a message, as it lies in the ring: all of the message, or what one fragment has of it. Its bytes may still change
/// where the writer does not keep to the protocol.
#[derive(Debug)]
pub(crate) struct Piece<'a> {
    /// Bytes of the whole message.
    pub(crate) total: usize,
    /// Where in the message the piece begins.
    pub(crate) offset: usize,
    pub(crate) bytes: &'a [u8],
}

impl Receiver {
    /// Waits for the next piece of a message, and has `take` look at it in place. Of an spsc ring; whoever takes pieces takes
    /// all of them. A piece that begins elsewhere than the last one ended is the rest of a message that was given up, or the
    /// begin of the next one.
    ///
    /// # Errors
    /// As [`Receiver::recv_by`].
    pub(crate) fn recv_piece<T>(
        &mut self,
        deadline: Deadline,
        take: impl FnOnce(Piece<'_>) -> T,
    ) -> Result<T, Error> {
        (self.in_pieces, self.is_fragment) = (true, false);
        let raw = self.wait_for_frame(deadline)?;
        // SAFETY: the frame was taken, and is released below.
        let bytes = unsafe { raw.bytes() };
        let piece = if self.is_fragment {
            let read = fragment::read(bytes, self.mode.slots(), self.max_message);
            let (header, bytes) = read.inspect_err(|poison| {
                if let Source::Queue { consumer, .. } = &mut self.source {
                    consumer.poison(*poison);
                }
            })?;
            Piece { total: header.total as usize, offset: header.offset as usize, bytes }
        } else {
            Piece { total: bytes.len(), offset: 0, bytes }
        };
        let taken = take(piece);
        self.release();
        Ok(taken)
    }
}
