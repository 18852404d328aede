//! Python workers for C.

use std::ffi::c_char;

use super::call::{Failure, Out, array, borrow, call, duration, end_handle, into_handle, text};
use super::ring::circlet_ring;
use super::side::Side;
use super::status::circlet_status;
use super::text::circlet_text;
use crate::exec::{Error, Executor, PortRefusal};

/// What a worker is started with. Zero and NULL mean the default everywhere.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_executor_options {
    /// `sizeof(circlet_executor_options)`, so that later versions can add fields.
    pub struct_size: u32,
    /// How many rings there are in the two arrays below.
    pub ring_count: u32,
    /// What the worker's code calls each ring, as in `rings["points"]`.
    pub ring_names: *const *const c_char,
    /// The rings themselves.
    pub rings: *const *const circlet_ring,
    /// The interpreter: a path, or a program on PATH; NULL for `python3`.
    pub python: *const c_char,
    /// How long the worker has to be ready, in milliseconds; 0 for 10 s.
    pub ready_within_ms: f64,
}

/// A Python worker, whose code runs in one namespace from call to call. One thread at a time: a second gets CIRCLET_BUSY.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_executor(Side<Executor>);

/// Starts a Python worker and waits until it is ready. `options` may be NULL for the defaults.
///
/// The library that the worker loads is this one, or what CIRCLET_LIBRARY names. Returns 0, CIRCLET_NO_PYTHON,
/// CIRCLET_NO_LIBRARY, CIRCLET_NOT_READY or CIRCLET_WORKER_DIED; no process stays then. The caller owns `*executor`.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says, the arrays to `ring_count` entries.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_new(
    options: *const circlet_executor_options,
    executor: *mut *mut circlet_executor,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::new(executor, "executor")? };
        let mut builder = Executor::builder();
        if !options.is_null() {
            // SAFETY: the caller's promise.
            let options = unsafe { borrow(options, "options")? };
            let ours = size_of::<circlet_executor_options>();
            if (options.struct_size as usize) < ours {
                let given = options.struct_size;
                return Err(Failure::invalid(format!("options.struct_size is {given}: give {ours}")));
            }
            if !options.python.is_null() {
                // SAFETY: the caller's promise.
                builder = builder.python(unsafe { text(options.python, "options.python")? });
            }
            if options.ready_within_ms != 0.0 {
                builder = builder.ready_within(duration(options.ready_within_ms, "options.ready_within_ms")?);
            }
            let count = options.ring_count;
            // SAFETY: the caller's promise.
            let (names, rings) = unsafe {
                (
                    array(options.ring_names, count, "options.ring_names")?,
                    array(options.rings, count, "options.rings")?,
                )
            };
            for (name, ring) in names.iter().zip(rings) {
                // SAFETY: the caller's promise.
                let (name, ring) = unsafe { (text(*name, "a ring's name")?, borrow(*ring, "a ring")?) };
                builder = builder.ring(name, ring.ring());
            }
        }
        out.set(into_handle(circlet_executor(Side::new(builder.start()?))));
        Ok(0)
    })
}

/// Runs a code string and waits for what comes of it. After `timeout_ms` (below 0 never) it is interrupted.
///
/// Returns 0 also where the code raised an exception, `KeyboardInterrupt` for an interrupt: that is part of the outcome, which is JSON
/// with the fields `value` (of the last expression) or `repr`, `data` (how it shows itself, by MIME type), `error` (`type`, `message`,
/// `traceback`), `stopped` (`interrupted`, `group_interrupted`), `stdout`, `stderr`, `usage` and `elapsed_ms`; the caller owns `*outcome`.
/// CIRCLET_TIMED_OUT, where the code did not stop, and CIRCLET_WORKER_DIED: the names of its code are gone, and the next run has new ones.
///
/// # Safety
/// `executor` is NULL or an executor; `code` is a string; `outcome` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_run(
    executor: *const circlet_executor,
    code: *const c_char,
    timeout_ms: f64,
    outcome: *mut *mut circlet_text,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (executor, code, out) =
            unsafe { (borrow(executor, "executor")?, text(code, "code")?, Out::new(outcome, "outcome")?) };
        let outcome = executor.0.enter(|executor| {
            if timeout_ms < 0.0 {
                return Ok(executor.run(code)?);
            }
            Ok(executor.run_timeout(code, duration(timeout_ms, "timeout_ms")?)?)
        })?;
        let json = serde_json::to_string(&outcome)
            .map_err(|error| Failure::new(circlet_status::CIRCLET_BAD_JSON, error.to_string()))?;
        out.set(circlet_text::handle(json)?);
        Ok(0)
    })
}

/// Stops the worker, kills it where it does not stop within 2 s, and ends the handle. NULL is fine.
///
/// # Safety
/// `executor` is NULL or an executor that nobody uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_free(executor: *mut circlet_executor) {
    // SAFETY: the caller's promise.
    unsafe { end_handle(executor) };
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Ring(error) => error.into(),
            Error::Pool(error) => error.into(),
            error => Self::new(status_of(&error), error.to_string()),
        }
    }
}

/// Returns the status of what is no error of a ring or a pool.
pub(super) fn status_of(error: &Error) -> circlet_status {
    use circlet_status::*;
    match error {
        Error::NoPython { .. } => CIRCLET_NO_PYTHON,
        Error::NoLibrary { .. } => CIRCLET_NO_LIBRARY,
        Error::NotReady { .. } => CIRCLET_NOT_READY,
        Error::Died { .. } | Error::NoWorker => CIRCLET_WORKER_DIED,
        Error::Stopped | Error::NotTaken { .. } => CIRCLET_TIMED_OUT,
        Error::Raised(_) => CIRCLET_JOB_FAILED,
        Error::Dropped => CIRCLET_CLOSED,
        Error::CodeTooLong { .. } | Error::MessageTooLong { .. } | Error::CallTooLong { .. } => {
            CIRCLET_TOO_LARGE
        }
        Error::Running => CIRCLET_BUSY,
        Error::NoSuchWorker { .. } => CIRCLET_NOT_FOUND,
        Error::TooManyRings { .. } | Error::FunctionName { .. } | Error::Preload { .. } | Error::Pool(_) => {
            CIRCLET_INVALID
        }
        Error::Port { refusal, .. } => refused_port(*refusal),
        Error::Json { .. } => CIRCLET_BAD_JSON,
        Error::Protocol { .. } | Error::Ring(_) => CIRCLET_PROTOCOL,
        Error::Os { .. } => CIRCLET_OS,
    }
}

fn refused_port(refusal: PortRefusal) -> circlet_status {
    match refusal {
        PortRefusal::TimedOut => circlet_status::CIRCLET_TIMED_OUT,
        PortRefusal::NotFound => circlet_status::CIRCLET_NOT_FOUND,
        PortRefusal::InUse => circlet_status::CIRCLET_BUSY,
        PortRefusal::Failed => circlet_status::CIRCLET_INVALID,
    }
}
