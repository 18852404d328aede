//! Making pools of processes, for C.

use std::ffi::c_char;
use std::io::{Write, stderr, stdout};
use std::sync::Arc;

use super::heap::Askers;
use super::output::Kept;
use super::{
    CIRCLET_OUTPUT_DROP, CIRCLET_OUTPUT_KEEP, CIRCLET_OUTPUT_PASS_ON, Line, Processes,
    circlet_process_options,
};
use crate::capi::call::{Failure, array, duration, sized, text};
use crate::exec::{Limits, Stream, Workers, WorkersBuilder};
use crate::pool::Builder;

/// How much of what workers print is kept unless the options say.
const OUTPUT_BYTES: usize = 1 << 20;

/// Starts a pool of processes.
///
/// # Safety
/// `options` is NULL or leads to as many bytes as its first field says, and each pointer in it to what its type says.
pub(super) unsafe fn open(
    pool: Builder,
    is_python: bool,
    options: *const circlet_process_options,
) -> Result<Processes, Failure> {
    // SAFETY: the caller's promise.
    let given = unsafe { sized(options, "options.processes", "circlet_process_options")? };
    // SAFETY: the caller's promise.
    let builder = unsafe { described(is_python, given.as_ref())? };
    let (builder, output) = match given.map_or(CIRCLET_OUTPUT_PASS_ON, |given| given.output) {
        CIRCLET_OUTPUT_PASS_ON => (builder.output(|_, stream, bytes| pass_on(stream, bytes)), None),
        CIRCLET_OUTPUT_DROP => (builder, None),
        CIRCLET_OUTPUT_KEEP => {
            let most = given.map_or(0, |given| given.output_bytes as usize);
            let kept = Arc::new(Kept::new(if most == 0 { OUTPUT_BYTES } else { most }));
            let keeper = kept.clone();
            (builder.output(move |worker, stream, bytes| keeper.keep(worker, stream, bytes)), Some(kept))
        }
        other => {
            return Err(Failure::invalid(format!(
                "options.processes.output is {other}: give CIRCLET_OUTPUT_PASS_ON (0), CIRCLET_OUTPUT_DROP (1) or \
                 CIRCLET_OUTPUT_KEEP (2)"
            )));
        }
    };
    let workers = builder.pool(pool).build()?;
    Ok(Processes { workers, is_python, line: Line::new(), output, askers: Askers::default() })
}

/// # Safety
/// As [`open`].
unsafe fn described(
    is_python: bool,
    given: Option<&circlet_process_options>,
) -> Result<WorkersBuilder, Failure> {
    // SAFETY: the caller's promise, of each string that is asked for.
    let string = |string: *const c_char, what: &'static str| unsafe {
        if string.is_null() { Ok(None) } else { text(string, what).map(Some) }
    };
    let script = given.map_or(Ok(None), |given| string(given.script, "options.processes.script"))?;
    let mut builder = match (is_python, script) {
        (true, None) => Workers::python(),
        (false, Some(script)) => Workers::bun(script),
        (true, Some(_)) => {
            return Err(Failure::invalid(
                "options.processes.script is for CIRCLET_BUN: name Python's functions as module:function",
            ));
        }
        (false, None) => {
            return Err(Failure::invalid(
                "options.processes.script is NULL: give the script whose exports CIRCLET_BUN calls",
            ));
        }
    };
    let Some(given) = given else { return Ok(builder) };
    if let Some(program) = string(given.program, "options.processes.program")? {
        builder = builder.program(program);
    }
    if let Some(library) = string(given.library, "options.processes.library")? {
        builder = builder.library(library);
    }
    if let Some(main) = string(given.main, "options.processes.main")? {
        builder = builder.main_module(main);
    }
    // SAFETY: the caller's promise.
    let folders =
        unsafe { array(given.module_paths, given.module_path_count, "options.processes.module_paths")? };
    for folder in folders {
        // SAFETY: the caller's promise.
        builder = builder.module_path(unsafe { text(*folder, "one of options.processes.module_paths")? });
    }
    if given.ready_within_ms != 0.0 {
        let what = "options.processes.ready_within_ms";
        builder = builder.ready_within(duration(given.ready_within_ms, what)?);
    }
    if given.grace_ms != 0.0 {
        builder = builder.grace(duration(given.grace_ms, "options.processes.grace_ms")?);
    }
    Ok(builder.limits(limits(given)?))
}

fn limits(given: &circlet_process_options) -> Result<Limits, Failure> {
    let mut limits = Limits::new();
    if given.memory > 0 {
        limits = limits.memory(given.memory);
    }
    if given.hard_memory > 0 {
        limits = limits.hard_memory(given.hard_memory);
    }
    if given.tasks > 0 {
        limits = limits.tasks(given.tasks);
    }
    if given.lifetime_ms != 0.0 {
        limits = limits.lifetime(duration(given.lifetime_ms, "options.processes.lifetime_ms")?);
    }
    Ok(limits)
}

/// Prints what a worker printed. Where that fails, nobody is there to be told.
fn pass_on(stream: Stream, bytes: &[u8]) {
    match stream {
        Stream::Stdout => {
            let mut stdout = stdout().lock();
            let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
        }
        Stream::Stderr => {
            let _ = stderr().write_all(bytes);
        }
    }
}
