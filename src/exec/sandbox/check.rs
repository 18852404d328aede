//! Whether the confinement holds: the session locks it and tries what must fail, and the supervisor looks.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use super::bpf::{self, Verdict};
use super::calls;
use super::enter::install;

/// What a session tried that was to fail, and did: a bit each.
const OPEN: u32 = 1;
const CALL: u32 = 2;
const PROGRAM: u32 = 4;
const ALL: u32 = OPEN | CALL | PROGRAM;

/// How a filter is added by which the supervisor is asked: all threads get it, and one that was heard waits for its answer.
pub(super) const LISTENS: libc::c_ulong = libc::SECCOMP_FILTER_FLAG_TSYNC
    | libc::SECCOMP_FILTER_FLAG_TSYNC_ESRCH
    | libc::SECCOMP_FILTER_FLAG_NEW_LISTENER
    | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;

/// Locks this process, with all its threads: from here on nobody can add filters, and programs are started, addresses used and
/// processes made as the supervisor says that `asks` has it asked. Returns where it is asked, if it is.
///
/// # Errors
/// What the kernel says.
pub(in crate::exec) fn lock(asks: u32) -> io::Result<Option<OwnedFd>> {
    let program = bpf::program(&calls::last_verdicts(asks), &Verdict::Allow);
    // All threads get it, or none.
    if asks == 0 {
        return install(&program, libc::SECCOMP_FILTER_FLAG_TSYNC).map(|_| None);
    }
    let listener = install(&program, LISTENS)?;
    // SAFETY: the descriptor is new, and belongs to nobody else.
    Ok(Some(unsafe { OwnedFd::from_raw_fd(listener) }))
}

/// Tries what must fail once this process is locked: to open `canary`, a call that no policy allows, and a program. Returns what
/// did fail, as [`Held`] takes it.
pub(in crate::exec) fn attempt(canary: &CStr) -> u32 {
    let mut failed = 0;
    let error = || io::Error::last_os_error().raw_os_error();
    // SAFETY: the strings outlive the calls. Nothing is asked of the kernel that it would do: a command of the key store that
    // there is not, and a program without a name.
    unsafe {
        let opened = libc::open(canary.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if opened >= 0 {
            libc::close(opened);
        } else if error() == Some(libc::EACCES) {
            failed |= OPEN;
        }
        if libc::syscall(libc::SYS_keyctl, -1, 0, 0, 0, 0) != 0 && error() == Some(libc::EPERM) {
            failed |= CALL;
        }
        let nothing: [*const libc::c_char; 1] = [std::ptr::null()];
        if libc::syscall(libc::SYS_execve, c"".as_ptr(), nothing.as_ptr(), nothing.as_ptr()) != 0
            && error() == Some(libc::EACCES)
        {
            failed |= PROGRAM;
        }
    }
    failed
}

/// What is looked at of a confined process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::exec) struct Held {
    /// What it says that failed.
    pub(in crate::exec) failed: u32,
    /// Whether the policy lets it open everything, the canary included.
    pub(in crate::exec) opens_all: bool,
}

impl Held {
    /// Looks at what the kernel says of a process, and at what that tried; `Err` says what does not hold.
    pub(in crate::exec) fn check(&self, process: u32) -> Result<(), String> {
        let status =
            fs::read_to_string(format!("/proc/{process}/status")).map_err(|error| error.to_string())?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap_or_default().trim()
        };
        for (name, wanted) in [
            ("NoNewPrivs", "1"),
            ("Seccomp", "2"),
            ("CapEff", "0000000000000000"),
            ("CapPrm", "0000000000000000"),
        ] {
            if field(name) != wanted {
                return Err(format!("{name} of process {process} is {}, and is to be {wanted}", field(name)));
            }
        }
        let filters: u32 = field("Seccomp_filters").parse().unwrap_or(2);
        let wanted = if self.opens_all { ALL & !OPEN } else { ALL };
        if filters < 2 || self.failed & wanted != wanted {
            return Err(format!(
                "process {process} has {filters} filters, and of what must fail (1 a file, 2 a call, 4 a program) {} did",
                self.failed
            ));
        }
        Ok(())
    }
}
