//! The shared-memory layout, version 1: the only owner of its offsets.
//!
//! Little endian, fixed-width integers, positions are 64-bit byte counts that never wrap. `docs/layout.md` is the
//! contract in prose, `include/circlet.h` mirrors the offsets, and a test compares all of them. What one side writes
//! never shares a 128-byte line (two cache lines, as the adjacent-line prefetcher pairs them) with what another writes.

use std::fmt;

use super::Error;

/// The first eight bytes: `CIRCLET` and a zero byte.
pub const MAGIC: u64 = u64::from_le_bytes(*b"CIRCLET\0");
/// The major version: another one is refused.
pub const MAJOR: u16 = 1;
/// The minor version: a later one only adds what an older reader may ignore.
pub const MINOR: u16 = 0;
/// Reads as this where the byte order is right.
pub const ENDIAN_MARK: u32 = 0x0102_0304;

/// Longest name of a segment in bytes.
pub const NAME_MAX: usize = 200;
/// Smallest capacity in bytes.
pub const CAPACITY_MIN: u64 = 4096;
/// Largest capacity in bytes: half of it is a frame, whose length has 29 bits.
pub const CAPACITY_MAX: u64 = 1 << 30;

/// Longest message in bytes, in however many fragments.
pub const MESSAGE_MAX: u32 = 1 << 30;
/// Longest schema tag in bytes.
pub const SCHEMA_MAX: usize = 56;
/// How many producers a ring can have at a time.
pub const SLOTS: usize = 32;
/// How many places a broadcast writer notes for readers that it has overtaken.
pub const SIGNPOSTS: usize = 16;

/// Offsets in the header page. Written once by the creator, before anybody can open the segment.
pub mod header {
    /// `u64`, [`super::MAGIC`].
    pub const MAGIC: usize = 0x00;
    /// `u16`, [`super::MAJOR`].
    pub const MAJOR: usize = 0x08;
    /// `u16`, [`super::MINOR`].
    pub const MINOR: usize = 0x0a;
    /// `u32`, [`super::ENDIAN_MARK`].
    pub const ENDIAN: usize = 0x0c;
    /// `u32`, a [`super::Mode`].
    pub const MODE: usize = 0x10;
    /// `u32`, the longest payload of one frame in bytes.
    pub const MAX_FRAME: usize = 0x14;
    /// `u64`, bytes of the whole segment.
    pub const SEGMENT_BYTES: usize = 0x18;
    /// `u64`, offset of the data area.
    pub const DATA_OFFSET: usize = 0x20;
    /// `u64`, bytes of the data area, a power of two.
    pub const CAPACITY: usize = 0x28;
    /// `u32`, the creator's process id in its own namespace; for people.
    pub const CREATOR_PID: usize = 0x30;
    /// `u32`, an [`super::Overflow`].
    pub const OVERFLOW: usize = 0x34;
    /// `u64`, milliseconds since 1970 when it was created; for people.
    pub const CREATED_MS: usize = 0x38;
    /// `u32`, the longest message in bytes: above [`MAX_FRAME`] it goes in fragments.
    pub const MAX_MESSAGE: usize = 0x40;
    /// `u32`, bytes of the schema tag. The tag follows, [`super::SCHEMA_MAX`] bytes of UTF-8 that end in zeros.
    pub const SCHEMA_BYTES: usize = 0x44;
    /// The schema tag.
    pub const SCHEMA: usize = 0x48;
    /// Bytes of the header that are read.
    pub const BYTES: usize = 0x80;
}

/// Offsets of what the producers share.
pub mod producer {
    /// `u64`, byte position after the last frame that was committed (mpsc: claimed); in a page, values published.
    pub const TAIL: usize = 0x1000;
    /// `u64`, where everything one capacity before may be overwritten at any time (broadcast), or the number of the
    /// value that is being written (page).
    pub const INTENT: usize = 0x1008;
    /// `u32`, the claim lock (mpsc): 0, or one more than the slot of who holds it.
    pub const LOCK: usize = 0x1010;
    /// `u32`, the producers' waiting word: see [`super::waiting`].
    pub const WAITING: usize = 0x1080;
    /// The producers' seats, 8 bytes each: a `u32` (see [`super::seat`]) and, as a `u32`, the process id.
    pub const SEATS: usize = 0x1100;
}

