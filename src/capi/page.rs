//! Pages for C: one latest value in shared memory.

use std::ffi::{c_char, c_void};

use super::call::{Failure, Out, array, borrow, call, count, deadline, end_handle, into_handle, text};
use super::ring::segment_status;
use super::side::Side;
use super::status::circlet_status;
use crate::page::{self, Error, Options, Page, Reader, Writer};

/// A page: one latest value. Its writer's seat is taken by the first write. Any number of handles read; one thread at a
/// time writes through a handle, and one reads.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_page {
    page: Page,
    writer: Side<Option<Writer>>,
    reader: Side<Reader>,
}

fn handle(page: Page) -> *mut circlet_page {
    let reader = Side::new(page.reader());
    into_handle(circlet_page { page, writer: Side::new(None), reader })
}

/// # Safety
/// `schema` is NULL or leads to a zero-terminated string.
unsafe fn options(max_bytes: u32, schema: *const c_char) -> Result<Options, Failure> {
    let mut options = Options::new();
    if max_bytes != 0 {
        options = options.max_bytes(max_bytes);
    }
    if !schema.is_null() {
        // SAFETY: the caller's promise.
        options = options.schema(unsafe { text(schema, "schema")? });
    }
    Ok(options)
}

/// Creates a named page for values of up to `max_bytes` (0 for 64 KiB). `schema` is a tag of at most 56 bytes that both
/// sides must agree on, or NULL.
///
/// The name is removed by `circlet_page_close`. Returns 0, CIRCLET_NAME_TAKEN, CIRCLET_NO_SPACE or CIRCLET_INVALID;
/// `*page` is written on success only, and the caller owns it. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_page_create(
    name: *const c_char,
    max_bytes: u32,
    schema: *const c_char,
    page: *mut *mut circlet_page,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (name, options, out) =
            unsafe { (text(name, "name")?, options(max_bytes, schema)?, Out::new(page, "page")?) };
        out.set(handle(page::create(name, &options)?));
        Ok(0)
    })
}

/// Creates a page without a name, whose descriptor another process gets (see `circlet_page_export_fd`).
///
/// As `circlet_page_create`.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_page_anonymous(
    max_bytes: u32,
    schema: *const c_char,
    page: *mut *mut circlet_page,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (options, out) = unsafe { (options(max_bytes, schema)?, Out::new(page, "page")?) };
        out.set(handle(page::anonymous(&options)?));
        Ok(0)
    })
}

/// Opens a page by its name. `schema` must be the one that it was made with, NULL for none.
///
/// Returns 0, CIRCLET_NOT_FOUND, CIRCLET_BAD_SCHEMA, or a code for each thing that can be wrong with a segment. The
/// caller owns `*page`. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_page_open(
    name: *const c_char,
    schema: *const c_char,
    page: *mut *mut circlet_page,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (name, options, out) =
            unsafe { (text(name, "name")?, options(0, schema)?, Out::new(page, "page")?) };
        out.set(handle(page::open(name, &options)?));
        Ok(0)
    })
}

/// Opens a page from a descriptor that `circlet_page_export_fd` made, and owns the descriptor, also where it fails.
///
/// As `circlet_page_open`, and CIRCLET_NOT_SEALED.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says; `fd` belongs to nobody else.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_page_from_fd(
    fd: i32,
    schema: *const c_char,
    page: *mut *mut circlet_page,
) -> i32 {
    use std::os::fd::{FromRawFd, OwnedFd};
    call(|| {
        if fd < 0 {
            return Err(Failure::invalid(format!("fd is {fd}: give an open descriptor")));
        }
        // SAFETY: the caller's promise.
        let (fd, options, out) =
            unsafe { (OwnedFd::from_raw_fd(fd), options(0, schema), Out::new(page, "page")) };
        let opened = page::from_fd(fd, &options?)?;
        out?.set(handle(opened));
        Ok(0)
    })
}

/// Makes a descriptor that another process opens this page from, and that the caller closes once it is passed.
///
/// Returns 0 or CIRCLET_OS. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_page_export_fd(page: *const circlet_page, fd: *mut i32) -> i32 {
    use std::os::fd::IntoRawFd;
    call(|| {
        // SAFETY: the caller's promise.
        let (page, out) = unsafe { (borrow(page, "page")?, Out::new(fd, "fd")?) };
        out.set(page.page.export_fd()?.into_raw_fd());
        Ok(0)
    })
}

