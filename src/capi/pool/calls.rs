//! Calls of functions in worker processes, for C.

use std::ffi::{c_char, c_void};

use super::answers::Answer;
use super::submit::{MADE_AT_ONCE, Wishes, numbered};
use super::{
    CIRCLET_JSON, CIRCLET_PICKLE, CIRCLET_STRUCTURED_CLONE, Processes, circlet_job_options, circlet_pool,
};
use crate::capi::call::{Failure, Out, array, array_mut, borrow, call, long_array, text};
use crate::exec::{Codec, encoded};
use crate::pool::Job;

/// Submits a call of a function in a worker process. `options` may be NULL for the defaults.
///
/// `function` is `package.module:name` for Python, and the name of an export for Bun. `arguments` are `len` bytes in the codec
/// CIRCLET_JSON, CIRCLET_PICKLE (Python) or CIRCLET_STRUCTURED_CLONE (Bun), and are copied. The type of job is the function's name
/// unless the options say otherwise. `*job` gets its number; `job` may be NULL. What comes of it waits in
/// `circlet_pool_answers`.
///
/// Returns 0; CIRCLET_FULL, CIRCLET_CLOSED as `circlet_pool_submit`; CIRCLET_TOO_LARGE for a call of more than 1 GiB; CIRCLET_INVALID
/// for a pool of threads, and for a codec that the workers do not know. Any thread.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says, `arguments` to `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_call(
    pool: *const circlet_pool,
    function: *const c_char,
    codec: u32,
    arguments: *const c_void,
    len: u64,
    options: *const circlet_job_options,
    job: *mut u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (processes, name) = unsafe { (borrow(pool, "pool")?.processes()?, text(function, "function")?) };
        // SAFETY: the caller's promise.
        let (wishes, arguments) = unsafe {
            (
                Wishes::read(options, name.to_owned())?,
                long_array(arguments.cast::<u8>(), len as usize, "arguments")?,
            )
        };
        let out = if job.is_null() {
            None
        } else {
            // SAFETY: the caller's promise.
            Some(unsafe { Out::new(job, "job")? })
        };
        let job = processes.job(&wishes, name, processes.codec(codec)?, arguments)?;
        let id = processes
            .line
            .completing(|completer| Ok(processes.workers.pool().submit_to(job, completer)?))?;
        if let Some(out) = out {
            out.set(id.get());
        }
        Ok(0)
    })
}

/// Submits `count` calls of one function at once, all with the same options. It costs less for each than
/// `circlet_pool_call`.
///
/// `arguments` holds those of all calls, one behind the other, and `lens` how many bytes each has. `jobs` gets their numbers, as
/// in `circlet_pool_submit_many`; it may be NULL. Returns how many calls were taken in, as that does; else as `circlet_pool_call`.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says: `lens` to `count` numbers, `arguments` to as many bytes as they sum up to, and
/// `jobs` to room for `count` numbers.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn circlet_pool_call_many(
    pool: *const circlet_pool,
    function: *const c_char,
    codec: u32,
    arguments: *const c_void,
    lens: *const u64,
    count: u32,
    options: *const circlet_job_options,
    jobs: *mut u64,
) -> i32 {
    call(|| {
        // SAFETY: the caller's promise.
        let (processes, name) = unsafe { (borrow(pool, "pool")?.processes()?, text(function, "function")?) };
        // SAFETY: the caller's promise.
        let (wishes, lens) =
            unsafe { (Wishes::read(options, name.to_owned())?, array(lens, count, "lens")?) };
        let len = lens.iter().try_fold(0_u64, |sum, len| sum.checked_add(*len));
        let len = len.ok_or_else(|| Failure::invalid("lens sum up to more than memory can hold"))?;
        let room = if jobs.is_null() { 0 } else { count };
        // SAFETY: the caller's promise.
        let (mut arguments, numbers) = unsafe {
            (long_array(arguments.cast::<u8>(), len as usize, "arguments")?, array_mut(jobs, room, "jobs")?)
        };
        let codec = processes.codec(codec)?;
        let mut ids = Vec::with_capacity(lens.len());
        let taken_in = processes.line.completing(|completer| {
            for part in lens.chunks(MADE_AT_ONCE) {
                let jobs = part.iter().map(|len| {
                    let (own, rest) = arguments.split_at(*len as usize);
                    arguments = rest;
                    processes.job(&wishes, name, codec, own)
                });
                let jobs = jobs.collect::<Result<Vec<_>, _>>()?;
                processes.workers.pool().submit_batch_to(jobs, completer, &mut ids)?;
            }
            Ok(())
        });
        numbered(&ids, numbers, taken_in)
    })
}

impl Processes {
    fn job(
        &self,
        wishes: &Wishes,
        function: &str,
        codec: Codec,
        arguments: &[u8],
    ) -> Result<Job<Answer>, Failure> {
        let read = |answer: &[u8]| Ok(Answer::new(answer));
        Ok(wishes.wished(encoded(wishes.kind(), function, codec, arguments, read)?))
    }

    fn codec(&self, codec: u32) -> Result<Codec, Failure> {
        match (codec, self.is_python) {
            (CIRCLET_JSON, _) => Ok(Codec::Json),
            (CIRCLET_PICKLE, true) => Ok(Codec::Pickle),
            (CIRCLET_STRUCTURED_CLONE, false) => Ok(Codec::StructuredClone),
            (other, true) => Err(Failure::invalid(format!(
                "codec is {other}: workers of Python know CIRCLET_JSON (1) and CIRCLET_PICKLE (2)"
            ))),
            (other, false) => Err(Failure::invalid(format!(
                "codec is {other}: workers of Bun know CIRCLET_JSON (1) and CIRCLET_STRUCTURED_CLONE (3)"
            ))),
        }
    }
}
