//! What the pool of C is given, and what it gives back.

use std::ffi::{c_char, c_void};
#[cfg(target_os = "linux")]
use std::sync::Arc;
use std::sync::{Mutex, RwLock};

#[cfg(target_os = "linux")]
use super::answers::Answer;
#[cfg(target_os = "linux")]
use super::heap::Askers;
use super::next::Failures;
#[cfg(target_os = "linux")]
use super::output::Kept;
#[cfg(target_os = "linux")]
use crate::exec::Workers;
use crate::pool::{Completer, Completions, Pool};

/// Workers that are threads of this process, and run native functions.
pub const CIRCLET_THREADS: u32 = 0;
/// Workers that are processes of Python, and call functions of its modules by name. Linux alone.
pub const CIRCLET_PYTHON: u32 = 1;
/// Workers that are processes of Bun, and call what a script exports by name. Linux alone.
pub const CIRCLET_BUN: u32 = 2;

/// The next idle worker in turn.
pub const CIRCLET_ROUND_ROBIN: u32 = 0;
/// The idle worker that has run jobs for the least time so far.
pub const CIRCLET_LEAST_BUSY: u32 = 1;
/// Jobs of one key go to one worker, in the order of their submission.
pub const CIRCLET_AFFINITY: u32 = 2;

/// A pool whose queue is full takes the new job in, and gives up the one of the lowest priority that has waited for longest. The
/// others of a pool are CIRCLET_BLOCK and CIRCLET_FAIL.
pub const CIRCLET_DROP_OLDEST: u32 = 3;

/// No worker starts before the first job, and none is kept for ever: `min` is 0.
pub const CIRCLET_POOL_FROM_ZERO: u32 = 1;

/// What a pool is made with. Zero means the default everywhere.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_pool_options {
    /// `sizeof(circlet_pool_options)`, so that later versions can add fields.
    pub struct_size: u32,
    /// What the workers are: CIRCLET_THREADS (the default), CIRCLET_PYTHON or CIRCLET_BUN.
    pub kind: u32,
    /// The fewest workers; 0 for 1, or for none with CIRCLET_POOL_FROM_ZERO.
    pub min: u32,
    /// The most workers, at most 1024; 0 for as many as the process may use processors, within its
    /// CPU quota also where that changes.
    pub max: u32,
    /// How many jobs may wait beside those that run; 0 for 16384.
    pub queue: u32,
    /// What a submission does that finds the queue full: CIRCLET_BLOCK (the default) waits, CIRCLET_FAIL refuses, and
    /// CIRCLET_DROP_OLDEST gives up another job.
    pub overflow: u32,
    /// CIRCLET_ROUND_ROBIN (the default), CIRCLET_LEAST_BUSY or CIRCLET_AFFINITY.
    pub strategy: u32,
    /// 0, or CIRCLET_POOL_FROM_ZERO.
    pub flags: u32,
    /// How long CIRCLET_BLOCK waits for room, in milliseconds, before it refuses; 0 for without end.
    pub block_ms: f64,
    /// For how long workers are kept that were needed, in milliseconds; 0 for 400.
    pub keep_ms: f64,
    /// How soon a backlog is to be gone once the workers for it are there, in milliseconds; 0 for 5.
    pub target_wait_ms: f64,
    /// The sliding window of the statistics, in milliseconds; 0 for 60000.
    pub window_ms: f64,
    /// What the names of the threads begin with, ended by a zero byte; NULL for `circlet`.
    pub name: *const c_char,
    /// What worker processes are started with; NULL for the defaults, and for CIRCLET_THREADS.
    pub processes: *const circlet_process_options,
}

/// What workers print goes on to this process's standard output and error, as it comes.
pub const CIRCLET_OUTPUT_PASS_ON: u32 = 0;
/// What workers print is dropped.
pub const CIRCLET_OUTPUT_DROP: u32 = 1;
/// What workers print is kept for `circlet_pool_output`.
pub const CIRCLET_OUTPUT_KEEP: u32 = 2;

/// What worker processes are started with. Zero and NULL mean the default everywhere. Strings end with a zero byte, and are
/// copied.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_process_options {
    /// `sizeof(circlet_process_options)`, so that later versions can add fields.
    pub struct_size: u32,
    /// CIRCLET_OUTPUT_PASS_ON (the default), CIRCLET_OUTPUT_DROP or CIRCLET_OUTPUT_KEEP. The last of standard error is in
    /// what is said of a crash, whatever this is.
    pub output: u32,
    /// The interpreter: a path, or a program on PATH; NULL for `python3` or `bun`.
    pub program: *const c_char,
    /// The C library that the workers load; NULL for this one, or what the variable CIRCLET_LIBRARY names.
    pub library: *const c_char,
    /// CIRCLET_BUN, which needs it: the script whose exports are called.
    pub script: *const c_char,
    /// CIRCLET_PYTHON: what stands for `__main__`, the path of a script or `-m` and a module's name, as in `-m package.module`.
    /// Where a call or its arguments need something of it, each worker runs it once, as `__mp_main__`. NULL for nothing.
    pub main: *const c_char,
    /// CIRCLET_PYTHON: the folders that modules are looked for in before all others.
    pub module_paths: *const *const c_char,
    /// How many folders there are.
    pub module_path_count: u32,
    /// How many bytes CIRCLET_OUTPUT_KEEP keeps; 0 for 1 MiB. What came first goes first, and is counted.
    pub output_bytes: u32,
    /// How long a worker has to become ready, in milliseconds; 0 for 10 s.
    pub ready_within_ms: f64,
    /// How long an aborted call that runs has to give in before its worker is killed, in milliseconds; 0 for 1 s.
    pub grace_ms: f64,
    /// The anonymous memory that a worker may have before another takes its place between two calls, in bytes; 0 for any.
    pub memory: u64,
    /// The memory that the kernel lets a worker have (`RLIMIT_DATA`), in bytes; 0 for any.
    pub hard_memory: u64,
    /// How many calls a worker may run before another takes its place; 0 for any number.
    pub tasks: u64,
    /// For how long a worker may exist, in milliseconds; 0 for ever.
    pub lifetime_ms: f64,
}

