//! Runs of an executor for C: begun, told of event by event, and given what they ask for.

use std::ffi::{c_char, c_void};
use std::os::fd::IntoRawFd;
use std::ptr;

use serde::Serialize;

use super::call::{
    Failure, Out, borrow, call, deadline, duration, end_handle, into_handle, long_array, sized,
};
use super::exec::{circlet_executor, status_of};
use super::pool::{circlet_heap_options, wished};
use super::status::{circlet_status, circlet_status_str};
use crate::exec::{Ended, Error, Event, Executor, RunOptions, Session, Stream};
use crate::shm::Deadline;

/// Something was printed: `body` is the text, whole characters where it was text, and `stream` 1 for standard output, 2 for
/// standard error. What is there already comes in one event.
pub const CIRCLET_EVENT_OUTPUT: i32 = 1;
/// Something is to be shown: `body` is JSON, an object by MIME type.
pub const CIRCLET_EVENT_DISPLAY: i32 = 2;
/// The code sent bytes: they are `body`.
pub const CIRCLET_EVENT_DATA: i32 = 3;
/// The code asks for a line, which `circlet_executor_answer` gives: `body` is what it shows beside the place where the line is to be
/// written, and `stream` 1 if nobody is to see what is written there.
pub const CIRCLET_EVENT_ASK: i32 = 4;
/// Something became of the run, where that was asked for: `body` is JSON.
pub const CIRCLET_EVENT_STATE: i32 = 5;
/// The run is over: `body` is the outcome as `circlet_executor_run` gives it, without what was printed; where the value is a buffer,
/// `bytes` are its bytes, of the format and the shape that the outcome has under `bytes`.
pub const CIRCLET_EVENT_END: i32 = 6;
/// The run has no outcome, as its session is no more: `body` is JSON with `status` (CIRCLET_TIMED_OUT where the session was killed
/// because the code did not stop, CIRCLET_WORKER_DIED, CIRCLET_PROTOCOL), `message`, `exit_code` or `signal`, `out_of_memory` (null
/// where that is not known) and `stderr` (its last lines). The next run has a new session.
pub const CIRCLET_EVENT_FAILURE: i32 = 7;

/// Of a run: somebody answers questions. Without it, `input()` fails at once.
pub const CIRCLET_RUN_ASKS: u32 = 1;
/// Of a run: somebody keeps a log, and gets CIRCLET_EVENT_STATE.
pub const CIRCLET_RUN_STATES: u32 = 2;

/// Output that is there already comes in one event, of so many bytes or a frame more.
const JOINED: usize = 1 << 18;

/// What is wished for a run. Zero means the default everywhere.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_run_options {
    /// `sizeof(circlet_run_options)`, so that later versions can add fields.
    pub struct_size: u32,
    /// CIRCLET_RUN_ASKS and CIRCLET_RUN_STATES, or'ed.
    pub flags: u32,
    /// The run is interrupted after that time, in milliseconds; 0 for never.
    pub within_ms: f64,
}

/// What came of a run. What it leads to stays until the next call of `circlet_executor_next`, `_run`, `_begin` or `_restart`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_event {
    /// What `circlet_executor_next` has returned.
    pub kind: i32,
    /// Of output and of questions.
    pub stream: u32,
    /// How many events there have been, this one included.
    pub number: u64,
    /// The text, the bytes or the JSON, without a zero at its end.
    pub body: *const c_void,
    /// How many bytes it has.
    pub len: u64,
    /// Of a value that is a buffer, its bytes.
    pub bytes: *const c_void,
    /// How many there are.
    pub bytes_len: u64,
}

/// Bytes that were taken from an event. They never change; any thread may read them.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_block {
    _bytes: Vec<u8>,
}

/// What was told last, and what is to be told instead of what the session says.
#[derive(Debug, Default)]
pub(super) struct Told {
    body: Vec<u8>,
    bytes: Vec<u8>,
    number: u64,
    /// What came behind output that was joined.
    ahead: Option<Event>,
    failure: Option<Vec<u8>>,
}

/// Why a run has no outcome.
#[derive(Serialize)]
struct Failed {
    status: String,
    message: String,
    exit_code: Option<i32>,
    signal: Option<i32>,
    out_of_memory: Option<bool>,
    stderr: String,
}

impl Told {
    /// Forgets a run.
    pub(super) fn forget(&mut self) {
        *self = Self { number: self.number, ..Self::default() };
    }

