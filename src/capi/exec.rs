//! Executors for C: sessions of Python that are started, started again, and ended. What runs in them is in `exec_run.rs`.

use std::ffi::c_char;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::call::{Failure, Out, array, borrow, call, duration, end_handle, into_handle, sized, text};
use super::exec_run::Told;
use super::ring::circlet_ring;
use super::side::Side;
use super::status::circlet_status;
use super::text::circlet_text;
use crate::exec::{Error, Executor, Grace, Interrupter, Killer, PortRefusal};
use crate::ring::Wait;

/// What an executor is made with. Zero and NULL mean the default everywhere.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_executor_options {
    /// `sizeof(circlet_executor_options)`, so that later versions can add fields.
    pub struct_size: u32,
    /// How many rings there are in the two arrays below.
    pub ring_count: u32,
    /// How many modules there are to be loaded beforehand.
    pub preload_count: u32,
    /// How many sessions are kept ready to take the place of one that ends, by a process that forks them (a fork server), which has
    /// `preload` loaded; without either there is none.
    pub ready: u32,
    /// What the code calls each ring, as in `rings["points"]`.
    pub ring_names: *const *const c_char,
    /// The rings themselves.
    pub rings: *const *const circlet_ring,
    /// The names of modules that the fork server imports. One that starts threads is refused.
    pub preload: *const *const c_char,
    /// The interpreter: a path, or a program on PATH; NULL for `python3`.
    pub python: *const c_char,
    /// How long a session has to be ready, in milliseconds; 0 for 10 s.
    pub ready_within_ms: f64,
    /// How many bytes of what a run prints are kept; 0 for 16 MiB. A notice stands for the rest.
    pub output_max: u64,
    /// How long code has from SIGINT to SIGINT for its whole group, in milliseconds; 0 for 1 s.
    pub grace_ms: f64,
    /// How long it has from there to SIGKILL, in milliseconds; 0 for 1 s.
    pub kill_ms: f64,
    /// How long both sides look for each other before they sleep, in microseconds; 0 for 50, below 0 not at all.
    pub spin_us: f64,
    /// A session is replaced, between two runs, once it has so many more bytes in memory than at its start; 0 for never.
    pub recycle_above: u64,
    /// A session is replaced after so many runs; 0 for never.
    pub recycle_after: u32,
    /// 0.
    pub reserved: u32,
}

/// Runs code strings in a session, whose names stay from run to run. One thread at a time: a second gets CIRCLET_BUSY, but for
/// `circlet_executor_interrupt`, `_wake`, `_kill` and `_process_id`, which any thread may call meanwhile.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_executor {
    inside: Side<Inside>,
    reach: Mutex<Reach>,
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
        let (out, options) = unsafe {
            (Out::new(executor, "executor")?, sized(options, "options", "circlet_executor_options")?)
        };
        let mut builder = Executor::builder();
        if let Some(options) = options {
            if !options.python.is_null() {
                // SAFETY: the caller's promise.
                builder = builder.python(unsafe { text(options.python, "options.python")? });
            }
            if options.ready_within_ms != 0.0 {
                builder = builder.ready_within(duration(options.ready_within_ms, "options.ready_within_ms")?);
            }
            if options.output_max != 0 {
                builder = builder.output_max(usize::try_from(options.output_max).unwrap_or(usize::MAX));
            }
            let mut grace = Grace::default();
            for (step, given, what) in [
                (&mut grace.group, options.grace_ms, "options.grace_ms"),
                (&mut grace.kill, options.kill_ms, "options.kill_ms"),
            ] {
                if given != 0.0 {
                    *step = duration(given, what)?;
                }
            }
            builder = builder.grace(grace);
            if options.spin_us != 0.0 {
                builder = builder.wait(wait(options.spin_us)?);
            }
            if options.ready != 0 {
                builder = builder.ready(options.ready as usize);
            }
            // SAFETY: the caller's promise.
            for name in unsafe { array(options.preload, options.preload_count, "options.preload")? } {
                // SAFETY: the caller's promise.
                builder = builder.preload(unsafe { text(*name, "a module's name")? });
            }
            if options.recycle_after != 0 {
                builder = builder.recycle_after(options.recycle_after);
            }
            if options.recycle_above != 0 {
                builder = builder.recycle_above(options.recycle_above);
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
        let executor = builder.start()?;
        let reach = Mutex::new(Reach::of(&executor));
        let inside = Side::new(Inside { executor, told: Told::default() });
        out.set(into_handle(circlet_executor { inside, reach }));
        Ok(0)
    })
}

fn wait(spin_us: f64) -> Result<Wait, Failure> {
    if spin_us < 0.0 {
        return Ok(Wait::SLEEP);
    }
    let time = Duration::try_from_secs_f64(spin_us / 1e6).map_err(|error| {
        Failure::invalid(format!("options.spin_us is {spin_us:e}: give microseconds, or below 0 ({error})"))
    })?;
    Ok(Wait::spin_for(time))
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
