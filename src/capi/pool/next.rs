//! How jobs ended, for C.

use std::collections::BTreeMap;
use std::ffi::c_char;
use std::sync::PoisonError;
use std::time::Duration;

#[cfg(target_os = "linux")]
use super::answers::Answer;
#[cfg(target_os = "linux")]
use super::heap::Unanswered;
use super::{Workforce, circlet_completion, circlet_pool};
use crate::capi::call::{self, Failure, Out, array_mut, borrow, call, copy_text, deadline};
use crate::capi::status::circlet_status;
use crate::pool::{Completion, Failure as JobFailure};

/// So many messages of failed jobs are kept.
const FAILURES_KEPT: usize = 1024;

/// The messages of failed jobs by their numbers, as far as they are kept.
pub(super) type Failures = BTreeMap<u64, String>;

/// Fetches how the next job ended, in the order in which jobs end; each comes once. A job that failed is no error here. The answer
/// of a call is dropped here, and told by `circlet_pool_answers`.
///
/// `timeout_ms`: 0 tries, above waits so long, below 0 without a deadline. Returns 0, CIRCLET_TIMED_OUT, or CIRCLET_CLOSED where the
/// pool is closed and everything has been fetched. Without a job that is under way, a wait without a deadline ends with the pool
/// alone. Any thread; each completion goes to one.
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
        out.set(pool.first(timeout_ms)?);
        Ok(0)
    })
}

/// Fetches how the next jobs ended: waits for one as `circlet_pool_next` does, and takes those that are there behind it, at most `max`.
///
/// Returns how many, at least 1, or as `circlet_pool_next`; CIRCLET_INVALID for a `max` of 0.
///
/// # Safety
/// `pool` is NULL or a pool; `completions` is NULL or has room for `max` of them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_next_many(
    pool: *const circlet_pool,
    completions: *mut circlet_completion,
    max: u32,
    timeout_ms: f64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, out) = unsafe { (borrow(pool, "pool")?, array_mut(completions, max, "completions")?) };
        let Some((first, rest)) = out.split_first_mut() else {
            return Err(Failure::invalid("max is 0: give room for at least 1 completion"));
        };
        *first = pool.first(timeout_ms)?;
        let mut found = 1;
        for place in rest {
            let Some(completion) = pool.another() else { break };
            *place = completion;
            found += 1;
        }
        call::count(found)
    })
}

/// Copies why a job failed into `buffer`, cut to fit and ended by a zero byte; after its completion was fetched.
///
/// Returns the message's length in bytes without the zero, which may be more than fits, or CIRCLET_NOT_FOUND for a job that did not
/// fail: messages are kept for CIRCLET_JOB_FAILED, CIRCLET_NO_WORKER and CIRCLET_WORKER_DIED alone, and for the last 1024 such jobs;
/// `circlet_pool_answers` tells them itself. `buffer` may be NULL if `size` is 0. Any thread.
///
/// # Safety
/// `pool` is NULL or a pool; `job` is NULL or leads to a number; `buffer` has room for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_failure(
    pool: *const circlet_pool,
    job: *const u64,
    buffer: *mut c_char,
    size: u32,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, job) = unsafe { (borrow(pool, "pool")?, *borrow(job, "job")?) };
        // SAFETY: the caller's promise.
        let buffer = unsafe { array_mut(buffer.cast(), size, "buffer")? };
        let failures = pool.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let message = failures.get(&job).ok_or_else(|| {
            let message = format!("job-{job} has no message: fetch its completion first, and ask soon after");
            Failure::new(circlet_status::CIRCLET_NOT_FOUND, message)
        })?;
        copy_text(message, buffer);
        call::count(message.len())
    })
}

/// Makes a descriptor for an event loop, which becomes readable when a job ends, or the pool is closed, after `circlet_pool_arm`
/// has asked for that.
///
/// Returns 0, or CIRCLET_OS where there are no more descriptors. The caller owns `*fd` and closes it; what is read from it means
/// nothing, and may be read away or left to `circlet_pool_arm`. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_fd(pool: *const circlet_pool, fd: *mut i32) -> i32 {
    use std::os::fd::IntoRawFd;
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, out) = unsafe { (borrow(pool, "pool")?, Out::new(fd, "fd")?) };
        let copied = match &pool.workforce {
            Workforce::Threads { line, .. } => line.completions.fd(),
            #[cfg(target_os = "linux")]
            Workforce::Processes(processes) => processes.line.completions.fd(),
        };
        let copied = copied.and_then(|fd| fd.try_clone_to_owned());
        let copied = copied.map_err(|error| {
            Failure::new(circlet_status::CIRCLET_OS, format!("no descriptor for completions: {error}"))
        })?;
        out.set(copied.into_raw_fd());
        Ok(0)
    })
}