    fn is_running(&self, executor: &mut Executor) -> bool {
        self.failure.is_some() || self.ahead.is_some() || executor.current().is_running()
    }

    pub(super) fn refuse_while_running(&mut self, executor: &mut Executor) -> Result<(), Failure> {
        if self.is_running(executor) {
            return Err(Error::Running.into());
        }
        self.forget();
        Ok(())
    }

    /// Keeps why the run has no outcome, if that is what the error says.
    fn fail(&mut self, session: &Session, error: Error) -> Result<(), Failure> {
        let (how, said) = match &error {
            Error::Died { how, said } => (Some(*how), said.clone()),
            Error::Stopped | Error::Protocol { .. } => (None, String::new()),
            _ => return Err(error.into()),
        };
        let failed = Failed {
            status: name_of(status_of(&error)),
            message: error.to_string(),
            exit_code: if let Some(Ended::Exited(code)) = how { Some(code) } else { None },
            signal: if let Some(Ended::Killed(signal)) = how { Some(signal) } else { None },
            out_of_memory: session.ran_out_of_memory(),
            stderr: said,
        };
        self.failure = Some(json(&failed)?);
        Ok(())
    }

    /// Keeps what is to be told, and returns what C sees of it.
    fn keep(&mut self, event: Event) -> Result<circlet_event, Failure> {
        let (kind, stream, body, bytes) = match event {
            Event::Output(stream, bytes) => {
                let number = if stream == Stream::Stdout { 1 } else { 2 };
                (CIRCLET_EVENT_OUTPUT, number, bytes, Vec::new())
            }
            Event::Display(shown) => (CIRCLET_EVENT_DISPLAY, 0, json(&shown)?, Vec::new()),
            Event::Data(bytes) => (CIRCLET_EVENT_DATA, 0, bytes, Vec::new()),
            Event::Ask { prompt, is_secret } => {
                (CIRCLET_EVENT_ASK, is_secret.into(), prompt.into_bytes(), Vec::new())
            }
            Event::State(state) => (CIRCLET_EVENT_STATE, 0, json(&state)?, Vec::new()),
            Event::End(mut outcome) => {
                let body = json(&outcome)?;
                let bytes = outcome.bytes.take().map_or(Vec::new(), |bytes| bytes.content);
                (CIRCLET_EVENT_END, 0, body, bytes)
            }
        };
        Ok(self.tell(kind, stream, body, bytes))
    }

    fn tell(&mut self, kind: i32, stream: u32, body: Vec<u8>, bytes: Vec<u8>) -> circlet_event {
        self.number += 1;
        (self.body, self.bytes) = (body, bytes);
        let place = |bytes: &[u8]| if bytes.is_empty() { ptr::null() } else { bytes.as_ptr().cast() };
        circlet_event {
            kind,
            stream,
            number: self.number,
            body: place(&self.body),
            len: self.body.len() as u64,
            bytes: place(&self.bytes),
            bytes_len: self.bytes.len() as u64,
        }
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(value)
        .map_err(|error| Failure::new(circlet_status::CIRCLET_BAD_JSON, error.to_string()))
}

fn name_of(status: circlet_status) -> String {
    // SAFETY: it is a static string, ended by a zero.
    unsafe { std::ffi::CStr::from_ptr(circlet_status_str(status as i32)) }.to_string_lossy().into_owned()
}

/// Begins to run a code string of `len` bytes of UTF-8; `circlet_executor_next` tells what comes of it. `options` may be NULL.
///
/// Returns 0, or 1 where a new session runs it, whose descriptor is another; CIRCLET_BUSY while a run is under way, which is until its
/// end was fetched; CIRCLET_TOO_LARGE; and what `circlet_executor_new` returns, where the last session has ended.
///
/// # Safety
/// `executor` is NULL or an executor; `code` leads to `len` bytes; `options` is NULL or leads to as many bytes as it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_begin(
    executor: *const circlet_executor,
    code: *const c_void,
    len: u64,
    options: *const circlet_run_options,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (executor, code, given) = unsafe {
            (
                borrow(executor, "executor")?,
                long_array(code.cast::<u8>(), len as usize, "code")?,
                sized(options, "options", "circlet_run_options")?,
            )
        };
        let code =
            str::from_utf8(code).map_err(|error| Failure::invalid(format!("code is not UTF-8: {error}")))?;
        let mut options = RunOptions::new();
        if let Some(given) = given {
            if given.flags & !(CIRCLET_RUN_ASKS | CIRCLET_RUN_STATES) != 0 {
                return Err(Failure::invalid(format!(
                    "options.flags is {:#x}: give CIRCLET_RUN_ASKS (1) and CIRCLET_RUN_STATES (2), or'ed",
                    given.flags
                )));
            }
            if given.flags & CIRCLET_RUN_STATES != 0 {
                options = options.states();
            }
            if given.flags & CIRCLET_RUN_ASKS != 0 {
                options = options.asks();
            }
            if given.within_ms != 0.0 {
                options = options.within(duration(given.within_ms, "options.within_ms")?);
            }
        }
        executor.begin(|session| session.begin(code, options))
    })
}

