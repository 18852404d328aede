//! Submitting and aborting jobs, for C.

use std::borrow::Cow;
use std::ffi::c_void;

use super::job::Work;
use super::{CIRCLET_JOB_IDEMPOTENT, circlet_job, circlet_job_options, circlet_pool};
use crate::capi::call::{Failure, Out, array, array_mut, borrow, call, count, duration, sized, text};
use crate::pool::{Job, JobContext, JobError, JobId};

/// So many jobs are made before the pool is asked for room, which it may not have.
pub(super) const MADE_AT_ONCE: usize = 256;

/// Submits a job: `run` is called once with `data`, on a worker. `options` may be NULL for the defaults.
///
/// `*job` gets its number, 1 for a pool's first and one more for each that follows; `job` may be NULL. Returns 0; CIRCLET_FULL where
/// the queue is full and the pool does not wait, or has waited for long enough; CIRCLET_CLOSED; CIRCLET_INVALID for a pool of
/// processes. How the job ended waits in `circlet_pool_next`. Any thread; but a job that waits for room in the queue of its own pool may wait forever.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says; `run` may be called with `data` on another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_submit(
    pool: *const circlet_pool,
    run: circlet_job,
    data: *mut c_void,
    options: *const circlet_job_options,
    job: *mut u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, wishes) = unsafe { (borrow(pool, "pool")?, Wishes::read(options, "native")?) };
        let run = run.ok_or_else(|| Failure::invalid("run is NULL"))?;
        let work = Work { run, data };
        // SAFETY: the caller's promise.
        unsafe { submit(pool, wishes.job(move |context| work.run(context)), job) }
    })
}

/// Submits `count` jobs at once, each `run` with another of the pointers in `data`, all with the same options. It costs less for
/// each than `circlet_pool_submit`.
///
/// `jobs` gets their numbers, which rise, and follow each other without a gap where nobody else submits meanwhile; it may be
/// NULL. Returns how many jobs were taken in, in their order; fewer than `count` only where the queue is full and the pool does not
/// wait, or has waited for long enough, or was closed. CIRCLET_FULL or CIRCLET_CLOSED where not one of them was. As
/// `circlet_pool_submit` else.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says: `data` to `count` pointers, and `jobs` to room for as many numbers; `run` may
/// be called with each of `data` on another thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_submit_many(
    pool: *const circlet_pool,
    run: circlet_job,
    data: *const *mut c_void,
    count: u32,
    options: *const circlet_job_options,
    jobs: *mut u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, wishes) = unsafe { (borrow(pool, "pool")?, Wishes::read(options, "native")?) };
        let run = run.ok_or_else(|| Failure::invalid("run is NULL"))?;
        // SAFETY: the caller's promise.
        let data = unsafe { array(data, count, "data")? };
        let room = if jobs.is_null() { 0 } else { count };
        // SAFETY: the caller's promise.
        let numbers = unsafe { array_mut(jobs, room, "jobs")? };
        let job = |data: &*mut c_void| {
            let work = Work { run, data: *data };
            wishes.job(move |context| work.run(context))
        };
        let (threads, line) = pool.threads()?;
        let mut ids = Vec::with_capacity(data.len());
        let taken_in = line.completing(|completer| {
            let mut parts = data.chunks(MADE_AT_ONCE);
            Ok(parts
                .try_for_each(|part| threads.submit_batch_to(part.iter().map(job), completer, &mut ids))?)
        });
        numbered(&ids, numbers, taken_in)
    })
}

/// Aborts a job.
///
/// Returns 2 where it waited and now never starts, as its completion says with CIRCLET_ABORTED; 1 where it runs and was asked to
/// stop, which `circlet_job_aborted` tells it; 0 where it is over, or no job has that number. The other jobs do not notice. Any
/// thread.
///
/// # Safety
/// `pool` is NULL or a pool; `job` is NULL or leads to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_abort(pool: *const circlet_pool, job: *const u64) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, id) = unsafe { (borrow(pool, "pool")?, JobId::from(*borrow(job, "job")?)) };
        Ok(if pool.pool().withdraw(id) { 2 } else { pool.pool().abort(id).into() })
    })
}

