//! Heap snapshots of worker processes, for C: waited for, or answered among the calls.

use std::error::Error;
use std::ffi::c_char;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use super::answers::Answer;
use super::{Processes, circlet_pool, worker_of};
use crate::capi::call::{Failure, Out, borrow, call, duration, sized, text};
use crate::capi::exec::status_of;
use crate::capi::status::circlet_status;
use crate::capi::text::circlet_text;
use crate::exec::{self, HeapOptions, HeapSnapshot};
use crate::pool::{Completion, Failure as JobFailure, JobId, WorkerId};

/// The tracing of allocations ends with this snapshot: the next one is a first one again.
pub const CIRCLET_HEAP_STOP: u32 = 1;

/// The numbers of heap snapshots begin with this, 2^52: no call has one like it, and a double holds each of them.
pub const CIRCLET_HEAP_NUMBERS: u64 = 0x0010_0000_0000_0000;

/// What is wished of a heap snapshot. Zero and NULL mean the default everywhere.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_heap_options {
    /// `sizeof(circlet_heap_options)`, so that later versions can add fields.
    pub struct_size: u32,
    /// How many lines and types there are of each, those first that have the most bytes; 0 for 25.
    pub top: u32,
    /// The file that the worker is to write the whole of it to: for `tracemalloc.Snapshot.load` from Python, and in V8's format
    /// (`.heapsnapshot`) from Bun. NULL for none.
    pub file: *const c_char,
    /// How long it may take, the call that the worker runs included, in milliseconds; 0 for 60 s. A worker that has begun by then
    /// finishes, and nobody learns what it found.
    pub within_ms: f64,
    /// 0, or CIRCLET_HEAP_STOP.
    pub flags: u32,
    /// 0.
    pub reserved: u32,
}

/// Asks a worker process what it has on its heap, and waits for that. `options` may be NULL for the defaults.
///
/// The worker, 0x3a7f for `w_3a7f` in snapshots, looks between two calls; those that were sent to it ahead are done by others
/// meanwhile. JSON: `source` (`tracemalloc` or `jsc`), `is_first`, `bytes`, `lines`, `grown`, `types`, and where they are known
/// `peak_bytes`, `overhead_bytes` and `file`. In Python allocations are traced from the first snapshot on, which makes each of them
/// slower until CIRCLET_HEAP_STOP: the first knows objects by type alone.
///
/// Returns 0, and the caller owns `*json`; CIRCLET_NOT_FOUND where there is no such worker, or it ends before it has looked;
/// CIRCLET_TIMED_OUT; CIRCLET_JOB_FAILED where the file could not be written; CIRCLET_WORKER_DIED; CIRCLET_INVALID for a pool of
/// threads. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_heap_snapshot(
    pool: *const circlet_pool,
    worker: u32,
    options: *const circlet_heap_options,
    json: *mut *mut circlet_text,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, options, out) =
            unsafe { (borrow(pool, "pool")?, wished(options)?, Out::new(json, "json")?) };
        let workers = &pool.heaps()?.workers;
        let taken = workers.heap_snapshot(named(worker)?, &options)?;
        let text = serde_json::to_string(&taken)
            .map_err(|error| Failure::new(circlet_status::CIRCLET_BAD_JSON, error.to_string()))?;
        out.set(circlet_text::handle(text)?);
        Ok(0)
    })
}

/// As `circlet_pool_heap_snapshot`, but waits for nothing: what comes of it is an answer of `circlet_pool_answers`, as if it were a
/// call, with the JSON or with the status and why.
///
/// `*job` gets its number, from CIRCLET_HEAP_NUMBERS on. It is no job otherwise: it cannot be aborted, no snapshot counts it, and
/// `circlet_pool_drain` does not wait for it. Behind `circlet_pool_close` every one is answered.
///
/// Returns 0; CIRCLET_CLOSED; CIRCLET_OS where no thread can be had for it; CIRCLET_INVALID for a pool of threads. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_heap_submit(
    pool: *const circlet_pool,
    worker: u32,
    options: *const circlet_heap_options,
    job: *mut u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, options, out) =
            unsafe { (borrow(pool, "pool")?, wished(options)?, Out::new(job, "job")?) };
        out.set(pool.heaps()?.ask_for_heap(named(worker)?, options)?);
        Ok(0)
    })
}

