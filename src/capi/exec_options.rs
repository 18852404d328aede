//! What executors and pools of sessions are made with, for C.

use std::ffi::c_char;
use std::time::Duration;

use super::call::{Failure, array, borrow, duration, sized, text};
use super::ring::circlet_ring;
use crate::exec::policy::Policy;
use crate::exec::{Builder, Error, Executor, Grace};
use crate::ring::Wait;

/// What an executor is made with. Zero and NULL mean the default everywhere.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(non_camel_case_types, reason = "the name that C sees")]
pub struct circlet_executor_options {
    /// `sizeof(circlet_executor_options)`, so that later versions can add fields.
    pub struct_size: u32,
    /// How many rings there are in the two arrays below.
    pub ring_count: u32,
    /// How many modules there are to be loaded beforehand.
    pub preload_count: u32,
    /// How many sessions are kept ready to take the place of one that ends, by a process that forks them (a fork server), which has
    /// `preload` loaded; without either there is none.
    pub ready: u32,
    /// What the code calls each ring, as in `rings["points"]`.
    pub ring_names: *const *const c_char,
    /// The rings themselves.
    pub rings: *const *const circlet_ring,
    /// The names of modules that the fork server imports. One that starts threads is refused.
    pub preload: *const *const c_char,
    /// The interpreter: a path, or a program on PATH; NULL for `python3`.
    pub python: *const c_char,
    /// The program that runs TypeScript in the place of Python, such as `bun`; NULL for Python.
    pub bun: *const c_char,
    /// What the code may do, which the kernel enforces: a policy as JSON, a template's name such as "no-network", the path of a file of
    /// JSON, or a JSON array of such policies and strings, all of which hold; NULL for no confinement. See `docs/policies.md`.
    pub policy: *const c_char,
    /// How long a session has to be ready, in milliseconds; 0 for 10 s.
    pub ready_within_ms: f64,
    /// How many bytes of what a run prints are kept; 0 for 16 MiB. A notice stands for the rest.
    pub output_max: u64,
    /// How long code has from SIGINT to SIGINT for its whole group, in milliseconds; 0 for 1 s.
    pub grace_ms: f64,
    /// How long it has from there to SIGKILL, in milliseconds; 0 for 1 s.
    pub kill_ms: f64,
    /// How long both sides look for each other before they sleep, in microseconds; 0 for 50, below 0 not at all.
    pub spin_us: f64,
    /// A session is replaced, between two runs, once it has so many more bytes in memory than at its start; 0 for never.
    pub recycle_above: u64,
    /// A session is replaced after so many runs; 0 for never.
    pub recycle_after: u32,
    /// 0.
    pub reserved: u32,
}

/// Makes a builder of the options; NULL are the defaults.
///
/// # Safety
/// Each pointer is NULL or leads to what its type says, the arrays to `ring_count` and `preload_count` entries.
pub(super) unsafe fn builder(options: *const circlet_executor_options) -> Result<Builder, Failure> {
    let mut builder = Executor::builder();
    // SAFETY: the caller's promise.
    let Some(options) = (unsafe { sized(options, "options", "circlet_executor_options")? }) else {
        return Ok(builder);
    };
    if !options.python.is_null() {
        // SAFETY: the caller's promise.
        builder = builder.python(unsafe { text(options.python, "options.python")? });
    }
    if !options.bun.is_null() {
        if !options.python.is_null() {
            return Err(Failure::invalid("options.python and options.bun are both given: give one of them"));
        }
        // SAFETY: the caller's promise.
        builder = builder.bun(unsafe { text(options.bun, "options.bun")? });
    }
    if !options.policy.is_null() {
        // SAFETY: the caller's promise.
        let policies = unsafe { text(options.policy, "options.policy")? };
        let policies = Policy::given(policies).map_err(Error::from)?;
        builder = policies.into_iter().fold(builder, Builder::policy);
    }
    if options.ready_within_ms != 0.0 {
        builder = builder.ready_within(duration(options.ready_within_ms, "options.ready_within_ms")?);
    }
    if options.output_max != 0 {
        builder = builder.output_max(usize::try_from(options.output_max).unwrap_or(usize::MAX));
    }
    let mut grace = Grace::default();
    for (step, given, what) in [
        (&mut grace.group, options.grace_ms, "options.grace_ms"),
        (&mut grace.kill, options.kill_ms, "options.kill_ms"),
    ] {
        if given != 0.0 {
            *step = duration(given, what)?;
        }
    }
    builder = builder.grace(grace);
    if options.spin_us != 0.0 {
        builder = builder.wait(wait(options.spin_us)?);
    }
    if options.ready != 0 {
        builder = builder.ready(options.ready as usize);
    }
    // SAFETY: the caller's promise.
    for name in unsafe { array(options.preload, options.preload_count, "options.preload")? } {
        // SAFETY: the caller's promise.
        builder = builder.preload(unsafe { text(*name, "a module's name")? });
    }
    if options.recycle_after != 0 {
        builder = builder.recycle_after(options.recycle_after);
    }
    if options.recycle_above != 0 {
        builder = builder.recycle_above(options.recycle_above);
    }
    let count = options.ring_count;
    // SAFETY: the caller's promise.
    let (names, rings) = unsafe {
        (
            array(options.ring_names, count, "options.ring_names")?,
            array(options.rings, count, "options.rings")?,
        )
    };
    for (name, ring) in names.iter().zip(rings) {
        // SAFETY: the caller's promise.
        let (name, ring) = unsafe { (text(*name, "a ring's name")?, borrow(*ring, "a ring")?) };
        builder = builder.ring(name, ring.ring());
    }
    Ok(builder)
}

fn wait(spin_us: f64) -> Result<Wait, Failure> {
    if spin_us < 0.0 {
        return Ok(Wait::SLEEP);
    }
    let time = Duration::try_from_secs_f64(spin_us / 1e6).map_err(|error| {
        Failure::invalid(format!("options.spin_us is {spin_us:e}: give microseconds, or below 0 ({error})"))
    })?;
    Ok(Wait::spin_for(time))
}