/// Offsets of the consumer's side.
pub mod consumer {
    /// `u64`, byte position before which everything is released.
    pub const HEAD: usize = 0x2000;
    /// `u64`, frames released.
    pub const FRAMES: usize = 0x2008;
    /// `u64`, how often the consumer slept.
    pub const WAITS: usize = 0x2010;
    /// `u32`, the consumers' waiting word: see [`super::waiting`].
    pub const WAITING: usize = 0x2080;
    /// `u32`, who sits here: see [`super::seat`]. After it, `u32`, the process id.
    pub const SEAT: usize = 0x2100;
}

/// Offsets in a producer's slot; the slots begin at [`slot::BASE`], [`slot::STRIDE`] apart.
pub mod slot {
    /// Where the first slot begins.
    pub const BASE: usize = 0x3000;
    /// From one slot to the next.
    pub const STRIDE: usize = 0x80;
    /// `u64`, position of the last claim (mpsc).
    pub const CLAIM: usize = 0x00;
    /// `u64`, bytes that the last claim takes (mpsc).
    pub const CLAIM_BYTES: usize = 0x08;
    /// `u64`, frames committed.
    pub const FRAMES: usize = 0x10;
    /// `u64`, payload bytes committed.
    pub const BYTES: usize = 0x18;
    /// `u64`, how often a frame found no room at first.
    pub const FULL_EVENTS: usize = 0x20;
    /// `u64`, how often the producer slept.
    pub const WAITS: usize = 0x28;
    /// `u64`, frames dropped because there was no room.
    pub const DROPPED: usize = 0x30;
    /// `u64`, the most bytes that were seen unreleased.
    pub const HIGH_WATER: usize = 0x38;

    /// Returns where a field of a slot is.
    pub const fn at(slot: usize, field: usize) -> usize {
        BASE + slot * STRIDE + field
    }
}

/// Offsets of a broadcast ring's signposts, behind the one slot that such a ring uses.
pub mod signpost {
    /// Where the first signpost begins; 16 bytes each: the position of a frame and its number, both `u64`.
    pub const BASE: usize = 0x3800;
    /// From one signpost to the next.
    pub const STRIDE: usize = 0x10;
}

/// The bits of a waiting word.
pub mod waiting {
    /// Somebody sleeps on the word; it is a futex.
    pub const SLEEPS: u32 = 1;
    /// Somebody wants the doorbell: a change of the file's times.
    pub const BELL: u32 = 2;
}

/// Values of a seat word.
pub mod seat {
    /// Nobody has sat here yet.
    pub const NEVER: u32 = 0;
    /// Somebody sits here; whether they still live is told by the lock on the seat's first byte.
    pub const TAKEN: u32 = 1;
    /// The last one left in order.
    pub const CLOSED: u32 = 2;
    /// The last one died, and another has settled what it left (mpsc).
    pub const DIED: u32 = 3;
    /// The bits that hold the three above.
    pub const STATE: u32 = 0xff;
    /// Whoever sits here publishes without a fence, so that a sleeper has to order for both (membarrier).
    pub const UNFENCED: u32 = 0x100;
}

/// Where the frames begin: 4 (mod 8), so that a payload, four bytes into its frame, is aligned to 8.
pub const DATA: usize = 0x4004;
/// Segments are whole pages of this size.
pub const PAGE: u64 = 4096;
/// The byte that every process that has the segment open holds a shared lock on.
pub const PRESENCE_BYTE: usize = 0;

const _: () = {
    const LINE: usize = 128;
    assert!(DATA % 8 == 4);
    assert!(header::BYTES <= PAGE as usize && header::SCHEMA + SCHEMA_MAX == header::BYTES);
    assert!(producer::TAIL.is_multiple_of(LINE) && consumer::HEAD.is_multiple_of(LINE));
    assert!(producer::WAITING.is_multiple_of(LINE) && consumer::WAITING.is_multiple_of(LINE));
    assert!(producer::SEATS.is_multiple_of(LINE) && consumer::SEAT.is_multiple_of(LINE));
    assert!(slot::STRIDE.is_multiple_of(LINE) && slot::HIGH_WATER + 8 <= slot::STRIDE);
    assert!(slot::at(SLOTS, 0) <= DATA && signpost::BASE + SIGNPOSTS * signpost::STRIDE <= DATA);
};

/// How the data area of a segment is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// One producer and one consumer.
    Spsc,
    /// Up to [`SLOTS`] producers and one consumer.
    Mpsc,
    /// One producer that never waits, and readers that learn what they missed.
    Broadcast,
    /// A single latest value.
    Page,
}

