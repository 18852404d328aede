//! Making, opening and ending rings, for C.

use std::ffi::{c_char, c_void};

use super::{
    CIRCLET_BLOCK, CIRCLET_BROADCAST, CIRCLET_DROP_NEWEST, CIRCLET_FAIL, CIRCLET_MPSC,
    CIRCLET_RING_HUGE_PAGES, CIRCLET_RING_PREFAULT, CIRCLET_SPSC, circlet_ring, circlet_ring_options,
};
use crate::capi::call::{Failure, Out, array_mut, borrow, call, copy_text, count, end_handle, sized, text};
use crate::ring::{self, Mode, Options, Overflow};

/// Creates a named ring. `options` may be NULL for the defaults.
///
/// The name is removed by `circlet_ring_close`. Returns 0, CIRCLET_NAME_TAKEN, CIRCLET_NO_SPACE or CIRCLET_INVALID;
/// `*ring` is written on success only, and the caller owns it. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_create(
    name: *const c_char,
    options: *const circlet_ring_options,
    ring: *mut *mut circlet_ring,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (name, options, out) =
            unsafe { (text(name, "name")?, read_options(options)?, Out::new(ring, "ring")?) };
        out.set(circlet_ring::handle(ring::create(name, &options)?));
        Ok(0)
    })
}

/// Opens a ring by its name. `options` may be NULL; only its schema and its flags count.
///
/// Returns 0, CIRCLET_NOT_FOUND, CIRCLET_BAD_SCHEMA, or a code for each thing that can be wrong with a segment. The
/// caller owns `*ring`. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_open(
    name: *const c_char,
    options: *const circlet_ring_options,
    ring: *mut *mut circlet_ring,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (name, options, out) =
            unsafe { (text(name, "name")?, read_options(options)?, Out::new(ring, "ring")?) };
        out.set(circlet_ring::handle(ring::open_with(name, &options)?));
        Ok(0)
    })
}

/// Creates a ring without a name, whose descriptor another process gets (see `circlet_ring_export_fd`).
///
/// As `circlet_ring_create`.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_anonymous(
    options: *const circlet_ring_options,
    ring: *mut *mut circlet_ring,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (options, out) = unsafe { (read_options(options)?, Out::new(ring, "ring")?) };
        out.set(circlet_ring::handle(ring::anonymous(&options)?));
        Ok(0)
    })
}

/// Opens a ring from a descriptor that `circlet_ring_export_fd` made, and owns the descriptor, also where it fails.
/// `options` as for `circlet_ring_open`.
///
/// Returns 0, CIRCLET_NOT_SEALED, CIRCLET_BAD_SCHEMA, or a code for each thing that can be wrong with a segment. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says; `fd` belongs to nobody else.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_from_fd(
    fd: i32,
    options: *const circlet_ring_options,
    ring: *mut *mut circlet_ring,
) -> i32 {
    use std::os::fd::{FromRawFd, OwnedFd};
    call(|| {
        if fd < 0 {
            return Err(Failure::invalid(format!("fd is {fd}: give an open descriptor")));
        }
        // SAFETY: the caller's promise.
        let (fd, options, out) =
            unsafe { (OwnedFd::from_raw_fd(fd), read_options(options), Out::new(ring, "ring")) };
        let opened = ring::from_fd_with(fd, &options?)?;
        out?.set(circlet_ring::handle(opened));
        Ok(0)
    })
}

/// Makes a descriptor that another process opens this ring from: pass it over a Unix socket or to a child, and close
/// it here then, as the locks that tell who is alive belong to it.
///
/// Returns 0 or CIRCLET_OS. The caller owns `*fd`. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_export_fd(ring: *const circlet_ring, fd: *mut i32) -> i32 {
    use std::os::fd::IntoRawFd;
    call(|| {
        // SAFETY: the caller's promise.
        let (ring, out) = unsafe { (borrow(ring, "ring")?, Out::new(fd, "fd")?) };
        out.set(ring.ring.export_fd()?.into_raw_fd());
        Ok(0)
    })
}

/// Closes both sides that this handle has, removes the name if it was created here, and ends the handle.
///
/// Frames of it are invalid from then on. NULL is fine. The handle must not be in use by another thread.
///
/// # Safety
/// `ring` is NULL or an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_close(ring: *mut circlet_ring) {
    // SAFETY: the caller's promise.
    unsafe { end_handle(ring) };
}

