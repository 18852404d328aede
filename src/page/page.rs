//! A segment opened as a page.

#[cfg(unix)]
use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::{Error, Reader, Writer};
use crate::shm::{self, Backing, Geometry, Mode, Segment, layout};

/// What a page is made with, or, for one that exists, which schema it must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    max_bytes: u32,
    schema: String,
    backing: Backing,
}

impl Options {
    /// Begins with the defaults: values of up to 64 KiB, no schema.
    pub fn new() -> Self {
        Self { max_bytes: 64 << 10, schema: String::new(), backing: Backing::default() }
    }

    /// Sets the longest value in bytes, below 512 MiB.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u32) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets a tag of at most 56 bytes that says what the value is: both sides must give the same.
    #[must_use]
    pub fn schema(mut self, tag: &str) -> Self {
        tag.clone_into(&mut self.schema);
        self
    }

    /// Sets the mode bits of a named page's file; 0o600 unless given.
    #[must_use]
    pub fn permissions(mut self, bits: u32) -> Self {
        self.backing.permissions = Some(bits);
        self
    }

    fn geometry(&self) -> Result<Geometry, Error> {
        // Two slots, each with its word.
        let capacity = (2 * (u64::from(self.max_bytes) + 4)).max(layout::CAPACITY_MIN);
        let geometry = Geometry::new(Mode::Page, capacity)?;
        Ok(geometry.with_max_message(self.max_bytes)?.with_schema(&self.schema)?)
    }

    fn check(&self, found: &Geometry) -> Result<(), shm::Error> {
        if found.mode() != Mode::Page {
            return Err(shm::Error::Mode { found: found.mode(), expected: "a page" });
        }
        found.check_schema(&self.schema)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

/// Creates a named page, which other processes [`open`]. Its name is removed when this `Page`, and every writer and
/// reader made from it, are dropped.
///
/// # Errors
/// [`Error::Segment`]: a name that is taken or not allowed, options out of range, no room.
pub fn create(name: &str, options: &Options) -> Result<Page, Error> {
    Ok(Page::new(Segment::create(name, &options.geometry()?, &options.backing)?))
}

/// Opens a page by its name. Of the options, only the schema counts.
///
/// # Errors
/// [`Error::Segment`]: no such name, a segment that is not a page of this version, another schema.
pub fn open(name: &str, options: &Options) -> Result<Page, Error> {
    let segment = Segment::open(name, &options.backing)?;
    options.check(segment.geometry())?;
    Ok(Page::new(segment))
}

/// Creates a page without a name, to be passed to another process with [`Page::export_fd`].
///
/// # Errors
/// [`Error::Segment`]: options out of range, no room.
pub fn anonymous(options: &Options) -> Result<Page, Error> {
    Ok(Page::new(Segment::anonymous(&options.geometry()?, &options.backing)?))
}

/// Opens a page from a descriptor that [`Page::export_fd`] made, and owns it. Of the options, only the schema counts.
///
/// # Errors
/// [`Error::Segment`]: a descriptor that is not a sealed memfd, a segment that is not a page of this version, another
/// schema.
#[cfg(unix)]
pub fn from_fd(fd: OwnedFd, options: &Options) -> Result<Page, Error> {
    let segment = Segment::from_fd(fd, &options.backing)?;
    options.check(segment.geometry())?;
    Ok(Page::new(segment))
}

/// A page in shared memory: where its writer and its readers come from. `Send` and `Sync`.
#[derive(Clone, Debug)]
pub struct Page {
    segment: Arc<Segment>,
}

impl Page {
    fn new(segment: Segment) -> Self {
        Self { segment: Arc::new(segment) }
    }

    /// Takes the writer's seat; the seat of one that died is free again.
    ///
    /// # Errors
    /// [`shm::Error::Busy`] while a living writer holds it.
    pub fn writer(&self) -> Result<Writer, Error> {
        Writer::new(Arc::clone(&self.segment))
    }

    /// Makes a reader; there may be any number.
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.segment))
    }

    /// Returns the longest value in bytes.
    pub fn max_bytes(&self) -> u32 {
        self.segment.geometry().max_message()
    }

    /// Returns the mapped segment.
    pub fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Makes a descriptor that another process can open this page from. Close it here once it is passed.
    ///
    /// # Errors
    /// What the kernel said.
    #[cfg(unix)]
    pub fn export_fd(&self) -> Result<OwnedFd, Error> {
        Ok(self.segment.export_fd()?)
    }
}

/// Returns the position of the slot that holds a version.
pub(super) fn slot_of(version: u64, capacity: u64) -> u64 {
    (version & 1) * (capacity / 2)
}
