//! A call of a function in a worker process.

#[cfg(feature = "capi")]
use std::borrow::Cow;
use std::fmt;
use std::hash::Hash;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Codec, Error, message};
use crate::pool::{self, Job, JobError};

/// A call of a function: its name, the arguments, and what is wished for it. What comes back is a `T`.
///
/// For Python the name is `package.module:function`, and the first call imports the module; for Bun it is that of an export
/// of the script.
#[derive(Debug)]
pub struct Call<T> {
    pub(super) job: Job<T>,
    /// Why it cannot be sent.
    pub(super) problem: Option<Error>,
}

impl Call<Value> {
    /// Calls a function with JSON: an array holds the arguments in their order, an object holds them by name (Python alone),
    /// anything else is the one argument.
    pub fn new(function: &str, arguments: &Value) -> Self {
        let bytes = match arguments {
            Value::Array(_) | Value::Object(_) => serde_json::to_vec(arguments),
            one => serde_json::to_vec(&[one]),
        };
        let read = |answer: &[u8]| {
            let json = serde_json::from_slice(answer);
            json.map_err(|source| JobError::from(Error::Json { what: "the answer", source }))
        };
        match bytes {
            Ok(bytes) => Self::made(function, Codec::Json, &bytes, read),
            Err(source) => {
                let call = Self::made(function, Codec::Json, b"[]", read);
                Self { problem: Some(Error::Json { what: "an argument", source }), ..call }
            }
        }
    }
}

impl Call<Vec<u8>> {
    /// Calls a function with arguments that are encoded already, and gives back the encoded answer.
    pub fn raw(function: &str, codec: Codec, arguments: &[u8]) -> Self {
        Self::made(function, codec, arguments, |answer| Ok(answer.to_vec()))
    }
}

/// Makes the job of a call whose arguments are encoded already, and whose answer `read` gets as it comes.
#[cfg(feature = "capi")]
pub(crate) fn encoded<T>(
    kind: Cow<'static, str>,
    function: &str,
    codec: Codec,
    arguments: &[u8],
    read: impl FnOnce(&[u8]) -> Result<T, JobError> + Send + 'static,
) -> Result<Job<T>, Error> {
    Ok(Job::of_message(kind, message::request(function, codec, arguments)?, read))
}

impl<T> Call<T> {
    fn made(
        function: &str,
        codec: Codec,
        arguments: &[u8],
        read: impl FnOnce(&[u8]) -> Result<T, JobError> + Send + 'static,
    ) -> Self {
        let (bytes, problem) = match message::request(function, codec, arguments) {
            Ok(bytes) => (bytes, None),
            Err(error) => (vec![0; message::REQUEST_BYTES], Some(error)),
        };
        Self { job: Job::of_message(function.to_owned().into(), bytes, read), problem }
    }

    pub(super) fn into_job(self) -> Result<Job<T>, Error> {
        self.problem.map_or(Ok(self.job), Err)
    }

    /// Submits it, unless it cannot be sent.
    pub(super) fn checked<S>(
        self,
        submit: impl FnOnce(Job<T>) -> Result<S, pool::Refused<T>>,
    ) -> Result<S, Refused<T>> {
        if let Some(reason) = self.problem {
            return Err(Refused { call: Box::new(Self { job: self.job, problem: None }), reason });
        }
        submit(self.job).map_err(|pool::Refused { job, reason }| Refused {
            call: Box::new(Self { job, problem: None }),
            reason: reason.into(),
        })
    }

    /// As [`Job::nodes`].
    #[must_use]
    pub fn nodes(self, nodes: u64) -> Self {
        Self { job: self.job.nodes(nodes), ..self }
    }

    /// As [`Job::priority`].
    #[must_use]
    pub fn priority(self, priority: i32) -> Self {
        Self { job: self.job.priority(priority), ..self }
    }

    /// As [`Job::key`].
    #[must_use]
    pub fn key(self, key: impl Hash) -> Self {
        Self { job: self.job.key(key), ..self }
    }

    /// As [`Job::deadline`]. One that runs is aborted as [`WorkersBuilder::grace`](super::WorkersBuilder::grace) says.
    #[must_use]
    pub fn deadline(self, within: Duration) -> Self {
        Self { job: self.job.deadline(within), ..self }
    }

    /// As [`Job::idempotent`]: the call may run again where its worker died. One that has killed two workers does not.
    #[must_use]
    pub fn idempotent(self) -> Self {
        Self { job: self.job.idempotent(), ..self }
    }
}

/// What a called function raised: the error inside [`Failure::Error`](crate::pool::Failure::Error).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{kind}: {message}")]
pub struct Exception {
    /// Its type's name, such as `ZeroDivisionError`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its message.
    pub message: String,
    /// The traceback as the language prints it.
    pub traceback: String,
    /// The exception itself, where the call's codec can say it: in that codec, and in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoded: Option<String>,
}

/// A call that [`Workers::try_submit`](super::Workers::try_submit) gives back, and the reason.
#[derive(Debug)]
pub struct Refused<T> {
    /// The call, as it was.
    pub call: Box<Call<T>>,
    /// Why.
    pub reason: Error,
}

impl<T> fmt::Display for Refused<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the call was refused: {}", self.reason)
    }
}

impl<T: fmt::Debug> std::error::Error for Refused<T> {}

impl<T> From<Refused<T>> for Error {
    fn from(refused: Refused<T>) -> Self {
        refused.reason
    }
}
