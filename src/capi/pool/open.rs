//! Making, watching and ending pools, for C.

use std::time::Duration;

use super::{
    CIRCLET_AFFINITY, CIRCLET_BUN, CIRCLET_DROP_OLDEST, CIRCLET_LEAST_BUSY, CIRCLET_POOL_FROM_ZERO,
    CIRCLET_PYTHON, CIRCLET_ROUND_ROBIN, CIRCLET_THREADS, Line, Workforce, circlet_pool,
    circlet_pool_options,
};
use crate::capi::call::{
    Failure, Out, borrow, call, deadline, duration, end_handle, into_handle, sized, text,
};
use crate::capi::ring::{CIRCLET_BLOCK, CIRCLET_FAIL};
use crate::capi::status::circlet_status;
use crate::capi::text::circlet_text;
use crate::pool::{Builder, Overflow, Pool, Strategy};

/// Starts a pool. `options` may be NULL for the defaults.
///
/// Returns 0, CIRCLET_INVALID for what no pool can be, CIRCLET_OS where there are too few threads, or CIRCLET_NO_LIBRARY where there
/// is none that processes could load; the caller owns `*pool`. That processes cannot start is what calls then end with, as
/// CIRCLET_NO_WORKER. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_new(
    options: *const circlet_pool_options,
    pool: *mut *mut circlet_pool,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (workforce, out) = unsafe { (workforce(options)?, Out::new(pool, "pool")?) };
        out.set(into_handle(circlet_pool::new(workforce)));
        Ok(0)
    })
}

/// Waits until no job waits or runs; the pool stays open.
///
/// `timeout_ms`: 0 looks, above waits so long, below 0 without a deadline. Returns 0, or CIRCLET_TIMED_OUT while there are jobs;
/// CIRCLET_INVALID from a job of the pool, which would wait for itself. Any thread.
///
/// # Safety
/// `pool` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_drain(pool: *const circlet_pool, timeout_ms: f64) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let pool = unsafe { borrow(pool, "pool")? };
        pool.pool().drain(deadline(timeout_ms)?.left().unwrap_or(Duration::MAX))?;
        Ok(0)
    })
}

/// Takes no more jobs, waits until those that were submitted are over, and ends the workers. Closing again does nothing.
///
/// What has not been fetched still can be; behind it, `circlet_pool_next` gives CIRCLET_CLOSED, also to those who wait in it, and
/// the descriptor of `circlet_pool_fd` becomes readable. Returns 0, or CIRCLET_INVALID from a job of the pool. Any thread.
///
/// # Safety
/// `pool` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_close(pool: *const circlet_pool) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let pool = unsafe { borrow(pool, "pool")? };
        pool.pool().close()?;
        pool.finish();
        Ok(0)
    })
}

/// Tells everything about the pool as JSON, in the shape of a session payload's `worker_threads`.
///
/// Returns 0; the caller owns `*json`. Any thread.
///
/// # Safety
/// `pool` is NULL or a pool; `json` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_snapshot(
    pool: *const circlet_pool,
    json: *mut *mut circlet_text,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, out) = unsafe { (borrow(pool, "pool")?, Out::new(json, "json")?) };
        let text = serde_json::to_string(&pool.pool().snapshot())
            .map_err(|error| Failure::new(circlet_status::CIRCLET_BAD_JSON, error.to_string()))?;
        out.set(circlet_text::handle(text)?);
        Ok(0)
    })
}

/// Ends a pool: jobs that run finish, queued ones never start unless it was closed before, and no thread stays. What was not
/// fetched is lost. NULL is fine.
///
/// # Safety
/// `pool` is NULL or a pool that nobody uses any more; not from one of its own jobs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_free(pool: *mut circlet_pool) {
    // SAFETY: the caller's promise.
    unsafe { end_handle(pool) };
}