/// Begins a heap snapshot as `circlet_executor_begin` does a run, between two of them: its outcome has for its value what
/// `circlet_pool_heap_snapshot` gives. `options` may be NULL for the defaults; after `within_ms` it is interrupted as a run.
///
/// Returns as `circlet_executor_begin`.
///
/// # Safety
/// `executor` is NULL or an executor; `options` is NULL or leads to as many bytes as it says, and its file is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_begin_heap_snapshot(
    executor: *const circlet_executor,
    options: *const circlet_heap_options,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (executor, options) = unsafe { (borrow(executor, "executor")?, wished(options)?) };
        executor.begin(|session| session.begin_heap_snapshot(&options))
    })
}

impl circlet_executor {
    /// Begins something in a session that lives. 1 if it is a new one.
    fn begin(&self, begin: impl FnOnce(&mut Session) -> Result<(), Error>) -> Result<i32, Failure> {
        self.enter(|inside| {
            let (told, own) = (&mut inside.told, &mut inside.executor);
            told.refuse_while_running(own)?;
            let is_new = self.revive(own)?;
            if let Err(error) = begin(own.current()) {
                told.fail(own.current(), error)?;
            }
            Ok(is_new.into())
        })
    }
}

/// Waits for what comes next of the run that is under way, and returns its kind, CIRCLET_EVENT_OUTPUT to CIRCLET_EVENT_FAILURE, of
/// which the last two end the run; 0 where no run is under way, or CIRCLET_TIMED_OUT.
///
/// `timeout_ms`: 0 tries, above waits so long, below 0 without a deadline. `circlet_executor_wake` ends it before.
///
/// # Safety
/// `executor` is NULL or an executor; `event` is NULL or has room for one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_next(
    executor: *const circlet_executor,
    timeout_ms: f64,
    event: *mut circlet_event,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (executor, out) = unsafe { (borrow(executor, "executor")?, Out::new(event, "event")?) };
        let deadline = deadline(timeout_ms)?;
        executor.enter(|inside| {
            let (told, session) = (&mut inside.told, inside.executor.current());
            let Some(event) = next(told, session, deadline)? else {
                if !session.is_running() {
                    return Ok(0);
                }
                return Err(Failure::new(
                    circlet_status::CIRCLET_TIMED_OUT,
                    "nothing came of the run within the timeout",
                ));
            };
            out.set(event);
            Ok(event.kind)
        })
    })
}

fn next(
    told: &mut Told,
    session: &mut Session,
    deadline: Deadline,
) -> Result<Option<circlet_event>, Failure> {
    if let Some(event) = told.ahead.take() {
        return told.keep(event).map(Some);
    }
    if told.failure.is_none() {
        match session.next(deadline) {
            Ok(Some(Event::Output(stream, bytes))) => {
                let joined = joined(told, session, stream, bytes)?;
                return told.keep(joined).map(Some);
            }
            Ok(event) => return event.map(|event| told.keep(event)).transpose(),
            Err(error) => told.fail(session, error)?,
        }
    }
    let body = told.failure.take().unwrap_or_default();
    Ok(Some(told.tell(CIRCLET_EVENT_FAILURE, 0, body, Vec::new())))
}

/// Joins output with what is there behind it: a line is printed in two parts, and each event costs another language a call.
fn joined(
    told: &mut Told,
    session: &mut Session,
    stream: Stream,
    mut bytes: Vec<u8>,
) -> Result<Event, Failure> {
    while bytes.len() < JOINED {
        match session.next(Deadline::now()) {
            Ok(Some(Event::Output(other, more))) if other == stream => bytes.extend(more),
            Ok(ahead) => {
                told.ahead = ahead;
                break;
            }
            Err(error) => {
                told.fail(session, error)?;
                break;
            }
        }
    }
    Ok(Event::Output(stream, bytes))
}

