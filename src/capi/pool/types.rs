//! What the pool of C is given, and what it gives back.

use std::ffi::{c_char, c_void};
use std::sync::{Mutex, RwLock};

use super::next::Failures;
use crate::pool::{Completer, Completions, Pool};

/// Workers that are threads of this process.
pub const CIRCLET_THREADS: u32 = 0;

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
    /// What the workers are: CIRCLET_THREADS, so far.
    pub kind: u32,
    /// The fewest workers; 0 for 1, or for none with CIRCLET_POOL_FROM_ZERO.
    pub min: u32,
    /// The most workers, at most 1024; 0 for as many as the process may use processors.
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
    /// another, as the queue was full; CIRCLET_CLOSED with the pool before it started; or CIRCLET_NO_WORKER.
    pub status: i32,
    /// What it returned; 0 where the status is not CIRCLET_OK.
    pub result: i32,
}

/// A pool of workers. Any number of threads may submit, and fetch results.
#[derive(Debug)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_pool {
    pub(super) pool: Pool,
    /// Gone once the pool is closed, so that the completions have an end.
    pub(super) completer: RwLock<Option<Completer<i32>>>,
    pub(super) completions: Completions<i32>,
    pub(super) failures: Mutex<Failures>,
}
