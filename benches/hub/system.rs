//! What only the kernel knows: the monotonic clock, the memory and the processor time of a server, how many descriptors there may be.
#![allow(unsafe_code, reason = "clocks, signals and limits that the standard library does not have")]

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::Outcome;

/// What a process has of memory, in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) rss: f64,
    pub(crate) pss: f64,
    pub(crate) anonymous: f64,
}

/// Reads the memory of a process, which takes the kernel a walk over all its pages.
pub(crate) fn memory(pid: u32) -> Outcome<Memory> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let kib = |name: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        number.ok_or_else(|| format!("/proc/{pid}/smaps_rollup has no {name}"))
    };
    Ok(Memory { rss: kib("Rss")?, pss: kib("Pss")?, anonymous: kib("Anonymous")? })
}

/// Reads how much of a process is resident, in KiB. This is cheap, and may lag by some pages for each thread.
pub(crate) fn rss(pid: u32) -> Outcome<f64> {
    let pages = std::fs::read_to_string(format!("/proc/{pid}/statm"))?;
    let pages: f64 = pages.split(' ').nth(1).ok_or("statm has one number")?.parse()?;
    // SAFETY: sysconf takes a number and returns one.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    Ok(pages * page as f64 / 1024.0)
}

/// Gives the time of CLOCK_MONOTONIC, which is the same in every process.
pub(crate) fn monotonic_ns() -> u64 {
    nanoseconds(libc::CLOCK_MONOTONIC)
}

/// Gives the processor time that a process has used, in seconds, its ended threads' included.
pub(crate) fn processor_seconds(pid: u32) -> Outcome<f64> {
    let mut clock = 0;
    // SAFETY: `clock` lives until the call returns.
    match unsafe { libc::clock_getcpuclockid(pid as libc::pid_t, &raw mut clock) } {
        0 => Ok(nanoseconds(clock) as f64 / 1e9),
        error => Err(io::Error::from_raw_os_error(error).into()),
    }
}

fn nanoseconds(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` lives until the call returns; it stays zero where the clock's process has ended.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Has as many descriptors allowed as may be, for servers too, which inherit the limit. Gives how many.
pub(crate) fn raise_descriptor_limit() -> Outcome<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` lives until the call returns.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Err(io::Error::last_os_error().into());
    }
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: as above.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } != 0 {
        return Err(io::Error::last_os_error().into());
    }
    Ok(limit.rlim_max)
}

/// Has the kernel end the process when the thread that starts it ends, however that comes about.
pub(crate) fn end_with_this_thread(command: &mut Command) {
    // SAFETY: prctl is a bare system call, as is allowed between fork and exec.
    unsafe {
        command.pre_exec(|| match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        });
    }
}

/// Asks a child, which has not been waited for, to end.
pub(crate) fn terminate(pid: u32) {
    // SAFETY: kill takes two numbers.
    unsafe { libc::kill(pid as libc::pid_t, libc::SIGTERM) };
}