/// Each mode with its word and its name, in the order of the words.
const MODES: [(Mode, u32, &str); 4] = [
    (Mode::Spsc, 1, "spsc"),
    (Mode::Mpsc, 2, "mpsc"),
    (Mode::Broadcast, 3, "broadcast"),
    (Mode::Page, 4, "page"),
];

impl Mode {
    /// Returns the mode word of the header.
    pub const fn word(self) -> u32 {
        MODES[self as usize].1
    }

    /// Reads a mode word.
    pub fn from_word(word: u32) -> Option<Self> {
        MODES.iter().find(|mode| mode.1 == word).map(|mode| mode.0)
    }

    /// Returns how many producers there can be at a time.
    pub fn slots(self) -> usize {
        if self == Self::Mpsc { SLOTS } else { 1 }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MODES[*self as usize].2)
    }
}

/// What a producer does that finds no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// It waits, up to its deadline.
    #[default]
    Block,
    /// It fails at once.
    Fail,
    /// It drops the new frame, and counts it.
    DropNewest,
}

/// Each policy with its word and its name, in the order of the words.
const OVERFLOWS: [(Overflow, u32, &str); 3] =
    [(Overflow::Block, 0, "block"), (Overflow::Fail, 1, "fail"), (Overflow::DropNewest, 2, "drop newest")];

impl Overflow {
    /// Returns the overflow word of the header.
    pub const fn word(self) -> u32 {
        OVERFLOWS[self as usize].1
    }

    /// Reads an overflow word.
    pub fn from_word(word: u32) -> Option<Self> {
        OVERFLOWS.iter().find(|overflow| overflow.1 == word).map(|overflow| overflow.0)
    }
}

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(OVERFLOWS[*self as usize].2)
    }
}

/// What a segment is, checked in itself; each side keeps this copy and never reads the header again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Geometry {
    mode: Mode,
    capacity: u64,
    max_message: u32,
    overflow: Overflow,
    schema: String,
}

impl Geometry {
    /// Plans a segment whose data area has `capacity` bytes, rounded up to a power of two.
    ///
    /// # Errors
    /// [`Error::Capacity`] outside [`CAPACITY_MIN`] to [`CAPACITY_MAX`].
    pub fn new(mode: Mode, capacity: u64) -> Result<Self, Error> {
        if !(CAPACITY_MIN..=CAPACITY_MAX).contains(&capacity) {
            return Err(Error::Capacity { capacity });
        }
        let capacity = capacity.next_power_of_two();
        Ok(Self {
            mode,
            capacity,
            max_message: longest_frame(mode, capacity),
            overflow: Overflow::default(),
            schema: String::new(),
        })
    }

    /// Sets the longest message in bytes; one that is longer than a frame may be goes in fragments.
    ///
    /// # Errors
    /// [`Error::MaxMessage`] above [`MESSAGE_MAX`]; above [`Geometry::max_frame`] in modes that have no fragments:
    /// a reader that was overtaken in one would lose all of them.
    pub fn with_max_message(mut self, bytes: u32) -> Result<Self, Error> {
        let max = match self.mode {
            Mode::Spsc | Mode::Mpsc => MESSAGE_MAX,
            Mode::Broadcast | Mode::Page => self.max_frame(),
        };
        if !(1..=max).contains(&bytes) {
            return Err(Error::MaxMessage { bytes, mode: self.mode, max });
        }
        self.max_message = bytes;
        Ok(self)
    }

    /// Sets what a producer does that finds no room.
    #[must_use]
    pub fn with_overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Sets the tag that both sides must agree on; an empty one is none.
    ///
    /// # Errors
    /// [`Error::SchemaTag`] above [`SCHEMA_MAX`] bytes, or with a NUL.
    pub fn with_schema(mut self, tag: &str) -> Result<Self, Error> {
        if tag.len() > SCHEMA_MAX || tag.contains('\0') {
            return Err(Error::SchemaTag { tag: tag.to_owned() });
        }
        tag.clone_into(&mut self.schema);
        Ok(self)
    }

    /// Returns how the data area is used.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns the bytes of the data area, a power of two.
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Returns the longest message in bytes.
    pub fn max_message(&self) -> u32 {
        self.max_message
    }

    /// Returns what a producer does that finds no room.
    pub fn overflow(&self) -> Overflow {
        self.overflow
    }

    /// Returns the tag that both sides must agree on, empty where there is none.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Returns the longest payload of one frame in bytes.
    ///
    /// Half the capacity, less its word: a frame never wraps, so that before one of half the ring the rest may have to
    /// be skipped. An eighth in a broadcast ring, whose readers need time to copy it.
    pub fn max_frame(&self) -> u32 {
        longest_frame(self.mode, self.capacity)
    }

