//! Making, opening and ending rings, for C.

use std::ffi::{c_char, c_void};

use super::{circlet_ring, circlet_ring_options};
use crate::capi::call::{Failure, Out, borrow, call, end_handle, text};
use crate::ring::{self, Options};

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

/// Opens a ring by its name.
///
/// Returns 0, CIRCLET_NOT_FOUND, or a code for each thing that can be wrong with a segment. The caller owns `*ring`.
/// Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_open(name: *const c_char, ring: *mut *mut circlet_ring) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (name, out) = unsafe { (text(name, "name")?, Out::new(ring, "ring")?) };
        out.set(circlet_ring::handle(ring::open(name)?));
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
///
/// Returns 0, CIRCLET_NOT_SEALED, or a code for each thing that can be wrong with a segment. Any thread.
///
/// # Safety
/// `ring` is NULL or has room for a pointer; `fd` belongs to nobody else.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_ring_from_fd(fd: i32, ring: *mut *mut circlet_ring) -> i32 {
    use std::os::fd::{FromRawFd, OwnedFd};
    call(|| {
        if fd < 0 {
            return Err(Failure::invalid(format!("fd is {fd}: give an open descriptor")));
        }
        // SAFETY: the caller's promise.
        let (fd, out) = unsafe { (OwnedFd::from_raw_fd(fd), Out::new(ring, "ring")) };
        let opened = ring::from_fd(fd)?;
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

/// # Safety
/// `options` is NULL or leads to as many bytes as its first field says.
unsafe fn read_options(options: *const circlet_ring_options) -> Result<Options, Failure> {
    if options.is_null() {
        return Ok(Options::new());
    }
    // SAFETY: the caller's promise.
    let options = unsafe { borrow(options, "options")? };
    let ours = size_of::<circlet_ring_options>();
    if (options.struct_size as usize) < ours || options.reserved != 0 {
        return Err(Failure::invalid(format!(
            "options.struct_size is {} and options.reserved {}: give sizeof(circlet_ring_options) ({ours}) and 0",
            options.struct_size, options.reserved
        )));
    }
    Ok(match options.capacity {
        0 => Options::new(),
        capacity => Options::new().capacity(capacity),
    })
}
