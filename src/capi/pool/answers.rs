//! What came of calls, for C: many at once, in one block.

use std::ffi::c_void;
use std::ptr;
use std::time::Duration;

use serde::Serialize;

use super::heap::Unanswered;
use super::next::status;
use super::{circlet_answer, circlet_answers, circlet_pool};
use crate::capi::call::{self, Failure, Out, borrow, call, deadline, end_handle, into_handle};
use crate::exec::{self, Ended, Exception};
use crate::pool::{Completion, Failure as JobFailure};

/// A block takes no further answer once it has so many bytes.
const BLOCK_BYTES: usize = 1 << 24;
/// The longest answer that needs no memory of its own.
const SHORT: usize = 30;

/// An answer on its way to whoever fetches it.
#[derive(Debug)]
pub(super) enum Answer {
    Short { len: u8, bytes: [u8; SHORT] },
    Long(Vec<u8>),
}

impl Answer {
    pub(super) fn new(answer: &[u8]) -> Self {
        if answer.len() > SHORT {
            return Self::Long(answer.to_vec());
        }
        let mut bytes = [0; SHORT];
        bytes[..answer.len()].copy_from_slice(answer);
        Self::Short { len: answer.len() as u8, bytes }
    }
}

/// Some answers, and the bytes that they lead to.
#[derive(Default)]
struct Block {
    items: Vec<circlet_answer>,
    bytes: Vec<u8>,
}

/// Why a call has no answer.
#[derive(Serialize)]
struct Reason<'a> {
    message: String,
    #[serde(flatten)]
    raised: Option<Raised<'a>>,
    #[serde(flatten)]
    crashed: Option<Crashed<'a>>,
}

#[derive(Serialize)]
struct Raised<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    traceback: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoded: Option<&'a str>,
}

#[derive(Serialize)]
struct Crashed<'a> {
    exit_code: Option<i32>,
    signal: Option<i32>,
    out_of_memory: Option<bool>,
    stderr: &'a str,
    kills: u32,
}

/// Fetches what came of the next calls: waits for one as `circlet_pool_next` does, and takes those that are there behind it, at most
/// `max`, and none behind 16 MiB.
///
/// Returns how many, at least 1, or as `circlet_pool_next`; CIRCLET_INVALID for a `max` of 0, and for a pool of threads. `*answers`
/// is written where there are some, and the caller ends it. Any thread; each answer goes to one.
///
/// # Safety
/// `pool` is NULL or a pool; `answers` is NULL or has room for one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_answers(
    pool: *const circlet_pool,
    max: u32,
    timeout_ms: f64,
    answers: *mut circlet_answers,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, out) = unsafe { (borrow(pool, "pool")?, Out::new(answers, "answers")?) };
        let completions = &pool.processes()?.line.completions;
        if max == 0 {
            return Err(Failure::invalid("max is 0: ask for at least 1 answer"));
        }
        let timeout = deadline(timeout_ms)?.left().unwrap_or(Duration::MAX);
        let mut block = Block::default();
        block.take(completions.recv_timeout(timeout)?)?;
        while block.items.len() < max as usize && block.bytes.len() < BLOCK_BYTES {
            let Ok(Some(completion)) = completions.try_recv() else { break };
            block.take(completion)?;
        }
        let found = call::count(block.items.len())?;
        out.set(block.given());
        Ok(found)
    })
}

/// Ends some answers, and makes the struct one of none. NULL is fine.
///
/// # Safety
/// `answers` is NULL or leads to what `circlet_pool_answers` has written, which nobody uses any more, or to zeros.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_answers_free(answers: *mut circlet_answers) {
    // SAFETY: the caller's promise.
    if let Some(answers) = unsafe { answers.as_mut() } {
        // SAFETY: the caller's promise: it came from `Block::given`, or is NULL.
        unsafe { end_handle(answers.block.cast::<Block>()) };
        *answers = circlet_answers { items: ptr::null(), bytes: ptr::null(), len: 0, block: ptr::null_mut() };
    }
}

impl Block {
    fn take(&mut self, completion: Completion<Answer>) -> Result<(), Failure> {
        let begin = self.bytes.len();
        let status = match completion.result {
            Ok(Answer::Short { len, bytes }) => {
                self.bytes.extend_from_slice(&bytes[..len.into()]);
                0
            }
            Ok(Answer::Long(bytes)) if begin == 0 => {
                self.bytes = bytes;
                0
            }
            Ok(Answer::Long(bytes)) => {
                self.bytes.extend_from_slice(&bytes);
                0
            }
            Err(failure) => {
                // A number and texts are always JSON.
                let _ = serde_json::to_writer(&mut self.bytes, &reason(&failure));
                status(&failure) as i32
            }
        };
        let len = (self.bytes.len() - begin) as u64;
        let job = completion.id.get();
        self.items.push(circlet_answer { job, data: ptr::null(), len, status, reserved: 0 });
        Ok(())
    }

    /// Gives it to C.
    fn given(mut self) -> circlet_answers {
        let mut at = 0;
        for item in &mut self.items {
            item.data = self.bytes[at..].as_ptr().cast();
            at += item.len as usize;
        }
        let (items, bytes, len) = (self.items.as_ptr(), self.bytes.as_ptr().cast(), self.bytes.len() as u64);
        circlet_answers { items, bytes, len, block: into_handle(self).cast::<c_void>() }
    }
}

fn reason(failure: &JobFailure) -> Reason<'_> {
    let mut reason = Reason { message: failure.to_string(), raised: None, crashed: None };
    match failure {
        JobFailure::Error(error) => {
            let asked = error.downcast_ref().map(|Unanswered(error)| error);
            let raised = match asked {
                Some(exec::Error::Raised(exception)) => Some(exception),
                _ => error.downcast_ref::<Exception>(),
            };
            if let Some(Exception { kind, message, traceback, encoded }) = raised {
                reason.message.clone_from(message);
                reason.raised = Some(Raised { kind, traceback, encoded: encoded.as_deref() });
            }
            if let Some(exec::Error::Died { how, said }) = asked {
                let (exit_code, signal) = match *how {
                    Ended::Exited(code) => (Some(code), None),
                    Ended::Killed(signal) => (None, Some(signal)),
                    Ended::Unknown => (None, None),
                };
                reason.crashed =
                    Some(Crashed { exit_code, signal, out_of_memory: None, stderr: said, kills: 0 });
            }
        }
        JobFailure::Crashed { exit_code, signal, out_of_memory, stderr, kills } => {
            let (exit_code, signal, out_of_memory, kills) = (*exit_code, *signal, *out_of_memory, *kills);
            reason.crashed = Some(Crashed { exit_code, signal, out_of_memory, stderr, kills });
        }
        _ => {}
    }
    reason
}