    /// Returns the bytes of the whole segment, whole pages.
    pub fn segment_bytes(&self) -> u64 {
        (DATA as u64 + self.capacity).next_multiple_of(PAGE)
    }

    /// Checks that a segment that exists has the tag that was asked for.
    ///
    /// # Errors
    /// [`Error::Schema`].
    pub fn check_schema(&self, expected: &str) -> Result<(), Error> {
        if self.schema == expected {
            return Ok(());
        }
        Err(Error::Schema { found: self.schema.clone(), expected: expected.to_owned() })
    }

    /// Writes the header that says all this.
    pub fn encode(&self, creator_pid: u32, created_ms: u64) -> [u8; header::BYTES] {
        let mut page = [0; header::BYTES];
        let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
        put(header::MAGIC, &MAGIC.to_le_bytes());
        put(header::MAJOR, &MAJOR.to_le_bytes());
        put(header::MINOR, &MINOR.to_le_bytes());
        put(header::ENDIAN, &ENDIAN_MARK.to_le_bytes());
        put(header::MODE, &self.mode.word().to_le_bytes());
        put(header::MAX_FRAME, &self.max_frame().to_le_bytes());
        put(header::SEGMENT_BYTES, &self.segment_bytes().to_le_bytes());
        put(header::DATA_OFFSET, &(DATA as u64).to_le_bytes());
        put(header::CAPACITY, &self.capacity.to_le_bytes());
        put(header::CREATOR_PID, &creator_pid.to_le_bytes());
        put(header::OVERFLOW, &self.overflow.word().to_le_bytes());
        put(header::CREATED_MS, &created_ms.to_le_bytes());
        put(header::MAX_MESSAGE, &self.max_message.to_le_bytes());
        put(header::SCHEMA_BYTES, &(self.schema.len() as u32).to_le_bytes());
        put(header::SCHEMA, self.schema.as_bytes());
        page
    }

    /// Checks a header, and the file's length, before anything is believed.
    ///
    /// # Errors
    /// An error of its own for each thing that can be wrong: [`Error::Truncated`], [`Error::Magic`],
    /// [`Error::Endian`], [`Error::Version`], [`Error::UnknownMode`], [`Error::Geometry`], [`Error::Header`],
    /// [`Error::MaxMessage`].
    pub fn decode(page: &[u8], file_bytes: u64) -> Result<Self, Error> {
        if page.len() < header::BYTES {
            return Err(Error::Truncated { found: file_bytes, needed: header::BYTES as u64 });
        }
        let magic = u64_at(page, header::MAGIC);
        if magic != MAGIC {
            return Err(Error::Magic { found: magic });
        }
        let mark = u32_at(page, header::ENDIAN);
        if mark != ENDIAN_MARK {
            return Err(Error::Endian { found: mark });
        }
        let (major, minor) = (u16_at(page, header::MAJOR), u16_at(page, header::MINOR));
        if major != MAJOR {
            return Err(Error::Version { major, minor });
        }
        let mode_word = u32_at(page, header::MODE);
        let mode = Mode::from_word(mode_word).ok_or(Error::UnknownMode { found: mode_word })?;
        let capacity = u64_at(page, header::CAPACITY);
        let geometry = Self::new(mode, capacity)?;
        expect("capacity", capacity, geometry.capacity)?;
        expect("data offset", u64_at(page, header::DATA_OFFSET), DATA as u64)?;
        expect("segment size", u64_at(page, header::SEGMENT_BYTES), geometry.segment_bytes())?;
        expect("longest frame", u64::from(u32_at(page, header::MAX_FRAME)), u64::from(geometry.max_frame()))?;
        if file_bytes < geometry.segment_bytes() {
            return Err(Error::Truncated { found: file_bytes, needed: geometry.segment_bytes() });
        }
        let overflow = u32_at(page, header::OVERFLOW);
        let overflow = Overflow::from_word(overflow).ok_or(Error::Header {
            field: "overflow word",
            found: overflow.into(),
            max: 2,
        })?;
        let (bytes, max) = (u32_at(page, header::SCHEMA_BYTES), SCHEMA_MAX as u64);
        let tag = page[header::SCHEMA..header::BYTES].get(..bytes as usize);
        let tag = tag.ok_or(Error::Header { field: "schema length", found: bytes.into(), max })?;
        let tag =
            str::from_utf8(tag).map_err(|_| Error::SchemaTag { tag: String::from_utf8_lossy(tag).into() })?;
        geometry.with_overflow(overflow).with_schema(tag)?.with_max_message(u32_at(page, header::MAX_MESSAGE))
    }
}

