//! The worker pool for C: jobs are functions of yours, and their results wait to be fetched.

use std::ffi::{c_char, c_void};
use std::time::Duration;

use super::call::{Failure, Out, borrow, call, deadline, end_handle, into_handle, text};
use super::status::circlet_status;
use super::text::circlet_text;
use crate::pool::{self, Completer, Completions, Job, Pool};

/// A job: called once on a thread of the pool with the pointer that was submitted. What it returns is its result.
///
/// It must not unwind: a C++ exception that leaves it ends the process.
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub type circlet_job = Option<unsafe extern "C" fn(data: *mut c_void) -> i32>;

/// How a job ended.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_completion {
    /// The job, as `circlet_pool_submit` numbered it.
    pub job: u64,
    /// What it returned.
    pub result: i32,
    /// Always 0.
    pub reserved: u32,
}

/// A pool of worker threads. Any number of threads may submit, and fetch results.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_pool {
    pool: Pool,
    completer: Completer<i32>,
    completions: Completions<i32>,
}

/// A pointer of the caller's that goes to another thread.
struct Data(*mut c_void);

// SAFETY: `circlet_pool_submit` asks its caller for a pointer that another thread may use.
unsafe impl Send for Data {}

/// Starts a pool of `workers` threads (0: one for each core), each with a queue for `queue` jobs (0: 1024).
///
/// Returns 0, or CIRCLET_INVALID for numbers out of range; the caller owns `*pool`.
///
/// # Safety
/// `pool` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_new(workers: u32, queue: u32, pool: *mut *mut circlet_pool) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let out = unsafe { Out::new(pool, "pool")? };
        let mut builder = Pool::builder();
        if workers > 0 {
            builder = builder.workers(workers as usize);
        }
        if queue > 0 {
            builder = builder.queue(queue as usize);
        }
        let (completer, completions) = pool::completions();
        out.set(into_handle(circlet_pool { pool: builder.build()?, completer, completions }));
        Ok(0)
    })
}

/// Submits a job of the type `kind` (for people, such as "bezier_batch") and of the size `nodes`, waiting while the queue
/// of its worker is full. `*job` gets its number; `job` may be NULL.
///
/// Returns 0 or CIRCLET_INVALID. The result waits in `circlet_pool_next`.
///
/// # Safety
/// `pool` is NULL or a pool; `kind` is a string; `run` may be called with `data` on another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_submit(
    pool: *const circlet_pool,
    kind: *const c_char,
    nodes: u64,
    run: circlet_job,
    data: *mut c_void,
    job: *mut u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, kind) = unsafe { (borrow(pool, "pool")?, text(kind, "kind")?) };
        let run = run.ok_or_else(|| Failure::invalid("run is NULL"))?;
        let out = if job.is_null() {
            None
        } else {
            // SAFETY: the caller's promise.
            Some(unsafe { Out::new(job, "job")? })
        };
        let data = Data(data);
        let work = Job::new(kind.to_owned(), move |_| {
            let Data(data) = { data };
            // SAFETY: the caller of `circlet_pool_submit` gave both for this.
            Ok(unsafe { run(data) })
        });
        let id = pool.pool.submit_to(work.nodes(nodes), &pool.completer)?;
        if let Some(out) = out {
            out.set(id.get());
        }
        Ok(0)
    })
}

/// Fetches the next result, in the order in which jobs end; each comes once.
///
/// `timeout_ms`: 0 tries, above waits so long, below 0 without a deadline. Returns 0 or CIRCLET_TIMED_OUT. Without a job
/// that is under way, a wait without a deadline never ends.
///
/// # Safety
/// `pool` is NULL or a pool; `completion` is NULL or has room for one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_next(
    pool: *const circlet_pool,
    timeout_ms: f64,
    completion: *mut circlet_completion,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, out) = unsafe { (borrow(pool, "pool")?, Out::new(completion, "completion")?) };
        let timeout = deadline(timeout_ms)?.left().unwrap_or(Duration::MAX);
        let done = pool.completions.recv_timeout(timeout)?;
        let result = done.result.map_err(|failure| {
            Failure::new(circlet_status::CIRCLET_PANIC, format!("{} failed: {failure}", done.id))
        })?;
        out.set(circlet_completion { job: done.id.get(), result, reserved: 0 });
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
        let text = serde_json::to_string(&pool.pool.snapshot())
            .map_err(|error| Failure::new(circlet_status::CIRCLET_BAD_JSON, error.to_string()))?;
        out.set(circlet_text::handle(text)?);
        Ok(0)
    })
}

/// Ends a pool: jobs that run finish, queued ones never start, and no thread stays. NULL is fine.
///
/// # Safety
/// `pool` is NULL or a pool that nobody uses any more; not from one of its own jobs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_free(pool: *mut circlet_pool) {
    // SAFETY: the caller's promise.
    unsafe { end_handle(pool) };
}

impl From<pool::Error> for Failure {
    fn from(error: pool::Error) -> Self {
        let status = match error {
            pool::Error::TimedOut => circlet_status::CIRCLET_TIMED_OUT,
            pool::Error::Spawn { .. } => circlet_status::CIRCLET_OS,
            pool::Error::Full { .. } => circlet_status::CIRCLET_FULL,
            _ => circlet_status::CIRCLET_INVALID,
        };
        Self::new(status, error.to_string())
    }
}
