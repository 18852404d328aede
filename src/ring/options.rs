//! What a ring is made with.

use crate::shm::{Backing, Error, Geometry, Mode, Overflow};

/// What a ring is made with, or, for one that exists, how this side has it and which schema it must have.
///
/// ```
/// # #[cfg(target_os = "linux")] {
/// use circlet::ring::{self, Mode, Options, Overflow};
///
/// let options = Options::new()
///     .mode(Mode::Mpsc)
///     .capacity(1 << 16)
///     .max_message(1 << 20) // longer than a frame may be: it goes in fragments
///     .overflow(Overflow::DropNewest)
///     .schema("samples v1");
/// let ring = ring::anonymous(&options)?;
/// assert!(ring::from_fd(ring.export_fd()?).is_err(), "the schema was not given");
/// assert!(ring::from_fd_with(ring.export_fd()?, &Options::new().schema("samples v1")).is_ok());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    mode: Mode,
    capacity: u64,
    max_message: Option<u32>,
    overflow: Overflow,
    schema: String,
    backing: Backing,
}

impl Options {
    /// Begins with the defaults: 1 MiB, one producer and one consumer, messages of one frame, producers that wait.
    pub fn new() -> Self {
        Self {
            mode: Mode::Spsc,
            capacity: 1 << 20,
            max_message: None,
            overflow: Overflow::Block,
            schema: String::new(),
            backing: Backing::default(),
        }
    }

    /// Sets who may write and read: [`Mode::Spsc`], [`Mode::Mpsc`] or [`Mode::Broadcast`].
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets the bytes of the data area, rounded up to a power of two between 4 KiB and 1 GiB.
    ///
    /// The longest frame is half of it, less four bytes; an eighth in a broadcast ring.
    #[must_use]
    pub fn capacity(mut self, bytes: u64) -> Self {
        self.capacity = bytes;
        self
    }

    /// Sets the longest message in bytes, at most 1 GiB. One that is longer than a frame may be goes in fragments, also
    /// through a ring that is smaller than it, and arrives whole or, if its reader or writer dies meanwhile, not at all.
    /// Of a ring that exists it is the most that this side accepts.
    #[must_use]
    pub fn max_message(mut self, bytes: u32) -> Self {
        self.max_message = Some(bytes);
        self
    }

    /// Sets what a producer does that finds no room, unless it says otherwise for itself.
    #[must_use]
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Sets a tag of at most 56 bytes that says what the frames hold: both sides must give the same.
    #[must_use]
    pub fn schema(mut self, tag: &str) -> Self {
        tag.clone_into(&mut self.schema);
        self
    }

    /// Maps every page now rather than at its first use, for this side.
    #[must_use]
    pub fn prefault(mut self, prefault: bool) -> Self {
        self.backing.prefault = prefault;
        self
    }

    /// Takes huge pages: the kernel's reserved ones for an anonymous ring, transparent ones for a named one.
    #[must_use]
    pub fn huge_pages(mut self, huge_pages: bool) -> Self {
        self.backing.huge_pages = huge_pages;
        self
    }

    /// Sets the mode bits of a named ring's file, such as 0o660 for a group; 0o600 unless given.
    #[must_use]
    pub fn permissions(mut self, bits: u32) -> Self {
        self.backing.permissions = Some(bits);
        self
    }

    pub(super) fn backing(&self) -> &Backing {
        &self.backing
    }

    pub(super) fn geometry(&self) -> Result<Geometry, Error> {
        check_mode(self.mode)?;
        let geometry = Geometry::new(self.mode, self.capacity)?.with_overflow(self.overflow);
        let geometry = geometry.with_schema(&self.schema)?;
        match self.max_message {
            Some(bytes) => geometry.with_max_message(bytes),
            None => Ok(geometry),
        }
    }

    /// Checks that a ring that exists is what was asked for.
    pub(super) fn check(&self, found: &Geometry) -> Result<(), Error> {
        check_mode(found.mode())?;
        let (bytes, mode) = (found.max_message(), found.mode());
        if let Some(max) = self.max_message.filter(|max| bytes > *max) {
            return Err(Error::MaxMessage { bytes, mode, max });
        }
        found.check_schema(&self.schema)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

fn check_mode(found: Mode) -> Result<(), Error> {
    if found == Mode::Page { Err(Error::Mode { found, expected: "a ring" }) } else { Ok(()) }
}