fn longest_frame(mode: Mode, capacity: u64) -> u32 {
    let share = if mode == Mode::Broadcast { 8 } else { 2 };
    u32::try_from(capacity / share - 4).expect("the largest capacity is 1 GiB")
}

fn expect(field: &'static str, found: u64, expected: u64) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::Geometry { field, found, expected }) }
}

fn array_at<const N: usize>(page: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|i| page[at + i])
}

fn u16_at(page: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(page, at))
}

fn u32_at(page: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(page, at))
}

fn u64_at(page: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(page, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> (Geometry, [u8; header::BYTES], u64) {
        let geometry = Geometry::new(Mode::Mpsc, 8192)
            .and_then(|geometry| geometry.with_max_message(100_000))
            .and_then(|geometry| geometry.with_overflow(Overflow::DropNewest).with_schema("prices v2"))
            .unwrap();
        let page = geometry.encode(7, 1);
        let bytes = geometry.segment_bytes();
        (geometry, page, bytes)
    }

    #[test]
    fn a_header_reads_back_as_it_was_written() {
        let (geometry, page, bytes) = sound();
        assert_eq!(Geometry::decode(&page, bytes).unwrap(), geometry);
    }

    #[test]
    fn a_capacity_is_rounded_up_to_a_power_of_two() {
        assert_eq!(Geometry::new(Mode::Spsc, 5000).unwrap().capacity(), 8192);
    }

    #[test]
    fn a_capacity_out_of_range_is_refused() {
        for capacity in [0, 1, CAPACITY_MIN - 1, CAPACITY_MAX + 1, u64::MAX] {
            assert!(matches!(Geometry::new(Mode::Spsc, capacity), Err(Error::Capacity { .. })), "{capacity}");
        }
    }

    #[test]
    fn each_spoilt_field_has_its_own_error() {
        let (_, page, bytes) = sound();
        let spoil = |at: usize, value: &[u8]| {
            let mut spoilt = page;
            spoilt[at..at + value.len()].copy_from_slice(value);
            Geometry::decode(&spoilt, bytes).unwrap_err()
        };
        assert!(matches!(spoil(header::MAGIC, b"NOTARING"), Error::Magic { .. }));
        assert!(matches!(spoil(header::MAJOR, &[9, 0]), Error::Version { major: 9, minor: 0 }));
        assert!(matches!(spoil(header::ENDIAN, &[1, 2, 3, 4]), Error::Endian { .. }));
        assert!(matches!(spoil(header::MODE, &[77]), Error::UnknownMode { found: 77 }));
        assert!(matches!(spoil(header::CAPACITY, &[0; 8]), Error::Capacity { capacity: 0 }));
        assert!(matches!(
            spoil(header::OVERFLOW, &[3]),
            Error::Header { field: "overflow word", found: 3, .. }
        ));
        assert!(matches!(spoil(header::SCHEMA_BYTES, &[57]), Error::Header { field: "schema length", .. }));
        assert!(matches!(spoil(header::SCHEMA, &[0xff]), Error::SchemaTag { .. }));
        assert!(matches!(spoil(header::MAX_MESSAGE, &[0; 4]), Error::MaxMessage { bytes: 0, .. }));
        assert!(matches!(spoil(header::MAX_MESSAGE, &[0xff; 4]), Error::MaxMessage { .. }));
        let field = |error| match error {
            Error::Geometry { field, .. } => field,
            other => panic!("{other}"),
        };
        assert_eq!(field(spoil(header::CAPACITY, &8200_u64.to_le_bytes())), "capacity");
        assert_eq!(field(spoil(header::DATA_OFFSET, &[8])), "data offset");
        assert_eq!(field(spoil(header::SEGMENT_BYTES, &[8])), "segment size");
        assert_eq!(field(spoil(header::MAX_FRAME, &[8])), "longest frame");
        assert!(matches!(Geometry::decode(&page, bytes - 1), Err(Error::Truncated { .. })));
        assert!(matches!(Geometry::decode(&page[..10], 10), Err(Error::Truncated { found: 10, .. })));
    }

    #[test]
    fn a_later_minor_version_is_read() {
        let (geometry, mut page, bytes) = sound();
        page[header::MINOR] = 9;
        assert_eq!(Geometry::decode(&page, bytes).unwrap(), geometry);
    }
}