/// Publishes a value. It never waits for readers.
///
/// Returns 0, CIRCLET_TOO_LARGE, or CIRCLET_BUSY while another writer lives.
///
/// # Safety
/// `page` is NULL or an open handle; `value` leads to `len` bytes, or is NULL where `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_page_write(
    page: *const circlet_page,
    value: *const c_void,
    len: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (page, value) = unsafe { (borrow(page, "page")?, array(value.cast::<u8>(), len, "value")?) };
        page.writer.enter(|side| {
            let writer = match side {
                Some(writer) => writer,
                None => side.insert(page.page.writer()?),
            };
            writer.write(value)?;
            Ok(0)
        })
    })
}

/// Gives the newest value and its version (1 is the first), waiting for one that this handle has not read yet.
///
/// `timeout_ms`: 0 gives the newest at once, also one that was read before (CIRCLET_EMPTY where there is none), above
/// waits so long for a newer one (CIRCLET_TIMED_OUT), below 0 without a deadline. `*value` is a private copy, valid until the
/// next read. Returns its length, or one of these, CIRCLET_CLOSED or CIRCLET_PEER_DIED where there is none and no writer,
/// CIRCLET_LAGGED where the writer published so fast that no copy was whole.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_page_read(
    page: *const circlet_page,
    timeout_ms: f64,
    value: *mut *const c_void,
    version: *mut u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (page, value, out) =
            unsafe { (borrow(page, "page")?, Out::new(value, "value")?, Out::new(version, "version")?) };
        page.reader.enter(|reader| {
            let found = match timeout_ms {
                0.0 => reader.read()?,
                _ => Some(reader.wait(deadline(timeout_ms)?)?),
            };
            let found = found
                .ok_or_else(|| Failure::new(circlet_status::CIRCLET_EMPTY, "nothing was written yet"))?;
            // The reader's own copy, which its next read writes over.
            value.set(found.bytes.as_ptr().cast());
            out.set(found.version);
            count(found.bytes.len())
        })
    })
}

/// Gives the reader's doorbell, as `circlet_ring_fd` does. The caller owns `*fd`.
///
/// Returns 0 or CIRCLET_OS.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_page_fd(page: *const circlet_page, fd: *mut i32) -> i32 {
    use std::os::fd::IntoRawFd;
    call(|| {
        // SAFETY: the caller's promise.
        let (page, out) = unsafe { (borrow(page, "page")?, Out::new(fd, "fd")?) };
        let copy = page.reader.enter(|reader| {
            let copy = reader.fd()?.try_clone_to_owned();
            copy.map_err(|error| Failure::new(circlet_status::CIRCLET_OS, error.to_string()))
        })?;
        out.set(copy.into_raw_fd());
        Ok(0)
    })
}

/// Asks for the doorbell, as `circlet_ring_arm` does: 1 where there is a newer value, or no writer any more.
///
/// # Safety
/// `page` is NULL or an open handle.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_page_arm(page: *const circlet_page) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let page = unsafe { borrow(page, "page")? };
        page.reader.enter(|reader| Ok(reader.arm()?.into()))
    })
}

/// Gives the writer's seat up and tells the readers that it closed; the page stays open.
///
/// Returns 0, also where this handle did not have the seat.
///
/// # Safety
/// `page` is NULL or an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_page_detach(page: *const circlet_page) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let page = unsafe { borrow(page, "page")? };
        page.writer.enter(|side| {
            *side = None;
            Ok(0)
        })
    })
}

/// Removes the name now if this handle created it, as `circlet_page_close` does later; whoever has the page open keeps it.
/// Any thread.
///
/// Returns 0, also where there is nothing to remove.
///
/// # Safety
/// `page` is NULL or an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_page_unlink(page: *const circlet_page) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        unsafe { borrow(page, "page")? }.page.segment().end_name();
        Ok(0)
    })
}

/// Gives the writer's seat up, removes the name if it was created here, and ends the handle. NULL is fine. The handle must
/// not be in use by another thread.
///
/// # Safety
/// `page` is NULL or an open handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_page_close(page: *mut circlet_page) {
    // SAFETY: the caller's promise.
    unsafe { end_handle(page) };
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        use circlet_status::*;
        let status = match &error {
            Error::TooLarge { .. } => CIRCLET_TOO_LARGE,
            Error::TimedOut => CIRCLET_TIMED_OUT,
            Error::Closed => CIRCLET_CLOSED,
            Error::PeerDied => CIRCLET_PEER_DIED,
            Error::Overtaken { .. } => CIRCLET_LAGGED,
            Error::Poisoned { .. } => CIRCLET_POISONED,
            Error::Segment(segment) => segment_status(segment),
        };
        Self::new(status, error.to_string())
    }
}