/// The job may run again from its beginning, where a worker died while it ran. Threads do not die.
pub const CIRCLET_JOB_IDEMPOTENT: u32 = 1;

/// What is wished for a job. Zero means the default everywhere.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_job_options {
    /// `sizeof(circlet_job_options)`, so that later versions can add fields.
    pub struct_size: u32,
    /// Of the jobs that wait, those of the highest priority start first, and of one priority the oldest.
    pub priority: i32,
    /// The size, in the units that this type of job counts; 0 for none that is told.
    pub nodes: u64,
    /// What CIRCLET_AFFINITY goes by, if `has_key` is not 0.
    pub key: u64,
    /// The time from the submission within which the job is to be over, in milliseconds; 0 for any. A job that still waits then
    /// never starts; one that runs is asked to stop.
    pub deadline_ms: f64,
    /// Whether `key` is one.
    pub has_key: u32,
    /// 0, or CIRCLET_JOB_IDEMPOTENT.
    pub flags: u32,
    /// The type of job, for people and snapshots, ended by a zero byte; NULL for `native`.
    pub kind: *const c_char,
}

/// A job: called once on a thread of the pool with the pointer that was submitted. What it returns is its result.
///
/// It may call `circlet_job_aborted` and its like. It must not unwind: a C++ exception that leaves it ends the process.
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub type circlet_job = Option<unsafe extern "C" fn(data: *mut c_void) -> i32>;

/// How a job ended.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_completion {
    /// The job, as `circlet_pool_submit` numbered it.
    pub job: u64,
    /// CIRCLET_OK where it has a result. Else CIRCLET_JOB_FAILED, of which `circlet_pool_failure` has the message;
    /// CIRCLET_ABORTED before it started or as it gave in; CIRCLET_TIMED_OUT, the same by its deadline; CIRCLET_DROPPED for
    /// another, as the queue was full; CIRCLET_CLOSED with the pool before it started; CIRCLET_NO_WORKER; or, of a call,
    /// CIRCLET_WORKER_DIED, as its worker did while it ran.
    pub status: i32,
    /// What it returned; 0 where the status is not CIRCLET_OK, and for a call, whose answer `circlet_pool_answers` has.
    pub result: i32,
}

/// Arguments and answer are JSON, UTF-8: an array of arguments, or for Python an object of arguments by name; and the value.
pub const CIRCLET_JSON: u32 = 1;
/// Arguments and answer are Python's pickle: a pair of a tuple and a dict, which are the arguments; and the value.
pub const CIRCLET_PICKLE: u32 = 2;
/// Arguments and answer are structured clones, as `bun:jsc` serializes: an array of arguments; and the value.
pub const CIRCLET_STRUCTURED_CLONE: u32 = 3;

/// What came of a call.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_answer {
    /// The job, as `circlet_pool_call` numbered it.
    pub job: u64,
    /// The value in the call's codec where the status is CIRCLET_OK. Else why there is none, as JSON: `message`; for
    /// CIRCLET_JOB_FAILED what was raised as `type`, `traceback` and, where it can be said in the call's codec, `encoded` (base64);
    /// for CIRCLET_WORKER_DIED `exit_code`, `signal`, `out_of_memory` (null where that is not known), `stderr` (its last lines) and
    /// `kills` (how many workers the call has killed).
    pub data: *const c_void,
    /// Bytes of it.
    pub len: u64,
    /// CIRCLET_OK, or as in `circlet_completion`.
    pub status: i32,
    /// 0.
    pub reserved: u32,
}

/// What came of some calls. The library makes it, and any thread may read it, until `circlet_answers_free`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_answers {
    /// The answers, as many as `circlet_pool_answers` has returned.
    pub items: *const circlet_answer,
    /// The bytes that they lead to, one answer's behind the other's.
    pub bytes: *const c_void,
    /// How many bytes there are.
    pub len: u64,
    /// What holds all of it.
    pub block: *mut c_void,
}

/// A pool of workers. Any number of threads may submit, and fetch results.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_pool {
    pub(super) workforce: Workforce,
    pub(super) failures: Mutex<Failures>,
}

/// Who does the jobs, and where what comes of them waits.
#[derive(Debug)]
pub(super) enum Workforce {
    /// Threads, which run native functions.
    Threads { pool: Pool, line: Line<i32> },
    /// Processes, which answer calls.
    #[cfg(target_os = "linux")]
    Processes(Box<Processes>),
}

/// A pool of processes, the line of its answers, what is kept of what its workers print, and who asks for heap snapshots.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(super) struct Processes {
    pub(super) workers: Workers,
    pub(super) is_python: bool,
    pub(super) line: Line<Answer>,
    pub(super) output: Option<Arc<Kept>>,
    /// Behind the workers, without which nobody waits for them.
    pub(super) askers: Askers,
}

/// A line of results, and the end that they go into, which is gone once the pool is closed.
#[derive(Debug)]
pub(super) struct Line<T> {
    pub(super) completer: RwLock<Option<Completer<T>>>,
    pub(super) completions: Completions<T>,
}
