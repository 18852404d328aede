//! Messages that are longer than a frame: how they are cut, and how they come together again.
//!
//! Every fragment is a frame whose word has [`super::frame::FRAGMENT`] set and whose payload begins with a header of 16
//! bytes, four `u32`: the bytes of the whole message, where in it this fragment begins, the producer's slot, and 0. A
//! reader thereby tells the first fragment of a message from the rest of one whose writer died, and the fragments of
//! several producers apart.

use super::Poison;

/// Bytes of a fragment's header.
pub const HEADER_BYTES: usize = 16;

/// What a fragment says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the whole message.
    pub total: u32,
    /// Where in the message the fragment begins.
    pub offset: u32,
    /// The producer's slot.
    pub slot: u32,
}

impl Header {
    /// Writes the header.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        for (field, value) in bytes.chunks_exact_mut(4).zip([self.total, self.offset, self.slot, 0]) {
            field.copy_from_slice(&value.to_le_bytes());
        }
        bytes
    }

    /// Reads a header.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Self {
        let field = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        Self { total: field(0), offset: field(4), slot: field(8) }
    }
}

/// Returns how many bytes of a message go into one fragment: so few that several are on their way at a time.
pub(super) fn piece_bytes(capacity: u64) -> usize {
    (capacity / 8) as usize - HEADER_BYTES - 8
}

/// Reads a fragment: what it says of itself, and its piece of the message.
pub(super) fn read(fragment: &[u8], slots: usize, max_message: u32) -> Result<(Header, &[u8]), Poison> {
    let (header, piece) = fragment.split_first_chunk().map_or((None, fragment), |(header, piece)| {
        // Copied before anything is believed of it.
        (Some(Header::decode(header)), piece)
    });
    let header = header.unwrap_or(Header { total: 0, offset: 0, slot: u32::MAX });
    let Header { total, offset, slot } = header;
    let len = piece.len() as u32;
    let end = u64::from(offset) + piece.len() as u64;
    if slot as usize >= slots || total > max_message || end > total.into() || len == 0 {
        return Err(Poison::Fragment { len, slot, offset, total });
    }
    Ok((header, piece))
}

/// The messages that are coming in, one for each producer at the most.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    partial: Vec<Partial>,
}

#[derive(Clone, Debug, Default)]
struct Partial {
    total: u32,
    bytes: Vec<u8>,
}

impl Assembler {
    /// Adds a fragment, and returns the message if it was the last.
    ///
    /// The rest of a message whose beginning this reader has not seen is skipped: its predecessor took that.
    pub(super) fn add(
        &mut self,
        fragment: &[u8],
        slots: usize,
        max_message: u32,
    ) -> Result<Option<Vec<u8>>, Poison> {
        let (Header { total, offset, slot }, piece) = read(fragment, slots, max_message)?;
        self.partial.resize(slots, Partial::default());
        let partial = &mut self.partial[slot as usize];
        if offset == 0 {
            // What was there is of a producer that died, or gave up.
            *partial = Partial { total, bytes: Vec::new() };
        } else if partial.total != total || partial.bytes.len() != offset as usize {
            *partial = Partial::default();
            return Ok(None);
        }
        partial.bytes.extend_from_slice(piece);
        if partial.bytes.len() < total as usize {
            return Ok(None);
        }
        Ok(Some(std::mem::take(partial).bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(total: u32, offset: u32, slot: u32, piece: &[u8]) -> Vec<u8> {
        [Header { total, offset, slot }.encode().as_slice(), piece].concat()
    }

    #[test]
    fn fragments_of_several_producers_come_together() {
        let mut assembler = Assembler::default();
        let mut add = |total, offset, slot, piece: &[u8]| {
            assembler.add(&fragment(total, offset, slot, piece), 32, 100).unwrap()
        };
        assert_eq!(add(4, 0, 0, b"ab"), None);
        assert_eq!(add(3, 0, 31, b"x"), None);
        assert_eq!(add(4, 2, 0, b"cd"), Some(b"abcd".to_vec()));
        assert_eq!(add(3, 1, 31, b"yz"), Some(b"xyz".to_vec()));
    }

    #[test]
    fn what_a_dead_writer_began_is_forgotten_with_the_next_message() {
        let mut assembler = Assembler::default();
        let mut add =
            |total, offset, piece: &[u8]| assembler.add(&fragment(total, offset, 0, piece), 32, 100).unwrap();
        assert_eq!(add(4, 0, b"ab"), None);
        assert_eq!(add(3, 0, b"x"), None);
        assert_eq!(add(3, 1, b"yz"), Some(b"xyz".to_vec()));
        assert_eq!(add(9, 3, b"the rest of one whose beginning somebody else took"[..6].as_ref()), None);
    }

    #[test]
    fn a_fragment_that_cannot_be_is_refused() {
        let refused = |total, offset, slot, piece: &[u8]| {
            let mut assembler = Assembler::default();
            assert!(
                assembler.add(&fragment(total, offset, slot, piece), 32, 100).is_err(),
                "{total} {offset} {slot}"
            );
        };
        refused(101, 0, 0, b"x");
        refused(4, 3, 0, b"xy");
        refused(4, u32::MAX, 0, b"xy");
        refused(4, 0, 32, b"x");
        refused(4, 0, 0, b"");
        assert!(Assembler::default().add(b"short", 32, 100).is_err());
    }
}
