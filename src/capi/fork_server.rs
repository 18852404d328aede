//! A fork server for its language's shell.

use std::ffi::c_char;
use std::os::fd::{BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use super::call::{Failure, Out, call};
use super::status::circlet_status;
use crate::exec::{AroundFork, Forked, ready_to_fork, serve_forks};

/// What a forked process is to be.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_forked {
    /// Its descriptors, `count` of them, which are the caller's from then on.
    pub descriptors: *const i32,
    /// How many there are.
    pub count: u64,
    /// The rest of the order. Both stay as long as the process.
    pub body: *const c_char,
    /// Its bytes.
    pub len: u64,
}

/// Says to the supervisor at the other end of a socket that orders to fork can come. Returns 0 or CIRCLET_OS.
///
/// # Safety
/// `socket` is open.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_fork_server_ready(socket: i32) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let socket = unsafe { BorrowedFd::borrow_raw(socket) };
        ready_to_fork(socket).map_err(|error| Failure::new(circlet_status::CIRCLET_OS, error.to_string()))?;
        Ok(0)
    })
}

/// Takes orders from the supervisor, and forks a process for each: returns 1 in the forked ones, which have the supervisor for
/// their parent and are prepared by then, and 0 in the server when there is no supervisor any more. The socket is closed by then.
///
/// `before`, `parent` and `child` are what the language does around a fork, such as `PyOS_BeforeFork`,
/// `PyOS_AfterFork_Parent` and `PyOS_AfterFork_Child`, whose lock the caller has.
///
/// # Safety
/// The process has one thread, `socket` is open and nobody else's, the functions are the language's own, and `forked` is NULL or
/// has room for one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_fork_server_next(
    socket: i32,
    before: unsafe extern "C" fn(),
    parent: unsafe extern "C" fn(),
    child: unsafe extern "C" fn(),
    forked: *mut circlet_forked,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (out, socket) = unsafe { (Out::new(forked, "forked")?, OwnedFd::from_raw_fd(socket)) };
        // SAFETY: the caller's promise.
        let next = unsafe { serve_forks(socket, AroundFork { before, parent, child }) };
        let Some(Forked { descriptors, body }) = next else { return Ok(0) };
        let descriptors: Vec<RawFd> = descriptors.into_iter().map(OwnedFd::into_raw_fd).collect();
        let (descriptors, body) = (descriptors.leak(), body.leak());
        out.set(circlet_forked {
            descriptors: descriptors.as_ptr(),
            count: descriptors.len() as u64,
            body: body.as_ptr().cast(),
            len: body.len() as u64,
        });
        Ok(1)
    })
}
