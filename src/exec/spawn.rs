//! What a process is made to be between its fork and its exec.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::sandbox::Steps;
use super::session::Words;

/// Has the process lead a group of its own, keep these descriptors under their numbers, and die with the thread that
/// starts it.
pub(super) fn prepare(command: &mut Command, passed: &[OwnedFd], confined: Option<Confined>) {
    command.process_group(0);
    die_with_the_starter(command);
    if let Some(confined) = confined {
        let before_exec = move || {
            let Confined { steps, handles, words, .. } = &confined;
            // SAFETY: this is the only thread of a process between fork and exec.
            unsafe { confine(steps, handles, &[], true, words) }
        };
        // SAFETY: the closure makes async-signal-safe calls and allocates nothing.
        unsafe { command.pre_exec(before_exec) };
        // The kernel forgets it where a process changes what it may do.
        die_with_the_starter(command);
    }
    pass_on(command, passed);
}

/// How a process is confined: the steps, what they have descriptors of, and where it says which of them failed.
pub(super) struct Confined {
    pub(super) steps: Steps,
    pub(super) handles: Vec<OwnedFd>,
    pub(super) words: Words,
    /// By what the session hands over where it asks, if it is to do that.
    pub(super) hand: Option<OwnedFd>,
}

/// Confines this process, or says which step failed.
///
/// # Errors
/// The kernel's reason; the process must not go on.
///
/// # Safety
/// As [`Steps::take`].
pub(super) unsafe fn confine(
    steps: &Steps,
    handles: &[OwnedFd],
    kept: &[RawFd],
    is_exec: bool,
    words: &Words,
) -> io::Result<()> {
    // SAFETY: the caller's promise.
    unsafe { steps.take(handles, kept, is_exec) }.map_err(|(stage, error)| {
        words.refuse(stage as u8, error.raw_os_error().unwrap_or(0) as u16);
        error
    })
}

/// Has the process keep descriptors of ours, under their numbers.
fn pass_on(command: &mut Command, passed: &[OwnedFd]) {
    let numbers: Vec<_> = passed.iter().map(AsRawFd::as_raw_fd).collect();
    let before_exec = move || {
        // SAFETY: the calls take integers and are async-signal-safe; the descriptors are open until the process is started.
        let kept = numbers.iter().all(|fd| unsafe { libc::fcntl(*fd, libc::F_SETFD, 0) } == 0);
        if kept { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: the closure makes async-signal-safe calls and allocates nothing.
    unsafe { command.pre_exec(before_exec) };
}

/// Has the kernel kill the process when the thread that starts it ends, so that nothing outlives a killed supervisor.
fn die_with_the_starter(command: &mut Command) {
    let parent = std::process::id();
    let before_exec = move || die_with(parent);
    // SAFETY: the closure makes two async-signal-safe calls and allocates nothing.
    unsafe { command.pre_exec(before_exec) };
}

/// Has the kernel kill this process when the thread of `parent` that is its parent ends.
pub(super) fn die_with(parent: u32) -> io::Result<()> {
    // SAFETY: both calls take integers and are async-signal-safe.
    let orphan = unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 || libc::getppid().unsigned_abs() != parent
    };
    if orphan { Err(io::Error::from_raw_os_error(libc::ESRCH)) } else { Ok(()) }
}
