//! A pool's worker process for C: what the shells of Python and Bun call.

use std::ffi::{c_char, c_void};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::call::{Failure, Out, borrow, call, end_handle, infallible, into_handle, long_array, text};
use super::side::Side;
use crate::exec::{Porter, Servant, source_of};

/// A worker's side of a pool of processes. One thread at a time: a second gets CIRCLET_BUSY, unless it asks for a port.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_worker {
    servant: Side<Servant>,
    /// For calls that a thread of the worker makes while another waits, in their turn.
    porter: Mutex<Porter>,
}

impl circlet_worker {
    /// Waits for the turn to ask for a port.
    pub(super) fn porter(&self) -> MutexGuard<'_, Porter> {
        self.porter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that a worker took. What it leads to stays until the worker's next call.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_call {
    /// The function's name, UTF-8, without a zero at its end.
    pub function: *const c_void,
    /// The arguments.
    pub arguments: *const c_void,
    /// Bytes of the name.
    pub function_len: u64,
    /// Bytes of the arguments.
    pub arguments_len: u64,
    /// What the arguments are: 1 JSON, 2 pickle, 3 structured clone.
    pub codec: u64,
}

/// Opens a worker's side from the descriptors that its supervisor passed on: requests, answers, claims, ports. They belong to the
/// worker from then on, also if this fails.
///
/// Returns 0 or what the descriptors are not. The caller owns `*worker`.
///
/// # Safety
/// The descriptors are open and nobody else's; `worker` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_worker_new(
    requests: i32,
    answers: i32,
    claims: i32,
    ports: i32,
    worker: *mut *mut circlet_worker,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::new(worker, "worker")? };
        let owned = |fd: RawFd| {
            if fd < 0 {
                return Err(Failure::invalid(format!("{fd} is no descriptor")));
            }
            // SAFETY: the caller's promise.
            Ok(unsafe { OwnedFd::from_raw_fd(fd) })
        };
        let (requests, answers, claims, ports) =
            (owned(requests)?, owned(answers)?, owned(claims)?, owned(ports)?);
        let servant = Servant::new(requests, answers, claims)?;
        let porter = Mutex::new(servant.porter(ports)?);
        out.set(into_handle(circlet_worker { servant: Side::new(servant), porter }));
        Ok(0)
    })
}

/// Says that the worker can take calls: once, before the first. Returns 0 or CIRCLET_CLOSED, CIRCLET_PEER_DIED.
///
/// # Safety
/// `worker` is NULL or a worker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_worker_ready(worker: *const circlet_worker) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let worker = unsafe { borrow(worker, "worker")? };
        worker.servant.enter(|servant| Ok(servant.ready()?)).map(|()| 0)
    })
}

/// Takes the next call, which is to be answered. Returns 1; 0 where there is none and `waits` is 0, which looks for a
/// moment: the supervisor then sends a byte over the worker's standard input when there is one.
///
/// CIRCLET_CLOSED and CIRCLET_PEER_DIED are the end of the worker.
///
/// # Safety
/// `worker` is NULL or a worker; `taken` is NULL or has room for a call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_worker_next(
    worker: *const circlet_worker,
    waits: i32,
    taken: *mut circlet_call,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (worker, out) = unsafe { (borrow(worker, "worker")?, Out::new(taken, "taken")?) };
        worker.servant.enter(|servant| {
            let Some(taken) = servant.next(waits != 0)? else { return Ok(0) };
            out.set(circlet_call {
                function: taken.function.as_ptr().cast(),
                arguments: taken.arguments.as_ptr().cast(),
                function_len: taken.function.len() as u64,
                arguments_len: taken.arguments.len() as u64,
                codec: taken.codec.into(),
            });
            Ok(1)
        })
    })
}

/// Answers the call that was taken: `status` 0 with the value, in the call's codec; 1 with what was raised, JSON of `type`,
/// `message` and `traceback`; 2 where it gave in to an abort. Waits for room in the ring.
///
/// # Safety
/// `worker` is NULL or a worker; `body` leads to `len` bytes, or is NULL if `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_worker_answer(
    worker: *const circlet_worker,
    status: u32,
    body: *const c_void,
    len: u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (worker, body) =
            unsafe { (borrow(worker, "worker")?, long_array(body.cast::<u8>(), len as usize, "body")?) };
        worker.servant.enter(|servant| Ok(servant.answer(status, body)?)).map(|()| 0)
    })
}

/// Tells whether the call that runs was asked to stop: 1 or 0. It costs two loads from memory.
///
/// # Safety
/// `worker` is NULL or a worker.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_worker_aborted(worker: *const circlet_worker) -> i32 {
    infallible(|| {
        // SAFETY: the caller's promise.
        let worker = unsafe { borrow(worker, "worker") };
        let aborted = worker.and_then(|worker| worker.servant.enter(|servant| Ok(servant.aborted())));
        aborted.is_ok_and(|aborted| aborted).into()
    })
}

/// Returns the source of a module of the Python package, such as "circlet.ring", as this library knows it: a static string,
/// or NULL for a module that there is not.
///
/// # Safety
/// `name` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_worker_source(name: *const c_char) -> *const c_char {
    // SAFETY: the caller's promise.
    let name = unsafe { text(name, "name") };
    name.ok().and_then(source_of).map_or(ptr::null(), |source| source.as_ptr().cast())
}

/// Ends a worker's side. NULL is fine.
///
/// # Safety
/// `worker` is NULL or a worker that nobody uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_worker_free(worker: *mut circlet_worker) {
    // SAFETY: the caller's promise.
    unsafe { end_handle(worker) };
}