/// Removes the name now if this handle created it, as `circlet_ring_close` does later; whoever has the ring open keeps
/// it. For those whose frames must stay mapped for a while. Any thread.
///
/// Returns 0, also where there is nothing to remove.
///
/// # Safety
/// `ring` is NULL or an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_unlink(ring: *const circlet_ring) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        unsafe { borrow(ring, "ring")? }.ring.segment().end_name();
        Ok(0)
    })
}

/// Gives the mapping that all frames of this ring lie in, valid until `circlet_ring_close`. Any thread.
///
/// Returns 0.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_memory(
    ring: *const circlet_ring,
    base: *mut *mut c_void,
    bytes: *mut u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (ring, base, bytes) =
            unsafe { (borrow(ring, "ring")?, Out::new(base, "base")?, Out::new(bytes, "bytes")?) };
        base.set(ring.ring.segment().base().as_ptr().cast());
        bytes.set(ring.ring.segment().geometry().segment_bytes());
        Ok(0)
    })
}

/// Copies the schema tag into `buffer`, cut to fit and ended by a zero byte. Any thread.
///
/// Returns the tag's length in bytes, at most 56; 0 where there is none. `buffer` may be NULL if `size` is 0.
///
/// # Safety
/// `ring` is NULL or an open handle; `buffer` has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_schema(
    ring: *const circlet_ring,
    buffer: *mut c_char,
    size: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (ring, buffer) =
            unsafe { (borrow(ring, "ring")?, array_mut(buffer.cast::<u8>(), size, "buffer")?) };
        let tag = ring.ring.segment().geometry().schema();
        copy_text(tag, buffer);
        count(tag.len())
    })
}

/// # Safety
/// `options` is NULL or leads to as many bytes as its first field says.
unsafe fn read_options(options: *const circlet_ring_options) -> Result<Options, Failure> {
    // SAFETY: the caller's promise.
    let Some(given) = (unsafe { sized(options, "options", "circlet_ring_options")? }) else {
        return Ok(Options::new());
    };
    let all_flags = CIRCLET_RING_PREFAULT | CIRCLET_RING_HUGE_PAGES;
    if given.flags & !all_flags != 0 {
        return Err(Failure::invalid(format!(
            "options.flags is {:#x}: give a sum of CIRCLET_RING_PREFAULT (1) and CIRCLET_RING_HUGE_PAGES (2)",
            given.flags
        )));
    }
    let mut options = Options::new()
        .mode(mode(given.mode)?)
        .overflow(overflow(given.overflow)?)
        .prefault(given.flags & CIRCLET_RING_PREFAULT != 0)
        .huge_pages(given.flags & CIRCLET_RING_HUGE_PAGES != 0);
    if given.capacity != 0 {
        options = options.capacity(given.capacity);
    }
    if given.max_message != 0 {
        options = options.max_message(given.max_message);
    }
    if given.permissions != 0 {
        options = options.permissions(given.permissions);
    }
    if !given.schema.is_null() {
        // SAFETY: the caller's promise.
        options = options.schema(unsafe { text(given.schema, "options.schema")? });
    }
    Ok(options)
}

fn mode(word: u32) -> Result<Mode, Failure> {
    let mode = if word == 0 { Some(Mode::Spsc) } else { Mode::from_word(word) };
    mode.filter(|mode| *mode != Mode::Page).ok_or_else(|| {
        Failure::invalid(format!(
            "options.mode is {word}: give CIRCLET_SPSC (1), CIRCLET_MPSC (2) or CIRCLET_BROADCAST (3)"
        ))
    })
}

pub(super) fn overflow(word: u32) -> Result<Overflow, Failure> {
    Overflow::from_word(word).ok_or_else(|| {
        Failure::invalid(format!(
            "overflow is {word}: give CIRCLET_BLOCK (0), CIRCLET_FAIL (1) or CIRCLET_DROP_NEWEST (2)"
        ))
    })
}

const _: () = {
    assert!(CIRCLET_SPSC == Mode::Spsc.word() && CIRCLET_MPSC == Mode::Mpsc.word());
    assert!(CIRCLET_BROADCAST == Mode::Broadcast.word());
    assert!(CIRCLET_BLOCK == Overflow::Block.word() && CIRCLET_FAIL == Overflow::Fail.word());
    assert!(CIRCLET_DROP_NEWEST == Overflow::DropNewest.word());
};
