//! Frames as they come in pieces, each byte copied out of the ring once, to where it stays.

use std::ptr::NonNull;

use crate::ring::Piece;

/// Bodies that are longer are worth asking the kernel for large pages.
const LARGE_BYTES: usize = 4 << 20;
/// A large page.
const PAGE_BYTES: usize = 2 << 20;

/// A frame that comes in, with so many bytes before its body.
pub(super) struct Incoming<const HEAD: usize> {
    head: [u8; HEAD],
    body: Body,
    /// Bytes of the whole frame, and how many of them have come.
    total: usize,
    filled: usize,
    /// A buffer for the next body.
    spare: Vec<u8>,
}

enum Body {
    Own(Vec<u8>),
    Lent(Lent),
}

/// Room of somebody else's for a body.
#[derive(Clone, Copy)]
pub(crate) struct Lent {
    at: NonNull<u8>,
    filled: usize,
}

// SAFETY: whoever lends it promises that nobody else has it until it is given back.
unsafe impl Send for Lent {}

impl Lent {
    /// Lends room.
    ///
    /// # Safety
    /// It has as many bytes as the body for which it is asked, and nobody touches it until the frame is whole or is made
    /// [its own](Incoming::own).
    #[cfg(any(feature = "capi", test))]
    pub(crate) unsafe fn new(at: NonNull<u8>) -> Self {
        Self { at, filled: 0 }
    }
}

/// Why a frame is none.
pub(super) struct Misfit;

impl<const HEAD: usize> Incoming<HEAD> {
    pub(super) fn new() -> Self {
        Self { head: [0; HEAD], body: Body::Own(Vec::new()), total: 0, filled: 0, spare: Vec::new() }
    }

    /// Adds a piece; `true` if the frame is whole. `lend` may have room for the body that comes after such a head and is so
    /// long.
    pub(super) fn add(
        &mut self,
        piece: Piece<'_>,
        lend: impl FnOnce(&[u8; HEAD], usize) -> Option<Lent>,
    ) -> Result<bool, Misfit> {
        let mut bytes = piece.bytes;
        if piece.offset == 0 {
            let (head, rest) = bytes.split_first_chunk().ok_or(Misfit)?;
            bytes = rest;
            self.head = *head;
            let len = piece.total - HEAD;
            self.body = match lend(&self.head, len) {
                Some(lent) => Body::Lent(lent),
                None => {
                    let mut own = std::mem::take(&mut self.spare);
                    own.clear();
                    own.try_reserve_exact(len).map_err(|_| Misfit)?;
                    Body::Own(own)
                }
            };
            let at = match &mut self.body {
                Body::Own(own) => own.as_mut_ptr(),
                Body::Lent(lent) => lent.at.as_ptr(),
            };
            prepare(at, len);
            (self.total, self.filled) = (piece.total, HEAD);
        } else if (self.total, self.filled) != (piece.total, piece.offset) {
            // The rest of a frame that was given up.
            (self.total, self.filled) = (0, 0);
            return Ok(false);
        }
        match &mut self.body {
            Body::Own(own) => own.extend_from_slice(bytes),
            Body::Lent(lent) => {
                // SAFETY: the promise of whoever lends it; the ring has checked that no piece ends behind the frame.
                unsafe {
                    lent.at.as_ptr().add(lent.filled).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
                }
                lent.filled += bytes.len();
            }
        }
        self.filled += bytes.len();
        Ok(self.filled == self.total)
    }

    /// Takes the frame that is whole: its head and its body, which is `None` where it was lent the room.
    pub(super) fn take(&mut self) -> ([u8; HEAD], Option<Vec<u8>>) {
        (self.total, self.filled) = (0, 0);
        match std::mem::replace(&mut self.body, Body::Own(Vec::new())) {
            Body::Own(own) => (self.head, Some(own)),
            Body::Lent(_) => (self.head, None),
        }
    }

    /// Gives back a buffer of a body.
    pub(super) fn reuse(&mut self, body: Vec<u8>) {
        self.spare = body;
    }

    /// Gives lent room back, and keeps what has come.
    pub(super) fn own(&mut self) {
        if let Body::Lent(lent) = &self.body {
            let mut own = Vec::new();
            if own.try_reserve_exact(self.total.saturating_sub(HEAD)).is_ok() {
                // SAFETY: so many bytes were written there.
                own.extend_from_slice(unsafe { std::slice::from_raw_parts(lent.at.as_ptr(), lent.filled) });
            } else {
                (self.total, self.filled) = (0, 0);
            }
            self.body = Body::Own(own);
        }
    }
}

/// Asks for large pages for long bodies: a fault for each 4 KiB takes longer than the copy.
fn prepare(at: *mut u8, len: usize) {
    if len < LARGE_BYTES {
        return;
    }
    let skipped = at.align_offset(PAGE_BYTES);
    let pages = len.saturating_sub(skipped) & !(PAGE_BYTES - 1);
    if pages > 0 {
        // SAFETY: the range lies in the body's room. It is a hint, which changes nothing that is stored there.
        unsafe { libc::madvise(at.wrapping_add(skipped).cast(), pages, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(
        incoming: &mut Incoming<2>,
        total: usize,
        offset: usize,
        bytes: &[u8],
        lent: Option<Lent>,
    ) -> Option<bool> {
        incoming.add(Piece { total, offset, bytes }, |_, _| lent).ok()
    }

    #[test]
    fn pieces_come_together_and_what_was_given_up_is_passed_over() {
        let mut incoming = Incoming::new();
        assert_eq!(add(&mut incoming, 5, 0, b"abc", None), Some(false));
        assert_eq!(add(&mut incoming, 4, 0, b"xy", None), Some(false));
        assert_eq!(add(&mut incoming, 4, 2, b"zz", None), Some(true));
        assert_eq!(incoming.take(), (*b"xy", Some(b"zz".to_vec())));
        assert_eq!(
            add(&mut incoming, 9, 5, b"rest", None),
            Some(false),
            "of a frame whose beginning never came"
        );
        assert_eq!(add(&mut incoming, 1, 0, b"a", None), None, "too short for a head");
    }

    #[test]
    fn what_was_lent_is_filled_and_what_has_come_stays_where_it_is_taken_back() {
        let (mut incoming, mut room) = (Incoming::new(), [0; 3]);
        // SAFETY: the room has three bytes, and is looked at when the frame is whole.
        let lent = |room: &mut [u8; 3]| unsafe { Lent::new(NonNull::new(room.as_mut_ptr()).unwrap()) };
        assert_eq!(add(&mut incoming, 5, 0, b"abc", Some(lent(&mut room))), Some(false));
        assert_eq!(add(&mut incoming, 5, 3, b"de", None), Some(true));
        assert_eq!((incoming.take(), &room), ((*b"ab", None), b"cde"));

        assert_eq!(add(&mut incoming, 5, 0, b"abx", Some(lent(&mut room))), Some(false));
        incoming.own();
        assert_eq!(add(&mut incoming, 5, 3, b"yz", None), Some(true));
        assert_eq!((incoming.take(), &room), ((*b"ab", Some(b"xyz".to_vec())), b"xde"));
    }
}