/// Makes the workers that the options ask for.
///
/// # Safety
/// `options` is NULL or leads to as many bytes as its first field says, and so does what that leads to.
unsafe fn workforce(options: *const circlet_pool_options) -> Result<Workforce, Failure> {
    // SAFETY: the caller's promise.
    let Some(given) = (unsafe { sized(options, "options", "circlet_pool_options")? }) else {
        return Ok(Workforce::Threads { pool: Pool::builder().build()?, line: Line::new() });
    };
    // SAFETY: the caller's promise.
    let builder = unsafe { read_options(&given)? };
    match given.kind {
        CIRCLET_THREADS if !given.processes.is_null() => Err(Failure::invalid(
            "options.processes is for worker processes: give NULL, or the kind CIRCLET_PYTHON or CIRCLET_BUN",
        )),
        CIRCLET_THREADS => Ok(Workforce::Threads { pool: builder.build()?, line: Line::new() }),
        #[cfg(target_os = "linux")]
        // SAFETY: the caller's promise.
        CIRCLET_PYTHON | CIRCLET_BUN => unsafe {
            let is_python = given.kind == CIRCLET_PYTHON;
            super::processes::open(builder, is_python, given.processes)
                .map(|processes| Workforce::Processes(Box::new(processes)))
        },
        #[cfg(not(target_os = "linux"))]
        CIRCLET_PYTHON | CIRCLET_BUN => Err(Failure::new(
            circlet_status::CIRCLET_UNSUPPORTED,
            "pools of processes need Linux: give CIRCLET_THREADS",
        )),
        kind => Err(Failure::invalid(format!(
            "options.kind is {kind}: give CIRCLET_THREADS (0), CIRCLET_PYTHON (1) or CIRCLET_BUN (2)"
        ))),
    }
}

/// # Safety
/// The name is NULL or a string.
unsafe fn read_options(given: &circlet_pool_options) -> Result<Builder, Failure> {
    let mut builder = Pool::builder();
    if given.flags & !CIRCLET_POOL_FROM_ZERO != 0 {
        return Err(Failure::invalid(format!(
            "options.flags is {:#x}: give 0 or CIRCLET_POOL_FROM_ZERO (1)",
            given.flags
        )));
    }
    if given.min > 0 || given.flags & CIRCLET_POOL_FROM_ZERO != 0 {
        builder = builder.min(given.min as usize);
    }
    if given.max > 0 {
        builder = builder.max(given.max as usize);
    }
    if given.queue > 0 {
        builder = builder.queue(given.queue as usize);
    }
    if given.keep_ms != 0.0 {
        builder = builder.keep(duration(given.keep_ms, "options.keep_ms")?);
    }
    if given.target_wait_ms != 0.0 {
        builder = builder.target_wait(duration(given.target_wait_ms, "options.target_wait_ms")?);
    }
    if given.window_ms != 0.0 {
        builder = builder.window(duration(given.window_ms, "options.window_ms")?);
    }
    if !given.name.is_null() {
        // SAFETY: the caller's promise.
        builder = builder.name(unsafe { text(given.name, "options.name")? });
    }
    Ok(builder.overflow(overflow(given)?).strategy(strategy(given.strategy)?))
}

fn overflow(given: &circlet_pool_options) -> Result<Overflow, Failure> {
    match given.overflow {
        CIRCLET_BLOCK if given.block_ms == 0.0 => Ok(Overflow::default()),
        CIRCLET_BLOCK => Ok(Overflow::Wait(duration(given.block_ms, "options.block_ms")?)),
        CIRCLET_FAIL => Ok(Overflow::Reject),
        CIRCLET_DROP_OLDEST => Ok(Overflow::DropOldest),
        other => Err(Failure::invalid(format!(
            "options.overflow is {other}: give CIRCLET_BLOCK (0), CIRCLET_FAIL (1) or CIRCLET_DROP_OLDEST (3)"
        ))),
    }
}

fn strategy(word: u32) -> Result<Strategy, Failure> {
    match word {
        CIRCLET_ROUND_ROBIN => Ok(Strategy::RoundRobin),
        CIRCLET_LEAST_BUSY => Ok(Strategy::LeastBusy),
        CIRCLET_AFFINITY => Ok(Strategy::Affinity),
        other => Err(Failure::invalid(format!(
            "options.strategy is {other}: give CIRCLET_ROUND_ROBIN (0), CIRCLET_LEAST_BUSY (1) or CIRCLET_AFFINITY (2)"
        ))),
    }
}
