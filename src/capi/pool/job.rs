//! What a running job of C says and asks: of the job that runs on the calling thread, so that a job is any function of one
//! pointer, and what it calls need not be handed a context.

use std::cell::{Cell, RefCell};
use std::ffi::{c_char, c_void};
use std::ptr;

use super::job_port::{UsedPort, give_back_all};
use crate::capi::call::{Failure, call, infallible, lossy_text};
use crate::pool::{Aborted, JobContext, JobError};

/// The job that runs on this thread.
pub(super) struct Running {
    context: Cell<*const JobContext<'static>>,
    /// What it ends with instead of its result.
    end: RefCell<Option<JobError>>,
    has_end: Cell<bool>,
    /// What it has to give back.
    pub(super) ports: RefCell<Vec<UsedPort>>,
}

thread_local! {
    static RUNNING: Running = const {
        Running {
            context: Cell::new(ptr::null()),
            end: RefCell::new(None),
            has_end: Cell::new(false),
            ports: RefCell::new(Vec::new()),
        }
    };
}

/// A function and the pointer that it is called with.
pub(super) struct Work {
    pub(super) run: unsafe extern "C" fn(data: *mut c_void) -> i32,
    pub(super) data: *mut c_void,
}

// SAFETY: whoever submits it promises that the function may be called with the pointer on another thread.
unsafe impl Send for Work {}

impl Work {
    /// Calls the function as a job.
    pub(super) fn run(self, context: &JobContext<'_>) -> Result<i32, JobError> {
        RUNNING.with(|running| {
            running.context.set(ptr::from_ref(context).cast());
            // SAFETY: whoever submitted it gave both for this.
            let result = unsafe { (self.run)(self.data) };
            running.context.set(ptr::null());
            give_back_all(running.ports.take());
            if running.has_end.replace(false) {
                return running.end.take().map_or(Ok(result), Err);
            }
            Ok(result)
        })
    }
}

/// Does something with the job that runs on this thread, if one does.
pub(super) fn running<T>(body: impl FnOnce(&Running, &JobContext<'_>) -> T) -> Option<T> {
    RUNNING.with(|running| {
        // SAFETY: it is the context that `Work::run`, which is under way on this thread, has borrowed; else NULL.
        unsafe { running.context.get().as_ref() }.map(|context| body(running, context))
    })
}

/// Tells whether the job that runs on the calling thread was asked to stop: by `circlet_pool_abort`, or as its deadline passed.
///
/// Returns 1 or 0; 0 where no job of C runs on the thread, and so on threads that the job has started itself. It costs a few
/// nanoseconds. A job that stops for it says so by `circlet_job_give_in`.
#[unsafe(no_mangle)]
pub extern "C" fn circlet_job_aborted() -> i32 {
    infallible(|| running(|_, context| context.aborted()).unwrap_or_default().into())
}

/// Ends the job that runs on the calling thread, once it returns, as CIRCLET_ABORTED or, if its deadline asked it to stop, as
/// CIRCLET_TIMED_OUT. What it returns is then no result.
///
/// Returns 0, or CIRCLET_INVALID where no job of C runs on the thread.
#[unsafe(no_mangle)]
pub extern "C" fn circlet_job_give_in() -> i32 {
    call(|| end_with(|| Box::new(Aborted)))
}

/// Ends the job that runs on the calling thread, once it returns, as CIRCLET_JOB_FAILED with a message. What it returns is then no
/// result.
///
/// The message is UTF-8; where it is not, the job fails all the same, with U+FFFD for what is none. Returns 0, or CIRCLET_INVALID
/// where no job of C runs on the thread, and for NULL, which ends nothing.
///
/// # Safety
/// `message` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_job_fail(message: *const c_char) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let message = unsafe { lossy_text(message, "message")? };
        end_with(|| message.into())
    })
}

fn end_with(error: impl FnOnce() -> JobError) -> Result<i32, Failure> {
    let ended = running(|running, _| {
        running.end.replace(Some(error()));
        running.has_end.set(true);
    });
    ended.map(|()| 0).ok_or_else(|| {
        Failure::invalid(
            "no job runs on this thread: call it on the thread of a pool that called your function",
        )
    })
}
