//! What can be wrong with a segment.

use std::io;

use super::{Mode, Role, layout};

/// What went wrong with a segment: what was found, what is allowed, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name cannot be the name of a segment.
    #[error("segment name {name:?} is not allowed: give 1 to {max} bytes without '/' or NUL that do not begin with '.'", max = layout::NAME_MAX)]
    Name {
        /// The name as given.
        name: String,
    },
    /// Somebody has already made a segment of this name.
    #[error("segment name {name:?} is taken: open it instead, or remove /dev/shm/{name} if nobody uses it")]
    NameTaken {
        /// The name as given.
        name: String,
    },
    /// There is no segment of this name.
    #[error("there is no segment {name:?}: create it first, or check the name against the files in /dev/shm")]
    NotFound {
        /// The name as given.
        name: String,
    },
    /// Another process is removing the segment at this moment.
    #[error("the segment is being removed by another process: create it again")]
    Removed,
    /// The capacity asked for is out of range.
    #[error("a capacity of {capacity} bytes is not allowed: give {min} to {max}", min = layout::CAPACITY_MIN, max = layout::CAPACITY_MAX)]
    Capacity {
        /// The capacity as given.
        capacity: u64,
    },
    /// The longest message asked for is out of range.
    #[error("a longest message of {bytes} bytes is not allowed in mode {mode}: give 1 to {max}")]
    MaxMessage {
        /// The length as given.
        bytes: u32,
        /// The segment's mode.
        mode: Mode,
        /// The longest in this mode.
        max: u32,
    },
    /// The schema tag cannot be one.
    #[error("the schema tag {tag:?} is not allowed: give at most {max} bytes of UTF-8 without NUL", max = layout::SCHEMA_MAX)]
    SchemaTag {
        /// The tag as given.
        tag: String,
    },
    /// The two sides do not agree on what the frames hold.
    #[error(
        "the segment's schema tag is {found:?}, and {expected:?} was asked for: both sides must give the same"
    )]
    Schema {
        /// The segment's tag.
        found: String,
        /// The tag that was asked for.
        expected: String,
    },
    /// The ring was lent by a port.
    #[error(
        "the ring is lent for its {role} end alone, once at a time, until it is given back: open a port for the other end"
    )]
    Lent {
        /// The end that it is lent for.
        role: Role,
    },
    /// The segment has another mode than the call is for.
    #[error("the segment is of mode {found}, and {expected} was asked for")]
    Mode {
        /// The segment's mode.
        found: Mode,
        /// What was asked for.
        expected: &'static str,
    },
    /// The machine has no room for the segment.
    #[error("no room for a segment of {bytes} bytes: ask for less, or make /dev/shm larger")]
    NoSpace {
        /// The size of the whole segment.
        bytes: u64,
    },
    /// There are no huge pages to be had.
    #[error("no huge pages for the segment: {advice}")]
    NoHugePages {
        /// What to do.
        advice: &'static str,
    },
    /// The mode bits would shut the creator out, or do what no segment needs.
    #[error(
        "mode bits {bits:#o} are not allowed: give read and write for yourself (0600) and what of 0066 the others get"
    )]
    Permissions {
        /// The bits as given.
        bits: u32,
    },
    /// The file is shorter than what its header says, or than any header.
    #[error("the segment is truncated: it has {found} bytes and needs {needed}")]
    Truncated {
        /// Bytes found.
        found: u64,
        /// Bytes needed.
        needed: u64,
    },
    /// The file is not a segment of this library.
    #[error("not a circlet segment: it begins with {found:#018x} and not with {expected:#018x}", expected = layout::MAGIC)]
    Magic {
        /// The first eight bytes, little endian.
        found: u64,
    },
    /// The segment has another layout version.
    #[error("the segment has layout version {major}.{minor}; this library reads version {ours}.x", ours = layout::MAJOR)]
    Version {
        /// Major version found.
        major: u16,
        /// Minor version found.
        minor: u16,
    },
    /// The segment was written by a machine of the other byte order.
    #[error("the segment's endian mark is {found:#010x} and not {expected:#010x}: it is not little endian", expected = layout::ENDIAN_MARK)]
    Endian {
        /// The mark found.
        found: u32,
    },
    /// The mode word names no mode.
    #[error(
        "the segment's mode word is {found}, which names no mode: 1 is spsc, 2 mpsc, 3 broadcast, 4 page"
    )]
    UnknownMode {
        /// The word found.
        found: u32,
    },
    /// The sizes and offsets in the header contradict each other.
    #[error("the segment's header contradicts itself: {field} is {found} and must be {expected}")]
    Geometry {
        /// The header's field.
        field: &'static str,
        /// Its value.
        found: u64,
        /// The value that the other fields ask for.
        expected: u64,
    },
    /// A header field has a value that it cannot have.
    #[error("the segment's header is wrong: {field} is {found} and may be at most {max}")]
    Header {
        /// The header's field.
        field: &'static str,
        /// Its value.
        found: u64,
        /// The largest sound value.
        max: u64,
    },
    /// The descriptor is not a memfd that is sealed against shrinking and growing.
    #[error(
        "the descriptor is not a sealed memfd (seals {found:#x}): a peer could truncate it under its readers"
    )]
    NotSealed {
        /// The seals found, 0 for something that cannot be sealed.
        found: i32,
    },
    /// Somebody alive already sits there.
    #[error("the segment already has a living {role} (pid {pid}): it takes {takes} at a time")]
    Busy {
        /// The role asked for.
        role: Role,
        /// What the holder says its process id is, 0 where it is not known.
        pid: u32,
        /// How many the ring takes.
        takes: usize,
    },
    /// The segment was opened before this process was forked, and its locks are shared with the parent.
    #[error(
        "this process was forked with the segment open, and shares its seats with its parent: open it again here"
    )]
    Forked,
    /// This platform lacks what the call needs.
    #[error("{mechanism} is not available on this platform: shared-memory segments need Linux")]
    Unsupported {
        /// The mechanism that is missing.
        mechanism: &'static str,
    },
    /// The kernel refused a call.
    #[error("{call} failed: {source}")]
    Os {
        /// The call.
        call: &'static str,
        /// The kernel's reason.
        source: io::Error,
    },
}

impl Error {
    /// Wraps the thread's `errno` of a failed call.
    pub(crate) fn last_os(call: &'static str) -> Self {
        Self::Os { call, source: io::Error::last_os_error() }
    }
}