/// Takes a job out that waits; one that runs goes on.
///
/// Returns 2 where it waited and now never starts, as its completion says with CIRCLET_ABORTED; 0 where it runs or is over, or no job
/// has that number. Any thread.
///
/// # Safety
/// `pool` is NULL or a pool; `job` is NULL or leads to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_withdraw(pool: *const circlet_pool, job: *const u64) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (pool, id) = unsafe { (borrow(pool, "pool")?, JobId::from(*borrow(job, "job")?)) };
        Ok(if pool.pool().withdraw(id) { 2 } else { 0 })
    })
}

/// Tells the numbers of the jobs of a batch that were taken in, and of how many; or why none was.
pub(super) fn numbered(
    ids: &[JobId],
    numbers: &mut [u64],
    taken_in: Result<(), Failure>,
) -> Result<i32, Failure> {
    if ids.is_empty() {
        taken_in?;
    }
    numbers.iter_mut().zip(ids).for_each(|(number, id)| *number = id.get());
    count(ids.len())
}

/// Submits one job.
///
/// # Safety
/// `out` is NULL or has room for a number.
pub(super) unsafe fn submit(pool: &circlet_pool, job: Job<i32>, out: *mut u64) -> Result<i32, Failure> {
    let out = if out.is_null() {
        None
    } else {
        // SAFETY: the caller's promise.
        Some(unsafe { Out::new(out, "job")? })
    };
    let (threads, line) = pool.threads()?;
    let id = line.completing(|completer| Ok(threads.submit_to(job, completer)?))?;
    if let Some(out) = out {
        out.set(id.get());
    }
    Ok(0)
}

/// What is wished for jobs.
pub(super) struct Wishes {
    kind: Cow<'static, str>,
    given: Option<circlet_job_options>,
}

impl Wishes {
    /// # Safety
    /// `options` is NULL or leads to as many bytes as its first field says.
    pub(super) unsafe fn read(
        options: *const circlet_job_options,
        kind: impl Into<Cow<'static, str>>,
    ) -> Result<Self, Failure> {
        // SAFETY: the caller's promise.
        let given = unsafe { sized(options, "options", "circlet_job_options")? };
        let Some(wishes) = given else { return Ok(Self { kind: kind.into(), given }) };
        if wishes.flags & !CIRCLET_JOB_IDEMPOTENT != 0 {
            return Err(Failure::invalid(format!(
                "options.flags is {:#x}: give 0 or CIRCLET_JOB_IDEMPOTENT (1)",
                wishes.flags
            )));
        }
        duration(wishes.deadline_ms, "options.deadline_ms")?;
        let kind = if wishes.kind.is_null() {
            kind.into()
        } else {
            // SAFETY: the caller's promise.
            unsafe { text(wishes.kind, "options.kind")? }.to_owned().into()
        };
        Ok(Self { kind, given })
    }

    /// Sets the size where none was given.
    pub(super) fn or_nodes(mut self, nodes: u64) -> Self {
        let zero = circlet_job_options {
            struct_size: 0,
            priority: 0,
            nodes: 0,
            key: 0,
            deadline_ms: 0.0,
            has_key: 0,
            flags: 0,
            kind: std::ptr::null(),
        };
        let given = self.given.get_or_insert(zero);
        if given.nodes == 0 {
            given.nodes = nodes;
        }
        self
    }

    pub(super) fn job<F>(&self, work: F) -> Job<i32>
    where
        F: FnOnce(&JobContext<'_>) -> Result<i32, JobError> + Send + 'static,
    {
        self.wished(Job::new(self.kind.clone(), work))
    }

    /// Returns the type of the jobs.
    #[cfg(target_os = "linux")]
    pub(super) fn kind(&self) -> Cow<'static, str> {
        self.kind.clone()
    }

    /// Adds to a job what is wished beside its type.
    pub(super) fn wished<T>(&self, mut job: Job<T>) -> Job<T> {
        let Some(given) = self.given else { return job };
        job = job.priority(given.priority);
        if given.nodes > 0 {
            job = job.nodes(given.nodes);
        }
        if given.has_key != 0 {
            job = job.key(given.key);
        }
        if given.deadline_ms != 0.0 {
            // Checked when it was read.
            job = job.deadline(duration(given.deadline_ms, "options.deadline_ms").unwrap_or_default());
        }
        if given.flags & CIRCLET_JOB_IDEMPOTENT != 0 {
            job = job.idempotent();
        }
        job
    }
}
