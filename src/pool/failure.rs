//! How a job can end without a result.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a job returns when it fails: any error.
pub type JobError = Box<dyn std::error::Error + Send + Sync>;

/// Why there is no result of a job.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The job returned this error; message and causes are its own.
    #[error(transparent)]
    Error(JobError),
    /// The job panicked. The process's panic hook has run by then, and prints unless it was replaced.
    #[error("the job panicked: {message}")]
    Panicked {
        /// What the panic said.
        message: String,
    },
    /// The job was aborted: before it started, or it gave in to the abort signal by returning [`Aborted`].
    #[error("the job was aborted")]
    Aborted,
    /// The pool was dropped before the job started.
    #[error("the pool closed before the job started")]
    Closed,
    /// The deadline passed: before the job started, or it gave in to the abort signal that this is, by [`Aborted`].
    #[error("the deadline of the job passed")]
    TimedOut,
    /// The queue was full, and the pool gives up the oldest job then.
    #[error("the job was given up for another: the queue was full")]
    Dropped,
    /// The worker that ran it died: of the job, or by chance just then. A job that was called
    /// [idempotent](super::Job::idempotent) ran again before, and killed a second worker.
    #[error("the worker died while it ran the job: it {}{}", how(*exit_code, *signal, *out_of_memory), tail(stderr))]
    Crashed {
        /// The exit code, of a worker that exited.
        exit_code: Option<i32>,
        /// The signal, of a worker that was killed by one.
        signal: Option<i32>,
        /// Whether the kernel killed it for want of memory; `None` where that is not known.
        out_of_memory: Option<bool>,
        /// The last lines of its standard error.
        stderr: String,
        /// How many workers the job has killed.
        kills: u32,
    },
    /// No worker could be started to run it.
    #[error("no worker could be started: {message}")]
    NoWorker {
        /// What the last of several attempts came to.
        message: String,
    },
}

/// Says that a job stopped because it was asked to: returned from a job, it becomes [`Failure::Aborted`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("aborted")]
pub struct Aborted;

fn how(exit_code: Option<i32>, signal: Option<i32>, out_of_memory: Option<bool>) -> String {
    match (exit_code, signal, out_of_memory) {
        (_, Some(signal), Some(true)) => format!("was killed by signal {signal} for want of memory"),
        (_, Some(signal), _) => format!("was killed by signal {signal}"),
        (Some(code), ..) => format!("exited with code {code}"),
        _ => "ended".to_owned(),
    }
}

fn tail(stderr: &str) -> String {
    match stderr.trim_end() {
        "" => String::new(),
        said => format!("; it said last:\n{said}"),
    }
}

/// Runs a job's code, so that a panic in it is a value.
pub(super) fn guarded<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(code)).map_err(|panic| {
        let message = message_of(&*panic);
        drop_quietly(panic);
        message
    })
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    if let Some(message) = panic.downcast_ref::<&str>() {
        (*message).to_owned()
    } else if let Some(message) = panic.downcast_ref::<String>() {
        message.clone()
    } else {
        "the panic has no text".to_owned()
    }
}

/// Drops what a caller made. A panic in its `drop` goes no further than the panic hook.
pub(super) fn drop_quietly<T>(value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        mem::forget(panic); // whose own drop could panic again
    }
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    struct Grenade;

    impl Drop for Grenade {
        fn drop(&mut self) {
            panic!("in a drop");
        }
    }

    #[test]
    fn a_panic_of_any_kind_is_a_message() {
        assert_eq!(guarded(|| 7), Ok(7));
        assert_eq!(guarded::<()>(|| panic!("plain")), Err("plain".to_owned()));
        assert_eq!(guarded::<()>(|| panic!("number {}", 7)), Err("number 7".to_owned()));
        assert_eq!(guarded::<()>(|| panic_any(7)), Err("the panic has no text".to_owned()));
        assert_eq!(guarded::<()>(|| panic_any(Grenade)), Err("the panic has no text".to_owned()));
    }

    #[test]
    fn a_failure_speaks_with_the_words_of_its_error() {
        let failure = Failure::Error(Box::new(Aborted));
        assert_eq!(failure.to_string(), "aborted");
    }
}