/// Takes the bytes of the event that was fetched last out of the executor: those of the value where it has some, else the body.
/// They stay where the event says, until `circlet_block_free`.
///
/// Returns 0. The caller owns `*block`.
///
/// # Safety
/// `executor` is NULL or an executor; `block` is NULL or has room for a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_take(
    executor: *const circlet_executor,
    block: *mut *mut circlet_block,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (executor, out) = unsafe { (borrow(executor, "executor")?, Out::new(block, "block")?) };
        executor.enter(|inside| {
            let Told { body, bytes, .. } = &mut inside.told;
            let taken = if bytes.is_empty() { body } else { bytes };
            out.set(into_handle(circlet_block { _bytes: std::mem::take(taken) }));
            Ok(0)
        })
    })
}

/// Ends a block. NULL is fine.
///
/// # Safety
/// `block` is NULL or a block that nobody uses any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_block_free(block: *mut circlet_block) {
    // SAFETY: the caller's promise.
    unsafe { end_handle(block) };
}

/// Sends bytes to the code, which takes them by `circlet.session.receive()`. Does not wait: what finds no room is copied, and sent
/// while somebody is in `circlet_executor_next`, and before the next run.
///
/// Returns 0, CIRCLET_TOO_LARGE above 1 GiB, or CIRCLET_WORKER_DIED where the session has ended.
///
/// # Safety
/// `executor` is NULL or an executor; `data` leads to `len` bytes, or is NULL if `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_send(
    executor: *const circlet_executor,
    data: *const c_void,
    len: u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (executor, data) =
            unsafe { (borrow(executor, "executor")?, long_array(data.cast::<u8>(), len as usize, "data")?) };
        executor.enter(|inside| Ok(inside.executor.current().post(data)?)).map(|()| 0)
    })
}

/// Gives the code the line of `len` bytes of UTF-8 that it asked for, without a newline; NULL for the end of its input. Waits as
/// little as `circlet_executor_send`, and returns what that returns.
///
/// # Safety
/// `executor` is NULL or an executor; `line` is NULL or leads to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_answer(
    executor: *const circlet_executor,
    line: *const c_char,
    len: u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (executor, bytes) = unsafe {
            let len = if line.is_null() { 0 } else { len as usize };
            (borrow(executor, "executor")?, long_array(line.cast::<u8>(), len, "line")?)
        };
        let text =
            str::from_utf8(bytes).map_err(|error| Failure::invalid(format!("line is not UTF-8: {error}")))?;
        let text = (!line.is_null()).then_some(text);
        executor.enter(|inside| Ok(inside.executor.current().post_line(text)?)).map(|()| 0)
    })
}

/// Makes a descriptor for an event loop, which becomes readable when there may be an event, after `circlet_executor_arm` has asked for
/// that. It is of the session that there is: `circlet_executor_begin` says when there is another.
///
/// Returns 0, or CIRCLET_OS where there are no more descriptors. The caller owns `*fd` and closes it; what is read from it means
/// nothing, and may be read away or left to `circlet_executor_arm`.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_fd(executor: *const circlet_executor, fd: *mut i32) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (executor, out) = unsafe { (borrow(executor, "executor")?, Out::new(fd, "fd")?) };
        let copied = executor.enter(|inside| {
            inside.executor.current().descriptor().try_clone_to_owned().map_err(|error| {
                Failure::new(circlet_status::CIRCLET_OS, format!("no descriptor for events: {error}"))
            })
        })?;
        out.set(copied.into_raw_fd());
        Ok(0)
    })
}

/// Asks for the notice of `circlet_executor_fd`, which is given once: so fetch until nothing is left, arm, and wait only after a 0.
///
/// Returns 1 where there is no need to wait, as an event is there or no run is under way; 0 where the descriptor tells when to look
/// again; 2 where it does so too, and bytes that were sent have found no room: call `circlet_executor_next` in a millisecond.
///
/// # Safety
/// `executor` is NULL or an executor.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_executor_arm(executor: *const circlet_executor) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let executor = unsafe { borrow(executor, "executor")? };
        executor.enter(|inside| {
            let told = &inside.told;
            let is_told = told.failure.is_some() || told.ahead.is_some();
            if is_told || !told.is_running(&mut inside.executor) {
                return Ok(1);
            }
            let session = inside.executor.current();
            let is_there = session.arm();
            Ok(if is_there {
                1
            } else if session.unsent() > 0 {
                2
            } else {
                0
            })
        })
    })
}
