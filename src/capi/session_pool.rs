//! Pools of sessions for C.

use super::call::{Failure, Out, borrow, call, deadline, end_handle, into_handle};
use super::exec::circlet_executor;
use super::exec_options::{builder, circlet_executor_options};
use super::status::circlet_status;
use super::text::circlet_text;
use crate::exec::SessionPool;

/// Makes sessions in a few milliseconds by forking them from a process that has the interpreter loaded, and keeps some ready. Any
/// thread may use it.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_session_pool(SessionPool);

impl circlet_session_pool {
    /// Returns the pool, for other parts of the C face.
    pub(super) fn sessions(&self) -> &SessionPool {
        &self.0
    }
}

/// Starts a fork server, which keeps `options->ready` sessions ready (1 for 0), and waits until it can make them. `options` may be NULL
/// for the defaults.
///
/// Returns as `circlet_executor_new`. The caller owns `*pool`.
///
/// # Safety
/// As `circlet_executor_new`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_session_pool_new(
    options: *const circlet_executor_options,
    pool: *mut *mut circlet_session_pool,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (out, builder) = unsafe { (Out::new(pool, "pool")?, builder(options)?) };
        out.set(into_handle(circlet_session_pool(builder.pool()?)));
        Ok(0)
    })
}

/// Opens an executor with a session of its own: one that is ready, else one that is forked now. It lives on without the pool's handle.
/// Returns as `circlet_executor_new`. The caller owns `*executor`.
///
/// # Safety
/// `pool` is NULL or a pool; `executor` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_session_pool_open(
    pool: *const circlet_session_pool,
    executor: *mut *mut circlet_executor,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, out) = unsafe { (borrow(pool, "pool")?, Out::new(executor, "executor")?) };
        out.set(circlet_executor::handle(pool.0.open()?));
        Ok(0)
    })
}

/// Waits until as many sessions are ready as are to be kept, for `timeout_ms` at the most (below 0 for ever). Returns 0,
/// CIRCLET_TIMED_OUT, or why the last session could not be made.
///
/// # Safety
/// `pool` is NULL or a pool.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_session_pool_wait(
    pool: *const circlet_session_pool,
    timeout_ms: f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let pool = unsafe { borrow(pool, "pool")? };
        if pool.0.wait_ready(deadline(timeout_ms)?)? {
            return Ok(0);
        }
        Err(Failure::new(
            circlet_status::CIRCLET_TIMED_OUT,
            format!("not all sessions were ready within {timeout_ms} ms"),
        ))
    })
}

/// Looks at every session: JSON with `pool` (how many are in which state) and `registry` (every session, by name), as the
/// `worker_threads` of a session payload. The caller owns `*snapshot`.
///
/// # Safety
/// `pool` is NULL or a pool; `snapshot` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_session_pool_snapshot(
    pool: *const circlet_session_pool,
    snapshot: *mut *mut circlet_text,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, out) = unsafe { (borrow(pool, "pool")?, Out::new(snapshot, "snapshot")?) };
        let json = serde_json::to_string(&pool.0.snapshot())
            .map_err(|error| Failure::new(circlet_status::CIRCLET_BAD_JSON, error.to_string()))?;
        out.set(circlet_text::handle(json)?);
        Ok(0)
    })
}

/// Ends a pool's handle, and with the last executor of its all of its processes. NULL is fine.
///
/// # Safety
/// `pool` is NULL or a pool that nobody uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_session_pool_free(pool: *mut circlet_session_pool) {
    // SAFETY: the caller's promise.
    unsafe { end_handle(pool) };
}