/// Asks for the notice of `circlet_pool_fd`, which is given once. No job that ends makes a system call for it unless it was asked
/// for.
///
/// Returns 1 where there is no need to wait: a completion is there, or the end; 0 where the descriptor tells when to look again. So
/// fetch until nothing is left, arm, and wait only after a 0. Any thread.
///
/// # Safety
/// `pool` is NULL or a pool.
#[cfg(unix)]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_arm(pool: *const circlet_pool) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let pool = unsafe { borrow(pool, "pool")? };
        Ok(match &pool.workforce {
            Workforce::Threads { line, .. } => line.completions.arm(),
            #[cfg(target_os = "linux")]
            Workforce::Processes(processes) => processes.line.completions.arm(),
        }
        .into())
    })
}

impl circlet_pool {
    fn first(&self, timeout_ms: f64) -> Result<circlet_completion, Failure> {
        let timeout = deadline(timeout_ms)?.left().unwrap_or(Duration::MAX);
        Ok(match &self.workforce {
            Workforce::Threads { line, .. } => self.told(line.completions.recv_timeout(timeout)?, itself),
            #[cfg(target_os = "linux")]
            Workforce::Processes(processes) => {
                self.told(processes.line.completions.recv_timeout(timeout)?, unread)
            }
        })
    }

    /// Returns the next completion if one is there.
    fn another(&self) -> Option<circlet_completion> {
        Some(match &self.workforce {
            Workforce::Threads { line, .. } => self.told(line.completions.try_recv().ok()??, itself),
            #[cfg(target_os = "linux")]
            Workforce::Processes(processes) => {
                self.told(processes.line.completions.try_recv().ok()??, unread)
            }
        })
    }

    /// Returns a completion as C has it, and keeps its message.
    fn told<T>(&self, completion: Completion<T>, value: impl FnOnce(T) -> i32) -> circlet_completion {
        let job = completion.id.get();
        match completion.result.map(value) {
            Ok(result) => circlet_completion { job, status: 0, result },
            Err(failure) => {
                let status = status(&failure);
                use circlet_status::{CIRCLET_JOB_FAILED, CIRCLET_NO_WORKER, CIRCLET_WORKER_DIED};
                if matches!(status, CIRCLET_JOB_FAILED | CIRCLET_NO_WORKER | CIRCLET_WORKER_DIED) {
                    let mut kept = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
                    kept.insert(job, failure.to_string());
                    if kept.len() > FAILURES_KEPT {
                        kept.pop_first();
                    }
                }
                circlet_completion { job, status: status as i32, result: 0 }
            }
        }
    }
}

fn itself(result: i32) -> i32 {
    result
}

/// What an answer is to somebody who asks for the end of a call alone.
#[cfg(target_os = "linux")]
fn unread(_: Answer) -> i32 {
    0
}

pub(super) fn status(failure: &JobFailure) -> circlet_status {
    use circlet_status::*;
    match failure {
        JobFailure::Aborted => CIRCLET_ABORTED,
        JobFailure::TimedOut => CIRCLET_TIMED_OUT,
        JobFailure::Dropped => CIRCLET_DROPPED,
        JobFailure::Closed => CIRCLET_CLOSED,
        JobFailure::NoWorker { .. } => CIRCLET_NO_WORKER,
        #[cfg(target_os = "linux")]
        JobFailure::Error(error) => error.downcast_ref().map_or(CIRCLET_JOB_FAILED, Unanswered::status),
        #[cfg(not(target_os = "linux"))]
        JobFailure::Error(_) => CIRCLET_JOB_FAILED,
        JobFailure::Panicked { .. } => CIRCLET_JOB_FAILED,
        JobFailure::Crashed { .. } => CIRCLET_WORKER_DIED,
    }
}
