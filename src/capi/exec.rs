//! Executors for C: sessions of Python that are started, started again, and ended. What runs in them is in `exec_run.rs`.

use std::ffi::c_char;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::call::{Failure, Out, borrow, call, duration, end_handle, into_handle, text};
use super::exec_options::{builder, circlet_executor_options};
use super::exec_run::Told;
use super::side::Side;
use super::status::circlet_status;
use super::text::circlet_text;
use crate::exec::{Error, Executor, ExecutorWatcher, Interrupter, Killer, PortRefusal};

/// Runs code strings in a session, whose names stay from run to run. One thread at a time: a second gets CIRCLET_BUSY, but for
/// `circlet_executor_interrupt`, `_wake`, `_kill` and `_process_id`, which any thread may call meanwhile.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_executor {
    inside: Side<Inside>,
    reach: Mutex<Reach>,
    watcher: ExecutorWatcher,
}

/// What one thread at a time uses.
#[derive(Debug)]
pub(super) struct Inside {
    pub(super) executor: Executor,
    pub(super) told: Told,
}

/// What any thread may do to the session that there is.
#[derive(Debug)]
pub(super) struct Reach {
    pub(super) interrupter: Interrupter,
    killer: Option<Killer>,
    process_id: u32,
}

impl Reach {
    fn of(executor: &Executor) -> Self {
        let process_id = executor.process_id().unwrap_or(0);
        Self { interrupter: executor.interrupter(), killer: executor.killer(), process_id }
    }
}

impl circlet_executor {
    pub(super) fn handle(executor: Executor) -> *mut Self {
        let reach = Mutex::new(Reach::of(&executor));
        let watcher = executor.watcher();
        let inside = Side::new(Inside { executor, told: Told::default() });
        into_handle(Self { inside, reach, watcher })
    }

    /// Returns what looks at it from elsewhere, also while a thread is in it.
    pub(super) fn watcher(&self) -> ExecutorWatcher {
        self.watcher.clone()
    }

    pub(super) fn reach(&self) -> MutexGuard<'_, Reach> {
        self.reach.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter<R>(
        &self,
        body: impl FnOnce(&mut Inside) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        self.inside.enter(body)
    }

    /// Has a session that lives, and lets any thread reach it. `true` if it is a new one.
    pub(super) fn revive(&self, executor: &mut Executor) -> Result<bool, Failure> {
        let before = executor.current().process_id();
        if executor.session()?.process_id() == before {
            return Ok(false);
        }
        *self.reach() = Reach::of(executor);
        Ok(true)
    }
}

/// Starts a session and waits until it is ready. `options` may be NULL for the defaults.
///
/// The library that the session loads is this one, or what CIRCLET_LIBRARY names. Returns 0, CIRCLET_NO_PYTHON,
/// CIRCLET_NO_LIBRARY, CIRCLET_NOT_READY, CIRCLET_INVALID for a module that cannot be loaded, or CIRCLET_WORKER_DIED; no process stays then. The caller owns `*executor`.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says, the arrays to `ring_count` and `preload_count` entries.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_new(
    options: *const circlet_executor_options,
    executor: *mut *mut circlet_executor,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (out, builder) = unsafe { (Out::new(executor, "executor")?, builder(options)?) };
        out.set(circlet_executor::handle(builder.start()?));
        Ok(0)
    })
}

/// Runs a code string and waits for what comes of it. After `timeout_ms` (below 0 never) it is interrupted.
///
/// Returns 0 also where the code raised an exception, `KeyboardInterrupt` for an interrupt: that is part of the outcome, which is JSON
/// with the fields `value` (of the last expression) or `repr`, `data` (how it shows itself, by MIME type), `error` (`type`, `message`,
/// `traceback`), `stopped` (`interrupted`, `group_interrupted`), `stdout`, `stderr`, `usage` and `elapsed_ms`; the caller owns `*outcome`.
/// CIRCLET_TIMED_OUT, where the code did not stop, and CIRCLET_WORKER_DIED: the names of its code are gone, and the next run has new ones.
/// CIRCLET_BUSY where a run is under way that `circlet_executor_begin` has begun.
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
        let within = if timeout_ms < 0.0 { None } else { Some(duration(timeout_ms, "timeout_ms")?) };
        let outcome = executor.enter(|inside| {
            inside.told.refuse_while_running(&mut inside.executor)?;
            executor.revive(&mut inside.executor)?;
            Ok(match within {
                None => inside.executor.run(code)?,
                Some(within) => inside.executor.run_timeout(code, within)?,
            })
        })?;
        let json = serde_json::to_string(&outcome)
            .map_err(|error| Failure::new(circlet_status::CIRCLET_BAD_JSON, error.to_string()))?;
        out.set(circlet_text::handle(json)?);
        Ok(0)
    })
}