/// # Safety
/// `options` is NULL or leads to as many bytes as its first field says, and its file is NULL or a string.
pub(in crate::capi) unsafe fn wished(options: *const circlet_heap_options) -> Result<HeapOptions, Failure> {
    let wished = HeapOptions::new();
    // SAFETY: the caller's promise.
    let Some(given) = (unsafe { sized(options, "options", "circlet_heap_options")? }) else {
        return Ok(wished);
    };
    if given.flags & !CIRCLET_HEAP_STOP != 0 || given.reserved != 0 {
        return Err(Failure::invalid(format!(
            "options.flags is {:#x} and options.reserved {}: give 0 or CIRCLET_HEAP_STOP (1), and 0",
            given.flags, given.reserved
        )));
    }
    let wished = if given.flags & CIRCLET_HEAP_STOP == 0 { wished } else { wished.stop() };
    let wished = if given.top == 0 { wished } else { wished.top(given.top as usize) };
    let wished = if given.file.is_null() {
        wished
    } else {
        // SAFETY: the caller's promise.
        wished.file(unsafe { text(given.file, "options.file")? })
    };
    if given.within_ms == 0.0 {
        return Ok(wished);
    }
    Ok(wished.within(duration(given.within_ms, "options.within_ms")?))
}

fn named(worker: u32) -> Result<WorkerId, Failure> {
    worker_of(worker)?.ok_or_else(|| {
        Failure::invalid("worker is CIRCLET_ANY_WORKER: name one, as circlet_pool_snapshot lists them")
    })
}

impl circlet_pool {
    fn heaps(&self) -> Result<&Processes, Failure> {
        self.processes().map_err(|_| {
            Failure::invalid(
                "this pool's workers are threads of this process, which have no heap of their own: look at this process's, or make \
                 a pool of CIRCLET_PYTHON or CIRCLET_BUN",
            )
        })
    }
}

/// The threads that wait for heap snapshots, each for one. They end with it, or when the workers are gone.
#[derive(Debug, Default)]
pub(super) struct Askers(Mutex<Asked>);

#[derive(Debug, Default)]
struct Asked {
    count: u64,
    threads: Vec<JoinHandle<()>>,
}

/// Why there is no heap snapshot.
#[derive(Debug)]
pub(super) struct Unanswered(pub(super) exec::Error);

impl Processes {
    /// Has a thread wait for a heap snapshot, and returns the number that the answer will have.
    fn ask_for_heap(&self, worker: WorkerId, options: HeapOptions) -> Result<u64, Failure> {
        let take = self.workers.heap();
        self.line.completing(|completer| {
            let mut asked = self.askers.asked();
            let number = CIRCLET_HEAP_NUMBERS + asked.count;
            let completer = completer.clone();
            let thread = thread::Builder::new().name("circlet-heap".to_owned());
            let thread = thread.spawn(move || {
                let taken = take(worker, &options).and_then(|taken| answer(&taken));
                let result = taken.map_err(|error| JobFailure::Error(Box::new(Unanswered(error))));
                // Nobody may be there any more.
                let _ = completer.send(Completion { id: JobId::from(number), result });
            });
            let thread = thread.map_err(|error| {
                Failure::new(circlet_status::CIRCLET_OS, format!("no thread for a heap snapshot: {error}"))
            })?;
            asked.count += 1;
            asked.threads.retain(|thread| !thread.is_finished());
            asked.threads.push(thread);
            Ok(number)
        })
    }
}

fn answer(taken: &HeapSnapshot) -> Result<Answer, exec::Error> {
    let json = serde_json::to_vec(taken);
    json.map(|json| Answer::new(&json))
        .map_err(|source| exec::Error::Json { what: "the heap snapshot", source })
}

impl Askers {
    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until each has its answer: soon, once the workers have ended.
    pub(super) fn join(&self) {
        loop {
            let Some(thread) = self.asked().threads.pop() else { return };
            // It says what a panic was by itself.
            let _ = thread.join();
        }
    }
}

impl Drop for Askers {
    fn drop(&mut self) {
        self.join();
    }
}

impl Unanswered {
    pub(super) fn status(&self) -> circlet_status {
        status_of(&self.0)
    }
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Unanswered {}
