//! Status codes, messages and versions.

use std::cell::RefCell;
use std::ffi::c_char;
use std::slice;

use super::call::{Failure, copy_text};

/// What a function returns below zero. Codes are only ever added; a retired one is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub enum circlet_status {
    /// It worked.
    CIRCLET_OK = 0,
    /// An argument is NULL, misaligned, out of range or not UTF-8.
    CIRCLET_INVALID = -1,
    /// There is no segment of this name.
    CIRCLET_NOT_FOUND = -2,
    /// The name is taken.
    CIRCLET_NAME_TAKEN = -3,
    /// There is no room in /dev/shm.
    CIRCLET_NO_SPACE = -4,
    /// The segment is shorter than its header says.
    CIRCLET_TRUNCATED = -5,
    /// The file is not a circlet segment.
    CIRCLET_BAD_MAGIC = -6,
    /// The segment has another layout version.
    CIRCLET_BAD_VERSION = -7,
    /// The segment is of the other byte order.
    CIRCLET_BAD_ENDIAN = -8,
    /// The segment has another mode, or none.
    CIRCLET_BAD_MODE = -9,
    /// The segment's header contradicts itself.
    CIRCLET_BAD_GEOMETRY = -10,
    /// The descriptor is not a sealed memfd.
    CIRCLET_NOT_SEALED = -11,
    /// Somebody alive has this side of the ring, another thread is inside this handle, or the port is taken.
    CIRCLET_BUSY = -12,
    /// This platform lacks a mechanism.
    CIRCLET_UNSUPPORTED = -13,
    /// The kernel refused a call.
    CIRCLET_OS = -14,
    /// The ring is full, or the queue of a pool, or the room of a hub.
    CIRCLET_FULL = -15,
    /// The ring is empty.
    CIRCLET_EMPTY = -16,
    /// The frame is longer than this ring takes.
    CIRCLET_TOO_LARGE = -17,
    /// The deadline passed.
    CIRCLET_TIMED_OUT = -18,
    /// The other side closed, and everything has been read; or the pool is closed, or the hub stopped.
    CIRCLET_CLOSED = -19,
    /// The other side died, and everything has been read.
    CIRCLET_PEER_DIED = -20,
    /// The other side wrote what no ring may hold.
    CIRCLET_POISONED = -21,
    /// A curve's input is refused.
    CIRCLET_BAD_CURVE = -22,
    /// The text is not the JSON that was asked for.
    CIRCLET_BAD_JSON = -23,
    /// The interpreter could not be started.
    CIRCLET_NO_PYTHON = -24,
    /// The C library, which a worker loads, was not found.
    CIRCLET_NO_LIBRARY = -25,
    /// The worker was not ready in time.
    CIRCLET_NOT_READY = -26,
    /// The worker ended by itself, or was killed.
    CIRCLET_WORKER_DIED = -27,
    /// The worker sent what the protocol does not have.
    CIRCLET_PROTOCOL = -28,
    /// The writer has overtaken this reader of a broadcast ring: `circlet_ring_missed` tells how far.
    CIRCLET_LAGGED = -29,
    /// The segment has another schema tag than was asked for.
    CIRCLET_BAD_SCHEMA = -30,
    /// A job failed: `circlet_pool_failure` has its message.
    CIRCLET_JOB_FAILED = -31,
    /// A job was aborted before it started, or gave in to that.
    CIRCLET_ABORTED = -32,
    /// A job was given up for another, as the queue was full.
    CIRCLET_DROPPED = -33,
    /// No worker could be started.
    CIRCLET_NO_WORKER = -34,
    /// A bug in the library: a panic was caught.
    CIRCLET_PANIC = -99,
}

thread_local! {
    static LAST: RefCell<Failure> = const { RefCell::new(Failure::NONE) };
}

pub(super) fn remember(failure: Failure) {
    // The thread may be ending.
    let _ = LAST.try_with(|last| last.replace(failure));
}

/// Finds a code's name; that the list is whole is checked by the match on the enum.
macro_rules! name_of {
    ($status:expr, $($code:ident)*) => {{
        const fn _whole(status: circlet_status) {
            match status { $(circlet_status::$code => {})* }
        }
        $(if $status == circlet_status::$code as i32 {
            return concat!(stringify!($code), "\0").as_ptr().cast();
        })*
    }};
}

/// Returns the name of a status code, such as "CIRCLET_FULL".
///
/// A static string; "unknown circlet_status" for a number that is none. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn circlet_status_str(status: i32) -> *const c_char {
    name_of!(status,
        CIRCLET_OK CIRCLET_INVALID CIRCLET_NOT_FOUND CIRCLET_NAME_TAKEN CIRCLET_NO_SPACE CIRCLET_TRUNCATED
        CIRCLET_BAD_MAGIC CIRCLET_BAD_VERSION CIRCLET_BAD_ENDIAN CIRCLET_BAD_MODE CIRCLET_BAD_GEOMETRY
        CIRCLET_NOT_SEALED CIRCLET_BUSY CIRCLET_UNSUPPORTED CIRCLET_OS CIRCLET_FULL CIRCLET_EMPTY CIRCLET_TOO_LARGE
        CIRCLET_TIMED_OUT CIRCLET_CLOSED CIRCLET_PEER_DIED CIRCLET_POISONED CIRCLET_BAD_CURVE CIRCLET_BAD_JSON
        CIRCLET_NO_PYTHON CIRCLET_NO_LIBRARY CIRCLET_NOT_READY CIRCLET_WORKER_DIED CIRCLET_PROTOCOL CIRCLET_LAGGED
        CIRCLET_BAD_SCHEMA CIRCLET_JOB_FAILED CIRCLET_ABORTED CIRCLET_DROPPED CIRCLET_NO_WORKER CIRCLET_PANIC
    );
    c"unknown circlet_status".as_ptr()
}

/// Copies the calling thread's last detailed message into `buffer`, cut to fit and ended by a zero byte.
///
/// Returns the message's length in bytes without the zero, which may be more than fits; 0 where nothing has failed on
/// this thread yet. `buffer` may be NULL if `size` is 0.
///
/// # Safety
/// `buffer` has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_last_error(buffer: *mut c_char, size: u32) -> i32 {
    LAST.try_with(|last| {
        let last = last.borrow();
        let text = last.message();
        if !buffer.is_null() {
            // SAFETY: the caller's buffer has room for `size` bytes, which nobody else writes.
            copy_text(text, unsafe { slice::from_raw_parts_mut(buffer.cast(), size as usize) });
        }
        i32::try_from(text.len()).unwrap_or(i32::MAX)
    })
    .unwrap_or(0)
}

/// Version of the C functions: another major number (the upper 16 bits) is another ABI.
pub const CIRCLET_ABI_VERSION: u32 = 0x0001_0000;

/// Returns the library's version, such as "0.1.0": a static string. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn circlet_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Returns the library's `CIRCLET_ABI_VERSION`: refuse a library whose upper 16 bits are not those of the header.
#[unsafe(no_mangle)]
pub extern "C" fn circlet_abi_version() -> u32 {
    CIRCLET_ABI_VERSION
}

/// Returns the major version of the shared-memory layout.
#[unsafe(no_mangle)]
pub extern "C" fn circlet_layout_version() -> u32 {
    crate::shm::layout::MAJOR.into()
}