/// Stops the run that is under way: SIGINT for it alone, and after the graces of the options SIGINT for its group, and SIGKILL. Any
/// thread, also while another waits in `circlet_executor_next`. Returns 1, or 0 where no run is under way.
///
/// # Safety
/// `executor` is NULL or an executor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_interrupt(executor: *const circlet_executor) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let interrupter = unsafe { borrow(executor, "executor")? }.reach().interrupter.clone();
        Ok(interrupter.interrupt().into())
    })
}

/// Has `circlet_executor_next`, where another thread waits there now or does so next, return CIRCLET_TIMED_OUT at once. Any
/// thread. Returns 0.
///
/// # Safety
/// `executor` is NULL or an executor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_wake(executor: *const circlet_executor) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let interrupter = unsafe { borrow(executor, "executor")? }.reach().interrupter.clone();
        interrupter.wake();
        Ok(0)
    })
}

/// Kills the session, whatever it does, with all that it has started in its group: a run that is under way fails with that, and the
/// next one has a new session. Any thread. Returns 0.
///
/// # Safety
/// `executor` is NULL or an executor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_kill(executor: *const circlet_executor) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let killer = unsafe { borrow(executor, "executor")? }.reach().killer.clone();
        if let Some(killer) = killer {
            killer.kill();
        }
        Ok(0)
    })
}

/// Ends the session, whatever it does, and starts another, without the names of its code. What came of a run and was not fetched is
/// gone. Returns 0, or as `circlet_executor_new`.
///
/// # Safety
/// `executor` is NULL or an executor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_restart(executor: *const circlet_executor) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let executor = unsafe { borrow(executor, "executor")? };
        executor.enter(|inside| {
            inside.told.forget();
            inside.executor.restart()?;
            *executor.reach() = Reach::of(&inside.executor);
            Ok(0)
        })
    })
}

/// Returns the process id of the session that was started last, which may have ended. Any thread.
///
/// # Safety
/// `executor` is NULL or an executor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_process_id(executor: *const circlet_executor) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        Ok(unsafe { borrow(executor, "executor")? }.reach().process_id.cast_signed())
    })
}

/// Stops the session, kills it where it does not stop within 2 s, and ends the handle. NULL is fine.
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
        Error::Unenforceable(_) | Error::Confinement { .. } | Error::Unconfined { .. } => CIRCLET_UNSUPPORTED,
        Error::NotReady { .. } => CIRCLET_NOT_READY,
        Error::Died { .. } | Error::NoWorker => CIRCLET_WORKER_DIED,
        Error::Stopped | Error::NotTaken { .. } | Error::TookTooLong { .. } => CIRCLET_TIMED_OUT,
        Error::Raised(_) => CIRCLET_JOB_FAILED,
        Error::Dropped => CIRCLET_CLOSED,
        Error::CodeTooLong { .. } | Error::MessageTooLong { .. } | Error::CallTooLong { .. } => {
            CIRCLET_TOO_LARGE
        }
        Error::Running => CIRCLET_BUSY,
        Error::NoSuchWorker { .. } => CIRCLET_NOT_FOUND,
        Error::TooManyRings { .. }
        | Error::FunctionName { .. }
        | Error::Preload { .. }
        | Error::NoForks { .. }
        | Error::Policy(_)
        | Error::Pool(_) => CIRCLET_INVALID,
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
